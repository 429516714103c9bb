"""The hybrid rule at work: gathers what `decide` needs in one query, and asks it.

The one place that turns (actor, ID, tool) into an account. Services ask it when a tool is asked
for, jobs ask it again when a worker takes the execution.
"""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import datetime
from functools import reduce
from operator import or_
from typing import Any, Final
from uuid import UUID

from django.db.models import Q
from django.db.models.functions import Now

from accounts.ids import from_text, to_text
from integrations.models import ConnectedAccount, Execution, Policy, Tool
from integrations.models.owned import OWNER_NAMES
from integrations.models.status import ConnectionStatus
from orgs.errors import DomainError
from orgs.models.owners import belongs_to
from orgs.permissions import (
    ANONYMOUS,
    Actor,
    Decision,
    OwnerRef,
    PolicyRule,
    Question,
    Remedy,
    RequestedId,
    ToolEffect,
    ToolFacts,
    decide,
    read_owner_id,
    words,
)
from orgs.queries.actors import actor_for_key, actor_for_user
from orgs.queries.end_users import naming, read_id

# What a policy's row needs at hand to be read as a rule.
HINTED_END_USERS: Final = 3
POLICY_NAMES: Final = ("owner__organization", "toolkit", "connected_account__toolkit", "user", "application")


def tool_facts(tool: Tool) -> ToolFacts:
    """The tool as the rule sees it. Needs `toolkit`."""
    return ToolFacts(
        slug=tool.slug,
        name=tool.name,
        toolkit=tool.toolkit.slug,
        toolkit_name=tool.toolkit.name,
        is_enabled=tool.toolkit.is_enabled,
        needs_account=tool.toolkit.needs_account,
        scopes=tuple(frozenset(alternative) for alternative in tool.scopes),
        effect=ToolEffect(tool.effect),
    )


def decide_run(
    *,
    actor: Actor,
    requested: str | RequestedId,
    tool: Tool,
    named_account: UUID | None = None,
    pinned_account: UUID | None = None,
    is_approved: bool = False,
) -> tuple[Decision, ConnectedAccount | None]:
    """Decide whether the actor may run the tool under that ID; also return the row of the chosen account."""
    asked = requested if isinstance(requested, RequestedId) else read_id(requested, actor=actor)
    actor = naming(actor=actor, asked=asked)
    rows = _candidates(actor, tool, named_account)
    question = Question(
        actor=actor,
        requested=asked,
        tool=tool_facts(tool),
        accounts=[row.facts for row in rows],
        named_account=named_account,
        pinned_account=pinned_account,
        rules=_rules_within_reach(actor),
        is_approved=is_approved,
    )
    decision = decide(question)
    chosen = decision.account.id if decision.account else None
    return decision, next((row for row in rows if row.id == chosen), None)


def decide_each(
    *, actor: Actor, owners: Iterable[OwnerRef], tool: Tool, named_account: UUID | None = None
) -> list[tuple[OwnerRef, Decision]]:
    """The same question under each of several IDs, with one query for all of them."""
    facts = tool_facts(tool)
    accounts = [row.facts for row in _candidates(actor, tool, named_account)]
    rules = _rules_within_reach(actor)

    def under(owner: OwnerRef) -> Question:
        return Question(actor, read_owner_id(owner.text_id), facts, accounts, named_account, rules=rules)

    return [(owner, decide(under(owner))) for owner in owners]


def decide_many(
    *, actor: Actor, owner: OwnerRef, tools: Iterable[Tool], pins: Mapping[UUID, UUID] | None = None
) -> dict[UUID, Decision]:
    """One decision per tool under one ID, with one query for all of them. `pins`: by toolkit, what a session pins."""
    listed = list(tools)
    rows = _with_owner(_near(actor, owner)).filter(toolkit__in={tool.toolkit_id for tool in listed})
    accounts = [row.facts for row in rows]
    requested = read_owner_id(owner.text_id)
    actor = naming(actor=actor, asked=requested)
    rules = _rules_about(actor, owner)
    pinned = pins or {}

    def about(tool: Tool) -> Question:
        pin = pinned.get(tool.toolkit_id)
        return Question(actor, requested, tool_facts(tool), accounts, pinned_account=pin, rules=rules)

    return {tool.id: decide(about(tool)) for tool in listed}


def policy_rules(rows: Any) -> list[PolicyRule]:
    """These policies as the rule sees them, without those whose time is over."""
    live = rows.filter(Q(until=None) | Q(until__gt=Now()))
    return [row.rule for row in live.select_related(*POLICY_NAMES)]


def _rules_about(actor: Actor, owner: OwnerRef) -> list[PolicyRule]:
    """Those that hold under one ID: the organization's own, and for an end user those of their application's."""
    if owner.is_organization:
        return policy_rules(Policy.objects.owned_by(owner))
    return _rules_within_reach(actor) if words.is_end_user(owner) else []


def _rules_within_reach(actor: Actor) -> list[PolicyRule]:
    """Of the actor's organizations, which hold for an application's end users too. People by themselves have none."""
    belongs = any(owner.is_organization for owner in actor.reach())
    return policy_rules(Policy.objects.visible_to(actor)) if belongs else []


def _candidates(actor: Actor, tool: Tool, named: UUID | None) -> list[ConnectedAccount]:
    """Every account the rule may have to talk about: the actor's of this toolkit, and the one that was named.

    An application may have very many end users. Of those that the request does not name, a few accounts suffice for
    the hint that there are some.
    """
    reachable = _with_owner(ConnectedAccount.objects.visible_to(actor).filter(Q(toolkit=tool.toolkit_id) | Q(id=named)))
    if actor.application_id is None:
        return list(reachable)
    near = _named_owners(actor) | Q(id=named)
    working = reachable.filter(status=ConnectionStatus.ACTIVE).exclude(near)
    return [*reachable.filter(near), *working.order_by("-connected_at", "-id")[:HINTED_END_USERS]]


def _near(actor: Actor, owner: OwnerRef) -> Any:
    """The accounts of everybody within the actor's reach whom a request under this ID has to do with."""
    rows = ConnectedAccount.objects.visible_to(actor)
    return rows if actor.application_id is None else rows.filter(_named_owners(actor) | belongs_to(owner))


def _named_owners(actor: Actor) -> Q:
    return reduce(or_, (belongs_to(one) for one in actor.reach()), Q(pk__in=[]))


def _with_owner(rows: Any) -> Any:
    return rows.select_related(*OWNER_NAMES, "toolkit", "auth_config")


def decide_again(
    execution: Execution, *, now: datetime, is_approved: bool | None = None
) -> tuple[Decision, ConnectedAccount | None]:
    """The same question about a run that was accepted before, with the rights, accounts and policies of now."""
    return decide_run(
        actor=actor_behind(execution, now=now),
        requested=execution.owner.ref.text_id,
        tool=execution.tool,
        named_account=execution.connected_account_id,
        is_approved=execution.is_approved if is_approved is None else is_approved,
    )


def actor_behind(execution: Execution, *, now: datetime) -> Actor:
    """Whoever is behind the execution, with the rights they have now as the member they were then."""
    asked = execution.created_at
    if execution.api_key is not None:
        actor = actor_for_key(execution.api_key, is_live=execution.api_key.is_live(now), since=asked)
        return actor if actor.is_bound else replace(actor, organization_id=execution.owner.organization_id)
    if execution.submitted_by is None:
        return ANONYMOUS
    organization_id = execution.in_organization_id or execution.owner.organization_id
    return actor_for_user(execution.submitted_by, organization_id=organization_id, since=asked)


def read_account_id(text: str) -> UUID | None:
    """Read `ca_…`; None for nothing; DomainError for anything else."""
    if not text:
        return None
    account_id = from_text("ca", text)
    if account_id is None:
        raise DomainError(
            "A connected account's ID looks like ca_ and 32 hex digits. Copy it from the list of connections.",
            code="connected_account_id_invalid",
            field="connected_account_id",
        )
    return account_id


def remember(decision: Decision) -> dict[str, Any]:
    """The decision as it is stored on an execution: the receipt that its page shows."""
    return {
        "allowed": decision.allowed,
        "code": decision.code,
        "status": int(decision.status),
        "message": decision.message,
        "because": decision.because.value if decision.because else None,
        "account": decision.account.label if decision.account else None,
        "checks": [
            {"code": check.code, "label": check.label, "outcome": check.outcome.value, "detail": check.detail}
            for check in decision.checks
        ],
        "remedies": [_remember_remedy(remedy) for remedy in decision.remedies],
        "fixable_by": decision.fixable_by,
        "needs_approval": decision.needs_approval,
        "policy": remember_rule(decision.rule) if decision.rule else None,
    }


def remember_rule(rule: PolicyRule) -> dict[str, Any]:
    """The policy as it was when it decided: it may be changed or gone afterwards."""
    return {
        "id": to_text("pol", rule.id) if rule.id else None,
        "verdict": rule.verdict.value,
        "words": words.policy_sentence(rule),
    }


def remember_again(stored: Mapping[str, Any], decision: Decision) -> dict[str, Any]:
    """The decision of now with why the account was chosen then: asking again names it."""
    fresh = remember(decision)
    chosen = {check["code"]: check for check in stored.get("checks", []) if check["code"] == "account"}
    checks = [chosen.get(check["code"], check) if check["outcome"] == "passed" else check for check in fresh["checks"]]
    return {**fresh, "because": stored.get("because"), "checks": checks}


def _remember_remedy(remedy: Remedy) -> Mapping[str, Any]:
    owner = remedy.owner
    return {
        "fix": remedy.fix.value,
        "label": remedy.label,
        "by_actor": remedy.by_actor,
        "owner": owner.passed_id if owner else None,
        "owner_slug": owner.slug if owner else "",
        "owner_kind": owner.kind.value if owner else "",
        "account": to_text("ca", remedy.account_id) if remedy.account_id else None,
    }
