"""What the pages about applications count: of end users it is told that things are there, never what is in them."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from django.db.models import Count, F

from integrations.models import ConnectedAccount, ConnectionRequest, Execution, ToolSession
from integrations.models.status import ConnectionStatus
from integrations.queries.end_users import WAITING
from orgs.models import ApiKey, Application, EndUser
from orgs.models.owners import EndUsersOf
from orgs.permissions import Actor, Permission, require
from orgs.queries.applications import end_users_of

PAGE_SIZE: Final = 25


@dataclass(frozen=True)
class ListedEndUser:
    """One end user in the list of an application, with what is theirs."""

    row: EndUser
    accounts: int
    runs: int


@dataclass(frozen=True)
class EndUserPage:
    """One page of end users, newest first."""

    rows: Sequence[ListedEndUser]
    total: int
    number: int

    @property
    def has_more(self) -> bool:
        return self.number * PAGE_SIZE < self.total


def browse_end_users(*, actor: Actor, application: Application, text: str = "", number: int = 1) -> EndUserPage:
    """The application's end users with counts, in four queries for all of them."""
    rows = end_users_of(actor=actor, application=application, text=text)
    start = (number - 1) * PAGE_SIZE
    shown = list(rows[start : start + PAGE_SIZE])
    live = ConnectedAccount.objects.held_by(application.organization.ref).exclude(status=ConnectionStatus.REVOKED)
    accounts = _counts(live, shown)
    runs = _counts(Execution.objects.held_by(application.organization.ref), shown)
    listed = [ListedEndUser(row, accounts.get(row.id, 0), runs.get(row.id, 0)) for row in shown]
    return EndUserPage(listed, rows.count(), number)


@dataclass(frozen=True)
class EndUsersImpact:
    """What goes with all end users of an application. `accounts` by the name of the toolkit, the most first."""

    end_users: int
    accounts: Sequence[tuple[str, int]]
    begun: int
    sessions: int
    runs: int
    waiting: int

    @property
    def accounts_count(self) -> int:
        return sum(count for _toolkit, count in self.accounts)


def impact_of_end_users(*, actor: Actor, application: Application) -> EndUsersImpact:
    """Counted from the very rows that a deletion takes."""
    require(actor, Permission.APPLICATIONS_MANAGE, application.organization.ref)
    holder = EndUsersOf(application.id)
    live = ConnectedAccount.objects.held_by(holder).exclude(status=ConnectionStatus.REVOKED).order_by()
    by_toolkit = live.values_list("toolkit__name").annotate(count=Count("id"))
    runs = Execution.objects.held_by(holder)
    begun = ConnectionRequest.objects.held_by(holder).filter(pending__isnull=False)
    return EndUsersImpact(
        end_users=EndUser.objects.filter(application=application).count(),
        accounts=sorted(by_toolkit, key=lambda one: (-one[1], one[0])),
        begun=begun.count(),
        sessions=ToolSession.objects.held_by(holder).filter(ended_at=None).count(),
        runs=runs.count(),
        waiting=runs.filter(status__in=WAITING).count(),
    )


def _counts(rows: Any, end_users: Sequence[EndUser]) -> dict[Any, int]:
    whose = rows.filter(owner__end_user__in=[one.id for one in end_users]).order_by()
    counted = whose.values(end_user=F("owner__end_user_id")).annotate(count=Count("id"))
    return {one["end_user"]: one["count"] for one in counted}


def keys_of(*, actor: Actor, application: Application, now: datetime) -> list[tuple[ApiKey, Any]]:
    """The application's keys with their status words, those that work first."""
    require(actor, Permission.API_KEYS_MANAGE, application.organization.ref)
    rows = ApiKey.objects.filter(application=application).select_related("owner", "application", "created_by")
    listed = [(key, key.word_at(now)) for key in rows.order_by("-id")]
    return sorted(listed, key=lambda one: not one[0].is_live(now))
