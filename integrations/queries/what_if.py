"""What a change of policies would have done: the rule is asked again about the runs of the last 30 days.

Those of the organization, and those of its applications' end users.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

from django.db.models import Q

from integrations.access import tool_facts
from integrations.models import Execution
from integrations.models.owned import OWNER_NAMES
from integrations.models.status import ExecutionStatus
from integrations.queries.policies import PolicyTarget, Verdicts, list_policies, rules_for
from orgs.models import Membership
from orgs.permissions import (
    AccountState,
    Actor,
    ActorKind,
    Decision,
    OwnerRef,
    Permission,
    PolicyRule,
    Question,
    Role,
    Verdict,
    decide,
    read_owner_id,
    require,
    words,
)

DAYS: Final = 30
MOST_RUNS: Final = 1000
MOST_ROWS: Final = 50
BY_POLICY: Final = ("policy_denied", "approval_denied", "approval_expired")


@dataclass(frozen=True)
class Affected:
    """Somebody's runs of one tool that would have gone another way."""

    who: str
    tool: str
    slug: str
    stopped: int
    asked: int
    let_through: int


@dataclass(frozen=True)
class WhatIf:
    """How many runs were looked at, and which would have gone another way."""

    looked_at: int
    has_more: bool
    rows: Sequence[Affected]
    stopped: int
    asked: int
    let_through: int

    @property
    def people(self) -> int:
        return len({row.who for row in self.rows})

    @property
    def changes_nothing(self) -> bool:
        return not (self.stopped or self.asked or self.let_through)


def what_if(*, actor: Actor, owner: OwnerRef, target: PolicyTarget, verdicts: Verdicts, now: datetime) -> WhatIf:
    """Ask the rule twice about each run, with the rules of now and with the proposed ones; everything else as it was.

    Runs that were refused for another reason would have been refused either way, so they are left out.
    """
    require(actor, Permission.POLICIES_MANAGE, owner)
    present = [row.rule for row in list_policies(actor=actor, owner=owner)]
    proposed = [rule for rule in present if not target.is_about(rule)]
    proposed += rules_for(target, verdicts, actor=actor, owner=owner)
    runs = _runs(owner, now)
    roles = _roles(owner)
    found: Counter[tuple[str, str, str, str]] = Counter()
    for run in runs[:MOST_RUNS]:
        before, after = (_asked_again(run, owner, roles, rules) for rules in (present, proposed))
        if before is not after:
            found[_who(run), run.tool.name, run.tool_slug, after.value] += 1
    return _summed(found, min(len(runs), MOST_RUNS), has_more=len(runs) > MOST_RUNS)


def _runs(owner: OwnerRef, now: datetime) -> list[Execution]:
    rows = Execution.objects.held_by(owner).filter(created_at__gte=now - timedelta(days=DAYS))
    names = ("tool__toolkit", "connected_account__toolkit", "submitted_by", "api_key__application", *OWNER_NAMES)
    rows = rows.select_related(*names, *(f"connected_account__{name}" for name in OWNER_NAMES))
    up_to_policies = ~Q(status=ExecutionStatus.DENIED) | Q(error_code__in=BY_POLICY)
    return list(rows.filter(up_to_policies).order_by("-id")[: MOST_RUNS + 1])


def _roles(owner: OwnerRef) -> dict[UUID, Role]:
    """Everybody's role, also of those who have left."""
    rows = Membership.objects.of_organization(owner.id).values_list("user_id", "role")
    return {user_id: Role(role) for user_id, role in rows}


def _asked_again(run: Execution, owner: OwnerRef, roles: dict[UUID, Role], rules: Sequence[PolicyRule]) -> Verdict:
    account = run.connected_account
    facts = [replace(account.facts, state=AccountState.ACTIVE, scopes=None)] if account else []
    question = Question(
        actor=_actor(run, owner, roles),
        requested=read_owner_id(run.owner.ref.text_id),
        tool=replace(tool_facts(run.tool), is_enabled=True, needs_account=account is not None),
        accounts=facts,
        named_account=account.id if account else None,
        rules=rules,
    )
    return _verdict(decide(question))


def _verdict(decision: Decision) -> Verdict:
    if decision.code == "policy_denied":
        return Verdict.DENY
    return Verdict.ASK if decision.needs_approval else Verdict.ALLOW


def _actor(run: Execution, owner: OwnerRef, roles: dict[UUID, Role]) -> Actor:
    """Whoever asked, with the role they have now or had last. Nothing but the organization is within reach."""
    place: dict[str, Any] = {"organizations": {owner.id: owner}, "organization_id": owner.id, "is_bound": True}
    if run.submitted_by_id is None:
        return _key_actor(run, place)
    role = roles.get(run.submitted_by_id, Role.MEMBER)
    return Actor(ActorKind.USER, roles={owner.id: role}, stands_for=run.submitted_by_id, **place)


def _key_actor(run: Execution, place: dict[str, Any]) -> Actor:
    """A key of the organization, or of an application with the end user whom the run was for."""
    owner = run.owner.ref
    application = owner.application_id or (run.api_key.application_id if run.api_key else None)
    if application is None:
        return Actor(ActorKind.ORGANIZATION_KEY, **place)
    end_users = (owner,) if words.is_end_user(owner) else ()
    return Actor(ActorKind.APPLICATION_KEY, application_id=application, end_users=end_users, **place)


def _who(run: Execution) -> str:
    """An application's end users are counted together: who they are is no matter of policies."""
    if run.owner.end_user is not None:
        return f"{run.owner.end_user.application.name}, for its end users"
    if run.submitted_by is not None:
        return run.submitted_by.display_name
    return f"{run.api_key.name} (API key)" if run.api_key else "Somebody who has left"


def _summed(found: Counter[tuple[str, str, str, str]], looked_at: int, *, has_more: bool) -> WhatIf:
    keys = sorted({key[:3] for key in found})
    rows = [Affected(*key, *(found[*key, verdict] for verdict in ("deny", "ask", "allow"))) for key in keys]
    rows.sort(key=lambda row: (-(row.stopped + row.asked + row.let_through), row.who, row.slug))
    totals = [sum(getattr(row, name) for row in rows) for name in ("stopped", "asked", "let_through")]
    return WhatIf(looked_at, has_more, rows[:MOST_ROWS], *totals)
