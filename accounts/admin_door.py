"""The door of the admin site: where one may come from, how often, with a second factor, and for how long (check A4).

Staff sign in where everybody does. What is asked here comes on top of it, on every request.
"""

import time
from enum import StrEnum
from http import HTTPStatus
from ipaddress import IPv4Network, IPv6Network, ip_address
from typing import Any, Final
from urllib.parse import urlencode

import structlog
from allauth.account.adapter import get_adapter
from allauth.account.authentication import get_authentication_records
from allauth.core.ratelimit import respond_429
from allauth.mfa.models import Authenticator
from allauth.mfa.utils import is_mfa_enabled
from django.conf import settings
from django.core.cache import cache
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse

log = structlog.get_logger(__name__)
PER_MINUTE: Final = 120  # requests of one person, or of one address that nobody is signed in from
MINUTE: Final = 60
SEEN: Final = "admin_seen_at"  # in the session: when this door last let the person through
FACTORS: Final = [Authenticator.Type.TOTP, Authenticator.Type.WEBAUTHN]  # recovery codes come with one of them
Network = IPv4Network | IPv6Network


class Door(StrEnum):
    """How somebody of the staff stands before it."""

    OPEN = "open"
    NO_FACTOR = "no_factor"  # has none: sets one up first
    STALE = "stale"  # has one, and did not use it in this session, or too long ago


def door_of(request: HttpRequest) -> Door:
    """Whether the signed-in person proved a second factor within the last hours, and was not idle since."""
    if not is_mfa_enabled(request.user, types=FACTORS):
        return Door.NO_FACTOR
    records = get_authentication_records(request, request.user)
    proven = max((record["at"] for record in records if record["method"] == "mfa"), default=0)
    last_seen = max(proven, request.session.get(SEEN, 0))
    now = time.time()
    is_over = now - proven > settings.ADMIN_SESSION_HOURS * 60 * MINUTE
    is_idle = now - last_seen > settings.ADMIN_IDLE_MINUTES * MINUTE
    return Door.STALE if is_over or is_idle else Door.OPEN


def keep_open(request: HttpRequest) -> None:
    """Note that the person is still there; once a minute is enough."""
    now = int(time.time())
    if now - request.session.get(SEEN, 0) >= MINUTE:
        request.session[SEEN] = now


def turned_away(request: HttpRequest) -> HttpResponse | None:
    """The answer to a request that does not get through the door; None for one that does.

    Whoever is not of the staff is let through here: the admin site itself turns them away.
    """
    if not is_from_an_allowed_network(request):
        log.warning("admin.refused", reason="network")
        return render(request, "admin_door/network.html", status=HTTPStatus.FORBIDDEN)
    user: Any = request.user
    if _is_too_fast(f"user-{user.pk}" if user.is_authenticated else f"address-{_address(request)}"):
        log.warning("admin.refused", reason="pace")
        return respond_429(request)  # type: ignore[no-any-return]  # allauth ships no types
    if not (user.is_authenticated and user.is_staff):
        return None
    return _second_factor(request)


def _second_factor(request: HttpRequest) -> HttpResponse | None:
    door = door_of(request)
    if door is Door.OPEN:
        keep_open(request)
        return None
    if door is Door.NO_FACTOR:
        return render(request, "admin_door/second_factor.html", status=HTTPStatus.FORBIDDEN)
    return redirect(proof_url(request))


def proof_url(request: HttpRequest) -> str:
    """Where the second factor is asked for, and back to this page afterwards."""
    has_codes = is_mfa_enabled(request.user, types=[Authenticator.Type.TOTP])
    name = "mfa_reauthenticate" if has_codes else "mfa_reauthenticate_webauthn"
    return f"{reverse(name)}?{urlencode({'next': request.get_full_path()})}"


def is_from_an_allowed_network(request: HttpRequest) -> bool:
    networks: list[Network] = settings.ADMIN_ALLOWED_NETWORKS
    if not networks:
        return True
    try:
        address = ip_address(_address(request))
    except ValueError:
        return False
    return any(address in network for network in networks)


def _address(request: HttpRequest) -> str:
    return str(get_adapter().get_client_ip(request))


def _is_too_fast(who: str) -> bool:
    """A pace of its own, beside the throttles of signing in and of proving the second factor."""
    key = f"admin-door:{who}:{int(time.time()) // MINUTE}"
    cache.add(key, 0, timeout=2 * MINUTE)
    try:
        return bool(cache.incr(key) > PER_MINUTE)
    except ValueError:  # the cache was emptied in between
        return False


def to_password_page(_request: HttpRequest, **_options: Any) -> HttpResponse:
    return redirect("account_change_password")
