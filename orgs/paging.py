"""Long lists, page by page: newest first, each page from an ID on, so that no number has to be counted to."""

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any, Final, Generic, TypeVar

from django.db.models import Model, QuerySet
from django.http import QueryDict

from accounts.ids import from_text, to_text

Row = TypeVar("Row", bound=Model)
PAGE_DIGITS: Final = 6


@dataclass(frozen=True)
class Page(Generic[Row]):
    """One page, newest first, and where the pages before and after it begin."""

    rows: list[Row]
    older: str = ""
    newer: str = ""


def page_of(rows: "QuerySet[Row, Row]", prefix: str, *, before: str = "", after: str = "", limit: int) -> Page[Row]:
    """The rows `before` an ID, those `after` one, or the newest. UUIDv7: the order of IDs is the order of time."""
    if start := from_text(prefix, after):
        found = list(rows.filter(id__gt=start).order_by("id")[: limit + 1])
        shown = found[:limit][::-1]
        return Page(shown, older=_id_of(shown[-1:], prefix), newer=_id_of(shown[:1], prefix) if found[limit:] else "")
    start = from_text(prefix, before)
    found = list((rows.filter(id__lt=start) if start else rows).order_by("-id")[: limit + 1])
    shown = found[:limit]
    older = _id_of(shown[-1:], prefix) if found[limit:] else ""
    return Page(shown, older=older, newer=_id_of(shown[:1], prefix) if start else "")


def _id_of(rows: list[Any], prefix: str) -> str:
    return to_text(prefix, rows[0].pk) if rows else ""


def page_url(query: QueryDict, filters: Collection[str], **place: str) -> str:
    """The same filters at another place of the list, as `before` or `after`; empty when there is none.

    Without a place it is the filters alone, as a link to something beside the list carries them.
    """
    if not all(place.values()):
        return ""
    kept = query.copy()
    for other in [name for name in kept if name not in filters]:
        del kept[other]
    kept.update(place)
    return f"?{kept.urlencode()}" if kept else ""


def page_number(query: QueryDict) -> int:
    """The page that is asked for by number, of a list whose order is not that of time; 1 for what is no number."""
    text = query.get("page", "")
    return max(1, int(text)) if text.isascii() and text.isdigit() and len(text) <= PAGE_DIGITS else 1
