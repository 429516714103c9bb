"""Put right what a crash left behind. Taken by one conditional UPDATE, so several beats do no harm."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import structlog
from django.conf import settings
from django.db.models import Q
from django.db.models.functions import Now
from django.utils import timezone

from integrations import live
from integrations.engine.types import Effect
from integrations.jobs.approvals import expire_approvals
from integrations.jobs.claim import has_due, in_seconds
from integrations.jobs.deletion import carry_out_deletions
from integrations.jobs.endings import FREE, back_off
from integrations.jobs.policies import end_policies
from integrations.jobs.requests import look_after_requests
from integrations.jobs.unconfirmed import withdraw_unconfirmed
from integrations.jobs.webhook_ends import forget_old_deliveries
from integrations.jobs.webhook_runs import tell_of_ended_runs
from integrations.jobs.webhooks import has_due_webhooks
from integrations.models import ConnectionRequest, Execution, Sweep
from integrations.models.status import OVER, WAITING, ExecutionStatus, RequestStatus
from orgs.queries.settings import retention_choices
from orgs.services.audit import seal_chains
from orgs.services.deletion_reminders import remind_of_deletions
from orgs.services.deletions import send_farewells
from orgs.services.key_warnings import warn_about_keys
from orgs.services.notices import purge_notices, send_due_notices
from orgs.services.oauth import purge_oauth

log = structlog.get_logger(__name__)
BATCH = 200
INTERRUPTED = "The worker was stopped while the provider was being called, so nobody knows whether it was done."
TOO_MANY_CRASHES = "The worker stopped each time it tried this, so it was given up."
NEVER_STARTED = "No worker was free in time."
NOT_IN_TIME = "It was tried, but the provider did not take it before its time was over."


@dataclass
class SweepReport:
    """What a sweep did. `work_left` says that somebody should ring, `webhooks_due` that events are to be delivered."""

    taken: bool = False
    requeued: int = 0
    unknown: int = 0
    failed: int = 0
    timed_out: int = 0
    work_left: bool = False
    webhooks_due: bool = False


def sweep(*, force: bool = False) -> SweepReport:
    """Sweep once per interval, whoever calls; `force` sweeps at once."""
    if not _take_turn(force=force):
        return SweepReport()
    report = SweepReport(taken=True)
    _free_lost_leases(report)
    report.timed_out = expire_approvals(timezone.now()) + _time_out()
    _purge()
    look_after_requests(timezone.now())
    end_policies(timezone.now())
    tell_of_ended_runs(timezone.now())
    forget_old_deliveries(timezone.now())
    seal_chains(actor=None)
    purge_notices(actor=None, now=timezone.now())
    warn_about_keys(actor=None, now=timezone.now())
    purge_oauth(actor=None, now=timezone.now())
    remind_of_deletions(actor=None, now=timezone.now())
    withdraw_unconfirmed(timezone.now())
    carry_out_deletions()
    send_farewells(actor=None)
    send_due_notices(actor=None, now=timezone.now())  # last: a mail server can be slow
    report.work_left = has_due()
    report.webhooks_due = has_due_webhooks(timezone.now())
    return report


def _take_turn(*, force: bool) -> bool:
    rows = Sweep.objects.filter(id=1)
    if not force:
        rows = rows.filter(taken_at__lt=in_seconds(-0.8 * settings.SWEEP_INTERVAL))
    if rows.update(taken_at=Now()):
        return True
    return Sweep.objects.get_or_create(id=1, defaults={"taken_at": timezone.now()})[1]


def _running_over() -> Any:
    rows = Execution.objects.unscoped("the sweep serves every owner")
    return rows.filter(status=ExecutionStatus.RUNNING, lease_until__lt=Now())


def _free_lost_leases(report: SweepReport) -> None:
    """A process died. Sent writes: nobody knows. Everything else can be run again, or is given up."""
    for row in _running_over().only("id", "lease_token", "effect", "sent_at", "attempt", "max_attempts")[:BATCH]:
        mine = _running_over().filter(id=row.id, lease_token=row.lease_token)
        if row.sent_at is not None and row.effect != Effect.READ.value:
            report.unknown += _end(mine, ExecutionStatus.UNKNOWN, "interrupted", INTERRUPTED)
        elif row.attempt >= row.max_attempts:
            report.failed += _end(mine, ExecutionStatus.FAILED, "worker_lost", TOO_MANY_CRASHES)
        else:
            report.requeued += _requeue(mine, row.attempt)
        live.announce(row.id)


def _end(rows: Any, status: ExecutionStatus, code: str, message: str) -> int:
    return int(rows.update(**FREE, status=status, finished_at=Now(), error_code=code, error_message=message))


def _requeue(rows: Any, attempt: int) -> int:
    cancelled = rows.filter(cancel_requested_at__isnull=False)
    done = cancelled.update(**FREE, status=ExecutionStatus.CANCELLED, sent_at=None, finished_at=Now())
    again = rows.update(
        **FREE, status=ExecutionStatus.QUEUED, sent_at=None, available_at=in_seconds(back_off(attempt - 1))
    )
    return int(done + again)


def _time_out() -> int:
    rows = Execution.objects.unscoped("the sweep serves every owner")
    waiting = rows.filter(status__in=WAITING, expires_at__lte=Now())
    ids = list(waiting.values_list("id", flat=True)[:BATCH])
    over = waiting.filter(id__in=ids)
    tried = _end(over.filter(attempt__gt=0), ExecutionStatus.FAILED, "not_in_time", NOT_IN_TIME)
    never = _end(over, ExecutionStatus.TIMED_OUT, "never_started", NEVER_STARTED)
    for one in ids:
        live.announce(one)
    return tried + never


def _purge() -> None:
    """Forget what nobody needs any more: old flows, old idempotency keys, old arguments and results."""
    now = timezone.now()
    flows = ConnectionRequest.objects.unscoped("expired flows of everybody")
    flows.filter(status=RequestStatus.OPEN, expires_at__lt=now).update(status=RequestStatus.EXPIRED, code_verifier=None)
    rows = Execution.objects.unscoped("old rows of everybody")
    stale_keys = rows.filter(
        idempotency_key__isnull=False, created_at__lt=now - timedelta(hours=settings.IDEMPOTENCY_HOURS)
    )
    rows.filter(id__in=list(stale_keys.values_list("id", flat=True)[:BATCH])).update(idempotency_key=None)
    _purge_contents(rows, now)


def _purge_contents(rows: Any, now: datetime) -> None:
    """After the installation's days, and after fewer where an organization wants that."""
    with_contents = rows.filter(Q(arguments__isnull=False) | Q(result__isnull=False), status__in=OVER, purged_at=None)
    old = Q(finished_at__lt=now - timedelta(days=settings.RETENTION_DAYS))
    for days in retention_choices(actor=None):
        for place in ("owner__organization", "owner__end_user__application__organization"):
            old |= Q(finished_at__lt=now - timedelta(days=days), **{f"{place}__retention_days": days})
    ids = list(with_contents.filter(old).values_list("id", flat=True)[:BATCH])
    rows.filter(id__in=ids).update(arguments=None, result=None, purged_at=Now())
