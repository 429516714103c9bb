"""Everything of a run but the call: the same tool, rule, arguments and account, and the request that would be sent."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from integrations.access import decide_run, read_account_id
from integrations.calls import make_call, placement_of, spec_of
from integrations.engine import run as engine
from integrations.engine.errors import ToolError
from integrations.engine.types import AuthScheme, Credentials, ToolCall
from integrations.models import ConnectedAccount, Tool
from integrations.services.executions import Order, checked_arguments, ordered_tool, refusal_of
from orgs.permissions import Actor, Decision, words


@dataclass(frozen=True)
class DryRun:
    """What would happen. `request` is None when nothing would be sent; `problem` says so when the rule allows it."""

    tool: Tool
    decision: Decision
    account: ConnectedAccount | None
    arguments: Mapping[str, Any] = field(repr=False)
    request: Mapping[str, Any] | None = field(default=None, repr=False)
    problem: str = ""

    @property
    def would_run(self) -> bool:
        return self.decision.allowed and not self.problem

    @property
    def why(self) -> str:
        """Why this account and no other."""
        because = self.decision.because
        return words.BECAUSE[because.value] if because else ""


def dry_run(*, actor: Actor, order: Order) -> DryRun:
    """Say what `submit_execution` and the worker would do with this order.

    Nothing is stored, no credentials are opened and nobody is called. Raises what submitting would
    raise: ArgumentsError, NotFoundError, and the refusal under an ID that is none of the actor's.
    """
    tool = ordered_tool(actor=actor, order=order)
    decision, account = decide_run(
        actor=actor, requested=order.requested, tool=tool, named_account=read_account_id(order.account)
    )
    if decision.owner is None:
        raise refusal_of(decision, actor=actor)
    if not decision.allowed:
        return DryRun(tool, decision, account, order.arguments)
    arguments = checked_arguments(tool, order.arguments, actor=actor)
    try:
        request = engine.dry_run(_call(tool, account, arguments))
    except ToolError as error:
        return DryRun(tool, decision, account, order.arguments, problem=error.message)
    return DryRun(tool, decision, account, order.arguments, request)


def _call(tool: Tool, account: ConnectedAccount | None, arguments: Mapping[str, Any]) -> ToolCall:
    """The call as the worker makes it, with the kind of credentials but none of them."""
    scheme = AuthScheme(account.scheme) if account else AuthScheme.NONE
    placement = placement_of(tool.toolkit, scheme) if account else None
    return make_call(spec_of(tool, account), arguments, Credentials(scheme), placement)
