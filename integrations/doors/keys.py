"""Who is asking: an API key in a header, and nothing else (checks K1 to K11, W3)."""

import re
from datetime import datetime
from typing import Final

from allauth.account.adapter import get_adapter
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest
from django.utils import timezone

from integrations.doors.limits import check_address, count_wrong_key, spend
from orgs.errors import DomainError, UnauthenticatedError
from orgs.key_text import is_oauth_secret
from orgs.permissions import Actor, ActorKind, Standing, words
from orgs.queries.api_keys import actor_from_key
from orgs.queries.oauth import actor_from_access
from orgs.services.api_keys import note_key_use

HEADER: Final = "x-api-key"
KEY_SHAPE: Final = re.compile(r"sb_(?:(?:user|org|app)_[0-9a-f]{16}_[0-9a-f]{8,}|mcp_[0-9a-f]{64})")
MISPLACED: Final = (
    "An API key does not belong into the {place}: it would end up in logs and histories. "
    "Send it in the header x-api-key, and replace this one."
)


def identify(request: HttpRequest, text: str, *, audience: str = "") -> Actor:
    """The actor behind the key that came with the request; at the MCP address `audience` also behind a client's token.

    A token of a client is good there alone (RFC 8707), an API key wherever it reaches.
    """
    now = timezone.now()
    if HEADER in request.headers and "Authorization" in request.headers:
        raise UnauthenticatedError("Send one API key, not two: x-api-key or Authorization, not both.")
    actor = _known(request, text, audience, now)
    _check_standing(actor)
    request.auth = actor  # type: ignore[attr-defined]  # so that a refusal from here on is on record as theirs
    spend(actor, now)
    note_key_use(actor=actor, now=now)
    return actor


def _known(request: HttpRequest, text: str, audience: str, now: datetime) -> Actor:
    address = address_of(request)
    check_address(address, now)
    try:
        if audience and is_oauth_secret(text):
            return actor_from_access(secret=text, audience=audience, now=now)
        return actor_from_key(secret=text, now=now)
    except UnauthenticatedError:
        count_wrong_key(address, now)
        raise


def _check_standing(actor: Actor) -> None:
    if actor.standing is not Standing.GOOD or actor.kind is ActorKind.ANONYMOUS:
        raise UnauthenticatedError(words.unauthenticated(actor))
    if not actor.reach() or (actor.is_bound and actor.organization_id not in {one.id for one in actor.reach()}):
        raise UnauthenticatedError(words.MEMBERSHIP_ENDED, code="membership_ended")


def refuse_misplaced(request: HttpRequest) -> None:
    """A key in an address or a cookie is refused even beside a good one: it has leaked already (check K8)."""
    place = getattr(request, "key_in_cookie", "")
    if any(KEY_SHAPE.search(value) for values in request.GET.lists() for value in (values[0], *values[1])):
        place = "address"
    if not place and not _has_header(request) and _is_in_body(request):
        place = "body"
    if place:
        raise UnauthenticatedError(MISPLACED.format(place=place), code="api_key_misplaced")


def _has_header(request: HttpRequest) -> bool:
    return HEADER in request.headers or "Authorization" in request.headers


def _is_in_body(request: HttpRequest) -> bool:
    return KEY_SHAPE.search(request.body.decode("utf-8", "replace")) is not None


def address_of(request: HttpRequest) -> str:
    """Where the request came from, as far as the proxies in front are believed."""
    try:
        return str(get_adapter().get_client_ip(request))
    except (PermissionDenied, DomainError):
        return "unknown"
