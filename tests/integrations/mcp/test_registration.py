"""Clients that introduce themselves (RFC 7591): what is believed, what is refused, and what is forgotten."""

import json
from datetime import timedelta
from typing import Any

import pytest
from django.conf import LazySettings
from django.test import Client
from django.utils import timezone

from orgs.models import OAuthClient, OAuthSecret
from orgs.services.oauth import purge_oauth
from tests.factories import make_granted_key
from tests.integrations.mcp.signing_in import REDIRECT, register
from tests.world import World

pytestmark = pytest.mark.django_db


def test_a_client_gets_an_id_and_no_secret() -> None:
    answer = register(client_name="Editor", token_endpoint_auth_method="client_secret_post", grant_types=["implicit"])

    found = json.loads(answer.content)
    assert answer.status_code == 201
    assert "client_secret" not in found
    assert found["token_endpoint_auth_method"] == "none"
    assert found["grant_types"] == ["authorization_code", "refresh_token"]
    assert OAuthClient.objects.get(client_id=found["client_id"]).name == "Editor"


@pytest.mark.parametrize(
    "uri", [REDIRECT, "http://localhost:1/x", "http://[::1]:80/", "https://agent.test/back?a=1", "https://agent.test"]
)
def test_https_and_the_own_computer_are_good_addresses(uri: str) -> None:
    assert register(redirect_uris=[uri]).status_code == 201


@pytest.mark.parametrize(
    "uri",
    [
        "http://agent.test/back",
        "http://127.0.0.1.agent.test/",
        "http://0.0.0.0/",
        "http://10.0.0.1/",
        "https://agent.test/#part",
        "https://user:secret@agent.test/",
        "https://agent.test\\@evil.test/",
        "https://agent.test/a b",
        "https://agent.test/\r\nSet-Cookie: a=b",
        "https://ägent.test/",
        "https://agent.test:99999/",
        "https://",
        "javascript:alert(1)",
        "data:text/html,x",
        "cursor://back",
        "//agent.test/",
        "/back",
        "",
        7,
        None,
        "https://agent.test/" + "x" * 500,
    ],
)
def test_other_addresses_are_not(uri: Any) -> None:
    answer = register(redirect_uris=[REDIRECT, uri])

    assert answer.status_code == 400
    assert json.loads(answer.content)["error"] == "invalid_redirect_uri"
    assert not OAuthClient.objects.exists()


@pytest.mark.parametrize(
    "values",
    [
        {"redirect_uris": None},
        {"redirect_uris": []},
        {"redirect_uris": REDIRECT},
        {"redirect_uris": [REDIRECT] * 11},
        {"client_name": "x" * 81},
        {"client_name": "evil\u202emoc"},
        {"client_name": "two\x00"},
    ],
)
def test_what_cannot_be_shown_or_stored_is_refused(values: dict[str, Any]) -> None:
    assert register(**values).status_code == 400


@pytest.mark.parametrize(
    "body", [b"", b"{", b"[]", b"null", b"\xff", b"7", b"[" * 9000, b'{"a":"' + b"x" * 17_000 + b'"}']
)
def test_nonsense_is_refused_in_words(body: bytes) -> None:
    answer = Client().post("/oauth/register", body, content_type="application/json")

    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_client_metadata")


def test_one_address_registers_so_many_in_a_minute_and_no_more(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("integrations.mcp.endpoints.REGISTRATIONS_A_MINUTE", 2)

    answers = [register() for _ in range(3)]

    assert [one.status_code for one in answers] == [201, 201, 429]
    assert int(answers[-1].headers["Retry-After"]) > 0


@pytest.mark.parametrize(
    ("limit", "method", "path"),
    [
        ("METADATA_A_MINUTE", "get", "/.well-known/oauth-authorization-server"),
        ("TOKENS_A_MINUTE", "post", "/oauth/token"),
        ("TOKENS_A_MINUTE", "post", "/oauth/revoke"),
    ],
)
def test_the_other_public_addresses_have_limits_too(
    monkeypatch: pytest.MonkeyPatch, limit: str, method: str, path: str
) -> None:
    monkeypatch.setattr(f"integrations.mcp.endpoints.{limit}", 1)

    codes = [getattr(Client(), method)(path).status_code for _ in range(2)]

    assert codes[0] != 429
    assert codes[1] == 429


def test_an_operator_can_switch_it_off(settings: LazySettings) -> None:
    settings.OAUTH_REGISTRATIONS = False

    assert register().status_code == 403
    assert "registration_endpoint" not in Client().get("/.well-known/oauth-authorization-server").json()


def test_what_nobody_uses_is_forgotten(world: World) -> None:
    used = make_granted_key(world.member, world.member).oauth_client
    register()
    later = timezone.now() + timedelta(days=2)

    purge_oauth(actor=None, now=timezone.now())
    assert OAuthClient.objects.count() == 2
    purge_oauth(actor=None, now=later)

    assert list(OAuthClient.objects.all()) == [used]
    assert not OAuthSecret.objects.exists()  # the code, whose minute is over
