"""What the worker and the sweep do about approvals and policies: the rule is asked again at the claim."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from integrations.access import decide_run
from integrations.jobs import claim_next, sweep
from integrations.jobs.approvals import _expire, hold
from integrations.jobs.execute import execute
from integrations.jobs.policies import end_policies
from integrations.models import Approval, Execution, Policy
from integrations.services.approvals import approve_execution
from orgs.models import AuditEvent, Membership, Notice
from orgs.models.organizations import MemberStatus
from tests.factories import actor_of, make_policy
from tests.integrations.desk import Desk, reread
from tests.integrations.engine.servers import answer
from tests.world import World

MakeDesk = Callable[..., Desk]


@pytest.fixture
def desk(acme_desk_of: MakeDesk) -> Desk:
    return acme_desk_of(answer(b"{}"))


def waiting(desk: Desk, **values: Any) -> Execution:
    row = desk.queue(desk.write, status="waiting_for_approval", **values)
    assert row.approval is not None
    return row


def approve(world: World, row: Execution) -> None:
    actor = actor_of(world.admin, world.acme)
    approve_execution(actor=actor, owner=world.acme.ref, execution_id=row.id, now=timezone.now())


def over(row: Execution) -> None:
    Execution.objects.owned_by(row.owner.ref).filter(id=row.id).update(expires_at=timezone.now() - timedelta(minutes=1))


# --- At the claim


def test_policy_that_denies_by_now_stops_a_queued_run(desk: Desk, world: World) -> None:
    row = desk.queue(desk.write)
    make_policy(world.acme, "deny", role="member", effect="write")

    ended = desk.work()

    assert (ended.id, ended.status, ended.error_code) == (row.id, "denied", "policy_denied")
    assert desk.provider.requests == []


def test_policy_that_denies_by_now_stops_an_approved_run(desk: Desk, world: World) -> None:
    rule = make_policy(world.acme, "ask", role="member")
    row = waiting(desk)
    approve(world, row)
    Policy.objects.owned_by(world.acme.ref).filter(id=rule.id).update(verdict="deny")

    assert desk.work().error_code == "policy_denied"
    assert desk.provider.requests == []


def test_approved_run_is_not_asked_about_again(desk: Desk, world: World) -> None:
    make_policy(world.acme, "ask", role="member")
    row = waiting(desk)
    approve(world, row)

    assert desk.work().status == "succeeded"


def test_policy_that_asks_by_now_holds_a_queued_run_back(desk: Desk, world: World) -> None:
    row = desk.queue(desk.write)
    make_policy(world.acme, "ask", role="member")

    held = desk.work()

    assert (held.id, held.status, held.attempt, held.started_at) == (row.id, "waiting_for_approval", 0, None)
    assert held.lease_token is None
    assert held.expires_at > timezone.now() + timedelta(days=2)
    assert desk.provider.requests == []
    assert claim_next() is None
    assert Notice.objects.filter(user=world.admin).count() == 1

    approve(world, held)
    done = desk.work()
    assert (done.status, done.attempt) == ("succeeded", 1)


def test_held_run_that_was_tried_before_keeps_its_beginning(desk: Desk, world: World) -> None:
    began = timezone.now() - timedelta(minutes=2)
    desk.queue(desk.read, attempt=1, started_at=began)
    make_policy(world.acme, "ask")

    held = desk.work()

    assert (held.attempt, held.started_at) == (1, began)


def test_run_called_off_before_it_could_be_held_is_cancelled(desk: Desk, world: World) -> None:
    desk.queue(desk.write)
    make_policy(world.acme, "ask")
    claim = desk.claim()
    now = timezone.now()
    Execution.objects.unscoped("a test calls it off").filter(id=claim.execution_id).update(cancel_requested_at=now)

    execute(claim)

    assert reread(claim.execution_id).status == "cancelled"
    assert not Approval.objects.unscoped("a test counts them").exists()


def test_run_that_is_no_longer_ours_is_not_held(desk: Desk, world: World) -> None:
    row = desk.queue(desk.write)
    claim = desk.claim()
    decision = submit_like(world, desk)
    Execution.objects.unscoped("a test frees it").filter(id=row.id).update(
        status="queued", lease_token=None, lease_until=None
    )

    assert not hold(claim, row, decision, timezone.now())
    assert reread(row.id).status == "queued"


def submit_like(world: World, desk: Desk) -> Any:
    make_policy(world.acme, "ask")
    actor = actor_of(world.member, world.acme)
    return decide_run(actor=actor, requested=world.acme.ref.text_id, tool=desk.write)[0]


# --- The sweep


def test_run_that_nobody_approves_in_time_is_timed_out_and_told(desk: Desk, world: World) -> None:
    row, later = waiting(desk), waiting(desk)
    over(row)

    assert sweep(force=True).timed_out == 1

    ended = reread(row.id)
    assert (ended.status, ended.error_code) == ("timed_out", "approval_expired")
    assert ended.error_message == "Nobody approved it in time."
    assert reread(later.id).status == "waiting_for_approval"
    [event] = AuditEvent.objects.of_owner(world.acme.ref).filter(action="execution.expire")
    assert (event.actor_kind, event.target_id) == ("system", row.text_id)
    [notice] = Notice.objects.filter(user=world.member)
    assert "was not approved in time" in notice.title
    assert sweep(force=True).timed_out == 0
    assert desk.provider.requests == []


def test_run_of_somebody_who_is_gone_ends_without_telling_anybody(desk: Desk) -> None:
    row = waiting(desk)
    Execution.objects.owned_by(row.owner.ref).filter(id=row.id).update(submitted_by=None)
    over(row)

    assert sweep(force=True).timed_out == 1
    assert not Notice.objects.exists()


def test_run_that_was_decided_before_the_sweep_came_is_left_alone(desk: Desk, world: World) -> None:
    row = waiting(desk)
    approve(world, row)
    rows = Execution.objects.owned_by(world.acme.ref).filter(status="waiting_for_approval")

    assert _expire(rows, row, timezone.now()) == 0
    assert reread(row.id).status == "queued"


def test_exception_whose_time_is_over_is_tidied_away_and_told(desk: Desk, world: World) -> None:
    now = timezone.now()
    make_policy(world.acme, "allow", user=world.member, until=now - timedelta(seconds=1))
    still = make_policy(world.acme, "allow", user=world.member, until=now + timedelta(hours=1))
    lasting = make_policy(world.acme, "deny", role="member")

    assert end_policies(now) == 1

    left = {row.id for row in Policy.objects.owned_by(world.acme.ref)}
    assert left == {still.id, lasting.id}
    [event] = AuditEvent.objects.of_owner(world.acme.ref).filter(action="policy.end")
    assert event.details["before"] == ["mia may run tools of all toolkits."]
    assert [notice.title for notice in Notice.objects.filter(user=world.member)] == ["What Acme granted you has ended"]
    assert end_policies(now) == 0


def test_rules_about_people_who_left_end_and_do_not_come_back_with_them(desk: Desk, world: World) -> None:
    make_policy(world.acme, "allow", user=world.member)
    make_policy(world.acme, "allow", user=world.admin)
    make_policy(world.acme, "deny", user=world.member, effect="write")
    Membership.objects.filter(user=world.member).update(status=MemberStatus.LEFT)
    Membership.objects.filter(user=world.admin).update(status=MemberStatus.SUSPENDED)

    sweep(force=True)

    left = {(row.user, row.verdict) for row in Policy.objects.owned_by(world.acme.ref)}
    assert left == {(world.admin, "allow"), (world.member, "deny")}  # what was denied to them stays
    assert not Notice.objects.filter(user=world.member).exists()


def test_exception_that_another_sweep_ended_is_ended_once(desk: Desk, world: World, monkeypatch: Any) -> None:
    row = make_policy(world.acme, "allow", user=world.member, until=timezone.now())
    monkeypatch.setattr("integrations.jobs.policies._named", lambda rows: [row, row] if rows.exists() else [])

    assert end_policies(timezone.now()) == 1
    assert AuditEvent.objects.of_owner(world.acme.ref).filter(action="policy.end").count() == 1
