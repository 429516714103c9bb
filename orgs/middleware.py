"""What happens around every request."""

from collections.abc import Callable
from http import HTTPStatus

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.cache import add_never_cache_headers
from django_htmx.http import reswap, retarget

from accounts.htmx import wants_fragment
from orgs.denials import note_denial
from orgs.errors import DomainError

GetResponse = Callable[[HttpRequest], HttpResponse]


class NoStoreMiddleware:
    """Pages are somebody's own: no cache between us and them may keep one (check T30)."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        if not response.has_header("Cache-Control"):
            add_never_cache_headers(response)
            response["Cache-Control"] = "no-store, private"
        return response


class DomainErrorMiddleware:
    """A DomainError that no view caught becomes the error page with its sentence and status; a denial is recorded.

    htmx gets the sentence alone, to stand in the page's list of messages.
    """

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        return self.get_response(request)

    def process_exception(self, request: HttpRequest, exception: Exception) -> HttpResponse | None:
        if not isinstance(exception, DomainError):
            return None
        note_denial(request, exception)
        if wants_fragment(request):
            response = render(request, "_error.html", {"error": exception}, status=exception.status)
            return reswap(retarget(response, "#messages"), "outerHTML")
        return render(request, f"{_template(exception)}.html", {"error": exception}, status=exception.status)


def _template(error: DomainError) -> int:
    return int(error.status) if error.status in {HTTPStatus.FORBIDDEN, HTTPStatus.NOT_FOUND} else 400
