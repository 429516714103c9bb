"""Why a tool runs or does not: the rule's own answer, for oneself or, to an admin, about a member or an end user."""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from django.utils import timezone

from accounts.ids import new_id
from integrations.access import decide_each, decide_run, policy_rules, tool_facts
from integrations.catalog import find_tool
from integrations.models import ConnectedAccount, Policy, Tool
from orgs.errors import NotFoundError
from orgs.permissions import (
    AccountFacts,
    AccountState,
    Actor,
    ActorKind,
    Decision,
    OwnerRef,
    Permission,
    Question,
    RequestedId,
    about,
    about_end_user,
    can,
    decide,
    require,
)
from orgs.queries.actors import actor_for_end_users, actor_for_member
from orgs.queries.applications import list_applications
from orgs.queries.members import list_members


@dataclass(frozen=True)
class Explanation:
    """What the rule says about one tool under one ID. `member` is who it is about, when that is somebody else."""

    tool: Tool
    owner: OwnerRef
    decision: Decision
    elsewhere: Sequence[tuple[OwnerRef, Decision]] = ()
    member: Actor | None = None
    membership: str = ""  # the member's place here, as pages name it

    @property
    def is_of_end_user(self) -> bool:
        return self.member is not None and self.member.kind is ActorKind.APPLICATION_KEY


def explain(*, actor: Actor, owner: OwnerRef, tool: str, named_account: UUID | None = None) -> Explanation:
    """What the rule says to the actor, and what it says to the same question under each other ID of theirs."""
    require(actor, Permission.TOOLS_READ, owner)
    row = _tool(tool)
    decision, _ = decide_run(actor=actor, requested=owner.passed_id, tool=row, named_account=named_account)
    others = [one for one in actor.reach() if one != owner]
    elsewhere = decide_each(actor=actor, owners=others, tool=row, named_account=named_account) if others else []
    return Explanation(row, owner, decision, elsewhere)


def explain_member(
    *, actor: Actor, owner: OwnerRef, user_id: UUID | None, tool: str, named_account: UUID | None = None
) -> Explanation:
    """What the rule says about a member under the organization's ID, which is all that an admin may ask.

    The member's personal accounts and other organizations are out of the question: it is asked with an
    actor that cannot reach them, so an account of theirs reads like one that does not exist.
    """
    member = actor_for_member(actor=actor, owner=owner, user_id=user_id)
    row = _tool(tool)
    decision, _ = decide_run(actor=member, requested=owner.text_id, tool=row, named_account=named_account)
    place = list_members(actor=actor, owner=owner).get(user_id=str(user_id))
    return Explanation(row, owner, about(decision, member, owner), member=member, membership=place.text_id)


def explain_end_user(*, actor: Actor, owner: OwnerRef, application_id: UUID | None, tool: str) -> Explanation:
    """What the rule says about any end user of an application who has connected an account that works.

    It is asked about somebody made up, so that nothing of anybody's is looked at.
    """
    subject = actor_for_end_users(actor=actor, owner=owner, application_id=application_id)
    row, somebody = _tool(tool), subject.end_users[0]
    account = AccountFacts(
        new_id(), somebody, row.toolkit.slug, AccountState.ACTIVE, timezone.now(), label="an account of their own"
    )
    rules = policy_rules(Policy.objects.owned_by(owner))
    requested = RequestedId(kind=somebody.kind, uuid=somebody.id)
    decision = decide(Question(subject, requested, tool_facts(row), [account], rules=rules))
    return Explanation(row, owner, about_end_user(decision, subject.label), member=subject)


def applications_to_ask_about(*, actor: Actor, owner: OwnerRef) -> list[tuple[str, str]]:
    """ID and name of those that go on, for those who manage them."""
    if not owner.is_organization or not can(actor, Permission.APPLICATIONS_MANAGE, owner):
        return []
    rows = list_applications(actor=actor, owner=owner)
    return [(row.text_id, f"An end user of {row.name}") for row in rows if not row.has_ended]


def accounts_to_ask_about(*, actor: Actor, owner: OwnerRef) -> list[ConnectedAccount]:
    """The owner's accounts, by toolkit and label."""
    require(actor, Permission.CONNECTED_ACCOUNTS_READ, owner)
    rows = ConnectedAccount.objects.owned_by(owner).exclude(status="revoked").select_related("toolkit")
    return list(rows.order_by("toolkit__name", "alias", "identity_label", "id"))


def _tool(name: str) -> Tool:
    tool = find_tool(name)
    if tool is None:
        raise NotFoundError("There is no such tool in this installation's catalogue.", code="tool_not_found")
    return tool
