"""Whatever ends a run that waits for approval: nobody is asked to decide on it any more."""

from collections.abc import Callable
from typing import Any

import pytest
from django.utils import timezone

from integrations.access import decide_again
from integrations.jobs.approvals import ask_for_approval
from integrations.models import Execution
from integrations.services.executions import cancel_execution
from integrations.services.leaving import leave, remove_from_organization
from integrations.services.support import cancel_run
from integrations.services.tool_sessions import end_session
from orgs.models import Membership, Notice, Organization
from orgs.queries.actors import actor_for_support
from tests.factories import (
    actor_of,
    make_connected_account,
    make_execution,
    make_policy,
    make_session,
    make_tool,
    make_toolkit,
)
from tests.staff import make_supporter
from tests.world import World

pytestmark = pytest.mark.django_db
End = Callable[[World, Execution], Any]


def acting(world: World, who: str) -> dict[str, Any]:
    return {"actor": actor_of(world.people[who], world.acme), "owner": world.acme.ref, "now": timezone.now()}


def by_support(_world: World, row: Execution) -> None:
    support = actor_for_support(make_supporter())
    cancel_run(actor=support, execution_id=row.id, reason="It hangs", now=timezone.now())


def by_its_session(world: World, row: Execution) -> None:
    assert row.tool_session_id is not None
    end_session(**acting(world, "member"), session_id=row.tool_session_id)


ENDS: dict[str, End] = {
    "called off": lambda world, row: cancel_execution(**acting(world, "member"), execution_id=row.id),
    "left": lambda world, _row: leave(**acting(world, "member")),
    "removed": lambda world, _row: remove_from_organization(
        **acting(world, "admin"), member_id=Membership.objects.get(user=world.member).id
    ),
    "support": by_support,
    "session": by_its_session,
}


@pytest.fixture
def waiting(world: World) -> Execution:
    """A run of the member in a session of theirs, of which those who decide were told."""
    tool = make_tool(make_toolkit("github"), effect="write")
    make_connected_account(tool.toolkit, owner=world.acme)
    make_policy(world.acme, "ask")
    session = make_session(tool.toolkit, owner=world.acme, user=world.member)
    row = make_execution(tool, owner=world.acme, user=world.member, status="waiting_for_approval", tool_session=session)
    tell(row)
    return row


def tell(row: Execution) -> None:
    ask_for_approval(row, decide_again(row, now=timezone.now())[0], timezone.now())


def asked() -> int:
    return Notice.objects.unread().filter(kind="approval").count()


@pytest.mark.parametrize("end", ENDS)
def test_nobody_is_asked_any_more(world: World, waiting: Execution, end: str) -> None:
    other = make_execution(waiting.tool, owner=world.acme, user=world.admin, status="waiting_for_approval")
    tell(other)
    assert asked() == 3  # two of the first, the owner of the other
    Organization.objects.filter(id=world.acme.id).update(slug="acme-corp")  # the notices keep the old address

    ENDS[end](world, waiting)

    waiting.refresh_from_db()
    assert waiting.status == "cancelled"
    assert asked() == 1
