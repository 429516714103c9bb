"""An organization's own auth configs: brought, checked, changed, switched on and off, deleted. No secret comes out."""

from typing import Any
from uuid import UUID

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts.ids import from_text
from integrations.engine.types import AuthScheme
from integrations.forms.auth_configs import AuthConfigChangeForm, AuthConfigForm
from integrations.queries.own_auth_configs import (
    count_accounts,
    get_own_auth_config,
    list_own_auth_configs,
    toolkits_with_sign_in,
    users_of,
)
from integrations.queries.ways import callback_url, scopes_to_ask
from integrations.services import own_auth_configs as service
from integrations.services.connections.client_checks import Verdict, check_client
from integrations.views.form_pages import form_page
from orgs.addresses import owner_url
from orgs.decorators import OwnedRequest, for_owner, freshly_signed_in
from orgs.errors import ConflictError, DomainError, NotFoundError
from orgs.permissions import Permission

FOLDER = "integrations/auth_configs"
LEVELS = {Verdict.KNOWN: messages.SUCCESS, Verdict.REFUSED: messages.ERROR, Verdict.UNCLEAR: messages.WARNING}


@for_owner(Permission.AUTH_CONFIGS_MANAGE)
@require_safe
def index(request: OwnedRequest) -> HttpResponse:
    rows = list_own_auth_configs(actor=request.actor, owner=request.owner)
    return render(request, f"{FOLDER}/list.html", {"rows": rows})


@for_owner(Permission.AUTH_CONFIGS_MANAGE)
@require_http_methods(["GET", "HEAD", "POST"])
@freshly_signed_in
def new(request: OwnedRequest) -> HttpResponse:
    toolkits = toolkits_with_sign_in(actor=request.actor, owner=request.owner)
    asked = {"toolkit": request.GET.get("toolkit", "")}
    form = AuthConfigForm(_sent(request), toolkits=toolkits, initial=asked)

    def make() -> HttpResponse:
        row = service.create_auth_config(actor=request.actor, owner=request.owner, plan=form.plan, now=timezone.now())
        messages.success(request, f"{row.name} is stored. Register its callback URL at {row.toolkit.name} next.")
        return redirect(_page(request, row))

    return form_page(request, form, make, f"{FOLDER}/new.html", {})


@for_owner(Permission.AUTH_CONFIGS_MANAGE)
@require_safe
def detail(request: OwnedRequest, own_config_id: str) -> HttpResponse:
    row = _found(request, own_config_id)
    is_oauth = row.scheme == AuthScheme.OAUTH2
    context = {
        "config": row,
        "users": users_of(actor=request.actor, owner=request.owner, auth_config=row),
        "is_oauth": is_oauth,
        "callback_url": callback_url(actor=request.actor, auth_config=row) if is_oauth else "",
        "scopes": scopes_to_ask(actor=request.actor, auth_config=row) if is_oauth else [],
        "setup": [one for one in row.toolkit.definition["auth_schemes"] if one["scheme"] == row.scheme],
    }
    return render(request, f"{FOLDER}/auth_config.html", context)


@for_owner(Permission.AUTH_CONFIGS_MANAGE)
@require_http_methods(["GET", "HEAD", "POST"])
@freshly_signed_in
def change(request: OwnedRequest, own_config_id: str) -> HttpResponse:
    row = _found(request, own_config_id)
    initial = {"name": row.name, "client_id": row.client_id, "scopes": "\n".join(row.scopes)}
    form = AuthConfigChangeForm(_sent(request), is_oauth=row.scheme == AuthScheme.OAUTH2, initial=initial)

    def save() -> HttpResponse:
        changed = service.change_auth_config(**_which(request, row), change=form.change)
        messages.success(request, f"{changed.name} is changed.")
        return redirect(_page(request, row))

    return form_page(request, form, save, f"{FOLDER}/change.html", _with_count(request, row))


@for_owner(Permission.AUTH_CONFIGS_MANAGE)
@require_POST
def enable(request: OwnedRequest, own_config_id: str) -> HttpResponse:
    return _switched(request, own_config_id, "Accounts can be connected with it again.", is_enabled=True)


@for_owner(Permission.AUTH_CONFIGS_MANAGE)
@require_POST
def disable(request: OwnedRequest, own_config_id: str) -> HttpResponse:
    done = "Nobody connects an account with it any more. Those that are connected go on working."
    return _switched(request, own_config_id, done, is_enabled=False)


def _switched(request: OwnedRequest, text: str, done: str, *, is_enabled: bool) -> HttpResponse:
    row = _found(request, text)
    service.switch_auth_config(**_which(request, row), is_enabled=is_enabled)
    messages.success(request, done)
    return redirect(_page(request, row))


@for_owner(Permission.AUTH_CONFIGS_MANAGE)
@require_POST
def check(request: OwnedRequest, own_config_id: str) -> HttpResponse:
    """Ask the provider whether it knows the client, and say what it said."""
    row = _found(request, own_config_id)
    try:
        found = check_client(actor=request.actor, owner=request.owner, auth_config_id=row.id)
        messages.add_message(request, LEVELS[found.verdict], found.message)
    except DomainError as error:
        messages.warning(request, error.message)
    return redirect(_page(request, row))


@for_owner(Permission.AUTH_CONFIGS_MANAGE)
@require_http_methods(["GET", "HEAD", "POST"])
def delete(request: OwnedRequest, own_config_id: str) -> HttpResponse:
    row = _found(request, own_config_id)
    if request.method == "POST":
        try:
            service.delete_auth_config(**_which(request, row))
        except ConflictError as error:
            messages.warning(request, error.message)
            return redirect(_page(request, row))
        messages.success(request, f"{row.name} is deleted, and its secret with it.")
        return redirect(owner_url(request.owner, "auth_configs"))
    return render(request, f"{FOLDER}/delete.html", _with_count(request, row))


def _sent(request: OwnedRequest) -> Any:
    return request.POST if request.method == "POST" else None


def _with_count(request: OwnedRequest, row: Any) -> dict[str, Any]:
    return {"config": row, "accounts": count_accounts(actor=request.actor, owner=request.owner, auth_config=row)}


def _found(request: OwnedRequest, text: str) -> Any:
    config_id = from_text("ac", text)
    if config_id is None:
        raise NotFoundError("There is no such auth config here.")
    return get_own_auth_config(actor=request.actor, owner=request.owner, auth_config_id=config_id)


def _which(request: OwnedRequest, row: Any) -> dict[str, Any]:
    auth_config_id: UUID = row.id
    return {"actor": request.actor, "owner": request.owner, "auth_config_id": auth_config_id, "now": timezone.now()}


def _page(request: OwnedRequest, row: Any) -> str:
    return owner_url(request.owner, "auth_config", own_config_id=row.text_id)
