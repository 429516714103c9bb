"""The ways out of a refusal, as pages offer them: what the rule calls remedies, with addresses."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final
from urllib.parse import urlencode

from django.urls import reverse

from accounts.ids import to_text
from orgs.addresses import owner_url_if_any
from orgs.permissions import Decision, Fix, OwnerRef, PolicyRule, Remedy

if TYPE_CHECKING:
    from integrations.models import Tool

ICONS: Final = {
    Fix.ADD_FACTOR: "shield-check",
    Fix.ASK: "hand-raised",
    Fix.CHANGE_POLICY: "shield-check",
    Fix.CONNECT: "plus",
    Fix.RECONNECT: "arrow-path",
    Fix.RESUME: "play",
    Fix.RUN_AS: "play",
}
ASKED_FOR: Final = {Fix.CONNECT, Fix.RECONNECT, Fix.RESUME}


@dataclass(frozen=True)
class WayOut:
    """A form (`is_post`), a link, or else a sentence (without `url`). `owner` is the other ID to run it under."""

    label: str
    icon: str = ""
    url: str = ""
    is_post: bool = False
    owner: OwnerRef | None = None
    run_url: str = ""  # where a form that is open already can be sent under that other ID
    asks_others: bool = False  # the link leads to asking somebody who can do it

    @property
    def is_mine_to_go(self) -> bool:
        """Whether the reader repairs it by going there."""
        return bool(self.url) and not self.asks_others

    @property
    def requested(self) -> str:
        return self.owner.text_id if self.owner else ""


def repair(remedy: Remedy, decision: Decision, tool: "Tool", *, back: str) -> WayOut:
    """How a person repairs it, all but running it under another ID. From connecting, the way leads `back`."""
    owner = remedy.owner or decision.owner
    if owner is None:
        return WayOut(remedy.label)
    if not remedy.by_actor:
        return WayOut(remedy.label, ICONS[Fix.ASK], ask_page(remedy, decision, tool), asks_others=True)
    icon = ICONS.get(remedy.fix, "")
    if remedy.fix is Fix.ADD_FACTOR:
        return WayOut(remedy.label, icon, reverse("mfa_index"))
    if remedy.fix is Fix.CHANGE_POLICY:
        return WayOut(remedy.label, icon, policy_page(decision.rule, owner))
    if remedy.fix is Fix.RESUME:
        url = owner_url_if_any(owner, "connection_resume", account_id=account_id(remedy))
        return WayOut(remedy.label, icon, url, is_post=True)
    return WayOut(remedy.label, icon, connect_page(remedy, owner, tool, back=back))


def connect_page(remedy: Remedy, owner: OwnerRef, tool: "Tool", *, back: str) -> str:
    """The consent page, with the account to reconnect if it is about one."""
    page = owner_url_if_any(owner, "connect_toolkit", toolkit=tool.toolkit.slug)
    account = account_id(remedy)
    query = {"next": back, "tool": tool.slug, **({"reconnect": account} if account else {})}
    return f"{page}?{urlencode(query)}" if page else ""


def policy_page(rule: PolicyRule | None, owner: OwnerRef) -> str:
    """The form of the rule that decided, for whoever may change it."""
    page = owner_url_if_any(owner, "policy_change")
    if rule is None or not page:
        return owner_url_if_any(owner, "policies")
    place = f"account:{to_text('ca', rule.account_id)}" if rule.account_id else ""
    place = place or (f"toolkit:{rule.toolkit}" if rule.toolkit else "all")
    who = f"role:{rule.role}" if rule.role else "everybody"
    who = f"person:{to_text('user', rule.user_id)}" if rule.user_id else who
    who = f"application:{to_text('app', rule.application_id)}" if rule.application_id else who
    return f"{page}?{urlencode({'place': place, 'people': who})}"


def ask_page(remedy: Remedy, decision: Decision, tool: "Tool") -> str:
    """Where a member asks an admin to do it, with the form filled in; empty where asking does not help."""
    if decision.code == "policy_denied":
        return access_page(decision, tool)
    owner = remedy.owner or decision.owner
    page = owner_url_if_any(owner, "request_new") if owner and remedy.fix in ASKED_FOR else ""
    return _filled_in(page, tool, account_id(remedy)) if page else ""


def access_page(decision: Decision, tool: "Tool") -> str:
    """Where a member asks for access to the account that a policy holds back; empty for a tool without account."""
    owner, account = decision.owner, decision.account
    page = owner_url_if_any(owner, "request_new") if owner and account else ""
    return _filled_in(page, tool, to_text("ca", account.id)) if page and account else ""


def _filled_in(page: str, tool: "Tool", account: str) -> str:
    query = {"toolkit": tool.toolkit.slug, "tool": tool.slug, **({"account": account} if account else {})}
    return f"{page}?{urlencode(query)}"


def account_id(remedy: Remedy) -> str:
    return to_text("ca", remedy.account_id) if remedy.account_id else ""
