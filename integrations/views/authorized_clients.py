"""MCP clients that were let act, for the person who let them and for the admins of the organization they act for."""

from typing import Any

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.http import require_http_methods, require_safe

from accounts.ids import from_text
from integrations.queries.authorized_clients import list_authorized
from orgs.addresses import owner_url
from orgs.decorators import OwnedRequest, for_owner
from orgs.errors import ConflictError
from orgs.permissions import Permission
from orgs.queries.oauth import get_granted
from orgs.services.oauth import revoke_granted


@for_owner(Permission.API_KEYS_MANAGE)
@require_safe
def index(request: OwnedRequest) -> HttpResponse:
    rows = list_authorized(actor=request.actor, owner=request.owner, now=timezone.now())
    return render(request, "integrations/api_keys/clients.html", {"rows": rows})


@for_owner(Permission.API_KEYS_MANAGE)
@require_http_methods(["GET", "HEAD", "POST"])
def revoke(request: OwnedRequest, access_id: str) -> HttpResponse:
    """What it means first, then the deed."""
    which: dict[str, Any] = {"actor": request.actor, "owner": request.owner, "key_id": from_text("key", access_id)}
    if request.method != "POST":
        now = timezone.now()
        key = get_granted(**which)
        return render(request, "integrations/api_keys/client_revoke.html", {"key": key, "is_live": key.is_live(now)})
    try:
        key = revoke_granted(**which, now=timezone.now())
    except ConflictError as error:
        messages.warning(request, error.message)
    else:
        messages.success(request, f"{key.name} may not act any more. Its next request is refused.")
    return redirect(owner_url(request.owner, "api_clients"))
