"""The people behind a permission: whom to tell."""

from accounts.models import User
from orgs.models import Membership
from orgs.permissions import Actor, OwnerRef, Permission, require, roles_with


def holders(*, actor: Actor | None, owner: OwnerRef, permission: Permission) -> list[User]:
    """The active members whose role holds the permission; of a person's things it is that person.

    `actor` None is the product itself, which tells people what happened.
    """
    if actor is not None:
        require(actor, Permission.MEMBERS_READ if owner.is_organization else permission, owner)
    if not owner.is_organization:
        return list(User.objects.filter(id=owner.id, is_active=True))
    roles = [role.value for role in roles_with(permission)]
    rows = Membership.objects.of_organization(owner.id).active().filter(role__in=roles)
    return [row.user for row in rows.select_related("user").order_by("joined_at", "id")]
