"""Take the next execution: fair between owners, by one conditional UPDATE, on both databases."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

from django.conf import settings
from django.db.models import Count, DateTimeField, Exists, ExpressionWrapper, F, IntegerField, OuterRef, Subquery
from django.db.models.expressions import CombinedExpression
from django.db.models.functions import Coalesce, Now

from integrations import live
from integrations.models import Execution, Lane
from integrations.models.status import ExecutionStatus

LANES_PER_LOOK = 8


@dataclass(frozen=True)
class Claim:
    """An execution that is ours until the lease ends. Every later write names the token."""

    execution_id: UUID
    lease_token: UUID


def in_seconds(seconds: float) -> "ExpressionWrapper[CombinedExpression]":
    """A moment from now by the database's clock: hosts' clocks do not matter (fault F26)."""
    return ExpressionWrapper(Now() + timedelta(seconds=seconds), output_field=DateTimeField())


def lease_seconds() -> float:
    return float(settings.PROVIDER_CALL_DEADLINE + settings.LEASE_MARGIN)


def due() -> Any:
    rows = Execution.objects.unscoped("the worker serves every owner")
    return rows.filter(status=ExecutionStatus.QUEUED, available_at__lte=Now(), expires_at__gt=Now())


def has_due() -> bool:
    return bool(due().exists())


def claim_next() -> Claim | None:
    """Claim the oldest due execution of the least recently served owner that has capacity; None when there is none."""
    for owner_id in _lanes_with_work():
        oldest = due().filter(owner_id=owner_id).order_by("created_at", "id").values_list("id", flat=True)
        for execution_id in oldest[: settings.OWNER_CONCURRENCY]:  # as many as may race for them
            if claim := _take(execution_id):
                Lane.objects.filter(owner_id=owner_id).update(last_served_at=Now())
                live.announce(execution_id)
                return claim
    return None


def _lanes_with_work() -> list[UUID]:
    running = (
        Execution.objects.unscoped("the cap counts every owner's")
        .filter(owner_id=OuterRef("owner_id"), status=ExecutionStatus.RUNNING)
        .order_by()
        .values("owner_id")
        .annotate(count=Count("*"))
        .values("count")
    )
    lanes = (
        Lane.objects.filter(Exists(due().filter(owner_id=OuterRef("owner_id"))))
        .annotate(running=Coalesce(Subquery(running, output_field=IntegerField()), 0))
        .filter(running__lt=settings.OWNER_CONCURRENCY)
        .order_by("last_served_at", "owner_id")
    )
    return list(lanes.values_list("owner_id", flat=True)[:LANES_PER_LOOK])


def _take(execution_id: UUID) -> Claim | None:
    token = uuid4()
    taken = (
        due()
        .filter(id=execution_id)
        .update(
            status=ExecutionStatus.RUNNING,
            lease_token=token,
            lease_until=in_seconds(lease_seconds()),
            attempt=F("attempt") + 1,
            started_at=Coalesce(F("started_at"), Now()),
        )
    )
    return Claim(execution_id, token) if taken else None  # else another worker was faster
