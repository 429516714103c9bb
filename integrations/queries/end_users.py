"""One end user as the admins of the organization may see them: that things are there and how they are doing."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from integrations.models import ConnectedAccount, Execution, ToolSession
from integrations.models.status import ConnectionStatus, ExecutionStatus
from orgs.models import Application, EndUser
from orgs.permissions import Actor, Permission, require

LATEST: Final = 25
WAITING: Final = (ExecutionStatus.QUEUED, ExecutionStatus.WAITING_FOR_APPROVAL, ExecutionStatus.RUNNING)


@dataclass(frozen=True)
class EndUserOverview:
    """What is theirs. Of runs only what happened when; arguments and results are the application's to read."""

    accounts: Sequence[ConnectedAccount]
    sessions: Sequence[ToolSession]
    runs: Sequence[Execution]
    runs_count: int
    waiting: int


def overview_of(*, actor: Actor, application: Application, end_user: EndUser) -> EndUserOverview:
    require(actor, Permission.APPLICATIONS_MANAGE, application.organization.ref)
    owner = end_user.ref
    accounts = ConnectedAccount.objects.owned_by(owner).exclude(status=ConnectionStatus.REVOKED)
    runs = Execution.objects.owned_by(owner)
    seen = runs.select_related("connected_account", "api_key").defer("arguments", "result", "decision", "error_message")
    return EndUserOverview(
        accounts=list(accounts.select_related("toolkit").defer("credentials").order_by("toolkit__name", "id")),
        sessions=list(ToolSession.objects.owned_by(owner).filter(ended_at=None).order_by("-id")[:LATEST]),
        runs=list(seen.order_by("-id")[:LATEST]),
        runs_count=runs.count(),
        waiting=runs.filter(status__in=WAITING).count(),
    )
