"""End users of an application, for the admins of its organization: what is there, and deleting all of it."""

from http import HTTPStatus
from typing import Any

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.http import require_http_methods, require_safe

from accounts.ids import from_text
from integrations.forms.end_users import DeleteForm
from integrations.queries.applications import impact_of_end_users
from integrations.queries.end_users import overview_of
from orgs.addresses import owner_url
from orgs.decorators import OwnedRequest, for_owner, freshly_signed_in
from orgs.errors import ConflictError
from orgs.permissions import Permission
from orgs.queries.applications import get_application, get_end_user
from orgs.queries.deletions import deletion_of_end_users
from orgs.services.end_user_deletions import delete_end_user, delete_end_users

FOLDER = "integrations/applications"


@for_owner(Permission.APPLICATIONS_MANAGE)
@require_safe
def detail(request: OwnedRequest, application_id: str, end_user_id: str) -> HttpResponse:
    return render(request, f"{FOLDER}/end_user.html", _context(request, application_id, end_user_id))


@for_owner(Permission.APPLICATIONS_MANAGE)
@require_http_methods(["GET", "HEAD", "POST"])
def delete(request: OwnedRequest, application_id: str, end_user_id: str) -> HttpResponse:
    """What would go, then the deed: the application's own string must be typed."""
    context = _context(request, application_id, end_user_id)
    application, end_user = context["application"], context["end_user"]
    form = DeleteForm(request.POST if request.method == "POST" else None, expected=end_user.external)
    if request.method == "POST" and form.is_valid():
        which = {"application_id": application.id, "end_user_id": end_user.id}
        try:
            deletion = delete_end_user(actor=request.actor, owner=request.owner, **which, now=timezone.now())
        except ConflictError as error:
            messages.warning(request, error.message)
        else:
            told = f"Everything of {end_user.external} is being deleted: each provider is asked to withdraw the access."
            messages.success(request, f"{told} The report {deletion.text_id} is among your reports.")
        return redirect(owner_url(request.owner, "application", application_id=application.text_id))
    status = HTTPStatus.UNPROCESSABLE_ENTITY if form.errors else HTTPStatus.OK
    return render(request, f"{FOLDER}/end_user_delete.html", {**context, "form": form}, status=status)


@for_owner(Permission.APPLICATIONS_MANAGE)
@require_http_methods(["GET", "HEAD", "POST"])
@freshly_signed_in
def delete_all(request: OwnedRequest, application_id: str) -> HttpResponse:
    """What would go with all end users, then the deed: the application's name must be typed."""
    reading: dict[str, Any] = {"actor": request.actor}
    application = get_application(**reading, owner=request.owner, application_id=from_text("app", application_id))
    form = DeleteForm(request.POST if request.method == "POST" else None, expected=application.name)
    if request.method == "POST" and form.is_valid():
        which = {"application_id": application.id, "typed": form.cleaned_data["typed"]}
        try:
            delete_end_users(**reading, owner=request.owner, **which, now=timezone.now())
        except ConflictError as error:
            messages.warning(request, error.message)
        else:
            told = "Each provider is asked to withdraw the access. This page says how far it has come."
            messages.success(request, f"All end users of {application.name} are being deleted. {told}")
        return redirect(owner_url(request.owner, "application", application_id=application.text_id))
    context = {
        "application": application,
        "impact": impact_of_end_users(**reading, application=application),
        "deletion": deletion_of_end_users(**reading, application=application),
        "form": form,
    }
    status = HTTPStatus.UNPROCESSABLE_ENTITY if form.errors else HTTPStatus.OK
    return render(request, f"{FOLDER}/delete.html", context, status=status)


def _context(request: OwnedRequest, application_id: str, end_user_id: str) -> dict[str, Any]:
    reading = {"actor": request.actor}
    application = get_application(**reading, owner=request.owner, application_id=from_text("app", application_id))
    end_user = get_end_user(**reading, application=application, end_user_id=from_text("eu", end_user_id))
    overview = overview_of(**reading, application=application, end_user=end_user)
    return {"application": application, "end_user": end_user, "overview": overview}
