"""The official clients, over HTTP, against the product as a newcomer starts it: web, worker, queue and all."""

import asyncio
import json
import os
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx2
import pytest
from mcp import MCPError
from mcp.client import Client
from mcp.client.streamable_http import streamable_http_client
from mcp.shared.exceptions import UrlElicitationRequiredError
from mcp_types import ElicitResult

from tests.browser.conftest import start_product
from tests.databases import own_database

pytestmark = pytest.mark.emulate
HERE = Path(__file__).resolve().parent
SDK = HERE / "node_modules" / "@modelcontextprotocol" / "sdk"
SEARCH = ("SWITCHBOARD_SEARCH_TOOLS", {"query": "list messages"})
MISSING = ("SANDBOX_LIST_MESSAGES", {})
UNKNOWN = ("NO_SUCH_TOOL", {})
ANNOUNCED = ("COMPOSIO_SEARCH_TOOLS", {"queries": [{"use_case": "list messages"}]})  # as the API calls it
CALLS = [SEARCH, MISSING, UNKNOWN, ANNOUNCED]
MAKE = """
import json
from django.utils import timezone
from accounts.models import User
from integrations.models import Toolkit
from tests.factories import make_api_key, make_session
alice = User.objects.get(username="alice")
session = make_session(*Toolkit.objects.all(), owner=alice)
key, text = make_api_key(alice, now=timezone.now())
print(json.dumps({"path": f"/mcp/sessions/{session.text_id}/", "key": text}))
"""


@dataclass(frozen=True)
class Address:
    """What a person copies into an agent."""

    url: str
    key: str


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Address]:
    folder = tmp_path_factory.mktemp("agents")
    with own_database(folder) as database_url:
        for product in start_product(folder, {"DATABASE_URL": database_url}):
            made = json.loads(product.manage("shell", "--no-imports", "-c", MAKE).splitlines()[-1])
            yield Address(product.url.rstrip("/") + made["path"], made["key"])


def check(tools: list[str], results: list[dict[str, Any]]) -> None:
    """What each client must have seen."""
    assert "SWITCHBOARD_EXPLAIN" in tools
    assert "HACKERNEWS_GET_USER" in tools
    assert "SANDBOX_LIST_MESSAGES" not in tools  # no account is connected
    found, missing, unknown, announced = results
    assert [tool["runs"] for tool in found["tools"] if tool["tool"] == "SANDBOX_LIST_MESSAGES"] == [False]
    assert missing["code"] == "no_connected_account"
    assert missing["ways_out"][0]["url"].endswith("/me/connections/new/")
    assert unknown["code"] == "tool_not_found"
    assert "SANDBOX_LIST_MESSAGES" in announced["data"]["results"][0]["primary_tool_slugs"]


@pytest.mark.parametrize("mode", ["legacy", "auto", "2026-07-28"])
def test_python_client(address: Address, mode: Any) -> None:
    async def go() -> tuple[list[str], list[Any]]:
        headers = {"x-api-key": address.key}
        async with (
            httpx2.AsyncClient(headers=headers, timeout=60) as http,
            Client(streamable_http_client(address.url, http_client=http), mode=mode) as client,
        ):
            tools = [tool.name for tool in (await client.list_tools()).tools]
            results = [(await client.call_tool(name, arguments)).structured_content for name, arguments in CALLS]
            return tools, results

    check(*asyncio.run(go()))


def agent(address: Address, *capabilities: Any) -> dict[str, Any]:
    """What the TypeScript client saw."""
    node = shutil.which("node")
    if node is None or not SDK.exists():
        reason = "Node or the client's package is missing"
        if os.environ.get("CI"):
            pytest.fail(reason)
        pytest.skip(reason)
    command = [node, "agent.mjs", address.url, address.key, json.dumps(CALLS), *map(json.dumps, capabilities)]

    done = subprocess.run(command, cwd=HERE, capture_output=True, check=False, timeout=400)

    assert done.returncode == 0, done.stderr.decode()
    return dict(json.loads(done.stdout))


def test_typescript_client(address: Address) -> None:
    said = agent(address)

    check(said["tools"], [one["structuredContent"] for one in said["results"]])


# --- A person before the client, who can be led to a page (check M13)


def test_typescript_client_is_told_which_page_to_open(address: Address) -> None:
    found, missing, unknown, _ = agent(address, {"elicitation": {"url": {}}})["results"]

    assert found["structuredContent"]["tools"]
    assert (missing["code"], unknown["structuredContent"]["code"]) == (-32042, "tool_not_found")
    [wanted] = missing["elicitations"]
    assert wanted["mode"] == "url"
    assert wanted["elicitationId"].startswith("ex_")
    assert wanted["url"].endswith("/me/connections/new/")


@pytest.mark.parametrize("mode", ["legacy", "2026-07-28"])
def test_python_client_leads_its_person_to_the_page(address: Address, mode: Any) -> None:
    """The older generation tells by an error, and the program has to show it; the newer one asks the person itself."""
    seen: list[str] = []

    async def open_page(_context: Any, params: Any) -> ElicitResult:
        seen.append(params.url)
        return ElicitResult(action="accept")

    async def go() -> Any:
        async with (
            httpx2.AsyncClient(headers={"x-api-key": address.key}, timeout=60) as http,
            Client(
                streamable_http_client(address.url, http_client=http), mode=mode, elicitation_callback=open_page
            ) as client,
        ):
            try:
                return (await client.call_tool(*MISSING)).structured_content["code"]
            except MCPError as error:
                seen.extend(one.url for one in UrlElicitationRequiredError.from_error(error.error).elicitations)
                return error.code

    assert asyncio.run(go()) == (-32042 if mode == "legacy" else "no_connected_account")
    assert [url.partition("/me/")[2] for url in seen] == ["connections/new/"]
