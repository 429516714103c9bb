"""An agent: the ASGI app itself, asked in this process, and the official Python client on top of it."""

import json
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any, TypeVar

import httpx2
from asgiref.sync import async_to_sync
from mcp.client import Client
from mcp.client.streamable_http import streamable_http_client

from config.asgi import application
from integrations.models import ToolSession
from tests.factories import owner_ref

T = TypeVar("T")
BASE = "http://testserver"
ACCEPT = "application/json, text/event-stream"
LEGACY, MODERN = "2025-11-25", "2026-07-28"


def path_of(thing: Any) -> str:
    """The MCP address of a session, a user or an organization."""
    if isinstance(thing, ToolSession):
        return f"/mcp/sessions/{thing.text_id}/"
    return f"/mcp/{owner_ref(thing).text_id}/"


@dataclass(frozen=True)
class Agent:
    """One key at one address."""

    path: str
    key: str = field(default="", repr=False)
    host: str = BASE

    def post(self, body: Any = None, *, path: str = "", **headers: str) -> httpx2.Response:
        """One request as it stands; `body` is JSON unless it is bytes."""
        return self.ask("POST", path or self.path, body, **headers)

    def ask(self, method: str, path: str, body: Any = None, **headers: str) -> httpx2.Response:
        sent = body if isinstance(body, bytes) else json.dumps(body if body is not None else listing()).encode()
        wanted = {"content-type": "application/json", "accept": ACCEPT, "mcp-protocol-version": LEGACY}
        if self.key:
            wanted["x-api-key"] = self.key
        wanted |= {name.replace("_", "-"): value for name, value in headers.items()}

        async def send() -> httpx2.Response:
            transport = httpx2.ASGITransport(application)
            async with httpx2.AsyncClient(transport=transport, base_url=self.host) as client:
                return await client.request(method, path, content=sent, headers=wanted)

        return async_to_sync(send)()

    def with_client(self, use: Callable[[Client], Awaitable[T]], *, mode: str = "auto", **options: Any) -> T:
        """Whatever `use` does with the official client, connected."""

        async def go() -> T:
            transport = httpx2.ASGITransport(application)
            headers = {"x-api-key": self.key}
            async with (
                httpx2.AsyncClient(transport=transport, base_url=self.host, headers=headers) as http,
                Client(
                    streamable_http_client(f"{self.host}{self.path}", http_client=http), mode=mode, **options
                ) as client,
            ):
                return await use(client)

        return async_to_sync(go)()

    def tools(self, *, mode: str = "auto") -> list[Any]:
        async def use(client: Client) -> list[Any]:
            return list((await client.list_tools()).tools)

        return self.with_client(use, mode=mode)

    def call(self, name: str, arguments: dict[str, Any] | None = None, *, mode: str = "auto", **options: Any) -> Any:
        async def use(client: Client) -> Any:
            return await client.call_tool(name, arguments or {})

        return self.with_client(use, mode=mode, **options)


def listing(**values: Any) -> dict[str, Any]:
    return {"jsonrpc": "2.0", "id": 1, "method": "tools/list", "params": {}, **values}
