"""One's own notices. Nobody reads somebody else's."""

from collections.abc import Sequence
from datetime import datetime
from typing import Final

from orgs.models import Notice
from orgs.models.notices import NoticeQuerySet
from orgs.paging import Page, page_of
from orgs.permissions import Actor, OwnerRef, Permission, require

PAGE_SIZE: Final = 30
MOST_COUNTED: Final = 100


def list_notices(
    *, actor: Actor, only_unread: bool, before: str = "", after: str = "", limit: int = PAGE_SIZE
) -> Page[Notice]:
    """The actor's notices, newest first: those `before` an ID, those `after` one, or the newest."""
    rows = _own(actor).select_related("organization")
    rows = rows.unread() if only_unread else rows
    return page_of(rows, "nt", before=before, after=after, limit=limit)


def has_notices(*, actor: Actor) -> bool:
    return _own(actor).exists()


def count_unread(*, actor: Actor) -> int:
    """How many the actor has not opened; more than a hundred are counted as a hundred."""
    return _own(actor).unread()[:MOST_COUNTED].count()


def told_at(*, actor: Actor, owner: OwnerRef, paths: Sequence[str]) -> datetime | None:
    """When the people concerned were last told of one of these pages of an organization; None: not yet."""
    require(actor, Permission.ORGANIZATION_READ, owner)
    rows = Notice.objects.filter(organization_id=owner.id, path__in=paths).order_by("-id")
    return rows.values_list("created_at", flat=True).first()


def _own(actor: Actor) -> NoticeQuerySet:
    return Notice.objects.of_user(actor.user_id)
