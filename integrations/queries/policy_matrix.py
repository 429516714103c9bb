"""The policies at a glance: what each role may do with each toolkit, and what holds for the reader."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Final
from uuid import UUID

from integrations.models import ConnectedAccount, Toolkit
from integrations.models.status import ConnectionStatus
from integrations.queries.policies import PolicyTarget, Verdicts, applications_for, list_policies
from orgs.permissions import (
    GRANTS,
    Actor,
    OwnerRef,
    Permission,
    PolicyRule,
    Role,
    ToolEffect,
    Use,
    Verdict,
    deciding_rule,
    require,
    roles_with,
)

ALLOW_ALL: Final[Verdicts] = dict.fromkeys(ToolEffect, Verdict.ALLOW)
CUSTOM: Final = "custom"
NO_RULE: Final = "none"
MOST_APPLICATIONS: Final = 4  # in the table: every rule stands in words below it


@dataclass(frozen=True)
class Preset:
    """A few verdicts with a name."""

    key: str
    label: str
    help: str
    verdicts: Verdicts


PRESETS: Final = tuple(
    Preset(key, label, text, dict(zip(ToolEffect, verdicts, strict=True)))
    for key, label, text, verdicts in [
        (NO_RULE, "No rule here", "What holds for more places or more people decides.", (None, None, None)),
        ("read", "Read only", "Reading tools run, all others do not.", (Verdict.ALLOW, Verdict.DENY, Verdict.DENY)),
        (
            "ask",
            "Ask before changes",
            "Reading tools run, all others need approval.",
            (Verdict.ALLOW, Verdict.ASK, Verdict.ASK),
        ),
        (
            "write",
            "Read and write",
            "Reading and writing tools run, destructive ones need approval.",
            (Verdict.ALLOW, Verdict.ALLOW, Verdict.ASK),
        ),
    ]
)


def preset_of(verdicts: Verdicts, *, actor: Actor) -> str:
    """The preset that says this, else "custom"."""
    del actor  # values only
    asked = {effect: verdicts.get(effect) for effect in ToolEffect}
    return next((preset.key for preset in PRESETS if preset.verdicts == asked), CUSTOM)


@dataclass(frozen=True)
class Cell:
    """What holds for some people at one place, by effect. `is_own`: a rule about exactly this says so."""

    people_key: str
    people: str
    verdicts: Verdicts
    is_own: bool

    @property
    def label(self) -> str:
        """In a word; empty where each effect has to be named."""
        if self.verdicts == ALLOW_ALL:
            return "Everything"
        if all(verdict is Verdict.DENY for verdict in self.verdicts.values()):
            return "Nothing"
        return next((preset.label for preset in PRESETS if preset.verdicts == self.verdicts), "")


@dataclass(frozen=True)
class MatrixRow:
    """One place. `mine` is what holds for the reader there; None for whoever runs nothing."""

    place_key: str
    place: str
    toolkit: Toolkit | None
    cells: Sequence[Cell]
    mine: Cell | None


def policy_matrix(*, actor: Actor, owner: OwnerRef) -> list[MatrixRow]:
    """All toolkits first, then those that the organization uses or has rules for."""
    rules = [row.rule for row in list_policies(actor=actor, owner=owner)]
    people = _people(actor, owner)
    return [_row(actor, owner, rules, place, people) for place in [None, *_toolkits(owner, rules)]]


def columns(*, actor: Actor, owner: OwnerRef) -> list[str]:
    """The people of the cells, in their order."""
    require(actor, Permission.ORGANIZATION_READ, owner)
    return [_heading(target) for target in _people(actor, owner)]


def _people(actor: Actor, owner: OwnerRef) -> list[PolicyTarget]:
    roles = [PolicyTarget(role=role) for role in roles_with(Permission.TOOLS_EXECUTE)]
    return roles + applications_for(actor=actor, owner=owner)[:MOST_APPLICATIONS]


def _heading(target: PolicyTarget) -> str:
    return f"End users of {target.application.name}" if target.application else target.people


def _toolkits(owner: OwnerRef, rules: Sequence[PolicyRule]) -> Iterable[Toolkit]:
    accounts = ConnectedAccount.objects.owned_by(owner).exclude(status=ConnectionStatus.REVOKED)
    used = set(accounts.values_list("toolkit_id", flat=True))
    named = {rule.toolkit for rule in rules}
    rows = Toolkit.objects.filter(is_enabled=True).order_by("name", "id")
    return [one for one in rows if one.id in used or one.slug in named or not one.needs_account]


def _row(
    actor: Actor,
    owner: OwnerRef,
    rules: Sequence[PolicyRule],
    toolkit: Toolkit | None,
    people: Sequence[PolicyTarget],
) -> MatrixRow:
    place = PolicyTarget(toolkit)
    cells = [_cell(owner, rules, replace(one, toolkit=toolkit)) for one in people]
    return MatrixRow(place.place_key, place.place, toolkit, cells, _mine(actor, owner, rules, toolkit))


def _cell(owner: OwnerRef, rules: Sequence[PolicyRule], target: PolicyTarget) -> Cell:
    if target.application is not None:
        verdicts = _for_end_users(owner, rules, target, target.application.id)
    else:
        verdicts = _verdicts(owner, rules, target.role, None, target.toolkit)
    is_own = any(target.is_about(rule) for rule in rules)
    return Cell(target.people_key, _heading(target), verdicts, is_own)


def _for_end_users(
    owner: OwnerRef, rules: Sequence[PolicyRule], target: PolicyTarget, application: UUID
) -> dict[ToolEffect, Verdict]:
    """Nobody approves an end user's run, so what would need that does not run."""
    found = _verdicts(owner, rules, None, None, target.toolkit, application)
    return {effect: Verdict.DENY if verdict is Verdict.ASK else verdict for effect, verdict in found.items()}


def _mine(actor: Actor, owner: OwnerRef, rules: Sequence[PolicyRule], toolkit: Toolkit | None) -> Cell | None:
    role = actor.role_in(owner)
    if role is None or Permission.TOOLS_EXECUTE not in GRANTS[role]:
        return None
    places = {"", toolkit.slug if toolkit else ""}
    about_me = any(rule.user_id == actor.person_id and rule.toolkit in places for rule in rules)
    return Cell("", "You", _verdicts(owner, rules, role, actor, toolkit), is_own=about_me)


def _verdicts(
    owner: OwnerRef,
    rules: Sequence[PolicyRule],
    role: Role | None,
    person: Actor | None,
    toolkit: Toolkit | None,
    application: UUID | None = None,
) -> dict[ToolEffect, Verdict]:
    slug = toolkit.slug if toolkit else ""
    who = person.person_id if person else None
    uses = [Use(owner, role, who, slug, None, effect, application) for effect in ToolEffect]
    found = {use.effect: deciding_rule(rules, use) for use in uses}
    return {effect: rule.verdict if rule else Verdict.ALLOW for effect, rule in found.items()}
