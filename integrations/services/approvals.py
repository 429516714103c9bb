"""Decide on a run that waits: once, by a person who may, and by whoever asked for it only where nobody else could."""

from datetime import datetime, timedelta
from http import HTTPStatus
from typing import Any, Final
from uuid import UUID

from django.conf import settings
from django.db import transaction

from integrations import live
from integrations.access import decide_again, remember_again
from integrations.jobs.approvals import tell_asker
from integrations.models import Approval, Execution
from integrations.models.policies import REASON_LENGTH
from integrations.models.status import ExecutionStatus
from integrations.queries.approvals import other_deciders, waiting_row
from integrations.tasks import ring
from orgs.audit import DONE, AuditAction, Detail, Result, Target, denied
from orgs.errors import ConflictError, DomainError, ForbiddenError
from orgs.permissions import Actor, ActorKind, Decision, OwnerRef, Permission, require
from orgs.services.audit import record
from orgs.services.fresh_rights import with_fresh_rights

# What somebody can put right while the run waits; every other refusal ends it.
REPAIRABLE: Final = frozenset({HTTPStatus.CONFLICT, HTTPStatus.NOT_FOUND})
DECIDED: Final = "already_decided"


@transaction.atomic
def approve_execution(*, actor: Actor, owner: OwnerRef, execution_id: UUID, now: datetime) -> Execution:
    """Let a run go that waits, once. The rule is asked again first, with the rights of whoever asked for the run.

    Where it says no for good the run ends as Denied; where somebody can repair it, ConflictError says what.
    """
    row = _to_decide(actor, owner, execution_id, now)
    was_alone = _check_own(actor, owner, row)
    decision, _account = decide_again(row, now=now, is_approved=True)
    if not decision.allowed:
        return _refuse(actor, owner, row, decision, now)
    _settle(row, status=ExecutionStatus.QUEUED, available_at=now, **_queued(row, decision, now))
    _note(actor, row, now, is_approved=True, was_alone=was_alone)
    _record(actor, owner, row, AuditAction.EXECUTION_APPROVE, now, was_alone=was_alone or None)
    tell_asker(row, f"“{row.tool.name}” was approved", f"{actor.label} approved it. It runs now.", now)
    transaction.on_commit(ring)
    return row


@transaction.atomic
def deny_execution(*, actor: Actor, owner: OwnerRef, execution_id: UUID, reason: str, now: datetime) -> Execution:
    """End a run that waits, with a reason that whoever asked for it reads."""
    reason = " ".join(reason.split())
    if not reason:
        raise DomainError("Say why, so that whoever asked knows what to do.", code="reason_missing", field="reason")
    row = _to_decide(actor, owner, execution_id, now)
    message = f"{actor.label} denied it: {reason}"
    _end(row, "approval_denied", message, now)
    _note(actor, row, now, reason=reason[:REASON_LENGTH])
    _record(actor, owner, row, AuditAction.EXECUTION_DENY, now, reason=reason)
    tell_asker(row, f"“{row.tool.name}” was denied", message, now)
    return row


def _to_decide(actor: Actor, owner: OwnerRef, execution_id: UUID, now: datetime) -> Execution:
    """The run, when the actor may decide on it and nobody has; one decision at a time in an organization."""
    require(actor, Permission.APPROVALS_DECIDE, owner)
    require(with_fresh_rights(actor=actor, owner=owner), Permission.APPROVALS_DECIDE, owner)
    if actor.kind is not ActorKind.USER:
        raise ForbiddenError("Only a person who is signed in can decide on a run.", code="person_needed")
    row = waiting_row(actor=actor, owner=owner, execution_id=execution_id)
    if row.status != ExecutionStatus.WAITING_FOR_APPROVAL:
        raise ConflictError(f"This run does not wait any more: it is {row.word.label.lower()}.", code=DECIDED)
    if row.expires_at <= now:
        raise ConflictError("The time to approve it is over. It has to be asked for again.", code="approval_expired")
    return row


def _check_own(actor: Actor, owner: OwnerRef, row: Execution) -> bool:
    """Whether the actor decides on their own run because nobody else could; ForbiddenError when somebody could."""
    if row.submitted_by_id != actor.user_id:
        return False
    others = other_deciders(actor=actor, owner=owner, execution=row)
    if others:
        names = " or ".join(one.display_name for one in others[:3])
        raise ForbiddenError(f"You asked for this run, so somebody else decides. Ask {names}.", code="own_run")
    return True


def _refuse(actor: Actor, owner: OwnerRef, row: Execution, decision: Decision, now: datetime) -> Execution:
    if decision.status in REPAIRABLE:
        raise ConflictError(f"It would not run as things stand: {decision.message}", code="not_now")
    _end(row, decision.code, decision.message, now, decision=remember_again(row.decision, decision))
    _record(actor, owner, row, AuditAction.EXECUTION_APPROVE, now, result=denied(decision.code))
    tell_asker(row, f"“{row.tool.name}” was not run", decision.message, now)
    return row


def _queued(row: Execution, decision: Decision, now: datetime) -> dict[str, Any]:
    ends = now + timedelta(seconds=settings.QUEUE_LIMIT)
    return {"expires_at": ends, "decision": remember_again(row.decision, decision)}


def _end(row: Execution, code: str, message: str, now: datetime, **values: Any) -> None:
    ending = {"finished_at": now, "error_code": code, "error_message": message[:500]}
    _settle(row, status=ExecutionStatus.DENIED, **ending, **values)


def _settle(row: Execution, **values: Any) -> None:
    """One decision: whoever comes second, or after it was called off, changes nothing."""
    rows = Execution.objects.owned_by(row.owner.ref).filter(id=row.id, status=ExecutionStatus.WAITING_FOR_APPROVAL)
    if not rows.update(**values):
        raise ConflictError(
            "Somebody else was faster. Load the page again to see how it stands.", code="already_decided"
        )
    for name, value in values.items():
        setattr(row, name, value)
    transaction.on_commit(lambda: live.announce(row.id))


def _note(actor: Actor, row: Execution, now: datetime, **values: Any) -> None:
    rows = Approval.objects.owned_by(row.owner.ref).filter(execution_id=row.id)
    rows.update(decided_by_id=actor.user_id, decided_at=now, **values)


def _record(
    actor: Actor,
    owner: OwnerRef,
    row: Execution,
    action: AuditAction,
    now: datetime,
    *,
    result: Result = DONE,
    **details: Detail,
) -> None:
    target = Target("execution", row.text_id, row.tool_slug)
    told = {"effect": str(row.effect), **details}
    record(actor=actor, owner=owner, action=action, target=target, result=result, details=told, now=now)
