"""Blast radius: whom and what a change would touch, counted before it is made.

Every number comes from the rows that the change then touches, so that a preview cannot tell something else than
what happens. What is asked for in between is refused or cancelled like the rest.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum
from typing import Any, Final
from uuid import UUID

from django.db.models import Q

from integrations.engine.types import AuthScheme
from integrations.models import ConnectedAccount, ConnectionRequest, Execution, ToolSession
from integrations.models.status import WAITING, RequestStatus
from integrations.queries.audience import Audience, audience_of
from integrations.queries.connections import live_accounts
from integrations.queries.run_counts import people_of, recent_runs
from integrations.queries.tool_sessions import sessions_by, sessions_with
from integrations.shared_grants import serves_another
from orgs.models import ApiKey, Invitation, Membership
from orgs.models.organizations import MemberStatus
from orgs.permissions import (
    GRANTS,
    USABLE,
    AccountFacts,
    AccountState,
    Actor,
    OwnerRef,
    Permission,
    Role,
    choose,
    require,
    roles_with,
)
from orgs.queries.members import invitations_that_end, keys_made_by, keys_that_end, list_members

UNFINISHED: Final = [RequestStatus.OPEN, RequestStatus.CONFIRMING]


class Change(StrEnum):
    """What may be done to a connected account."""

    DISCONNECT = "disconnect"
    PAUSE = "pause"
    DEFAULT = "default"


@dataclass(frozen=True)
class Impact:
    """What a change of one account touches. `before` and `after` are used by runs that name no account."""

    account: ConnectedAccount
    audience: Audience
    queued_runs: int
    recent_runs: int
    recent_people: Sequence[str]
    runs: int
    sessions: int
    before: ConnectedAccount | None
    after: ConnectedAccount | None
    after_works: bool
    shares_grant: bool = False  # at the provider, with another account that is connected
    followers: int = 0  # sessions that pin no account and use another one after a change of the default

    @property
    def is_in_use(self) -> bool:
        """Whether runs that name no account use this one."""
        return self.before == self.account


@dataclass(frozen=True)
class GrantedAccount:
    """An account of the organization that somebody connected, and who relies on it."""

    account: ConnectedAccount
    recent_runs: int


@dataclass(frozen=True)
class MemberImpact:
    """What hangs on one member's place in an organization."""

    member: Membership
    others: Sequence[str]
    queued_runs: int
    recent_runs: int
    sessions: int
    keys: Sequence[ApiKey] = field(default_factory=list)
    organization_keys: Sequence[ApiKey] = field(default_factory=list)
    invitations: Sequence[Invitation] = field(default_factory=list)
    flows: int = 0
    accounts: Sequence[GrantedAccount] = field(default_factory=list)


@dataclass(frozen=True)
class OrganizationImpact:
    """What an organization holds."""

    members: Sequence[str]
    accounts: Sequence[ConnectedAccount]
    queued_runs: int
    recent_runs: int
    runs: int
    sessions: int
    keys: int
    invitations: int


def impact_of_account(
    *, actor: Actor, owner: OwnerRef, account: ConnectedAccount, now: datetime, change: Change = Change.DISCONNECT
) -> Impact:
    """Who could use the account, what waits for it, and what is used in its place."""
    require(actor, Permission.CONNECTED_ACCOUNTS_READ, owner)
    siblings = list(live_accounts(actor=actor, owner=owner).filter(toolkit_id=account.toolkit_id))
    facts = [one.facts for one in siblings]
    runs = Execution.objects.owned_by(owner).filter(connected_account_id=account.id)
    before, after = _chosen(facts), _chosen(_changed(facts, account.id, change))
    by_id = {one.id: one for one in siblings}
    return Impact(
        account=account,
        audience=audience_of(actor=actor, owner=owner),
        queued_runs=runs.filter(status__in=WAITING).count(),
        recent_runs=recent_runs(runs, actor=actor, now=now).count(),
        recent_people=people_of(recent_runs(runs, actor=actor, now=now), actor=actor),
        runs=runs.count(),
        sessions=len(sessions_with(actor=actor, owner=owner, account=account)),
        before=by_id[before.id] if before else None,
        after=by_id[after.id] if after else None,
        after_works=after is not None and after.state in USABLE,
        shares_grant=_shares_grant(account),
        followers=_followers(actor, owner, before, after, by_id),
    )


def _followers(
    actor: Actor,
    owner: OwnerRef,
    before: AccountFacts | None,
    after: AccountFacts | None,
    rows: dict[UUID, ConnectedAccount],
) -> int:
    if before is None or after is None or before.id == after.id:
        return 0
    sessions = sessions_with(actor=actor, owner=owner, account=rows[before.id])
    pinned = [{choice.connected_account_id for choice in one.choices.all()} for one in sessions]
    return sum(before.id not in accounts for accounts in pinned)


def _shares_grant(account: ConnectedAccount) -> bool:
    """The identity is the account's own, so that its owner learns nothing of whose the other connection is."""
    if account.scheme != AuthScheme.OAUTH2:
        return False
    account.auth_config.toolkit = account.toolkit
    return serves_another(account.auth_config, account.identity_key, owner_id=account.owner_id, but=account.id)


def _chosen(facts: Sequence[AccountFacts]) -> AccountFacts | None:
    """The rule's own choice when no account is named."""
    chosen = choose([one for one in facts if one.state is not AccountState.WAITING])
    return chosen[0] if chosen else None


def _changed(facts: Sequence[AccountFacts], account_id: UUID, change: Change) -> list[AccountFacts]:
    """The owner's accounts as they would be afterwards."""
    if change is Change.DISCONNECT:
        return [one for one in facts if one.id != account_id]
    if change is Change.DEFAULT:
        return [replace(one, is_default=one.id == account_id) for one in facts]
    return [replace(one, state=AccountState.PAUSED) if one.id == account_id else one for one in facts]


def impact_of_member(
    *, actor: Actor, owner: OwnerRef, member: Membership, now: datetime, after: Role | None = None
) -> MemberImpact:
    """What ends, stops or needs somebody else when a member's place ends; or, with `after`, when their role changes.

    An admin may ask about a member, and everybody about themself. Nothing personal is counted.
    """
    require(actor, Permission.MEMBERS_READ if member.user_id == actor.user_id else Permission.MEMBERS_MANAGE, owner)
    who: dict[str, Any] = {"actor": actor, "owner": owner, "user_id": member.user_id}
    runs = Execution.objects.owned_by(owner).filter(runs_by(actor=actor, user_id=member.user_id))
    can_run = after is not None and Permission.TOOLS_EXECUTE in GRANTS[after]
    return MemberImpact(
        member=member,
        others=_others(actor, owner, member),
        queued_runs=0 if can_run else runs.filter(status__in=WAITING).count(),
        recent_runs=recent_runs(runs, actor=actor, now=now).count(),
        sessions=len(sessions_by(**who)),
        keys=keys_that_end(**who),
        organization_keys=keys_made_by(**who),
        invitations=invitations_that_end(**who, after=after),
        flows=unfinished_flows(**who).count(),
        accounts=[_granted(actor, one, owner, now) for one in accounts_granted_by(**who)],
    )


def impact_of_organization(*, actor: Actor, owner: OwnerRef, now: datetime) -> OrganizationImpact:
    """Everything that would end with the organization."""
    require(actor, Permission.ORGANIZATION_MANAGE, owner)
    runs = Execution.objects.owned_by(owner)
    accounts = live_accounts(actor=actor, owner=owner).order_by("toolkit__name", "id")
    return OrganizationImpact(
        members=[row.user.display_name for row in list_members(actor=actor, owner=owner)],
        accounts=list(accounts),
        queued_runs=runs.filter(status__in=WAITING).count(),
        recent_runs=recent_runs(runs, actor=actor, now=now).count(),
        runs=runs.count(),
        sessions=ToolSession.objects.owned_by(owner).filter(ended_at=None).count(),
        keys=_live_keys(owner).count(),
        invitations=Invitation.objects.of_organization(owner.id).pending().count(),
    )


# --- The rows themselves: what a preview counts is what the deed then changes


def runs_by(*, actor: Actor, user_id: UUID) -> Q:
    """The condition that a run was asked for by this person, in a browser or by a key of theirs."""
    del actor  # a condition, no rows
    return Q(submitted_by_id=user_id) | Q(api_key__in=ApiKey.objects.filter(owner__user_id=user_id))


def unfinished_flows(*, actor: Actor, owner: OwnerRef, user_id: UUID) -> Any:
    """Connections that somebody has begun for the owner and not finished."""
    require(actor, Permission.ORGANIZATION_READ, owner)
    return ConnectionRequest.objects.owned_by(owner).filter(user_id=user_id, status__in=UNFINISHED)


def accounts_granted_by(*, actor: Actor, owner: OwnerRef, user_id: UUID) -> Any:
    """The owner's accounts that somebody connected, or was to consent to anew: their access hangs on that person."""
    rows = live_accounts(actor=actor, owner=owner)
    return rows.filter(_hangs_on(user_id)).order_by("toolkit__name", "connected_at", "id")


def _hangs_on(user_id: UUID) -> Q:
    return Q(connected_by_id=user_id, handed_over_at=None) | Q(successor_id=user_id, handed_over_at__isnull=False)


def handed_over(*, actor: Actor, owner: OwnerRef) -> list[ConnectedAccount]:
    """The accounts that wait for somebody to consent anew, the longest waiting first."""
    rows = live_accounts(actor=actor, owner=owner).filter(handed_over_at__isnull=False)
    return list(rows.order_by("handed_over_at", "id"))


def _others(actor: Actor, owner: OwnerRef, member: Membership) -> list[str]:
    """The other members who may run tools through the organization's accounts."""
    runners = [role.value for role in roles_with(Permission.TOOLS_EXECUTE)]
    rows = list_members(actor=actor, owner=owner).filter(status=MemberStatus.ACTIVE, user__is_active=True)
    return [row.user.display_name for row in rows.filter(role__in=runners).exclude(id=member.id)]


def _granted(actor: Actor, account: ConnectedAccount, owner: OwnerRef, now: datetime) -> GrantedAccount:
    runs = Execution.objects.owned_by(owner).filter(connected_account_id=account.id)
    return GrantedAccount(account, recent_runs(runs, actor=actor, now=now).count())


def _live_keys(owner: OwnerRef) -> Any:
    here = Q(owner__organization_id=owner.id) | Q(organization_id=owner.id)
    return ApiKey.objects.filter(here, revoked_at=None)
