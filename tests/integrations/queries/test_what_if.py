"""What a change of policies would have done to the runs of the last 30 days."""

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from integrations.models import ConnectedAccount, Execution, Tool
from integrations.queries import what_if as module
from integrations.queries.policies import PolicyTarget
from integrations.queries.what_if import WhatIf, what_if
from integrations.services.policies import set_policies
from orgs.errors import ForbiddenError
from orgs.models import Membership
from orgs.models.organizations import MemberStatus
from orgs.permissions import Role, ToolEffect, Verdict
from tests.factories import (
    actor_of,
    make_api_key,
    make_connected_account,
    make_execution,
    make_policy,
    make_tool,
    make_toolkit,
)
from tests.world import World

MEMBERS = PolicyTarget(role=Role.MEMBER)
DENY_WRITES = {ToolEffect.WRITE: Verdict.DENY}
ASK_WRITES = {ToolEffect.WRITE: Verdict.ASK}


@pytest.fixture
def write(world: World) -> Tool:
    toolkit = make_toolkit("github", name="GitHub")
    make_connected_account(toolkit, owner=world.acme)
    return make_tool(toolkit, "GITHUB_MAKE_THING", effect="write", name="Make a thing", scopes=[["repo"]])


def ran(world: World, tool: Tool, who: str = "member", **values: Any) -> Execution:
    account = ConnectedAccount.objects.owned_by(world.acme.ref).first()
    defaults = {"status": "succeeded", "connected_account": account, "created_at": timezone.now()}
    return make_execution(tool, owner=world.acme, user=world.people[who], **{**defaults, **values})


def ask(world: World, target: PolicyTarget = MEMBERS, verdicts: Any = None, **values: Any) -> WhatIf:
    asking = {"actor": actor_of(world.admin, world.acme), "owner": world.acme.ref, "now": timezone.now(), **values}
    return what_if(**asking, target=target, verdicts=DENY_WRITES if verdicts is None else verdicts)


def counts(found: WhatIf) -> tuple[int, int, int]:
    return found.stopped, found.asked, found.let_through


def test_runs_that_would_have_been_stopped_are_counted_by_person_and_tool(world: World, write: Tool) -> None:
    for who in ("member", "member", "admin"):
        ran(world, write, who)
    ran(world, make_tool(write.toolkit, "GITHUB_READ_THING"))

    found = ask(world)

    assert (found.looked_at, found.has_more, counts(found), found.people) == (4, False, (2, 0, 0), 1)
    [row] = found.rows
    assert (row.who, row.tool, row.slug, row.stopped) == ("mia", "Make a thing", "GITHUB_MAKE_THING", 2)
    assert not found.changes_nothing


def test_runs_that_would_have_been_asked_about_are_counted(world: World, write: Tool) -> None:
    ran(world, write)

    assert counts(ask(world, verdicts=ASK_WRITES)) == (0, 1, 0)
    assert ask(world, PolicyTarget(role=Role.OWNER)).changes_nothing
    assert counts(ask(world, PolicyTarget(user=world.member))) == (1, 0, 0)
    assert counts(ask(world, PolicyTarget(account=ConnectedAccount.objects.owned_by(world.acme.ref).get()))) == (
        1,
        0,
        0,
    )


def test_lifting_a_rule_says_what_would_have_been_let_through(world: World, write: Tool) -> None:
    acting = {"actor": actor_of(world.admin, world.acme), "owner": world.acme.ref, "now": timezone.now()}
    set_policies(**acting, target=MEMBERS, verdicts=DENY_WRITES)
    ran(world, write, status="denied", error_code="policy_denied")

    assert counts(ask(world, verdicts={})) == (0, 0, 1)
    assert ask(world).changes_nothing


def test_runs_refused_for_another_reason_are_left_out(world: World, write: Tool) -> None:
    ran(world, write, status="denied", error_code="connection_expired")

    assert ask(world).looked_at == 0


def test_nothing_but_the_policies_is_different(world: World, write: Tool) -> None:
    """An account that is gone by now, a tool that is switched off, a person who has left: they ran all the same."""
    ran(world, write)
    ConnectedAccount.objects.owned_by(world.acme.ref).update(status="paused", scopes=[])
    write.toolkit.is_enabled = False
    write.toolkit.save()
    Membership.objects.filter(user=world.member).update(status=MemberStatus.LEFT)

    assert counts(ask(world)) == (1, 0, 0)


def test_tool_without_account_is_looked_at_too(world: World, write: Tool) -> None:
    ran(world, write, connected_account=None)

    assert counts(ask(world, PolicyTarget(write.toolkit))) == (1, 0, 0)


def test_runs_of_keys_and_of_people_unknown_by_now_are_named(world: World, write: Tool) -> None:
    key, _secret = make_api_key(world.acme, name="Nightly")
    by_key = ran(world, write, api_key=key)
    gone = ran(world, write)
    Execution.objects.owned_by(world.acme.ref).filter(id__in=[by_key.id, gone.id]).update(submitted_by=None)
    Membership.objects.filter(user=world.viewer).delete()
    ran(world, write, "viewer")

    assert sorted(row.who for row in ask(world).rows) == ["Nightly (API key)", "Somebody who has left", "vera"]


def test_only_the_last_thirty_days_and_so_many_runs_are_looked_at(
    world: World, write: Tool, monkeypatch: pytest.MonkeyPatch
) -> None:
    ran(world, write, created_at=timezone.now() - timedelta(days=31))
    for _ in range(3):
        ran(world, write)
    assert counts(ask(world)) == (3, 0, 0)

    monkeypatch.setattr(module, "MOST_RUNS", 2)

    found = ask(world)
    assert (found.looked_at, found.has_more, found.stopped) == (2, True, 2)


def test_runs_that_were_refused_anyway_hide_no_others(
    world: World, write: Tool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """They are left out before the newest are taken: else the page would say that it has looked at everything."""
    for _ in range(2):
        ran(world, write)
    for _ in range(3):
        ran(world, write, status="denied", error_code="no_connected_account")
    monkeypatch.setattr(module, "MOST_RUNS", 2)

    found = ask(world)
    assert (found.looked_at, found.has_more, found.stopped) == (2, False, 2)

    ran(world, write)
    assert ask(world).has_more


def test_rules_of_now_are_part_of_both_sides(world: World, write: Tool) -> None:
    make_policy(world.acme, "deny", toolkit=write.toolkit)
    ran(world, write)

    assert ask(world).changes_nothing


def test_members_do_not_ask_what_if(world: World, write: Tool) -> None:
    with pytest.raises(ForbiddenError):
        ask(world, actor=actor_of(world.member, world.acme))
