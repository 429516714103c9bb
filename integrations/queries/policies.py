"""Read the policies of an organization: everybody there may know what holds for them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

from django.db.models import Q
from django.db.models.functions import Now

from accounts.ids import from_text
from accounts.models import User
from integrations.access import POLICY_NAMES
from integrations.models import ConnectedAccount, Policy, Toolkit
from integrations.models.status import ConnectionStatus
from orgs.errors import NotFoundError
from orgs.models import Application, Membership
from orgs.models.organizations import MemberStatus
from orgs.permissions import (
    ROLE_LABELS,
    Actor,
    OwnerRef,
    Permission,
    PolicyRule,
    Role,
    ToolEffect,
    Verdict,
    require,
    roles_with,
)

Verdicts = Mapping[ToolEffect, Verdict | None]
EVERYWHERE: Final = "all"
EVERYBODY: Final = "everybody"
GROUPS: Final = frozenset({EVERYBODY, "person", "role", "application"})


@dataclass(frozen=True)
class PolicyTarget:
    """The place and the people that rules are about: what is None means all of them."""

    toolkit: Toolkit | None = None
    account: ConnectedAccount | None = None
    role: Role | None = None
    user: User | None = None
    application: Application | None = None

    @property
    def place_key(self) -> str:
        if self.account is not None:
            return f"account:{self.account.text_id}"
        return f"toolkit:{self.toolkit.slug}" if self.toolkit else EVERYWHERE

    @property
    def people_key(self) -> str:
        if self.user is not None:
            return f"person:{self.user.text_id}"
        if self.application is not None:
            return f"application:{self.application.text_id}"
        return f"role:{self.role.value}" if self.role else EVERYBODY

    @property
    def place(self) -> str:
        if self.account is not None:
            return f"{self.account.label} ({self.account.toolkit.name})"
        return self.toolkit.name if self.toolkit else "All toolkits"

    @property
    def people(self) -> str:
        if self.user is not None:
            return self.user.display_name
        if self.application is not None:
            return f"The application {self.application.name}"
        return f"{ROLE_LABELS[self.role]}s" if self.role else "Everybody"

    @property
    def columns(self) -> dict[str, Any]:
        """What stands in the columns of a policy about exactly this."""
        return {
            "toolkit": self.toolkit,
            "connected_account": self.account,
            "role": self.role.value if self.role else "",
            "user": self.user,
            "application": self.application,
        }

    def rule(self, owner: OwnerRef, verdict: Verdict, effect: ToolEffect | None) -> PolicyRule:
        """A rule about this as the rule sees it."""
        return PolicyRule(
            owner,
            verdict,
            toolkit=self.toolkit.slug if self.toolkit else "",
            account_id=self.account.id if self.account else None,
            effect=effect,
            role=self.role,
            user_id=self.user.id if self.user else None,
            application_id=self.application.id if self.application else None,
            place=self.place,
            person=self.user.display_name if self.user else "",
            application=self.application.name if self.application else "",
        )

    def is_about(self, rule: PolicyRule) -> bool:
        """Whether a rule is a lasting one about exactly this."""
        return rule.until is None and _subject(rule) == _subject(self.rule(rule.owner, rule.verdict, None))


def _subject(rule: PolicyRule) -> tuple[Any, ...]:
    return rule.toolkit, rule.account_id, rule.role, rule.user_id, rule.application_id


def rules_for(target: PolicyTarget, verdicts: Verdicts, *, actor: Actor, owner: OwnerRef) -> list[PolicyRule]:
    """The fewest rules that say this: one for all effects when they agree."""
    del actor  # values only
    said = {verdicts.get(effect) for effect in ToolEffect}
    if len(said) == 1:
        [verdict] = said
        return [target.rule(owner, verdict, None)] if verdict else []
    return [target.rule(owner, verdict, effect) for effect, verdict in verdicts.items() if verdict]


def list_policies(*, actor: Actor, owner: OwnerRef) -> list[Policy]:
    """The rules that hold now, the most specific first. An application that has ended runs nothing any more."""
    require(actor, Permission.ORGANIZATION_READ, owner)
    live = Policy.objects.owned_by(owner).filter(Q(until=None) | Q(until__gt=Now()), application__ended_at=None)
    rows = live.select_related(*POLICY_NAMES, "created_by")
    return sorted(rows, key=lambda row: row.rule.rank, reverse=True)


def policies_for_application(*, actor: Actor, owner: OwnerRef, application: Application) -> list[tuple[Policy, bool]]:
    """The rules that can decide on its end users' runs, the most specific first, and whether each is about it alone."""
    rows = list_policies(actor=actor, owner=owner)
    own = [(row, row.application_id == application.id) for row in rows]
    return [(row, is_own) for row, is_own in own if is_own or _is_about_everybody(row)]


def _is_about_everybody(row: Policy) -> bool:
    """And not about an account of the organization, which is never an end user's."""
    target = PolicyTarget(None, None, Role(row.role) if row.role else None, row.user, row.application)
    return target.people_key == EVERYBODY and row.connected_account_id is None


def target_of(row: Policy, *, actor: Actor) -> PolicyTarget:
    """The place and people of a policy in hand."""
    del actor  # it was read with the actor's rights
    role = Role(row.role) if row.role else None
    return PolicyTarget(row.toolkit, row.connected_account, role, row.user, row.application)


def get_policy(*, actor: Actor, owner: OwnerRef, policy_id: UUID) -> Policy:
    require(actor, Permission.ORGANIZATION_READ, owner)
    row: Policy | None = Policy.objects.owned_by(owner).filter(id=policy_id).select_related(*POLICY_NAMES).first()
    if row is None:
        raise NotFoundError("There is no such policy here.")
    return row


def verdicts_at(rules: Sequence[PolicyRule], target: PolicyTarget, *, actor: Actor) -> dict[ToolEffect, Verdict | None]:
    """What lasting rules about exactly this say, by effect; None where they say nothing."""
    del actor  # the rules were read with the actor's rights
    about = {rule.effect: rule.verdict for rule in rules if target.is_about(rule)}
    return {effect: about.get(effect, about.get(None)) for effect in ToolEffect}


def find_target(*, actor: Actor, owner: OwnerRef, place: str, people: str) -> PolicyTarget:
    """The place and people behind two keys; NotFoundError for what does not belong to this organization."""
    require(actor, Permission.ORGANIZATION_READ, owner)
    kind, _, name = place.partition(":")
    group, _, who = people.partition(":")
    toolkit = _toolkit(name) if kind == "toolkit" else None
    account = _account(owner, name) if kind == "account" else None
    user = _member(owner, who) if group == "person" else None
    role = _role(who) if group == "role" else None
    application = _application(owner, who) if group == "application" else None
    if kind not in {EVERYWHERE, "toolkit", "account"} or group not in GROUPS:
        raise NotFoundError("There is no such place or group of people for a policy.")
    return PolicyTarget(toolkit, account, role, user, application)


def _toolkit(slug: str) -> Toolkit:
    found = Toolkit.objects.filter(slug=slug).first()
    if found is None:
        raise NotFoundError("There is no such toolkit in this installation's catalogue.")
    return found


def _account(owner: OwnerRef, text: str) -> ConnectedAccount:
    rows = ConnectedAccount.objects.owned_by(owner).exclude(status=ConnectionStatus.REVOKED).select_related("toolkit")
    found: ConnectedAccount | None = rows.filter(id=from_text("ca", text)).first()
    if found is None:
        raise NotFoundError("There is no such connected account here.")
    return found


def _member(owner: OwnerRef, text: str) -> User:
    rows = Membership.objects.of_organization(owner.id).exclude(status=MemberStatus.LEFT).select_related("user")
    user_id = from_text("user", text)
    found = rows.filter(user_id=user_id).first() if user_id else None
    if found is None:
        raise NotFoundError("There is no such member here.")
    return found.user


def _application(owner: OwnerRef, text: str) -> Application:
    application_id = from_text("app", text)
    rows = Application.objects.filter(organization_id=owner.id, ended_at=None)
    found = rows.filter(id=application_id).first() if application_id else None
    if found is None:
        raise NotFoundError("There is no such application here.")
    return found


def _role(text: str) -> Role:
    try:
        return Role(text)
    except ValueError:
        raise NotFoundError("There is no such role.") from None


def places(*, actor: Actor, owner: OwnerRef) -> list[tuple[str, str]]:
    """Where a policy can hold, as keys and words: everywhere, each toolkit, each connected account."""
    require(actor, Permission.ORGANIZATION_READ, owner)
    accounts = ConnectedAccount.objects.owned_by(owner).exclude(status=ConnectionStatus.REVOKED)
    accounts = accounts.select_related("toolkit").order_by("toolkit__name", "id")
    toolkits = Toolkit.objects.filter(is_enabled=True).order_by("name", "id")
    return [
        (EVERYWHERE, "All toolkits"),
        *((f"toolkit:{one.slug}", one.name) for one in toolkits),
        *((f"account:{one.text_id}", f"{one.toolkit.name}: {one.label}") for one in accounts),
    ]


def people_for(*, actor: Actor, owner: OwnerRef) -> list[tuple[str, str]]:
    """Whom a policy can be about, as keys and words: everybody, each role that runs tools, application, such member."""
    require(actor, Permission.MEMBERS_READ, owner)
    roles = [PolicyTarget(role=role) for role in roles_with(Permission.TOOLS_EXECUTE)]
    rows = Membership.objects.of_organization(owner.id).active().exclude(role=Role.VIEWER.value).select_related("user")
    applications = applications_for(actor=actor, owner=owner)
    persons = sorted((PolicyTarget(user=row.user) for row in rows), key=lambda one: one.people.casefold())
    return [(one.people_key, one.people) for one in (PolicyTarget(), *roles, *applications, *persons)]


def applications_for(*, actor: Actor, owner: OwnerRef) -> list[PolicyTarget]:
    """The applications that go on, by name."""
    require(actor, Permission.ORGANIZATION_READ, owner)
    rows = Application.objects.filter(organization_id=owner.id, ended_at=None).order_by("name", "id")
    return [PolicyTarget(application=row) for row in rows]
