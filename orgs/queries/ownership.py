"""Who owns an organization, and who could."""

from dataclasses import dataclass
from uuid import UUID

from orgs.errors import NotFoundError
from orgs.models import Membership
from orgs.permissions import Actor, OwnerRef, Permission, Role, require


@dataclass(frozen=True)
class Ownership:
    """The owners, and the other active members, by name. A suspended owner cannot help anybody."""

    owners: list[Membership]
    others: list[Membership]

    @property
    def is_alone(self) -> bool:
        return len(self.owners) == 1


def ownership_of(*, actor: Actor, owner: OwnerRef) -> Ownership:
    require(actor, Permission.MEMBERS_READ, owner)
    rows = Membership.objects.of_organization(owner.id).active().with_factor().select_related("user")
    places = sorted(rows, key=lambda row: row.user.display_name.casefold())
    owners = [one for one in places if Role(one.role) is Role.OWNER]
    return Ownership(owners, [one for one in places if one not in owners])


def heir_of(*, actor: Actor, owner: OwnerRef, member_id: UUID | None) -> Membership:
    """The active member to whom the acting owner may hand the organization over."""
    require(actor, Permission.ORGANIZATION_MANAGE, owner)
    rows = Membership.objects.of_organization(owner.id).active().select_related("user")
    found = rows.filter(id=member_id).first() if member_id else None
    if found is None or found.user_id == actor.user_id:
        raise NotFoundError("There is no such active member here.")
    return found


def is_only_owner(*, actor: Actor, owner: OwnerRef) -> bool:
    """Whether the actor is an owner without a second one."""
    if actor.role_in(owner) is not Role.OWNER or actor.user_id is None:
        return False
    rows = Membership.objects.of_organization(owner.id).active().filter(role=Role.OWNER.value)
    return not rows.exclude(user_id=actor.user_id).exists()


def only_owner_of(*, actor: Actor) -> list[OwnerRef]:
    """The organizations that would be without an active owner if the actor left."""
    return [one for one in actor.reach() if is_only_owner(actor=actor, owner=one)]
