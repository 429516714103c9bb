"""Which rules take back what another one allows: the more specific one decides, and people forget that it is there."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from uuid import UUID

from integrations.models import Policy
from integrations.queries.policies import PolicyTarget, target_of
from integrations.queries.policy_answers import answer_about
from orgs.models import Membership
from orgs.permissions import Actor, OwnerRef, Permission, PolicyRule, Role, ToolEffect, Use, roles_with, words
from orgs.permissions.policies import STRICTNESS


@dataclass(frozen=True)
class Stricter:
    """A rule that decides instead, with what leads to its page."""

    sentence: str
    target: PolicyTarget


@dataclass(frozen=True)
class _Known:
    """What a rule does not say of itself: of which toolkit its account is, and which role its person has."""

    actor: Actor
    toolkits: Mapping[UUID, str]
    roles: Mapping[UUID, Role]


def stricter_rules(
    *, actor: Actor, owner: OwnerRef, rows: Sequence[Policy], planned: Iterable[PolicyRule] = (), target: PolicyTarget
) -> list[Stricter]:
    """What would decide instead of the `planned` rules about exactly this. `rows` are all that hold now."""
    kept = [row for row in rows if not target.is_about(row.rule)]
    accounts = {target.account.id: target.account.toolkit.slug} if target.account else {}
    known = _known(actor, owner, rows, [target.user.id] if target.user else [], accounts)
    return _words({row.id: row for rule in planned for row in _above(rule, kept, known)}.values(), actor)


def held_back(*, actor: Actor, owner: OwnerRef, rows: Sequence[Policy]) -> dict[UUID, list[Stricter]]:
    """For each rule in force, by its ID, the stricter ones that decide instead of it for a part of what it says."""
    known = _known(actor, owner, rows)
    found = {row.id: _above(row.rule, [one for one in rows if one.id != row.id], known) for row in rows}
    return {row_id: _words(above, actor) for row_id, above in found.items() if above}


def _words(rows: Iterable[Policy], actor: Actor) -> list[Stricter]:
    return [Stricter(words.policy_sentence(row.rule), target_of(row, actor=actor)) for row in rows]


def _known(
    actor: Actor,
    owner: OwnerRef,
    rows: Sequence[Policy],
    people: Sequence[UUID] = (),
    accounts: Mapping[UUID, str] | None = None,
) -> _Known:
    places = [row.connected_account for row in rows if row.connected_account is not None]
    persons = {row.user_id for row in rows if row.user_id is not None} | set(people)
    members = Membership.objects.of_organization(owner.id).filter(user_id__in=persons) if persons else []
    return _Known(
        actor,
        {one.id: one.toolkit.slug for one in places} | dict(accounts or {}),
        {one.user_id: Role(one.role) for one in members},
    )


def _above(rule: PolicyRule, others: Sequence[Policy], known: _Known) -> list[Policy]:
    """Those that decide for some use that this rule speaks of, and are stricter."""
    all_rules = [rule, *(row.rule for row in others)]
    deciding = set[UUID | None]()
    for other in all_rules[1:]:
        if STRICTNESS[other.verdict] <= STRICTNESS[rule.verdict] or other.rank < rule.rank:
            continue
        for use in _shared_uses(rule, other, known):
            winner = answer_about(all_rules, use, actor=known.actor).rule
            if winner is not None and STRICTNESS[winner.verdict] > STRICTNESS[rule.verdict]:
                deciding.add(winner.id)
    return [row for row in others if row.id in deciding]


def _shared_uses(one: PolicyRule, other: PolicyRule, known: _Known) -> list[Use]:
    """The narrowest uses that both speak of: none when they are about different places, people or effects."""
    account, person = one.account_id or other.account_id, one.user_id or other.user_id
    application = one.application_id or other.application_id
    toolkit = known.toolkits.get(account, "") if account else one.toolkit or other.toolkit
    named = one.role or other.role
    roles: list[Role | None] = [named] if named else [*roles_with(Permission.TOOLS_EXECUTE)]
    if person:
        roles = [known.roles[person]] if person in known.roles else []  # whoever has no role runs nothing
    if application:  # a member under the organization's ID, and without a role for its end users
        roles = [Role.MEMBER, None]
    asked = product(roles, ToolEffect)
    uses = [Use(one.owner, role, person, toolkit, account, effect, application) for role, effect in asked]
    return [use for use in uses if one.speaks_of(use) and other.speaks_of(use)]
