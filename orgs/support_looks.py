"""Support at the door of an organization: which pages are open to it, and the banner that everybody sees meanwhile."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final, cast

from django.http import HttpRequest
from django.utils import timezone

from accounts.admin_door import Door, door_of, keep_open
from accounts.ids import from_text
from accounts.models import User
from orgs.audit import Target
from orgs.errors import ForbiddenError
from orgs.models import SupportGrant
from orgs.permissions import Actor, ActorKind, OwnerRef, Permission, can
from orgs.queries.actors import actor_for_support
from orgs.queries.support_grants import grant_to_look, running_grants
from orgs.services.support_grants import record_look

# By name, so that a page that is made tomorrow is closed until somebody has looked at what it shows.
PAGES: Final = frozenset({"connections", "connection", "runs", "run", "members", "audit", "audit_event", "support"})
READING: Final = frozenset({"GET", "HEAD"})
NOT_A_MEMBER: Final = "Support staff look after organizations in the admin site, not as a member."
NOT_HERE: Final = "Support may look at members, connections, runs and the audit log here, and at nothing else."
PROVE_FIRST: Final = "Open the admin site first and use your second factor there. Then come back to this page."


def support_at(request: HttpRequest, slug: str) -> tuple[Actor, OwnerRef]:
    """The signed-in member of the staff as support in that organization; ForbiddenError without an owner's grant.

    The answer is the same for a real and an invented address.
    """
    user = cast("User", request.user)
    grant = grant_to_look(actor=actor_for_support(user), slug=slug, now=timezone.now())
    if grant is None:
        raise ForbiddenError(NOT_A_MEMBER)
    if door_of(request) is not Door.OPEN:
        raise ForbiddenError(PROVE_FIRST, code="second_factor_needed")
    keep_open(request)
    owner = grant.organization.ref
    return actor_for_support(user, granted=owner), owner


def note_look(request: HttpRequest, actor: Actor, owner: OwnerRef) -> None:
    """One record for a page that is open to support; ForbiddenError for every other, and for anything but looking."""
    match: Any = request.resolver_match
    name = (match.url_name if match else "") or ""
    if name not in PAGES or request.method not in READING:
        raise ForbiddenError(NOT_HERE, code="support_reads_only")
    record_look(actor=actor, owner=owner, target=_target(match), page=name, now=timezone.now())


def _target(match: Any) -> Target:
    """The address as it is in the URL map, with the organization and the ID of the thing, when it is one."""
    label, known = f"/{match.route}".replace("<slug:org>", str(match.kwargs.get("org", ""))), ""
    for name, value in match.kwargs.items():
        if name.endswith("_id") and from_text(str(value).partition("_")[0], str(value)):
            label, known = label.replace(f"<str:{name}>", str(value)), str(value)
    return Target("page", id=known, label=label)


@dataclass(frozen=True)
class Banner:
    """What stands on each page of an organization while support may look."""

    grants: Sequence[SupportGrant]
    may_end: bool
    is_looking: bool  # the reader is support

    @property
    def longest(self) -> SupportGrant:
        return self.grants[0]


def support_banner_of(request: HttpRequest) -> Banner | None:
    """For a page of an organization; None when support may not look any more."""
    actor: Actor = request.actor  # type: ignore[attr-defined]  # set by the view's decorator
    owner: OwnerRef = request.owner  # type: ignore[attr-defined]  # the same
    grants = running_grants(actor=actor, owner=owner, now=timezone.now())
    may_end = can(actor, Permission.SUPPORT_GRANTS_MANAGE, owner)
    return Banner(grants, may_end=may_end, is_looking=is_support(request)) if grants else None


def is_support(request: HttpRequest) -> bool:
    actor: Actor | None = getattr(request, "actor", None)
    return actor is not None and actor.kind is ActorKind.SUPPORT
