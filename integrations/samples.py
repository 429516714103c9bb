"""Code that runs as it stands: one request to the API in the three languages that people copy it into, or by MCP."""

import json
from typing import Any, Final

from django.conf import settings

ROOT: Final = "/api/v3.1"
LANGUAGES: Final = ("curl", "Python", "TypeScript")
MCP_ACCEPTS: Final = "accept: application/json, text/event-stream"


def samples(method: str, path: str, body: Any = None) -> list[tuple[str, str]]:
    """The language and the code, the key taken from the environment."""
    url = f"{settings.BASE_URL}{ROOT}{path}"
    text = "" if body is None else json.dumps(body, indent=2, ensure_ascii=False)
    makers = (_curl, _python, _typescript)
    return [(language, make(method, url, text)) for language, make in zip(LANGUAGES, makers, strict=True)]


def tool_samples(owner_id: str, tool: str, version: str, arguments: Any) -> list[tuple[str, str]]:
    """One run under that ID: over the API, and by MCP as configuration for a client and as the call that it makes."""
    body = {"user_id": owner_id, "version": version, "arguments": arguments}
    url = f"{settings.BASE_URL}/mcp/{owner_id}/"
    return [
        *samples("POST", f"/tools/execute/{tool}", body),
        ("MCP: configuration of a client", _mcp_server(url)),
        ("MCP: tools/call", _mcp_call(url, tool, arguments)),
    ]


def _mcp_server(url: str) -> str:
    server = {"type": "http", "url": url, "headers": {"x-api-key": "YOUR_API_KEY"}}
    return json.dumps({"mcpServers": {"switchboard": server}}, indent=2)


def _mcp_call(url: str, tool: str, arguments: Any) -> str:
    call = {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": {"name": tool, "arguments": arguments}}
    return _curl("POST", url, json.dumps(call, indent=2, ensure_ascii=False), MCP_ACCEPTS)


def _curl(method: str, url: str, body: str, *headers: str) -> str:
    lines = [f"curl -X {method} '{url}'", '-H "x-api-key: $SWITCHBOARD_API_KEY"']
    lines += [f"-H '{header}'" for header in headers]
    if body:
        quoted = body.replace("'", "'\\''")
        lines += ["-H 'content-type: application/json'", f"-d '{quoted}'"]
    return " \\\n  ".join(lines)


def _python(method: str, url: str, body: str) -> str:
    sent = f"    data=json.dumps({_literal(body)}).encode(),\n" if body else ""
    head = "import json, os, urllib.request\n\n"
    return (
        f"{head}request = urllib.request.Request(\n"
        f'    "{url}",\n'
        f'    method="{method}",\n'
        f"{sent}"
        '    headers={"x-api-key": os.environ["SWITCHBOARD_API_KEY"], "content-type": "application/json"},\n'
        ")\n"
        "print(json.load(urllib.request.urlopen(request)))"
    )


def _literal(body: str) -> str:
    """JSON as Python writes it."""
    return repr(json.loads(body))


def _typescript(method: str, url: str, body: str) -> str:
    sent = f"  body: JSON.stringify({body}),\n" if body else ""
    return (
        f'const response = await fetch("{url}", {{\n'
        f'  method: "{method}",\n'
        '  headers: { "x-api-key": process.env.SWITCHBOARD_API_KEY!, "content-type": "application/json" },\n'
        f"{sent}"
        "});\n"
        "console.log(await response.json());"
    )
