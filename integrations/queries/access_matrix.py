"""Who may use what, through which connection: the rule asked for every member at once.

It is the rule's own answer about a tool of each effect that needs no particular scope, so the page cannot say
anything that enforcement does not do.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final
from uuid import UUID

from accounts.ids import to_text
from integrations.access import policy_rules
from integrations.models import ConnectedAccount, Policy, Tool, Toolkit
from integrations.models.status import ConnectionStatus
from orgs.permissions import (
    AccountFacts,
    AccountState,
    Actor,
    Decision,
    OwnerRef,
    Permission,
    PolicyRule,
    Question,
    Role,
    ToolEffect,
    ToolFacts,
    about,
    can,
    decide,
    read_owner_id,
    require,
    words,
)
from orgs.queries.actors import actors_for_members
from orgs.status_words import StatusWord

MOST_PEOPLE: Final = 100
BY_ROLE: Final = "By role, and no policy says otherwise."


class Access(StrEnum):
    """What becomes of a run."""

    RUNS = "runs"
    ASKS = "asks"
    REFUSED = "refused"


@dataclass(frozen=True)
class EffectAccess:
    """One effect in one cell."""

    effect: ToolEffect
    access: Access
    why: str


@dataclass(frozen=True)
class Cell:
    """One person at one toolkit: through which account, and what becomes of each effect."""

    account: AccountFacts | None
    effects: Sequence[EffectAccess]

    @property
    def account_text_id(self) -> str:
        return to_text("ca", self.account.id) if self.account else ""

    @property
    def trouble(self) -> StatusWord | None:
        """How the account stands, when it does not simply work."""
        if self.account is None or self.account.state is AccountState.ACTIVE:
            return None
        return ConnectionStatus(self.account.state.value).word


@dataclass(frozen=True)
class Line:
    """One person."""

    person: Actor
    role: Role | None
    cells: Sequence[tuple[Toolkit, Cell]]


@dataclass(frozen=True)
class Group:
    """People with the same answer for the same reason."""

    access: Access
    why: str
    names: Sequence[str]


@dataclass(frozen=True)
class _Ground:
    """What the rule needs about an organization, read once."""

    owner: OwnerRef
    accounts: Sequence[AccountFacts]
    rules: Sequence[PolicyRule]
    effects: dict[UUID, list[ToolEffect]]

    def ask(self, person: Actor, toolkit: Toolkit, effect: ToolEffect, named: UUID | None = None) -> Decision:
        facts = ToolFacts(
            "", f"A tool of {toolkit.name}", toolkit.slug, toolkit.name, toolkit.is_enabled, effect=effect
        )
        asked = read_owner_id(self.owner.text_id)
        answer = decide(Question(person, asked, facts, self.accounts, named_account=named, rules=self.rules))
        return about(answer, person, self.owner) if person.stands_for else answer


def access_matrix(*, actor: Actor, owner: OwnerRef, text: str = "") -> tuple[list[Toolkit], list[Line]]:
    """The connected toolkits, and a line for each active member, by name; `text` narrows the people down."""
    require(actor, Permission.MEMBERS_MANAGE, owner)
    rows = _accounts(owner)
    toolkits = sorted({row.toolkit for row in rows}, key=lambda one: one.name.casefold())
    ground = _ground(owner, rows, toolkits)
    people = actors_for_members(actor=actor, owner=owner, text=text, limit=MOST_PEOPLE)
    return toolkits, [_line(ground, person, toolkits) for person in people]


def access_to(*, actor: Actor, owner: OwnerRef, account: ConnectedAccount) -> list[tuple[ToolEffect, Sequence[Group]]]:
    """For each effect who may use an account and through which rule; to others than admins: what they may do."""
    require(actor, Permission.CONNECTED_ACCOUNTS_READ, owner)
    if not owner.is_organization:
        return []  # nobody but that person, and no policy
    toolkit = account.toolkit
    ground = _ground(owner, [account], [toolkit])
    people = [actor]
    if can(actor, Permission.MEMBERS_MANAGE, owner):
        people = actors_for_members(actor=actor, owner=owner, limit=MOST_PEOPLE)
    return [
        (
            effect,
            _grouped(
                (person.label, _effect(ground.ask(person, toolkit, effect, account.id), effect)) for person in people
            ),
        )
        for effect in ground.effects[toolkit.id]
    ]


def own_access(
    *, actor: Actor, owner: OwnerRef, accounts: Sequence[ConnectedAccount]
) -> dict[UUID, list[EffectAccess]]:
    """What the actor may do with each of an organization's accounts; nothing to say about one's own."""
    require(actor, Permission.CONNECTED_ACCOUNTS_READ, owner)
    if not owner.is_organization or not accounts:
        return {}
    ground = _ground(owner, accounts, [row.toolkit for row in accounts])
    return {
        row.id: [_effect(ground.ask(actor, row.toolkit, one, row.id), one) for one in ground.effects[row.toolkit_id]]
        for row in accounts
    }


def _accounts(owner: OwnerRef) -> list[ConnectedAccount]:
    rows = ConnectedAccount.objects.owned_by(owner).exclude(status=ConnectionStatus.REVOKED)
    return list(rows.select_related("toolkit", "owner__user", "owner__organization"))


def _ground(owner: OwnerRef, rows: Iterable[ConnectedAccount], toolkits: Sequence[Toolkit]) -> _Ground:
    effects: dict[UUID, list[ToolEffect]] = {one.id: [] for one in toolkits}
    found = Tool.objects.filter(toolkit__in=toolkits, is_deprecated=False).order_by()
    there = set(found.values_list("toolkit_id", "effect").distinct())
    for toolkit_id, listed in effects.items():
        listed += [effect for effect in ToolEffect if (toolkit_id, effect.value) in there]
    return _Ground(owner, [row.facts for row in rows], policy_rules(Policy.objects.owned_by(owner)), effects)


def _line(ground: _Ground, person: Actor, toolkits: Sequence[Toolkit]) -> Line:
    return Line(person, person.role_in(ground.owner), [(one, _cell(ground, person, one)) for one in toolkits])


def _cell(ground: _Ground, person: Actor, toolkit: Toolkit) -> Cell:
    decisions = [(effect, ground.ask(person, toolkit, effect)) for effect in ground.effects[toolkit.id]]
    account = next((decision.account for _effect, decision in decisions if decision.account), None)
    return Cell(account, [_effect(decision, effect) for effect, decision in decisions])


def _effect(decision: Decision, effect: ToolEffect) -> EffectAccess:
    """The policy that decided, else what the rule says, else that the role allows it."""
    if not decision.allowed and decision.code != "policy_denied":
        return EffectAccess(effect, Access.REFUSED, decision.message)
    why = words.policy_sentence(decision.rule) if decision.rule else BY_ROLE
    if not decision.allowed:
        return EffectAccess(effect, Access.REFUSED, why)
    return EffectAccess(effect, Access.ASKS if decision.needs_approval else Access.RUNS, why)


def _grouped(answers: Iterable[tuple[str, EffectAccess]]) -> list[Group]:
    groups: dict[tuple[Access, str], list[str]] = {}
    for name, one in answers:
        groups.setdefault((one.access, one.why), []).append(name)
    order = list(Access)
    return [
        Group(access, why, names) for (access, why), names in sorted(groups.items(), key=lambda g: order.index(g[0][0]))
    ]
