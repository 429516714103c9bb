"""Which tools of an account would stop if it were granted less, and what used them."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime

from integrations.catalog import missing_scopes
from integrations.models import ConnectedAccount, Execution, Tool
from integrations.models.status import WAITING
from integrations.queries.run_counts import people_of, recent_runs
from integrations.queries.tool_sessions import sessions_with
from orgs.permissions import Actor, OwnerRef, Permission, require


@dataclass(frozen=True)
class ScopeImpact:
    """What used the tools that would stop."""

    queued_runs: int
    recent_runs: int
    recent_people: Sequence[str]
    sessions: int


def tools_lost(*, actor: Actor, account: ConnectedAccount, scopes: Collection[str]) -> list[Tool]:
    """The tools that run with what the account was granted and would not with `scopes` alone. Needs `toolkit`."""
    del actor  # the account was read with the actor's rights, and the catalogue is everybody's
    granted = account.scopes
    if granted is None:  # the provider does not tell, so nobody knows
        return []
    tools = Tool.objects.filter(toolkit_id=account.toolkit_id, is_deprecated=False).order_by("name", "id")
    return [one for one in tools if not missing_scopes(one.scopes, granted) and missing_scopes(one.scopes, scopes)]


def impact_of_lost_tools(
    *, actor: Actor, owner: OwnerRef, account: ConnectedAccount, tools: Sequence[Tool], now: datetime
) -> ScopeImpact:
    """Before an account is connected anew with less: what waits for these tools, and who has run them."""
    require(actor, Permission.CONNECTED_ACCOUNTS_READ, owner)
    runs = Execution.objects.owned_by(owner).filter(connected_account_id=account.id, tool__in=tools)
    recent = recent_runs(runs, actor=actor, now=now)
    return ScopeImpact(
        queued_runs=runs.filter(status__in=WAITING).count(),
        recent_runs=recent.count(),
        recent_people=people_of(recent, actor=actor),
        sessions=len(sessions_with(actor=actor, owner=owner, account=account)),
    )
