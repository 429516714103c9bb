"""How much an account was used in the last 30 days: by day, by tool, by person."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Final

from django.db.models import Count, Q
from django.db.models.functions import TruncDate

from accounts.ids import to_text
from integrations.models import ConnectedAccount, Execution
from integrations.models.status import ExecutionStatus
from orgs.permissions import Actor, OwnerRef, Permission, require

DAYS: Final = 30
BARS: Final = 8
BADLY = (ExecutionStatus.FAILED, ExecutionStatus.UNKNOWN, ExecutionStatus.TIMED_OUT)


@dataclass(frozen=True)
class Bar:
    """One row or column: its share of the longest one in percent. `key` is what the runs page filters by."""

    label: str
    key: str
    count: int
    percent: int


@dataclass(frozen=True)
class Usage:
    """The runs through one account in the last 30 days."""

    count: int
    badly: int  # ended badly
    days: Sequence[Bar]
    tools: Sequence[Bar]
    people: Sequence[Bar]

    @property
    def busiest(self) -> Bar:
        return max(self.days, key=lambda day: day.count)


def usage_of(*, actor: Actor, owner: OwnerRef, account: ConnectedAccount, now: datetime) -> Usage:
    """The usage of an account of this owner: metadata alone, which whoever sees runs may see."""
    require(actor, Permission.EXECUTIONS_READ, owner)
    since = now - timedelta(days=DAYS)
    rows = Execution.objects.owned_by(owner).filter(connected_account_id=account.id, created_at__gte=since)
    totals = rows.aggregate(all=Count("id"), badly=Count("id", filter=Q(status__in=BADLY)))
    tools = rows.order_by().values_list("tool_slug").annotate(count=Count("id")).order_by("-count", "tool_slug")
    people = (
        rows.order_by()
        .values_list("submitted_by_id", "submitted_by__name", "submitted_by__username")
        .annotate(count=Count("id"))
        .order_by("-count", "submitted_by_id")
    )
    return Usage(
        count=totals["all"],
        badly=totals["badly"],
        days=_days(rows, now) if totals["all"] else [],
        tools=_bars([(slug, slug, count) for slug, count in tools[:BARS]]),
        people=_bars([(name or username or "An API key", _key(one), n) for one, name, username, n in people[:BARS]]),
    )


def _key(user_id: object) -> str:
    return to_text("user", user_id) if user_id else ""  # type: ignore[arg-type]  # the UUID of a user


def _days(rows: object, now: datetime) -> list[Bar]:
    """One column per day, the empty ones too."""
    by_day = rows.order_by().annotate(day=TruncDate("created_at")).values_list("day")  # type: ignore[attr-defined]
    counted: Counter[date] = Counter(dict(by_day.annotate(count=Count("id"))))
    days = [now.date() - timedelta(days=back) for back in reversed(range(DAYS))]
    return _bars([(f"{day.day} {day:%b}", day.isoformat(), counted[day]) for day in days])


def _bars(found: Sequence[tuple[str, str, int]]) -> list[Bar]:
    most = max((count for _label, _key, count in found), default=0)
    return [Bar(label, key, count, round(100 * count / most) if most else 0) for label, key, count in found]
