"""Requests: what members ask admins for. The desk of those who decide, one's own list, asking, one request."""

from http import HTTPStatus
from typing import Any, Final

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.http import require_http_methods, require_safe

from accounts.ids import from_text
from integrations.forms.requests import AskForm, DecisionForm, RequestFilterForm
from integrations.queries.audience import audience_of
from integrations.queries.connections import get_connection
from integrations.queries.consent_answers import candidates
from integrations.queries.consent_requests import (
    STATUS_CHOICES,
    RequestDetail,
    get_consent_request,
    has_requests,
    list_requests,
    standing_of,
    standings,
)
from integrations.queries.tools import get_toolkit, tools_by_effect
from integrations.queries.ways import consent_for, get_ways, list_ways
from integrations.services import consent
from integrations.views.connections import read_id
from orgs.addresses import owner_url
from orgs.decorators import OwnedRequest, for_owner
from orgs.errors import DomainError
from orgs.permissions import Permission, can
from orgs.queries.members import names_of_admins

OPEN: Final = "open"
DONE: Final = {
    "approve": "Approved. Everybody who asked is told.",
    "deny": "Denied. Everybody who asked is told why.",
    "block": "Blocked. Nobody can ask for this until the block is lifted, and everybody who asked is told why.",
    "lift": "The block is lifted. Members can ask again.",
    "reopen": "It is open again.",
    "withdraw": "You took it back.",
}


@for_owner(Permission.CONNECTED_ACCOUNTS_READ)
@require_safe
def index(request: OwnedRequest) -> HttpResponse:
    reading: dict[str, Any] = {"actor": request.actor, "owner": request.owner}
    decides = request.owner.is_organization and can(request.actor, Permission.REQUESTS_DECIDE, request.owner)
    form = RequestFilterForm(request.GET, usual=OPEN if decides else "")
    page = list_requests(**reading, filters=form.filters(), before=request.GET.get("before", ""))
    context = {
        "page": page,
        "form": form,
        "statuses": [("all", "Any"), *(one for one in STATUS_CHOICES if one[0] != OPEN)] if decides else STATUS_CHOICES,
        "decides": decides,
        "may_ask": can(request.actor, Permission.REQUESTS_MAKE, request.owner),
        "has_any": bool(page.rows) or has_requests(**reading),
        "older_url": _older_url(request, page.older),
    }
    return render(request, "integrations/requests/list.html", context)


def _older_url(request: OwnedRequest, older: str) -> str:
    query = request.GET.copy()
    query["before"] = older
    return f"?{query.urlencode()}" if older else ""


@for_owner(Permission.REQUESTS_MAKE)
@require_http_methods(["GET", "HEAD", "POST"])
def new(request: OwnedRequest) -> HttpResponse:
    """Ask for a connection or for access. Without a toolkit: choose one first."""
    asked = request.POST if request.method == "POST" else request.GET
    if not asked.get("toolkit"):
        return _choose(request, HTTPStatus.UNPROCESSABLE_ENTITY if request.method == "POST" else HTTPStatus.OK)
    page = _ask_page(request, asked.get("toolkit", ""), asked.get("account", ""))
    tools = [(tool.slug, tool.name) for _effect, some in page["tools"] for tool in some]
    initial = {"tools": request.GET.getlist("tool")}
    form = AskForm(request.POST if request.method == "POST" else None, tools=tools, initial=initial)
    if request.method == "POST" and form.is_valid():
        try:
            return _ask(request, page, form)
        except DomainError as error:
            form.add_error(None, error.message)
    status = HTTPStatus.UNPROCESSABLE_ENTITY if form.errors else HTTPStatus.OK
    return render(request, "integrations/requests/new.html", {**page, "form": form}, status=status)


def _choose(request: OwnedRequest, status: HTTPStatus) -> HttpResponse:
    reading: dict[str, Any] = {"actor": request.actor, "owner": request.owner}
    known = standings(**reading)
    listed = [(one, known.get((one.toolkit.id, None))) for one in list_ways(**reading) if one.needs_account]
    return render(request, "integrations/requests/choose.html", {"listed": listed}, status=status)


def _ask_page(request: OwnedRequest, slug: str, account_text: str) -> dict[str, Any]:
    reading: dict[str, Any] = {"actor": request.actor, "owner": request.owner}
    toolkit = get_toolkit(**reading, slug=slug)
    account = get_connection(**reading, account_id=read_id(account_text)) if account_text else None
    by_effect = tools_by_effect(**reading, toolkit_id=toolkit.id)
    return {
        "toolkit": toolkit,
        "account": account,
        "tools": [(effect, some) for effect, some in by_effect.items() if some],
        "standing": standing_of(**reading, toolkit=toolkit, account=account),
        "admins": names_of_admins(**reading),
        "may_connect": can(request.actor, Permission.CONNECTED_ACCOUNTS_MANAGE, request.owner),
    }


def _ask(request: OwnedRequest, page: dict[str, Any], form: AskForm) -> HttpResponse:
    wish = consent.Ask(
        toolkit=page["toolkit"].slug,
        reason=form.cleaned_data["reason"],
        tools=form.cleaned_data["tools"],
        account_id=page["account"].id if page["account"] else None,
    )
    asked = consent.ask_for(actor=request.actor, owner=request.owner, wish=wish, now=timezone.now())
    if asked.was_mine:
        told = "You had asked for this already. What you wrote and chose is kept anew."
    elif asked.is_new:
        told = f"Asked. The admins of {request.owner.label} are told, and you are told what they decide."
    else:
        told = "Others had asked for the same. You joined them, and are told what is decided."
    messages.success(request, told)
    return redirect(owner_url(request.owner, "request", consent_id=asked.request.text_id))


@for_owner(Permission.CONNECTED_ACCOUNTS_READ)
@require_http_methods(["GET", "HEAD", "POST"])
def detail(request: OwnedRequest, consent_id: str) -> HttpResponse:
    """One request. A POST decides it or takes one's own part back."""
    reading: dict[str, Any] = {"actor": request.actor, "owner": request.owner}
    found = get_consent_request(**reading, consent_id=from_text("rq", consent_id))
    form = DecisionForm(request.POST if request.method == "POST" else None)
    if request.method == "POST" and form.is_valid():
        return _decide(request, found, form)
    decides = found.may_decide and found.row.is_open
    answers = candidates(**reading, request=found.row) if decides else []
    context = {"found": found, "row": found.row, "form": form, "candidates": answers, **_meaning(request, found)}
    status = HTTPStatus.UNPROCESSABLE_ENTITY if form.errors else HTTPStatus.OK
    return render(request, "integrations/requests/request.html", context, status=status)


def _decide(request: OwnedRequest, found: RequestDetail, form: DecisionForm) -> HttpResponse:
    decision = form.cleaned_data["decision"]
    at: dict[str, Any] = {"actor": request.actor, "owner": request.owner, "now": timezone.now()}
    at["consent_id"] = found.row.id
    reason = form.cleaned_data["reason"]
    try:
        if decision == "approve":
            account = form.cleaned_data["account"]
            consent.give_access(**at, account_id=read_id(account) if account else None, until=form.until(at["now"]))
        elif decision == "withdraw":
            consent.withdraw_request(**at)
        elif decision == "deny":
            consent.deny_request(**at, reason=reason)
        elif decision == "block":
            consent.block_request(**at, reason=reason)
        else:
            {"lift": consent.lift_block, "reopen": consent.reopen_request}[decision](**at)
    except DomainError as error:
        if error.status in {HTTPStatus.NOT_FOUND, HTTPStatus.FORBIDDEN}:
            raise
        messages.warning(request, error.message)
    else:
        messages.success(request, DONE[decision])
    return redirect(request.path)


def _meaning(request: OwnedRequest, found: RequestDetail) -> dict[str, Any]:
    """What saying yes would mean: scopes, tools and people."""
    reading: dict[str, Any] = {"actor": request.actor, "owner": request.owner}
    row = found.row
    if not row.toolkit.is_enabled:
        return {"audience": audience_of(**reading)}
    ways = get_ways(**reading, toolkit=row.toolkit.slug)
    way = ways.way(None)
    wanted = [tool.slug for _effect, some in found.wanted for tool in some]
    return {
        "audience": audience_of(**reading),
        "ways": ways,
        "way": way,
        "consent": consent_for(**reading, way=way, tools=wanted) if way else None,
    }
