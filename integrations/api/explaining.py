"""Why a tool runs or does not, and what would be sent: the rule's own answer, without running anything."""

from typing import Any

from ninja import Router
from pydantic import Field

from integrations.access import read_account_id, remember
from integrations.api.asking import ApiRequest, owner_from
from integrations.api.base import Out, StrictIn
from integrations.api.executions import CheckOut, RunIn
from integrations.api.fixes import fix_from
from integrations.queries.catalogue import tool_of_catalogue
from integrations.queries.explanations import explain
from integrations.services.dry_runs import dry_run
from integrations.services.executions import VIA_API, Order

router = Router(tags=["Explain"])


class ExplainIn(StrictIn):
    """Which tool, under which ID."""

    tool: str = Field(max_length=120)
    user_id: str = Field("", max_length=200)
    connected_account_id: str = Field("", max_length=80)


class VerdictOut(Out):
    """What the rule says under one ID."""

    user_id: str
    allowed: bool
    status: int
    slug: str
    message: str
    suggested_fix: str
    connected_account_id: str | None
    because: str | None
    checks: list[CheckOut]


class ExplanationOut(Out):
    tool: str
    verdict: VerdictOut
    elsewhere: list[VerdictOut] = Field(description="The same question under each other ID of this key.")


class DryRunOut(Out):
    """Everything of a run but the call. `request` is what would be sent, without credentials."""

    tool: str
    would_run: bool
    problem: str | None
    verdict: VerdictOut
    arguments: dict[str, Any]
    request: dict[str, Any] | None


@router.post("/explain", response=ExplanationOut)
def explain_tool(request: ApiRequest, asked: ExplainIn) -> Any:
    owner = owner_from(asked.user_id, actor=request.auth)
    tool = tool_of_catalogue(actor=request.auth, name=asked.tool)
    named = read_account_id(asked.connected_account_id)
    found = explain(actor=request.auth, owner=owner, tool=tool.slug, named_account=named)
    return ExplanationOut(
        tool=found.tool.slug,
        verdict=_verdict(owner, found.decision),
        elsewhere=[_verdict(other, decision) for other, decision in found.elsewhere],
    )


@router.post("/dry_run", response=DryRunOut)
def dry_run_tool(request: ApiRequest, asked: RunIn) -> Any:
    owner = owner_from(asked.user_id, actor=request.auth)
    tool = tool_of_catalogue(actor=request.auth, name=asked.tool, version=asked.version)
    order = Order(
        requested=asked.user_id,
        tool=tool.slug,
        arguments=asked.arguments,
        account=asked.connected_account_id,
        origin=VIA_API,
    )
    found = dry_run(actor=request.auth, order=order)
    return DryRunOut(
        tool=found.tool.slug,
        would_run=found.would_run,
        problem=found.problem or None,
        verdict=_verdict(owner, found.decision),
        arguments=dict(found.arguments),
        request=dict(found.request) if found.request is not None else None,
    )


def _verdict(owner: Any, decision: Any) -> VerdictOut:
    stored = remember(decision)
    return VerdictOut(
        user_id=owner.passed_id,
        allowed=decision.allowed,
        status=int(decision.status),
        slug=decision.code,
        message=decision.message,
        suggested_fix=fix_from(stored["remedies"]),
        connected_account_id=f"ca_{decision.account.id.hex}" if decision.account else None,
        because=stored["because"],
        checks=[CheckOut(**one) for one in stored["checks"]],
    )
