"""The front door."""

from django.http import HttpResponse
from django.shortcuts import redirect
from django.views.decorators.http import require_safe

from orgs.decorators import SignedInRequest, signed_in
from orgs.identities import front_page


@signed_in
@require_safe
def home(request: SignedInRequest) -> HttpResponse:
    """Everybody begins as themself."""
    return redirect(front_page(request.actor))
