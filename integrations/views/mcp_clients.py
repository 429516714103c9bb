"""What people copy into their MCP client to reach a session, ready but for the key."""

import json
import re
from dataclasses import dataclass
from typing import Any, Final

KEY: Final = "YOUR_API_KEY"
HEADER: Final = "x-api-key"


@dataclass(frozen=True)
class ClientConfig:
    """One client: where its configuration stands, and the text to paste there."""

    client: str
    place: str
    text: str


def client_configs(url: str, name: str) -> list[ClientConfig]:
    """The usual clients, each with the address and the header of the key."""
    label = f"switchboard-{re.sub('[^a-z0-9]+', '-', name.lower()).strip('-') or 'session'}"
    headers = {HEADER: KEY}
    bridge = {"command": "npx", "args": ["-y", "mcp-remote", url, "--header", f"{HEADER}:${{SWITCHBOARD_KEY}}"]}
    desktop = {"mcpServers": {label: {**bridge, "env": {"SWITCHBOARD_KEY": KEY}}}}
    cursor = {"mcpServers": {label: {"url": url, "headers": headers}}}
    asked = {"type": "promptString", "id": "switchboard-key", "description": "Switchboard API key", "password": True}
    code_headers = {HEADER: "${input:switchboard-key}"}
    code = {"inputs": [asked], "servers": {label: {"type": "http", "url": url, "headers": code_headers}}}
    command = f'claude mcp add --transport http {label} {url} \\\n  --header "{HEADER}: {KEY}"'
    return [
        ClientConfig("Claude Code", "In a terminal", command),
        ClientConfig("Claude Desktop", "claude_desktop_config.json", _json(desktop)),
        ClientConfig("Cursor", ".cursor/mcp.json", _json(cursor)),
        ClientConfig("VS Code", ".vscode/mcp.json", _json(code)),
        ClientConfig("OpenAI Agents SDK", "Python", AGENTS.format(name=label, url=url, header=HEADER, key=KEY)),
        ClientConfig("Any other client", "JSON", _json({"type": "http", "url": url, "headers": headers})),
    ]


def _json(value: Any) -> str:
    return json.dumps(value, indent=2)


AGENTS: Final = """\
from agents.mcp import MCPServerStreamableHttp

server = MCPServerStreamableHttp(
    name="{name}",
    params={{
        "url": "{url}",
        "headers": {{"{header}": "{key}"}},
    }},
)"""
