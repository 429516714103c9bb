"""What happens around every request."""

from collections.abc import Callable
from http import HTTPStatus
from typing import Final

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.cache import add_never_cache_headers
from django.utils.http import url_has_allowed_host_and_scheme
from django_htmx.http import reswap, retarget

from accounts.htmx import wants_fragment
from orgs.denials import note_denial
from orgs.errors import DomainError

PAGES: Final = {
    HTTPStatus.UNAUTHORIZED: "403.html",
    HTTPStatus.FORBIDDEN: "403.html",
    HTTPStatus.NOT_FOUND: "404.html",
    HTTPStatus.CONFLICT: "409.html",
    HTTPStatus.TOO_MANY_REQUESTS: "429.html",
}
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
        context = {"error": exception, "back": _came_from(request)}
        return render(request, PAGES.get(exception.status, "400.html"), context, status=exception.status)


def _came_from(request: HttpRequest) -> str:
    """The page of ours that the person sent this from; empty if it was another site's, or is not told."""
    there = request.headers.get("Referer", "")
    is_ours = url_has_allowed_host_and_scheme(
        there, allowed_hosts={request.get_host()}, require_https=request.is_secure()
    )
    return there if is_ours else ""
