"""Who belongs to an organization: change roles, suspend, remove, leave.

Every change of a membership is made under a lock on the organization, so that the last active owner
stays whatever happens at the same moment (check T19).
"""

from dataclasses import replace
from datetime import datetime
from typing import Final
from uuid import UUID

from django.db import IntegrityError, transaction

from accounts.models import User
from accounts.sessions import rotate_sessions
from orgs.audit import AuditAction, Target
from orgs.errors import ConflictError, ForbiddenError, NotFoundError
from orgs.models import ApiKey, Membership
from orgs.models.organizations import MemberStatus
from orgs.permissions import GRANTS, ROLE_LABELS, Actor, OwnerRef, Permission, Role, require
from orgs.queries.members import keys_that_end, managed_member
from orgs.services.audit import record
from orgs.services.fresh_rights import with_fresh_rights
from orgs.services.lost_invitations import withdraw_lost_invitations
from orgs.services.member_notices import tell_of_lift, tell_of_role, tell_of_suspension

ENDED: Final = {"reason": "membership_ended"}


def add_member(*, actor: Actor | None, owner: OwnerRef, user: User, role: Role, now: datetime) -> Membership:
    """Make a user a member at once, without an invitation; ConflictError when they are one already.

    For provisioning: `actor` is None for whoever runs the installation, else an owner of the organization.
    """
    if actor is not None:
        require(actor, Permission.MEMBERS_MANAGE, owner)
        if actor.role_in(owner) is not Role.OWNER:
            raise ForbiddenError("Only an owner adds people without an invitation.", code="role_insufficient")
    try:
        with transaction.atomic():
            added = Membership.objects.create(organization_id=owner.id, user=user, role=role.value, joined_at=now)
            _record(actor, owner, AuditAction.MEMBER_ADD, user, now, role=role.value)
            if Permission.MEMBERS_MANAGE in GRANTS[role]:
                rotate_sessions(user.id)
            return added
    except IntegrityError as error:
        raise ConflictError(
            f"{user.display_name} is a member of {owner.label} already. Change the role there "
            f"instead of adding them as {ROLE_LABELS[role].lower()}.",
            code="already_a_member",
        ) from error


@transaction.atomic
def change_role(*, actor: Actor, owner: OwnerRef, member_id: UUID, role: Role, now: datetime) -> bool:
    """Give a member another role; False when they have it already.

    Only owners make owners or change one (checks T15, T16).
    """
    member = _to_be_managed(actor, owner, member_id, role)
    if role is Role(member.role):
        return False
    if role is not Role.OWNER:
        _keep_an_owner(owner, member)
    before, member.role = member.role, role.value
    member.save(update_fields=["role", "updated_at"])
    if GRANTS[role] - GRANTS[Role(before)] and Permission.MEMBERS_MANAGE in GRANTS[role]:
        rotate_sessions(member.user_id)
    withdraw_lost_invitations(member.user_id, actor=actor, owner=owner, now=now, after=role)
    _record(actor, owner, AuditAction.MEMBER_ROLE, member.user, now, before=before, after=role.value)
    tell_of_role(member, actor=actor, owner=owner, before=Role(before), now=now)
    return True


@transaction.atomic
def suspend_member(*, actor: Actor, owner: OwnerRef, member_id: UUID, now: datetime) -> Membership:
    """Shut a member out from the next request on, until somebody lifts it. Nothing of theirs is deleted."""
    member = _to_be_managed(actor, owner, member_id)
    _somebody_else(actor, member, "suspend")
    _in_status(member, MemberStatus.ACTIVE)
    _keep_an_owner(owner, member)
    _set_status(member, MemberStatus.SUSPENDED)
    withdraw_lost_invitations(member.user_id, actor=actor, owner=owner, now=now)
    _record(actor, owner, AuditAction.MEMBER_SUSPEND, member.user, now, role=member.role)
    tell_of_suspension(member, actor=actor, owner=owner, now=now)
    return member


@transaction.atomic
def lift_suspension(*, actor: Actor, owner: OwnerRef, member_id: UUID, now: datetime) -> Membership:
    member = _to_be_managed(actor, owner, member_id)
    _in_status(member, MemberStatus.SUSPENDED)
    _set_status(member, MemberStatus.ACTIVE)
    _record(actor, owner, AuditAction.MEMBER_LIFT, member.user, now, role=member.role)
    tell_of_lift(member, actor=actor, owner=owner, now=now)
    return member


@transaction.atomic
def remove_member(*, actor: Actor, owner: OwnerRef, member_id: UUID, now: datetime) -> Membership:
    """End somebody's membership. What they own under their user ID stays theirs."""
    member = _to_be_managed(actor, owner, member_id)
    _somebody_else(actor, member, "remove")
    _end(actor, owner, member, now)
    _record(actor, owner, AuditAction.MEMBER_REMOVE, member.user, now, role=member.role)
    return member


@transaction.atomic
def leave_organization(*, actor: Actor, owner: OwnerRef, now: datetime) -> Membership:
    """End one's own membership; ConflictError for the only active owner."""
    if actor.user_id is None:
        raise ForbiddenError("Only a person can leave an organization.")
    user_id, actor = actor.user_id, replace(actor, lacks_factor=frozenset())  # the way out is open to all
    fresh = with_fresh_rights(actor=actor, owner=owner)
    require(replace(fresh, lacks_factor=frozenset()), Permission.ORGANIZATION_READ, owner)
    return _leave(actor, owner, user_id, now)


@transaction.atomic
def leave_with_account(*, actor: Actor, owner: OwnerRef, now: datetime) -> Membership:
    """End one's own membership because one's account is deleted: a suspension keeps nobody from that."""
    with_fresh_rights(actor=actor, owner=owner)
    if actor.user_id is None:
        raise ForbiddenError("Only a person can leave an organization.")
    return _leave(actor, owner, actor.user_id, now)


def _leave(actor: Actor, owner: OwnerRef, user_id: UUID, now: datetime) -> Membership:
    places = Membership.objects.of_organization(owner.id).exclude(status=MemberStatus.LEFT)
    member = places.select_related("user").filter(user_id=user_id).first()
    if member is None:
        raise NotFoundError
    _end(actor, owner, member, now)
    _record(actor, owner, AuditAction.MEMBER_LEAVE, member.user, now, role=member.role)
    return member


def _record(actor: Actor | None, owner: OwnerRef, action: AuditAction, user: User, now: datetime, **why: str) -> None:
    target = Target("user", user.text_id, user.display_name)
    record(actor=actor, owner=owner, action=action, target=target, details=why, now=now)


def _end(actor: Actor, owner: OwnerRef, member: Membership, now: datetime) -> None:
    """Keys bound to the organization end for good: coming back later does not revive them (check T24)."""
    _keep_an_owner(owner, member)
    _set_status(member, MemberStatus.LEFT)
    withdraw_lost_invitations(member.user_id, actor=actor, owner=owner, now=now)
    for key in keys_that_end(actor=actor, owner=owner, user_id=member.user_id):
        if ApiKey.objects.filter(id=key.id, revoked_at=None).update(revoked_at=now):
            target = Target("api_key", f"key_{key.id.hex}", key.name)
            record(actor=actor, owner=owner, action=AuditAction.API_KEY_REVOKE, target=target, details=ENDED, now=now)


def _to_be_managed(actor: Actor, owner: OwnerRef, member_id: UUID, role: Role | None = None) -> Membership:
    """The member, when the actor may change their place, and hand out `role`."""
    fresh = with_fresh_rights(actor=actor, owner=owner)
    return managed_member(actor=fresh, owner=owner, member_id=member_id, role=role)


def _keep_an_owner(owner: OwnerRef, member: Membership) -> None:
    if Role(member.role) is not Role.OWNER or member.status != MemberStatus.ACTIVE:
        return
    others = Membership.objects.of_organization(owner.id).active().filter(role=Role.OWNER.value).exclude(id=member.id)
    if not others.exists():
        message = f"{member.user.display_name} is the only active owner of {owner.label}. Make somebody else one first."
        raise ConflictError(message, code="last_owner")


def _somebody_else(actor: Actor, member: Membership, verb: str) -> None:
    if member.user_id == actor.user_id:
        raise ConflictError(f"You cannot {verb} yourself. You can leave the organization.", code="oneself")


def _in_status(member: Membership, status: MemberStatus) -> None:
    if member.status != status:
        message = f"{member.user.display_name} is {member.word.label.lower()} already. Reload the page."
        raise ConflictError(message, code="status_changed")


def _set_status(member: Membership, status: MemberStatus) -> None:
    member.status = status.value
    member.save(update_fields=["status", "updated_at"])
