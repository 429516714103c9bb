"""The picture of an organization: for its members, with a fixed type and nothing that could run."""

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect
from django.utils import timezone
from django.views.decorators.http import require_POST, require_safe

from orgs.addresses import owner_url
from orgs.decorators import OwnedRequest, for_owner
from orgs.errors import DomainError
from orgs.forms import LogoForm
from orgs.permissions import Permission
from orgs.queries.logos import get_logo
from orgs.services.logos import remove_logo, set_logo
from orgs.views.settings import SAME, settings_page


@for_owner(Permission.ORGANIZATION_READ)
@require_safe
def logo(request: OwnedRequest) -> HttpResponse:
    found = get_logo(actor=request.actor, owner=request.owner)
    response = HttpResponse(bytes(found.content), content_type=found.content_type)
    response["Content-Security-Policy"] = "default-src 'none'; sandbox"
    response["X-Content-Type-Options"] = "nosniff"
    response["Content-Disposition"] = "inline"
    response["Cache-Control"] = "private, max-age=3600"
    return response


@for_owner(Permission.ORGANIZATION_MANAGE)
@require_POST
def change(request: OwnedRequest) -> HttpResponse:
    """Upload another one, or take it away."""
    if "remove" in request.POST:
        gone = remove_logo(actor=request.actor, owner=request.owner, now=timezone.now())
        messages.success(request, "The logo is removed." if gone else SAME)
        return redirect(owner_url(request.owner, "settings"))
    form = LogoForm(request.POST, request.FILES)
    if not form.is_valid():
        return settings_page(request, logo=form)
    try:
        changed = set_logo(actor=request.actor, owner=request.owner, content=form.content, now=timezone.now())
    except DomainError as error:
        form.add_error("logo", error.message)
        return settings_page(request, logo=form)
    messages.success(request, "The logo is changed." if changed else SAME)
    return redirect(owner_url(request.owner, "settings"))
