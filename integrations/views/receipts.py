"""What a run's page says about it in plain words: who, as whom, through what, why, how long, and the way out."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from urllib.parse import urlencode

from integrations.queries.executions import ExecutionDetail
from integrations.views.ways_out import ICONS, WayOut, repair
from orgs.addresses import owner_url
from orgs.permissions import Actor, Fix, OwnerKind, OwnerRef, Permission, Remedy, can
from orgs.permissions.words import BECAUSE
from orgs.queries.members import list_members

CHOSEN: Final = {
    **BECAUSE,
    "named": "it was asked for by its ID",
    "pinned": "the session pins it",
    "newest": "it is the most recently connected one",
}
OWN_RULE: Final = "A user ID reaches that user's own accounts, and only that user acts under it."
ORGANIZATION_RULE: Final = (
    "An organization's ID reaches the organization's accounts, for members whose role may run tools."
)


@dataclass(frozen=True)
class Receipt:
    """The identity receipt, and the timing."""

    because: str
    rule: str
    role: str
    policy: str
    queued: float | None
    provider: float | None
    total: float | None


def receipt_of(detail: ExecutionDetail, now: datetime) -> Receipt:
    row = detail.row
    until = row.started_at or row.finished_at or now
    return Receipt(
        because=CHOSEN.get(row.decision.get("because") or "", ""),
        rule=ORGANIZATION_RULE if row.owner.ref.is_organization else OWN_RULE,
        role=_detail_of(row.decision, "role"),
        policy=(row.decision.get("policy") or {}).get("words", ""),
        queued=row.milliseconds_until(until),
        provider=row.provider_milliseconds,
        total=row.milliseconds_until(row.finished_at or now),
    )


def _detail_of(decision: dict[str, Any], code: str) -> str:
    checks: Sequence[dict[str, str]] = decision.get("checks", [])
    return next((check["detail"] for check in checks if check["code"] == code and check["outcome"] == "passed"), "")


def ways_out(detail: ExecutionDetail, actor: Actor, page_url: str, again_url: str) -> list[WayOut]:
    """The way out as it is today and for this reader, the best one first. Connecting leads back to `page_url`."""
    decision = detail.decision_now
    if decision is None:
        return []
    if decision.allowed:
        label = "Ask for approval again" if decision.needs_approval else "Run it now"
        return [WayOut(label, ICONS[Fix.RUN_AS], again_url, is_post=True)] if detail.may_read else []
    return [
        _run_as(remedy, again_url)
        if remedy.fix is Fix.RUN_AS
        else repair(remedy, decision, detail.row.tool, back=page_url)
        for remedy in decision.remedies
        if remedy.fix is not Fix.RUN_AS or _may_follow(remedy, detail, actor)
    ]


def _may_follow(remedy: Remedy, detail: ExecutionDetail, actor: Actor) -> bool:
    """Another ID is no way out for somebody who runs nothing there, or may not read what to run."""
    return detail.may_read and remedy.owner is not None and can(actor, Permission.TOOLS_EXECUTE, remedy.owner)


def _run_as(remedy: Remedy, again_url: str) -> WayOut:
    return WayOut(remedy.label, ICONS[Fix.RUN_AS], again_url, is_post=True, owner=remedy.owner)


def explain_url(detail: ExecutionDetail, actor: Actor) -> str:
    """Where the explainer answers this run's question as of today: for the reader, or to an admin for who ran it."""
    row, owner = detail.row, detail.row.owner.ref
    query = {"tool": row.tool_slug}
    if row.decision.get("because") == "named" and row.connected_account is not None:
        query["account"] = row.connected_account.text_id
    if row.submitted_by_id and row.submitted_by_id != actor.user_id and _may_ask_about(actor, owner, row):
        query["member"] = OwnerRef(OwnerKind.USER, row.submitted_by_id).text_id
    return f"{owner_url(owner, 'explain')}?{urlencode(query)}"


def _may_ask_about(actor: Actor, owner: OwnerRef, row: Any) -> bool:
    if not owner.is_organization or not can(actor, Permission.MEMBERS_MANAGE, owner):
        return False
    return bool(list_members(actor=actor, owner=owner).filter(user_id=row.submitted_by_id).exists())


def run_url(owner: OwnerRef, text_id: str, page: str = "run") -> str:
    return owner_url(owner, page, execution_id=text_id)
