"""The pages on which a member's place changes or ends: what they say first, and what they then do."""

from typing import Any

import pytest
from django.contrib.messages import get_messages
from django.http import HttpResponse
from django.test import Client

from accounts.models import User
from integrations.models import ConnectedAccount, Toolkit
from orgs.models import ApiKey, Membership
from orgs.permissions import Role
from tests.factories import (
    make_api_key,
    make_connected_account,
    make_execution,
    make_membership,
    make_session,
    make_tool,
    make_toolkit,
    make_user,
)
from tests.world import World

pytestmark = pytest.mark.django_db


@pytest.fixture
def toolkit(db: None) -> Toolkit:
    return make_toolkit("slack", name="Slack")


@pytest.fixture
def dana(world: World) -> User:
    user = make_user("dana", name="Dana")
    make_membership(world.acme, user, Role.ADMIN)
    return user


@pytest.fixture
def account(world: World, dana: User, toolkit: Toolkit) -> ConnectedAccount:
    return make_connected_account(toolkit, owner=world.acme, connected_by=dana, alias="Team bot")


@pytest.fixture
def admin(world: World) -> Client:
    return world.client("admin")


def page_of(user: User, what: str) -> str:
    return f"/orgs/acme/members/{Membership.objects.get(user=user).text_id}/{what}/"


def status_of(user: User) -> str:
    return str(Membership.objects.get(user=user).status)


def client_of(user: User) -> Client:
    client = Client(raise_request_exception=False)
    client.force_login(user)
    return client


def told(response: HttpResponse) -> str:
    return " ".join(str(message) for message in get_messages(response.wsgi_request))


def fresh(account: ConnectedAccount) -> Any:
    return ConnectedAccount.objects.unscoped("a test looks").get(id=account.id)


# --- Removing


def test_the_page_lists_what_was_granted_and_asks_who_consents_anew(
    world: World, dana: User, account: ConnectedAccount, admin: Client
) -> None:
    page = admin.get(page_of(dana, "remove")).content.decode()

    for what in ("Connections granted by Dana", "Team bot", "Who consents anew", "Type Dana to confirm"):
        assert what in page
    assert f'<option value="{world.admin.text_id}" selected>admin_of_acme</option>' in page  # whoever acts comes first
    assert f'<option value="{world.owner.text_id}">owner_of_acme</option>' in page
    for nobody in (dana, world.member, world.viewer):
        assert f'value="{nobody.text_id}"' not in page
    assert "typed in by" not in page


def test_a_key_that_was_typed_in_is_named_as_known_to_them(
    world: World, dana: User, toolkit: Toolkit, admin: Client
) -> None:
    make_connected_account(toolkit, owner=world.acme, connected_by=dana, scheme="bearer_token")

    assert "typed in by Dana, who may still know it" in admin.get(page_of(dana, "remove")).content.decode()


def test_keys_of_the_organization_that_they_made_are_named(world: World, dana: User, admin: Client) -> None:
    key, _secret = make_api_key(world.acme, name="Nightly export")
    ApiKey.objects.filter(id=key.id).update(created_by=dana)

    page = admin.get(page_of(dana, "remove")).content.decode()

    assert "API keys of Acme that Dana made" in page
    assert "Nightly export" in page


@pytest.mark.parametrize("typed", ["", "somebody else"])
def test_a_member_with_connections_stays_while_the_name_is_not_typed(
    dana: User, account: ConnectedAccount, admin: Client, typed: str
) -> None:
    answer = admin.post(page_of(dana, "remove"), {"typed": typed})

    assert answer.status_code == 422
    assert status_of(dana) == "active"
    assert fresh(account).handed_over_at is None


def test_removing_says_what_was_cancelled_and_what_waits_for_consent(
    world: World, dana: User, toolkit: Toolkit, account: ConnectedAccount, admin: Client
) -> None:
    make_execution(make_tool(toolkit), owner=world.acme, user=dana)
    chosen = {f"successor-{account.text_id}": world.owner.text_id}

    answer = admin.post(page_of(dana, "remove"), {"typed": "Dana", **chosen})

    assert answer.status_code == 302
    assert status_of(dana) == "left"
    assert "1 waiting run was cancelled. Somebody should consent anew to Slack (Team bot)." in told(answer)
    assert fresh(account).successor == world.owner


def test_several_waiting_runs_are_counted(world: World, toolkit: Toolkit, admin: Client) -> None:
    tool = make_tool(toolkit)
    for _ in range(2):
        make_execution(tool, owner=world.acme, user=world.member)
    assert (
        "<strong>2</strong> waiting runs under Acme are cancelled"
        in admin.get(page_of(world.member, "remove")).content.decode()
    )

    assert "2 waiting runs were cancelled." in told(admin.post(page_of(world.member, "remove")))


def test_a_successor_who_is_none_is_refused_and_nothing_happens(
    world: World, dana: User, account: ConnectedAccount, admin: Client
) -> None:
    chosen = {f"successor-{account.text_id}": world.member.text_id}

    answer = admin.post(page_of(dana, "remove"), {"typed": "Dana", **chosen})

    assert answer.status_code == 422
    assert status_of(dana) == "active"


def test_the_connection_says_who_should_consent_anew_and_offers_it_to_those_who_may(
    world: World, dana: User, account: ConnectedAccount, admin: Client
) -> None:
    admin.post(page_of(dana, "remove"), {"typed": "Dana"})
    sentence = "Granted by Dana, who left; admin_of_acme should consent anew."
    pages = (f"/orgs/acme/connections/{account.text_id}/", "/orgs/acme/connections/", "/orgs/acme/")

    for page in pages:
        assert sentence in admin.get(page).content.decode()
        assert sentence in world.client("member").get(page).content.decode()
    assert f"reconnect={account.text_id}" in admin.get(pages[0]).content.decode()
    assert "Consent anew</a>" not in world.client("member").get(pages[0]).content.decode()


# --- Leaving


def test_leaving_with_connections_takes_the_organizations_name(
    world: World, dana: User, account: ConnectedAccount
) -> None:
    browser = client_of(dana)
    page = browser.get("/orgs/acme/members/leave/").content.decode()
    assert "Connections granted by you" in page
    assert f'<option value="{world.owner.text_id}" selected>' in page

    assert browser.post("/orgs/acme/members/leave/", {"typed": "Globex"}).status_code == 422
    assert status_of(dana) == "active"

    answer = browser.post("/orgs/acme/members/leave/", {"typed": "Acme"})

    assert (answer.status_code, status_of(dana)) == (302, "left")
    assert fresh(account).successor == world.owner


def test_leaving_says_what_ends_and_what_stays(world: World, toolkit: Toolkit) -> None:
    make_execution(make_tool(toolkit), owner=world.acme, user=world.member)
    make_session(toolkit, owner=world.acme, user=world.member)

    page = world.client("member").get("/orgs/acme/members/leave/").content.decode()

    for what in (
        "<strong>1</strong> waiting run under Acme is cancelled",
        "<strong>1</strong> session made for Acme ends",
        "What is connected under your own user ID",
        "You keep",
    ):
        assert what in page


# --- Role and suspension


def test_the_role_page_counts_the_runs_that_would_not_be_allowed(world: World, toolkit: Toolkit, admin: Client) -> None:
    make_execution(make_tool(toolkit), owner=world.acme, user=world.member)

    down = admin.get(page_of(world.member, "role"), {"role": "viewer"}).content.decode()
    up = admin.get(page_of(world.member, "role"), {"role": "admin"}).content.decode()

    assert "<strong>1</strong> waiting run under Acme would no longer be allowed and is refused" in down
    assert "would no longer be allowed" not in up


def test_the_suspension_page_counts_what_is_refused_meanwhile(world: World, toolkit: Toolkit, admin: Client) -> None:
    assert "None waits under Acme." in admin.get(page_of(world.member, "suspend")).content.decode()
    make_execution(make_tool(toolkit), owner=world.acme, user=world.member)

    page = admin.get(page_of(world.member, "suspend")).content.decode()

    assert "<strong>1</strong> waiting run: each is refused when a worker takes it, unless you lift" in page


# --- Keys follow at once (checks T20, T21)


def test_a_personal_key_bound_to_the_organization_is_dead_from_the_next_request_on(world: World, admin: Client) -> None:
    key, secret = make_api_key(world.member)
    ApiKey.objects.filter(id=key.id).update(organization=world.acme)
    bearer = {"headers": {"x-api-key": secret}}
    assert Client().get("/api/v3.1/toolkits", **bearer).status_code == 200

    admin.post(page_of(world.member, "remove"))

    assert Client().get("/api/v3.1/toolkits", **bearer).status_code == 401
