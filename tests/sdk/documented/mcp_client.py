from composio import Composio

composio = Composio()
session = composio.create(user_id="user_123")
url = session.mcp.url
headers = session.mcp.headers
# Use them with any MCP-compatible client
