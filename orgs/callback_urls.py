"""Addresses outside to which a person may be led back after connecting an account."""

from collections.abc import Sequence
from typing import Final
from urllib.parse import urlsplit, urlunsplit

from orgs.errors import DomainError

CALLBACK_LENGTH: Final = 500
LOOPBACK: Final = frozenset({"localhost", "127.0.0.1", "::1"})


def checked_callback(url: str, *, field: str = "callback_url") -> str:
    """Where the person may be led afterwards: https, or plain http on their own machine; nothing else."""
    if not url:
        return ""
    try:
        parts = urlsplit(url)
        is_fit = parts.scheme == "https" or (parts.scheme == "http" and parts.hostname in LOOPBACK)
        is_fit = is_fit and bool(parts.hostname) and parts.username is None and parts.port != 0
    except ValueError:
        is_fit = False
    if not is_fit or len(url) > CALLBACK_LENGTH or not url.isascii() or any(char in url for char in " \\\t\r\n"):
        message = "A callback URL begins with https://, or with http:// on this machine, and holds no password."
        raise DomainError(message, code="callback_url_invalid", field=field)
    return url


def is_registered(url: str, registered: Sequence[str]) -> bool:
    """Scheme, host, port and path are exactly those of a registered one (RFC 9700 section 4.1); the query is free."""
    return _without_query(url) in {_without_query(one) for one in registered}


def _without_query(url: str) -> str:
    return urlunsplit(urlsplit(url)._replace(query="", fragment=""))
