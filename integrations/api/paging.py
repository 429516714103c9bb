"""Cursors: opaque, signed and good for the actor alone who got them (check W20)."""

from collections.abc import Sequence
from typing import Any, Final

from django.core import signing

from integrations.api.base import PageOut
from orgs.errors import DomainError
from orgs.permissions import Actor

MAX_LIMIT: Final = 200
SALT: Final = "integrations.api.cursor"


def bounded(limit: int) -> int:
    """Clients ask for 500 or 9999 when they mean all of it; they get a page, and a cursor to go on."""
    return min(limit, MAX_LIMIT)


def offset_of(cursor: str, *, actor: Actor, what: str) -> int:
    """Where the page begins that a cursor stands for; the start for an empty one."""
    return int(read_cursor(cursor, actor=actor, what=what) or 0)


def read_cursor(cursor: str, *, actor: Actor, what: str) -> Any:
    if not cursor:
        return None
    try:
        whose, of_what, place = signing.loads(cursor, salt=SALT)
    except (signing.BadSignature, ValueError, TypeError):
        raise _unknown_cursor() from None
    if whose != _mark(actor) or of_what != what:
        raise _unknown_cursor()
    return place


def make_cursor(place: Any, *, actor: Actor, what: str) -> str:
    return signing.dumps([_mark(actor), what, place], salt=SALT, compress=True)


def page_numbers(
    total: int, offset: int, limit: int, shown: Sequence[Any], *, actor: Actor, what: str
) -> dict[str, Any]:
    """The fields of a page beside its items."""
    after = offset + len(shown)
    numbers = PageOut(
        next_cursor=make_cursor(after, actor=actor, what=what) if shown and after < total else None,
        total_pages=max(1, -(-total // limit)),
        current_page=offset // limit + 1,
        total_items=total,
    )
    return numbers.dict()


def _mark(actor: Actor) -> str:
    return f"{actor.user_id.hex if actor.user_id else ''}:{actor.organization_id.hex if actor.organization_id else ''}"


def _unknown_cursor() -> DomainError:
    return DomainError("This cursor is not one of this list. Begin at the first page.", code="invalid_cursor")
