"""Somebody who connected an account leaves: the successor consents anew, and what was begun is given up."""

from __future__ import annotations

import csv
from io import StringIO
from typing import Any

import pytest
from django.contrib.messages import get_messages
from django.http import HttpResponse
from django.test import Client
from django.utils import timezone

from accounts.models import User
from integrations.models import AuthConfig, ConnectedAccount
from integrations.models.encrypted import Sealed
from integrations.services.connections import flow
from orgs.models import AuditEvent, Membership, Notice
from orgs.permissions import Role
from tests.factories import make_connected_account, make_membership, make_toolkit, make_user
from tests.flows.connecting import ConnectDesk, path_of
from tests.world import World, sign_in


def told(response: HttpResponse) -> str:
    return " ".join(str(message) for message in get_messages(response.wsgi_request))


@pytest.fixture
def dana(world: World) -> User:
    user = make_user("dana", name="Dana")
    make_membership(world.acme, user, Role.ADMIN)
    return user


@pytest.fixture
def browser(dana: User) -> Client:
    client = Client(raise_request_exception=False)
    sign_in(client, dana)
    return client


@pytest.fixture
def admin(world: World) -> Client:
    return world.client("admin")


def confirm(browser: Client, answer: HttpResponse) -> HttpResponse:
    return browser.post(path_of(answer), {"decision": "confirm"})


def remove(world: World, user: User, *, typed: str = "", successor: User | None = None, **more: str) -> None:
    place = Membership.objects.get(user=user).text_id
    answer = world.client("admin").post(f"/orgs/acme/members/{place}/remove/", {"typed": typed, **more})
    assert answer.status_code == 302, answer.content.decode()


def granted_by_dana(desk: ConnectDesk, world: World, browser: Client) -> ConnectedAccount:
    confirm(browser, desk.connect(browser, "ada", world.acme))
    [account] = desk.accounts
    return account


def test_consenting_anew_keeps_the_account_and_ends_the_task(
    connect_desk: ConnectDesk, world: World, dana: User, browser: Client
) -> None:
    account = granted_by_dana(connect_desk, world, browser)
    remove(world, dana, typed="Dana", **{f"successor-{account.text_id}": world.owner.text_id})
    assert connect_desk.accounts[0].handed_over_at
    assert Notice.objects.filter(user=world.owner).unread().count() == 1

    answer = connect_desk.connect(world.client("owner"), "ada", world.acme, reconnect=account.text_id)

    [after] = connect_desk.accounts
    assert after.id == account.id
    assert (after.status, after.connected_by, after.successor, after.handed_over_at) == (
        "active",
        world.owner,
        None,
        None,
    )
    assert "It is the same account as before" in told(answer)
    assert Notice.objects.filter(user=world.owner).unread().count() == 0


def test_another_identity_is_another_account_and_the_task_stays(
    connect_desk: ConnectDesk, world: World, dana: User, browser: Client, admin: Client
) -> None:
    account = granted_by_dana(connect_desk, world, browser)
    remove(world, dana, typed="Dana")

    confirm(admin, connect_desk.connect(admin, "sam", world.acme, reconnect=account.text_id))

    first, second = connect_desk.accounts
    assert (first.id, first.status, first.handed_over_at is not None) == (account.id, "needs_attention", True)
    assert (second.identity_label, second.handed_over_at) == ("sam", None)


@pytest.fixture
def waiting(connect_desk: ConnectDesk, world: World, dana: User, browser: Client) -> ConnectedAccount:
    """Granted by Dana, who has left; an admin should consent anew."""
    account = granted_by_dana(connect_desk, world, browser)
    remove(world, dana, typed="Dana")
    return account


def finish(browser: Client, old: ConnectedAccount, new: str) -> HttpResponse:
    return browser.post(f"/orgs/acme/members/handed-over/{old.text_id}/", {"successor": new})


def test_the_page_says_before_and_after_that_the_other_account_can_take_its_place(
    connect_desk: ConnectDesk, world: World, waiting: ConnectedAccount, admin: Client
) -> None:
    came_back = connect_desk.connect(admin, "sam", world.acme, reconnect=waiting.text_id)

    before = admin.get(path_of(came_back)).content.decode()
    confirm(admin, came_back)
    after = admin.get(path_of(came_back)).content.decode()

    assert "Then you can let the new one take its place" in before
    assert "ada still waits for a new consent" in after
    assert "Let sam take its place" in after
    assert "Let sam take its place" in admin.get(f"/orgs/acme/connections/{waiting.text_id}/").content.decode()
    theirs = world.client("member").get(f"/orgs/acme/connections/{waiting.text_id}/").content.decode()
    assert "take its place</" not in theirs


def test_another_account_takes_its_place_and_the_task_is_done(
    connect_desk: ConnectDesk, world: World, waiting: ConnectedAccount, admin: Client
) -> None:
    ConnectedAccount.objects.owned_by(world.acme.ref).update(is_default=True)
    confirm(admin, connect_desk.connect(admin, "sam", world.acme, reconnect=waiting.text_id))
    _, new = connect_desk.accounts

    answer = finish(admin, waiting, new.text_id)

    first, second = connect_desk.accounts
    assert (first.status, first.successor, first.handed_over_at, first.is_default) == ("active", None, None, False)
    assert second.is_default
    assert path_of(answer) == f"/orgs/acme/connections/{waiting.text_id}/disconnect/"
    assert "sam takes the place of ada" in told(answer)
    done = AuditEvent.objects.filter(action="connection.hand_over").order_by("id").last()
    assert done is not None
    assert (done.target_id, done.details["connected_account_id"]) == (waiting.text_id, new.text_id)
    again = finish(admin, waiting, new.text_id)
    assert "This task is done already" in told(again)


def test_what_cannot_take_its_place_ends_no_task(
    connect_desk: ConnectDesk, world: World, waiting: ConnectedAccount, admin: Client
) -> None:
    elsewhere = make_connected_account(connect_desk.toolkit, owner=world.globex, identity_key="g")
    other_kit = make_connected_account(make_toolkit("slack"), owner=world.acme, identity_key="s")
    paused = make_connected_account(connect_desk.toolkit, owner=world.acme, identity_key="p", status="paused")

    for text in (waiting.text_id, elsewhere.text_id, other_kit.text_id, paused.text_id, "nonsense"):
        assert finish(admin, waiting, text).status_code == 404
    assert ConnectedAccount.objects.owned_by(world.acme.ref).get(id=waiting.id).handed_over_at is not None


def test_who_manages_no_connections_ends_no_task(
    connect_desk: ConnectDesk, world: World, waiting: ConnectedAccount, admin: Client
) -> None:
    confirm(admin, connect_desk.connect(admin, "sam", world.acme))
    _, new = connect_desk.accounts

    assert finish(world.client("member"), waiting, new.text_id).status_code == 403
    assert finish(world.client("outsider"), waiting, new.text_id).status_code == 404
    assert finish(admin, waiting, new.text_id).status_code == 302


def test_a_refresh_that_fails_still_needs_attention(
    connect_desk: ConnectDesk, world: World, waiting: ConnectedAccount, admin: Client
) -> None:
    confirm(admin, connect_desk.connect(admin, "sam", world.acme))
    ConnectedAccount.objects.owned_by(world.acme.ref).filter(id=waiting.id).update(refresh_failing_since=timezone.now())
    first, new = connect_desk.accounts

    finish(admin, waiting, new.text_id)

    first, _ = connect_desk.accounts
    assert (first.status, first.handed_over_at) == ("needs_attention", None)


def test_the_report_lists_what_was_handed_over_also_as_csv(
    connect_desk: ConnectDesk, world: World, waiting: ConnectedAccount, admin: Client
) -> None:
    make_connected_account(connect_desk.toolkit, owner=world.acme, identity_key="w", identity_label="well-and-good")
    ConnectedAccount.objects.owned_by(world.acme.ref).filter(id=waiting.id).update(alias="=cmd()")

    page = admin.get("/orgs/acme/members/handed-over/").content.decode()
    rows = list(csv.reader(StringIO(admin.get("/orgs/acme/members/handed-over.csv").getvalue().decode())))  # type: ignore[attr-defined]

    assert "=cmd()" in page
    assert "well-and-good" not in page
    assert [row[0] for row in rows] == ["ID", waiting.text_id]
    cells = dict(zip(rows[0], rows[1], strict=True))
    assert (cells["Name"], cells["Granted by"], cells["Who consents anew"]) == ("'=cmd()", "Dana", "admin_of_acme")


def test_removing_somebody_leads_to_the_report(
    connect_desk: ConnectDesk, world: World, dana: User, browser: Client, admin: Client
) -> None:
    granted_by_dana(connect_desk, world, browser)
    place = Membership.objects.get(user=dana).text_id

    answer = admin.post(f"/orgs/acme/members/{place}/remove/", {"typed": "Dana"})

    assert path_of(answer) == "/orgs/acme/members/handed-over/"
    assert "Nothing waits" in world.client("outsider").get("/orgs/globex/members/handed-over/").content.decode()


# --- What was begun


def test_a_sign_in_under_way_is_refused_when_it_comes_back(
    connect_desk: ConnectDesk, world: World, dana: User, browser: Client
) -> None:
    params = connect_desk.server.press(connect_desk.begin(browser, world.acme), "ada")
    remove(world, dana)

    answer = connect_desk.come_back(browser, params)

    assert answer.status_code == 302
    assert browser.get(path_of(answer)).status_code == 403
    assert connect_desk.accounts == []
    assert connect_desk.requests[0].error_code == "membership_ended"


def test_tokens_that_waited_for_a_confirmation_are_given_back(
    connect_desk: ConnectDesk, world: World, dana: User, browser: Client
) -> None:
    connect_desk.connect(browser, "ada", world.acme)
    [begun] = connect_desk.requests
    assert begun.status == "confirming"

    remove(world, dana)

    [begun] = connect_desk.requests
    assert (begun.status, begun.pending, connect_desk.accounts) == ("failed", None, [])
    assert connect_desk.server.revoked
    assert AuditEvent.objects.filter(action="connection.revoke", owner_id=world.acme.ref.text_id).count() == 1


def test_tokens_that_nobody_can_read_are_dropped(
    connect_desk: ConnectDesk, world: World, dana: User, browser: Client
) -> None:
    connect_desk.connect(browser, "ada", world.acme)
    [begun] = connect_desk.requests
    begun.pending = Sealed("nonsense")
    begun.save()

    remove(world, dana)

    assert connect_desk.requests[0].pending is None
    assert connect_desk.server.revoked == []


def test_a_membership_that_ends_at_the_last_moment_stores_nothing(
    connect_desk: ConnectDesk, world: World, dana: User, browser: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Between the last look at the rights and the writing, somebody removes the member."""

    def removed_now(*_: Any) -> bool:
        Membership.objects.filter(user=dana).update(status="left")
        return False

    monkeypatch.setattr(flow, "_needs_confirmation", removed_now)

    connect_desk.connect(browser, "ada", world.acme)

    assert connect_desk.accounts == []
    assert connect_desk.server.revoked


# --- Less access than before


def fewer_scopes(desk: ConnectDesk, browser: Client, world: World) -> tuple[ConnectedAccount, HttpResponse]:
    """Connected with both scopes; reconnected, and only reading was allowed."""
    desk.server.granted = "notes:read notes:write"
    confirm(browser, desk.connect(browser, "ada", world.acme))
    [account] = desk.accounts
    desk.server.granted = "notes:read"
    return account, desk.connect(browser, "ada", world.acme, reconnect=account.text_id)


def test_a_reconnect_that_allows_less_names_the_tools_that_stop_first(
    connect_desk: ConnectDesk, world: World, admin: Client
) -> None:
    account, answer = fewer_scopes(connect_desk, admin, world)

    page = admin.get(path_of(answer)).content.decode()

    assert "Less access than before" in page
    assert "What uses these tools" in page
    assert "Write a note" in page
    assert "Go on with less access" in page
    assert connect_desk.accounts[0].scopes == account.scopes  # nothing is stored yet


def test_going_on_with_less_access_stores_it(connect_desk: ConnectDesk, world: World, admin: Client) -> None:
    account, answer = fewer_scopes(connect_desk, admin, world)

    confirm(admin, answer)

    [after] = connect_desk.accounts
    assert (after.id, after.scopes) == (account.id, ["notes:read"])


def test_throwing_it_away_keeps_what_was(connect_desk: ConnectDesk, world: World, admin: Client) -> None:
    account, answer = fewer_scopes(connect_desk, admin, world)

    discarded = admin.post(path_of(answer), {"decision": "discard"})

    assert connect_desk.accounts[0].scopes == account.scopes
    assert connect_desk.server.revoked == []  # some providers would end the whole grant
    assert "What was connected before stays as it was." in told(discarded)


def test_the_consent_page_warns_when_less_is_asked_for_than_there_is(
    connect_desk: ConnectDesk, world: World, admin: Client
) -> None:
    connect_desk.server.granted = "notes:read notes:write"
    confirm(admin, connect_desk.connect(admin, "ada", world.acme))
    [account] = connect_desk.accounts
    page = f"{connect_desk.page(world.acme)}?reconnect={account.text_id}"
    assert "This asks for less" not in admin.get(page).content.decode()

    AuthConfig.objects.unscoped("as an operator does").update(scopes=["notes:read"])

    asked = admin.get(page).content.decode()
    assert "This asks for less than ada has now" in asked
    assert "What uses these tools" in asked
    assert "1 tool would stop: Write a note." in asked
