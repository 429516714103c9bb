"""What the rule's answer means on the pages of tools: a word beside each tool, and the ways out of a refusal."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Protocol

from integrations.queries.tools import ListedTool
from integrations.views.ways_out import ICONS, WayOut, account_id, ask_page, connect_page, repair
from orgs.addresses import owner_url, owner_url_if_any
from orgs.permissions import Decision, Fix, OwnerRef, Remedy

if TYPE_CHECKING:
    from integrations.models import Tool

# By outcome code: what stands beside a tool that does not run, its tone, its icon, and the link to the way out.
REFUSED: Final = {
    "tool_disabled": ("Switched off", "neutral", "power", ""),
    "role_cannot_execute": ("Not for viewers", "neutral", "lock-closed", ""),
    "no_connected_account": ("Needs a connection", "warning", "link", "Connect"),
    "connection_expired": ("Connection expired", "error", "arrow-path", "Reconnect"),
    "connection_failed": ("Connection failed", "error", "arrow-path", "Reconnect"),
    "connection_inactive": ("Connection paused", "neutral", "pause-circle", "Resume"),
    "connection_not_ready": ("Waiting for sign-in", "info", "clock", "Connect"),
    "policy_denied": ("Denied by policy", "error", "shield-exclamation", ""),
    "missing_scope": ("Needs more access", "warning", "shield-exclamation", "Reconnect"),
}
NEEDS_APPROVAL: Final = "Needs approval"
OTHERWISE: Final = ("Does not run", "neutral", "no-symbol", "")


@dataclass(frozen=True)
class Availability:
    """The word beside a tool in the catalogue, and what to do about it: a link, or whom to ask."""

    label: str
    tone: str
    icon: str
    action: str = ""
    url: str = ""
    ask: str = ""


class Answered(Protocol):
    """A tool, and what the rule said about it."""

    @property
    def tool(self) -> Any: ...

    @property
    def decision(self) -> Decision: ...


def short_name(owner: OwnerRef) -> str:
    """As the identity switch writes it."""
    return owner.label if owner.is_organization else "Me"


def availability(listed: ListedTool, owner: OwnerRef) -> Availability:
    """What the catalogue says about a tool under the ID of the page."""
    decision, tool = listed.decision, listed.tool
    if decision.needs_approval:
        return Availability(
            NEEDS_APPROVAL, "warning", "hand-raised", ask=f"{_sentence_case(decision.fixable_by)} decides"
        )
    if decision.allowed:
        return Availability(f"Runs now as {short_name(owner)}", "success", "check-circle")
    if listed.runs_as:
        other = listed.runs_as[0]
        url = owner_url(other, "tool", name=tool.slug)
        return Availability(
            f"Runs as {short_name(other)}", other.kind.value, "arrows-right-left", f"Switch to {short_name(other)}", url
        )
    label, tone, icon, action = REFUSED.get(decision.code, OTHERWISE)
    url = _first_address(decision, tool)
    if url:
        return Availability(label, tone, icon, action, url)
    return Availability(label, tone, icon, *_question(decision, tool), _whom_to_ask(decision))


def _question(decision: Decision, tool: "Tool") -> tuple[str, str]:
    """The link to asking an admin for what is missing, where asking helps."""
    asked = (ask_page(one, decision, tool) for one in decision.remedies if not one.by_actor)
    url = next((address for address in asked if address), "")
    return (_whom_to_ask(decision), url) if url else ("", "")


def in_a_word(decision: Decision) -> str:
    """Beside another ID: whether the tool runs there, and else what is missing."""
    if decision.needs_approval:
        return "needs approval there"
    return "runs there" if decision.allowed else REFUSED.get(decision.code, OTHERWISE)[0].lower()


def _sentence_case(text: str) -> str:
    return f"{text[:1].upper()}{text[1:]}"


def _first_address(decision: Decision, tool: "Tool") -> str:
    mine = [one for one in decision.remedies if one.by_actor and one.fix in {Fix.CONNECT, Fix.RECONNECT, Fix.RESUME}]
    addresses = (_page_of(one, one.owner or decision.owner, tool) for one in mine)
    return next((address for address in addresses if address), "")


def _whom_to_ask(decision: Decision) -> str:
    return "" if decision.fixable_by in {"", "you", "nobody"} else f"Ask {decision.fixable_by}"


def ways_out(page: Answered, elsewhere: Sequence[tuple[OwnerRef, Decision]]) -> list[WayOut]:
    """The ways out of a refusal. Another ID is offered only where the tool really runs for this actor."""
    runs = {owner for owner, decision in elsewhere if decision.allowed}
    remedies = [one for one in page.decision.remedies if one.fix is not Fix.RUN_AS or one.owner in runs]
    return [way_out(remedy, page) for remedy in remedies]


def way_out(remedy: Remedy, page: Answered) -> WayOut:
    owner = remedy.owner or page.decision.owner
    if owner is None:
        return WayOut(remedy.label)
    here = owner_url(owner, "tool", name=page.tool.slug)
    if remedy.fix is Fix.RUN_AS and remedy.by_actor:
        run_url = owner_url(owner, "tool_run", name=page.tool.slug)
        return WayOut(remedy.label, ICONS[Fix.RUN_AS], here, owner=owner, run_url=run_url)
    return repair(remedy, page.decision, page.tool, back=here)


def _page_of(remedy: Remedy, owner: OwnerRef | None, tool: "Tool") -> str:
    """The page where a person repairs it. From the one that connects, the way leads back to the tool."""
    if owner is None:
        return ""
    if remedy.fix is Fix.RESUME:
        return owner_url_if_any(owner, "connection", account_id=account_id(remedy))
    return connect_page(remedy, owner, tool, back=owner_url(owner, "tool", name=tool.slug))
