"""Whom a rule is about hears of it."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.utils import timezone

from accounts.models import User
from integrations.queries.policies import PolicyTarget
from integrations.services import consent
from integrations.services.policies import end_grant, grant, set_policies
from orgs.models import Notice
from orgs.permissions import Role, ToolEffect, Verdict
from tests.factories import (
    actor_of,
    make_connected_account,
    make_consent_request,
    make_policy,
    make_tool,
    make_toolkit,
)
from tests.world import World

pytestmark = pytest.mark.django_db
DENY_ALL = dict.fromkeys(ToolEffect, Verdict.DENY)


def doing(world: World, who: str = "admin") -> dict[str, Any]:
    return {"actor": actor_of(world.people[who], world.acme), "owner": world.acme.ref, "now": timezone.now()}


def told(user: User) -> list[str]:
    rows = Notice.objects.filter(user=user).order_by("id")
    assert all(row.kind == "access" and row.mail_due_at and row.path == "/orgs/acme/policies/" for row in rows)
    return [f"{row.title}: {row.text}" for row in rows]


def test_a_grant_and_its_end_are_told_to_whoever_has_it(world: World) -> None:
    row = grant(**doing(world), user=world.member)
    end_grant(**doing(world, "owner"), policy_id=row.id)

    assert told(world.member) == [
        "You may run more in Acme: admin_of_acme granted it: mia may run tools of all toolkits.",
        "A rule about you in Acme has ended: owner_of_acme ended it: mia may run tools of all toolkits.",
    ]
    assert Notice.objects.count() == 2


def test_a_grant_for_a_time_says_until_when(world: World) -> None:
    until = datetime(timezone.now().year + 1, 1, 2, 15, 0, tzinfo=UTC) - timedelta(days=1)
    grant(**doing(world), user=world.member, until=until)

    assert told(world.member)[0].endswith(f"It ends on 01 January {until.year} at 15:00 UTC.")


def test_a_lasting_rule_about_one_person_is_told_and_one_about_many_is_not(world: World) -> None:
    set_policies(**doing(world), target=PolicyTarget(role=Role.MEMBER), verdicts=DENY_ALL)
    assert not Notice.objects.exists()

    target = PolicyTarget(user=world.member)
    set_policies(**doing(world), target=target, verdicts=DENY_ALL)
    set_policies(**doing(world), target=target, verdicts=DENY_ALL)  # the same once more
    set_policies(**doing(world), target=target, verdicts={})

    assert told(world.member) == [
        "What you may run in Acme has changed: By admin_of_acme: mia may not run tools of all toolkits.",
        "What you may run in Acme has changed: By admin_of_acme: There is no rule about you alone any more.",
    ]


def test_whoever_grants_something_to_themselves_knows(world: World) -> None:
    grant(**doing(world), user=world.admin)

    assert told(world.admin) == []


def test_what_answers_a_request_is_told_once(world: World) -> None:
    toolkit = make_toolkit("github")
    make_tool(toolkit, "GITHUB_WRITE", effect="write")
    account = make_connected_account(toolkit, owner=world.acme)
    make_policy(world.acme, "deny", connected_account=account)
    row = make_consent_request(toolkit, owner=world.acme, users=[world.member], connected_account=account)

    assert consent.give_access(**doing(world), consent_id=row.id).status == "approved"

    assert [one.title for one in Notice.objects.filter(user=world.member)] == [f"Approved: {row.what}"]
