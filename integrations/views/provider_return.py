"""Connecting: the way back from the provider, and how it ended."""

from typing import Any, Final
from uuid import UUID

from django.contrib import messages
from django.contrib.auth.views import redirect_to_login
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_GET, require_http_methods

from accounts.ids import from_text
from integrations.queries.audience import audience_of
from integrations.queries.connections import get_request
from integrations.queries.takeover import could_take_over
from integrations.services.connections import (
    confirm_connection,
    discard_connection,
    finish_connection,
    keep_answer,
    kept_answer,
)
from integrations.views.end_user_links import finish_as_end_user
from integrations.views.endings import ending_of, tell_connected
from orgs.addresses import owner_url, owner_url_if_any
from orgs.decorators import OwnedRequest, for_owner, public
from orgs.errors import ConflictError, DomainError, ForbiddenError, NotFoundError
from orgs.permissions import ANONYMOUS, Actor, Permission, can
from orgs.queries.actors import actor_for_user

KEPT: Final = "oauth_answer"  # in the browser session, while somebody signs in on the way back
ANSWER_PARTS: Final = ("state", "code", "error", "iss")
PART_MAX_LENGTH: Final = 4096
REFUSED: Final = (
    "This sign-in was begun by somebody else, in another place, or it is over. Nothing was connected. "
    "Begin again from your own connections page."
)


@public
@require_GET  # not HEAD: what only looks at the address must not use it up
def callback(request: HttpRequest, auth_config_id: UUID) -> HttpResponse:
    """The provider sends the browser here. Whatever comes, the browser goes on to an address without code and state."""
    params = _answer(request, auth_config_id)
    if params and (answered := finish_as_end_user(request, auth_config_id, params)):
        return _clean(answered)
    if params and not request.user.is_authenticated:
        text = keep_answer(actor=ANONYMOUS, auth_config_id=auth_config_id, params=params)
        request.session[KEPT] = text
        return _clean(redirect_to_login(request.path))
    if not request.user.is_authenticated:
        return _clean(redirect_to_login(request.path))
    if not params:
        error = ForbiddenError(REFUSED, code="callback_refused")
        return _clean(render(request, "integrations/connections/refused.html", {"error": error}, status=error.status))
    return _clean(redirect(_finish(request, actor_for_user(request.user), auth_config_id, params)))


def _answer(request: HttpRequest, auth_config_id: UUID) -> dict[str, str]:
    """What the provider said: in the address, or kept from before the sign-in. A part that comes twice is believed
    neither time: two readers would read two different codes.
    """
    if request.GET:
        given = {name: request.GET.getlist(name) for name in ANSWER_PARTS if name in request.GET}
        plain = all(len(values) == 1 and len(values[0]) <= PART_MAX_LENGTH for values in given.values())
        return {name: values[0] for name, values in given.items()} if plain and given else {"state": ""}
    if not request.user.is_authenticated or KEPT not in request.session:
        return {}
    text = request.session.pop(KEPT)
    return kept_answer(actor=ANONYMOUS, auth_config_id=auth_config_id, text=text)


def _finish(request: HttpRequest, actor: Actor, auth_config_id: UUID, params: dict[str, str]) -> str:
    """Where to go on: the page of the request, which says how it ended, or the refusal."""
    try:
        finished = finish_connection(actor=actor, auth_config_id=auth_config_id, params=params, now=timezone.now())
    except DomainError as error:
        begun = error.details
        if begun is None:
            return reverse("oauth_callback", args=[auth_config_id])
        if not can(actor, Permission.CONNECTED_ACCOUNTS_MANAGE, begun.owner.ref):
            messages.error(request, f"Nothing was connected. {error.message}")
            return reverse("home")
    else:
        begun = finished.request
        if finished.account is not None:
            tell_connected(request, finished)
    return owner_url(begun.owner.ref, "connection_confirm", request_id=begun.text_id)


def _clean(response: HttpResponse) -> HttpResponse:
    response["Referrer-Policy"] = "no-referrer"
    return response


@for_owner(Permission.CONNECTED_ACCOUNTS_MANAGE)
@require_http_methods(["GET", "HEAD", "POST"])
def ending(request: OwnedRequest, request_id: str) -> HttpResponse:
    """How a connection ended; or, before it does, whose account came back and whether that is right."""
    acting: dict[str, Any] = {"actor": request.actor, "owner": request.owner}
    begun_id = from_text("cr", request_id)
    if begun_id is None:
        raise NotFoundError("There is no such connection request here.")
    begun = get_request(**acting, request_id=begun_id)
    if request.method == "POST":
        _decide(request, begun)
        return redirect(request.path)
    context = {"ending": ending_of(begun, actor=request.actor, now=timezone.now()), "begun": begun}
    context["audience"] = audience_of(**acting)
    context |= _left_open(request, begun)
    context["policies_url"] = owner_url_if_any(request.owner, "policy_change")
    return render(request, "integrations/connections/ending.html", context)


def _left_open(request: OwnedRequest, begun: Any) -> dict[str, Any]:
    """A hand-over that this connection did not end, because somebody else signed in; it can take that one's place."""
    old, new = begun.reconnects, begun.connected_account
    if old is None or new is None or old.id == new.id or old.handed_over_at is None:
        return {}
    possible = could_take_over(actor=request.actor, owner=request.owner, account=old)
    mine = [one for one in possible if one.id == new.id]
    return {"left_open": old, "replacements": mine} if mine else {}


def _decide(request: OwnedRequest, begun: Any) -> None:
    deciding: dict[str, Any] = {
        "actor": request.actor,
        "owner": request.owner,
        "request": begun,
        "now": timezone.now(),
    }
    try:
        if request.POST.get("decision") == "confirm":
            tell_connected(request, confirm_connection(**deciding))
        else:
            revocation = discard_connection(**deciding)
            told = messages.success if revocation.confirmed else messages.warning
            told(request, f"Nothing was connected. {revocation.detail}")
    except ConflictError as error:
        messages.warning(request, error.message)
