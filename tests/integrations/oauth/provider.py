"""A scripted authorization server: it answers what the test says and remembers what it was asked."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qsl

import httpx2

from integrations.oauth import Client, ProviderSpec, Tokens, exchange, refresh

CLIENT = Client("client-1", "s3cret/with+odd chars")
ENTRY: dict[str, Any] = {
    "scheme": "oauth2",
    "authorize_url": "https://provider.test/authorize",
    "token_url": "https://provider.test/token",
    "revoke": {"url": "https://provider.test/revoke", "style": "rfc7009"},
    "pkce": True,
    "token_auth": "post",
    "setup_url": "https://provider.test/apps",
}
GOOD = {"access_token": "at-1", "token_type": "Bearer", "refresh_token": "rt-1", "expires_in": 3600, "scope": "a b"}


def make_spec(**changes: Any) -> ProviderSpec:
    return ProviderSpec.from_entry({**ENTRY, **changes})


class Provider(httpx2.BaseTransport):
    """Answers every request with `answer`: a response, a function of the request, or an exception to raise."""

    def __init__(self, answer: httpx2.Response | Callable[[httpx2.Request], httpx2.Response] | Exception) -> None:
        self.answer = answer
        self.requests: list[httpx2.Request] = []
        self.closed = False

    def handle_request(self, request: httpx2.Request) -> httpx2.Response:
        request.read()
        self.requests.append(request)
        if isinstance(self.answer, Exception):
            raise self.answer
        if isinstance(self.answer, httpx2.Response):
            return self.answer
        return self.answer(request)

    def close(self) -> None:
        self.closed = True

    def form(self, number: int = -1) -> dict[str, str]:
        return dict(parse_qsl(self.requests[number].content.decode()))


def exchange_with(provider: httpx2.BaseTransport, spec: ProviderSpec | None = None, **changes: Any) -> Tokens:
    arguments: dict[str, Any] = {
        "code": "code-1",
        "code_verifier": "v" * 64,
        "redirect_uri": "https://us.test/callback",
        "transport": provider,
        "deadline": 5.0,
        "scopes": ("a", "b"),
    }
    return exchange(spec or make_spec(), changes.pop("client", CLIENT), **{**arguments, **changes})


def refresh_with(provider: httpx2.BaseTransport, spec: ProviderSpec | None = None, **changes: Any) -> Tokens:
    arguments: dict[str, Any] = {"refresh_token": "rt-old", "transport": provider, "deadline": 5.0}
    return refresh(spec or make_spec(), CLIENT, **{**arguments, **changes})
