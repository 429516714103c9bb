"""Take a run out of the queue, or put it back: conditional UPDATEs that keep the delivery promise."""

from datetime import datetime
from functools import partial
from typing import Any
from uuid import UUID

from django.db import transaction
from django.db.models import F, Q
from django.db.models.functions import Now

from integrations import live
from integrations.engine.types import Effect
from integrations.jobs.approvals import settle_approvals
from integrations.jobs.endings import FREE
from integrations.models.status import WAITING, ExecutionStatus


@transaction.atomic
def call_off_waiting(rows: Any, *, now: datetime, most: int | None = None, **why: str) -> int:
    """End those of the rows that have not begun; how many. Nobody needs to approve them any more.

    `most` bounds how many are ended at once; `why` is the error that they carry from then on.
    """
    ids = list(rows.filter(status__in=WAITING).values_list("id", flat=True)[:most])
    found = rows.filter(id__in=ids)
    ended = found.filter(status__in=WAITING).update(
        **why, status=ExecutionStatus.CANCELLED, sent_at=None, finished_at=Now()
    )
    over = found.filter(status=ExecutionStatus.CANCELLED)
    settle_approvals(list(over.filter(approval__isnull=False).values_list("id", flat=True)), now)
    for one in ids:
        transaction.on_commit(partial(live.announce, one))
    return int(ended)


def call_off(rows: Any, now: datetime) -> bool:
    """A waiting run ends now; one that a worker has is asked to end, as long as nothing was sent."""
    if call_off_waiting(rows, now=now):
        return True
    return bool(rows.filter(status=ExecutionStatus.RUNNING, sent_at__isnull=True).update(cancel_requested_at=now))


def put_back(rows: Any, execution_id: UUID) -> bool:
    """Make a run due at once that waits for its next attempt, or that a worker left behind.

    A write that may have been sent is never among them, nor a run that is over: its end was told.
    """
    delayed = rows.filter(status=ExecutionStatus.QUEUED, available_at__gt=Now(), expires_at__gt=Now())
    lost = rows.filter(
        Q(sent_at__isnull=True) | Q(effect=Effect.READ.value),
        status=ExecutionStatus.RUNNING,
        lease_until__lt=Now(),
        cancel_requested_at__isnull=True,
        attempt__lt=F("max_attempts"),
    )
    again = {**FREE, "status": ExecutionStatus.QUEUED, "sent_at": None, "available_at": Now()}
    if not (delayed.update(available_at=Now()) or lost.update(**again)):
        return False
    transaction.on_commit(lambda: live.announce(execution_id))
    return True
