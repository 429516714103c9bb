"""Accept an invitation: with an account or on the way to one."""

from http import HTTPStatus

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.http import require_POST, require_safe

from accounts.sessions import change_key
from orgs.decorators import SignedInRequest, public, signed_in
from orgs.errors import DomainError
from orgs.identities import current_actor, first_page
from orgs.invited_sessions import forget_invitation, remember_invitation, remembered_invitation
from orgs.queries.invitations import invitation_of, verified_addresses
from orgs.services.joining import accept_invitation


@public
@require_safe
def link(request: HttpRequest, token: str) -> HttpResponse:
    """Where the e-mail leads. Using it up takes a click: mail scanners follow links too."""
    remember_invitation(request, token)
    response = redirect("invitation")
    response["Referrer-Policy"] = "no-referrer"
    return response


@public
@require_safe
def invitation(request: HttpRequest) -> HttpResponse:
    """Whoever is not signed in reads the same for every link, real or invented (check W13)."""
    if not request.user.is_authenticated:
        return render(request, "orgs/invitation_sign_in.html")
    return _page(request)


def _page(request: HttpRequest, error: DomainError | None = None) -> HttpResponse:
    actor = current_actor(request)
    digest = remembered_invitation(request)
    found = invitation_of(actor=actor, digest=digest, now=timezone.now()) if actor else None
    addresses = verified_addresses(actor=actor) if actor else []
    context = {"invitation": found, "addresses": addresses, "error": error}
    return render(request, "orgs/invitation.html", context, status=error.status if error else HTTPStatus.OK)


@signed_in
@require_POST
def accept(request: SignedInRequest) -> HttpResponse:
    digest = remembered_invitation(request)
    try:
        owner = accept_invitation(actor=request.actor, user=request.user, digest=digest, now=timezone.now())
    except DomainError as error:
        return _page(request, error)
    forget_invitation(request)
    change_key(request)  # this session is in use: saving it takes back the mark that others of the user have got
    messages.success(request, f"Welcome to {owner.label}. You can now act under its ID as well as your own.")
    return redirect(first_page(owner))
