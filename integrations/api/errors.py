"""One shape for everything that goes wrong, whoever noticed it."""

from collections.abc import Sequence
from http import HTTPStatus
from typing import Any, Final

import structlog
from django.core.exceptions import RequestDataTooBig
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from ninja import Schema
from ninja.errors import AuthenticationError, HttpError, ValidationError

from integrations.api.fixes import fix_for
from integrations.api.recording import record_denial
from orgs.errors import DomainError, TooManyError

# Numbers that the clients of this protocol know. Everything else carries its HTTP status.
NUMBERS: Final = {
    "no_connected_account": 1810,
    "connected_account_not_found": 1810,
    "id_kind_mismatch": 1812,
    "connection_not_found": 606,
    "tool_not_found": 2401,
}
MESSAGES: Final[dict[int, tuple[str, str]]] = {
    400: ("invalid_request", "The request could not be read. Send JSON as the documentation shows."),
    401: ("unauthenticated", "Send an API key in the header x-api-key, or as Authorization: Bearer."),
    403: ("forbidden", "This is not allowed."),
    404: ("unknown_address", "There is no such address in this API."),
    405: ("method_not_allowed", "This address does not answer to this method."),
    411: ("length_required", "Say how long the body is: send Content-Length."),
    413: ("too_large", "The request is too large. A body may have 1 MiB."),
    415: ("unsupported_media_type", "Send the body as application/json."),
    429: ("too_many", "Too many requests. Wait a moment."),
    500: ("internal_error", "Something went wrong on our side. Try again; if it stays, name the request ID."),
}
DOCUMENTED: Final = "The documentation of the API lists every address, method and field: /docs/api/."
NO_KEY_FIX: Final = "Make a key on the page API keys, then send it in the header x-api-key."


class ErrorBody(Schema):
    """What went wrong. `slug` is for programs and stays; `message` and `suggested_fix` are for people."""

    message: str
    code: int
    slug: str
    status: int
    request_id: str
    suggested_fix: str
    errors: list[str] = []


class ErrorOut(Schema):
    """Every answer with a status of 400 or more."""

    error: ErrorBody


def error_response(
    *, status: int, slug: str = "", message: str = "", suggested_fix: str = "", errors: list[str] | None = None
) -> HttpResponse:
    usual_slug, usual_message = MESSAGES.get(
        status, MESSAGES[500 if status >= HTTPStatus.INTERNAL_SERVER_ERROR else 400]
    )
    slug = slug or usual_slug
    body: dict[str, Any] = {
        "message": message or usual_message,
        "code": NUMBERS.get(slug, status),
        "slug": slug,
        "status": status,
        "request_id": str(structlog.contextvars.get_contextvars().get("request_id", "")),
        "suggested_fix": suggested_fix or (NO_KEY_FIX if status == HTTPStatus.UNAUTHORIZED else DOCUMENTED),
    }
    if errors:
        body["errors"] = errors
    return JsonResponse({"error": body}, status=status)


def on_domain_error(request: HttpRequest, error: DomainError) -> HttpResponse:
    record_denial(request, error)
    response = error_response(
        status=int(error.status),
        slug=error.code,
        message=error.message,
        suggested_fix=fix_for(error),
        errors=_problems(error),
    )
    if isinstance(error, TooManyError) and error.details:
        response["Retry-After"] = str(error.details)
    return response


def _problems(error: DomainError) -> list[str]:
    """The arguments that do not fit, one sentence each."""
    if error.code != "invalid_arguments" or not error.details:
        return []
    return [f"{field}: {message}" if field else message for field, message in error.details]


def on_invalid(request: HttpRequest, error: ValidationError) -> HttpResponse:
    """Wrong types and missing fields: 400, where each stands, and never what was sent (it may be a secret)."""
    del request
    problems = [f"{_place(one['loc'])}: {one['msg']}" for one in error.errors[:20]]
    message = f"The request does not fit. {problems[0]}" if problems else ""
    return error_response(status=400, slug="invalid_request", message=message, errors=problems)


def _place(parts: Sequence[Any]) -> str:
    """Where it stands: body, query or path, then the names, without that of our own parameter."""
    return ".".join(str(part) for part in parts if part != "asked")


def on_http_error(request: HttpRequest, error: HttpError) -> HttpResponse:
    """The frame's own errors; a body that our parser refused comes wrapped in one of them."""
    if isinstance(error.__cause__, DomainError):
        return on_domain_error(request, error.__cause__)
    return error_response(status=error.status_code)


def on_missing_key(request: HttpRequest, error: AuthenticationError) -> HttpResponse:
    del request, error
    return error_response(status=401)


def on_too_big(request: HttpRequest, error: RequestDataTooBig) -> HttpResponse:
    del request, error
    return error_response(status=413)


def on_404(request: HttpRequest, error: Http404) -> HttpResponse:
    del request, error
    return error_response(status=404)


HANDLERS: Final[dict[type[Exception], Any]] = {
    DomainError: on_domain_error,
    ValidationError: on_invalid,
    AuthenticationError: on_missing_key,
    HttpError: on_http_error,
    RequestDataTooBig: on_too_big,
    Http404: on_404,
}
