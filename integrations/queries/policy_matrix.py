"""The policies at a glance: what each role may do with each toolkit, and what holds for the reader."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Final
from uuid import UUID

from integrations.models import ConnectedAccount, Toolkit
from integrations.models.owned import OWNER_NAMES
from integrations.models.status import ConnectionStatus
from integrations.queries.policies import PolicyTarget, Verdicts, applications_for, list_policies
from integrations.queries.policy_answers import answer_about, verdict_of
from orgs.permissions import (
    GRANTS,
    AccountState,
    Actor,
    OwnerRef,
    Permission,
    PolicyRule,
    ToolEffect,
    Use,
    Verdict,
    choose,
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
    """One place. `mine` is what holds for the reader there; None for whoever runs nothing.

    `through` names the account that a toolkit's row speaks of, where accounts of it have rules of their own.
    A cell is None for those who never use an account of the organization.
    """

    place_key: str
    place: str
    toolkit: Toolkit | None
    cells: Sequence[tuple[str, Cell | None]]
    mine: Cell | None
    through: str = ""


@dataclass(frozen=True)
class _Ground:
    """What the rule needs about an organization, read once."""

    actor: Actor
    owner: OwnerRef
    rules: Sequence[PolicyRule]
    people: Sequence[PolicyTarget]
    accounts: Sequence[ConnectedAccount]

    def has_rules(self, account: ConnectedAccount) -> bool:
        return any(rule.account_id == account.id for rule in self.rules)

    def of(self, toolkit: Toolkit | None) -> list[ConnectedAccount]:
        return [one for one in self.accounts if toolkit is not None and one.toolkit_id == toolkit.id]

    def chosen(self, toolkit: Toolkit | None) -> ConnectedAccount | None:
        """The account that a run uses which names none."""
        rows = {row.id: row for row in self.of(toolkit)}
        found = choose([row.facts for row in rows.values() if row.facts.state is not AccountState.WAITING])
        return rows[found[0].id] if found else None

    def verdicts(
        self, target: PolicyTarget, account: ConnectedAccount | None, person: UUID | None = None
    ) -> dict[ToolEffect, Verdict]:
        """An application stands for its end users here: they have no role, and connect their own accounts."""
        slug = target.toolkit.slug if target.toolkit else ""
        application = target.application.id if target.application else None
        chosen = account.id if account and target.role else None
        uses = [Use(self.owner, target.role, person, slug, chosen, effect, application) for effect in ToolEffect]
        answers = {use.effect: answer_about(self.rules, use, actor=self.actor) for use in uses}
        return {effect: verdict_of(answer, actor=self.actor) for effect, answer in answers.items()}


def policy_matrix(*, actor: Actor, owner: OwnerRef) -> list[MatrixRow]:
    """All toolkits first, then those that the organization uses or has rules for, each with its ruled accounts."""
    rules = [row.rule for row in list_policies(actor=actor, owner=owner)]
    ground = _Ground(actor, owner, rules, _people(actor, owner), _accounts(owner))
    rows = [_row(ground, PolicyTarget())]
    for toolkit in _toolkits(ground):
        rows.append(_row(ground, PolicyTarget(toolkit)))
        rows += [_row(ground, PolicyTarget(toolkit, one)) for one in ground.of(toolkit) if ground.has_rules(one)]
    return rows


def columns(*, actor: Actor, owner: OwnerRef) -> list[str]:
    """The people of the cells, in their order."""
    require(actor, Permission.ORGANIZATION_READ, owner)
    return [_heading(target) for target in _people(actor, owner)]


def _people(actor: Actor, owner: OwnerRef) -> list[PolicyTarget]:
    roles = [PolicyTarget(role=role) for role in roles_with(Permission.TOOLS_EXECUTE)]
    return roles + applications_for(actor=actor, owner=owner)[:MOST_APPLICATIONS]


def _heading(target: PolicyTarget) -> str:
    return f"End users of {target.application.name}" if target.application else target.people


def _accounts(owner: OwnerRef) -> list[ConnectedAccount]:
    rows = ConnectedAccount.objects.owned_by(owner).exclude(status=ConnectionStatus.REVOKED)
    return list(rows.select_related("toolkit", *OWNER_NAMES).order_by("toolkit__name", "id"))


def _toolkits(ground: _Ground) -> Iterable[Toolkit]:
    used = {row.toolkit_id for row in ground.accounts}
    named = {rule.toolkit for rule in ground.rules}
    rows = Toolkit.objects.filter(is_enabled=True).order_by("name", "id")
    return [one for one in rows if one.id in used or one.slug in named or not one.needs_account]


def _row(ground: _Ground, place: PolicyTarget) -> MatrixRow:
    account = place.account or ground.chosen(place.toolkit)
    cells = [
        (_heading(one), _cell(ground, replace(one, toolkit=place.toolkit, account=place.account), account))
        for one in ground.people
    ]
    named = any(ground.has_rules(one) for one in ground.of(place.toolkit))
    through = account.label if account and named and place.account is None else ""
    return MatrixRow(place.place_key, place.place, place.toolkit, cells, _mine(ground, place, account), through)


def _cell(ground: _Ground, target: PolicyTarget, account: ConnectedAccount | None) -> Cell | None:
    if target.application is not None and target.account is not None:
        return None  # end users connect their own
    is_own = any(_place(target).is_about(rule) for rule in ground.rules)
    return Cell(target.people_key, _heading(target), ground.verdicts(target, account), is_own)


def _place(target: PolicyTarget) -> PolicyTarget:
    """As rules are stored: about an account or about a toolkit."""
    return replace(target, toolkit=None) if target.account else target


def _mine(ground: _Ground, place: PolicyTarget, account: ConnectedAccount | None) -> Cell | None:
    role = ground.actor.role_in(ground.owner)
    if role is None or Permission.TOOLS_EXECUTE not in GRANTS[role]:
        return None
    me = ground.actor.person_id
    places = {"", place.toolkit.slug if place.toolkit else ""}
    accounts = {None, account.id if account else None}
    here = [one for one in ground.rules if one.toolkit in places and one.account_id in accounts]
    verdicts = ground.verdicts(replace(place, role=role), account, person=me)
    return Cell("", "You", verdicts, is_own=any(one.user_id == me for one in here if one.user_id))
