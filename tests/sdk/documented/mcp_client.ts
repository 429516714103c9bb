import { Composio } from "@composio/core";

const composio = new Composio();
const session = await composio.create("user_123");
const url = session.mcp.url;
const headers = session.mcp.headers;
// Use them with any MCP-compatible client
