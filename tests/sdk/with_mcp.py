"""What a session of the SDK gives for MCP, handed to the official client of MCP."""

from __future__ import annotations

import asyncio
from typing import Any

import httpx2
from mcp.client import Client
from mcp.client.streamable_http import streamable_http_client

SEARCH = ("COMPOSIO_SEARCH_TOOLS", {"queries": [{"use_case": "get a repository"}]})
GET = {"tool_slug": "GITHUB_GET_REPO", "arguments": {"owner": "example", "repo": "repo"}}
RUN_EACH = ("COMPOSIO_MULTI_EXECUTE_TOOL", {"tools": [GET, {"tool_slug": "NO_SUCH_TOOL", "arguments": {}}]})


def runs_by_mcp(left: dict[str, Any], url: str, key: str) -> None:
    """`left` has the address and the headers, as the SDK says them; the tools that the API announces are understood."""
    assert left["url"].startswith(f"{url}/mcp/sessions/trs_")
    assert left["headers"] == {"x-api-key": key}

    tools, found, ran = asyncio.run(_asked(left["url"], left["headers"]))

    assert {"SWITCHBOARD_SEARCH_TOOLS", "GITHUB_GET_REPO"} <= set(tools)
    assert "GITHUB_GET_REPO" in found["data"]["results"][0]["primary_tool_slugs"]
    assert (ran["data"]["total_count"], ran["data"]["success_count"]) == (2, 1), ran
    assert ran["data"]["results"][0]["response"]["data"]["full_name"] == "example/repo"


async def _asked(url: str, headers: dict[str, str]) -> tuple[list[str], Any, Any]:
    async with (
        httpx2.AsyncClient(headers=headers, timeout=60, trust_env=False) as http,
        Client(streamable_http_client(url, http_client=http)) as client,
    ):
        tools = [tool.name for tool in (await client.list_tools()).tools]
        found, ran = [(await client.call_tool(*one)).structured_content for one in (SEARCH, RUN_EACH)]
        return tools, found, ran
