"""Identifiers: UUIDv7 keys inside, a prefix and 32 hex digits at the edge."""

import re
from uuid import UUID

from uuid_utils.compat import uuid7

DIGITS = re.compile(r"[0-9a-f]{32}")  # one way to write each: UUID() also takes signs, spaces and underscores
# Of every kind of ID there is: nobody's username may read like one (check H3).
PREFIXES = (
    *("user", "org", "eu", "app", "key", "ac", "ca", "cr", "ex", "trs"),
    *("rq", "pol", "mem", "inv", "dom", "nt", "ev", "sup", "del", "wh", "msg"),
)


def new_id() -> UUID:
    """Return a fresh UUIDv7: random, and sorted by the moment it was made (RFC 9562 section 5.7)."""
    return uuid7()


def to_text(prefix: str, value: UUID) -> str:
    """Return the outside form of an ID: `to_text("ca", id)` is `ca_` and 32 hex digits."""
    return f"{prefix}_{value.hex}"


def from_text(prefix: str, text: str) -> UUID | None:
    """Return the UUID behind an outside ID, or None when the text is not one of this prefix."""
    head, _, tail = text.partition("_")
    return UUID(hex=tail) if head == prefix and DIGITS.fullmatch(tail) else None
