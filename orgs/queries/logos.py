"""The picture of an organization."""

from orgs.errors import NotFoundError
from orgs.models import Logo
from orgs.permissions import Actor, OwnerRef, Permission, require


def logo_version(*, actor: Actor, owner: OwnerRef) -> str:
    """Changes with the picture, for its address; empty when there is none."""
    require(actor, Permission.ORGANIZATION_READ, owner)
    digest = Logo.objects.filter(organization_id=owner.id).values_list("digest", flat=True).first()
    return (digest or "")[:16]


def get_logo(*, actor: Actor, owner: OwnerRef) -> Logo:
    require(actor, Permission.ORGANIZATION_READ, owner)
    found = Logo.objects.filter(organization_id=owner.id).first()
    if found is None:
        raise NotFoundError("There is no logo.")
    return found
