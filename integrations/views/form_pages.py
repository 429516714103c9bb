"""What pages with a form have in common."""

from collections.abc import Callable
from http import HTTPStatus
from typing import Any

from django.forms import Form
from django.http import HttpResponse
from django.shortcuts import render

from orgs.decorators import OwnedRequest
from orgs.errors import DomainError
from orgs.forms import show_error


def form_page(
    request: OwnedRequest, form: Form, act: Callable[[], HttpResponse], template: str, context: dict[str, Any]
) -> HttpResponse:
    """The form's page; or, when it was sent and fits, what acting answers."""
    if request.method == "POST" and form.is_valid():
        try:
            return act()
        except DomainError as error:
            show_error(form, error)
    status = HTTPStatus.UNPROCESSABLE_ENTITY if form.errors else HTTPStatus.OK
    return render(request, template, {**context, "form": form}, status=status)
