"""Who is invited, and what an invitation's link leads to."""

from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

from allauth.account.models import EmailAddress
from django.db.models import QuerySet

from orgs.errors import NotFoundError
from orgs.models import Invitation
from orgs.permissions import ROLE_LABELS, Actor, OwnerRef, Permission, Role, can, require

GONE: Final = "This invitation was used or withdrawn meanwhile. The list shows how things stand."


def list_invitations(*, actor: Actor, owner: OwnerRef) -> QuerySet[Invitation]:
    """The pending invitations of an organization, newest first; to members who may invite, their own alone."""
    require(actor, Permission.MEMBERS_INVITE, owner)
    rows = Invitation.objects.of_organization(owner.id).pending()
    if not can(actor, Permission.MEMBERS_MANAGE, owner):
        rows = rows.filter(invited_by_id=actor.user_id)
    return rows.select_related("invited_by").order_by("-created_at", "-id")


def pending_invitation(*, actor: Actor, owner: OwnerRef, invitation_id: UUID) -> Invitation:
    """One of them."""
    found = list_invitations(actor=actor, owner=owner).filter(id=invitation_id).first()
    if found is None:
        raise NotFoundError(GONE)
    return found


@dataclass(frozen=True)
class OpenInvitation:
    """An invitation as the person whom it is for may see it."""

    organization: str
    role: str
    email: str
    inviter: str
    expires_at: datetime


def invitation_of(*, actor: Actor, digest: str, now: datetime) -> OpenInvitation | None:
    """The usable invitation behind a link, when it is for a verified address of the actor; else nothing (W13)."""
    rows = Invitation.objects.usable(now).select_related("organization", "invited_by")
    mine = EmailAddress.objects.filter(user_id=actor.user_id, verified=True)
    found = rows.filter(digest=digest, email__in=mine.values("email")).first()
    if found is None:
        return None
    inviter = found.invited_by.display_name if found.invited_by else "Somebody"
    role = ROLE_LABELS[Role(found.role)].lower()
    return OpenInvitation(found.organization.name, role, found.email, inviter, found.expires_at)


def opens_sign_up(*, actor: None, digest: str, email: str | None, now: datetime) -> bool:
    """Whether a usable invitation lets somebody without an account make one, with that address and no other."""
    del actor  # nobody is signed in yet
    rows = Invitation.objects.usable(now).filter(digest=digest)
    return (rows if email is None else rows.filter(email=email)).exists()


def verified_addresses(*, actor: Actor) -> list[str]:
    """The actor's own, for the page that says which address an invitation must have been sent to."""
    return list(EmailAddress.objects.filter(user_id=actor.user_id, verified=True).values_list("email", flat=True))
