"""Pause a connection and choose the default: what it touches first, then the deed, then the receipt."""

from http import HTTPStatus
from typing import Any

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_http_methods

from integrations.queries.connections import account_in_use, get_connection
from integrations.queries.impact import Change, impact_of_account
from integrations.services import connections
from integrations.views.connections import back_to, read_id, which
from integrations.views.impact_words import account_lines
from orgs.addresses import local_path, owner_url
from orgs.decorators import OwnedRequest, for_owner
from orgs.errors import ConflictError
from orgs.permissions import Permission

CHANGES = ["GET", "HEAD", "POST"]
UNDO = "undo:"  # before the address in a message's tags: templates/_messages.html makes a button of it
UNMARK = "unmark"


@for_owner(Permission.CONNECTED_ACCOUNTS_MANAGE)
@require_http_methods(CHANGES)
def make_default(request: OwnedRequest, account_id: str) -> HttpResponse:
    if request.method != "POST":
        return _preview(request, account_id, Change.DEFAULT)
    if request.GET.get(UNMARK):
        return _unmark(request, account_id)
    found = get_connection(**which(request, account_id))
    before = account_in_use(actor=request.actor, owner=request.owner, toolkit_id=found.toolkit_id)
    account, marked = connections.make_default(**which(request, account_id))
    instead = f" instead of {before.label}" if before and before != account else ""
    undo = "" if found.is_default else f"{UNDO}{_undo_url(request, account, marked)}"
    text = f"Runs that name no account now use {account.label}{instead}."
    messages.success(request, text, extra_tags=undo)
    return back_to(request, account_id)


def _undo_url(request: OwnedRequest, account: Any, marked: Any) -> str:
    """Back to the account that was marked; if none was, to none: then the newest is used, as before."""
    if marked is not None:
        return owner_url(request.owner, "connection_default", account_id=marked.text_id)
    return f"{owner_url(request.owner, 'connection_default', account_id=account.text_id)}?{UNMARK}=1"


def _unmark(request: OwnedRequest, account_id: str) -> HttpResponse:
    account = connections.unmark_default(**which(request, account_id))
    used = account_in_use(actor=request.actor, owner=request.owner, toolkit_id=account.toolkit_id)
    now_used = f"Runs that name no account now use {used.label}, as before." if used else ""
    messages.success(request, f"No account is marked as the default any more. {now_used}".strip())
    return back_to(request, account_id)


@for_owner(Permission.CONNECTED_ACCOUNTS_MANAGE)
@require_http_methods(CHANGES)
def pause(request: OwnedRequest, account_id: str) -> HttpResponse:
    if request.method != "POST":
        return _preview(request, account_id, Change.PAUSE)
    try:
        account = connections.pause_account(**which(request, account_id))
    except ConflictError as error:
        messages.warning(request, error.message)
    else:
        messages.success(request, f"{account.label} is paused. No tool can use it until it is resumed.")
    return back_to(request, account_id)


def _preview(request: OwnedRequest, account_id: str, change: Change) -> HttpResponse:
    account = get_connection(actor=request.actor, owner=request.owner, account_id=read_id(account_id))
    reading: dict[str, Any] = {"actor": request.actor, "owner": request.owner, "now": timezone.now()}
    impact = impact_of_account(**reading, account=account, change=change)
    context = {
        "account": account,
        "change": change.value,
        "lines": account_lines(impact, request.owner, change),
        "reason": _reason_against(account, change),
        "next_url": local_path(request.GET.get("next", "")),
    }
    return render(request, "integrations/connections/change.html", context, status=HTTPStatus.OK)


def _reason_against(account: Any, change: Change) -> str:
    """Why there is nothing to do; empty when there is."""
    if change is Change.PAUSE and account.status not in {"active", "needs_attention"}:
        return f"Only a working connection can be paused; this one is {account.word.label.lower()}."
    if change is Change.DEFAULT and account.is_default:
        return "It is marked as the default already."
    return ""
