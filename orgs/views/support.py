"""Support's access to an organization: an owner gives it, everybody sees it, and what support looked at."""

from http import HTTPStatus
from uuid import UUID

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.http import require_http_methods, require_POST

from accounts.ids import from_text
from orgs.addresses import owner_url
from orgs.decorators import OwnedRequest, for_owner
from orgs.errors import ConflictError, DomainError, NotFoundError
from orgs.forms import SupportGrantForm, show_error
from orgs.permissions import ROLE_LABELS, Permission, can, require, roles_with
from orgs.queries.support_grants import get_grant, latest_grants, latest_looks, support_people
from orgs.services.support_grants import end_grant, extend_grant, give_grant


@for_owner(Permission.ORGANIZATION_READ)
@require_http_methods(["GET", "HEAD", "POST"])
def index(request: OwnedRequest) -> HttpResponse:
    actor, owner, now = request.actor, request.owner, timezone.now()
    may = can(actor, Permission.SUPPORT_GRANTS_MANAGE, owner)
    people = support_people(actor=actor, owner=owner) if may else []
    choices = [(one.text_id, one.display_name) for one in people]
    form = SupportGrantForm(request.POST if request.method == "POST" else None, people=choices)
    if request.method == "POST":
        require(actor, Permission.SUPPORT_GRANTS_MANAGE, owner)
        if form.is_valid() and (done := _give(request, form)):
            return done
    context = {
        "form": form,
        "reason": "" if may else f"This needs the role {_able()}.",
        "is_anybody_there": bool(people),
        "grants": [(one, one.word_at(now), one.is_running(now)) for one in latest_grants(actor=actor, owner=owner)],
        "looks": latest_looks(actor=actor, owner=owner) if can(actor, Permission.AUDIT_READ, owner) else None,
    }
    status = HTTPStatus.UNPROCESSABLE_ENTITY if form.errors else HTTPStatus.OK
    return render(request, "orgs/support/support.html", context, status=status)


def _able() -> str:
    return " or ".join(ROLE_LABELS[role].lower() for role in roles_with(Permission.SUPPORT_GRANTS_MANAGE))


def _give(request: OwnedRequest, form: SupportGrantForm) -> HttpResponse | None:
    asked = form.cleaned_data
    try:
        grant = give_grant(
            actor=request.actor,
            owner=request.owner,
            person_id=from_text("user", asked["person"]),
            hours=asked["hours"],
            reason=asked["reason"],
            now=timezone.now(),
        )
    except DomainError as error:
        show_error(form, error)
        return None
    messages.success(request, f"From now on {grant.who} may look. You can end it whenever you like.")
    return _back(request)


@for_owner(Permission.ORGANIZATION_READ)
@require_POST
def extend(request: OwnedRequest, grant_id: str) -> HttpResponse:
    try:
        extend_grant(
            actor=request.actor,
            owner=request.owner,
            grant_id=_find(request, grant_id),
            hours=24 if request.POST.get("hours") == "24" else 4,
            now=timezone.now(),
        )
    except ConflictError as error:
        messages.warning(request, error.message)
    else:
        messages.success(request, "Extended. The time until when it runs stands below.")
    return _back(request)


@for_owner(Permission.ORGANIZATION_READ)
@require_POST
def end(request: OwnedRequest, grant_id: str) -> HttpResponse:
    try:
        grant = end_grant(
            actor=request.actor, owner=request.owner, grant_id=_find(request, grant_id), now=timezone.now()
        )
    except ConflictError as error:
        messages.warning(request, error.message)
    else:
        messages.success(request, f"Ended. From this moment on {grant.who} sees nothing of {request.owner.label}.")
    return _back(request)


def _back(request: OwnedRequest) -> HttpResponse:
    return redirect(owner_url(request.owner, "support"))


def _find(request: OwnedRequest, grant_id: str) -> UUID:
    """What is not there reads the same to everybody; who may change it is asked after that."""
    return get_grant(actor=request.actor, owner=request.owner, grant_id=read_id(grant_id)).id


def read_id(text: str) -> UUID:
    """Read `sup_…`; whatever else it is, there is nothing."""
    found = from_text("sup", text)
    if found is None:
        raise NotFoundError("There is no such access of support here.")
    return found
