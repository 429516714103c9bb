"""Accept an invitation: become a member of an organization."""

from datetime import datetime

from allauth.account.models import EmailAddress
from django.db import transaction

from accounts.models import User
from accounts.sessions import rotate_sessions
from orgs.audit import AuditAction, Target
from orgs.errors import ConflictError, ForbiddenError, NotFoundError
from orgs.models import Invitation, Membership
from orgs.models.organizations import MemberStatus
from orgs.permissions import GRANTS, Actor, OwnerRef, Permission, Role, may_invite_as
from orgs.services.audit import record
from orgs.services.fresh_rights import with_fresh_rights


@transaction.atomic
def accept_invitation(*, actor: Actor, user: User, digest: str, now: datetime) -> OwnerRef:
    """Become a member. Only for a verified address of the acting user, once, while whoever invited still may.

    Everybody else gets one and the same NotFoundError, whether or not there is such an invitation (check W13).
    """
    invitation = Invitation.objects.usable(now).select_related("organization").filter(digest=digest).first()
    if invitation is None or actor.user_id != user.id or not _has_verified(user, invitation.email):
        raise NotFoundError
    owner = invitation.organization.ref
    with_fresh_rights(actor=actor, owner=owner)
    if not may_still_invite(invitation, actor=actor):
        message = f"Whoever invited you to {owner.label} may not do that any more. Ask them for a new invitation."
        raise ForbiddenError(message, code="inviter_lost_right")
    used = Invitation.objects.usable(now).filter(id=invitation.id).update(accepted_at=now, accepted_by=user)
    if not used:  # somebody was faster: another tab, or an admin who withdrew it
        raise NotFoundError
    role = Role(invitation.role)
    _join(user, owner, role, now)
    if Permission.MEMBERS_MANAGE in GRANTS[role]:
        rotate_sessions(user.id)  # what was seen of the old session's key opens nothing of the new role (check W7)
    target, details = Target("user", user.text_id, user.display_name), {"role": invitation.role}
    record(actor=actor, owner=owner, action=AuditAction.MEMBER_JOIN, target=target, details=details, now=now)
    return owner


def _has_verified(user: User, email: str) -> bool:
    """Whether the address is a verified one of the acting user (check T17)."""
    return bool(EmailAddress.objects.filter(user=user, email=email, verified=True).exists())


def may_still_invite(invitation: Invitation, *, actor: Actor) -> bool:
    """Whether the person who invited could hand out that role today, as the member they were then (check T18)."""
    del actor  # it is about whoever invited, not about who asks
    if invitation.invited_by_id is None:
        return False
    places = Membership.objects.of_organization(invitation.organization_id).active()
    places = places.filter(user_id=invitation.invited_by_id, joined_at__lte=invitation.created_at)
    inviter = places.select_related("organization").first()
    if inviter is None:
        return False
    members_too = inviter.organization.members_may_invite
    return may_invite_as(Role(inviter.role), Role(invitation.role), members_too=members_too)


def _join(user: User, owner: OwnerRef, role: Role, now: datetime) -> None:
    """A new member, or one who comes back with nothing of what they had: the role is the invitation's."""
    values = {"role": role.value, "status": MemberStatus.ACTIVE.value, "joined_at": now}
    member, is_new = Membership.objects.get_or_create(organization_id=owner.id, user=user, defaults=values)
    if is_new:
        return
    if member.status == MemberStatus.SUSPENDED:
        message = f"You are suspended in {owner.label}. An invitation does not lift that: ask an admin there."
        raise ConflictError(message, code="suspended")
    if member.status == MemberStatus.ACTIVE:
        raise ConflictError(f"You are a member of {owner.label} already.", code="already_a_member")
    Membership.objects.filter(id=member.id).update(**values)
