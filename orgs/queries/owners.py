"""From an address or an ID to an owner."""

from orgs.errors import OutOfReachError
from orgs.models import Owner
from orgs.models.owners import container_of
from orgs.permissions import Actor, OwnerRef


def owner_row(*, actor: Actor, owner: OwnerRef) -> Owner:
    """The row behind an owner within the actor's reach; NotFoundError for everybody else's."""
    if not actor.reaches(owner):
        raise OutOfReachError
    return Owner.objects.select_related("user", "organization", "end_user__application").get(container_of(owner))


def organization_by_slug(*, actor: Actor, slug: str) -> OwnerRef:
    """The organization at an address, for one of its active members; NotFoundError for everybody else."""
    for owner in actor.reach():
        if owner.is_organization and owner.slug == slug:
            return owner
    raise OutOfReachError
