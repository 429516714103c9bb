"""Connecting: choose a toolkit, and the consent page, from which it goes to the provider."""

from http import HTTPStatus
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_http_methods, require_safe

from accounts.htmx import lead_to, wants_fragment
from accounts.ids import from_text
from accounts.reauthentication import ask_again, is_freshly_signed_in
from integrations.forms.connections import ConnectForm
from integrations.queries.audience import audience_of
from integrations.queries.connect_links import link_for_consent
from integrations.queries.connections import get_connection
from integrations.queries.consent_requests import RequestDetail, get_consent_request, standing_of
from integrations.queries.lost_tools import tools_lost
from integrations.queries.ways import NO_SUCH_WAY, ToolkitWays, Way, consent_for, get_ways, list_ways
from integrations.services.connections import (
    ConnectionPlan,
    connect_with_fields,
    start_connection,
)
from integrations.views.connections import read_id
from integrations.views.endings import lines_about_lost, tell_connected
from orgs.addresses import local_path, owner_url
from orgs.decorators import OwnedRequest, for_owner
from orgs.errors import DomainError, NotFoundError
from orgs.permissions import Actor, Permission, can, require


@for_owner(Permission.CONNECTED_ACCOUNTS_READ)
@require_safe
def choose(request: OwnedRequest) -> HttpResponse:
    context = {
        "listed": list_ways(actor=request.actor, owner=request.owner),
        "audience": audience_of(actor=request.actor, owner=request.owner),
    }
    return render(request, "integrations/connections/choose.html", context)


@for_owner(Permission.CONNECTED_ACCOUNTS_READ)
@require_http_methods(["GET", "HEAD", "POST"])
def consent(request: OwnedRequest, toolkit: str) -> HttpResponse:
    """GET says what would happen; POST agrees to it. Nothing is stored before that (check O30)."""
    asked = request.POST if request.method == "POST" else request.GET
    if request.method == "POST":
        require(request.actor, Permission.CONNECTED_ACCOUNTS_MANAGE, request.owner)
    if _must_confirm(request):
        return ask_again(request)
    found = get_ways(actor=request.actor, owner=request.owner, toolkit=toolkit)
    way = _way(found, asked.get("way", ""), reconnects=bool(asked.get("reconnect")))
    if way is None:
        return render(request, "integrations/connections/not_set_up.html", {"found": found, **_rights(request)})
    wish = _answered(request, asked.get("request", "")) or _standing(request, way)
    form = _form(request, way, wish)
    answers = _answers(form, wish)
    if request.method == "POST" and form.is_valid():
        try:
            return _connect(request, way, form, answers)
        except DomainError as error:
            if error.status in {HTTPStatus.NOT_FOUND, HTTPStatus.FORBIDDEN}:
                raise
            form.add_domain_error(error.field, error.message)
    return _consent_page(request, found, way, form, wish)


def _answered(request: OwnedRequest, text: str) -> RequestDetail | None:
    """What members asked for, when connecting is to answer that."""
    if not text:
        return None
    return get_consent_request(actor=request.actor, owner=request.owner, consent_id=from_text("rq", text))


def _standing(request: OwnedRequest, way: Way) -> RequestDetail | None:
    """What members have asked for already, when somebody who decides comes to connect it without being led here."""
    reading: dict[str, Any] = {"actor": request.actor, "owner": request.owner}
    is_new = request.method != "POST" and not request.GET.get("reconnect")
    if not (is_new and request.owner.is_organization and can(request.actor, Permission.REQUESTS_DECIDE, request.owner)):
        return None
    found = standing_of(**reading, toolkit=way.auth_config.toolkit, account=None).request
    return get_consent_request(**reading, consent_id=found.id) if found and found.is_open else None


def _answers(form: ConnectForm, wish: RequestDetail | None) -> RequestDetail | None:
    """The request that connecting is to answer. What stands, but is for somebody else to decide, is told of alone."""
    return wish if form["request"].value() else None


def _must_confirm(request: OwnedRequest) -> bool:
    """Whoever connects for everybody has to have shown lately who they are (check W9); who only looks need not."""
    connects = can(request.actor, Permission.CONNECTED_ACCOUNTS_MANAGE, request.owner)
    return request.owner.is_organization and connects and not is_freshly_signed_in(request)


def _way(found: ToolkitWays, text: str, *, reconnects: bool) -> Way | None:
    """The way that is asked for. The one by which an account was connected may be gone: then another one will do."""
    asked = from_text("ac", text)
    way = found.way(asked) if asked or not text else None
    if way is None and text and not reconnects:
        raise NotFoundError(NO_SUCH_WAY)
    return way or found.way(None)


def _form(request: OwnedRequest, way: Way, wish: RequestDetail | None) -> ConnectForm:
    initial = {
        "way": way.auth_config.text_id,
        "reconnect": request.GET.get("reconnect", ""),
        "next": local_path(request.GET.get("next", "")),
        "tool": request.GET.get("tool", ""),
        "link": request.GET.get("link", ""),
        "alias": _name_of(_link(request, request.GET.get("link", ""))),
        "request": request.GET.get("request", "") or (wish.row.text_id if wish and wish.approval.may else ""),
    }
    data = request.POST if request.method == "POST" else None
    is_new = not (request.POST if data else request.GET).get("reconnect")
    has_policies = request.owner.is_organization and is_new
    return ConnectForm(data, fields=way.entry.get("fields", []), initial=initial, has_policies=has_policies)


def _connect(request: OwnedRequest, way: Way, form: ConnectForm, answers: RequestDetail | None) -> HttpResponse:
    acting: dict[str, Any] = {"actor": request.actor, "owner": request.owner, "now": timezone.now()}
    link = _link(request, form["link"].value())
    plan = ConnectionPlan(
        toolkit=way.auth_config.toolkit.slug,
        auth_config_id=way.auth_config.id,
        alias=form.cleaned_data["alias"],
        reconnects=read_id(form.cleaned_data["reconnect"]) if form.cleaned_data["reconnect"] else None,
        link=link.id if link else None,
        return_path=reverse("connect_link_done", args=[link.text_id]) if link else form.cleaned_data["next"],
        tool=form.cleaned_data["tool"],
        consent_request=answers.row.id if answers else None,
        preset=form.cleaned_data.get("preset", ""),
    )
    if way.is_oauth:
        return _go(request, start_connection(**acting, plan=plan, browser_session=request.session.session_key or ""))
    stored = connect_with_fields(**acting, plan=plan, values=form.values)
    tell_connected(request, stored)
    there = owner_url(request.owner, "connection", account_id=stored.account.text_id)
    return _go(request, plan.return_path or there)


def _name_of(link: Any) -> str:
    """What the program that made the link calls the account; the person may call it something else."""
    return str(link.alias) if link else ""


def _link(request: OwnedRequest, text: str | None) -> Any:
    """The connect link that led here; NotFoundError for one that is not this person's."""
    found = link_for_consent(actor=request.actor, owner=request.owner, link_id=from_text("ca", text or ""))
    if text and found is None:
        raise NotFoundError("This link is not one of yours, or it is over.")
    return found


def _go(request: HttpRequest, url: str) -> HttpResponse:
    """htmx is told where to go: a navigation by script is not bound by the page's form-action."""
    return lead_to(request, url)


def _consent_page(
    request: OwnedRequest, found: ToolkitWays, way: Way, form: ConnectForm, wish: RequestDetail | None
) -> HttpResponse:
    answers = _answers(form, wish)
    reading: dict[str, Any] = {"actor": request.actor, "owner": request.owner}
    audience = audience_of(**reading)
    context = {
        "found": found,
        "way": way,
        "form": form,
        "consent": consent_for(**reading, way=way, tools=_wanted(form, answers)),
        "audience": audience,
        "answers": answers,
        "standing": None if answers else wish,
        "link": _link(request, form["link"].value()),
        "reconnects": _reconnects(request, form["reconnect"].value() or ""),
        **_rights(request),
    }
    stops = _tools_that_stop(request.actor, way, context)
    context["stops"] = [tool.name for tool in stops]
    context["stop_lines"] = lines_about_lost(stops, context["reconnects"], **reading, now=timezone.now())
    template = "_consent_form" if wants_fragment(request) else "consent"
    status = HTTPStatus.UNPROCESSABLE_ENTITY if form.errors else HTTPStatus.OK
    response = render(request, f"integrations/connections/{template}.html", context, status=status)
    if way.is_oauth and way.origin and audience.may_manage:
        # Chromium holds a form's redirects to form-action: this page alone may send its form on to this provider.
        response._csp_update = {"form-action": [way.origin]}  # type: ignore[attr-defined]  # noqa: SLF001  # django-csp's way
    return response


def _rights(request: OwnedRequest) -> dict[str, bool]:
    """Whether the reader may bring an OAuth app of the organization's own."""
    return {"may_bring": can(request.actor, Permission.AUTH_CONFIGS_MANAGE, request.owner)}


def _reconnects(request: OwnedRequest, text: str) -> Any:
    """The account that is connected anew, or None for a new one."""
    reading: dict[str, Any] = {"actor": request.actor, "owner": request.owner}
    return get_connection(**reading, account_id=read_id(text)) if text else None


def _tools_that_stop(actor: Actor, way: Way, context: dict[str, Any]) -> list[Any]:
    """Before a reconnect that asks for less than the account has now."""
    account = context["reconnects"]
    if account is None or not way.is_oauth:
        return []
    asked = {scope for scope, _words in context["consent"].scopes} | set(way.entry.get("base_scopes", []))
    return tools_lost(actor=actor, account=account, scopes=asked)


def _wanted(form: ConnectForm, answers: RequestDetail | None) -> list[str]:
    """The tools that must be able to run, although they may need more than the usual."""
    asked = [tool.slug for _effect, some in answers.wanted for tool in some] if answers else []
    return [form["tool"].value() or "", *asked]
