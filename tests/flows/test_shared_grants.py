"""One account of a provider, connected twice: what is done to one connection does not end the other."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.contrib.messages import get_messages
from django.test import Client
from django.utils import timezone

from integrations.jobs.unconfirmed import withdraw_unconfirmed
from integrations.models import ConnectedAccount, ConnectionRequest
from orgs.models import AuditEvent
from tests.factories import make_auth_config, owner_ref
from tests.flows.connecting import ConnectDesk
from tests.world import World

ANOTHER_IN_USE = "another may be in use"


@pytest.fixture
def browser(world: World) -> Client:
    return world.client("admin")


@pytest.fixture
def desk(connect_desk: ConnectDesk) -> ConnectDesk:
    """A provider that ends with one token all that the app has from the user, as Google does."""
    return with_style(connect_desk, "google")


def with_style(desk: ConnectDesk, style: str) -> ConnectDesk:
    desk.toolkit.definition["auth_schemes"][0]["revoke"]["style"] = style
    desk.toolkit.save()
    return desk


def connect_for_acme(desk: ConnectDesk, browser: Client, world: World, login: str = "ada") -> ConnectedAccount:
    desk.connect(browser, login, holder=world.acme)
    confirm(desk, browser)
    return desk.accounts[-1]


def confirm(desk: ConnectDesk, browser: Client, answer: str = "confirm") -> Any:
    return browser.post(f"/orgs/acme/connections/requests/{desk.requests[-1].text_id}/", {"decision": answer})


def disconnect(browser: Client, account: ConnectedAccount) -> str:
    place = "/orgs/acme" if account.owner.organization_id else "/me"
    answer = browser.post(f"{place}/connections/{account.text_id}/disconnect/", {"typed": account.label})
    return " ".join(str(message) for message in get_messages(answer.wsgi_request))


def statuses(desk: ConnectDesk) -> list[str]:
    return [account.status for account in desk.accounts]


def test_ones_own_account_goes_and_the_organizations_stays(desk: ConnectDesk, browser: Client, world: World) -> None:
    desk.connect(browser, "ada")
    connect_for_acme(desk, browser, world)

    account = desk.accounts[0]
    preview = browser.get(f"/me/connections/{account.text_id}/disconnect/").content.decode()
    said = disconnect(browser, account)

    assert "Notes is not asked to withdraw the access" in preview
    assert desk.server.revoked == []
    assert statuses(desk) == ["revoked", "active"]
    assert desk.accounts[0].credentials is None
    assert ANOTHER_IN_USE in said
    event = AuditEvent.objects.get(action="connection.revoke")
    assert (event.result, event.details["confirmed"]) == ("failed", False)


def test_the_last_one_ends_the_grant(desk: ConnectDesk, browser: Client, world: World) -> None:
    desk.connect(browser, "ada")
    connect_for_acme(desk, browser, world)
    disconnect(browser, desk.accounts[1])
    assert desk.server.revoked == []

    preview = browser.get(f"/me/connections/{desk.accounts[0].text_id}/disconnect/").content.decode()
    said = disconnect(browser, desk.accounts[0])

    assert "then Notes is asked to withdraw the access" in preview
    assert desk.server.revoked == ["ref-ada"]
    assert "The provider confirmed" in said


@pytest.mark.parametrize(
    ("style", "other", "revoked"),
    [
        ("google", "sam", ["ref-ada"]),  # somebody else at the provider
        ("rfc7009", "ada", ["ref-ada", "tok-ada-2"]),  # each sign-in is a grant of its own there
    ],
)
def test_what_shares_nothing_is_taken_back(
    connect_desk: ConnectDesk, browser: Client, world: World, style: str, other: str, revoked: list[str]
) -> None:
    desk = with_style(connect_desk, style)
    desk.connect(browser, "ada")
    connect_for_acme(desk, browser, world, other)

    disconnect(browser, desk.accounts[0])

    assert desk.server.revoked == revoked


def test_the_grant_of_another_client_is_another(desk: ConnectDesk, browser: Client, world: World) -> None:
    desk.connect(browser, "ada")
    connect_for_acme(desk, browser, world)
    other = make_auth_config(desk.toolkit, name="Another app", client_id="another-client")
    ConnectedAccount.objects.owned_by(world.acme.ref).update(auth_config=other)

    disconnect(browser, desk.accounts[0])

    assert desk.server.revoked == ["ref-ada"]


def test_what_has_expired_lives_on_no_grant(desk: ConnectDesk, browser: Client, world: World) -> None:
    desk.connect(browser, "ada")
    connect_for_acme(desk, browser, world)
    ConnectedAccount.objects.owned_by(world.acme.ref).update(status="expired")

    disconnect(browser, desk.accounts[0])

    assert desk.server.revoked == ["ref-ada"]


def test_a_discarded_sign_in_does_not_end_what_works(desk: ConnectDesk, browser: Client, world: World) -> None:
    desk.connect(browser, "ada")
    desk.connect(browser, "ada", holder=world.acme)

    confirm(desk, browser, "discard")

    assert desk.server.revoked == []
    assert statuses(desk) == ["active"]


def test_a_discarded_sign_in_of_nobody_elses_is_taken_back(desk: ConnectDesk, browser: Client, world: World) -> None:
    desk.connect(browser, "sam")
    desk.connect(browser, "ada", holder=world.acme)

    confirm(desk, browser, "discard")

    assert desk.server.revoked == ["ref-ada"]


@pytest.mark.parametrize(("works", "revoked"), [(True, []), (False, ["ref-ada"])])
def test_what_nobody_confirmed_in_time_does_not_end_what_works(
    desk: ConnectDesk, browser: Client, world: World, works: bool, revoked: list[str]
) -> None:
    desk.connect(browser, "ada")
    if not works:
        wiped = {"status": "revoked", "credentials": None, "is_default": False}
        ConnectedAccount.objects.owned_by(owner_ref(world.admin)).update(**wiped)
    desk.connect(browser, "ada", holder=world.acme)
    waiting = ConnectionRequest.objects.owned_by(world.acme.ref)
    waiting.update(expires_at=timezone.now() - timedelta(minutes=1))

    assert withdraw_unconfirmed(timezone.now()) == 1

    assert desk.server.revoked == revoked
    assert waiting.get().pending is None


def test_a_sign_in_whose_identity_nobody_knows_does_not_end_what_works(desk: ConnectDesk, browser: Client) -> None:
    """The verification call failed: the tokens may be anybody's."""
    desk.connect(browser, "ada")

    fail_to_verify(desk)
    desk.connect(browser, "ada")

    assert desk.server.revoked == []
    assert statuses(desk) == ["active"]


def test_a_sign_in_whose_identity_nobody_knows_is_taken_back_where_nothing_else_is_connected(
    desk: ConnectDesk, browser: Client
) -> None:
    fail_to_verify(desk)

    desk.connect(browser, "ada")

    assert desk.server.revoked == ["ref-ada"]
    assert desk.accounts == []


def fail_to_verify(desk: ConnectDesk) -> None:
    def fail() -> None:
        raise RuntimeError("The provider has a fault of its own.")

    desk.server.meanwhile = fail
