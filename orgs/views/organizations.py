"""Make an organization."""

from http import HTTPStatus

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.http import require_http_methods

from orgs.decorators import SignedInRequest, signed_in
from orgs.errors import DomainError
from orgs.forms import OrganizationForm, show_error
from orgs.identities import first_page
from orgs.queries.domains import joinable
from orgs.services.organizations import create_organization


@signed_in
@require_http_methods(["GET", "HEAD", "POST"])
def create(request: SignedInRequest) -> HttpResponse:
    form = OrganizationForm(request.POST if request.method == "POST" else None)
    if request.method == "POST" and form.is_valid():
        try:
            made = create_organization(actor=request.actor, user=request.user, now=timezone.now(), **form.cleaned_data)
        except DomainError as error:
            show_error(form, error)
        else:
            messages.success(request, f"{made.name} is ready. Connect its first account, then its members can use it.")
            return redirect(first_page(made.ref))
    status = HTTPStatus.UNPROCESSABLE_ENTITY if form.errors else HTTPStatus.OK
    context = {"form": form, "joinable": joinable(actor=request.actor)}
    return render(request, "orgs/create.html", context, status=status)
