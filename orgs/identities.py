"""What stands around every page: as whom one may act, and where one can go as the current one."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import Final, cast

from django.http import HttpRequest
from django.utils import timezone
from django.utils.functional import SimpleLazyObject

from accounts.models import User
from orgs.addresses import owner_url, owner_url_if_any, same_page_for
from orgs.models import Deletion
from orgs.permissions import ROLE_LABELS, Actor, ActorKind, OwnerKind, OwnerRef, Permission, can
from orgs.queries.actors import actor_for_user
from orgs.queries.banners import NONE as NO_BANNERS
from orgs.queries.banners import Banners, banners_above
from orgs.queries.deletions import announced_deletion
from orgs.queries.notices import count_unread
from orgs.support_looks import PAGES, is_support

# Label, name of the page, icon. A page that an owner does not have is left out: a person has no members.
SECTIONS: Final = (
    ("Home", "home", "home"),
    ("Tools", "tools", "wrench-screwdriver"),
    ("Connections", "connections", "link"),
    ("Requests", "requests", "hand-raised"),
    ("Runs", "runs", "play-circle"),
    ("Sessions", "sessions", "cpu-chip"),
    ("Why can't I…?", "explain", "question-mark-circle"),
    ("Members", "members", "users"),
    ("Approvals", "approvals", "clipboard-document-check"),
    ("Policies", "policies", "shield-check"),
    ("Auth configs", "auth_configs", "finger-print"),
    ("API keys", "api_keys", "key"),
    ("Applications", "applications", "squares-2x2"),
    ("Webhooks", "webhooks", "paper-airplane"),
    ("Audit log", "audit", "clipboard-document-list"),
    ("Settings", "settings", "cog-6-tooth"),
)
# Above the first of the sections that are about an organization rather than about running tools: a person has none.
HEADINGS: Final = {"members": "Organization"}
# Sections that not everybody may open: they are left out for whoever would be turned away.
CLOSED_SECTIONS: Final = {
    "audit": Permission.AUDIT_READ,
    "api": Permission.API_KEYS_MANAGE,
    "webhooks": Permission.WEBHOOKS_MANAGE,
    "webhook": Permission.WEBHOOKS_MANAGE,
    "auth": Permission.AUTH_CONFIGS_MANAGE,
    "approvals": Permission.APPROVALS_DECIDE,
    "policy": Permission.POLICIES_MANAGE,  # the pages that change them
}


@dataclass(frozen=True)
class Identity:
    """One entry of the identity switch. `role` is empty for oneself."""

    label: str
    kind: str
    url: str
    is_current: bool
    role: str = ""


@dataclass(frozen=True)
class NavItem:
    """One entry of the navigation."""

    label: str
    url: str
    icon: str
    is_current: bool
    heading: str = ""  # what stands above it, where a group begins
    name: str = ""  # of its page: what may be counted there


def current_actor(request: HttpRequest) -> Actor | None:
    """The actor that the view's decorator found, else the signed-in user; None when nobody is signed in."""
    actor = getattr(request, "actor", None)
    if actor is not None:
        return cast("Actor", actor)
    user = getattr(request, "user", None)
    return actor_for_user(cast("User", user)) if user is not None and user.is_authenticated else None


def unread_of(request: HttpRequest) -> int:
    """How many notices the signed-in person has not opened."""
    user = getattr(request, "user", None)
    if user is None or not user.is_authenticated:
        return 0
    return count_unread(actor=Actor(ActorKind.USER, user_id=user.id))


def identities_of(request: HttpRequest, actor: Actor | None) -> list[Identity]:
    """Oneself first, then one's organizations by name."""
    if actor is None:
        return []
    me = [OwnerRef(OwnerKind.USER, actor.user_id, actor.label)] if is_support(request) and actor.user_id else []
    return [_identity(request, actor, owner) for owner in (*me, *actor.reach())]


def _identity(request: HttpRequest, actor: Actor, owner: OwnerRef) -> Identity:
    role = actor.role_in(owner)
    return Identity(
        label=owner.label,
        kind=owner.kind.value,
        url=_same_page(request, actor, owner) or _same_section(request, actor, owner) or _first_open(actor, owner),
        is_current=owner == getattr(request, "owner", None),
        role=ROLE_LABELS[role].lower() if role else _support_label(actor, owner),
    )


def _support_label(actor: Actor, owner: OwnerRef) -> str:
    return "looking as support" if actor.kind is ActorKind.SUPPORT and owner.is_organization else ""


def _same_page(request: HttpRequest, actor: Actor, owner: OwnerRef) -> str:
    """A form that was sent is not a page to come back to."""
    match = request.resolver_match
    if request.method not in {"GET", "HEAD"} or (match and not _may_open(actor, owner, match.url_name or "")):
        return ""
    return same_page_for(owner, match)


def _same_section(request: HttpRequest, actor: Actor, owner: OwnerRef) -> str:
    here = getattr(request, "owner", None)
    name = next((name for _label, name, _icon in SECTIONS if here and _is_open(request, here, name)), "")
    return owner_url_if_any(owner, name) if name and _may_open(actor, owner, name) else ""


def _may_open(actor: Actor, owner: OwnerRef, name: str) -> bool:
    if actor.kind is ActorKind.SUPPORT and owner.is_organization and name not in PAGES:
        return False
    needed = CLOSED_SECTIONS.get(name.partition("_")[0])
    return needed is None or can(actor, needed, owner)


def nav_of(request: HttpRequest, actor: Actor | None) -> list[NavItem]:
    """The sections of the current owner; on a page of nobody's, those of the signed-in user."""
    owner = getattr(request, "owner", None) or (actor.as_owner if actor else None)
    if owner is None or actor is None:
        return []
    return [
        NavItem(label, url, icon, _is_open(request, owner, name), HEADINGS.get(name, ""), name)
        for label, name, icon in SECTIONS
        if _may_open(actor, owner, name) and (url := owner_url_if_any(owner, name))
    ]


def _is_open(request: HttpRequest, owner: OwnerRef, name: str) -> bool:
    url = owner_url_if_any(owner, name)
    if name == "home":
        return request.path == url
    return bool(url) and (request.path == url or request.path.startswith(f"{url.rstrip('/')}/"))


def first_page(owner: OwnerRef) -> str:
    """Where an owner's pages begin."""
    return owner_url(owner, SECTIONS[0][1])


def _first_open(actor: Actor, owner: OwnerRef) -> str:
    open_ones = [name for _label, name, _icon in SECTIONS if _may_open(actor, owner, name)]
    return owner_url(owner, open_ones[0])


def front_page(actor: Actor) -> str:
    """Where somebody begins: as themself."""
    return first_page(actor.as_owner or actor.reach()[0])


def frame_of(request: HttpRequest) -> tuple[Sequence[Identity], Sequence[NavItem]]:
    """Both, worked out when a template asks, with one query at most."""

    @cache
    def actor() -> Actor | None:
        return current_actor(request)

    return (
        cast("Sequence[Identity]", SimpleLazyObject(lambda: identities_of(request, actor()))),
        cast("Sequence[NavItem]", SimpleLazyObject(lambda: nav_of(request, actor()))),
    )


def banners_of(request: HttpRequest) -> Banners:
    """What stands above this page: it has to be an organization's, and the reader let in there."""
    owner, actor = getattr(request, "owner", None), getattr(request, "actor", None)
    if owner is None or actor is None or not owner.is_organization:
        return NO_BANNERS
    if not can(actor, Permission.ORGANIZATION_READ, owner):
        return NO_BANNERS
    return banners_above(actor=actor, owner=owner, now=timezone.now())


def countdown_of(request: HttpRequest) -> Deletion | None:
    """The countdown of the organization whose page this is, for its members."""
    return announced_deletion(actor=request.actor, owner=request.owner)  # type: ignore[attr-defined]  # an OwnedRequest
