"""Where requests may go: the rules for URLs, host names and addresses.

`ipaddress.is_global` alone is no guard: Python 3.11 calls NAT64, 6to4, site-local and
multicast addresses global. So the ranges are listed here, after the IANA special-purpose
registries, and of IPv6 only the global unicast block is open at all.
"""

from __future__ import annotations

import re
import socket
import threading
from collections.abc import Callable
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network
from queue import Empty, SimpleQueue
from urllib.parse import SplitResult, urlsplit

from integrations.engine.errors import NotSent, Refused

Address = IPv4Address | IPv6Address
Resolver = Callable[[str, int], list[str]]

DENIED_IPV4 = tuple(
    ip_network(text)
    for text in (
        "0.0.0.0/8",
        "10.0.0.0/8",
        "100.64.0.0/10",
        "127.0.0.0/8",
        "169.254.0.0/16",
        "172.16.0.0/12",
        "192.0.0.0/24",
        "192.0.2.0/24",
        "192.88.99.0/24",
        "192.168.0.0/16",
        "198.18.0.0/15",
        "198.51.100.0/24",
        "203.0.113.0/24",
        "224.0.0.0/4",
        "240.0.0.0/4",
    )
)
OPEN_IPV6 = ip_network("2000::/3")  # leaves out fc00::/7, fe80::/10, fec0::/10, ff00::/8 and NAT64's 64:ff9b::/96
DENIED_IPV6 = tuple(
    ip_network(text)
    for text in (
        "2001::/23",  # IETF protocol assignments, among them Teredo (2001::/32)
        "2001:db8::/32",
        "2002::/16",  # 6to4: an IPv4 address in disguise
        "3fff::/20",
    )
)
INTERNAL_SUFFIXES = ("localhost", "local", "localdomain", "internal", "home.arpa", "intranet", "lan", "corp")
HOST = re.compile(r"(?=.{1,253}\Z)[a-z0-9_]([a-z0-9_-]{0,62})(\.[a-z0-9_]([a-z0-9_-]{0,62}))+")
NUMERIC_LABEL = re.compile(r"(0x[0-9a-f]*|[0-9]+)")
PLAIN_URL = re.compile(r"[\x21-\x5b\x5d-\x7e]{1,8192}")  # printable ASCII without space and backslash

LOOKUP_SLOTS = threading.BoundedSemaphore(32)  # a dead resolver must not collect threads without end


@dataclass(frozen=True)
class Target:
    """A URL that may be asked, taken apart once so that nobody parses it differently later."""

    scheme: str
    host: str
    port: int
    path: str  # with the query

    @property
    def host_header(self) -> str:
        host = bracketed(self.host)
        return host if self.port == default_port(self.scheme) else f"{host}:{self.port}"


def default_port(scheme: str) -> int:
    return 443 if scheme == "https" else 80


def bracketed(host: str) -> str:
    return f"[{host}]" if ":" in host else host


def is_open_by_operator(host: str, port: int, allow: frozenset[str]) -> bool:
    """The allow-list opens the exact pair that it names, not the address behind it."""
    return f"{bracketed(host)}:{port}" in allow


def is_public(address: Address) -> bool:
    if isinstance(address, IPv4Address):
        return not any(address in network for network in DENIED_IPV4)
    if address.ipv4_mapped is not None:
        return is_public(address.ipv4_mapped)
    return address.scope_id is None and address in OPEN_IPV6 and not any(address in network for network in DENIED_IPV6)


def check_url(url: str, *, require_https: bool = True, allow: frozenset[str] = frozenset()) -> Target:
    """The target a URL stands for, or Refused. Asks no name server: that is for the moment of the call."""
    parts = _split(url)
    host, port = _host_and_port(parts)
    _check_scheme(parts.scheme, require_https=require_https)
    if not is_open_by_operator(host, port, allow):
        _check_port(parts.scheme, port)
        _check_host(host)
    query = f"?{parts.query}" if parts.query else ""
    return Target(parts.scheme, host, port, (parts.path or "/") + query)


def _split(url: str) -> SplitResult:
    if not PLAIN_URL.fullmatch(url):
        raise _refused("The URL holds characters that do not belong in a URL.")
    try:
        parts = urlsplit(url)
    except ValueError:
        raise _refused("The URL cannot be read.") from None
    if "@" in parts.netloc:
        raise _refused("The URL must not hold a user name or password.")
    if "#" in url:
        raise _refused("The URL must not hold a fragment.")
    return parts


def _host_and_port(parts: SplitResult) -> tuple[str, int]:
    try:
        port = default_port(parts.scheme) if parts.port is None else parts.port
    except ValueError:
        raise _refused("The URL's port is not a number from 1 to 65535.") from None
    host = (parts.hostname or "").removesuffix(".")
    if not host:
        raise _refused("The URL names no host.")
    return host, port


def _check_scheme(scheme: str, *, require_https: bool) -> None:
    if scheme not in ("https", "http"):
        raise _refused("Only https URLs can be called.")
    if require_https and scheme != "https":
        raise _refused("The URL must start with https://.")


def _check_port(scheme: str, port: int) -> None:
    if port != default_port(scheme):
        raise _refused("The URL's port is not open for outbound calls. Ask your operator to allow it.")


def _check_host(host: str) -> None:
    address = _literal(host)
    if address is not None:
        check_address(address)
        return
    labels = host.split(".")
    if not HOST.fullmatch(host) or NUMERIC_LABEL.fullmatch(labels[-1]):
        raise _refused("The URL's host is not a public host name.")
    if any(host.endswith(f".{suffix}") for suffix in INTERNAL_SUFFIXES):
        raise _refused("The URL's host is an internal name.")


def check_address(address: Address) -> None:
    if not is_public(address):
        raise _refused("The host is on a private or reserved network.")


def _refused(message: str) -> Refused:
    return Refused("refused_target", message)


def _literal(host: str) -> Address | None:
    try:
        return ip_address(host)
    except ValueError:
        return None


def system_resolver(host: str, port: int) -> list[str]:
    """Every address of a host, each once, in the order of the system's preference."""
    answers = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(answer[4][0]) for answer in answers))


def safe_addresses(host: str, port: int, *, allow: frozenset[str], resolver: Resolver, seconds: float) -> list[str]:
    """The addresses to connect to. One bad address among good ones condemns them all (DNS rebinding)."""
    literal = _literal(host)
    found = [str(literal)] if literal else _look_up(host, port, resolver, seconds)
    if not is_open_by_operator(host, port, allow):
        for text in found:
            check_address(ip_address(text))
    return found


def _look_up(host: str, port: int, resolver: Resolver, seconds: float) -> list[str]:
    """Ask the resolver in a thread of its own: getaddrinfo knows no deadline."""
    if not LOOKUP_SLOTS.acquire(blocking=False):
        raise NotSent("dns_failed", "Too many host names are being looked up. Nothing was sent.")
    answers: SimpleQueue[list[str]] = SimpleQueue()
    try:
        threading.Thread(target=_ask, args=(host, port, resolver, answers), daemon=True).start()
    except RuntimeError:  # the system has no thread left, so nobody else gives the slot back
        LOOKUP_SLOTS.release()
        raise NotSent("dns_failed", "The host name could not be looked up. Nothing was sent.") from None
    try:
        found = answers.get(timeout=max(seconds, 0.0))
    except Empty:
        raise NotSent("dns_timeout", "The host name was not resolved in time. Nothing was sent.") from None
    if not found:
        raise NotSent("dns_failed", "The host name could not be resolved. Nothing was sent.")
    return found


def _ask(host: str, port: int, resolver: Resolver, answers: SimpleQueue[list[str]]) -> None:
    found: list[str] = []
    try:
        found = resolver(host, port)
    except (OSError, UnicodeError):
        pass  # no answer is answer enough
    finally:
        LOOKUP_SLOTS.release()
    answers.put(found)
