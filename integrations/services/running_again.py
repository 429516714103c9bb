"""Run again what is over: the same order, decided anew."""

from dataclasses import replace
from datetime import datetime
from typing import Any
from uuid import UUID

from integrations.models import Execution
from integrations.models.encrypted import SecretUnreadableError, unseal
from integrations.models.status import ExecutionStatus
from integrations.models.tool_sessions import Origin
from integrations.queries.executions import execution_row
from integrations.services.executions import Order, require_own_or_admin, submit_execution
from orgs.errors import ConflictError
from orgs.permissions import Actor, OwnerRef


def run_again(
    *,
    actor: Actor,
    owner: OwnerRef,
    execution_id: UUID,
    requested: str = "",
    acknowledged: bool = False,
    idempotency_key: str = "",
    origin: Origin = Origin.DASHBOARD,
    now: datetime,
) -> Execution:
    """Make a new execution from an old one, under the same ID or another of the actor's own.

    A run whose outcome is unknown may have happened: running it again must be acknowledged (fault F37).
    """
    row = execution_row(actor=actor, owner=owner, execution_id=execution_id)
    require_own_or_admin(row, actor=actor, owner=owner)
    _check_repeatable(row, acknowledged=acknowledged)
    order = _same_order(row, owner, requested)
    return submit_execution(actor=actor, order=replace(order, idempotency_key=idempotency_key, origin=origin), now=now)


def _check_repeatable(row: Execution, *, acknowledged: bool) -> None:
    if not row.is_over:
        raise ConflictError("This run is not over yet.", code="not_over")
    if row.status == ExecutionStatus.UNKNOWN and not row.is_read and not acknowledged:
        message = "It may already have been done. Check at the provider, then confirm that you want to run it again."
        raise ConflictError(message, code="acknowledge_unknown")


def _same_order(row: Execution, owner: OwnerRef, requested: str) -> Order:
    """What was asked for then. Under another ID the account is chosen anew: the one of then is not there."""
    is_same_id = requested in {"", owner.text_id, owner.passed_id}
    return Order(
        requested=requested or owner.text_id,
        tool=row.tool_slug,
        arguments=_arguments_of(row),
        account=_named_account(row) if is_same_id else "",
        retry_of=row.id,
    )


def _arguments_of(row: Execution) -> dict[str, Any]:
    if row.arguments is None:
        raise ConflictError("Its arguments were deleted when the retention time was over.", code="purged")
    try:
        arguments: dict[str, Any] = unseal(row.arguments, table="execution", row=row.id, field="arguments")
    except SecretUnreadableError as error:
        raise ConflictError(str(error), code="secrets_unreadable") from None
    return arguments


def _named_account(row: Execution) -> str:
    """The account that was named or pinned at the time; one that the rule chose is chosen anew."""
    named = row.decision.get("because") in {"named", "pinned"}
    return row.connected_account.text_id if named and row.connected_account else ""
