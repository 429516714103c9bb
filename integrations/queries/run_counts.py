"""How much was run under an ID, by how it ended and by tool; and which of some runs are recent, and whose."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from django.db.models import Count, Q

from integrations.models import Execution
from integrations.models.status import ExecutionStatus
from orgs.permissions import Actor, OwnerRef, Permission, require

TOOLS_SHOWN = 50
RECENT: Final = timedelta(days=30)


@dataclass(frozen=True)
class ToolUsage:
    """Runs of one tool."""

    tool: str
    runs: int
    succeeded: int
    failed: int


@dataclass(frozen=True)
class RunCounts:
    """Runs under one ID since a moment."""

    runs: int
    by_status: Mapping[str, int]
    tools: Sequence[ToolUsage]


def run_counts(*, actor: Actor, owner: OwnerRef, since: datetime) -> RunCounts:
    """Counted by status and by tool, the most used first."""
    require(actor, Permission.EXECUTIONS_READ, owner)
    rows = Execution.objects.owned_by(owner).filter(created_at__gte=since).order_by()
    by_status = dict(rows.values_list("status").annotate(count=Count("id")))
    succeeded = Count("id", filter=Q(status=ExecutionStatus.SUCCEEDED))
    failed = Count("id", filter=Q(status=ExecutionStatus.FAILED))
    tools = rows.values_list("tool_slug").annotate(runs=Count("id"), succeeded=succeeded, failed=failed)
    listed = [ToolUsage(*one) for one in tools.order_by("-runs", "tool_slug")[:TOOLS_SHOWN]]
    return RunCounts(sum(by_status.values()), by_status, listed)


def recent_runs(runs: Any, *, actor: Actor, now: datetime) -> Any:
    """Those of the last 30 days."""
    del actor  # a condition on rows that were read with the actor's rights
    return runs.filter(created_at__gt=now - RECENT, created_at__lte=now)


def people_of(runs: Any, *, actor: Actor) -> list[str]:
    """Who asked for these runs, by name."""
    del actor
    rows = runs.filter(submitted_by__isnull=False).order_by().values("submitted_by__name", "submitted_by__username")
    return sorted({row["submitted_by__name"] or row["submitted_by__username"] for row in rows.distinct()})
