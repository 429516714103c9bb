"""Who owns an organization: the page, and handing it over. Deleting it is in integrations.views.deletion."""

from http import HTTPStatus

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts.ids import from_text
from orgs.addresses import owner_url
from orgs.decorators import OwnedRequest, for_owner, freshly_signed_in
from orgs.errors import ConflictError
from orgs.permissions import ROLE_LABELS, Permission, Role, can, roles_with
from orgs.queries.deletions import announced_deletion
from orgs.queries.ownership import heir_of, ownership_of
from orgs.services.deletions import stop_deletion
from orgs.services.ownership import hand_over_organization


@for_owner(Permission.ORGANIZATION_READ)
@require_safe
def index(request: OwnedRequest) -> HttpResponse:
    actor, owner = request.actor, request.owner
    able = " or ".join(ROLE_LABELS[role].lower() for role in roles_with(Permission.ORGANIZATION_MANAGE))
    may = can(actor, Permission.ORGANIZATION_MANAGE, owner)
    context = {
        "ownership": ownership_of(actor=actor, owner=owner),
        "deletion": announced_deletion(actor=actor, owner=owner),
        "reason": "" if may else f"This needs the role {able}.",
    }
    return render(request, "orgs/ownership/ownership.html", context)


@for_owner(Permission.ORGANIZATION_MANAGE)
@require_http_methods(["GET", "HEAD", "POST"])
@freshly_signed_in
def transfer(request: OwnedRequest) -> HttpResponse:
    """Look at what handing over means, then do it."""
    actor, owner = request.actor, request.owner
    asked = request.POST if request.method == "POST" else request.GET
    heir = heir_of(actor=actor, owner=owner, member_id=from_text("mem", asked.get("member", "")))
    error = None
    if request.method == "POST":
        steps_down = asked.get("then") == "step_down"
        try:
            hand_over_organization(
                actor=actor, owner=owner, member_id=heir.id, steps_down=steps_down, now=timezone.now()
            )
        except ConflictError as problem:
            error = problem
        else:
            mine = "You are an admin from now on." if steps_down else "You stay one too."
            messages.success(request, f"{heir.user.display_name} is an owner of {owner.label} now. {mine}")
            return redirect(owner_url(owner, "ownership"))
    role = Role(heir.role)
    context = {"heir": heir, "is_owner": role is Role.OWNER, "role": ROLE_LABELS[role], "error": error}
    status = error.status if error else HTTPStatus.OK
    return render(request, "orgs/ownership/transfer.html", context, status=status)


@for_owner(Permission.ORGANIZATION_MANAGE)
@require_POST
def stop(request: OwnedRequest) -> HttpResponse:
    """Stop the countdown. No fresh sign-in is asked for: it only ever keeps what there is."""
    stop_deletion(actor=request.actor, owner=request.owner, now=timezone.now())
    messages.success(request, f"Stopped. {request.owner.label} stays, and nothing was deleted.")
    return redirect(owner_url(request.owner, "ownership"))
