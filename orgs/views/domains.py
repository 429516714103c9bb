"""Let people of an e-mail domain join by themselves, and join."""

from uuid import UUID

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect
from django.utils import timezone
from django.views.decorators.http import require_POST

from accounts.ids import from_text
from orgs.addresses import owner_url
from orgs.decorators import OwnedRequest, SignedInRequest, for_owner, signed_in
from orgs.errors import DomainError, NotFoundError
from orgs.forms import DomainForm, show_error
from orgs.identities import first_page
from orgs.permissions import Permission
from orgs.services.domains import add_domain, join_by_domain, remove_domain
from orgs.views.settings import settings_page


@for_owner(Permission.ORGANIZATION_MANAGE)
@require_POST
def add(request: OwnedRequest) -> HttpResponse:
    form = DomainForm(request.POST)
    if not form.is_valid():
        return settings_page(request, domain=form)
    try:
        added = add_domain(actor=request.actor, owner=request.owner, now=timezone.now(), **form.cleaned_data)
    except DomainError as error:
        show_error(form, error)
        return settings_page(request, domain=form)
    messages.success(request, f"People with a verified address at {added.domain} may join as {added.role_label}.")
    return redirect(owner_url(request.owner, "settings"))


@for_owner(Permission.ORGANIZATION_MANAGE)
@require_POST
def remove(request: OwnedRequest, domain_id: str) -> HttpResponse:
    asked = read_domain_id(domain_id)
    gone = remove_domain(actor=request.actor, owner=request.owner, domain_id=asked, now=timezone.now())
    messages.success(request, f"Nobody joins by an address at {gone.domain} any more. Whoever has joined stays.")
    return redirect(owner_url(request.owner, "settings"))


@signed_in
@require_POST
def join(request: SignedInRequest, domain_id: str) -> HttpResponse:
    """For whom it is open; for everybody else there is nothing under this address."""
    asked = read_domain_id(domain_id)
    owner = join_by_domain(actor=request.actor, user=request.user, domain_id=asked, now=timezone.now())
    messages.success(request, f"Welcome to {owner.label}. You can now act under its ID as well as your own.")
    return redirect(first_page(owner))


def read_domain_id(text: str) -> UUID:
    """Read `dom_…`; whatever else it is, there is no such domain."""
    found = from_text("dom", text)
    if found is None:
        raise NotFoundError
    return found
