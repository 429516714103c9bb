"""The official clients sign in by OAuth, over HTTP, against the product as a newcomer starts it."""

import asyncio
import json
import os
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs, urljoin, urlsplit

import httpx2
import pytest
from mcp.client import Client
from mcp.client.auth import OAuthClientProvider
from mcp.client.streamable_http import streamable_http_client
from mcp.shared.auth import AuthorizationCodeResult, OAuthClientMetadata

from tests.browser.conftest import Product, start_product
from tests.databases import own_database
from tests.mcp.test_real_clients import HERE, MAKE, SDK
from tests.people import Person

pytestmark = pytest.mark.emulate
REDIRECT = "http://127.0.0.1:4711/callback"


@dataclass(frozen=True)
class Place:
    """A session of Alice's, and Alice in her browser."""

    product: Product
    path: str
    alice: Person

    @property
    def url(self) -> str:
        return self.product.url.rstrip("/") + self.path


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    folder = tmp_path_factory.mktemp("signing-in")
    with own_database(folder) as database_url:
        for product in start_product(folder, {"DATABASE_URL": database_url}):
            made = json.loads(product.manage("shell", "--no-imports", "-c", MAKE).splitlines()[-1])
            with Person(product.url) as alice:
                login = product.logins["alice"]
                alice.sign_in(login.email, login.password)
                yield Place(product, made["path"], alice)


def agree(person: Person, url: str) -> dict[str, str]:
    """What the client is sent back with when the person reads the consent page and presses its button."""
    page = person.browser.get(url)
    assert "Nothing is granted until you agree" in page.text, page.text
    answer = person.send(page, action="allow", days="1", follow=False)
    assert answer.status_code == 302, answer.text
    found = parse_qs(urlsplit(urljoin(url, answer.headers["location"])).query)
    return {name: values[0] for name, values in found.items()}


@dataclass
class Storage:
    """What the client keeps between its calls."""

    tokens: Any = None
    client: Any = None

    async def get_tokens(self) -> Any:
        return self.tokens

    async def set_tokens(self, tokens: Any) -> None:
        self.tokens = tokens

    async def get_client_info(self) -> Any:
        return self.client

    async def set_client_info(self, client_info: Any) -> None:
        self.client = client_info


@dataclass
class Agent:
    """The Python client with its OAuth support, and the person who agrees."""

    place: Place
    storage: Storage = field(default_factory=Storage)
    asked: int = 0
    back: dict[str, str] = field(default_factory=dict)

    async def redirect(self, url: str) -> None:
        self.asked += 1
        self.back = await asyncio.to_thread(agree, self.place.alice, url)

    async def callback(self) -> AuthorizationCodeResult:
        return AuthorizationCodeResult(code=self.back["code"], state=self.back["state"], iss=self.back["iss"])

    def tools(self, mode: Any = "auto") -> list[str]:
        async def go() -> list[str]:
            metadata = OAuthClientMetadata(client_name="Python agent", redirect_uris=[REDIRECT])  # type: ignore[list-item]
            auth = OAuthClientProvider(self.place.url, metadata, self.storage, self.redirect, self.callback)
            async with (
                httpx2.AsyncClient(auth=auth, timeout=60) as http,
                Client(streamable_http_client(self.place.url, http_client=http), mode=mode) as client,
            ):
                return [tool.name for tool in (await client.list_tools()).tools]

        return asyncio.run(go())


@pytest.mark.parametrize("mode", ["legacy", "2026-07-28"])
def test_python_client_signs_in_and_stays(place: Place, mode: str) -> None:
    agent = Agent(place)

    assert "HACKERNEWS_GET_USER" in agent.tools(mode)
    assert "HACKERNEWS_GET_USER" in agent.tools(mode)
    assert agent.asked == 1
    assert agent.storage.tokens.refresh_token


def test_python_client_renews_by_itself(place: Place) -> None:
    agent = Agent(place)
    agent.tools()
    before = agent.storage.tokens
    place.product.manage("shell", "--no-imports", "-c", END_ACCESS)

    async def renewed() -> Any:
        """As the client does when the time of its token is over."""
        async with httpx2.AsyncClient(timeout=60) as http:
            body = {
                "grant_type": "refresh_token",
                "refresh_token": before.refresh_token,
                "client_id": agent.storage.client.client_id,
                "resource": place.url,
            }
            return await http.post(f"{place.product.url.rstrip('/')}/oauth/token", data=body)

    answer = asyncio.run(renewed())

    assert answer.status_code == 200, answer.text
    agent.storage.tokens = type(before).model_validate(answer.json())
    assert "HACKERNEWS_GET_USER" in agent.tools()
    assert agent.asked == 1


END_ACCESS = """
from django.utils import timezone
from orgs.models import OAuthSecret
OAuthSecret.objects.filter(kind="access").update(expires_at=timezone.now())
"""


def test_typescript_client_signs_in(place: Place) -> None:
    node = shutil.which("node")
    if node is None or not SDK.exists():
        reason = "Node or the client's package is missing"
        if os.environ.get("CI"):
            pytest.fail(reason)
        pytest.skip(reason)
    command = [node, "signs_in.mjs", place.url, REDIRECT]
    pipes: dict[str, Any] = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    with subprocess.Popen(command, cwd=HERE, text=True, **pipes) as agent:
        assert agent.stdout is not None
        back = agree(place.alice, agent.stdout.readline().strip())
        said, errors = agent.communicate(f"{back['code']}\n", timeout=120)

    assert agent.returncode == 0, errors
    assert "HACKERNEWS_GET_USER" in json.loads(said)["tools"]
