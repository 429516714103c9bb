"""The connections that were handed over when somebody left: who should consent anew, and how that task ends."""

from typing import Any

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.http import require_POST, require_safe

from accounts.ids import from_text
from integrations.queries.impact import handed_over
from integrations.queries.takeover import handed_over_csv
from integrations.services.connections import take_over
from integrations.views.connections import which
from orgs.addresses import owner_url
from orgs.decorators import OwnedRequest, for_owner
from orgs.errors import ConflictError
from orgs.exports import download
from orgs.permissions import Permission
from orgs.queries.invitations import list_invitations


@for_owner(Permission.CONNECTED_ACCOUNTS_MANAGE)
@require_safe
def index(request: OwnedRequest) -> HttpResponse:
    reading: dict[str, Any] = {"actor": request.actor, "owner": request.owner}
    context = {"accounts": handed_over(**reading), "invitations": list_invitations(**reading).count()}
    return render(request, "integrations/members/handed_over.html", context)


@for_owner(Permission.CONNECTED_ACCOUNTS_MANAGE)
@require_safe
def as_csv(request: OwnedRequest) -> HttpResponse:
    lines = handed_over_csv(actor=request.actor, owner=request.owner)
    return download(request, lines, name="handed-over.csv", content_type="text/csv; charset=utf-8")


@for_owner(Permission.CONNECTED_ACCOUNTS_MANAGE)
@require_POST
def finish(request: OwnedRequest, account_id: str) -> HttpResponse:
    """Another account takes its place. The page that disconnects the old one follows: it says what hangs on it."""
    chosen = from_text("ca", request.POST.get("successor", ""))
    try:
        old, new = take_over(**which(request, account_id), successor_id=chosen, now=timezone.now())
    except ConflictError as error:
        messages.warning(request, error.message)
        return redirect(owner_url(request.owner, "connection", account_id=account_id))
    messages.success(request, f"{new.label} takes the place of {old.label}, and the task is done.")
    messages.info(request, f"{old.label} still works for those who name it. Disconnect it here when nobody does.")
    return redirect(owner_url(request.owner, "connection_disconnect", account_id=old.text_id))
