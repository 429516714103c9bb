"""Who belongs to an organization."""

from uuid import UUID

from django.db.models import Case, IntegerField, Q, QuerySet, Value, When
from django.db.models.functions import Coalesce, Lower, NullIf

from orgs.errors import ForbiddenError, NotFoundError
from orgs.models import ApiKey, Invitation, Membership, Organization
from orgs.models.organizations import MemberStatus
from orgs.permissions import Actor, OwnerRef, Permission, Role, may_hand_out, may_invite_as, require, roles_with


def list_members(*, actor: Actor, owner: OwnerRef) -> QuerySet[Membership]:
    """The memberships of an organization, owners first, then by name."""
    require(actor, Permission.MEMBERS_READ, owner)
    rank = Case(
        *(When(role=role.value, then=Value(place)) for place, role in enumerate(Role)), output_field=IntegerField()
    )
    name = Lower(Coalesce(NullIf("user__name", Value("")), "user__username"))
    return (
        Membership.objects.of_organization(owner.id)
        .exclude(status=MemberStatus.LEFT)
        .with_factor()
        .select_related("user")
        .order_by(rank, name, "id")
    )


def count_members_who_run(*, actor: Actor, owner: OwnerRef) -> int:
    """How many members could run tools with the organization's accounts."""
    require(actor, Permission.MEMBERS_READ, owner)
    runners = [role.value for role in roles_with(Permission.TOOLS_EXECUTE)]
    return Membership.objects.of_organization(owner.id).active().filter(role__in=runners).count()


def names_of_admins(*, actor: Actor, owner: OwnerRef) -> list[str]:
    """Whom a member can ask: the people who manage the organization's accounts, by name."""
    require(actor, Permission.MEMBERS_READ, owner)
    able = [role.value for role in roles_with(Permission.CONNECTED_ACCOUNTS_MANAGE)]
    rows = Membership.objects.of_organization(owner.id).active().filter(role__in=able).select_related("user")
    return sorted(row.user.display_name for row in rows)


def find_members(*, actor: Actor, owner: OwnerRef, text: str, limit: int) -> QuerySet[Membership]:
    """The members whose name or username holds the text. E-mail addresses are not everybody's to search."""
    fits = Q(user__name__icontains=text) | Q(user__username__icontains=text)
    return list_members(actor=actor, owner=owner).filter(fits)[:limit]


def managed_member(*, actor: Actor, owner: OwnerRef, member_id: UUID, role: Role | None = None) -> Membership:
    """A member whose place the actor may change, and to whom they may give `role`.

    Only owners make owners or change one (checks T15, T16).
    """
    require(actor, Permission.MEMBERS_MANAGE, owner)
    member = list_members(actor=actor, owner=owner).filter(id=member_id).first()
    if member is None:
        raise NotFoundError
    mine = actor.role_in(owner)
    if not may_hand_out(mine, Role(member.role)) or not may_hand_out(mine, role or Role(member.role)):
        message = f"Only an owner of {owner.label} can make somebody an owner, or change one. Ask one of them."
        raise ForbiddenError(message, code="role_insufficient")
    return member


def own_membership(*, actor: Actor, owner: OwnerRef) -> Membership:
    """The actor's own place in an organization."""
    require(actor, Permission.ORGANIZATION_READ, owner)
    rows = Membership.objects.of_organization(owner.id).active().select_related("user")
    found = rows.filter(user_id=actor.user_id).first() if actor.user_id else None
    if found is None:
        raise NotFoundError
    return found


def own_places(*, actor: Actor) -> list[OwnerRef]:
    """Every organization in which the actor has a place, also where they are suspended and see nothing."""
    if actor.user_id is None:
        return []
    rows = Membership.objects.of_user(actor.user_id).exclude(status=MemberStatus.LEFT).select_related("organization")
    return [row.organization.ref for row in rows.order_by("organization__name", "id")]


def other_owners(*, actor: Actor, owner: OwnerRef, but: UUID) -> int:
    """How many active owners there are beside this user. Without one, an owner has to stay (check T19)."""
    require(actor, Permission.MEMBERS_READ, owner)
    rows = Membership.objects.of_organization(owner.id).active().filter(role=Role.OWNER.value)
    return rows.exclude(user_id=but).count()


def managers_of(*, actor: Actor, owner: OwnerRef, but: UUID | None = None) -> list[Membership]:
    """The active members who look after the organization's accounts, owners first; `but` leaves somebody out."""
    able = [role.value for role in roles_with(Permission.CONNECTED_ACCOUNTS_MANAGE)]
    rows = list_members(actor=actor, owner=owner).filter(status=MemberStatus.ACTIVE, user__is_active=True)
    rows = rows.filter(role__in=able)
    return list(rows.exclude(user_id=but) if but else rows)


def keys_that_end(*, actor: Actor, owner: OwnerRef, user_id: UUID) -> list[ApiKey]:
    """The live personal keys of somebody that are bound to the organization: they end with the membership."""
    require(actor, Permission.MEMBERS_READ, owner)
    keys = ApiKey.objects.filter(organization_id=owner.id, owner__user_id=user_id, revoked_at=None)
    return list(keys.order_by("id"))


def keys_made_by(*, actor: Actor, owner: OwnerRef, user_id: UUID) -> list[ApiKey]:
    """The organization's own live keys that somebody made: they know the texts, also after they have left."""
    require(actor, Permission.MEMBERS_READ, owner)
    keys = ApiKey.objects.filter(owner__organization_id=owner.id, created_by_id=user_id, revoked_at=None)
    return list(keys.order_by("name", "id"))


def invitations_that_end(
    *, actor: Actor, owner: OwnerRef, user_id: UUID, after: Role | None = None
) -> list[Invitation]:
    """The pending invitations of somebody that they could not send any more with the role `after` (check T18)."""
    require(actor, Permission.MEMBERS_READ, owner)
    members_too = Organization.objects.filter(id=owner.id, members_may_invite=True).exists()
    lost = [role.value for role in Role if not may_invite_as(after, role, members_too=members_too)]
    pending = Invitation.objects.of_organization(owner.id).pending().filter(invited_by_id=user_id, role__in=lost)
    return list(pending.order_by("id"))
