"""What happens around every request under /api/: no cookies, bounded bodies, and errors in the API's one shape."""

from collections.abc import Callable
from http import HTTPStatus
from typing import Any, cast

from django.http import HttpRequest, HttpResponse

from integrations.api.errors import error_response
from integrations.doors.keys import KEY_SHAPE

GetResponse = Callable[[HttpRequest], HttpResponse]
PREFIX = "/api/"
MAX_ADDRESS = 8192


class ApiMiddleware:
    """Stands before the session: whoever is signed in in a browser is nobody here (check W3)."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if not request.path_info.startswith(PREFIX):
            return self.get_response(request)
        asked = cast("Any", request)
        if any(KEY_SHAPE.search(value) for value in request.COOKIES.values()):
            asked.key_in_cookie = "cookie"
        asked.COOKIES = {}
        refusal = _refusal(request)
        response = refusal if refusal is not None else self.get_response(request)
        return _in_shape(response)


def _refusal(request: HttpRequest) -> HttpResponse | None:
    """What no handler could read."""
    if "\x00" in request.path_info or len(request.get_full_path()) > MAX_ADDRESS:
        return error_response(status=HTTPStatus.BAD_REQUEST)
    if "Transfer-Encoding" in request.headers and "Content-Length" not in request.headers:
        return error_response(status=HTTPStatus.LENGTH_REQUIRED)
    return None


def _in_shape(response: HttpResponse) -> HttpResponse:
    is_json = response.headers.get("Content-Type", "").startswith("application/json")
    if response.status_code < HTTPStatus.BAD_REQUEST or is_json:
        return response
    shaped = error_response(status=response.status_code)
    if "Allow" in response.headers:
        shaped["Allow"] = response.headers["Allow"]
    return shaped
