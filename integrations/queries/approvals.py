"""Read the runs that wait for somebody's decision, and how others were decided."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Final
from uuid import UUID

from accounts.models import User
from integrations.models import Approval, Execution
from integrations.models.encrypted import SecretUnreadableError, unseal
from integrations.models.owned import OWNER_NAMES
from integrations.models.status import ExecutionStatus
from orgs.errors import NotFoundError
from orgs.permissions import Actor, OwnerRef, Permission, can, require
from orgs.queries.people import holders

MOST: Final = 50
DECIDED_SHOWN: Final = 20
NAMES: Final = (
    "approval__decided_by",
    "tool__toolkit",
    "connected_account__toolkit",
    "submitted_by",
    "api_key__owner__user",
    "api_key__owner__organization",
    "api_key__application",
    *OWNER_NAMES,
)


@dataclass(frozen=True)
class WaitingRun:
    """A run that waits, with what somebody needs to decide. `reason` says why this reader cannot."""

    row: Execution
    reason: str = ""
    is_unreadable: bool = False
    arguments: Any = field(default=None, repr=False)


@dataclass(frozen=True)
class ApprovalView:
    """How the approval of one run stands, for its page."""

    approval: Approval | None
    deciders: Sequence[str] = ()
    may_decide: bool = False
    reason: str = ""


def list_waiting(*, actor: Actor, owner: OwnerRef) -> list[WaitingRun]:
    """The runs that wait, those first whose time is over first."""
    require(actor, Permission.APPROVALS_DECIDE, owner)
    rows = _rows(owner).filter(status=ExecutionStatus.WAITING_FOR_APPROVAL).order_by("expires_at", "id")[:MOST]
    deciders = holders(actor=actor, owner=owner, permission=Permission.APPROVALS_DECIDE)
    reads = can(actor, Permission.EXECUTIONS_READ_RESULTS, owner)
    return [_waiting(row, actor, deciders, reads=reads) for row in rows]


def list_decided(*, actor: Actor, owner: OwnerRef) -> list[Execution]:
    """The last runs that waited and do not any more, whatever became of them."""
    require(actor, Permission.APPROVALS_DECIDE, owner)
    rows = _rows(owner).filter(approval__isnull=False).exclude(status=ExecutionStatus.WAITING_FOR_APPROVAL)
    return list(rows.order_by("-approval__asked_at", "-id")[:DECIDED_SHOWN])


def waiting_row(*, actor: Actor, owner: OwnerRef, execution_id: UUID) -> Execution:
    """A run that waits or has waited; NotFoundError for any other."""
    require(actor, Permission.APPROVALS_DECIDE, owner)
    row: Execution | None = _rows(owner).filter(id=execution_id, approval__isnull=False).first()
    if row is None:
        raise NotFoundError("There is no such run that waits for approval here.")
    return row


def other_deciders(*, actor: Actor, owner: OwnerRef, execution: Execution) -> list[User]:
    """Who could decide on a run besides whoever asked for it."""
    found = holders(actor=actor, owner=owner, permission=Permission.APPROVALS_DECIDE)
    return [one for one in found if one.id != execution.submitted_by_id]


def approval_of(*, actor: Actor, owner: OwnerRef, execution: Execution) -> ApprovalView | None:
    """How the approval of a run stands; None for one that never waited, as a person's own never do."""
    require(actor, Permission.EXECUTIONS_READ, owner)
    if not owner.is_organization:
        return None
    approval = Approval.objects.owned_by(owner).filter(execution_id=execution.id).select_related("decided_by").first()
    if execution.status != ExecutionStatus.WAITING_FOR_APPROVAL:
        return ApprovalView(approval) if approval else None
    deciders = holders(actor=actor, owner=owner, permission=Permission.APPROVALS_DECIDE)
    others = [one for one in deciders if one.id != execution.submitted_by_id]
    names = sorted(one.display_name for one in others or deciders)
    reason = _reason(execution, actor, deciders)
    may = can(actor, Permission.APPROVALS_DECIDE, owner) and not reason
    return ApprovalView(approval, names, may, reason)


def _rows(owner: OwnerRef) -> Any:
    return Execution.objects.owned_by(owner).select_related(*NAMES)


def _waiting(row: Execution, actor: Actor, deciders: Sequence[User], *, reads: bool) -> WaitingRun:
    reason = _reason(row, actor, deciders)
    if not reads or row.arguments is None:
        return WaitingRun(row, reason)
    try:
        arguments = unseal(row.arguments, table="execution", row=row.id, field="arguments")
    except SecretUnreadableError:
        return WaitingRun(row, reason, is_unreadable=True)
    return WaitingRun(row, reason, arguments=arguments)


def _reason(row: Execution, actor: Actor, deciders: Sequence[User]) -> str:
    """Why this person does not decide on this run."""
    others = sorted(one.display_name for one in deciders if one.id != actor.user_id)
    if row.submitted_by_id != actor.user_id or not others:
        return ""
    return f"You asked for it, so somebody else decides. Ask {' or '.join(others[:3])}."
