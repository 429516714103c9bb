"""Connect links of end users: who asks, the way to the provider, whose account came back, the way on."""

import secrets
from http import HTTPStatus
from typing import Any, Final
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit
from uuid import UUID

from django.conf import settings
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_http_methods

from accounts.ids import from_text
from integrations.forms.connections import ConnectForm
from integrations.queries.ways import NO_SUCH_WAY, Way, consent_for, get_ways
from integrations.services.connections import (
    ConnectionPlan,
    confirm_connection,
    connect_with_fields,
    discard_connection,
    finish_connection,
    pending_identity,
    start_connection,
)
from integrations.services.connections.guests import (
    guest_actor,
    guest_link,
    guest_link_of,
    guest_request,
    take_link,
)
from integrations.services.connections.links import fail_link
from orgs.decorators import public
from orgs.errors import ConflictError, DomainError, NotFoundError
from orgs.permissions import Actor

COOKIE: Final = "connect_browser"
HOURS: Final = 60 * 60
ENDED: Final = {"finished": "success", "failed": "failed"}
DISCARDED: Final = "It was the wrong account."


@public
@require_http_methods(["GET", "HEAD", "POST"])
def landing(request: HttpRequest, token: str) -> HttpResponse:
    """GET says who asks for what; POST agrees to it. Nothing is begun before that."""
    now, browser = timezone.now(), _browser(request)
    try:
        link, actor = guest_link(actor=None, token=token, browser=browser, now=now)
    except NotFoundError as error:
        return _gone(request, error)
    if not link.is_open(now):
        return _gone_or_on(request, link)
    way = _way(actor, link)
    form = _form(request, way, link)
    if request.method == "POST" and form.is_valid():
        browser = browser or secrets.token_urlsafe(32)
        try:
            response: HttpResponse = HttpResponseRedirect(_begin(link, actor, way, form, browser))
        except DomainError as error:  # the link is this browser's by now: it may try again
            form.add_domain_error(error.field, error.message)
            response = _landing_page(request, link, actor, way, form)
        return _remembering(response, browser)
    return _landing_page(request, link, actor, way, form)


def _landing_page(request: HttpRequest, link: Any, actor: Actor, way: Way, form: ConnectForm) -> HttpResponse:
    context = {
        **_about(link),
        "way": way,
        "form": form,
        "consent": consent_for(actor=actor, owner=link.owner.ref, way=way),
    }
    status = HTTPStatus.UNPROCESSABLE_ENTITY if form.errors else HTTPStatus.OK
    response = render(request, "integrations/connections/guest.html", context, status=status)
    return _sends_to(response, way.origin if way.is_oauth else "", link.callback_url)


def _begin(link: Any, actor: Actor, way: Way, form: ConnectForm, browser: str) -> str:
    """Where the browser goes on, which takes the link: to the provider; a key or token is checked at once."""
    now = timezone.now()
    take_link(link, actor=actor, browser=browser, now=now)
    acting: dict[str, Any] = {"actor": actor, "owner": link.owner.ref, "now": now}
    plan = ConnectionPlan(
        toolkit=link.auth_config.toolkit.slug,
        auth_config_id=link.auth_config_id,
        alias=link.alias,
        reconnects=link.reconnects_id,
        link=link.id,
    )
    if way.is_oauth:
        return start_connection(**acting, plan=plan, browser_session=browser)
    connect_with_fields(**acting, plan=plan, values=form.values)
    return reverse("end_user_identity", args=[link.text_id])


def _remembering(response: HttpResponse, browser: str) -> HttpResponse:
    response.set_cookie(
        COOKIE, browser, max_age=HOURS, httponly=True, samesite="Lax", secure=settings.SESSION_COOKIE_SECURE
    )
    return response


def finish_as_end_user(request: HttpRequest, auth_config_id: UUID, params: dict[str, str]) -> HttpResponse | None:
    """The browser came back from the provider: where an end user goes on. None when the sign-in is none of theirs."""
    now, browser = timezone.now(), _browser(request)
    try:
        actor = guest_actor(actor=None, state=params.get("state", ""), browser=browser, now=now)
        if actor is None:
            return None
        begun: Any = finish_connection(actor=actor, auth_config_id=auth_config_id, params=params, now=now).request
    except DomainError as error:
        if error.details is None:  # nothing was begun here, or it is over
            return _gone(request, error)
        begun = error.details
    return redirect("end_user_identity", account_id=begun.link.text_id)


@public
@require_http_methods(["GET", "HEAD", "POST"])
def identity(request: HttpRequest, account_id: str) -> HttpResponse:
    """Whose account came back, before it is connected; and afterwards the way on to the application."""
    now, browser = timezone.now(), _browser(request)
    try:
        link, actor = guest_link_of(actor=None, account_id=from_text("ca", account_id), browser=browser, now=now)
    except NotFoundError as error:
        return _gone(request, error)
    begun = guest_request(link, actor=actor)
    if begun is None:
        return _gone_or_on(request, link)
    if request.method == "POST":
        return _decide(request, link, actor, begun)
    context = {
        **_about(link),
        "identity": pending_identity(actor=actor, request=begun, now=now).identity,
    }
    return _sends_to(render(request, "integrations/connections/guest_identity.html", context), link.callback_url)


def _decide(request: HttpRequest, link: Any, actor: Actor, begun: Any) -> HttpResponse:
    deciding: dict[str, Any] = {"actor": actor, "owner": link.owner.ref, "request": begun, "now": timezone.now()}
    try:
        if request.POST.get("decision") == "confirm":
            confirm_connection(**deciding)
        else:
            discard_connection(**deciding)
            fail_link(link.id, DISCARDED, actor=actor, owner=link.owner.ref)
    except ConflictError:  # it is over: the page says how
        pass
    return redirect(request.path)


def _gone_or_on(request: HttpRequest, link: Any) -> HttpResponse:
    """How it ended: on to the application's own address where there is one, else told here."""
    if link.callback_url and link.status in ENDED:
        return HttpResponseRedirect(_onward(link))
    return render(request, "integrations/connections/guest_end.html", _about(link))


def _about(link: Any) -> dict[str, Any]:
    return {"link": link, "application": link.owner.end_user.application, "toolkit": link.auth_config.toolkit}


def _onward(link: Any) -> str:
    """The application's own address, told how it ended and which account it is."""
    parts = urlsplit(link.callback_url)
    query = [*parse_qsl(parts.query, keep_blank_values=True), ("status", ENDED[link.status])]
    query.append(("connected_account_id", (link.connected_account or link).text_id))
    return str(urlunsplit(parts._replace(query=urlencode(query))))


def _gone(request: HttpRequest, error: DomainError) -> HttpResponse:
    return render(request, "integrations/connections/guest_gone.html", {"error": error}, status=error.status)


def _way(actor: Actor, link: Any) -> Way:
    found = get_ways(actor=actor, owner=link.owner.ref, toolkit=link.auth_config.toolkit.slug)
    way = found.way(link.auth_config_id)
    if way is None:
        raise NotFoundError(NO_SUCH_WAY)
    return way


def _form(request: HttpRequest, way: Way, link: Any) -> ConnectForm:
    data = {**request.POST.dict(), "way": way.auth_config.text_id} if request.method == "POST" else None
    initial = {"way": way.auth_config.text_id, "alias": link.alias}
    return ConnectForm(data, fields=way.entry.get("fields", []), initial=initial, has_policies=False)


def _browser(request: HttpRequest) -> str:
    return str(request.COOKIES.get(COOKIE, ""))


def _sends_to(response: HttpResponse, *urls: str) -> HttpResponse:
    """Chromium holds a form's redirects to form-action: these pages alone may send theirs on to there."""
    origins = [f"{parts.scheme}://{parts.netloc}" for url in urls if url and (parts := urlsplit(url))]
    if origins:
        response._csp_update = {"form-action": origins}  # type: ignore[attr-defined]  # noqa: SLF001  # django-csp's way
    response["Referrer-Policy"] = "same-origin"  # no-referrer would make the form's Origin null
    return response
