"""What a call answers: data with clear bounds, or what went wrong and the way out."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from mcp_types import CallToolResult, TextContent

from integrations.mcp.linking import CONSENT
from integrations.mcp.place import Place, mcp_url, page_url
from integrations.queries.executions import get_execution
from orgs.errors import DomainError
from orgs.permissions import Decision, Fix, OwnerRef, Remedy


def answer(data: Mapping[str, Any], *, is_error: bool = False) -> CallToolResult:
    """The same object twice: structured, and as text for clients that read only that."""
    text = json.dumps(data, ensure_ascii=False, default=str)
    return CallToolResult(content=[TextContent(text=text)], structured_content=dict(data), is_error=is_error)


def refusal(error: DomainError) -> CallToolResult:
    """What a person or program did wrong, in the product's own words."""
    data: dict[str, Any] = {"successful": False, "error": error.message, "code": error.code}
    if isinstance(error.details, list):
        data["problems"] = [{"field": field, "message": message} for field, message in error.details]
    return answer(data, is_error=True)


def run_answer(place: Place, row: Any, link: str = "") -> CallToolResult:
    """How a run ended, with its ID; or that it has not ended, and where to look. `link` was made for an end user."""
    data: dict[str, Any] = {"run": row.text_id, "status": row.status}
    page = page_url(row.owner.ref, "run", execution_id=row.text_id)
    if not row.is_over:
        look = f", or see {page}" if page else ""
        note = f"{row.word.sentence} Do not send it again: ask SWITCHBOARD_GET_RUN for {row.text_id}{look}"
        return answer({"successful": False, **data, "note": note}, is_error=row.status == "waiting_for_approval")
    found = get_execution(actor=place.actor, owner=row.owner.ref, execution_id=row.id)
    if row.status == "succeeded":
        return answer({"successful": True, **data, "data": found.result})
    ways = ways_out(place, found.decision_now, link) if found.decision_now else []
    data |= {"error": row.error_message or row.word.sentence, "code": row.error_code, "data": found.result}
    if ways:
        data["ways_out"] = ways
    if page:
        data["page"] = page
    return answer({"successful": False, **data}, is_error=True)


def ways_out(place: Place, decision: Decision, link: str = "") -> list[dict[str, str]]:
    """What the rule calls remedies, each with an address where a person finds the control."""
    return [_way(place, remedy, decision, link) for remedy in decision.remedies]


def page_to_open(place: Place, decision: Decision, link: str = "") -> str:
    """Where this person gives the consent that is missing; empty when it is not theirs, or another way comes first."""
    first = decision.remedies[0] if decision.remedies else None
    if first is None or first.fix not in CONSENT or not first.by_actor:
        return ""
    return _way(place, first, decision, link).get("url", "")


def _way(place: Place, remedy: Remedy, decision: Decision, link: str) -> dict[str, str]:
    owner = remedy.owner or decision.owner
    way = {"what": remedy.label, "who": "you" if remedy.by_actor else decision.fixable_by}
    if owner is None:
        return way
    if remedy.fix is Fix.RUN_AS:
        return {**way, "what": f"{remedy.label}: use the MCP address of that ID.", "url": mcp_url(owner)}
    url = link if link and remedy.fix in CONSENT else _page_of(place, remedy, owner)
    return {**way, "url": url} if url else way  # an end user has no pages


def _page_of(place: Place, remedy: Remedy, owner: OwnerRef) -> str:
    if remedy.fix is Fix.CONNECT:
        return page_url(owner, "connect")
    if remedy.account_id is not None:
        return page_url(owner, "connection", account_id=f"ca_{remedy.account_id.hex}")
    return place.page


def explanation(place: Place, decision: Decision) -> dict[str, Any]:
    """The whole decision: each check in its order, and the way out."""
    checks: Sequence[Any] = decision.checks
    return {
        "runs": decision.allowed,
        "code": decision.code,
        "message": decision.message,
        "account": decision.account.label if decision.account else None,
        "because": decision.because.value if decision.because else None,
        "checks": [{"check": one.label, "outcome": one.outcome.value, "detail": one.detail} for one in checks],
        "ways_out": ways_out(place, decision),
    }
