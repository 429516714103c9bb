"""Disconnecting: what is shown before, what happens, and what the provider said to it."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from django.contrib.messages import get_messages
from django.http import HttpResponse
from django.test import Client
from pytest_django import Settings

from integrations.jobs import claim_next, execute
from integrations.models import AuthConfig, Execution, Lane, Tool
from tests.factories import make_connected_account, make_execution
from tests.flows.connecting import ConnectDesk
from tests.world import World

LONG_AGO = datetime(2026, 1, 1, tzinfo=UTC)
DUE: dict[str, Any] = {"available_at": LONG_AGO, "created_at": LONG_AGO, "expires_at": datetime(2999, 1, 1, tzinfo=UTC)}


@pytest.fixture
def browser(world: World) -> Client:
    return world.client("member")


@pytest.fixture
def admin(world: World) -> Client:
    return world.client("admin")


def told(response: HttpResponse) -> str:
    return " ".join(str(message) for message in get_messages(response.wsgi_request))


def page_of(desk: ConnectDesk, number: int = 0) -> str:
    return f"/me/connections/{desk.accounts[number].text_id}/disconnect/"


def test_the_preview_tells_what_would_happen_and_does_nothing(
    connect_desk: ConnectDesk, world: World, browser: Client
) -> None:
    connect_desk.connect(browser, "ada")
    connect_desk.connect(browser, "sam")
    tool = Tool.objects.get(slug="NOTES_READ")
    for status in ("queued", "queued", "succeeded"):
        make_execution(tool, owner=world.member, status=status, connected_account=connect_desk.accounts[1])

    page = browser.get(page_of(connect_desk, 1)).content.decode()

    assert "<strong>2</strong> waiting runs will be refused" in page
    assert "<strong>3</strong> in all, 0 of them in the last 30 days. Their records stay." in page
    assert "Runs that name no account use ada from then on" in page
    assert [account.status for account in connect_desk.accounts] == ["active", "active"]


def test_the_preview_of_an_account_that_is_not_the_default_says_so(connect_desk: ConnectDesk, browser: Client) -> None:
    connect_desk.connect(browser, "ada")
    connect_desk.connect(browser, "sam")

    page = browser.get(page_of(connect_desk, 0)).content.decode()

    assert "It is not the default" in page
    assert "None is waiting" in page


def test_disconnect_wipes_our_copy_and_says_that_the_provider_confirmed(
    connect_desk: ConnectDesk, browser: Client
) -> None:
    connect_desk.connect(browser, "ada")

    answer = browser.post(page_of(connect_desk))

    (account,) = connect_desk.accounts
    assert (account.status, account.credentials) == ("revoked", None)
    assert connect_desk.server.revoked == ["ref-ada", "tok-ada-2"]  # the refresh token first (RFC 7009)
    assert "The provider confirmed" in told(answer)


@pytest.mark.parametrize("status", [400, 503])
def test_a_provider_that_does_not_confirm_is_named_with_what_to_do(
    connect_desk: ConnectDesk, browser: Client, status: int
) -> None:
    connect_desk.connect(browser, "ada")
    connect_desk.server.revoke_status = status

    answer = browser.post(page_of(connect_desk))

    assert connect_desk.accounts[0].credentials is None
    assert f"did not confirm the withdrawal (HTTP {status})" in told(answer)
    assert "Remove the app in your settings there" in told(answer)


def test_a_provider_that_is_away_does_not_stop_it(
    connect_desk: ConnectDesk, browser: Client, settings: Settings
) -> None:
    connect_desk.connect(browser, "ada")
    settings.TOKEN_CALL_DEADLINE = 1
    connect_desk.server.server.stop()

    answer = browser.post(page_of(connect_desk))

    assert connect_desk.accounts[0].status == "revoked"
    assert "could not be used" in told(answer)


def test_old_tokens_do_not_travel_to_a_server_that_was_named_later(connect_desk: ConnectDesk, browser: Client) -> None:
    connect_desk.connect(browser, "ada")
    configs = AuthConfig.objects.unscoped("as an operator does")
    configs.update(overrides={"revoke_url": connect_desk.server.url("/elsewhere")})

    answer = browser.post(page_of(connect_desk))

    assert connect_desk.accounts[0].status == "revoked"
    assert connect_desk.server.revoked == []
    assert "names another server" in told(answer)


def test_waiting_runs_of_a_disconnected_account_are_refused(
    connect_desk: ConnectDesk, world: World, browser: Client
) -> None:
    connect_desk.connect(browser, "ada")
    connect_desk.connect(browser, "sam")
    (ada, _sam) = connect_desk.accounts
    row = make_execution(Tool.objects.get(slug="NOTES_READ"), owner=world.member, connected_account=ada, **DUE)
    Lane.objects.create(owner=row.owner, last_served_at=row.created_at)

    browser.post(page_of(connect_desk))
    claim = claim_next()
    assert claim is not None
    execute(claim)

    ended = Execution.objects.unscoped("a test looks").get(id=row.id)
    assert (ended.status, ended.error_code) == ("denied", "connected_account_not_found")


def test_the_next_default_is_said(connect_desk: ConnectDesk, browser: Client) -> None:
    connect_desk.connect(browser, "ada")
    connect_desk.connect(browser, "sam")

    answer = browser.post(page_of(connect_desk, 1))

    assert "Runs that name no account now use ada." in told(answer)


@pytest.mark.parametrize(("typed", "code", "status"), [("", 422, "active"), ("wrong", 422, "active")])
def test_an_organizations_account_stays_while_its_name_is_not_typed(
    connect_desk: ConnectDesk, world: World, admin: Client, typed: str, code: int, status: str
) -> None:
    account = make_connected_account(connect_desk.toolkit, owner=world.acme, alias="Team bot")

    answer = admin.post(f"/orgs/acme/connections/{account.text_id}/disconnect/", {"typed": typed})

    assert answer.status_code == code
    assert connect_desk.accounts[0].status == status


def test_an_organizations_account_goes_when_its_name_is_typed(
    connect_desk: ConnectDesk, world: World, admin: Client
) -> None:
    account = make_connected_account(connect_desk.toolkit, owner=world.acme, alias="Team bot")
    page = f"/orgs/acme/connections/{account.text_id}/disconnect/"
    assert "<strong>3</strong> members of Acme" in admin.get(page).content.decode()

    admin.post(page, {"typed": "Team bot"})

    assert connect_desk.accounts[0].status == "revoked"


@pytest.mark.parametrize(("persona", "code"), [("member", 403), ("viewer", 403), ("outsider", 404), ("ex_member", 404)])
def test_others_cannot_disconnect_an_organizations_account(
    connect_desk: ConnectDesk, world: World, persona: str, code: int
) -> None:
    account = make_connected_account(connect_desk.toolkit, owner=world.acme, alias="Team bot")

    answer = world.client(persona).post(f"/orgs/acme/connections/{account.text_id}/disconnect/", {"typed": "Team bot"})

    assert answer.status_code == code
    assert connect_desk.accounts[0].status == "active"


def test_a_key_says_that_it_stays_valid_at_the_provider(
    connect_desk: ConnectDesk, world: World, browser: Client
) -> None:
    account = make_connected_account(connect_desk.toolkit, owner=world.member, scheme="bearer_token")

    answer = browser.post(f"/me/connections/{account.text_id}/disconnect/")

    assert "delete the key or token there yourself" in told(answer)


def test_an_account_whose_toolkit_dropped_the_sign_in_can_be_disconnected(
    connect_desk: ConnectDesk, browser: Client
) -> None:
    connect_desk.connect(browser, "ada")
    without_sign_in(connect_desk)

    preview = browser.get(page_of(connect_desk))
    answer = browser.post(page_of(connect_desk))

    assert preview.status_code == 200
    assert (connect_desk.accounts[0].status, connect_desk.accounts[0].credentials) == ("revoked", None)
    assert connect_desk.server.revoked == []
    assert "its auth config is not readable" in told(answer)


def test_a_sign_in_that_the_toolkit_dropped_meanwhile_ends_with_a_reason(
    connect_desk: ConnectDesk, browser: Client
) -> None:
    params = connect_desk.server.press(connect_desk.begin(browser))
    without_sign_in(connect_desk)

    answer = connect_desk.come_back(browser, params)

    assert "cannot be used: notes does not offer oauth2" in browser.get(answer["Location"]).content.decode()
    assert connect_desk.accounts == []


def without_sign_in(desk: ConnectDesk) -> None:
    """As an operator changes a toolkit."""
    schemes = desk.toolkit.definition["auth_schemes"]
    desk.toolkit.definition["auth_schemes"] = [one for one in schemes if one["scheme"] != "oauth2"]
    desk.toolkit.save()
