"""Run a tool in a tool session: the session fixes the acting ID and the account, the rule decides as always."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any, Final, NotRequired, TypedDict, Unpack

from integrations.models import Execution, ToolSession
from integrations.models.status import ExecutionStatus
from integrations.models.tool_sessions import Origin
from integrations.queries.tool_sessions import check_held, pins_of
from integrations.services.executions import Order, ordered_tool, submit_execution
from orgs.errors import ConflictError
from orgs.permissions import Actor, OwnerRef

USE_IS_NOTED_EVERY: Final = timedelta(minutes=1)


class Asked(TypedDict):
    """What is to be run: the parts of an order that a session leaves open."""

    tool: str
    arguments: Mapping[str, Any]
    account: NotRequired[str]
    idempotency_key: NotRequired[str]
    origin: Origin


def run_in_session(*, actor: Actor, session: ToolSession, now: datetime, **asked: Unpack[Asked]) -> Execution:
    """Submit a run under the session's owner; what the session pins is used unless an account is named.

    Nothing in `arguments` changes the acting ID (check M8).
    """
    require_live(session, actor=actor)
    order = Order(requested=session.owner.ref.text_id, session=session.id, **asked)
    found = ordered_tool(actor=actor, order=order)
    check_held(actor=actor, session=session, tool=found)
    pinned = pins_of(actor=actor, session=session).get(found.toolkit_id)
    row = submit_execution(actor=actor, order=replace(order, pinned=pinned), now=now)
    if row.status != ExecutionStatus.DENIED:
        _note_use(session, now)
    return row


def submit_mcp_run(
    *,
    actor: Actor,
    owner: OwnerRef,
    session: ToolSession | None,
    tool: str,
    arguments: Mapping[str, Any],
    account: str,
    now: datetime,
) -> Execution:
    """A run that an agent asks for, in a session or under an owner's own MCP address."""
    wanted: Asked = {"tool": tool, "arguments": arguments, "account": account, "origin": Origin.MCP}
    if session is not None:
        return run_in_session(actor=actor, session=session, **wanted, now=now)
    return submit_execution(actor=actor, order=Order(requested=owner.text_id, **wanted), now=now)


def require_live(session: ToolSession, *, actor: Actor) -> None:
    """ConflictError for a session that has ended."""
    del actor  # whoever may read the session may know
    if session.has_ended:
        raise ConflictError("This session has ended. Make a new one.", code="session_ended")


def _note_use(session: ToolSession, now: datetime) -> None:
    if session.last_used_at is None or now - session.last_used_at > USE_IS_NOTED_EVERY:
        ToolSession.objects.owned_by(session.owner.ref).filter(id=session.id).update(last_used_at=now)
