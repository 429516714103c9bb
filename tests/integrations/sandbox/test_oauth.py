"""The sandbox as an authorization server, spoken to by our own OAuth client."""

from __future__ import annotations

from datetime import timedelta
from urllib.parse import urlencode

import httpx2
import pytest
from django.conf import settings
from django.test import Client as Browser
from django.utils import timezone

from integrations.oauth import Client, OAuthError, ProviderSpec, Tokens, begin, refresh, revoke
from integrations.sandbox.models import AuthorizationCode, Token
from tests.integrations.sandbox.connecting import (
    REDIRECT_URI,
    call,
    come_back,
    connect,
    decide,
    exchange_code,
    query_of,
)

pytestmark = pytest.mark.django_db


def authorize_url(spec: ProviderSpec, client: Client, **changes: str) -> str:
    query = {
        "response_type": "code",
        "client_id": client.client_id,
        "redirect_uri": REDIRECT_URI,
        "scope": "profile",
        "state": "state-1",
        "code_challenge": "c" * 43,
        "code_challenge_method": "S256",
        **changes,
    }
    return f"{spec.authorize_url}?{urlencode({name: value for name, value in query.items() if value})}"


def refresh_with(spec: ProviderSpec, client: Client, transport: httpx2.BaseTransport, token: str) -> Tokens:
    return refresh(spec, client, refresh_token=token, transport=transport, deadline=30.0)


def test_consent_page_offers_three_identities_and_says_what_it_is(
    visitor: Browser, spec: ProviderSpec, client: Client
) -> None:
    authorization = begin(spec, client, redirect_uri=REDIRECT_URI, scopes=["mail.read"], state="s")

    page = visitor.get(authorization.url).content.decode()

    assert "Sandbox: a pretend provider that ships with Switchboard" in page
    assert all(name in page for name in ("Ada Park", "Sam Rivera", "Acme team"))
    assert "Read the messages in the mailbox" in page
    assert "Send messages" not in page
    assert "style=" not in page
    assert "<script" not in page


def test_connecting_gives_tokens_of_the_chosen_identity(visitor: Browser, transport: httpx2.BaseTransport) -> None:
    ada, sam = connect(visitor, transport, "ada", "mail.read"), connect(visitor, transport, "sam")

    assert ada.scopes == ("profile", "mail.read")
    assert ada.expires_in == 300
    assert call(transport, ada, "GET", "/profile").json()["name"] == "Ada Park"
    assert call(transport, sam, "GET", "/profile").json()["name"] == "Sam Rivera"


def test_codes_and_tokens_are_stored_as_hashes_only(visitor: Browser, transport: httpx2.BaseTransport) -> None:
    code, verifier = come_back(visitor, "ada")
    tokens = exchange_code(transport, code, verifier)

    stored = " ".join(
        str(value) for model in (AuthorizationCode, Token) for row in model.objects.values() for value in row.values()
    )

    assert "ada" in stored
    assert not any(secret in stored for secret in (code, verifier, tokens.access_token, tokens.refresh_token))


def test_cancelling_sends_the_browser_back_with_access_denied(
    visitor: Browser, spec: ProviderSpec, client: Client
) -> None:
    query = query_of(decide(visitor, authorize_url(spec, client), decision="deny", identity="ada"))

    assert (query["error"], query["state"]) == ("access_denied", "state-1")
    assert query["iss"] == spec.issuer == f"{settings.BASE_URL}/sandbox"
    assert "code" not in query


def test_allowing_without_a_choice_shows_the_page_again(visitor: Browser, spec: ProviderSpec, client: Client) -> None:
    response = decide(visitor, authorize_url(spec, client), decision="allow")

    assert response.status_code == 422
    assert "Choose one of the three accounts first." in response.content.decode()


def test_consent_needs_the_csrf_token_of_the_page(visitor: Browser, spec: ProviderSpec, client: Client) -> None:
    response = visitor.post(authorize_url(spec, client), {"decision": "allow", "identity": "ada"})

    assert response.status_code == 403
    assert not AuthorizationCode.objects.exists()


@pytest.mark.parametrize(
    "redirect_uri",
    [
        "https://evil.example/callback",
        "http://127.0.0.1:8001/callback",
        "http://127.0.0.1:8000@evil.example/",
        "http://127.0.0.1:8000\\@evil.example/",
        "//127.0.0.1:8000/callback",
        "javascript:alert(1)",
        "",
    ],
)
def test_authorize_never_sends_anybody_to_an_address_outside(
    visitor: Browser, spec: ProviderSpec, client: Client, redirect_uri: str
) -> None:
    response = visitor.get(authorize_url(spec, client, redirect_uri=redirect_uri))

    assert response.status_code == 400
    assert "Location" not in response


@pytest.mark.parametrize("endpoint", ["token", "revoke"])
@pytest.mark.parametrize("value", ["\\", '"', "\x00", "é", "😀"])
def test_odd_characters_are_refused_not_crashed_on(visitor: Browser, endpoint: str, value: str) -> None:
    answer = visitor.post(f"/sandbox/oauth/{endpoint}", {"grant_type": value, "token": value})

    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_request")


def test_an_unknown_grant_type_is_answered(visitor: Browser) -> None:
    assert visitor.post("/sandbox/oauth/token", {"grant_type": "password"}).json()["error"] == "unsupported_grant_type"


def test_authorize_refuses_an_unknown_client_on_its_own_page(
    visitor: Browser, spec: ProviderSpec, client: Client
) -> None:
    response = visitor.get(authorize_url(spec, client, client_id="somebody-else"))

    assert response.status_code == 400
    assert "invalid_client" in response.content.decode()


@pytest.mark.parametrize(
    "changes",
    [
        {"code_challenge": "", "code_challenge_method": ""},
        {"code_challenge_method": "plain"},
        {"code_challenge_method": ""},
        {"code_challenge": "short"},
    ],
)
def test_authorize_requires_pkce_by_s256(
    visitor: Browser, spec: ProviderSpec, client: Client, changes: dict[str, str]
) -> None:
    query = query_of(visitor.get(authorize_url(spec, client, **changes)))

    assert query["error"] == "invalid_request"


def test_authorize_refuses_a_scope_that_does_not_exist(visitor: Browser, spec: ProviderSpec, client: Client) -> None:
    assert query_of(visitor.get(authorize_url(spec, client, scope="profile root")))["error"] == "invalid_scope"


def test_token_refuses_a_wrong_secret_verifier_or_redirect_uri(
    visitor: Browser, client: Client, transport: httpx2.BaseTransport
) -> None:
    code, verifier = come_back(visitor, "ada")

    with pytest.raises(OAuthError) as secret:
        exchange_code(transport, code, verifier, client=Client(client.client_id, "wrong"))
    with pytest.raises(OAuthError) as wrong_verifier:
        exchange_code(transport, code, "w" * 64)
    with pytest.raises(OAuthError) as uri:
        exchange_code(transport, code, verifier, redirect_uri=f"{settings.BASE_URL}/other")

    assert secret.value.code == "invalid_client"
    assert wrong_verifier.value.code == "invalid_grant"
    assert uri.value.code == "invalid_grant"
    assert exchange_code(transport, code, verifier).access_token


def test_a_code_used_twice_ends_the_tokens_that_came_of_it(visitor: Browser, transport: httpx2.BaseTransport) -> None:
    code, verifier = come_back(visitor, "ada")
    tokens = exchange_code(transport, code, verifier)
    assert call(transport, tokens, "GET", "/profile").status_code == 200

    with pytest.raises(OAuthError):
        exchange_code(transport, code, verifier)

    assert call(transport, tokens, "GET", "/profile").status_code == 401


def test_a_code_is_good_for_a_minute(visitor: Browser, transport: httpx2.BaseTransport) -> None:
    code, verifier = come_back(visitor, "ada")
    AuthorizationCode.objects.update(expires_at=timezone.now() - timedelta(seconds=1))

    with pytest.raises(OAuthError) as caught:
        exchange_code(transport, code, verifier)

    assert caught.value.code == "invalid_grant"


def test_an_expired_access_token_is_refused_and_a_refreshed_one_works(
    ada: Tokens, spec: ProviderSpec, client: Client, transport: httpx2.BaseTransport
) -> None:
    Token.objects.update(expires_at=timezone.now() - timedelta(seconds=1))
    expired = call(transport, ada, "GET", "/profile")

    fresh = refresh_with(spec, client, transport, ada.refresh_token)

    assert (expired.status_code, expired.json()["error"]["code"]) == (401, "invalid_token")
    assert expired.headers["WWW-Authenticate"].startswith("Bearer")
    assert fresh.refresh_token != ada.refresh_token
    assert fresh.scopes == ada.scopes
    assert call(transport, fresh, "GET", "/profile").json()["sub"] == "ada"


def test_a_refresh_token_used_twice_ends_the_whole_grant(
    ada: Tokens, sam: Tokens, spec: ProviderSpec, client: Client, transport: httpx2.BaseTransport
) -> None:
    fresh = refresh_with(spec, client, transport, ada.refresh_token)

    with pytest.raises(OAuthError) as caught:
        refresh_with(spec, client, transport, ada.refresh_token)

    assert (caught.value.code, caught.value.permanent) == ("invalid_grant", True)
    assert call(transport, fresh, "GET", "/profile").status_code == 401
    assert call(transport, sam, "GET", "/profile").status_code == 200


@pytest.mark.parametrize("part", ["refresh_token", "access_token"])
def test_revoking_either_token_ends_the_grant(
    ada: Tokens, spec: ProviderSpec, client: Client, transport: httpx2.BaseTransport, part: str
) -> None:
    only = Tokens(getattr(ada, part))

    assert revoke(spec, client, only, transport, 30.0).confirmed

    assert call(transport, ada, "GET", "/profile").status_code == 401
    with pytest.raises(OAuthError):
        refresh_with(spec, client, transport, ada.refresh_token)


def test_revoking_an_unknown_token_is_confirmed_but_not_for_a_stranger(
    spec: ProviderSpec, client: Client, transport: httpx2.BaseTransport
) -> None:
    unknown = Tokens("unknown")

    assert revoke(spec, client, unknown, transport, 30.0).confirmed
    assert not revoke(spec, Client(client.client_id, "wrong"), unknown, transport, 30.0).confirmed


def test_userinfo_answers_as_the_toolkit_says(ada: Tokens, transport: httpx2.BaseTransport) -> None:
    answer = call(transport, ada, "GET", f"{settings.BASE_URL}/sandbox/oauth/userinfo").json()

    assert (answer["sub"], answer["name"], answer["email"]) == ("ada", "Ada Park", "ada.park@sandbox.example")


def test_signing_in_again_forgets_what_is_long_dead(ada: Tokens, visitor: Browser) -> None:
    long_ago = timezone.now() - timedelta(days=2)
    AuthorizationCode.objects.update(expires_at=long_ago)
    Token.objects.update(revoked_at=long_ago)

    come_back(visitor, "sam")

    assert [code.identity for code in AuthorizationCode.objects.all()] == ["sam"]
    assert not Token.objects.exists()
