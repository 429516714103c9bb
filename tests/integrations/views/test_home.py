"""Home: three steps that tick themselves off, what needs somebody, the latest runs, accounts by owner."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from integrations.models import ConnectedAccount, ConnectionRequest, Toolkit
from integrations.queries.home import first_steps, what_needs_me
from tests.factories import (
    actor_of,
    make_connected_account,
    make_membership,
    make_organization,
    make_tool,
    make_toolkit,
    make_user,
    owner_ref,
)
from tests.integrations.desk import Desk
from tests.world import World

MakeDesk = Callable[..., Desk]


@pytest.fixture
def sandbox(db: None) -> Toolkit:
    """A toolkit to begin with, as the sandbox is one."""
    toolkit = make_toolkit("playground", sandbox=True)
    schema = {"type": "object", "properties": {}, "additionalProperties": False}
    make_tool(toolkit, "PLAYGROUND_GET_PROFILE", name="Get my profile", important=True, input_schema=schema)
    return toolkit


def home_of(world: World, persona: str, address: str = "/me/") -> str:
    page = world.client(persona).get(address)
    assert page.status_code == 200
    return page.text


def test_home_of_a_newcomer_begins_with_connecting_the_sandbox(sandbox: Toolkit, world: World) -> None:
    page = home_of(world, "member")

    assert "0 of 3 done" in page
    assert 'href="/me/connections/new/playground/"' in page
    assert "Nothing has run yet" in page


def test_home_offers_the_tool_once_the_sandbox_is_connected(sandbox: Toolkit, world: World) -> None:
    make_connected_account(sandbox, owner=world.member)

    assert 'href="/me/tools/PLAYGROUND_GET_PROFILE/"' in home_of(world, "member")


def test_home_begins_with_what_needs_no_account_where_there_is_no_sandbox(world: World) -> None:
    github = make_toolkit("github")
    news = make_toolkit("news", needs_account=False)
    make_tool(github, important=True)
    make_tool(news, "NEWS_GET_TOP", name="Top stories", important=True)

    assert 'href="/me/tools/NEWS_GET_TOP/"' in home_of(world, "member")


def test_home_suggests_a_refusal_with_a_way_out(sandbox: Toolkit, world: World) -> None:
    make_connected_account(sandbox, owner=world.member)

    steps = first_steps(actor=actor_of(world.member), owner=owner_ref(world.member))

    assert steps.try_refused is not None
    assert steps.try_refused.owner == world.acme.ref
    assert steps.try_refused.decision.has_hint


def test_home_names_whom_to_ask_where_a_member_cannot_connect(sandbox: Toolkit, world: World) -> None:
    assert "Ask an admin of Acme to connect Playground" in home_of(world, "member")
    assert 'href="/orgs/acme/connections/new/playground/"' in home_of(world, "admin")


def test_home_tells_a_viewer_about_the_role(sandbox: Toolkit, world: World) -> None:
    make_connected_account(sandbox, owner=world.acme)

    page = home_of(world, "viewer")

    assert "Viewers see what happens; they do not run tools." in page
    assert "has no account for this yet" not in page


def test_home_prefers_an_organization_where_one_may_run_tools(sandbox: Toolkit, world: World) -> None:
    make_membership(make_organization("zeta", name="Zeta"), world.viewer)

    steps = first_steps(actor=actor_of(world.viewer), owner=owner_ref(world.viewer))

    assert steps.organization is not None
    assert steps.organization.slug == "zeta"


def test_home_proposes_an_organization_to_who_has_none(sandbox: Toolkit, world: World) -> None:
    assert f'href="{reverse("organization_create")}"' in home_of(world, "ex_member")


def test_home_steps_follow_from_the_runs(acme_desk_of: MakeDesk, world: World) -> None:
    desk = acme_desk_of()
    asked = {"actor": actor_of(world.member), "owner": owner_ref(world.member)}

    begun = first_steps(**asked)
    desk.queue(status="succeeded", owner=world.member, connected_account=None)
    desk.queue(status="succeeded", user=world.owner)
    after_one = first_steps(**asked)
    desk.queue(status="denied")
    desk.queue(status="succeeded")
    after_all = first_steps(**asked)

    assert begun.done == 0
    assert (after_one.ran_as_self, after_one.was_refused, after_one.ran_as_organization) == (True, False, False)
    assert after_all.is_finished
    assert "Three steps" not in home_of(world, "member")
    assert "Three steps" in home_of(world, "admin")


def test_home_leads_back_to_the_refusal(acme_desk_of: MakeDesk, world: World) -> None:
    row = acme_desk_of().queue(status="denied")

    assert f'href="/orgs/acme/runs/{row.text_id}/"' in home_of(world, "member")


def test_home_lists_what_needs_somebody(desk_of: MakeDesk) -> None:
    desk = desk_of()
    now = timezone.now()
    ConnectedAccount.objects.unscoped("a test").update(status="expired", status_reason="The provider said no.")
    unknown = desk.queue(desk.write, status="unknown", sent_at=now, finished_at=now)
    request = ConnectionRequest.objects.unscoped("a test").create(
        owner=desk.user.owner,
        auth_config=desk.account.auth_config,
        user=desk.user,
        state_hash="x",
        redirect_uri="https://x.test/",
        status="confirming",
        created_at=now,
        expires_at=now + timedelta(minutes=5),
    )
    client = Client()
    client.force_login(desk.user)

    page = client.get("/me/").text

    assert "Needs you" in page
    assert f'href="/me/connections/{desk.account.text_id}/"' in page
    assert "The provider said no." in page
    assert f'href="/me/connections/requests/{request.text_id}/"' in page
    assert f'href="/me/runs/{unknown.text_id}/"' in page


def test_home_needs_nobody_for_an_unknown_run_that_was_run_again(desk_of: MakeDesk) -> None:
    desk = desk_of()
    now = timezone.now()
    unknown = desk.queue(desk.write, status="unknown", sent_at=now, finished_at=now)
    asked = {"actor": actor_of(desk.user), "owner": owner_ref(desk.user), "now": now}

    assert what_needs_me(**asked).count == 1
    desk.queue(desk.write, retry_of=unknown)
    assert what_needs_me(**asked).count == 0


def test_home_keeps_accounts_apart_by_owner(sandbox: Toolkit, world: World) -> None:
    make_connected_account(sandbox, owner=world.member, alias="Mine alone")
    make_connected_account(sandbox, owner=world.acme, alias="Everybodys")
    make_connected_account(sandbox, owner=world.owner, alias="The owners own")
    make_connected_account(sandbox, owner=world.globex, alias="Of Globex")

    mine, acme = home_of(world, "member"), home_of(world, "member", "/orgs/acme/")

    assert "Mine alone" in mine
    assert "Everybodys" in mine
    assert "Mine alone" not in acme
    assert "Everybodys" in acme
    for page in (mine, acme):
        assert "The owners own" not in page
        assert "Of Globex" not in page


def test_home_of_an_organization_shows_a_viewer_what_they_may_not_do(sandbox: Toolkit, world: World) -> None:
    page = home_of(world, "viewer", "/orgs/acme/")

    assert "Only an owner or admin of Acme can." in page


def test_home_of_an_organization_is_for_its_members(world: World) -> None:
    assert world.client("outsider").get("/orgs/acme/").status_code == 404
    assert world.client("member").get("/orgs/acme/").status_code == 200


def test_home_query_count_does_not_grow_with_what_is_there(desk_of: MakeDesk) -> None:
    desk = desk_of()
    client = Client()
    client.force_login(desk.user)
    client.get("/me/")
    desk.queue(status="failed")
    with CaptureQueriesContext(connection) as one:
        client.get("/me/")
    for number in range(5):
        desk.queue(status="failed")
        make_connected_account(desk.toolkit, owner=desk.user, identity_key=f"more-{number}")

    with CaptureQueriesContext(connection) as many:
        client.get("/me/")

    assert len(one) == len(many) <= 20


def test_home_of_somebody_alone_shows_no_other_owner(db: None) -> None:
    client = Client()
    client.force_login(make_user("solo"))

    page = client.get("/me/").text

    assert "Your own accounts" in page
    assert "Accounts of" not in page
