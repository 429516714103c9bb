"""With which accounts a request could be answered, and what policies hold back those who ask."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final
from uuid import UUID

from accounts.models import User
from integrations.access import decide_run
from integrations.catalog import missing_scopes
from integrations.models import ConnectedAccount, ConsentRequest, ConsentRequester, Tool
from integrations.queries.connections import list_connections
from integrations.queries.consent_requests import wanted_tools
from orgs.errors import NotFoundError
from orgs.permissions import AccountState, Actor, OwnerRef, Permission, require, words
from orgs.permissions.policies import ToolEffect
from orgs.permissions.question import USABLE
from orgs.queries.actors import actor_for_member

PAUSED: Final = "It is paused. Resume it first."
SICK: Final = "It does not work now. Reconnect it first."
SCOPES: Final = "It was not granted all that these tools need. Reconnect it first, and allow that."


@dataclass(frozen=True)
class HeldBack:
    """Somebody who asks, and the effects of tools that a policy holds back from them."""

    user: User
    effects: Sequence[str]

    @property
    def sentence(self) -> str:
        kinds = " and ".join(words.EFFECT_TOOLS[ToolEffect(effect)] for effect in self.effects)
        return f"{self.user.display_name}: {kinds}"


@dataclass(frozen=True)
class Candidate:
    """An account that could answer a request. `obstacle` says what must be done with it first."""

    account: ConnectedAccount
    obstacle: str = ""
    held: Sequence[HeldBack] = ()

    @property
    def is_paused(self) -> bool:
        return self.obstacle == PAUSED


def candidates(*, actor: Actor, owner: OwnerRef, request: ConsentRequest) -> list[Candidate]:
    """The account that is asked for; for a new connection, those of the toolkit that are there by now."""
    require(actor, Permission.REQUESTS_DECIDE, owner)
    groups = list_connections(actor=actor, owner=owner)
    accounts = [one for group in groups if group.toolkit.id == request.toolkit_id for one in group.accounts]
    if request.connected_account_id is not None:
        accounts = [one for one in accounts if one.id == request.connected_account_id]
    return [candidate(actor=actor, owner=owner, request=request, account=one) for one in accounts]


def candidate(*, actor: Actor, owner: OwnerRef, request: ConsentRequest, account: ConnectedAccount) -> Candidate:
    """What one account would be as the answer."""
    obstacle = _obstacle(account, wanted_tools(actor=actor, request=request))
    held = held_back(actor=actor, owner=owner, request=request, account=account) if not obstacle else []
    return Candidate(account, obstacle, held)


def held_back(*, actor: Actor, owner: OwnerRef, request: ConsentRequest, account: ConnectedAccount) -> list[HeldBack]:
    """Whom a policy denies, or makes wait for approval, what they ask for. The rule itself is asked."""
    require(actor, Permission.REQUESTS_DECIDE, owner)
    parts = ConsentRequester.objects.asking().filter(request=request).select_related("user").order_by("asked_at", "id")
    found = [(part.user, _effects(part, actor, owner, account)) for part in parts]
    return [HeldBack(user, effects) for user, effects in found if effects]


def _effects(part: ConsentRequester, actor: Actor, owner: OwnerRef, account: ConnectedAccount) -> list[str]:
    member = _member(actor, owner, part.user_id)
    if member is None:
        return []
    tools = Tool.objects.filter(toolkit_id=account.toolkit_id, is_deprecated=False).select_related("toolkit")
    asked = tools.filter(slug__in=part.tools) if part.tools else tools
    one_each = {tool.effect: tool for tool in asked}  # policies tell effects apart, not tools
    return [effect for effect in ToolEffect if effect in one_each and _held(member, owner, one_each[effect], account)]


def _member(actor: Actor, owner: OwnerRef, user_id: UUID) -> Actor | None:
    """None for whoever has left since they asked."""
    try:
        return actor_for_member(actor=actor, owner=owner, user_id=user_id)
    except NotFoundError:
        return None


def _held(member: Actor, owner: OwnerRef, tool: Tool, account: ConnectedAccount) -> bool:
    decision, _ = decide_run(actor=member, requested=owner.text_id, tool=tool, named_account=account.id)
    return decision.needs_approval or decision.code == "policy_denied"


def _obstacle(account: ConnectedAccount, tools: Sequence[Tool]) -> str:
    state = AccountState(account.status)
    if state is AccountState.PAUSED:
        return PAUSED
    if state not in USABLE:
        return SICK
    granted = account.scopes
    lacks = granted is not None and any(missing_scopes(tool.scopes, granted) for tool in tools)
    return SCOPES if lacks else ""
