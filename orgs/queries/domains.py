"""Whose people may join by themselves, and where somebody may join."""

from allauth.account.models import EmailAddress
from django.db.models import QuerySet

from orgs.models import JoinDomain, Membership
from orgs.permissions import Actor, OwnerRef, Permission, require


def list_domains(*, actor: Actor, owner: OwnerRef) -> QuerySet[JoinDomain]:
    require(actor, Permission.ORGANIZATION_READ, owner)
    return JoinDomain.objects.filter(organization_id=owner.id).order_by("domain")


def domains_of(*, actor: Actor) -> set[str]:
    """The domains of the actor's own verified addresses."""
    addresses = EmailAddress.objects.filter(user_id=actor.user_id, verified=True)
    return {address.rpartition("@")[2].lower() for address in addresses.values_list("email", flat=True)}


def joinable(*, actor: Actor) -> list[JoinDomain]:
    """Where the actor may join by a verified address: nowhere where they belong, are suspended or left before.

    Somebody who was removed does not come back by themself; that takes an invitation.
    """
    known = Membership.objects.of_user(actor.user_id) if actor.user_id else Membership.objects.none()
    rows = JoinDomain.objects.filter(domain__in=domains_of(actor=actor)).exclude(
        organization_id__in=known.values("organization_id")
    )
    found = {row.organization_id: row for row in rows.select_related("organization").order_by("-role", "domain")}
    return sorted(found.values(), key=lambda row: row.organization.name.casefold())
