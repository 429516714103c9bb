"""What an organization decides for itself. Every member may look; owners change it."""

from http import HTTPStatus
from typing import Any

from django.conf import settings as installation
from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.http import require_http_methods, require_POST

from orgs.addresses import owner_url
from orgs.decorators import OwnedRequest, for_owner, freshly_signed_in
from orgs.errors import ConflictError, DomainError
from orgs.forms import DomainForm, LogoForm, RulesForm, SettingsForm, show_error
from orgs.permissions import ROLE_LABELS, Permission, can, require, roles_with
from orgs.queries.domains import list_domains
from orgs.queries.logos import logo_version
from orgs.queries.settings import has_factor, members_without_factor, settings_of
from orgs.services.organizations import update_organization
from orgs.services.settings import change_rules, require_factor

SAME = "Nothing was changed: it is as it was."


@for_owner(Permission.ORGANIZATION_READ)
@require_http_methods(["GET", "HEAD", "POST"])
def settings(request: OwnedRequest) -> HttpResponse:
    """The page, and its first form: name and address."""
    owner = request.owner
    if request.method != "POST":
        return settings_page(request)
    require(request.actor, Permission.ORGANIZATION_MANAGE, owner)
    form = SettingsForm(request.POST)
    if form.is_valid() and (done := _save(request, form)):
        return done
    return settings_page(request, form=form)


def _save(request: OwnedRequest, form: SettingsForm) -> HttpResponse | None:
    try:
        changed = update_organization(actor=request.actor, owner=request.owner, now=timezone.now(), **form.cleaned_data)
    except DomainError as error:
        show_error(form, error)
        return None
    if (changed.label, changed.slug) == (request.owner.label, request.owner.slug):
        messages.info(request, SAME)
    else:
        messages.success(request, f"Saved. {changed.label} is at /orgs/{changed.slug}/ from now on.")
    return redirect(owner_url(changed, "settings"))


@for_owner(Permission.ORGANIZATION_MANAGE)
@require_POST
def rules(request: OwnedRequest) -> HttpResponse:
    """Who may invite, and how long contents are kept."""
    form = RulesForm(request.POST, most_days=installation.RETENTION_DAYS)
    if not form.is_valid():
        return settings_page(request, rules=form)
    try:
        changed = change_rules(actor=request.actor, owner=request.owner, now=timezone.now(), **form.cleaned_data)
    except DomainError as error:
        show_error(form, error)
        return settings_page(request, rules=form)
    if changed:
        messages.success(request, "Saved. It holds from now on.")
    else:
        messages.info(request, SAME)
    return redirect(owner_url(request.owner, "settings"))


@for_owner(Permission.ORGANIZATION_MANAGE)
@require_http_methods(["GET", "HEAD", "POST"])
@freshly_signed_in
def factor(request: OwnedRequest) -> HttpResponse:
    """Whom a required second factor shuts out, before it is required."""
    actor, owner = request.actor, request.owner
    if request.method == "POST":
        return _switch_factor(request, is_required=request.POST.get("required") == "on")
    context = {
        "organization": settings_of(actor=actor, owner=owner),
        "shut_out": list(members_without_factor(actor=actor, owner=owner)),
        "has_factor": has_factor(actor=actor),
    }
    return render(request, "orgs/factor.html", context)


def _switch_factor(request: OwnedRequest, *, is_required: bool) -> HttpResponse:
    owner = request.owner
    try:
        changed = require_factor(actor=request.actor, owner=owner, is_required=is_required, now=timezone.now())
    except ConflictError as error:
        messages.error(request, error.message)
        return redirect(owner_url(owner, "factor"))
    if not changed:
        messages.info(request, SAME)
    elif is_required:
        messages.success(request, f"{owner.label} requires two-factor sign-in from the next request of everybody on.")
    else:
        messages.success(request, f"{owner.label} no longer requires two-factor sign-in.")
    return redirect(owner_url(owner, "settings"))


def _rules_form(organization: Any) -> RulesForm:
    initial = {
        "members_may_invite": "yes" if organization.members_may_invite else "no",
        "retention_days": organization.retention_days,
    }
    return RulesForm(most_days=installation.RETENTION_DAYS, initial=initial)


def settings_page(request: OwnedRequest, **forms: Any) -> HttpResponse:
    """The page with every form on it; those that are given were sent and came back with mistakes."""
    owner = request.owner
    organization = settings_of(actor=request.actor, owner=owner)
    able = " or ".join(ROLE_LABELS[role].lower() for role in roles_with(Permission.ORGANIZATION_MANAGE))
    may = can(request.actor, Permission.ORGANIZATION_MANAGE, owner)
    context = {
        "organization": organization,
        "form": SettingsForm(initial={"name": owner.label, "slug": owner.slug}),
        "rules": _rules_form(organization),
        "most_days": installation.RETENTION_DAYS,
        "logo": LogoForm(),
        "logo_version": logo_version(actor=request.actor, owner=owner),
        "domain": DomainForm(),
        "domains": list_domains(actor=request.actor, owner=owner),
        "reason": "" if may else f"This needs the role {able}.",
        **forms,
    }
    status = HTTPStatus.UNPROCESSABLE_ENTITY if forms else HTTPStatus.OK
    return render(request, "orgs/settings.html", context, status=status)
