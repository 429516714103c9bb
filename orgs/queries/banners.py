"""Which banners stand above the pages of an organization: asked for each page, so with one query for all of them."""

from dataclasses import dataclass
from datetime import datetime

from django.db.models import Exists

from orgs.models import Deletion, Organization, SupportGrant
from orgs.permissions import Actor, OwnerRef, Permission, require


@dataclass(frozen=True)
class Banners:
    """What there is to say; what exactly is read by whoever shows it, which is seldom."""

    support_may_look: bool = False
    is_to_be_deleted: bool = False


NONE = Banners()


def banners_above(*, actor: Actor, owner: OwnerRef, now: datetime) -> Banners:
    """Every member may know, and support while it may look."""
    require(actor, Permission.ORGANIZATION_READ, owner)
    grants = SupportGrant.objects.of_organization(owner.id).running(now)
    counting = Deletion.objects.of_owner(owner).counting()
    rows = Organization.objects.filter(id=owner.id).annotate(looks=Exists(grants), ends=Exists(counting))
    found = rows.values_list("looks", "ends").first()
    return Banners(*found) if found else NONE
