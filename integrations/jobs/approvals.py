"""Hold a run back until somebody who may decide has decided: when it is asked for, or when the worker takes it."""

from collections.abc import Collection
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db import transaction
from django.db.models import F
from django.db.models.functions import Now

from accounts.ids import to_text
from integrations import live
from integrations.access import remember_again, remember_rule
from integrations.jobs.claim import Claim, in_seconds
from integrations.jobs.endings import FREE, ours
from integrations.models import Approval, Execution
from integrations.models.owned import OWNER_NAMES
from integrations.models.status import ExecutionStatus
from orgs.addresses import owner_url
from orgs.audit import AuditAction, Target
from orgs.notices import NoticeKind
from orgs.permissions import Decision, OwnerKind, OwnerRef, Permission, words
from orgs.queries.people import holders
from orgs.services.audit import record
from orgs.services.notices import notify, settle

BATCH = 200
EXPIRED = "Nobody approved it in time."
ASK_AGAIN = "Nothing was sent. Ask again if you still need it."


def approval_ends(now: datetime) -> datetime:
    return now + timedelta(seconds=settings.APPROVAL_LIMIT)


def ask_for_approval(execution: Execution, decision: Decision, now: datetime) -> None:
    """Note what is asked, and tell those who decide. In the transaction that makes the run wait."""
    policy = remember_rule(decision.rule) if decision.rule else {}
    Approval.objects.get_queryset().get_or_create(
        execution=execution, defaults={"owner_id": execution.owner_id, "policy": policy, "asked_at": now}
    )
    owner, asker = execution.owner.ref, execution.submitted_by
    deciders = holders(actor=None, owner=owner, permission=Permission.APPROVALS_DECIDE)
    others = [one for one in deciders if one.id != execution.submitted_by_id]
    who = asker.display_name if asker else "An API key"
    notify(
        actor=None,
        users=others or deciders,
        kind=NoticeKind.APPROVAL,
        title=f"{who} wants to run “{execution.tool.name}” as {owner.label}",
        text=f"It waits for approval: {words.policy_sentence(decision.rule)}" if decision.rule else "",
        path=run_path(execution),
        owner=owner,
        now=now,
    )


def run_path(execution: Execution) -> str:
    return owner_url(execution.owner.ref, "run", execution_id=execution.text_id)


def hold(claim: Claim, execution: Execution, decision: Decision, now: datetime) -> bool:
    """A policy that asks came after the run was queued: it waits after all, and this look was no attempt.

    False when it was called off meanwhile, or is no longer ours.
    """
    rows = ours(claim).filter(cancel_requested_at__isnull=True)
    held = rows.update(
        **FREE,
        status=ExecutionStatus.WAITING_FOR_APPROVAL,
        attempt=F("attempt") - 1,
        started_at=execution.started_at if execution.attempt > 1 else None,
        available_at=Now(),
        expires_at=in_seconds(settings.APPROVAL_LIMIT),
        decision=remember_again(execution.decision, decision),
    )
    if held:
        ask_for_approval(execution, decision, now)
        live.announce(execution.id)
    return bool(held)


def settle_approvals(ids: Collection[UUID], now: datetime) -> None:
    """Nobody needs to decide on these runs any more."""
    for one in ids:
        settle(actor=None, kind=NoticeKind.APPROVAL, path=_end_of_path(one), now=now)


def _end_of_path(execution_id: UUID) -> str:
    """Of the run's page, whoever's it is: an organization's address may have changed since."""
    anybody = OwnerRef(OwnerKind.USER, execution_id)
    page = owner_url(anybody, "run", execution_id=to_text("ex", execution_id))
    return f"/{page.removeprefix(owner_url(anybody, 'home'))}"


def tell_asker(execution: Execution, title: str, text: str, now: datetime) -> None:
    """How it went; and those who could have decided need not look any more."""
    settle_approvals([execution.id], now)
    if execution.submitted_by is None:
        return
    owner, path = execution.owner.ref, run_path(execution)
    asker, kind = [execution.submitted_by], NoticeKind.APPROVAL
    notify(actor=None, users=asker, kind=kind, title=title, text=text, path=path, owner=owner, now=now)


def expire_approvals(now: datetime) -> int:
    """End the runs that nobody approved in time. Nothing of them was sent."""
    waiting = Execution.objects.unscoped("the sweep serves every owner").filter(
        status=ExecutionStatus.WAITING_FOR_APPROVAL, expires_at__lte=Now()
    )
    rows = waiting.select_related(*OWNER_NAMES, "tool", "submitted_by")
    return sum(_expire(waiting, row, now) for row in rows.order_by("expires_at", "id")[:BATCH])


def _expire(waiting: Any, row: Execution, now: datetime) -> int:
    with transaction.atomic():
        ended = waiting.filter(id=row.id).update(
            status=ExecutionStatus.TIMED_OUT, finished_at=Now(), error_code="approval_expired", error_message=EXPIRED
        )
        if ended:
            target = Target("execution", row.text_id, row.tool_slug)
            record(actor=None, owner=row.owner.ref, action=AuditAction.EXECUTION_EXPIRE, target=target, now=now)
            tell_asker(
                row,
                f"“{row.tool.name}” was not approved in time",
                ASK_AGAIN,
                now,
            )
            transaction.on_commit(lambda: live.announce(row.id))
    return int(ended)
