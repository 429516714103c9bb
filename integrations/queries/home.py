"""What the first page of an owner shows: the first steps, what needs somebody, accounts by owner."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from django.db.models import Q

from integrations.access import decide_many
from integrations.models import ConnectedAccount, ConnectionRequest, ConsentRequest, Execution, Tool
from integrations.models.owned import OWNER_NAMES
from integrations.models.status import ConnectionStatus, ConsentStatus, ExecutionStatus, RequestStatus
from integrations.queries.consent_requests import RequestFilters, list_requests
from orgs.permissions import Actor, Decision, Fix, OwnerRef, Permission, can, require

RECENT = timedelta(days=7)
ENOUGH = 6
SICK = [ConnectionStatus.EXPIRED, ConnectionStatus.FAILED, ConnectionStatus.NEEDS_ATTENTION]


@dataclass(frozen=True)
class Suggestion:
    """A tool to try under an ID, and what the rule says about it."""

    owner: OwnerRef
    tool: Tool
    decision: Decision

    @property
    def may_connect(self) -> bool:
        """Whether connecting an account is the way out, and the actor can do it."""
        return any(one.fix is Fix.CONNECT and one.by_actor for one in self.decision.remedies)

    @property
    def is_about_role(self) -> bool:
        return self.decision.code == "role_cannot_execute"

    @property
    def who(self) -> str:
        """What somebody else would have to do."""
        remedies = [one.label for one in self.decision.remedies if one.fix is not Fix.RUN_AS]
        return next(iter(remedies), self.decision.message)


@dataclass(frozen=True)
class FirstSteps:
    """The newcomer's three steps, told from what happened: nothing is ticked off by hand."""

    ran_as_self: bool
    was_refused: bool
    ran_as_organization: bool
    organization: OwnerRef | None
    try_as_self: Suggestion | None = None
    try_refused: Suggestion | None = None
    try_as_organization: Suggestion | None = None
    refusal: Execution | None = None

    @property
    def done(self) -> int:
        return sum([self.ran_as_self, self.was_refused, self.ran_as_organization])

    @property
    def is_last_now(self) -> bool:
        """Whether only the last step is left."""
        return self.ran_as_self and self.was_refused and not self.ran_as_organization

    @property
    def is_finished(self) -> bool:
        return self.done == 3  # noqa: PLR2004  # three steps


@dataclass(frozen=True)
class Attention:
    """What somebody must look after, the things of one owner."""

    accounts: list[ConnectedAccount]
    requests: list[ConnectionRequest]
    unknown: list[Execution]
    waiting: list[Execution]  # until somebody approves them
    asked: Sequence[ConsentRequest]  # until an admin answers

    @property
    def count(self) -> int:
        lists: list[Sequence[object]] = [self.accounts, self.requests, self.unknown, self.waiting, self.asked]
        return sum(len(one) for one in lists)


@dataclass(frozen=True)
class OwnerAccounts:
    """An owner of the actor's reach with its accounts."""

    owner: OwnerRef
    accounts: list[ConnectedAccount]
    may_manage: bool


def first_steps(*, actor: Actor, owner: OwnerRef) -> FirstSteps:
    """How far the actor has come. On an organization's page the last step is about that organization."""
    require(actor, Permission.EXECUTIONS_READ, owner)
    runs = Execution.objects.visible_to(actor).filter(submitted_by_id=actor.user_id)
    succeeded = runs.filter(status=ExecutionStatus.SUCCEEDED)
    refused = runs.filter(status=ExecutionStatus.DENIED).select_related(*OWNER_NAMES)
    refusal = refused.order_by("-id").first()
    steps = FirstSteps(
        ran_as_self=succeeded.filter(owner__user__isnull=False).exists(),
        was_refused=refusal is not None,
        ran_as_organization=succeeded.filter(owner__organization__isnull=False).exists(),
        organization=owner if owner.is_organization else _first_organization(actor),
        refusal=refusal,
    )
    return steps if steps.is_finished else _with_suggestions(steps, actor)


def _first_organization(actor: Actor) -> OwnerRef | None:
    """The first organization in whose name the actor may run tools, else the first one at all."""
    organizations = [one for one in actor.admitted() if one.is_organization]
    able = [one for one in organizations if can(actor, Permission.TOOLS_EXECUTE, one)]
    return next(iter(able or organizations), None)


def _with_suggestions(steps: FirstSteps, actor: Actor) -> FirstSteps:
    tools = _samples()
    own = _suggestions(actor, actor.as_owner, tools)
    shared = _suggestions(actor, steps.organization, tools)
    return replace(
        steps,
        try_as_self=next(iter(own), None),
        try_refused=_refused(shared + own),
        try_as_organization=next(iter(shared), None),
    )


def _samples() -> list[Tool]:
    """One harmless tool of each toolkit: the sandbox's first, then what needs no account, then the rest."""
    rows = Tool.objects.filter(effect="read", important=True, is_deprecated=False, toolkit__is_enabled=True)
    first: dict[Any, Tool] = {}
    for tool in rows.select_related("toolkit").order_by("-toolkit__sandbox", "toolkit__name", "name", "id"):
        if not tool.input_schema.get("required") or not tool.toolkit.sandbox:
            first.setdefault(tool.toolkit_id, tool)
    return sorted(first.values(), key=lambda one: (not one.toolkit.sandbox, one.toolkit.needs_account))


def _suggestions(actor: Actor, owner: OwnerRef | None, tools: Iterable[Tool]) -> list[Suggestion]:
    if owner is None:
        return []
    listed = list(tools)
    decisions = decide_many(actor=actor, owner=owner, tools=listed)
    return [Suggestion(owner, tool, decisions[tool.id]) for tool in listed]


def _refused(suggestions: list[Suggestion]) -> Suggestion | None:
    """A run that the rule would refuse: best one that would work under another ID of the actor's own."""
    refused = [one for one in suggestions if not one.decision.allowed]
    hinted = [one for one in refused if any(remedy.fix is Fix.RUN_AS for remedy in one.decision.remedies)]
    return next(iter(hinted or refused), None)


def what_needs_me(*, actor: Actor, owner: OwnerRef, now: datetime) -> Attention:
    """Accounts to reconnect, sign-ins to confirm, runs whose outcome nobody knows, and what the actor waits for."""
    require(actor, Permission.CONNECTED_ACCOUNTS_READ, owner)
    accounts = ConnectedAccount.objects.owned_by(owner).exclude(status=ConnectionStatus.REVOKED)
    accounts = accounts.filter(Q(status__in=SICK) | Q(handed_over_at__isnull=False))
    accounts = accounts.select_related("toolkit", "connected_by", "successor")
    requests = ConnectionRequest.objects.owned_by(owner).filter(
        user_id=actor.user_id, status=RequestStatus.CONFIRMING, expires_at__gt=now
    )
    mine = Execution.objects.owned_by(owner).filter(submitted_by_id=actor.user_id).select_related("tool__toolkit")
    unknown = mine.filter(status=ExecutionStatus.UNKNOWN, finished_at__gt=now - RECENT, retries__isnull=True)
    waiting = mine.filter(status=ExecutionStatus.WAITING_FOR_APPROVAL)
    return Attention(
        accounts=list(accounts.order_by("-connected_at", "-id")[:ENOUGH]),
        requests=list(requests.select_related("auth_config__toolkit").order_by("-created_at", "-id")[:ENOUGH]),
        unknown=list(unknown.order_by("-id")[:ENOUGH]),
        waiting=list(waiting.order_by("-id")[:ENOUGH]),
        asked=_asked(actor, owner),
    )


def _asked(actor: Actor, owner: OwnerRef) -> Sequence[ConsentRequest]:
    """The actor's own questions to the admins of this organization."""
    if not owner.is_organization:
        return []
    filters = RequestFilters(status=ConsentStatus.OPEN.value, mine=True)
    return list_requests(actor=actor, owner=owner, filters=filters, limit=ENOUGH).rows


def accounts_by_owner(*, actor: Actor, owner: OwnerRef) -> list[OwnerAccounts]:
    """On a person's page every owner within reach, on an organization's page that organization."""
    require(actor, Permission.CONNECTED_ACCOUNTS_READ, owner)
    owners = [owner] if owner.is_organization else actor.admitted()
    rows = ConnectedAccount.objects.visible_to(actor).exclude(status=ConnectionStatus.REVOKED)
    rows = rows.select_related("toolkit", *OWNER_NAMES)
    accounts = list(rows.order_by("toolkit__name", "-is_default", "-connected_at", "-id"))
    return [
        OwnerAccounts(
            owner=one,
            accounts=[account for account in accounts if account.owner.ref == one],
            may_manage=can(actor, Permission.CONNECTED_ACCOUNTS_MANAGE, one),
        )
        for one in owners
    ]
