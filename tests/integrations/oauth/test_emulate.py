"""The whole flow against servers that others wrote: emulate's GitHub, Slack and Google."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx2
import pytest

from integrations.engine.http import OutboundClient
from integrations.oauth import Client, OAuthError, ProviderSpec, Tokens, begin, callback_code, exchange, refresh, revoke
from tests.emulate.server import Emulate
from tests.fixtures_emulate import REDIRECT_URI

pytestmark = pytest.mark.emulate

# The entries of the toolkits, without their URLs: those come as overrides, as in an auth config.
ENTRIES: dict[str, dict[str, Any]] = {
    "github": {"revoke": {"style": "github"}},
    "slack": {"revoke": {"style": "slack"}, "scope_separator": ",", "pkce": False},
    "google": {
        "revoke": {"style": "google"},
        "base_scopes": ["openid", "email"],
        "authorize_params": {"access_type": "offline", "prompt": "consent"},
    },
}


@pytest.fixture(scope="module")
def transport() -> Iterator[httpx2.BaseTransport]:
    with httpx2.HTTPTransport() as transport:
        yield transport


def spec_of(emulate: Emulate, service: str, **changes: Any) -> ProviderSpec:
    return ProviderSpec.from_entry(
        {"authorize_url": "https://unused.test", "token_url": "https://unused.test", **ENTRIES[service], **changes},
        emulate.overrides(service),
    )


def come_back(emulate: Emulate, spec: ProviderSpec, client: Client, login: str, *scopes: str) -> tuple[str, str]:
    """As far as the callback: the code and the verifier."""
    authorization = begin(spec, client, redirect_uri=REDIRECT_URI, scopes=scopes, state="state-1")
    location = emulate.approve(authorization.url, login)
    params = {name: values[0] for name, values in parse_qs(urlsplit(location).query).items()}
    assert location.startswith(REDIRECT_URI)
    assert params["state"] == "state-1"
    return callback_code(spec, params), authorization.code_verifier


def connect(
    emulate: Emulate, transport: httpx2.BaseTransport, spec: ProviderSpec, service: str, login: str, *scopes: str
) -> Tokens:
    client = Client(*emulate.client(service))
    code, verifier = come_back(emulate, spec, client, login, *scopes)
    return exchange(
        spec,
        client,
        code=code,
        code_verifier=verifier,
        redirect_uri=REDIRECT_URI,
        transport=transport,
        deadline=30.0,
        scopes=scopes,
    )


def ask(method: str, url: str, token: str, **options: Any) -> Any:
    with httpx2.Client(trust_env=False) as caller:
        return caller.request(method, url, headers={"Authorization": f"Bearer {token}"}, **options).json()


def test_github_connects_the_person_who_pressed_the_button(emulate: Emulate, transport: httpx2.BaseTransport) -> None:
    spec = spec_of(emulate, "github")

    ada, sam = (connect(emulate, transport, spec, "github", login, "repo", "user") for login in ("ada", "sam"))

    assert ask("GET", emulate.url("github", "/user"), ada.access_token)["login"] == "ada"
    assert ask("GET", emulate.url("github", "/user"), sam.access_token)["login"] == "sam"
    assert set(ada.scopes) == {"repo", "user"}
    assert (ada.refresh_token, ada.expires_in) == ("", None)


def test_github_connects_through_the_guarded_client_only_where_the_operator_allows_it(emulate: Emulate) -> None:
    opened = OutboundClient(emulate.hosts(), require_https=False)
    closed = OutboundClient(frozenset(), require_https=False)
    spec = spec_of(emulate, "github")

    tokens = connect(emulate, opened.transport, spec, "github", "ada", "repo")
    with pytest.raises(OAuthError) as caught:
        connect(emulate, closed.transport, spec, "github", "ada", "repo")

    assert tokens.access_token.startswith("gho_")
    assert caught.value.code == "provider_unavailable"


def test_github_shows_the_seeded_repository(emulate: Emulate, transport: httpx2.BaseTransport) -> None:
    tokens = connect(emulate, transport, spec_of(emulate, "github"), "github", "ada", "repo")

    repository = ask("GET", emulate.url("github", "/repos/acme/widgets"), tokens.access_token)

    assert repository["full_name"] == "acme/widgets"


def test_github_takes_an_unknown_token_for_the_decoy(emulate: Emulate) -> None:
    """Why the decoy is seeded first: a wrong token must never look like a person of our tests."""
    assert ask("GET", emulate.url("github", "/user"), "gho_unknown")["login"] == "decoy"


def test_github_answers_form_encoded_when_asked_so(emulate: Emulate, transport: httpx2.BaseTransport) -> None:
    spec = spec_of(emulate, "github", token_headers={"Accept": "application/x-www-form-urlencoded"})

    tokens = connect(emulate, transport, spec, "github", "ada", "repo")

    assert ask("GET", emulate.url("github", "/user"), tokens.access_token)["login"] == "ada"


def test_github_refuses_a_code_for_the_second_time(emulate: Emulate, transport: httpx2.BaseTransport) -> None:
    spec, client = spec_of(emulate, "github"), Client(*emulate.client("github"))
    code, verifier = come_back(emulate, spec, client, "ada", "repo")
    request: dict[str, Any] = {
        "code": code,
        "code_verifier": verifier,
        "redirect_uri": REDIRECT_URI,
        "transport": transport,
        "deadline": 5.0,
    }
    exchange(spec, client, **request)

    with pytest.raises(OAuthError) as caught:
        exchange(spec, client, **request)

    assert (caught.value.code, caught.value.permanent) == ("bad_verification_code", True)


@pytest.mark.parametrize(
    ("service", "code"),
    [("github", "incorrect_client_credentials"), ("slack", "invalid_client_id"), ("google", "invalid_client")],
)
def test_a_wrong_client_secret_is_said_plainly(
    emulate: Emulate, transport: httpx2.BaseTransport, service: str, code: str
) -> None:
    spec = spec_of(emulate, service)

    with pytest.raises(OAuthError, match="client ID and secret") as caught:
        exchange(
            spec,
            Client(emulate.client(service)[0], "wrong"),
            code="c",
            code_verifier="",
            redirect_uri=REDIRECT_URI,
            transport=transport,
            deadline=30.0,
        )

    assert (caught.value.code, caught.value.permanent) == (code, False)


def test_a_redirect_uri_that_is_not_registered_gets_no_page_to_approve(emulate: Emulate) -> None:
    client = Client(*emulate.client("github"))
    authorization = begin(
        spec_of(emulate, "github"), client, redirect_uri="http://127.0.0.1:8000/other", scopes=(), state="s"
    )

    with pytest.raises(LookupError, match="Redirect URI mismatch"):
        emulate.approve(authorization.url, "ada")


def test_slack_connects_the_bot_and_says_to_which_team(emulate: Emulate, transport: httpx2.BaseTransport) -> None:
    tokens = connect(emulate, transport, spec_of(emulate, "slack"), "slack", "ada", "chat:write", "channels:read")

    assert tokens.access_token.startswith("xoxb-")
    assert set(tokens.scopes) == {"chat:write", "channels:read"}
    assert tokens.token_type == "Bearer"
    assert tokens.extra["team"]["name"] == "Acme"
    assert ask("POST", emulate.url("slack", "/api/auth.test"), tokens.access_token)["ok"] is True


def test_slack_posts_to_the_general_channel(emulate: Emulate, transport: httpx2.BaseTransport) -> None:
    tokens = connect(emulate, transport, spec_of(emulate, "slack"), "slack", "ada", "chat:write")
    message = {"channel": "#general", "text": "Hello from the team!"}

    answer = ask("POST", emulate.url("slack", "/api/chat.postMessage"), tokens.access_token, json=message)

    assert answer["ok"] is True
    assert answer["message"]["text"] == "Hello from the team!"


def test_slack_gives_the_users_own_token(emulate: Emulate, transport: httpx2.BaseTransport) -> None:
    spec = spec_of(emulate, "slack", scope_param="user_scope", token_path="authed_user")

    tokens = connect(emulate, transport, spec, "slack", "sam", "chat:write", "users:read")

    assert tokens.access_token.startswith("xoxp-")
    assert set(tokens.scopes) == {"chat:write", "users:read"}
    assert ask("POST", emulate.url("slack", "/api/auth.test"), tokens.access_token)["user"] == "sam"


def test_google_checks_our_pkce_verifier(emulate: Emulate, transport: httpx2.BaseTransport) -> None:
    spec, client = spec_of(emulate, "google"), Client(*emulate.client("google"))
    code, verifier = come_back(emulate, spec, client, "ada@example.com")
    request: dict[str, Any] = {"redirect_uri": REDIRECT_URI, "transport": transport, "deadline": 5.0}

    with pytest.raises(OAuthError) as caught:
        exchange(spec, client, code=code, code_verifier="w" * 64, **request)
    tokens = exchange(spec, client, code=code, code_verifier=verifier, **request)

    assert caught.value.code == "invalid_grant"
    assert ask("GET", emulate.url("google", "/oauth2/v2/userinfo"), tokens.access_token)["email"] == "ada@example.com"


def test_google_refreshes_and_keeps_the_refresh_token(emulate: Emulate, transport: httpx2.BaseTransport) -> None:
    spec, client = spec_of(emulate, "google"), Client(*emulate.client("google"))
    first = connect(emulate, transport, spec, "google", "sam@example.com")

    second = refresh(spec, client, refresh_token=first.refresh_token, transport=transport, deadline=30.0)

    assert second.access_token != first.access_token
    assert second.refresh_token == first.refresh_token
    assert second.expires_in == 3600
    assert ask("GET", emulate.url("google", "/oauth2/v2/userinfo"), second.access_token)["email"] == "sam@example.com"


def test_google_withdraws_the_grant(emulate: Emulate, transport: httpx2.BaseTransport) -> None:
    spec, client = spec_of(emulate, "google"), Client(*emulate.client("google"))
    tokens = connect(emulate, transport, spec, "google", "ada@example.com")

    assert revoke(spec, client, tokens, transport, 5.0).confirmed

    with pytest.raises(OAuthError) as caught:
        refresh(spec, client, refresh_token=tokens.refresh_token, transport=transport, deadline=30.0)
    assert (caught.value.code, caught.value.permanent) == ("invalid_grant", True)


@pytest.mark.parametrize("service", ["github", "slack"])
def test_a_revocation_that_the_provider_does_not_offer_is_not_claimed(
    emulate: Emulate, transport: httpx2.BaseTransport, service: str
) -> None:
    """emulate has neither GitHub's nor Slack's revocation call: we must say so, not guess."""
    tokens = connect(emulate, transport, spec_of(emulate, service), service, "ada")

    assert not revoke(spec_of(emulate, service), Client(*emulate.client(service)), tokens, transport, 5.0).confirmed


def test_emulate_listens_on_loopback_only(emulate: Emulate) -> None:
    """127.0.0.2 reaches a listener on every interface, and not one on 127.0.0.1."""
    for port in emulate.ports.values():
        socket.create_connection(("127.0.0.1", port), timeout=1).close()
        with pytest.raises(OSError, match="refused"):
            socket.create_connection(("127.0.0.2", port), timeout=1)
