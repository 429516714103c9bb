"""Somebody's place in an organization ends: what they connected for it stays, what was theirs alone in it ends.

All of it is one transaction under the organization's lock, so that no page can show half of it. What they own under
their user ID is not touched (check T23).
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from django.db import transaction

from accounts.models import User
from integrations.jobs.calling_off import call_off_waiting
from integrations.models import ConnectedAccount, Execution
from integrations.models.owned import OWNER_NAMES
from integrations.models.status import ExecutionStatus
from integrations.queries.impact import runs_by, unfinished_flows
from integrations.services.connections.endings import EndedFlow, end_flows, give_back
from integrations.services.connections.handover import hand_over, tell_successor
from integrations.services.consent.asking import withdraw_all
from integrations.services.policies import end_grants_of
from integrations.services.tool_sessions import end_sessions_of_member
from orgs.addresses import owner_url
from orgs.audit import AuditAction, Target
from orgs.models import Membership
from orgs.notices import NoticeKind
from orgs.permissions import Actor, OwnerRef, Permission, Role
from orgs.queries.members import managers_of
from orgs.queries.people import holders
from orgs.services import members
from orgs.services.audit import record
from orgs.services.members import leave_organization, remove_member
from orgs.services.notices import notify

CODE: Final = "membership_ended"
RUN_ENDED: Final = "The membership ended before this run could start."
OWN_CONNECTIONS: Final = "/me/connections/"
KEPT: Final = "Your runs there that waited were cancelled. What is connected under your own user ID stays yours."
FLOW_ENDED: Final = "The membership ended before the connection was made. Nothing was connected."


@dataclass(frozen=True)
class Parted:
    """What ended with a membership, and what somebody else looks after now."""

    member: Membership
    cancelled_runs: int = 0
    asked_to_end: int = 0
    ended_flows: int = 0
    ended_sessions: int = 0
    handed_over: list[ConnectedAccount] = field(default_factory=list)


def remove_from_organization(
    *, actor: Actor, owner: OwnerRef, member_id: UUID, successors: Mapping[UUID, UUID] | None = None, now: datetime
) -> Parted:
    """Remove a member. `successors` says who consents anew to which account; where it is silent, the actor does."""
    with transaction.atomic():
        member = remove_member(actor=actor, owner=owner, member_id=member_id, now=now)
        parted, flows = _part(actor, owner, member, successors or {}, now)
    give_back(flows, actor=actor, now=now)
    return parted


def leave(*, actor: Actor, owner: OwnerRef, successors: Mapping[UUID, UUID] | None = None, now: datetime) -> Parted:
    """End one's own membership. Where `successors` is silent, the first owner consents anew.

    The way out is open also to whoever lacks the second factor that the organization requires.
    """
    actor = replace(actor, lacks_factor=actor.lacks_factor - {owner.id})
    with transaction.atomic():
        member = leave_organization(actor=actor, owner=owner, now=now)
        parted, flows = _part(actor, owner, member, successors or {}, now)
    give_back(flows, actor=actor, now=now)
    return parted


def leave_with_account(*, actor: Actor, owner: OwnerRef, now: datetime) -> Parted:
    """The same when somebody deletes their account: what hangs on them is handed over also where they are suspended."""
    leaver = _able_to_leave(actor, owner)
    with transaction.atomic():
        member = members.leave_with_account(actor=leaver, owner=owner, now=now)
        parted, flows = _part(leaver, owner, member, {}, now)
    give_back(flows, actor=leaver, now=now)
    return parted


def _able_to_leave(actor: Actor, owner: OwnerRef) -> Actor:
    """Whoever is suspended has no role; what hangs on them must be found all the same."""
    roles = {**actor.roles, owner.id: actor.role_in(owner) or Role.VIEWER}
    places = {**actor.organizations, owner.id: owner}
    return replace(actor, roles=roles, organizations=places, lacks_factor=actor.lacks_factor - {owner.id})


def _part(
    actor: Actor, owner: OwnerRef, member: Membership, successors: Mapping[UUID, UUID], now: datetime
) -> tuple[Parted, list[EndedFlow]]:
    cancelled, asked = _end_runs(actor, owner, member.user, now)
    flows = _end_flows(actor, owner, member.user_id, now)
    sessions = end_sessions_of_member(actor=actor, owner=owner, user_id=member.user_id, now=now)
    withdraw_all(actor=actor, owner=owner, user=member.user, now=now)
    end_grants_of(actor=actor, owner=owner, user=member.user, now=now)
    managers = {row.user_id: row.user for row in managers_of(actor=actor, owner=owner)}
    fallback = actor.user_id if actor.user_id in managers else next(iter(managers), None)
    accounts = hand_over(
        actor=actor,
        owner=owner,
        user_id=member.user_id,
        successors=successors,
        managers=managers,
        fallback=fallback,
        now=now,
    )
    parted = Parted(member, cancelled, asked, len(flows), sessions, accounts)
    _tell(actor, owner, parted, now)
    return parted, flows


def _end_runs(actor: Actor, owner: OwnerRef, user: User, now: datetime) -> tuple[int, int]:
    """Waiting runs are cancelled at once, those of the person's keys too; one that a worker has is asked to end."""
    rows = Execution.objects.owned_by(owner).filter(runs_by(actor=actor, user_id=user.id))
    why: dict[str, Any] = {"error_code": CODE, "error_message": RUN_ENDED}
    cancelled = call_off_waiting(rows, now=now, **why)
    unsent = rows.filter(status=ExecutionStatus.RUNNING, sent_at=None, cancel_requested_at=None)
    asked = unsent.update(**why, cancel_requested_at=now)
    if cancelled or asked:
        target = Target("user", user.text_id, user.display_name)
        details: dict[str, Any] = {"reason": CODE, "count": cancelled + asked}
        record(actor=actor, owner=owner, action=AuditAction.EXECUTION_CANCEL, target=target, details=details, now=now)
    return cancelled, asked


def _end_flows(actor: Actor, owner: OwnerRef, user_id: UUID, now: datetime) -> list[EndedFlow]:
    rows = unfinished_flows(actor=actor, owner=owner, user_id=user_id)
    named = rows.select_related("auth_config__toolkit", *OWNER_NAMES)
    return end_flows(named, actor=actor, code=CODE, message=FLOW_ENDED, now=now)


def _tell(actor: Actor, owner: OwnerRef, parted: Parted, now: datetime) -> None:
    """Whoever was removed, and whoever should consent anew. Somebody who left knows; then the managers are told."""
    user, name = parted.member.user, parted.member.user.display_name
    telling: dict[str, Any] = {"actor": actor, "now": now}
    by_themself = actor.user_id == user.id
    if by_themself:
        title, text = f"{name} left {owner.label}", _left_behind(parted)
        people = holders(actor=None, owner=owner, permission=Permission.MEMBERS_MANAGE)
        there = owner_url(owner, "members")
        about: dict[str, Any] = {"kind": NoticeKind.MEMBERSHIP, "path": there, "owner": owner, "mail": False}
        notify(**telling, users=people, title=title, text=text, **about)
    else:
        title = f"You no longer belong to {owner.label}"
        notify(
            **telling,
            users=[user],
            kind=NoticeKind.MEMBERSHIP,
            title=title,
            text=f"{actor.label} removed you. {KEPT}",
            path=OWN_CONNECTIONS,
            owner=None,
        )
    for account in parted.handed_over:
        if account.successor is not None and account.successor_id != actor.user_id:
            tell_successor(account, actor=actor, owner=owner, now=now)


def _left_behind(parted: Parted) -> str:
    count = len(parted.handed_over)
    if not count:
        return "They connected nothing that is in use."
    return f"They connected {count} account{'' if count == 1 else 's'}, which somebody should consent to anew."
