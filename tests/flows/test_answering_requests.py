"""What members ask for, answered through the consent page and a provider that listens."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.db import connection
from django.http import HttpResponse
from django.test import Client
from django.utils import timezone

from integrations.models import ConsentRequest, Policy
from orgs.models import AuditEvent, Membership, Notice
from orgs.permissions import Role
from tests.factories import make_auth_config, make_consent_request
from tests.flows.authorization_server import AuthorizationServer
from tests.flows.connecting import ConnectDesk, make_connect_desk
from tests.world import World, make_world


@pytest.fixture
def asked(connect_desk: ConnectDesk, world: World) -> ConsentRequest:
    """The member asks for the toolkit, to write with it."""
    row = make_consent_request(connect_desk.toolkit, owner=world.acme, users=[world.member])
    row.requesters.update(tools=["NOTES_WRITE"])
    return row


@pytest.fixture
def admin(world: World) -> Client:
    return world.client("admin")


def reread(row: ConsentRequest) -> ConsentRequest:
    found: ConsentRequest = ConsentRequest.objects.unscoped("a test looks at what it made").get(id=row.id)
    return found


def confirm(admin: Client, answer: HttpResponse) -> HttpResponse:
    return admin.post(answer["Location"], {"decision": "confirm"}, follow=True)


def demote(world: World, persona: str = "admin") -> None:
    Membership.objects.filter(user=world.people[persona]).update(role=Role.MEMBER.value)


def test_the_request_is_approved_when_the_account_is_connected(
    connect_desk: ConnectDesk, world: World, admin: Client, asked: ConsentRequest
) -> None:
    came_back = connect_desk.connect(admin, "acme-bot", world.acme, request=asked.text_id)
    assert reread(asked).status == "open"

    confirm(admin, came_back)

    after, [account] = reread(asked), connect_desk.accounts
    assert (after.status, after.answered_with, after.decided_by) == ("approved", account, world.admin)
    assert [one.step for one in asked.events.order_by("at", "id")] == ["asked", "began", "approved"]
    assert Notice.objects.get(user=world.member).title == "Approved: Connect Notes"
    actions = AuditEvent.objects.filter(owner_id=world.acme.ref.text_id).order_by("id")
    assert list(actions.values_list("action", flat=True)) == [
        "connection.start",
        "connection.confirm",
        "request.approve",
    ]


def test_the_consent_page_says_who_asks_and_asks_for_what_they_need(
    connect_desk: ConnectDesk, world: World, admin: Client, asked: ConsentRequest
) -> None:
    page = admin.get(f"{connect_desk.page(world.acme)}?request={asked.text_id}").content.decode()

    assert "You are approving a request" in page
    assert "mia needs it" in page
    assert f'name="request" value="{asked.text_id}"' in page


def test_a_key_answers_a_request_too(
    connect_desk: ConnectDesk, world: World, admin: Client, asked: ConsentRequest
) -> None:
    by_key = make_auth_config(connect_desk.toolkit, scheme="bearer_token", name="Key", client_id="")
    connect_desk.server._people["tok-key"] = "acme-bot"

    connect_desk.agree(admin, world.acme, way=by_key.text_id, request=asked.text_id, field_token="tok-key")

    assert reread(asked).status == "approved"


def test_the_consent_page_finds_by_itself_what_members_have_asked_for(
    connect_desk: ConnectDesk, world: World, admin: Client, asked: ConsentRequest
) -> None:
    asked.requesters.create(user=world.viewer, reason="Me too", asked_at=timezone.now())

    page = admin.get(connect_desk.page(world.acme)).content.decode()
    mine = admin.get(connect_desk.page()).content.decode()

    assert "You are approving a request of 2 people" in page
    assert f'name="request" value="{asked.text_id}"' in page
    assert "approving a request" not in mine  # under the admin's own user ID


def test_an_admin_who_asked_too_is_told_that_connecting_answers_nothing(
    connect_desk: ConnectDesk, world: World, admin: Client, asked: ConsentRequest
) -> None:
    asked.requesters.create(user=world.admin, reason="Me too", asked_at=timezone.now())

    page = admin.get(connect_desk.page(world.acme)).content.decode()
    done = confirm(admin, connect_desk.connect(admin, "acme-bot", world.acme)).content.decode()

    assert "2 people have asked for this" in page
    assert 'name="request" value' not in page
    assert "“Connect Notes” is still open" in done
    assert (len(connect_desk.accounts), reread(asked).status) == (1, "open")


def test_connecting_directly_answers_what_members_asked_for_meanwhile(
    connect_desk: ConnectDesk, world: World, admin: Client
) -> None:
    came_back = connect_desk.connect(admin, "acme-bot", world.acme)
    asked = make_consent_request(connect_desk.toolkit, owner=world.acme, users=[world.member])
    asked.requesters.update(tools=["NOTES_READ"])
    elsewhere = make_consent_request(connect_desk.toolkit, owner=world.globex, users=[world.outsider])

    page = confirm(admin, came_back).content.decode()

    assert "“Connect Notes” is approved, and they are told" in page
    assert (reread(asked).status, reread(asked).answered_with) == ("approved", connect_desk.accounts[0])
    assert reread(elsewhere).status == "open"
    assert Notice.objects.get(user=world.member).title == "Approved: Connect Notes"
    assert AuditEvent.objects.filter(action="request.approve").count() == 1


@pytest.mark.parametrize("end", ["denied", "blocked"])
def test_connecting_directly_leaves_what_is_decided(
    connect_desk: ConnectDesk, world: World, admin: Client, asked: ConsentRequest, end: str
) -> None:
    ConsentRequest.objects.owned_by(world.acme.ref).update(status=end)

    confirm(admin, connect_desk.connect(admin, "acme-bot", world.acme))

    assert (len(connect_desk.accounts), reread(asked).status) == (1, end)


def test_what_would_not_do_for_those_who_asked_stays_open(
    connect_desk: ConnectDesk, world: World, admin: Client, asked: ConsentRequest
) -> None:
    done = confirm(admin, connect_desk.connect(admin, "acme-bot", world.acme, preset="read")).content.decode()

    assert "is still open" in done  # they want to write
    assert reread(asked).status == "open"


def test_what_would_not_do_stays_open_also_for_whoever_came_from_the_request(
    connect_desk: ConnectDesk, world: World, admin: Client, asked: ConsentRequest
) -> None:
    """They want to write. The page carries the request by itself, and the preset is the admin's choice."""
    sent = {"request": asked.text_id, "preset": "read"}
    done = confirm(admin, connect_desk.connect(admin, "acme-bot", world.acme, **sent)).content.decode()

    assert "“Connect Notes” is still open" in done
    assert (len(connect_desk.accounts), reread(asked).status) == (1, "open")
    assert not Notice.objects.filter(user=world.member, title__startswith="Approved").exists()


def test_a_milder_preset_answers_it(
    connect_desk: ConnectDesk, world: World, admin: Client, asked: ConsentRequest
) -> None:
    sent = {"request": asked.text_id, "preset": "write"}
    done = confirm(admin, connect_desk.connect(admin, "acme-bot", world.acme, **sent)).content.decode()

    assert "still open" not in done
    assert reread(asked).status == "approved"


def test_reconnecting_answers_nothing(connect_desk: ConnectDesk, world: World, admin: Client) -> None:
    confirm(admin, connect_desk.connect(admin, "acme-bot", world.acme))
    [account] = connect_desk.accounts
    asked = make_consent_request(connect_desk.toolkit, owner=world.acme, users=[world.member])

    page = admin.get(f"{connect_desk.page(world.acme)}?reconnect={account.text_id}").content.decode()
    connect_desk.connect(admin, "acme-bot", world.acme, reconnect=account.text_id)

    assert "approving a request" not in page
    assert reread(asked).status == "open"


@pytest.mark.parametrize(("moment", "code"), [("begun", 302), ("confirming", 403)])
def test_a_demoted_admins_flow_does_not_finish(
    connect_desk: ConnectDesk, world: World, admin: Client, asked: ConsentRequest, moment: str, code: int
) -> None:
    address = connect_desk.begin(admin, world.acme, request=asked.text_id)
    if moment == "begun":
        demote(world)
        answer = connect_desk.come_back(admin, connect_desk.server.press(address, "acme-bot"))
    else:
        came_back = connect_desk.come_back(admin, connect_desk.server.press(address, "acme-bot"))
        demote(world)
        answer = admin.post(came_back["Location"], {"decision": "confirm"})

    assert answer.status_code == code
    assert (connect_desk.accounts, reread(asked).status) == ([], "open")


def test_nobody_begins_to_approve_what_they_asked_for(connect_desk: ConnectDesk, world: World, admin: Client) -> None:
    own = make_consent_request(connect_desk.toolkit, owner=world.acme, users=[world.admin])

    page = admin.get(f"{connect_desk.page(world.acme)}?request={own.text_id}").content.decode()
    answer = connect_desk.agree(admin, world.acme, request=own.text_id)

    assert "so somebody else decides. Ask owner_of_acme." in page
    assert answer.status_code == 403
    assert connect_desk.requests == []


def test_who_joins_the_request_meanwhile_does_not_finish_it(
    connect_desk: ConnectDesk, world: World, admin: Client, asked: ConsentRequest
) -> None:
    came_back = connect_desk.connect(admin, "acme-bot", world.acme, request=asked.text_id)
    asked.requesters.create(user=world.admin, reason="Me too", asked_at=timezone.now())

    answer = admin.post(came_back["Location"], {"decision": "confirm"})

    assert answer.status_code == 403
    assert (connect_desk.accounts, reread(asked).status) == ([], "open")


@pytest.mark.parametrize("end", ["withdrawn", "denied", "blocked", "expired"])
def test_what_ended_meanwhile_connects_nothing(
    connect_desk: ConnectDesk, world: World, admin: Client, asked: ConsentRequest, end: str
) -> None:
    came_back = connect_desk.connect(admin, "acme-bot", world.acme, request=asked.text_id)
    ConsentRequest.objects.owned_by(world.acme.ref).update(status=end)

    page = confirm(admin, came_back).content.decode()

    assert f"This request is {end} by now" in page
    assert "This is the wrong account" in page  # it can still be discarded, and taken back at the provider
    assert connect_desk.accounts == []


@pytest.mark.django_db(transaction=True)
def test_what_ended_at_the_provider_is_taken_back_there(
    authorization_server_of: Callable[[], AuthorizationServer],
) -> None:
    world = make_world()
    desk = make_connect_desk(authorization_server_of())
    asked = make_consent_request(desk.toolkit, owner=world.acme, users=[world.member])
    admin = world.client("admin")
    params = desk.server.press(desk.begin(admin, world.acme, request=asked.text_id), "acme-bot")

    def withdraw() -> None:
        ConsentRequest.objects.owned_by(world.acme.ref).update(status="withdrawn")
        connection.close()  # the server's thread had one of its own

    desk.server.meanwhile = withdraw
    desk.come_back(admin, params)

    assert desk.accounts == []
    assert len(desk.server.revoked) > 0


def test_another_organizations_request_is_not_answered_here(
    connect_desk: ConnectDesk, world: World, admin: Client
) -> None:
    theirs = make_consent_request(connect_desk.toolkit, owner=world.globex, users=[world.outsider])

    assert connect_desk.agree(admin, world.acme, request=theirs.text_id).status_code == 404
    assert connect_desk.agree(admin, world.acme, request="nonsense").status_code == 404


# --- The preset


def test_a_preset_becomes_policies_when_the_account_is_connected(
    connect_desk: ConnectDesk, world: World, admin: Client
) -> None:
    came_back = connect_desk.connect(admin, "acme-bot", world.acme, preset="read")
    assert not Policy.objects.owned_by(world.acme.ref).exists()

    confirm(admin, came_back)

    found = Policy.objects.owned_by(world.acme.ref).filter(connected_account=connect_desk.accounts[0])
    assert {(one.effect, one.verdict) for one in found} == {
        ("read", "allow"),
        ("write", "deny"),
        ("destructive", "deny"),
    }


def test_reconnecting_leaves_the_policies_alone(connect_desk: ConnectDesk, world: World, admin: Client) -> None:
    confirm(admin, connect_desk.connect(admin, "acme-bot", world.acme))

    confirm(admin, connect_desk.connect(admin, "acme-bot", world.acme, preset="read"))

    assert len(connect_desk.accounts) == 1
    assert not Policy.objects.owned_by(world.acme.ref).exists()


def test_custom_leads_on_to_the_policies(connect_desk: ConnectDesk, world: World, admin: Client) -> None:
    page = confirm(admin, connect_desk.connect(admin, "acme-bot", world.acme, preset="custom")).content.decode()

    assert f"place=account:{connect_desk.accounts[0].text_id}" in page


def test_presets_are_for_organizations_and_new_accounts(connect_desk: ConnectDesk, world: World, admin: Client) -> None:
    confirm(admin, connect_desk.connect(admin, "acme-bot", world.acme))
    [account] = connect_desk.accounts

    def page(path: str) -> str:
        return str(admin.get(path).content.decode())

    assert "What members may do with it" in page(connect_desk.page(world.acme))
    assert "What members may do with it" not in page(f"{connect_desk.page(world.acme)}?reconnect={account.text_id}")
    assert "What members may do with it" not in page(connect_desk.page())
