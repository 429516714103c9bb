"""Applications of an organization: register, change, make keys, end."""

from typing import Any
from urllib.parse import urlencode

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.http import require_http_methods, require_safe

from accounts.ids import from_text
from integrations.forms.api_keys import KeyForm
from integrations.forms.applications import ApplicationForm
from integrations.queries.applications import browse_end_users, impact_of_end_users, keys_of
from integrations.queries.policies import PolicyTarget, policies_for_application
from integrations.views.form_pages import form_page
from orgs.addresses import owner_url
from orgs.decorators import OwnedRequest, for_owner, freshly_signed_in
from orgs.errors import ConflictError
from orgs.paging import page_number
from orgs.permissions import Permission, can, words
from orgs.queries.applications import get_application, list_applications
from orgs.queries.deletions import deletion_of_end_users
from orgs.services.api_keys import create_api_key
from orgs.services.applications import change_application, create_application, end_application

FOLDER = "integrations/applications"


@for_owner(Permission.APPLICATIONS_READ)
@require_safe
def index(request: OwnedRequest) -> HttpResponse:
    rows = list_applications(actor=request.actor, owner=request.owner)
    return render(request, f"{FOLDER}/list.html", {"rows": rows, "may_manage": _may_manage(request)})


@for_owner(Permission.APPLICATIONS_MANAGE)
@require_http_methods(["GET", "HEAD", "POST"])
def new(request: OwnedRequest) -> HttpResponse:
    form = ApplicationForm(request.POST if request.method == "POST" else None)

    def make() -> HttpResponse:
        row = create_application(
            actor=request.actor,
            owner=request.owner,
            name=form.cleaned_data["name"],
            callback_urls=form.urls,
            now=timezone.now(),
        )
        messages.success(request, f"{row.name} is registered. Make a key for it next.")
        return redirect(_page(request, row))

    return form_page(request, form, make, f"{FOLDER}/form.html", {})


@for_owner(Permission.APPLICATIONS_READ)
@require_safe
def detail(request: OwnedRequest, application_id: str) -> HttpResponse:
    """To members it is that it is there; keys and end users are for those who manage it."""
    row = _found(request, application_id)
    context: dict[str, Any] = {"application": row, "may_manage": _may_manage(request), **_policies(request, row)}
    if context["may_manage"]:
        text, number = request.GET.get("q", "").strip()[:128], page_number(request.GET)
        context["keys"] = keys_of(actor=request.actor, application=row, now=timezone.now())
        context["page"] = browse_end_users(actor=request.actor, application=row, text=text, number=number)
        context["search"] = text
        context["deletion"] = deletion_of_end_users(actor=request.actor, application=row)
    return render(request, f"{FOLDER}/application.html", context)


@for_owner(Permission.APPLICATIONS_MANAGE)
@require_http_methods(["GET", "HEAD", "POST"])
def change(request: OwnedRequest, application_id: str) -> HttpResponse:
    row = _found(request, application_id)
    initial = {"name": row.name, "callback_urls": "\n".join(row.callback_urls)}
    form = ApplicationForm(request.POST if request.method == "POST" else None, initial=initial)

    def save() -> HttpResponse:
        changed = change_application(
            actor=request.actor,
            owner=request.owner,
            application_id=row.id,
            name=form.cleaned_data["name"],
            callback_urls=form.urls,
            now=timezone.now(),
        )
        messages.success(request, f"{changed.name} is changed.")
        return redirect(_page(request, row))

    return form_page(request, form, save, f"{FOLDER}/form.html", {"application": row})


@for_owner(Permission.APPLICATIONS_MANAGE)
@require_http_methods(["GET", "HEAD", "POST"])
@freshly_signed_in
def new_key(request: OwnedRequest, application_id: str) -> HttpResponse:
    row = _found(request, application_id)
    form = KeyForm(request.POST if request.method == "POST" else None, for_application=True)

    def make() -> HttpResponse:
        now = timezone.now()
        key, text = create_api_key(
            actor=request.actor,
            owner=request.owner,
            name=form.cleaned_data["name"],
            scopes=form.chosen_scopes,
            expires_at=form.expires_at(now),
            application=row,
            now=now,
        )
        return render(request, "integrations/api_keys/made.html", {"key": key, "text": text})

    return form_page(request, form, make, f"{FOLDER}/key.html", {"application": row})


@for_owner(Permission.APPLICATIONS_MANAGE)
@require_http_methods(["GET", "HEAD", "POST"])
def end(request: OwnedRequest, application_id: str) -> HttpResponse:
    """What it has first, then the deed."""
    row = _found(request, application_id)
    if request.method == "POST":
        try:
            end_application(actor=request.actor, owner=request.owner, application_id=row.id, now=timezone.now())
            messages.success(request, f"{row.name} has ended. Its keys open nothing any more.")
        except ConflictError as error:
            messages.warning(request, error.message)
        return redirect(_page(request, row))
    now = timezone.now()
    keys = [one for one in keys_of(actor=request.actor, application=row, now=now) if one[0].is_live(now)]
    impact = impact_of_end_users(actor=request.actor, application=row)
    return render(request, f"{FOLDER}/end.html", {"application": row, "keys": keys, "impact": impact})


def _policies(request: OwnedRequest, row: Any) -> dict[str, Any]:
    """What the organization lets it run for its end users, and where that is changed."""
    found = policies_for_application(actor=request.actor, owner=request.owner, application=row)
    query = urlencode({"place": "all", "people": PolicyTarget(application=row).people_key})
    return {
        "policies": [(words.policy_sentence(policy.rule), is_own) for policy, is_own in found],
        "policy_url": f"{owner_url(request.owner, 'policy_change')}?{query}",
        "may_set_policies": can(request.actor, Permission.POLICIES_MANAGE, request.owner),
    }


def _found(request: OwnedRequest, text: str) -> Any:
    return get_application(actor=request.actor, owner=request.owner, application_id=from_text("app", text))


def _may_manage(request: OwnedRequest) -> bool:
    return can(request.actor, Permission.APPLICATIONS_MANAGE, request.owner)


def _page(request: OwnedRequest, row: Any) -> str:
    return owner_url(request.owner, "application", application_id=row.text_id)
