"""Queries on owned rows go through an owner; a bare `.objects` does not exist on these models."""

from typing import TYPE_CHECKING, Any, ClassVar, Final, NoReturn, Self

from django.db import connections, models, router

from integrations.models.same_owner import SameOwner
from orgs.models.owners import Holder, belongs_to, held_by, owned_through
from orgs.permissions import Actor, OwnerKind, OwnerRef

if TYPE_CHECKING:
    BaseManager = models.manager.BaseManager[Any]
else:
    BaseManager = models.manager.BaseManager  # generic to the type checker only


# What an owned row needs at hand to say whose it is.
OWNER_NAMES: Final = ("owner__user", "owner__organization", "owner__end_user__application")


class OwnedQuerySet(models.QuerySet[Any]):
    """Rows that belong to an owner."""

    def owned_by(self, owner: OwnerRef) -> Self:
        return self.filter(belongs_to(owner))

    def held_by(self, owner: Holder) -> Self:
        """Rows of the owner, and of an organization also those of the end users of its applications.

        For what an organization answers for: its deletion, its export, counts. Nobody acts under an end user's ID so.
        """
        return self.filter(held_by(owner))

    def visible_to(self, actor: Actor) -> Self:
        """Rows of any owner that the actor may act under, as far as they are let in there."""
        reach = actor.admitted()
        users = [owner.id for owner in reach if owner.kind is OwnerKind.USER]
        organizations = [owner.id for owner in reach if owner.is_organization]
        mine = models.Q(user_id__in=users) | models.Q(organization_id__in=organizations)
        if actor.application_id is not None:
            mine |= models.Q(end_user__application_id=actor.application_id)
        return self.filter(owned_through(mine))


class OwnedManager(BaseManager):
    """Fails closed: it hands out rows by owner, by actor, or with a stated reason.

    It has no `filter`, `get` or `create` of its own: asking for rows without saying whose is an AttributeError.
    """

    def get_queryset(self) -> OwnedQuerySet:
        return OwnedQuerySet(self.model, using=self._db)

    def all(self) -> NoReturn:
        raise AttributeError("Say whose rows: owned_by(owner), visible_to(actor) or unscoped(reason).")

    def owned_by(self, owner: OwnerRef) -> OwnedQuerySet:
        return self.get_queryset().owned_by(owner)

    def held_by(self, owner: Holder) -> OwnedQuerySet:
        return self.get_queryset().held_by(owner)

    def visible_to(self, actor: Actor) -> OwnedQuerySet:
        return self.get_queryset().visible_to(actor)

    def unscoped(self, reason: str) -> OwnedQuerySet:
        """All rows. `reason` says why this is right here; a test lists the places."""
        if not reason:
            raise ValueError("Say why these rows may be read without an owner.")
        return self.get_queryset()


class OwnedModel(models.Model):
    """A table whose rows belong to owners. Our code has `objects`; Django's own has what it needs for forms."""

    objects: ClassVar[OwnedManager] = OwnedManager()
    rows_for_django: ClassVar[models.Manager[Any]] = models.Manager()

    class Meta:
        abstract = True
        default_manager_name = "rows_for_django"

    def save(self, *args: Any, **kwargs: Any) -> None:
        using = kwargs.get("using") or router.db_for_write(type(self), instance=self)
        if connections[using].vendor != "postgresql":
            for constraint in self._meta.constraints:
                if isinstance(constraint, SameOwner):
                    constraint.look(self)
        super().save(*args, **kwargs)
