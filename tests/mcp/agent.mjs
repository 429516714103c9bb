// One agent: connects, lists the tools, calls what it was told to, and prints what it saw as JSON.
// With capabilities it says what it can do for its person; where it is sent to a page, it prints which.
import { Client } from "@modelcontextprotocol/sdk/client/index.js";
import { StreamableHTTPClientTransport } from "@modelcontextprotocol/sdk/client/streamableHttp.js";
import { UrlElicitationRequiredError } from "@modelcontextprotocol/sdk/types.js";

const [url, key, calls, capabilities] = process.argv.slice(2);
const transport = new StreamableHTTPClientTransport(new URL(url), { requestInit: { headers: { "x-api-key": key } } });
const options = capabilities ? { capabilities: JSON.parse(capabilities) } : undefined;
const client = new Client({ name: "switchboard-test", version: "1" }, options);
await client.connect(transport);
const { tools } = await client.listTools();
const results = [];
for (const [name, args] of JSON.parse(calls)) {
  try {
    results.push(await client.callTool({ name, arguments: args }));
  } catch (error) {
    if (!(error instanceof UrlElicitationRequiredError)) throw error;
    results.push({ code: error.code, elicitations: error.elicitations });
  }
}
await client.close();
console.log(JSON.stringify({ tools: tools.map((tool) => tool.name), results }));
