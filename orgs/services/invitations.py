"""Invite people by e-mail, send again, withdraw."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final
from uuid import UUID

from allauth.account.models import EmailAddress
from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.db import transaction
from django.db.models import Q

from accounts.models import User
from orgs.address_lists import addresses_in
from orgs.audit import AuditAction, Target
from orgs.errors import ConflictError, ForbiddenError, NotFoundError, TooManyError
from orgs.invitation_mail import send_invitations
from orgs.invitation_tokens import digest_of, make_token
from orgs.models import Invitation, Membership
from orgs.models.organizations import MemberStatus
from orgs.permissions import (
    ROLE_LABELS,
    Actor,
    OwnerRef,
    Permission,
    Power,
    Role,
    may_invite_as,
    require,
    require_power,
)
from orgs.queries.invitations import pending_invitation
from orgs.services.audit import record
from orgs.services.fresh_rights import with_fresh_rights
from orgs.services.joining import may_still_invite

LIFETIME: Final = timedelta(days=7)
PER_DAY: Final = 20  # invitations of one user, over all organizations (check I14)
DAY: Final = timedelta(days=1)
PAUSE: Final = timedelta(minutes=10)  # between two letters that support sends to one address
ADDRESS_LENGTH: Final = 254


class LineKind(StrEnum):
    """What becomes of one pasted address."""

    INVITE = "invite"
    AGAIN = "again"
    MEMBER = "member"
    TAKEN = "taken"
    REPEATED = "repeated"
    INVALID = "invalid"
    OVER_LIMIT = "over_limit"


@dataclass(frozen=True)
class Line:
    """One pasted address, and what will happen with it."""

    address: str
    kind: LineKind
    sentence: str

    @property
    def is_good(self) -> bool:
        return self.kind in {LineKind.INVITE, LineKind.AGAIN}


@dataclass(frozen=True)
class Invited:
    """What came of inviting: how many letters went out, and who got none because of the mail server."""

    sent: int
    unsent: Sequence[str]


def plan_invitations(*, actor: Actor, owner: OwnerRef, text: str, role: Role, now: datetime) -> list[Line]:
    """What `invite` would do with each address; nothing is done yet."""
    _check_may_invite(actor, owner, role)
    addresses = addresses_in(text)
    members, pending = _members_among(owner, addresses), _pending_among(owner, addresses)
    taken = {address for address, one in pending.items() if not _may_invite(actor, owner, Role(one.role))}
    left = PER_DAY - _sent_today(actor, now)
    lines: list[Line] = []
    for place, address in enumerate(addresses):
        seen = address in addresses[:place]
        line = _line(address, role, seen=seen, taken=address in taken, members=members, pending=pending)
        over = line.is_good and sum(one.is_good for one in lines) >= left
        lines.append(Line(address, LineKind.OVER_LIMIT, _over_limit()) if over else line)
    return lines


def invite(*, actor: Actor, owner: OwnerRef, text: str, role: Role, now: datetime) -> Invited:
    """Invite every address of which the plan says so. A pending invitation is replaced by a new one."""
    with transaction.atomic():
        fresh = with_fresh_rights(actor=actor, owner=owner)
        _one_at_a_time(actor)
        lines = plan_invitations(actor=fresh, owner=owner, text=text, role=role, now=now)
        made = [_make(actor.user_id, owner, line.address, role, now) for line in lines if line.is_good]
        for invitation, _token in made:
            _record(actor, owner, AuditAction.MEMBER_INVITE, invitation, now)
    return _send(made, now)


def resend_invitation(*, actor: Actor, owner: OwnerRef, invitation_id: UUID, now: datetime) -> Invited:
    """Send a fresh link for seven days more, in one's own name; the old link stops working."""
    with transaction.atomic():
        fresh = with_fresh_rights(actor=actor, owner=owner)
        old = pending_invitation(actor=fresh, owner=owner, invitation_id=invitation_id)
        _check_may_invite(fresh, owner, Role(old.role))
        _one_at_a_time(actor)
        if _sent_today(actor, now) >= PER_DAY:
            raise TooManyError(_over_limit())
        made = [_make(actor.user_id, owner, old.email, Role(old.role), now)]
        _record(actor, owner, AuditAction.INVITATION_RESEND, made[0][0], now)
    return _send(made, now)


def resend_for_support(*, actor: Actor, invitation_id: UUID, reason: str, now: datetime) -> Invited:
    """Send a fresh link in the name of whoever invited; the old link stops working."""
    require_power(actor, Power.RESEND_INVITATION)
    with transaction.atomic():
        rows = Invitation.objects.select_related("organization").select_for_update(of=("self",))
        old = rows.filter(id=invitation_id).first()
        if old is None:
            raise NotFoundError("There is no such invitation.")
        if blocked := why_not_resent(old, actor=actor, now=now):
            raise ConflictError(blocked)
        owner = old.organization.ref
        made = [_make(old.invited_by_id, owner, old.email, Role(old.role), now)]
        _record(actor, owner, AuditAction.INVITATION_RESEND, made[0][0], now, reason)
    return _send(made, now)


def why_not_resent(invitation: Invitation, *, actor: Actor, now: datetime) -> str:
    """Why support cannot send it again; empty when it can."""
    if invitation.accepted_at or invitation.revoked_at:
        return "It was used, withdrawn or replaced by a newer one."
    if invitation.sent_at and invitation.created_at > now - PAUSE:
        return "It was sent a few minutes ago. Give the letter time to arrive."
    if not may_still_invite(invitation, actor=actor):
        return "Whoever invited may not do that any more, so the link would be refused. An admin there can invite anew."
    return ""


@transaction.atomic
def revoke_invitation(*, actor: Actor, owner: OwnerRef, invitation_id: UUID, now: datetime) -> Invitation:
    """Withdraw an invitation. An admin may withdraw an owner's too: it only ever takes away."""
    fresh = with_fresh_rights(actor=actor, owner=owner)
    invitation = pending_invitation(actor=fresh, owner=owner, invitation_id=invitation_id)
    invitation.revoked_at = now
    invitation.save(update_fields=["revoked_at"])
    _record(actor, owner, AuditAction.INVITATION_REVOKE, invitation, now)
    return invitation


def _record(
    actor: Actor, owner: OwnerRef, action: AuditAction, invitation: Invitation, now: datetime, reason: str | None = None
) -> None:
    """With the ID and the role; the e-mail address stays out of the log, which nobody can clean."""
    target, details = Target("invitation", invitation.text_id), {"role": invitation.role, "reason": reason}
    record(actor=actor, owner=owner, action=action, target=target, details=details, now=now)


def _check_may_invite(actor: Actor, owner: OwnerRef, role: Role) -> None:
    require(actor, Permission.MEMBERS_INVITE, owner)
    if not _may_invite(actor, owner, role):
        able = "an owner" if role is Role.OWNER else "an admin or owner"
        label = ROLE_LABELS[role].lower()
        message = f"Only {able} of {owner.label} can invite somebody as {label}. Choose another role."
        raise ForbiddenError(message, code="role_insufficient", field="role")


def _may_invite(actor: Actor, owner: OwnerRef, role: Role) -> bool:
    return may_invite_as(actor.role_in(owner), role, members_too=owner.id in actor.invites_in)


def _line(
    address: str,
    role: Role,
    *,
    seen: bool,
    taken: bool,
    members: Mapping[str, str],
    pending: Mapping[str, Invitation],
) -> Line:
    if not _is_address(address):
        return Line(address, LineKind.INVALID, "This is not an e-mail address. It is left out.")
    if seen:
        return Line(address, LineKind.REPEATED, "Stands in the list twice. One invitation is sent.")
    if address in members:
        return Line(address, LineKind.MEMBER, f"Is a member already: {members[address]}. Nothing is sent.")
    if taken:
        return Line(address, LineKind.TAKEN, "Has an invitation that you cannot replace. Nothing is sent.")
    label = ROLE_LABELS[role].lower()
    if address in pending:
        was = ROLE_LABELS[Role(pending[address].role)].lower()
        return Line(address, LineKind.AGAIN, f"Was invited as {was}. Gets a new link, as {label}; the old one ends.")
    return Line(address, LineKind.INVITE, f"Gets an invitation as {label}.")


def _is_address(text: str) -> bool:
    try:
        validate_email(text)
    except ValidationError:
        return False
    return len(text) <= ADDRESS_LENGTH


def _members_among(owner: OwnerRef, addresses: list[str]) -> dict[str, str]:
    """Names of members by their verified addresses, the suspended included: an invitation does not lift that."""
    places = Membership.objects.of_organization(owner.id).exclude(status=MemberStatus.LEFT)
    rows = EmailAddress.objects.filter(email__in=addresses, verified=True, user__in=places.values("user"))
    return {row.email: row.user.display_name for row in rows.select_related("user")}


def _pending_among(owner: OwnerRef, addresses: list[str]) -> dict[str, Invitation]:
    rows = Invitation.objects.of_organization(owner.id).pending().filter(email__in=addresses)
    return {row.email: row for row in rows}


def _sent_today(actor: Actor, now: datetime) -> int:
    return Invitation.objects.filter(invited_by=actor.user_id, created_at__gt=now - DAY).count()


def _over_limit() -> str:
    return f"You can send {PER_DAY} invitations within 24 hours. Send this one tomorrow, or ask another admin."


def _one_at_a_time(actor: Actor) -> None:
    """Two requests of one person at once would count the same letters (check I14)."""
    User.objects.select_for_update().filter(Q(pk=actor.user_id)).first()


def _make(inviter: UUID | None, owner: OwnerRef, address: str, role: Role, now: datetime) -> tuple[Invitation, str]:
    """The token leaves this function for the e-mail alone."""
    Invitation.objects.of_organization(owner.id).pending().filter(email=address).update(revoked_at=now)
    token = make_token()
    invitation = Invitation.objects.create(
        organization_id=owner.id,
        email=address,
        role=role.value,
        digest=digest_of(token),
        invited_by_id=inviter,
        created_at=now,
        expires_at=now + LIFETIME,
    )
    return invitation, token


def _send(made: list[tuple[Invitation, str]], now: datetime) -> Invited:
    """After the transaction: a slow mail server holds no lock."""
    sent = {invitation.id for invitation in send_invitations(made)}
    Invitation.objects.filter(id__in=sent).update(sent_at=now)
    return Invited(len(sent), [invitation.email for invitation, _token in made if invitation.id not in sent])
