"""Connections: the list, one connected account, and everything that is done to one."""

from http import HTTPStatus
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts.ids import from_text
from integrations.forms.connections import DisconnectForm, RenameForm
from integrations.queries.access_matrix import access_to, own_access
from integrations.queries.audience import audience_of
from integrations.queries.connections import account_in_use, get_connection, list_connections
from integrations.queries.executions import ExecutionFilters, list_executions
from integrations.queries.impact import Change, Impact, impact_of_account
from integrations.queries.outages import outage_among
from integrations.queries.policies import list_policies, target_of
from integrations.queries.scopes import scopes_of
from integrations.queries.takeover import could_take_over
from integrations.queries.usage import usage_of
from integrations.queries.ways import scopes_in_words
from integrations.services import connections
from integrations.services.connections import NameTakenError
from integrations.views.impact_words import account_lines, at_provider
from orgs.addresses import local_path, owner_url, owner_url_if_any
from orgs.decorators import OwnedRequest, for_owner
from orgs.errors import ConflictError, NotFoundError
from orgs.permissions import Permission, can, words
from orgs.queries.audit import events_about
from orgs.support_looks import is_support

LATEST_RUNS = 8
HISTORY = 10


@for_owner(Permission.CONNECTED_ACCOUNTS_READ)
@require_safe
def index(request: OwnedRequest) -> HttpResponse:
    actor = request.actor
    found = list_connections(actor=actor, owner=request.owner)
    accounts = [account for group in found for account in group.accounts]
    access = own_access(actor=actor, owner=request.owner, accounts=accounts)
    groups = [
        (group, [(one, scopes_in_words(one, actor=actor), access.get(one.id, [])) for one in group.accounts])
        for group in found
    ]
    context = {
        "groups": groups,
        "audience": audience_of(actor=actor, owner=request.owner),
        "outage": outage_among(actor=actor, owner=request.owner, accounts=accounts),
        "may_run": can(actor, Permission.TOOLS_EXECUTE, request.owner),
        "request_url": _request_url(request),
    }
    return render(request, "integrations/connections/list.html", context)


@for_owner(Permission.CONNECTED_ACCOUNTS_READ)
@require_safe
def detail(request: OwnedRequest, account_id: str) -> HttpResponse:
    reading: dict[str, Any] = {"actor": request.actor, "owner": request.owner}
    account = get_connection(**reading, account_id=read_id(account_id))
    runs = list_executions(**reading, filters=ExecutionFilters(account=account.text_id), limit=LATEST_RUNS)
    context = {
        "account": account,
        "audience": audience_of(**reading),
        "scopes": scopes_in_words(account, actor=request.actor),
        "runs": runs.rows,
        "in_use": account_in_use(**reading, toolkit_id=account.toolkit_id),
        "form": RenameForm(initial={"alias": account.alias}),
        **_about(request, account),
    }
    return render(request, "integrations/connections/connection.html", context)


def _about(request: OwnedRequest, account: Any) -> dict[str, Any]:
    """Its scopes and where they drift, who used it, what was done to it."""
    reading: dict[str, Any] = {"actor": request.actor, "owner": request.owner}
    may_read_log = can(request.actor, Permission.AUDIT_READ, request.owner)
    return {
        "access": access_to(**reading, account=account),
        "scope_report": scopes_of(**reading, account=account),
        "usage": usage_of(**reading, account=account, now=timezone.now()),
        "history": events_about(**reading, target=account.text_id, limit=HISTORY) if may_read_log else None,
        "outage": outage_among(**reading, accounts=[account]),
        "replacements": _replacements(request, account),
        "policies": None if is_support(request) else _policies_of(request, account),
        **_links(request),
    }


def _replacements(request: OwnedRequest, account: Any) -> list[Any]:
    """What could take the place of a connection whose grantor has left, for whoever may say so."""
    if account.handed_over_at is None or not can(request.actor, Permission.CONNECTED_ACCOUNTS_MANAGE, request.owner):
        return []
    return could_take_over(actor=request.actor, owner=request.owner, account=account)


def _policies_of(request: OwnedRequest, account: Any) -> list[tuple[str, Any]] | None:
    """The rules about this very connection, in words, each with what leads to its page; a person has none."""
    if not request.owner.is_organization:
        return None
    rows = list_policies(actor=request.actor, owner=request.owner)
    here = [row for row in rows if row.connected_account_id == account.id]
    return [(words.policy_sentence(row.rule), target_of(row, actor=request.actor)) for row in here]


def _links(request: OwnedRequest) -> dict[str, Any]:
    """Where to go from here, as far as the reader may."""
    may_see_people = request.owner.is_organization and can(request.actor, Permission.MEMBERS_MANAGE, request.owner)
    return {
        "may_see_people": may_see_people,
        "matrix_url": owner_url(request.owner, "access") if may_see_people else "",
        "policies_url": owner_url_if_any(request.owner, "policies"),
        "may_set_policies": can(request.actor, Permission.POLICIES_MANAGE, request.owner),
        "request_url": _request_url(request),
    }


def _request_url(request: OwnedRequest) -> str:
    """Where somebody asks for what an admin alone can do; empty for who may not ask, or need not."""
    may_manage = can(request.actor, Permission.CONNECTED_ACCOUNTS_MANAGE, request.owner)
    may_ask = can(request.actor, Permission.REQUESTS_MAKE, request.owner)
    return owner_url_if_any(request.owner, "request_new") if may_ask and not may_manage else ""


@for_owner(Permission.CONNECTED_ACCOUNTS_MANAGE)
@require_POST
def rename(request: OwnedRequest, account_id: str) -> HttpResponse:
    form = RenameForm(request.POST)
    if not form.is_valid():
        messages.error(request, "A name has at most 80 characters. It was not changed.")
        return back_to(request, account_id)
    try:
        account = connections.rename_account(**which(request, account_id), alias=form.cleaned_data["alias"])
    except (ConflictError, NameTakenError) as error:
        messages.warning(request, error.message)
    else:
        messages.success(request, f"It is called {account.label} now.")
    return back_to(request, account_id)


@for_owner(Permission.CONNECTED_ACCOUNTS_MANAGE)
@require_POST
def resume(request: OwnedRequest, account_id: str) -> HttpResponse:
    try:
        account = connections.resume_account(**which(request, account_id))
    except ConflictError as error:
        messages.warning(request, error.message)
    else:
        messages.success(request, f"{account.label} works again. Tools can use it.")
    return back_to(request, account_id)


@for_owner(Permission.CONNECTED_ACCOUNTS_MANAGE)
@require_http_methods(["GET", "HEAD", "POST"])
def disconnect(request: OwnedRequest, account_id: str) -> HttpResponse:
    """What would happen first, then the deed. An organization's account asks for its name."""
    impact = _impact(request, account_id, Change.DISCONNECT)
    account = impact.account
    form = DisconnectForm(
        request.POST if request.method == "POST" else None,
        expected=account.label if request.owner.is_organization else "",
    )
    if request.method == "POST" and form.is_valid():
        revocation = connections.disconnect(**which(request, account_id), now=timezone.now())
        done = f"Disconnected the {account.toolkit.name} account {account.label}: our copy of its credentials is gone."
        (messages.success if revocation.confirmed else messages.warning)(request, f"{done} {revocation.detail}")
        if impact.is_in_use and impact.after:
            messages.info(request, f"Runs that name no account now use {impact.after.label}.")
        return redirect(owner_url(request.owner, "connections"))
    lines = [*account_lines(impact, request.owner, Change.DISCONNECT), at_provider(impact)]
    status = HTTPStatus.UNPROCESSABLE_ENTITY if form.errors else HTTPStatus.OK
    context = {"account": account, "lines": lines, "form": form}
    return render(request, "integrations/connections/disconnect.html", context, status=status)


def read_id(account_id: str) -> UUID:
    found = from_text("ca", account_id)
    if found is None:
        raise NotFoundError("There is no such connection here.")
    return found


def which(request: OwnedRequest, account_id: str) -> dict[str, Any]:
    return {"actor": request.actor, "owner": request.owner, "account_id": read_id(account_id)}


def _impact(request: OwnedRequest, account_id: str, change: Change) -> Impact:
    account = get_connection(**which(request, account_id))
    asked: dict[str, Any] = {"account": account, "change": change, "now": timezone.now()}
    return impact_of_account(actor=request.actor, owner=request.owner, **asked)


def back_to(request: OwnedRequest, account_id: str) -> HttpResponse:
    """To the page of ours that the form names, else to the account's own."""
    asked = local_path(request.POST.get("next", ""))
    return redirect(asked or owner_url(request.owner, "connection", account_id=account_id))
