"""A preview does not lie: what it counts is what the deed then changes."""

from datetime import datetime, timedelta
from typing import Any

import pytest
from django.utils import timezone

from accounts.models import User
from integrations.access import decide_run
from integrations.models import ConnectedAccount, Execution, Tool, Toolkit
from integrations.queries.impact import (
    Change,
    Impact,
    handed_over,
    impact_of_account,
    impact_of_member,
    impact_of_organization,
)
from integrations.queries.lost_tools import impact_of_lost_tools, tools_lost
from integrations.services import connections, leaving
from orgs.errors import ForbiddenError, NotFoundError
from orgs.models import ApiKey, Invitation, Membership
from orgs.permissions import Role, Scope
from orgs.services.members import change_role, suspend_member
from tests.factories import (
    actor_of,
    make_api_key,
    make_auth_config,
    make_connected_account,
    make_connection_request,
    make_execution,
    make_finished_execution,
    make_invitation,
    make_membership,
    make_session,
    make_tool,
    make_toolkit,
    make_user,
)
from tests.world import World

pytestmark = pytest.mark.django_db
NOW = timezone.now()


@pytest.fixture
def toolkit(db: None) -> Toolkit:
    return make_toolkit("github", name="GitHub")


@pytest.fixture
def tool(toolkit: Toolkit) -> Tool:
    return make_tool(toolkit)


def asking(world: World, persona: str = "admin") -> dict[str, Any]:
    return {"actor": actor_of(world.people[persona]), "owner": world.acme.ref}


def impact(world: World, account: ConnectedAccount, change: Change = Change.DISCONNECT) -> Impact:
    return impact_of_account(**asking(world), account=account, change=change, now=NOW)


def do(world: World, account: ConnectedAccount, change: Change) -> None:
    who = {**asking(world), "account_id": account.id}
    if change is Change.DISCONNECT:
        connections.disconnect(**who, now=NOW)
    elif change is Change.PAUSE:
        connections.pause_account(**who)
    else:
        connections.make_default(**who)


def ago(**time: float) -> datetime:
    return NOW - timedelta(**time)


# --- One account


def test_an_account_counts_what_waits_what_ran_and_who_asked(world: World, toolkit: Toolkit, tool: Tool) -> None:
    account = make_connected_account(toolkit, owner=world.acme)
    of_it: dict[str, Any] = {"owner": world.acme, "connected_account": account}
    for status in ("queued", "waiting_for_approval", "running"):
        make_execution(tool, user=world.member, status=status, **of_it)
    make_finished_execution(tool, user=world.member, created_at=ago(days=29), **of_it)
    make_finished_execution(tool, user=world.owner, created_at=ago(days=2), **of_it)
    make_finished_execution(tool, user=world.admin, created_at=ago(days=31), **of_it)
    make_finished_execution(tool, owner=world.acme, user=world.viewer, created_at=ago(days=1))  # through no account
    make_session(toolkit, owner=world.acme, user=world.member)

    found = impact(world, account)

    assert (found.queued_runs, found.recent_runs, found.runs, found.sessions) == (2, 2, 6, 1)
    assert found.recent_people == ["mia", "owner_of_acme"]
    assert found.audience.count == 3


ACCOUNTS = {
    "only one": [{}],
    "newest of two": [{}, {}],
    "marked": [{}, {"is_default": True}],
    "another is marked": [{"is_default": True}, {}],
    "the other is paused": [{"status": "paused"}, {}],
    "the other has expired": [{"status": "expired"}, {}],
}


@pytest.mark.parametrize("change", list(Change))
@pytest.mark.parametrize("case", ACCOUNTS)
def test_the_default_that_is_foretold_is_what_a_run_then_uses(
    world: World, toolkit: Toolkit, tool: Tool, change: Change, case: str
) -> None:
    rows = [make_connected_account(toolkit, owner=world.acme, scheme="api_key", **one) for one in ACCOUNTS[case]]
    foretold = impact(world, rows[-1], change)

    do(world, rows[-1], change)

    decision, used = decide_run(actor=actor_of(world.member), requested=world.acme.ref.text_id, tool=tool)
    assert used == foretold.after
    assert decision.allowed is foretold.after_works


@pytest.mark.parametrize("change", [Change.DISCONNECT, Change.PAUSE])
def test_as_many_waiting_runs_are_refused_as_were_counted(
    world: World, toolkit: Toolkit, tool: Tool, change: Change
) -> None:
    account, other = (make_connected_account(toolkit, owner=world.acme, identity_key=key) for key in "12")
    rows = [
        make_execution(tool, owner=world.acme, user=world.member, connected_account=one)
        for one in (account, account, other)
    ]
    foretold = impact(world, account, change).queued_runs

    do(world, account, change)

    decisions = [
        decide_run(
            actor=actor_of(world.member),
            requested=world.acme.ref.text_id,
            tool=tool,
            named_account=row.connected_account_id,
        )[0]
        for row in rows
    ]
    assert foretold == sum(not one.allowed for one in decisions) == 2


def test_who_may_not_see_the_connections_learns_nothing(world: World, toolkit: Toolkit) -> None:
    account = make_connected_account(toolkit, owner=world.acme)

    with pytest.raises(NotFoundError):
        impact_of_account(**asking(world, "outsider"), account=account, now=NOW)
    assert impact_of_account(**asking(world, "viewer"), account=account, now=NOW).runs == 0


# --- Fewer scopes


def test_tools_that_stop_are_those_that_run_now_and_would_not(world: World, toolkit: Toolkit) -> None:
    reads = make_tool(toolkit, "GITHUB_READ", name="Read", scopes=[["read"]])
    writes = make_tool(toolkit, "GITHUB_WRITE", name="Write", scopes=[["write"], ["admin"]])
    make_tool(toolkit, "GITHUB_DELETE", name="Delete", scopes=[["delete"]])
    make_tool(toolkit, "GITHUB_LIST", name="List", scopes=[])
    account = make_connected_account(toolkit, owner=world.acme, scopes=["read", "write"])

    def lost(*scopes: str) -> list[Tool]:
        return tools_lost(actor=actor_of(world.admin), account=account, scopes=scopes)

    assert lost() == [reads, writes]
    assert lost("read") == [writes]
    assert lost("read", "admin") == []
    account.scopes = None
    assert lost() == []


def test_what_used_the_tools_that_stop_is_counted(world: World, toolkit: Toolkit, tool: Tool) -> None:
    account = make_connected_account(toolkit, owner=world.acme)
    another = make_tool(toolkit, "GITHUB_OTHER")
    make_session(toolkit, owner=world.acme)
    run: dict[str, Any] = {"owner": world.acme, "user": world.member, "connected_account": account}
    make_execution(tool, **run, status="waiting_for_approval", created_at=ago(days=1))
    make_finished_execution(tool, **run, created_at=ago(days=3))
    make_finished_execution(tool, **run, created_at=ago(days=31))
    make_finished_execution(another, **run, created_at=ago(days=3))

    found = impact_of_lost_tools(**asking(world), account=account, tools=[tool], now=NOW)

    assert (found.queued_runs, found.recent_runs, found.sessions) == (1, 2, 1)
    assert list(found.recent_people) == ["mia"]
    with pytest.raises(NotFoundError):
        impact_of_lost_tools(
            actor=actor_of(world.outsider), owner=world.acme.ref, account=account, tools=[tool], now=NOW
        )


def test_sessions_that_pin_no_account_switch_with_the_default(world: World, toolkit: Toolkit) -> None:
    first, second = (make_connected_account(toolkit, owner=world.acme, is_default=one) for one in (True, False))
    for pins in ([], [first], [second]):
        make_session(toolkit, owner=world.acme, pins=pins)

    assert impact(world, second, Change.DEFAULT).followers == 1
    assert impact(world, first, Change.DEFAULT).followers == 0
    assert impact(world, first, Change.DISCONNECT).followers == 1


# --- A member


@pytest.fixture
def dana(world: World, toolkit: Toolkit, tool: Tool) -> User:
    """An admin with something of everything."""
    user = make_user("dana", name="Dana")
    make_membership(world.acme, user, Role.ADMIN)
    account = make_connected_account(toolkit, owner=world.acme, connected_by=user)
    key, _secret = make_api_key(user, *Scope)
    ApiKey.objects.filter(id=key.id).update(organization=world.acme)
    make_api_key(user)
    shared, _secret = make_api_key(world.acme, name="Nightly")
    ApiKey.objects.filter(id=shared.id).update(created_by=user)
    make_invitation(world.acme, by=user)
    make_invitation(world.acme, by=user, role="admin")
    make_connection_request(make_auth_config(toolkit, name="another"), owner=world.acme, user=user)
    make_session(toolkit, owner=world.acme, user=user)
    run: dict[str, Any] = {"owner": world.acme, "user": user, "connected_account": account}
    make_execution(tool, **run)
    make_execution(tool, **run, status="waiting_for_approval")
    make_execution(tool, owner=world.acme, user=None, api_key=key)
    make_finished_execution(tool, **run, created_at=ago(days=3))
    make_execution(tool, owner=user)  # their own business
    return user


def place(user: User) -> Membership:
    return Membership.objects.select_related("user").get(user=user)


def test_what_is_counted_before_a_removal_is_what_ends(world: World, dana: User) -> None:
    before = impact_of_member(**asking(world), member=place(dana), now=NOW)

    parted = leaving.remove_from_organization(**asking(world), member_id=place(dana).id, now=timezone.now())

    assert before.queued_runs == parted.cancelled_runs == 3
    assert [one.account.id for one in before.accounts] == [one.id for one in parted.handed_over]
    assert before.sessions == parted.ended_sessions == 1
    assert before.flows == parted.ended_flows == 1
    assert len(before.keys) == ApiKey.objects.exclude(revoked_at=None).count() == 1
    assert len(before.invitations) == Invitation.objects.exclude(revoked_at=None).count() == 2
    assert [key.name for key in before.organization_keys] == ["Nightly"]
    assert before.accounts[0].recent_runs == 1
    assert before.others == ["owner_of_acme", "admin_of_acme", "mia"]


def test_afterwards_there_is_nothing_left_to_count(world: World, dana: User) -> None:
    row = place(dana)
    leaving.remove_from_organization(**asking(world), member_id=row.id, now=timezone.now())

    after = impact_of_member(**asking(world), member=row, now=NOW)

    assert (after.queued_runs, after.sessions, after.flows) == (0, 0, 0)
    assert (list(after.keys), list(after.invitations), list(after.accounts)) == ([], [], [])


@pytest.mark.parametrize("role", [Role.VIEWER, Role.MEMBER])
def test_what_is_counted_before_a_change_of_role_is_what_stops(
    world: World, dana: User, tool: Tool, role: Role
) -> None:
    before = impact_of_member(**asking(world), member=place(dana), now=NOW, after=role)

    change_role(**asking(world), member_id=place(dana).id, role=role, now=timezone.now())

    decision, _account = decide_run(actor=actor_of(dana), requested=world.acme.ref.text_id, tool=tool)
    assert before.queued_runs == (0 if decision.allowed else 3)
    assert len(before.invitations) == Invitation.objects.exclude(revoked_at=None).count() == 2


def test_what_is_counted_before_a_suspension_is_refused_and_withdrawn(world: World, dana: User, tool: Tool) -> None:
    before = impact_of_member(**asking(world), member=place(dana), now=NOW)

    suspend_member(**asking(world), member_id=place(dana).id, now=timezone.now())

    decision, _account = decide_run(actor=actor_of(dana, world.acme), requested=world.acme.ref.text_id, tool=tool)
    waiting = Execution.objects.owned_by(world.acme.ref).filter(status__in=["queued", "waiting_for_approval"])
    assert not decision.allowed
    assert before.queued_runs == waiting.count() == 3
    assert len(before.invitations) == Invitation.objects.exclude(revoked_at=None).count()


def test_everybody_may_ask_about_themself_and_admins_about_others(world: World, dana: User) -> None:
    mine = impact_of_member(**asking(world, "viewer"), member=place(world.viewer), now=NOW)

    assert (mine.queued_runs, list(mine.accounts)) == (0, [])
    with pytest.raises(ForbiddenError):
        impact_of_member(**asking(world, "member"), member=place(dana), now=NOW)
    with pytest.raises(NotFoundError):
        impact_of_member(**asking(world, "outsider"), member=place(dana), now=NOW)


# --- The organization


def test_an_organization_counts_all_that_it_holds(world: World, dana: User) -> None:
    found = impact_of_organization(**asking(world, "owner"), now=NOW)

    assert sorted(found.members) == ["Dana", "admin_of_acme", "mia", "owner_of_acme", "vera"]
    assert (len(found.accounts), found.queued_runs, found.recent_runs, found.runs) == (1, 3, 1, 4)
    assert (found.sessions, found.keys, found.invitations) == (1, 2, 2)
    with pytest.raises(ForbiddenError):
        impact_of_organization(**asking(world, "admin"), now=NOW)


def test_accounts_that_wait_for_consent_are_listed_the_longest_waiting_first(world: World, toolkit: Toolkit) -> None:
    late, early = (
        make_connected_account(toolkit, owner=world.acme, identity_key=str(day), handed_over_at=ago(days=day))
        for day in (1, 2)
    )
    make_connected_account(toolkit, owner=world.acme, identity_key="3")

    assert handed_over(**asking(world, "viewer")) == [early, late]
