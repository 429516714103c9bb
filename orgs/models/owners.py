"""The ID container: what everything that is owned points to."""

from dataclasses import dataclass
from typing import Any, ClassVar

from django.conf import settings
from django.db import models
from django.db.models import Q, Subquery

from accounts.ids import new_id
from orgs.models.applications import EndUser
from orgs.models.organizations import Organization
from orgs.permissions import OwnerKind, OwnerRef


def _only(kind: OwnerKind) -> Q:
    """Of this kind, and pointing to a row of that kind alone."""
    return Q(kind=kind.value, **{f"{one.value}__isnull": one is not kind for one in OwnerKind})


class Owner(models.Model):
    """A user, an organization or an end user as the owner of connected accounts and executions; exactly one of them.

    Made in the same transaction as the user, organization or end user, and never changed.
    """

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    kind = models.CharField(max_length=12, choices=[(kind.value, kind.value) for kind in OwnerKind])
    user = models.OneToOneField(settings.AUTH_USER_MODEL, models.PROTECT, null=True, blank=True, related_name="owner")
    organization = models.OneToOneField(Organization, models.PROTECT, null=True, blank=True, related_name="owner")
    end_user = models.OneToOneField(EndUser, models.PROTECT, null=True, blank=True, related_name="owner")

    objects: ClassVar[models.Manager["Owner"]] = models.Manager()

    class Meta:
        constraints: ClassVar = [
            models.CheckConstraint(
                name="owner_is_exactly_one",
                condition=_only(OwnerKind.USER) | _only(OwnerKind.ORGANIZATION) | _only(OwnerKind.END_USER),
            )
        ]

    def __str__(self) -> str:
        return self.ref.text_id

    @property
    def ref(self) -> OwnerRef:
        """The owner as a value. Costs a query unless `NAMES` were selected."""
        if self.organization is not None:
            return self.organization.ref
        if self.end_user is not None:
            return self.end_user.ref
        if self.user is None:  # the constraint forbids it; say so instead of guessing
            raise ValueError("An owner that is nobody")
        return OwnerRef(OwnerKind.USER, self.user.id, self.user.display_name)


def belongs_to(owner: OwnerRef) -> Q:
    """The condition that a row is this owner's. It reads the row's own columns, joins nothing: see `owned_through`."""
    return Q(owner=Subquery(Owner.objects.filter(container_of(owner)).values("id")[:1]))


def container_of(owner: OwnerRef) -> Q:
    """The condition that an ID container is this owner's own."""
    return Q(**{f"{owner.kind.value}_id": owner.id})


def owned_through(containers: Q) -> Q:
    """The condition that a row's ID container is among these.

    Not by a join. For a condition that joins, Django writes `UPDATE … WHERE id IN (SELECT … JOIN … WHERE status = …)`.
    PostgreSQL, where it had to wait for somebody else's change of the row, looks at the row again, but not into that
    subquery (its manual, "Transaction Isolation", Read Committed): two could win one and the same change of status.
    """
    return Q(owner__in=Owner.objects.filter(containers))


def open_to(owner: OwnerRef) -> Q:
    """The condition that an auth config serves this owner: its own, and for an end user the organization's."""
    own = belongs_to(owner)
    return own | owned_through(Q(organization_id=owner.organization_id)) if owner.organization_id else own


@dataclass(frozen=True)
class EndUsersOf:
    """All end users of one application together: nobody acts as them, what is theirs goes in one deletion."""

    application_id: Any


Holder = OwnerRef | EndUsersOf


def held_by(owner: Holder) -> Q:
    """The condition that a row is the holder's: of an organization also what its applications' end users own."""
    return owned_through(containers_held_by(owner))


def containers_held_by(owner: Holder) -> Q:
    """The same about ID containers."""
    if isinstance(owner, EndUsersOf):
        return Q(end_user__application_id=owner.application_id)
    if not owner.is_organization:
        return container_of(owner)
    return container_of(owner) | Q(end_user__application__organization_id=owner.id)
