from __future__ import annotations

import httpx2
import pytest

from integrations.oauth import OAuthError
from tests.integrations.oauth.provider import GOOD, Provider, make_spec, refresh_with


def test_refresh_sends_the_old_token_and_returns_the_new_pair() -> None:
    provider = Provider(httpx2.Response(200, json=GOOD))

    tokens = refresh_with(provider)

    assert provider.form()["grant_type"] == "refresh_token"
    assert provider.form()["refresh_token"] == "rt-old"
    assert (tokens.access_token, tokens.refresh_token) == ("at-1", "rt-1")


@pytest.mark.parametrize("absent", [{}, {"refresh_token": ""}, {"refresh_token": None}])
def test_refresh_keeps_the_old_refresh_token_when_none_is_returned(absent: dict[str, str | None]) -> None:
    answer = {"access_token": "at-2", "token_type": "Bearer", **absent}

    assert refresh_with(Provider(httpx2.Response(200, json=answer))).refresh_token == "rt-old"


def test_refresh_keeps_the_granted_scopes_when_none_are_named() -> None:
    answer = {"access_token": "at-2", "token_type": "Bearer"}

    assert refresh_with(Provider(httpx2.Response(200, json=answer)), scopes=("a",)).scopes == ("a",)


def test_refresh_reads_slacks_nested_user_token() -> None:
    answer = {
        "ok": True,
        "authed_user": {"access_token": "xoxe.xoxp-2", "refresh_token": "xoxe-2", "token_type": "user"},
    }

    tokens = refresh_with(Provider(httpx2.Response(200, json=answer)), make_spec(token_path="authed_user"))

    assert (tokens.access_token, tokens.refresh_token) == ("xoxe.xoxp-2", "xoxe-2")


def test_refresh_of_a_dead_grant_is_permanent_and_of_a_busy_provider_is_not() -> None:
    with pytest.raises(OAuthError) as dead:
        refresh_with(Provider(httpx2.Response(400, json={"error": "invalid_grant"})))
    with pytest.raises(OAuthError) as busy:
        refresh_with(Provider(httpx2.Response(503, html="<h1>Busy</h1>")))

    assert dead.value.permanent
    assert not busy.value.permanent
    assert "rt-old" not in str(dead.value)


def test_refresh_sends_exactly_one_request() -> None:
    provider = Provider(httpx2.Response(200, json={**GOOD, "expires_in": 0}))

    refresh_with(provider)

    assert len(provider.requests) == 1
