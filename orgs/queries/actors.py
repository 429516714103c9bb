"""Who is acting: built once per request, or rebuilt by the worker from what an execution remembers."""

from datetime import datetime
from typing import Any
from uuid import UUID

from django.db.models import Q

from accounts.factors import user_has_second_factor
from accounts.ids import new_id
from accounts.models import User
from orgs.errors import NotFoundError
from orgs.models import ApiKey, Membership
from orgs.models.applications import end_user_ref
from orgs.models.organizations import MemberStatus
from orgs.permissions import ANONYMOUS, Actor, ActorKind, OwnerRef, Permission, Power, Role, Scope, Standing, require
from orgs.queries.applications import get_application


def actor_for_user(user: User, *, organization_id: UUID | None = None, since: datetime | None = None) -> Actor:
    """The signed-in user as an actor, with their role in each organization as it is now.

    `organization_id` is the organization in whose name the request came: a membership there that has
    ended makes the actor nobody in it. `since` leaves out memberships that began later: what somebody
    asked for before they left does not come back to life when they return (check T24).
    """
    return Actor(
        kind=ActorKind.USER,
        organization_id=organization_id,
        standing=Standing.GOOD if user.is_active else Standing.SUSPENDED,
        **_who_and_where(user, since),
    )


def actor_for_support(user: User, granted: OwnerRef | None = None) -> Actor:
    """Somebody of the staff as support, whatever else they are: with their powers, and without any role.

    `granted` is an organization whose owner lets them look.
    """
    return Actor(
        kind=ActorKind.SUPPORT,
        user_id=user.id,
        username=user.username,
        label=user.display_name,
        organizations={granted.id: granted} if granted else {},
        organization_id=granted.id if granted else None,
        standing=Standing.GOOD if user.is_active and user.is_staff else Standing.SUSPENDED,
        powers=frozenset(power for power in Power if user.has_perm(power.value)),
        granted=frozenset({granted.id} if granted else ()),
    )


def actor_for_member(*, actor: Actor, owner: OwnerRef, user_id: UUID | None) -> Actor:
    """A member as an admin of the organization may ask about them: the organization is all that is in reach.

    There is no user ID in it, so that no query made with it can find anything personal, and no other
    organization. Somebody who left, who never belonged and who does not exist are not told apart.
    """
    if not owner.is_organization:
        raise NotFoundError("There are members in organizations only.")
    require(actor, Permission.MEMBERS_MANAGE, owner)
    rows = Membership.objects.of_organization(owner.id).exclude(status=MemberStatus.LEFT).with_factor()
    place = rows.select_related("user", "organization").filter(user_id=user_id).first() if user_id else None
    if place is None:
        raise NotFoundError("There is no such member here.")
    return _bound_to(place, owner)


def actor_for_end_users(*, actor: Actor, owner: OwnerRef, application_id: UUID | None) -> Actor:
    """A key of an application with one end user whom there is no row of, as those who manage it may ask about them."""
    if not owner.is_organization:
        raise NotFoundError("There are applications in organizations only.")
    require(actor, Permission.APPLICATIONS_MANAGE, owner)
    application = get_application(actor=actor, owner=owner, application_id=application_id)
    if application.has_ended:
        raise NotFoundError("This application has ended, so it runs nothing.")
    return Actor(
        kind=ActorKind.APPLICATION_KEY,
        label=f"An end user of {application.name}",
        organizations={owner.id: owner},
        organization_id=owner.id,
        is_bound=True,
        application_id=application.id,
        end_users=(end_user_ref(application, f"of {application.name}", new_id()),),
    )


def actors_for_members(*, actor: Actor, owner: OwnerRef, text: str = "", limit: int = 100) -> list[Actor]:
    """The active members as the organization's admins may ask about them, by name, with one query for all."""
    require(actor, Permission.MEMBERS_MANAGE, owner)
    fits = Q(user__name__icontains=text) | Q(user__username__icontains=text)
    rows = Membership.objects.of_organization(owner.id).active().with_factor().filter(fits)
    places = sorted(rows.select_related("user", "organization"), key=lambda row: row.user.display_name.casefold())
    return [_bound_to(place, owner) for place in places[:limit]]


def _bound_to(place: Any, owner: OwnerRef) -> Actor:
    """A member with nothing in reach but this organization. Needs `has_factor`."""
    lacks = place.organization.requires_factor and not place.has_factor
    return Actor(
        kind=ActorKind.USER,
        label=place.user.display_name,
        roles={owner.id: Role(place.role)} if place.status == MemberStatus.ACTIVE else {},
        organizations={owner.id: owner},
        lacks_factor=frozenset({owner.id} if lacks else ()),
        organization_id=owner.id,
        is_bound=True,
        stands_for=place.user_id,
        standing=Standing.GOOD if place.user.is_active else Standing.SUSPENDED,
    )


def actor_for_key(key: ApiKey, *, is_live: bool, since: datetime | None = None) -> Actor:
    """An API key as an actor. A personal key is its user; the keys of an organization have no user (check K3)."""
    standing = Standing.GOOD if is_live else Standing.REVOKED
    scopes = frozenset(Scope(scope) for scope in key.scopes)
    organization, application = key.owner.organization, key.application
    if organization is not None:
        if application is not None and application.has_ended:
            standing = Standing.REVOKED
        return Actor(
            kind=ActorKind.APPLICATION_KEY if application else ActorKind.ORGANIZATION_KEY,
            label=key.name,
            organizations={organization.id: organization.ref},
            organization_id=organization.id,
            is_bound=True,
            scopes=scopes,
            standing=standing,
            key_id=key.id,
            application_id=application.id if application else None,
        )
    return _actor_for_personal_key(key, scopes, standing, since)


def _actor_for_personal_key(key: ApiKey, scopes: frozenset[Scope], standing: Standing, since: datetime | None) -> Actor:
    user = key.owner.user
    if user is None:
        return ANONYMOUS
    return Actor(
        kind=ActorKind.USER_KEY,
        organization_id=key.organization_id,
        is_bound=key.organization_id is not None,
        scopes=scopes,
        standing=standing if user.is_active else Standing.SUSPENDED,
        key_id=key.id,
        **_who_and_where(user, since),
    )


def _who_and_where(user: User, since: datetime | None) -> dict[str, Any]:
    """A user as an actor has them: their names, and where they belong, by organization."""
    active = Membership.objects.active().of_user(user.id)
    if since is not None:
        active = active.filter(joined_at__lte=since)
    places = list(active.select_related("organization").order_by("organization__name", "id"))
    return {
        "user_id": user.id,
        "username": user.username,
        "label": user.display_name,
        "roles": {place.organization_id: Role(place.role) for place in places},
        "organizations": {place.organization_id: place.organization.ref for place in places},
        "lacks_factor": _lacking(user.id, places),
        "invites_in": frozenset(place.organization_id for place in places if place.organization.members_may_invite),
    }


def _lacking(user_id: UUID, places: list[Membership]) -> frozenset[UUID]:
    """The organizations that require a second factor, when the user has none: asked only where one is required."""
    strict = frozenset(place.organization_id for place in places if place.organization.requires_factor)
    return strict if strict and not user_has_second_factor(user_id) else frozenset()
