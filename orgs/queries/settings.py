"""What an organization has decided for itself, and whom that concerns."""

from django.db.models import QuerySet

from accounts.factors import user_has_second_factor
from orgs.models import Membership, Organization
from orgs.permissions import Actor, OwnerRef, Permission, require


def settings_of(*, actor: Actor, owner: OwnerRef) -> Organization:
    """The organization with its settings: every member may know them."""
    require(actor, Permission.ORGANIZATION_READ, owner)
    return Organization.objects.get(id=owner.id)


def members_without_factor(*, actor: Actor, owner: OwnerRef) -> QuerySet[Membership]:
    """The active members without a second factor, by username: those whom requiring one shuts out."""
    require(actor, Permission.MEMBERS_MANAGE, owner)
    rows = Membership.objects.of_organization(owner.id).active().without_factor()
    return rows.select_related("user").order_by("user__username")


def has_factor(*, actor: Actor) -> bool:
    """Whether the acting user has a second factor."""
    return actor.user_id is not None and user_has_second_factor(actor.user_id)


def retention_choices(*, actor: None) -> list[int]:
    """The numbers of days that organizations have chosen. For the sweep, which acts for nobody."""
    del actor
    chosen = Organization.objects.exclude(retention_days=None)
    return [days for days in chosen.values_list("retention_days", flat=True).distinct() if days is not None]
