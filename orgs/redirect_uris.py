"""Where an MCP client may be sent back to: https, or a program on the very computer (RFC 8252). Values only."""

import re
from ipaddress import ip_address
from typing import Final
from urllib.parse import SplitResult, urlsplit

LONGEST: Final = 500
PRINTABLE: Final = re.compile(r"[\x21-\x7e]+")  # nothing that a header or a page could read in two ways
SENTENCE: Final = "must be a whole https address without a fragment, or http at 127.0.0.1, [::1] or localhost"


def is_acceptable(uri: object) -> bool:
    """Whether a client may register it."""
    if not isinstance(uri, str) or len(uri) > LONGEST or not PRINTABLE.fullmatch(uri) or "\\" in uri or "#" in uri:
        return False
    parts = _split(uri)
    if parts is None or not parts.hostname or "@" in parts.netloc:
        return False
    return parts.scheme == "https" or (parts.scheme == "http" and _is_loopback(parts.hostname))


def is_registered(uri: str, registered: list[str]) -> bool:
    """The same text as registered; at a loopback address any port will do (RFC 8252 section 7.3, OAuth 2.1 2.3.1)."""
    return is_acceptable(uri) and any(uri == one or _differs_in_port_alone(uri, one) for one in registered)


def stays_here(uri: str) -> bool:
    """Whether it leads to a program on the person's own computer."""
    return _is_loopback(urlsplit(uri).hostname or "")


def origin_of(uri: str) -> str:
    parts = urlsplit(uri)
    return f"{parts.scheme}://{parts.netloc}"


def _differs_in_port_alone(uri: str, registered: str) -> bool:
    asked, known = _split(uri), _split(registered)
    if asked is None or known is None or asked.scheme != "http" or not _is_loopback(asked.hostname or ""):
        return False
    same = (asked.scheme, asked.hostname, asked.path, asked.query)
    return same == (known.scheme, known.hostname, known.path, known.query)


def _split(uri: str) -> SplitResult | None:
    try:
        parts = urlsplit(uri)
        _ = parts.port  # a number, and not too large
    except ValueError:
        return None
    return parts


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False
