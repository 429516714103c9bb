from __future__ import annotations

import base64
import json

import httpx2
import pytest

from integrations.oauth import ProviderSpec, Revocation, Tokens, revoke
from tests.integrations.oauth.provider import CLIENT, Provider, make_spec

TOKENS = Tokens("at-1", "rt-1")
GITHUB = make_spec(revoke={"url": "https://api.provider.test/applications/{client_id}/token", "style": "github"})
GOOGLE = make_spec(revoke={"url": "https://provider.test/revoke", "style": "google"})
SLACK = make_spec(revoke={"url": "https://provider.test/api/auth.revoke", "style": "slack"})


def revoke_at(provider: Provider, spec: ProviderSpec, tokens: Tokens = TOKENS) -> Revocation:
    return revoke(spec, CLIENT, tokens, provider, 5.0)


def test_rfc7009_revokes_the_refresh_token_before_the_access_token() -> None:
    provider = Provider(lambda _: httpx2.Response(200))

    assert revoke_at(provider, make_spec()).confirmed

    assert [provider.form(number)["token"] for number in (0, 1)] == ["rt-1", "at-1"]
    assert [provider.form(number)["token_type_hint"] for number in (0, 1)] == ["refresh_token", "access_token"]
    assert provider.form(0)["client_secret"] == CLIENT.client_secret


def test_rfc7009_without_a_refresh_token_revokes_the_access_token() -> None:
    provider = Provider(lambda _: httpx2.Response(200))

    assert revoke_at(provider, make_spec(), Tokens("at-1")).confirmed
    assert [provider.form(0)["token"]] == ["at-1"]


@pytest.mark.parametrize("status", [400, 401, 404, 503])
def test_rfc7009_says_so_when_the_provider_does_not_confirm(status: int) -> None:
    result = revoke_at(Provider(lambda _: httpx2.Response(status)), make_spec())

    assert not result.confirmed
    assert str(status) in result.detail


@pytest.mark.parametrize("fault", [httpx2.ReadTimeout("slow"), httpx2.ConnectError("refused")])
@pytest.mark.parametrize("spec", [make_spec(), GITHUB, GOOGLE, SLACK])
def test_revoke_never_raises_over_a_broken_connection(spec: ProviderSpec, fault: Exception) -> None:
    result = revoke_at(Provider(fault), spec)

    assert not result.confirmed
    assert "at-1" not in result.detail


def test_google_ends_the_grant_with_one_call_and_without_client_secret() -> None:
    provider = Provider(lambda _: httpx2.Response(200, json={}))

    assert revoke_at(provider, GOOGLE).confirmed

    assert [provider.form(number) for number in range(len(provider.requests))] == [{"token": "rt-1"}]
    assert "Authorization" not in provider.requests[0].headers


def test_google_counts_an_unknown_token_as_withdrawn_and_a_fault_as_not() -> None:
    dead = Provider(lambda _: httpx2.Response(400, json={"error": "invalid_token"}))
    fault = Provider(lambda _: httpx2.Response(400, json={"error": "invalid_request"}))

    assert revoke_at(dead, GOOGLE).confirmed
    assert not revoke_at(fault, GOOGLE).confirmed


def test_slack_revokes_with_the_token_itself() -> None:
    provider = Provider(lambda _: httpx2.Response(200, json={"ok": True, "revoked": True}))

    assert revoke_at(provider, SLACK).confirmed
    assert provider.requests[0].headers["Authorization"] == "Bearer at-1"
    assert len(provider.requests) == 1


@pytest.mark.parametrize(("error", "confirmed"), [("token_revoked", True), ("ratelimited", False)])
def test_slack_errors_come_with_200(error: str, *, confirmed: bool) -> None:
    provider = Provider(lambda _: httpx2.Response(200, json={"ok": False, "error": error}))

    assert revoke_at(provider, SLACK).confirmed is confirmed


def test_slack_without_an_ok_is_not_confirmed() -> None:
    assert not revoke_at(Provider(lambda _: httpx2.Response(200, html="<h1>Proxy</h1>")), SLACK).confirmed


def test_github_deletes_the_token_as_the_app() -> None:
    provider = Provider(lambda _: httpx2.Response(204))

    assert revoke_at(provider, GITHUB).confirmed

    request = provider.requests[0]
    assert (request.method, request.url.path) == ("DELETE", "/applications/client-1/token")
    assert base64.b64decode(request.headers["Authorization"].removeprefix("Basic ")).startswith(b"client-1:")
    assert json.loads(request.content) == {"access_token": "at-1"}


def test_a_provider_without_revocation_is_named_as_such() -> None:
    provider = Provider(lambda _: httpx2.Response(200))

    result = revoke_at(provider, make_spec(revoke={"style": "none"}))

    assert not result.confirmed
    assert "no call" in result.detail
    assert provider.requests == []
