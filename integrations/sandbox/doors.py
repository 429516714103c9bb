"""How a sandbox view may be reached: a page by anybody, an API call with an access token."""

from collections.abc import Callable
from functools import wraps
from typing import Any

from authlib.integrations.django_oauth2 import ResourceProtector
from authlib.oauth2 import OAuth2Error
from authlib.oauth2.rfc6750 import BearerTokenValidator
from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.views.decorators.csrf import csrf_exempt

from integrations.sandbox.identities import IDENTITIES, Identity
from integrations.sandbox.models import Token
from integrations.sandbox.secret_hashes import hash_secret

View = Callable[..., HttpResponse]
ApiView = Callable[..., JsonResponse]


class RequestError(Exception):
    """What the API answers instead of data."""

    def __init__(self, status: int, code: str, message: str) -> None:
        super().__init__(code)
        self.status = status
        self.code = code
        self.message = message


class HashedTokenValidator(BearerTokenValidator):  # type: ignore[misc]  # Authlib has no types
    def authenticate_token(self, token_string: str) -> Token | None:
        return Token.objects.filter(access_hash=hash_secret(token_string)).first()


_protector = ResourceProtector()
_protector.register_token_validator(HashedTokenValidator(realm="sandbox"))


def public(view: View) -> View:
    """The sandbox knows nobody's sign-in: every address of it is open."""
    declared: Any = login_not_required(view)
    declared.required_permission = "public"
    return view


def for_programs(view: View) -> View:
    """Called by a server, not from a form: there is no cookie to abuse, so no CSRF token is asked for."""
    return public(csrf_exempt(view))


def api(scope: str) -> Callable[[ApiView], ApiView]:
    """Give the view the identity that the access token stands for, if the token has the scope."""

    def decorate(view: ApiView) -> ApiView:
        @wraps(view)
        def wrapped(request: HttpRequest, **kwargs: Any) -> JsonResponse:
            try:
                return view(request, _identity(request, scope), **kwargs)
            except OAuth2Error as error:
                message = error.get_error_description() or "The access token is missing or no longer good."
                answer = failure(RequestError(error.status_code, error.error, message))
                answer.headers.setdefault(
                    "WWW-Authenticate", dict(error.get_headers()).get("WWW-Authenticate", "Bearer")
                )
                return answer
            except RequestError as error:
                return failure(error)

        return wrapped

    return decorate


def by_method(**views: ApiView) -> View:
    """One address, one view per HTTP method."""

    def dispatch(request: HttpRequest, **kwargs: Any) -> HttpResponse:
        view = views.get(request.method or "")
        if view is None:
            return failure(RequestError(405, "method_not_allowed", f"Use {' or '.join(views)}."))
        return view(request, **kwargs)

    return for_programs(dispatch)


def failure(error: RequestError) -> JsonResponse:
    return JsonResponse({"error": {"code": error.code, "message": error.message}}, status=error.status)


def _identity(request: HttpRequest, scope: str) -> Identity:
    token: Token = _protector.acquire_token(request, scope)
    return IDENTITIES[token.identity]
