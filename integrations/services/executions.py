"""Ask for a run, and call it off."""

import json
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from http import HTTPStatus
from typing import Any, Final
from uuid import UUID

from django.conf import settings
from django.db import IntegrityError, transaction
from django.utils.crypto import salted_hmac

from accounts.ids import new_id
from integrations.access import decide_run, read_account_id, remember
from integrations.calls import spec_of
from integrations.catalog import find_tool
from integrations.engine.errors import InputError
from integrations.engine.inputs import check_arguments
from integrations.jobs.approvals import approval_ends, ask_for_approval
from integrations.jobs.calling_off import call_off
from integrations.models import Execution, Lane, Tool
from integrations.models.encrypted import seal
from integrations.models.status import ExecutionStatus
from integrations.models.tool_sessions import Origin
from integrations.queries.executions import execution_row, is_own
from integrations.tasks import ring
from orgs.audit import DONE, AuditAction, Detail, Result, Target, denied
from orgs.errors import ConflictError, DomainError, NotFoundError, UnauthenticatedError
from orgs.permissions import Actor, Decision, OwnerRef, Permission, require, require_scope
from orgs.services.audit import log_of, record
from orgs.services.end_users import row_to_own

KEY_MAX_LENGTH = 255
VIA_API: Final = Origin.API  # for the door that may not import models


class ArgumentsError(DomainError):
    """The arguments do not fit the tool. `details` is a list of (field, message)."""

    code = "invalid_arguments"


class IdempotencyError(DomainError):
    """The same Idempotency-Key came with another request."""

    code = "idempotency_mismatch"
    status = HTTPStatus.UNPROCESSABLE_ENTITY


@dataclass(frozen=True)
class Order:
    """What somebody wants to have run."""

    requested: str  # the ID as it was passed
    tool: str  # slug or alias
    arguments: Mapping[str, Any]
    account: str = ""  # ca_…; empty: the rule chooses
    idempotency_key: str = ""
    origin: Origin = Origin.DASHBOARD
    retry_of: UUID | None = None
    session: UUID | None = None  # the tool session it comes from
    pinned: UUID | None = None  # the account that session pins for the tool's toolkit


def submit_execution(*, actor: Actor, order: Order, now: datetime) -> Execution:
    """Accept a run, or refuse it on record.

    The row is committed before this returns: from then on no crash loses it. A refusal under an ID
    of the actor's own is stored as DENIED with its explanation; under anything else there is nobody
    whose record it could be, and it raises. Raises ArgumentsError, IdempotencyError, NotFoundError.
    """
    tool = ordered_tool(actor=actor, order=order)
    _check_key(order.idempotency_key)
    named = read_account_id(order.account)
    decision, account = decide_run(
        actor=actor, requested=order.requested, tool=tool, named_account=named, pinned_account=order.pinned
    )
    owner = decision.owner
    if owner is None:
        raise _refusal(actor, tool, decision, now)
    arguments = checked_arguments(tool, order.arguments, actor=actor) if decision.allowed else dict(order.arguments)
    row = _new_row(actor, order, tool, decision, now)
    row.connected_account = account
    row.arguments = seal(arguments, table="execution", row=row.id, field="arguments")
    return _insert(actor, owner, row, decision)


def ordered_tool(*, actor: Actor, order: Order) -> Tool:
    """The tool that an order names. The catalogue is everybody's, so nothing is asked of the actor."""
    del actor
    tool = find_tool(order.tool)
    if tool is None:
        raise NotFoundError(f"There is no tool {order.tool[:80]}. Look it up in the catalogue.", code="tool_not_found")
    return tool


def _check_key(key: str) -> None:
    if len(key) > KEY_MAX_LENGTH:
        raise DomainError(
            f"An Idempotency-Key has at most {KEY_MAX_LENGTH} characters.", code="idempotency_key_too_long"
        )


def _refusal(actor: Actor, tool: Tool, decision: Decision, now: datetime) -> DomainError:
    """The error, which is in the actor's own log by then. A mistyped ID is a mistake and no denial."""
    if decision.status != HTTPStatus.BAD_REQUEST and (owner := log_of(actor=actor, owner=None)):
        target, result = Target("tool", tool.slug, tool.name), denied(decision.code)
        record(actor=actor, owner=owner, action=AuditAction.EXECUTION_SUBMIT, target=target, result=result, now=now)
    return refusal_of(decision, actor=actor)


def refusal_of(decision: Decision, *, actor: Actor) -> DomainError:
    """The answer to an order under an ID that is none of the actor's."""
    del actor
    error: DomainError
    if decision.status == HTTPStatus.UNAUTHORIZED:
        error = UnauthenticatedError(decision.message, code=decision.code)
    else:
        error = DomainError(decision.message, code=decision.code, field="user_id", details=remember(decision))
    error.status, error.is_recorded = decision.status, True
    return error


def checked_arguments(tool: Tool, arguments: Mapping[str, Any], *, actor: Actor) -> dict[str, Any]:
    """The arguments as the tool takes them; ArgumentsError names each problem."""
    del actor
    try:
        return check_arguments(spec_of(tool, None), arguments)
    except InputError as error:
        message = "Some arguments do not fit this tool. Nothing was run."
        raise ArgumentsError(message, field=error.field, details=list(error.problems)) from error


def _new_row(actor: Actor, order: Order, tool: Tool, decision: Decision, now: datetime) -> Execution:
    """What is asked, by whom, and how it begins or already ends."""
    return Execution(
        id=new_id(),
        submitted_by_id=actor.user_id,
        api_key_id=actor.key_id,
        in_organization_id=actor.organization_id,
        origin=order.origin,
        tool_session_id=order.session,
        tool=tool,
        tool_slug=tool.slug,
        effect=tool.effect,
        decision=remember(decision),
        idempotency_key=order.idempotency_key or None,
        fingerprint=_fingerprint(order, tool, decision),
        retry_of_id=order.retry_of,
        max_attempts=settings.READ_MAX_ATTEMPTS,
        available_at=now,
        created_at=now,
        **_beginning(decision, now),
    )


def _beginning(decision: Decision, now: datetime) -> dict[str, Any]:
    """In the queue, before an admin, or over at once."""
    ends = now + timedelta(seconds=settings.QUEUE_LIMIT)
    if decision.needs_approval:
        return {"status": ExecutionStatus.WAITING_FOR_APPROVAL, "expires_at": approval_ends(now)}
    if decision.allowed:
        return {"status": ExecutionStatus.QUEUED, "expires_at": ends}
    refusal = {"error_code": decision.code, "error_message": decision.message[:500]}
    return {"status": ExecutionStatus.DENIED, "expires_at": ends, "finished_at": now, **refusal}


def _fingerprint(order: Order, tool: Tool, decision: Decision) -> str:
    """What makes two orders the same one. Keyed: a plain hash in a stolen dump would let one guess the arguments."""
    owner = decision.owner.passed_id if decision.owner else ""
    parts = [owner, tool.slug, order.account, order.arguments]
    text = json.dumps(parts, sort_keys=True, separators=(",", ":"), default=str)
    return salted_hmac("execution.fingerprint", text.encode("utf-8", "surrogatepass"), algorithm="sha256").hexdigest()


def _insert(actor: Actor, owner: OwnerRef, row: Execution, decision: Decision) -> Execution:
    row.owner = row_to_own(actor=actor, owner=owner)
    owner = row.owner.ref
    try:
        with transaction.atomic():
            row.save(force_insert=True)
            Lane.objects.bulk_create([Lane(owner=row.owner, last_served_at=row.created_at)], ignore_conflicts=True)
            _record(actor, owner, row)
            if decision.needs_approval:
                ask_for_approval(row, decision, row.created_at)
            if row.status == ExecutionStatus.QUEUED:
                transaction.on_commit(ring)  # may be lost in a crash: then the sweep rings
    except IntegrityError:
        if row.idempotency_key is None:  # then it cannot be a repetition
            raise
        return _same_as_before(row)
    return row


def _record(actor: Actor, owner: OwnerRef, row: Execution) -> None:
    """That it was asked for, and by which account; what was asked stays in the execution, sealed."""
    was_denied = row.status == ExecutionStatus.DENIED
    action = AuditAction.EXECUTION_REPEAT if row.retry_of_id else AuditAction.EXECUTION_SUBMIT
    details = {
        "effect": str(row.effect),
        "origin": str(row.origin),
        "connected_account_id": row.connected_account.text_id if row.connected_account else None,
        "retry_of": f"ex_{row.retry_of_id.hex}" if row.retry_of_id else None,
    }
    result = denied(row.error_code) if was_denied else DONE
    _record_run(actor, owner, row, action, row.created_at, result=result, details=details)


def _record_run(
    actor: Actor,
    owner: OwnerRef,
    row: Execution,
    action: AuditAction,
    now: datetime,
    *,
    result: Result = DONE,
    details: Mapping[str, Detail] | None = None,
) -> None:
    target = Target("execution", row.text_id, row.tool_slug)
    record(actor=actor, owner=owner, action=action, target=target, result=result, details=details, now=now)


def _same_as_before(row: Execution) -> Execution:
    """The key was used before: the same request gets the same execution, another one is refused."""
    known: Execution | None = (
        Execution.objects.owned_by(row.owner.ref)
        .filter(idempotency_key=row.idempotency_key, submitted_by_id=row.submitted_by_id, api_key_id=row.api_key_id)
        .first()
    )
    if known is None:
        raise ConflictError("This run could not be stored. Try again.", code="try_again")
    if known.fingerprint != row.fingerprint:
        raise IdempotencyError("This Idempotency-Key was used for another request. Use a new key for a new request.")
    return known


def cancel_execution(*, actor: Actor, owner: OwnerRef, execution_id: UUID, now: datetime) -> Execution:
    """Call a run off. ConflictError once it was sent: what a provider was told cannot be taken back."""
    row = execution_row(actor=actor, owner=owner, execution_id=execution_id)
    require_own_or_admin(row, actor=actor, owner=owner)
    with transaction.atomic():
        was_asked = call_off(Execution.objects.owned_by(owner).filter(id=row.id), now)
        if was_asked:
            _record_run(actor, owner, row, AuditAction.EXECUTION_CANCEL, now)
    row.refresh_from_db()
    if not was_asked:
        raise too_late(row, actor=actor)
    return row


def cancel_executions(*, actor: Actor, owner: OwnerRef, rows: Iterable[Execution], now: datetime) -> int:
    """Call several off, each by itself and with its own record; return how many it was not too late for."""
    done = 0
    for row in rows:
        with suppress(ConflictError):
            cancel_execution(actor=actor, owner=owner, execution_id=row.id, now=now)
            done += 1
    return done


def too_late(row: Execution, *, actor: Actor) -> ConflictError:
    """Why a run cannot be called off any more."""
    del actor
    if row.is_over:
        return ConflictError(f"This run is over: {row.word.label.lower()}.", code="already_over")
    message = "It was already sent to the provider, and that cannot be taken back. Wait for its answer."
    return ConflictError(message, code="already_sent")


def require_own_or_admin(row: Execution, *, actor: Actor, owner: OwnerRef) -> None:
    """Whoever ordered a run decides about it, and so does who may read everybody's results. A key needs to be one
    that may run tools: one that only looks changes nothing.
    """
    require_scope(actor, Permission.TOOLS_EXECUTE)
    if not is_own(row, actor=actor):
        require(actor, Permission.EXECUTIONS_READ_RESULTS, owner)
