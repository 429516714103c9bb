"""From a URL to (actor, owner): the courtesy check. Services and queries check again; that is the guarantee."""

from collections.abc import Callable
from dataclasses import replace
from functools import wraps
from typing import Any, Concatenate, Protocol, cast

from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, HttpResponse

from accounts.decorators import SIGNED_IN
from accounts.models import User
from accounts.reauthentication import ask_again, is_freshly_signed_in
from orgs.errors import NotFoundError
from orgs.permissions import Actor, ActorKind, OwnerKind, OwnerRef, Permission, require
from orgs.queries.actors import actor_for_user
from orgs.queries.owners import organization_by_slug
from orgs.support_looks import note_look, support_at

PUBLIC = "public"


class OwnedRequest(HttpRequest):
    """A request on a page that belongs to an owner."""

    user: User
    actor: Actor
    owner: OwnerRef


class SignedInRequest(HttpRequest):
    """A request by somebody who is signed in, on a page that belongs to nobody."""

    user: User
    actor: Actor


class View(Protocol):
    """A view that says which permission it needs."""

    required_permission: str

    def __call__(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse: ...


def for_owner(
    permission: Permission, *, without_factor: bool = False
) -> Callable[[Callable[Concatenate[Any, ...], HttpResponse]], View]:
    """`/me/…` is the signed-in user, `/orgs/<org>/…` that organization. 404 for strangers, 403 for small roles.

    `without_factor` opens the page also to members who lack the required second factor, with an actor who still can
    read nothing there.
    """

    def decorate(view: Callable[Concatenate[Any, ...], HttpResponse]) -> View:
        @wraps(view)
        def wrapped(request: HttpRequest, *args: Any, org: str = "", **kwargs: Any) -> HttpResponse:
            owned = cast("OwnedRequest", request)
            set_owner(owned, org)
            require(admitted_to(owned) if without_factor else owned.actor, permission, owned.owner)
            if owned.actor.kind is ActorKind.SUPPORT:
                note_look(owned, owned.actor, owned.owner)
            return view(request, *args, **kwargs)

        return _declare(wrapped, permission.value)

    return decorate


def admitted_to(request: OwnedRequest) -> Actor:
    """The actor as with a second factor in this organization: for the way out, which is open to all its members."""
    return replace(request.actor, lacks_factor=request.actor.lacks_factor - {request.owner.id})


def freshly_signed_in(view: Callable[..., HttpResponse]) -> Callable[..., HttpResponse]:
    """Below `for_owner` or `signed_in`: whoever has not shown for ten minutes who they are is asked to (check W9)."""

    @wraps(view)
    def wrapped(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        return view(request, *args, **kwargs) if is_freshly_signed_in(request) else ask_again(request)

    return wrapped


def signed_in(view: Callable[Concatenate[Any, ...], HttpResponse]) -> View:
    """Any signed-in user."""

    @wraps(view)
    def wrapped(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        cast("SignedInRequest", request).actor = actor_for_user(cast("User", request.user))
        return view(request, *args, **kwargs)

    return _declare(wrapped, SIGNED_IN)


def public(view: Callable[Concatenate[Any, ...], HttpResponse]) -> View:
    """Anybody, signed in or not. Each such view is listed in the permission matrix."""
    return _declare(cast("Any", login_not_required(view)), PUBLIC)


def set_owner(request: OwnedRequest, org: str) -> None:
    """Put actor and owner on the request; NotFoundError when the organization is not the user's.

    Staff who belong to it act as the members they are. Other staff look as support, if an owner lets them.
    """
    actor = actor_for_user(request.user)
    if not org:
        request.actor = actor
        request.owner = OwnerRef(OwnerKind.USER, request.user.id, request.user.display_name)
        return
    try:
        request.owner = organization_by_slug(actor=actor, slug=org)
    except NotFoundError:
        if not request.user.is_staff:
            raise
        request.actor, request.owner = support_at(request, org)
        return
    request.actor = replace(actor, organization_id=request.owner.id)


def _declare(view: Callable[..., HttpResponse], permission: str) -> View:
    declared = cast("Any", view)
    declared.required_permission = permission
    return cast("View", declared)
