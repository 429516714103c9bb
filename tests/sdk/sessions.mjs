// The same as sessions.py, with the SDK for TypeScript: all that a tool session can do, and lists to their ends.
import { Composio } from "@composio/core";

const { SDK_USER: user, SDK_SESSION: known, SDK_WORK: work } = process.env;
const composio = new Composio({ apiKey: process.env.SDK_KEY, baseURL: process.env.SDK_URL, allowTracking: false });
const raw = composio.getClient().toolRouter.session;
const found = {};
const tried = (work) => work().then((answer) => `no error: ${JSON.stringify(answer)}`, (error) => `${error.name}: ${error}`);
const meta = async (session, slug, args) => (await raw.executeMeta(session, { slug, arguments: args })).data;

// The words of the other SDKs for what an execution left.
const ran = ({ data, error, logId }) => ({ data, error, log_id: logId });

async function begin() {
  const session = await composio.create(user, { toolkits: ["sandbox", "hackernews"] });
  [found.session, found.config] = [session.sessionId, session.config.toolkits];
  const authorized = await session.authorize("sandbox", { alias: "Work" });
  found.work = [authorized.id, authorized.redirectUrl];
  found.connections = await meta(session.sessionId, "COMPOSIO_MANAGE_CONNECTIONS", {
    toolkits: ["sandbox", "hackernews", "nothing"],
  });
}

async function use() {
  const session = await composio.use(known);
  const searched = await session.search({ query: "read the messages of my mailbox" });
  found.searched = {
    success: searched.success,
    error: searched.error,
    results: searched.results.map((one) => ({
      primary_tool_slugs: one.primaryToolSlugs,
      use_case: one.useCase,
      toolkits: one.toolkits,
    })),
    tool_schemas: searched.toolSchemas,
    toolkit_connection_statuses: searched.toolkitConnectionStatuses.map((one) => ({
      toolkit: one.toolkit,
      has_active_connection: one.hasActiveConnection,
    })),
  };
  found.newest = ran(await session.execute("SANDBOX_GET_PROFILE"));
  found.by_name = ran(await session.execute("SANDBOX_GET_PROFILE", {}, { account: "Work" }));
  found.by_id = ran(await session.execute("SANDBOX_GET_PROFILE", {}, { account: work }));
  found.unknown_name = await tried(() => session.execute("SANDBOX_GET_PROFILE", {}, { account: "Nobody's" }));
  const nowhere = { message_id: "3f0c9a52-6c1e-5d7e-9a55-2b8f1c0d4e6a" };
  found.failed = ran(await session.execute("SANDBOX_GET_MESSAGE", nowhere));
  const queries = [{ use_case: "post to a channel" }];
  found.through_execute = ran(await session.execute("COMPOSIO_SEARCH_TOOLS", { queries }));
  const tools = [
    { tool_slug: "SANDBOX_GET_PROFILE", arguments: {}, account: "Work" },
    { tool_slug: "NO_SUCH_TOOL", arguments: {} },
    { tool_slug: "SANDBOX_GET_PROFILE", arguments: {} },
  ];
  found.several = await meta(known, "COMPOSIO_MULTI_EXECUTE_TOOL", { tools });
  found.schemas = await meta(known, "COMPOSIO_GET_TOOL_SCHEMAS", { tool_slugs: ["SANDBOX_SEND_MESSAGE"] });
  found.connections = await meta(known, "COMPOSIO_MANAGE_CONNECTIONS", { toolkits: ["sandbox"] });
  await lists();
  await changes(session);
}

async function lists() {
  const client = composio.getClient();
  found.tools = await pages((more) => client.tools.list({ toolkit_slug: "sandbox", limit: 3, ...more }));
  const wanted = { userIds: [user], toolkitSlugs: ["sandbox"], statuses: ["ACTIVE"], limit: 1 };
  found.accounts = await pages((more) => composio.connectedAccounts.list({ ...wanted, ...more }));
}

async function pages(ask) {
  const got = [];
  for (let cursor = ""; cursor !== null && cursor !== undefined && got.length < 10; ) {
    const page = await ask(cursor ? { cursor } : {});
    got.push(page.items.map((one) => one.slug ?? one.id));
    cursor = "next_cursor" in page ? page.next_cursor : page.nextCursor;
  }
  return got;
}

async function changes(session) {
  await session.update({ connectedAccounts: { sandbox: [work] } });
  found.pinned = session.config.connected_accounts;
  found.as_pinned = ran(await session.execute("SANDBOX_GET_PROFILE"));
  await session.update({ connectedAccounts: {}, toolkits: { enable: ["hackernews"] } });
  found.narrowed = session.config.toolkits;
  found.left_out = await tried(() => session.execute("SANDBOX_GET_PROFILE"));
  found.read_again = (await composio.use(known)).config.toolkits;
  found.deleted = await session.delete();
  found.gone = await tried(() => session.execute("SANDBOX_GET_PROFILE"));
}

await { begin, use }[process.argv[2]]();
console.log(JSON.stringify(found));
