"""What support does to connections, runs and toolkits: each needs a power of its own and a reason.

The record stands in the log of the owner whom it concerns, done by support.
"""

from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import transaction

from integrations.alarms import end_alarm, tell_of_pause
from integrations.jobs.calling_off import call_off, put_back
from integrations.models import ConnectedAccount, Execution, Toolkit
from integrations.models.owned import OWNER_NAMES
from integrations.models.status import WORKING, ConnectionStatus
from integrations.services.connections.records import record_account
from integrations.services.executions import too_late
from integrations.services.operator_records import record_toolkit
from integrations.tasks import ring
from orgs.audit import AuditAction, Target
from orgs.errors import ConflictError, NotFoundError
from orgs.permissions import Actor, Power, require_power
from orgs.services.audit import record


@transaction.atomic
def pause_connection(*, actor: Actor, account_id: UUID, reason: str, now: datetime) -> ConnectedAccount:
    """Switch an account off. Whoever it belongs to can resume it, and reads why it was paused."""
    require_power(actor, Power.PAUSE_CONNECTION)
    rows: Any = ConnectedAccount.objects.unscoped("support pauses every owner's accounts").filter(id=account_id)
    why = f"Paused by support: {reason}"
    if not rows.filter(status__in=WORKING).update(status=ConnectionStatus.PAUSED, status_reason=why):
        raise ConflictError("Only a working connection can be paused; this one is not, or not any more.")
    account: ConnectedAccount = rows.select_related("toolkit", *OWNER_NAMES).get()
    record_account(account, AuditAction.CONNECTION_PAUSE, actor=actor, owner=account.owner.ref, now=now, reason=reason)
    end_alarm(account, account.owner.ref, now=now)
    tell_of_pause(account, account.owner.ref, now=now)
    return account


@transaction.atomic
def cancel_run(*, actor: Actor, execution_id: UUID, reason: str, now: datetime) -> Execution:
    """Call a run off. ConflictError once it was sent: what a provider was told cannot be taken back."""
    require_power(actor, Power.CANCEL_EXECUTION)
    row, rows = _run(execution_id)
    if not call_off(rows, now):
        row.refresh_from_db()
        raise too_late(row, actor=actor)
    _record_run(actor, row, AuditAction.EXECUTION_CANCEL, reason, now)
    row.refresh_from_db()
    return row


@transaction.atomic
def requeue_run(*, actor: Actor, execution_id: UUID, reason: str, now: datetime) -> Execution:
    """Have a run tried at once that waits for its next attempt, or that a dead worker left behind."""
    require_power(actor, Power.REQUEUE_EXECUTION)
    row, rows = _run(execution_id)
    if not put_back(rows, row.id):
        raise ConflictError(why_not_requeued(row, actor=actor) or "A worker has it by now. Look at it again.")
    _record_run(actor, row, AuditAction.EXECUTION_REQUEUE, reason, now)
    transaction.on_commit(ring)
    return row


def why_not_requeued(row: Execution, *, actor: Actor, now: datetime | None = None) -> str:
    """Why the delivery promise does not let this run go back into the queue; empty when it may."""
    del actor
    if row.is_over:
        return "It is over, and its end was told. Whoever asked for it can run it again, as a new run."
    if row.status == "waiting_for_approval":
        return "It waits for an approval, which is the organization's to give."
    if row.sent_at is not None and not row.is_read:
        return "It was sent and changes something at the provider: a second time might do it twice."
    if now and row.status == "running" and row.lease_until and row.lease_until > now:
        return "A worker is busy with it."
    if now and row.status == "queued" and row.available_at <= now:
        return "It is due already. The next free worker takes it."
    return ""


@transaction.atomic
def switch_toolkit(*, actor: Actor, toolkit_id: UUID, is_enabled: bool, reason: str, now: datetime) -> Toolkit:
    """Switch a toolkit on or off for the whole installation. Its connections stay as they are."""
    require_power(actor, Power.SWITCH_TOOLKIT)
    if not Toolkit.objects.filter(id=toolkit_id, is_enabled=not is_enabled).update(is_enabled=is_enabled):
        raise ConflictError(f"It is switched {'on' if is_enabled else 'off'} already.")
    toolkit = Toolkit.objects.get(id=toolkit_id)
    record_toolkit(actor=actor, row=toolkit, reason=reason, now=now)
    return toolkit


def _run(execution_id: UUID) -> tuple[Execution, Any]:
    rows = Execution.objects.unscoped("support looks after every owner's runs").filter(id=execution_id)
    row: Execution | None = rows.select_related(*OWNER_NAMES).first()
    if row is None:
        raise NotFoundError("There is no such run.")
    return row, rows


def _record_run(actor: Actor, row: Execution, action: AuditAction, reason: str, now: datetime) -> None:
    target = Target("execution", row.text_id, row.tool_slug)
    record(actor=actor, owner=row.owner.ref, action=action, target=target, details={"reason": reason}, now=now)
