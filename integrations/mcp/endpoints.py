"""What MCP clients themselves ask of the authorization server: metadata, registration, tokens, revocation."""

import json
from collections.abc import Callable
from datetime import datetime
from functools import partial
from http import HTTPStatus
from typing import Any, Final

from authlib.oauth2.rfc6749.errors import InvalidRequestError, OAuth2Error
from django.conf import settings
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST, require_safe

from integrations.doors.keys import address_of
from integrations.doors.limits import spend_for_address
from integrations.mcp.oauth_server import GRANTS, PUBLIC, server
from integrations.mcp.scopes import GRANTABLE
from orgs.decorators import public
from orgs.errors import DomainError, TooManyError
from orgs.services.oauth import register_client

METADATA_A_MINUTE: Final = 120  # from one address
TOKENS_A_MINUTE: Final = 120
REGISTRATIONS_A_MINUTE: Final = 20
LONGEST_REGISTRATION: Final = 16 * 1024
NO_REGISTRATION: Final = "Clients cannot register themselves in this installation. Use an API key."
NOT_JSON: Final = "Send the client's metadata as a JSON object (RFC 7591)."
UNREADABLE: Final = "The request cannot be read."


@public
@require_safe
def metadata(request: HttpRequest) -> HttpResponse:
    """Of the authorization server (RFC 8414)."""
    if refusal := _too_many(request, "oauth-metadata", METADATA_A_MINUTE, timezone.now()):
        return refusal
    found: dict[str, Any] = {
        "issuer": settings.BASE_URL,
        "authorization_endpoint": _url("oauth_authorize"),
        "token_endpoint": _url("oauth_exchange"),
        "revocation_endpoint": _url("oauth_revoke"),
        "response_types_supported": ["code"],
        "response_modes_supported": ["query"],
        "grant_types_supported": list(GRANTS),
        "code_challenge_methods_supported": ["S256"],
        "token_endpoint_auth_methods_supported": PUBLIC,
        "revocation_endpoint_auth_methods_supported": PUBLIC,
        "scopes_supported": list(GRANTABLE),
        "authorization_response_iss_parameter_supported": True,
        "service_documentation": _url("api_docs"),
    }
    if settings.OAUTH_REGISTRATIONS:
        found["registration_endpoint"] = _url("oauth_register")
    return JsonResponse(found)


@public
@csrf_exempt
@require_POST
def exchange(request: HttpRequest) -> HttpResponse:
    """A code or a refresh token for a pair of tokens."""
    if refusal := _too_many(request, "oauth-token", TOKENS_A_MINUTE, timezone.now()):
        return refusal
    return _answered(server.create_token_response, request)


@public
@csrf_exempt
@require_POST
def revoke(request: HttpRequest) -> HttpResponse:
    """RFC 7009: a client that is done says so."""
    if refusal := _too_many(request, "oauth-token", TOKENS_A_MINUTE, timezone.now()):
        return refusal
    return _answered(partial(server.create_endpoint_response, "revocation"), request)


@public
@csrf_exempt
@require_POST
def register(request: HttpRequest) -> HttpResponse:
    """RFC 7591, for public clients alone. What we do not offer is answered with what we do (section 3.2.1)."""
    now = timezone.now()
    if refusal := _too_many(request, "oauth-register", REGISTRATIONS_A_MINUTE, now):
        return refusal
    if not settings.OAUTH_REGISTRATIONS:
        return _error("access_denied", NO_REGISTRATION, HTTPStatus.FORBIDDEN)
    asked = _json(request)
    if asked is None:
        return _error("invalid_client_metadata", NOT_JSON)
    try:
        client = register_client(
            actor=None, name=asked.get("client_name"), redirect_uris=asked.get("redirect_uris"), now=now
        )
    except DomainError as error:
        return _error(error.code, error.message)
    return JsonResponse(_registered(client), status=HTTPStatus.CREATED, headers={"Cache-Control": "no-store"})


def _answered(endpoint: Callable[[HttpRequest], HttpResponse], request: HttpRequest) -> HttpResponse:
    """What Authlib answers, also where it raises: plain http in the world, and errors that quote what is not ASCII."""
    try:
        return endpoint(request)
    except OAuth2Error as error:
        response: HttpResponse = server.handle_error_response(None, error)
    except ValueError:
        response = server.handle_error_response(None, InvalidRequestError(UNREADABLE))
    return response


def _registered(client: Any) -> dict[str, Any]:
    return {
        "client_id": client.client_id,
        "client_id_issued_at": int(client.created_at.timestamp()),
        "client_name": client.name,
        "redirect_uris": client.redirect_uris,
        "grant_types": list(GRANTS),
        "response_types": ["code"],
        "token_endpoint_auth_method": PUBLIC[0],
        "scope": " ".join(GRANTABLE),
    }


def _json(request: HttpRequest) -> dict[str, Any] | None:
    if len(request.body) > LONGEST_REGISTRATION:
        return None
    try:
        found = json.loads(request.body)
    except (ValueError, RecursionError):
        return None
    return found if isinstance(found, dict) else None


def _too_many(request: HttpRequest, kind: str, limit: int, now: datetime) -> HttpResponse | None:
    try:
        spend_for_address(address_of(request), kind, limit, now)
    except TooManyError as error:
        response = _error("temporarily_unavailable", error.message, HTTPStatus.TOO_MANY_REQUESTS)
        response["Retry-After"] = str(error.details)
        return response
    return None


def _error(code: str, message: str, status: HTTPStatus = HTTPStatus.BAD_REQUEST) -> HttpResponse:
    body = {"error": code, "error_description": message}
    return JsonResponse(body, status=status, headers={"Cache-Control": "no-store"})


def _url(name: str) -> str:
    return f"{settings.BASE_URL}{reverse(name)}"
