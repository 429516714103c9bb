"""Code for tokens: what is sent, and every kind of answer a provider may give."""

from __future__ import annotations

import base64
import gzip
import pickle
import time
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlencode

import httpx2
import pytest

from integrations.oauth import Client, OAuthError
from integrations.oauth.answers import bounded_life
from integrations.oauth.transport import MAX_BYTES
from tests.integrations.oauth.provider import GOOD, Provider, exchange_with, make_spec


def answer(**changes: Any) -> httpx2.Response:
    return httpx2.Response(200, json={**GOOD, **changes})


def refused(response: httpx2.Response | Exception) -> OAuthError:
    with pytest.raises(OAuthError) as caught:
        exchange_with(Provider(response))
    return caught.value


def test_exchange_returns_the_tokens() -> None:
    tokens = exchange_with(Provider(answer(team={"name": "Acme"})))

    assert (tokens.access_token, tokens.refresh_token) == ("at-1", "rt-1")
    assert (tokens.expires_in, tokens.scopes, tokens.token_type) == (3600, ("a", "b"), "Bearer")
    assert tokens.extra["team"] == {"name": "Acme"}


def test_exchange_sends_code_verifier_and_redirect_uri_in_the_body() -> None:
    provider = Provider(answer())

    exchange_with(provider)

    form = provider.form()
    assert form["grant_type"] == "authorization_code"
    assert form["code"] == "code-1"
    assert form["code_verifier"] == "v" * 64
    assert form["redirect_uri"] == "https://us.test/callback"
    assert form["client_id"] == "client-1"
    assert form["client_secret"] == "s3cret/with+odd chars"
    assert str(provider.requests[0].url) == "https://provider.test/token"
    assert provider.requests[0].headers["Accept"] == "application/json"


def test_exchange_without_pkce_sends_no_verifier() -> None:
    provider = Provider(answer())

    exchange_with(provider, code_verifier="")

    assert "code_verifier" not in provider.form()


def test_exchange_by_basic_form_encodes_id_and_secret_first() -> None:
    provider = Provider(answer())

    exchange_with(provider, make_spec(token_auth="basic"))

    scheme, _, encoded = provider.requests[0].headers["Authorization"].partition(" ")
    assert scheme == "Basic"
    assert base64.b64decode(encoded) == b"client-1:s3cret%2Fwith%2Bodd+chars"
    assert "client_secret" not in provider.form()


def test_exchange_of_a_public_client_sends_its_id_alone() -> None:
    provider = Provider(answer())

    exchange_with(provider, client=Client("public-1"))

    assert provider.form()["client_id"] == "public-1"
    assert "client_secret" not in provider.form()


def test_exchange_sends_the_providers_own_headers() -> None:
    provider = Provider(answer())

    exchange_with(provider, make_spec(token_headers={"Notion-Version": "2022-06-28"}))

    assert provider.requests[0].headers["Notion-Version"] == "2022-06-28"


def test_exchange_reads_a_form_encoded_answer() -> None:
    body = urlencode({"access_token": "gho_1", "scope": "repo,user", "token_type": "bearer"})
    response = httpx2.Response(200, text=body, headers={"Content-Type": "application/x-www-form-urlencoded"})

    tokens = exchange_with(Provider(response))

    assert (tokens.access_token, tokens.scopes, tokens.expires_in) == ("gho_1", ("repo", "user"), None)


def test_exchange_reads_slacks_user_token_from_its_path() -> None:
    response = httpx2.Response(
        200,
        json={
            "ok": True,
            "team": {"id": "T1", "name": "Acme"},
            "authed_user": {"id": "U1", "scope": "chat:write", "access_token": "xoxp-1", "token_type": "user"},
        },
    )

    tokens = exchange_with(Provider(response), make_spec(token_path="authed_user"))

    assert (tokens.access_token, tokens.scopes, tokens.token_type) == ("xoxp-1", ("chat:write",), "Bearer")
    assert tokens.extra == {
        "ok": True,
        "team": {"id": "T1", "name": "Acme"},
        "authed_user": {"id": "U1", "scope": "chat:write", "token_type": "user"},
    }


def test_exchange_without_the_path_in_the_answer_is_malformed() -> None:
    with pytest.raises(OAuthError) as caught:
        exchange_with(Provider(answer()), make_spec(token_path="authed_user"))

    assert caught.value.code == "malformed_answer"


def test_exchange_falls_back_to_the_requested_scopes_when_none_are_named() -> None:
    body = {name: value for name, value in GOOD.items() if name != "scope"}

    tokens = exchange_with(Provider(httpx2.Response(200, json=body)), make_spec(base_scopes=["openid"]))

    assert tokens.scopes == ("openid", "a", "b")


def test_exchange_believes_a_provider_that_granted_fewer_scopes() -> None:
    assert exchange_with(Provider(answer(scope="a"))).scopes == ("a",)
    assert exchange_with(Provider(answer(scope=""))).scopes == ()


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        (3600, 3600),
        ("3600", 3600),
        (0, 60),
        (-5, 60),
        (1e30, 31_536_000),
        ("1e999", 31_536_000),
        (59.9, 60),
        (None, None),
        ("soon", None),
        ("nan", None),
        (True, None),
        ([], None),
        (10**400, None),
    ],
)
def test_bounded_life_makes_absurd_lifetimes_sane(given: object, kept: int | None) -> None:
    assert bounded_life(given) == kept


def test_exchange_accepts_an_absurd_lifetime() -> None:
    response = httpx2.Response(200, text='{"access_token": "at", "token_type": "Bearer", "expires_in": 1e999}')

    assert exchange_with(Provider(response)).expires_in == 31_536_000


def test_exchange_reads_a_github_error_that_comes_with_200() -> None:
    error = refused(httpx2.Response(200, json={"error": "bad_verification_code", "error_description": "secret text"}))

    assert (error.code, error.permanent) == ("bad_verification_code", True)
    assert "secret text" not in str(error)


def test_exchange_reads_a_slack_error_that_comes_with_200() -> None:
    assert refused(httpx2.Response(200, json={"ok": False, "error": "invalid_code"})).code == "invalid_code"


def test_exchange_refused_by_a_form_encoded_error() -> None:
    assert refused(httpx2.Response(200, text="error=redirect_uri_mismatch")).code == "redirect_uri_mismatch"


@pytest.mark.parametrize(
    ("status", "body", "code", "permanent"),
    [
        (400, {"error": "invalid_grant"}, "invalid_grant", True),
        (400, {"error": "unauthorized_client"}, "unauthorized_client", True),
        (401, {"error": "invalid_client"}, "invalid_client", False),
        (400, {"error": {"code": "odd"}}, "unknown_error", False),
        (400, {}, "malformed_answer", False),
        (500, {"error": "invalid_grant"}, "provider_unavailable", False),
        (503, {}, "provider_unavailable", False),
        (429, {}, "provider_unavailable", False),
        (302, {}, "malformed_answer", False),
    ],
)
def test_exchange_tells_dead_grants_from_passing_faults(
    status: int, body: dict[str, Any], code: str, *, permanent: bool
) -> None:
    error = refused(httpx2.Response(status, json=body))

    assert (error.code, error.permanent) == (code, permanent)


@pytest.mark.parametrize(
    "response",
    [
        httpx2.Response(200, text=""),
        httpx2.Response(200, text="   "),
        httpx2.Response(200, html="<html><a href='?a=b'>Sign in</a></html>"),
        httpx2.Response(200, text="null"),
        httpx2.Response(200, text="[1]"),
        httpx2.Response(200, text='"text"'),
        httpx2.Response(200, text='{"access_token": "at-1", "access_token": "at-2"}'),
        httpx2.Response(200, text="access_token=a&access_token=b"),
        httpx2.Response(200, text="{" * 100_000),
        httpx2.Response(200, text="[" * 100_000),
        httpx2.Response(200, text='{"access_token": "at", "expires_in": ' + "9" * 5000 + "}"),
        httpx2.Response(200, content=b"\xff\xfe\x00"),
        httpx2.Response(200, json={}),
        answer(access_token=""),
        answer(access_token=None),
        answer(access_token=7),
        answer(access_token=["at"]),
        answer(access_token="a\r\nX-Evil: 1"),
        answer(access_token="a" * 20_000),
        answer(refresh_token={"a": 1}),
        answer(token_type="mac"),
        answer(token_type=5),
    ],
    ids=range(22),
)
def test_exchange_refuses_answers_it_cannot_use(response: httpx2.Response) -> None:
    error = refused(response)

    assert error.code == "malformed_answer"
    assert not error.permanent
    assert "at-1" not in str(error)


@pytest.mark.parametrize("token_type", ["bearer", "BEARER", "bot", "user", "", None])
def test_exchange_normalises_token_types(token_type: str | None) -> None:
    assert exchange_with(Provider(answer(token_type=token_type))).token_type == "Bearer"


@pytest.mark.parametrize(
    "fault",
    [
        httpx2.ConnectError("refused"),
        httpx2.ReadTimeout("slow"),
        httpx2.RemoteProtocolError("closed half-way"),
        httpx2.ReadError("reset"),
    ],
)
def test_exchange_over_a_broken_connection_is_unavailable(fault: Exception) -> None:
    error = refused(fault)

    assert (error.code, error.permanent) == ("provider_unavailable", False)


class Drip(httpx2.SyncByteStream):
    """One byte at a time, for as long as somebody listens."""

    def __init__(self, *, piece: bytes = b" ", pause: float = 0.0) -> None:
        self.piece, self.pause, self.sent = piece, pause, 0

    def __iter__(self) -> Iterator[bytes]:
        while True:
            time.sleep(self.pause)
            self.sent += len(self.piece)
            yield self.piece


def test_exchange_ends_a_slow_drip_at_the_deadline() -> None:
    started = time.monotonic()

    with pytest.raises(OAuthError, match="in time"):
        exchange_with(Provider(httpx2.Response(200, stream=Drip(pause=0.05))), deadline=0.3)

    assert time.monotonic() - started < 30  # else it would go on for ever


def test_exchange_stops_reading_an_endless_body() -> None:
    drip = Drip(piece=b"x" * 65_536)

    with pytest.raises(OAuthError) as caught:
        exchange_with(Provider(httpx2.Response(200, stream=drip)))

    assert caught.value.code == "malformed_answer"
    assert drip.sent <= MAX_BYTES + 65_536


def compressed(body: bytes, encoding: str = "gzip") -> Provider:
    class Body(httpx2.SyncByteStream):
        def __iter__(self) -> Iterator[bytes]:
            yield body

    return Provider(lambda _: httpx2.Response(200, stream=Body(), headers={"Content-Encoding": encoding}))


def test_exchange_reads_a_compressed_answer() -> None:
    assert exchange_with(compressed(gzip.compress(answer().content))).access_token == "at-1"


@pytest.mark.parametrize(
    ("body", "encoding"),
    [(gzip.compress(b" " * 50_000_000), "gzip"), (b"not gzip", "gzip"), (b"{}", "br")],
)
def test_exchange_refuses_bombs_and_damaged_compression(body: bytes, encoding: str) -> None:
    with pytest.raises(OAuthError) as caught:
        exchange_with(compressed(body, encoding))

    assert caught.value.code == "malformed_answer"


def test_exchange_leaves_the_callers_transport_open() -> None:
    provider = Provider(answer())

    exchange_with(provider)

    assert not provider.closed


def test_tokens_are_neither_printed_nor_pickled() -> None:
    tokens = exchange_with(Provider(answer()))

    assert "at-1" not in f"{tokens} {tokens!r}"
    assert "rt-1" not in f"{tokens} {tokens!r}"
    with pytest.raises(TypeError):
        pickle.dumps(tokens)
