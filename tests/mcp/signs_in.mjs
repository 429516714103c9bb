// An agent that signs in by OAuth: says where its person has to go, reads the code, connects, lists the tools.
import { createInterface } from "node:readline/promises";
import { UnauthorizedError } from "@modelcontextprotocol/sdk/client/auth.js";
import { Client } from "@modelcontextprotocol/sdk/client/index.js";
import { StreamableHTTPClientTransport } from "@modelcontextprotocol/sdk/client/streamableHttp.js";

const [address, redirectUrl] = process.argv.slice(2);
const kept = {};
const authProvider = {
  redirectUrl,
  clientMetadata: { client_name: "TypeScript agent", redirect_uris: [redirectUrl] },
  clientInformation: () => kept.client,
  saveClientInformation: (client) => (kept.client = client),
  tokens: () => kept.tokens,
  saveTokens: (tokens) => (kept.tokens = tokens),
  redirectToAuthorization: (url) => console.log(url.toString()),
  saveCodeVerifier: (verifier) => (kept.verifier = verifier),
  codeVerifier: () => kept.verifier,
};
const open = () => new StreamableHTTPClientTransport(new URL(address), { authProvider });
const client = () => new Client({ name: "switchboard-test", version: "1" });

const first = open();
try {
  await client().connect(first);
  throw new Error("let in without signing in");
} catch (error) {
  if (!(error instanceof UnauthorizedError)) throw error;
}
const lines = createInterface({ input: process.stdin });
for await (const code of lines) {
  await first.finishAuth(code);
  break;
}
const agent = client();
await agent.connect(open());
const { tools } = await agent.listTools();
await agent.close();
console.log(JSON.stringify({ tools: tools.map((tool) => tool.name), scope: kept.tokens.scope }));
process.exit(0);
