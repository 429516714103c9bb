"""Secrets and private data at rest.

A sealed value is bound to the table, row and field it was sealed for: moved to another row, it does
not open (check S7). Sealing and opening are explicit, so that one can search for where it happens.
"""

import json
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final
from uuid import UUID

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from django.conf import settings

UNREADABLE: Final = "A stored secret cannot be read with this installation's keys."


class SecretUnreadableError(Exception):
    """The key is missing, a bit was flipped, or the value was moved from another row."""

    def __init__(self) -> None:
        super().__init__(UNREADABLE)


@dataclass(frozen=True)
class Sealed:
    """A value that nobody can read without a key and its place."""

    text: str

    def __repr__(self) -> str:
        return "Sealed(***)"

    def __str__(self) -> str:
        return "***"


def seal(value: Any, *, table: str, row: UUID, field: str) -> Sealed:
    """Encrypt a JSON value with the newest key for one field of one row."""
    content = json.dumps({"for": _place(table, row, field), "value": value}, separators=(",", ":"))
    return Sealed(_fernet().encrypt(content.encode()).decode())


def unseal(sealed: Sealed, *, table: str, row: UUID, field: str) -> Any:
    """Decrypt; raise SecretUnreadableError for a wrong key, a damaged value or another place."""
    try:
        content = json.loads(_fernet().decrypt(sealed.text.encode()))
    except (InvalidToken, ValueError):
        raise SecretUnreadableError from None
    if content.get("for") != _place(table, row, field):
        raise SecretUnreadableError
    return content["value"]


def rotate(sealed: Sealed) -> Sealed:
    """Re-encrypt with the newest key; the place stays what it was."""
    try:
        return Sealed(_fernet().rotate(sealed.text.encode()).decode())
    except InvalidToken:
        raise SecretUnreadableError from None


def _place(table: str, row: UUID, field: str) -> str:
    return f"{table}|{row.hex}|{field}"


def _fernet() -> MultiFernet:
    return _fernet_of(tuple(settings.FIELD_ENCRYPTION_KEYS))


@lru_cache(maxsize=4)
def _fernet_of(keys: tuple[str, ...]) -> MultiFernet:
    return MultiFernet([Fernet(key) for key in keys])
