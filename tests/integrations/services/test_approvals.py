"""Runs that wait for approval: held back, decided once, by a person who may, with the rights of that moment."""

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.utils import timezone

from integrations.access import decide_again
from integrations.jobs import claim_next
from integrations.models import Approval, ConnectedAccount, Execution, Policy
from integrations.queries.approvals import (
    approval_of,
    list_decided,
    list_waiting,
    other_deciders,
)
from integrations.queries.to_answer import to_answer
from integrations.services import approvals
from integrations.services.approvals import approve_execution, deny_execution
from integrations.services.executions import Order, cancel_execution, submit_execution
from orgs.errors import ConflictError, DomainError, ForbiddenError, NotFoundError
from orgs.models import AuditEvent, Membership, Notice
from orgs.models.organizations import MemberStatus
from orgs.permissions import Scope
from orgs.queries.api_keys import actor_from_key
from tests.factories import actor_of, make_api_key, make_execution, make_policy
from tests.integrations.desk import Desk, reread
from tests.integrations.engine.servers import answer
from tests.world import World

MakeDesk = Callable[..., Desk]


@pytest.fixture
def desk(acme_desk_of: MakeDesk, world: World) -> Desk:
    """Acme's desk, where members ask before they write."""
    made = acme_desk_of(answer(b"{}"))
    make_policy(world.acme, "ask", role="member", effect="write")
    return made


def submit(desk: Desk, world: World, who: str = "member", **values: Any) -> Execution:
    order = Order(world.acme.ref.text_id, desk.write.slug, {"name": "thing"}, **values)
    return submit_execution(actor=actor_of(world.people[who], world.acme), order=order, now=timezone.now())


def doing(world: World, row: Execution, who: str = "admin", **values: Any) -> dict[str, Any]:
    actor = actor_of(world.people[who], world.acme)
    return {"actor": actor, "owner": world.acme.ref, "execution_id": row.id, "now": timezone.now(), **values}


def approval_row(row: Execution) -> Approval:
    found: Approval = Approval.objects.unscoped("a test looks at it").select_related("decided_by").get(execution=row)
    return found


def told(user: Any) -> list[str]:
    return list(Notice.objects.filter(user=user).order_by("id").values_list("title", flat=True))


def records(world: World, action: str) -> list[AuditEvent]:
    return list(AuditEvent.objects.of_owner(world.acme.ref).filter(action=action))


# --- Waiting


def test_run_that_needs_approval_waits_and_no_worker_takes_it(desk: Desk, world: World) -> None:
    row = submit(desk, world)

    assert row.status == "waiting_for_approval"
    assert row.decision["needs_approval"]
    assert row.decision["policy"]["words"] == "Members need approval for writing tools of all toolkits."
    assert row.expires_at - row.created_at == timedelta(days=3)
    assert approval_row(row).policy == row.decision["policy"]
    assert claim_next() is None
    assert desk.provider.requests == []


def test_those_who_decide_are_told_and_nobody_else(desk: Desk, world: World) -> None:
    submit(desk, world)

    expected = ["mia wants to run “Post a thing” as Acme"]
    assert (told(world.admin), told(world.owner)) == (expected, expected)
    assert told(world.member) == told(world.viewer) == []


def test_reading_and_admins_do_not_wait(desk: Desk, world: World) -> None:
    order = Order(world.acme.ref.text_id, desk.read.slug, {"name": "thing"})

    assert submit_execution(actor=actor_of(world.member), order=order, now=timezone.now()).status == "queued"
    assert submit(desk, world, "admin").status == "queued"


def test_same_idempotency_key_is_the_same_waiting_run(desk: Desk, world: World) -> None:
    first, second = (submit(desk, world, idempotency_key="once") for _ in range(2))

    assert first.id == second.id
    assert Approval.objects.unscoped("a test counts them").count() == 1


def test_denied_run_is_on_record_with_whom_to_ask(desk: Desk, world: World) -> None:
    Policy.objects.owned_by(world.acme.ref).update(verdict="deny")

    row = submit(desk, world)

    assert (row.status, row.error_code) == ("denied", "policy_denied")
    assert row.decision["fixable_by"] == "an admin of Acme"
    assert "An admin of Acme can change it." in row.error_message


# --- Approving


def test_approved_run_runs_once_and_says_who_approved_it(desk: Desk, world: World) -> None:
    row = submit(desk, world)

    approve_execution(**doing(world, row))
    done = desk.work()

    assert (done.id, done.status) == (row.id, "succeeded")
    approval = approval_row(row)
    assert (approval.decided_by, approval.is_approved, approval.was_alone) == (world.admin, True, False)
    assert done.decision["because"] == row.decision["because"]
    details = {check["code"]: check["detail"] for check in done.decision["checks"]}
    assert details["policy"].startswith("Approved: ")
    assert details["account"] == {one["code"]: one["detail"] for one in row.decision["checks"]}["account"]
    [event] = records(world, "execution.approve")
    assert (event.result, event.target_id, event.actor_label) == ("done", row.text_id, world.admin.display_name)
    assert told(world.member) == ["“Post a thing” was approved"]
    assert Notice.objects.filter(user=world.owner, read_at=None).count() == 0


@pytest.mark.parametrize(
    ("who", "error"), [("member", ForbiddenError), ("viewer", ForbiddenError), ("outsider", NotFoundError)]
)
def test_who_may_not_decide_decides_nothing(desk: Desk, world: World, who: str, error: type[DomainError]) -> None:
    row = submit(desk, world)

    with pytest.raises(error):
        approve_execution(**doing(world, row, who))
    with pytest.raises(error):
        deny_execution(**doing(world, row, who), reason="No")
    assert reread(row.id).status == "waiting_for_approval"


def test_admin_who_was_demoted_meanwhile_decides_nothing(desk: Desk, world: World) -> None:
    row = submit(desk, world)
    was_admin = doing(world, row)
    Membership.objects.filter(user=world.admin).update(role="member")

    with pytest.raises(ForbiddenError):
        approve_execution(**was_admin)


def test_key_decides_nothing(desk: Desk, world: World) -> None:
    row = submit(desk, world)
    _key, secret = make_api_key(world.admin, *Scope)

    with pytest.raises(ForbiddenError) as error:
        approve_execution(**doing(world, row, actor=actor_from_key(secret=secret, now=timezone.now())))
    assert error.value.code == "person_needed"


def test_nobody_approves_their_own_run_while_somebody_else_could(desk: Desk, world: World) -> None:
    make_policy(world.acme, "ask")
    row = submit(desk, world, "admin")

    with pytest.raises(ForbiddenError) as error:
        approve_execution(**doing(world, row))
    assert error.value.code == "own_run"
    assert world.owner.display_name in error.value.message
    approve_execution(**doing(world, row, "owner"))
    assert not approval_row(row).was_alone


def test_only_decider_approves_their_own_run_on_record(desk: Desk, world: World) -> None:
    make_policy(world.acme, "ask")
    Membership.objects.filter(user=world.owner, organization=world.acme).update(status=MemberStatus.SUSPENDED)
    row = submit(desk, world, "admin")
    assert told(world.admin) == ["admin_of_acme wants to run “Post a thing” as Acme"]

    approve_execution(**doing(world, row))

    assert approval_row(row).was_alone
    [event] = records(world, "execution.approve")
    assert event.details["was_alone"] is True
    assert desk.work().status == "succeeded"


def test_run_of_an_organization_key_is_decided_by_any_admin(desk: Desk, world: World) -> None:
    key, secret = make_api_key(world.acme, *Scope)
    order = Order(world.acme.ref.text_id, desk.write.slug, {"name": "thing"})
    row = submit_execution(actor=actor_from_key(secret=secret, now=timezone.now()), order=order, now=timezone.now())
    assert (row.status, row.api_key) == ("waiting_for_approval", key)

    approve_execution(**doing(world, row))

    assert desk.work().status == "succeeded"


# --- The rule is asked again


def test_policy_that_denies_by_now_stops_the_run_at_the_approval(desk: Desk, world: World) -> None:
    row = submit(desk, world)
    Policy.objects.owned_by(world.acme.ref).update(verdict="deny")

    ended = approve_execution(**doing(world, row))

    assert (ended.status, reread(row.id).status, ended.error_code) == ("denied", "denied", "policy_denied")
    assert not reread(row.id).decision["allowed"]
    assert [event.result for event in records(world, "execution.approve")] == ["denied"]
    assert told(world.member) == ["“Post a thing” was not run"]


def test_run_of_somebody_who_has_left_is_stopped_at_the_approval(desk: Desk, world: World) -> None:
    row = submit(desk, world)
    Membership.objects.filter(user=world.member).update(status=MemberStatus.LEFT)

    assert approve_execution(**doing(world, row)).error_code == "membership_ended"
    assert desk.provider.requests == []


def test_what_can_be_repaired_is_said_and_the_run_waits_on(desk: Desk, world: World) -> None:
    row = submit(desk, world)
    ConnectedAccount.objects.owned_by(world.acme.ref).update(status="paused")

    with pytest.raises(ConflictError, match="It would not run as things stand"):
        approve_execution(**doing(world, row))
    assert reread(row.id).status == "waiting_for_approval"

    ConnectedAccount.objects.owned_by(world.acme.ref).update(status="active")
    approve_execution(**doing(world, row))
    assert desk.work().status == "succeeded"


# --- Denying


def test_denied_run_ends_with_the_reason(desk: Desk, world: World) -> None:
    row = submit(desk, world)

    deny_execution(**doing(world, row), reason="  Not\n today ")

    ended = reread(row.id)
    assert (ended.status, ended.error_code) == ("denied", "approval_denied")
    assert ended.error_message == "admin_of_acme denied it: Not today"
    assert (approval_row(row).decided_by, approval_row(row).is_approved) == (world.admin, False)
    [event] = records(world, "execution.deny")
    assert event.details["reason"] == "Not today"
    assert told(world.member) == ["“Post a thing” was denied"]
    assert claim_next() is None


def test_denying_needs_a_reason(desk: Desk, world: World) -> None:
    row = submit(desk, world)

    with pytest.raises(DomainError) as error:
        deny_execution(**doing(world, row), reason="  ")
    assert (error.value.code, error.value.field) == ("reason_missing", "reason")


# --- Once


def test_second_decision_is_too_late(desk: Desk, world: World) -> None:
    row = submit(desk, world)
    approve_execution(**doing(world, row))

    with pytest.raises(ConflictError) as error:
        deny_execution(**doing(world, row, "owner"), reason="No")
    assert error.value.code == "already_decided"
    assert approval_row(row).is_approved


def test_run_that_was_called_off_is_not_decided_on(desk: Desk, world: World) -> None:
    row = submit(desk, world)
    cancel_execution(**doing(world, row, "member"))

    with pytest.raises(ConflictError):
        approve_execution(**doing(world, row))
    assert reread(row.id).status == "cancelled"
    assert Notice.objects.filter(user=world.admin, read_at=None).count() == 0


def test_whoever_is_slower_than_calling_off_changes_nothing(
    desk: Desk, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    row = submit(desk, world)

    def called_off_meanwhile(*args: Any, **values: Any) -> Any:
        cancel_execution(**doing(world, row, "member"))
        return decide_again(*args, **values)

    monkeypatch.setattr(approvals, "decide_again", called_off_meanwhile)

    with pytest.raises(ConflictError, match="Somebody else was faster"):
        approve_execution(**doing(world, row))
    assert not approval_row(row).is_approved


def test_time_that_is_over_is_over_before_the_sweep(desk: Desk, world: World) -> None:
    row = submit(desk, world)

    with pytest.raises(ConflictError) as error:
        approve_execution(**doing(world, row, now=timezone.now() + timedelta(days=4)))
    assert error.value.code == "approval_expired"


def test_run_that_never_waited_and_that_of_others_is_not_found(desk: Desk, world: World) -> None:
    plain = make_execution(desk.read, owner=world.acme, user=world.member)
    theirs = make_execution(desk.read, owner=world.globex, user=world.outsider, status="waiting_for_approval")

    for row in (plain, theirs):
        with pytest.raises(NotFoundError):
            approve_execution(**doing(world, row))


@pytest.mark.django_db(transaction=True)
def test_two_admins_at_once_make_one_decision(desk: Desk, world: World) -> None:
    row = submit(desk, world)
    barrier = threading.Barrier(2)

    def decide(who: str) -> str:
        try:
            barrier.wait()
            if who == "owner":
                deny_execution(**doing(world, row, who), reason="No")
            else:
                approve_execution(**doing(world, row, who))
        except ConflictError as error:
            return error.code
        finally:
            connection.close()
        return who

    with ThreadPoolExecutor(2) as pool:
        answers = list(pool.map(decide, ["owner", "admin"]))

    assert sorted(answers) in (["admin", "already_decided"], ["already_decided", "owner"])
    assert reread(row.id).status == ("queued" if "admin" in answers else "denied")
    assert approval_row(row).is_approved is ("admin" in answers)
    assert len(records(world, "execution.approve")) + len(records(world, "execution.deny")) == 1


@pytest.mark.django_db(transaction=True)
def test_calling_off_and_approving_at_once_ends_in_one_of_both(desk: Desk, world: World) -> None:
    row = submit(desk, world)
    barrier = threading.Barrier(2)

    def go(who: str) -> str:
        try:
            barrier.wait()
            (approve_execution if who == "admin" else cancel_execution)(**doing(world, row, who))
        except ConflictError:
            return "late"
        finally:
            connection.close()
        return who

    with ThreadPoolExecutor(2) as pool:
        answers = list(pool.map(go, ["admin", "member"]))

    # a run that was approved can still be called off while it is queued, but never the other way round
    assert reread(row.id).status == ("cancelled" if "member" in answers else "queued")


# --- Reading


def test_waiting_runs_are_listed_with_their_arguments_for_those_who_decide(desk: Desk, world: World) -> None:
    row = submit(desk, world)
    reading: dict[str, Any] = {"actor": actor_of(world.admin, world.acme), "owner": world.acme.ref}

    [waiting] = list_waiting(**reading)

    assert (waiting.row.id, waiting.arguments, waiting.reason) == (row.id, {"name": "thing"}, "")
    assert "thing" not in repr(waiting)
    assert to_answer(**reading).waiting_runs == 1
    assert list_decided(**reading) == []
    deny_execution(**doing(world, row), reason="No")
    assert [one.id for one in list_decided(**reading)] == [row.id]
    assert (list_waiting(**reading), to_answer(**reading).waiting_runs) == ([], 0)
    for who in ("member", "viewer"):
        with pytest.raises(ForbiddenError):
            list_waiting(actor=actor_of(world.people[who]), owner=world.acme.ref)


def test_arguments_that_cannot_be_opened_or_are_gone_are_said_to_be(desk: Desk, world: World) -> None:
    row = submit(desk, world)
    reading: dict[str, Any] = {"actor": actor_of(world.admin, world.acme), "owner": world.acme.ref}
    mine = Execution.objects.owned_by(world.acme.ref).filter(id=row.id)

    mine.update(arguments=make_execution(desk.read, owner=world.acme).arguments)
    assert list_waiting(**reading)[0].is_unreadable
    mine.update(arguments=None)
    assert list_waiting(**reading)[0].arguments is None


def test_page_of_a_run_knows_who_can_decide(desk: Desk, world: World) -> None:
    row = submit(desk, world)

    def seen_by(who: str) -> Any:
        return approval_of(actor=actor_of(world.people[who], world.acme), owner=world.acme.ref, execution=row)

    assert (seen_by("admin").may_decide, seen_by("member").may_decide) == (True, False)
    assert set(seen_by("member").deciders) == {world.admin.display_name, world.owner.display_name}
    others = other_deciders(actor=actor_of(world.admin), owner=world.acme.ref, execution=row)
    assert {one.id for one in others} == {world.admin.id, world.owner.id}
    plain = make_execution(desk.read, owner=world.acme)
    assert approval_of(actor=actor_of(world.admin), owner=world.acme.ref, execution=plain) is None


def test_page_of_ones_own_run_says_that_others_decide(desk: Desk, world: World) -> None:
    make_policy(world.acme, "ask")
    row = submit(desk, world, "admin")

    seen = approval_of(actor=actor_of(world.admin, world.acme), owner=world.acme.ref, execution=row)

    assert seen is not None
    assert not seen.may_decide
    assert "somebody else decides" in seen.reason
    assert str(approval_row(row)).startswith("approval of")
