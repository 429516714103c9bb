"""Go through the sandbox's consent page as a browser does, and talk to its API as a tool does."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx2
import yaml
from django.conf import settings
from django.http import HttpResponse
from django.test import Client as Browser

from integrations.oauth import Client, ProviderSpec, Tokens, begin, callback_code, exchange
from integrations.sandbox.identities import SCOPES

REDIRECT_URI = f"{settings.BASE_URL}/callback/ac_1"
TOOLKIT = settings.BASE_DIR / "integrations" / "toolkits" / "sandbox" / "toolkit.yaml"


class InProcess(httpx2.BaseTransport):
    """Calls the sandbox inside the test's own transaction, as a program without cookies."""

    def handle_request(self, request: httpx2.Request) -> httpx2.Response:
        answer = Browser(enforce_csrf_checks=True).generic(
            request.method,
            request.url.raw_path.decode(),
            request.read(),
            content_type=request.headers.get("content-type", ""),
            headers=dict(request.headers),
        )
        return httpx2.Response(answer.status_code, headers=dict(answer.items()), content=answer.content)


def read_toolkit() -> dict[str, Any]:
    toolkit: dict[str, Any] = yaml.safe_load(TOOLKIT.read_text().replace("${BASE_URL}", settings.BASE_URL))
    return toolkit


def sandbox_spec() -> ProviderSpec:
    return ProviderSpec.from_entry(read_toolkit()["auth_schemes"][0])


def installation() -> Client:
    return Client(settings.SANDBOX_CLIENT_ID, settings.SANDBOX_CLIENT_SECRET)


def decide(visitor: Browser, url: str, **choice: str) -> HttpResponse:
    """Open the consent page and press a button on it, with the CSRF token that the page holds."""
    page = visitor.get(url)
    assert page.status_code == 200, page.content
    token = page.context["csrf_token"]
    return visitor.post(url, {"csrfmiddlewaretoken": str(token), **choice}, headers={"origin": settings.BASE_URL})


def query_of(response: HttpResponse) -> Mapping[str, str]:
    assert response.status_code == 302, response.content
    return {name: values[0] for name, values in parse_qs(urlsplit(response["Location"]).query).items()}


def come_back(visitor: Browser, identity: str, *scopes: str) -> tuple[str, str]:
    """The code and its verifier."""
    authorization = begin(
        sandbox_spec(), installation(), redirect_uri=REDIRECT_URI, scopes=scopes or tuple(SCOPES), state="state-1"
    )
    query = query_of(decide(visitor, authorization.url, identity=identity, decision="allow"))
    assert query["state"] == "state-1"
    return callback_code(sandbox_spec(), query), authorization.code_verifier


def connect(visitor: Browser, transport: httpx2.BaseTransport, identity: str, *scopes: str) -> Tokens:
    code, verifier = come_back(visitor, identity, *scopes)
    return exchange_code(transport, code, verifier)


def exchange_code(transport: httpx2.BaseTransport, code: str, verifier: str, **changes: Any) -> Tokens:
    arguments: dict[str, Any] = {"redirect_uri": REDIRECT_URI, "transport": transport, "deadline": 30.0}
    client = changes.pop("client", installation())
    return exchange(sandbox_spec(), client, code=code, code_verifier=verifier, **{**arguments, **changes})


def call(
    transport: httpx2.BaseTransport, tokens: Tokens | str, method: str, path: str, **options: Any
) -> httpx2.Response:
    token = tokens if isinstance(tokens, str) else tokens.access_token
    caller = httpx2.Client(transport=transport, base_url=f"{settings.BASE_URL}/sandbox/api", trust_env=False)
    return caller.request(method, path, headers={"Authorization": f"Bearer {token}"}, **options)
