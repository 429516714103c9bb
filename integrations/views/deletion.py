"""Delete an organization, leave the installation, and read what the providers said to it."""

from http import HTTPStatus
from uuid import UUID

from django.conf import settings
from django.contrib import messages
from django.contrib.auth import logout
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.http import require_http_methods, require_safe

from accounts.ids import from_text
from integrations.forms.connections import TypedForm
from integrations.queries.departure import what_ends_with
from integrations.queries.impact import impact_of_organization
from integrations.services.departure import leave_installation
from integrations.views.impact_words import organization_lines
from orgs.addresses import owner_url
from orgs.decorators import OwnedRequest, SignedInRequest, for_owner, freshly_signed_in, signed_in
from orgs.errors import DomainError, NotFoundError
from orgs.permissions import Permission
from orgs.queries.deletions import announced_deletion, get_report, list_reports
from orgs.services.deletions import announce_deletion


@for_owner(Permission.ORGANIZATION_MANAGE)
@require_http_methods(["GET", "HEAD", "POST"])
@freshly_signed_in
def delete(request: OwnedRequest) -> HttpResponse:
    """What would go, then the announcement."""
    actor, owner, now = request.actor, request.owner, timezone.now()
    if announced_deletion(actor=actor, owner=owner):
        return redirect(owner_url(owner, "ownership"))
    form = TypedForm(request.POST if request.method == "POST" else None, expected=owner.label)
    if request.method == "POST" and form.is_valid():
        announce_deletion(actor=actor, owner=owner, typed=form.cleaned_data["typed"], now=now)
        told = f"{owner.label} will be deleted in {settings.DELETION_DAYS} days. Everybody in it is told."
        messages.warning(request, f"{told} Until then every owner can stop it here.")
        return redirect(owner_url(owner, "ownership"))
    lines = organization_lines(impact_of_organization(actor=actor, owner=owner, now=now), owner)
    context = {"form": form, "lines": lines, "days": settings.DELETION_DAYS}
    status = HTTPStatus.UNPROCESSABLE_ENTITY if form.errors else HTTPStatus.OK
    return render(request, "integrations/deletion/delete.html", context, status=status)


@for_owner(Permission.TOOLS_READ)
@require_safe
def reports(request: OwnedRequest) -> HttpResponse:
    """What became of the organizations that one owned."""
    return render(request, "integrations/deletion/reports.html", {"reports": list_reports(actor=request.actor)})


@for_owner(Permission.TOOLS_READ)
@require_safe
def report(request: OwnedRequest, deletion_id: str) -> HttpResponse:
    found = get_report(actor=request.actor, deletion_id=read_deletion_id(deletion_id))
    lines = sorted(found.accounts.all(), key=lambda line: (line.outcome == "confirmed", line.toolkit, line.label))
    context = {"deletion": found, "lines": lines, "by_hand": [one for one in lines if one.outcome == "unconfirmed"]}
    return render(request, "integrations/deletion/report.html", context)


@signed_in
@require_http_methods(["GET", "HEAD", "POST"])
@freshly_signed_in
def leave(request: SignedInRequest) -> HttpResponse:
    """Delete one's own account here: what ends, then the deed."""
    ending = what_ends_with(actor=request.actor)
    form = TypedForm(request.POST if request.method == "POST" else None, expected=request.user.username)
    if request.method == "POST" and form.is_valid() and not ending.only_owner_of:
        try:
            leave_installation(
                actor=request.actor, user=request.user, typed=form.cleaned_data["typed"], now=timezone.now()
            )
        except DomainError as error:
            form.add_error(None, error.message)
        else:
            logout(request)
            return render(request, "integrations/deletion/goodbye.html")
    is_bad = request.method == "POST"
    status = HTTPStatus.UNPROCESSABLE_ENTITY if is_bad else HTTPStatus.OK
    return render(request, "integrations/deletion/leave.html", {"form": form, "ending": ending}, status=status)


def read_deletion_id(text: str) -> UUID:
    """Read `del_…`; whatever else it is, there is no such report."""
    found = from_text("del", text)
    if found is None:
        raise NotFoundError("There is no such report here.")
    return found
