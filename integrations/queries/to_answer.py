"""How much waits for somebody's answer: shown on each page of an organization, so with one query."""

from dataclasses import dataclass
from typing import Any

from django.db.models import Count, IntegerField, Value
from django.db.models.functions import Coalesce

from integrations.models import ConsentRequest, Execution
from integrations.models.status import ConsentStatus, ExecutionStatus
from orgs.models import Owner
from orgs.models.owners import container_of
from orgs.permissions import Actor, OwnerRef, Permission, can


@dataclass(frozen=True)
class ToAnswer:
    """What waits for those who may answer it; nothing for everybody else."""

    open_requests: int = 0
    waiting_runs: int = 0


def to_answer(*, actor: Actor, owner: OwnerRef) -> ToAnswer:
    """Open requests and runs that wait for approval, each for those alone who may decide on them."""
    requests = ConsentRequest.objects.owned_by(owner).filter(status=ConsentStatus.OPEN)
    approvals = Execution.objects.owned_by(owner).filter(status=ExecutionStatus.WAITING_FOR_APPROVAL)
    wanted = {
        "open_requests": (Permission.REQUESTS_DECIDE, requests),
        "waiting_runs": (Permission.APPROVALS_DECIDE, approvals),
    }
    counts = {name: _count(rows) for name, (permission, rows) in wanted.items() if can(actor, permission, owner)}
    if not owner.is_organization or not counts:
        return ToAnswer()
    found = Owner.objects.filter(container_of(owner)).values(**counts).first()
    return ToAnswer(**found) if found else ToAnswer()


def _count(rows: Any) -> Any:
    """As a part of another query. Without rows there is no group, hence nothing to count."""
    counted = rows.order_by().values("owner").annotate(count=Count("id")).values("count")
    return Coalesce(counted, Value(0), output_field=IntegerField())
