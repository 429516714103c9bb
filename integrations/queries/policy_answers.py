"""What policies say of a use: `decide` asked with everything else in order, so that no page reads them its own way."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Final
from uuid import UUID

from accounts.ids import new_id
from orgs.permissions import (
    AccountFacts,
    AccountState,
    Actor,
    ActorKind,
    Decision,
    OwnerKind,
    OwnerRef,
    PolicyRule,
    Question,
    ToolFacts,
    Use,
    Verdict,
    decide,
    read_owner_id,
)

CONNECTED_AT: Final = datetime.min.replace(tzinfo=UTC)  # one account needs no order


def answer_about(rules: Sequence[PolicyRule], use: Use, *, actor: Actor) -> Decision:
    """Of a use without a role, an application's end user is meant."""
    del actor  # values only
    asked = OwnerRef(OwnerKind.END_USER, new_id(), application_id=use.application_id, organization_id=use.owner.id)
    asked = use.owner if use.role else asked
    needs_account = use.account_id is not None
    tool = ToolFacts("", "A tool", use.toolkit, use.toolkit, needs_account=needs_account, effect=use.effect)
    accounts = [] if use.account_id is None else [_working(use.account_id, asked, use.toolkit)]
    requested = read_owner_id(asked.text_id)
    return decide(Question(_who(use, asked), requested, tool, accounts, use.account_id, rules=rules))


def _working(account_id: UUID, owner: OwnerRef, toolkit: str) -> AccountFacts:
    return AccountFacts(account_id, owner, toolkit, AccountState.ACTIVE, CONNECTED_AT)


def verdict_of(decision: Decision, *, actor: Actor) -> Verdict:
    """What becomes of a run, in the words of the policies."""
    del actor  # values only
    if not decision.allowed:
        return Verdict.DENY
    return Verdict.ASK if decision.needs_approval else Verdict.ALLOW


def _who(use: Use, asked: OwnerRef) -> Actor:
    """Somebody whom a rule means as it means the use, with nothing else in reach."""
    return Actor(
        kind=ActorKind.APPLICATION_KEY if use.application_id else ActorKind.USER,
        roles={use.owner.id: use.role} if use.role else {},
        organizations={use.owner.id: use.owner},
        organization_id=use.owner.id,
        is_bound=True,
        stands_for=use.person_id,
        application_id=use.application_id,
        end_users=() if asked.is_organization else (asked,),
    )
