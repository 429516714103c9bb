"""The address of a page under an owner: the same page name lives under `/me/` and `/orgs/<slug>/`."""

import re
from typing import Any, Final

from django.urls import NoReverseMatch, ResolverMatch, reverse

from orgs.permissions import OwnerKind, OwnerRef

USER_PAGES: Final = "me"
ORGANIZATION_PAGES: Final = "org"
# Parts of an address that mean the same under every owner: the catalogue is everybody's.
SHARED_PARTS: Final = frozenset({"name", "tool", "toolkit", "tool_slug", "toolkit_slug"})
# One slash, then printable ASCII without a backslash: nothing that a browser reads as another host (check O14).
LOCAL_PATH: Final = re.compile(r"/(?![/\\])[\x21-\x5b\x5d-\x7e]{0,298}")


def local_path(text: str) -> str:
    """The text when it is a path on this site, else empty."""
    return text if LOCAL_PATH.fullmatch(text) else ""


def owner_url(owner: OwnerRef, name: str, /, **parts: Any) -> str:
    """The address of the page `name` for this owner; NoReverseMatch when that kind of owner has no such page."""
    if owner.kind is OwnerKind.END_USER:
        raise NoReverseMatch("An end user has no pages of their own.")
    if owner.is_organization:
        return reverse(f"{ORGANIZATION_PAGES}:{name}", kwargs={"org": owner.slug, **parts})
    return reverse(f"{USER_PAGES}:{name}", kwargs=parts)


def owner_url_if_any(owner: OwnerRef, name: str, /, **parts: Any) -> str:
    """The same, but empty when that kind of owner has no such page."""
    try:
        return owner_url(owner, name, **parts)
    except NoReverseMatch:
        return ""


def same_page_for(owner: OwnerRef, match: ResolverMatch | None) -> str:
    """The page that is open now, for another owner; empty when it shows something that is only this owner's."""
    if match is None or match.url_name is None or match.namespace not in {USER_PAGES, ORGANIZATION_PAGES}:
        return ""
    parts = {name: value for name, value in match.kwargs.items() if name != "org"}
    return owner_url_if_any(owner, match.url_name, **parts) if parts.keys() <= SHARED_PARTS else ""
