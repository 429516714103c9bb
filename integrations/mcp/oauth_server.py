"""The authorization server for MCP clients: Authlib reads the protocol, the services decide and store.

Public clients, the authorization code with PKCE S256, refresh tokens that are good once, revocation; nothing else.
Sources: the MCP authorization specification (2025-11-25), OAuth 2.1 (draft 13), RFC 7636, 8707, 9207, 9700.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final

from authlib.common.urls import add_params_to_uri
from authlib.integrations.django_oauth2 import AuthorizationServer
from authlib.integrations.django_oauth2.requests import DjangoOAuth2Payload, DjangoOAuth2Request
from authlib.oauth2.rfc6749 import OAuth2Request
from authlib.oauth2.rfc6749.errors import InvalidGrantError, InvalidRequestError, OAuth2Error
from authlib.oauth2.rfc6749.grants import AuthorizationCodeGrant, RefreshTokenGrant
from authlib.oauth2.rfc7009 import RevocationEndpoint
from authlib.oauth2.rfc7636 import CodeChallenge
from django.conf import settings
from django.http import HttpRequest
from django.utils import timezone

from integrations.mcp.place import audience_asked
from integrations.mcp.scopes import GRANTABLE
from orgs.permissions import Actor, OwnerRef, Scope
from orgs.queries.oauth import find_client, find_secret
from orgs.redirect_uris import is_registered
from orgs.services.oauth import Consent, authorize_client, issue_tokens, revoke_for_client, spend

PUBLIC: Final = ["none"]  # RFC 7591 section 2: a client without a secret
GRANTS: Final = ("authorization_code", "refresh_token")
CHALLENGE: Final = re.compile(r"[A-Za-z0-9_-]{43}")  # a SHA-256 in base64url (RFC 7636 section 4.2)
AGAIN: Final = "This was used already, or whoever granted it may not act any more. Sign in again."


class InvalidTargetError(OAuth2Error):  # type: ignore[misc]  # Authlib has no types
    """RFC 8707 section 2."""

    error = "invalid_target"
    description = "Name one MCP address of this installation as the resource."


@dataclass(frozen=True)
class Agreed:
    """What a person agreed to on the consent page: what Authlib calls the user of the request."""

    actor: Actor
    owner: OwnerRef
    days: int


class Client:
    """A registered client as Authlib asks about it."""

    def __init__(self, row: Any) -> None:
        self.row = row

    def check_redirect_uri(self, redirect_uri: str) -> bool:
        return is_registered(redirect_uri, self.row.redirect_uris)

    def get_default_redirect_uri(self) -> str:
        return ""  # it has to be named, so that what was shown and what is done cannot differ

    def check_response_type(self, response_type: str) -> bool:
        return response_type == "code"

    def check_grant_type(self, grant_type: str) -> bool:
        return grant_type in GRANTS

    def check_endpoint_auth_method(self, method: str, endpoint: str) -> bool:
        del endpoint
        return method in PUBLIC

    def get_allowed_scope(self, scope: str | None) -> str | None:
        """What is asked for and can be granted; everything when nothing is asked for. None: none of it."""
        found = scopes_of(scope)
        return " ".join(found) if found else None


class Secret:
    """A stored code or token as Authlib asks about it."""

    def __init__(self, row: Any) -> None:
        self.row = row
        self.code_challenge, self.code_challenge_method = row.challenge, "S256"

    def check_client(self, client: Client) -> bool:
        return bool(self.row.key.oauth_client_id == client.row.id)

    def get_redirect_uri(self) -> str:
        return str(self.row.redirect_uri)

    def get_scope(self) -> str:
        return " ".join(self.row.key.scopes)


class CodeGrant(AuthorizationCodeGrant):  # type: ignore[misc]  # Authlib has no types
    """OAuth 2.1 section 4.1."""

    TOKEN_ENDPOINT_AUTH_METHODS = PUBLIC

    def generate_authorization_code(self) -> str:
        """By the service, in one transaction with what is granted."""
        request, agreed = self.request, self.request.user
        now = timezone.now()
        consent = Consent(
            client=request.client.row,
            owner=agreed.owner,
            audience=audience_in(request),
            scopes=scopes_of(request.payload.scope),
            expires_at=now + timedelta(days=agreed.days),
            redirect_uri=request.payload.redirect_uri,
            challenge=request.payload.data["code_challenge"],
        )
        return authorize_client(actor=agreed.actor, consent=consent, now=now)

    def save_authorization_code(self, code: str, request: OAuth2Request) -> None:
        """It is stored already."""

    def query_authorization_code(self, code: str, client: Client) -> Secret | None:
        found = _secret(code, "code")
        if found is None or not found.check_client(client):
            return None
        check_same_audience(self.request, found)
        return found

    def authenticate_user(self, authorization_code: Secret) -> Any:
        return _spent(authorization_code)

    def delete_authorization_code(self, authorization_code: Secret) -> None:
        """It is spent already, and kept until its time is over."""


class S256(CodeChallenge):  # type: ignore[misc]  # Authlib has no types
    """PKCE with S256 and nothing else, for every client (OAuth 2.1 section 7.5)."""

    DEFAULT_CODE_CHALLENGE_METHOD = "S256"
    SUPPORTED_CODE_CHALLENGE_METHOD = ["S256"]  # as Authlib declares it

    def validate_code_challenge(self, grant: Any, redirect_uri: str) -> None:
        asked = grant.request.payload.data
        if asked.get("code_challenge_method") != "S256" or not CHALLENGE.fullmatch(asked.get("code_challenge", "")):
            raise InvalidRequestError("PKCE is required: send a code_challenge with code_challenge_method S256.")
        super().validate_code_challenge(grant, redirect_uri)


class RefreshGrant(RefreshTokenGrant):  # type: ignore[misc]  # Authlib has no types
    """OAuth 2.1 section 4.3: each refresh token is good once."""

    TOKEN_ENDPOINT_AUTH_METHODS = PUBLIC
    INCLUDE_NEW_REFRESH_TOKEN = True

    def authenticate_refresh_token(self, refresh_token: str) -> Secret | None:
        found = _secret(refresh_token, "refresh")
        if found is not None:
            check_same_audience(self.request, found)
        return found

    def authenticate_user(self, refresh_token: Secret) -> Any:
        return _spent(refresh_token)

    def revoke_old_credential(self, refresh_token: Secret) -> None:
        """It is spent already, and kept so that it is known when it comes back."""


class Revocation(RevocationEndpoint):  # type: ignore[misc]  # Authlib has no types
    """RFC 7009. Either token ends the whole grant."""

    CLIENT_AUTH_METHODS = PUBLIC

    def query_token(self, token_string: str, token_type_hint: str | None) -> Secret | None:
        del token_type_hint
        return _secret(token_string, "refresh") or _secret(token_string, "access")

    def revoke_token(self, token: Secret, request: OAuth2Request) -> None:
        del request
        revoke_for_client(token.row.key, actor=None, now=timezone.now())


class Request(DjangoOAuth2Request):  # type: ignore[misc]  # Authlib has no types
    """The request as the world sees it: behind a proxy it comes over plain http."""

    def __init__(self, request: HttpRequest) -> None:
        OAuth2Request.__init__(self, str(request.method), f"{settings.BASE_URL}{request.path}", headers=request.headers)
        self.payload = DjangoOAuth2Payload(request)
        self._request = request


class Server(AuthorizationServer):  # type: ignore[misc]  # Authlib has no types
    """Authlib's server over our own rows."""

    def __init__(self) -> None:
        super().__init__(client_model=None, token_model=None)
        self.register_grant(CodeGrant, [S256(required=True)])
        self.register_grant(RefreshGrant)
        self.register_endpoint(Revocation)

    def query_client(self, client_id: str) -> Client | None:
        row = find_client(actor=None, client_id=client_id)
        return Client(row) if row else None

    def create_oauth2_request(self, request: Any) -> OAuth2Request:
        return request if isinstance(request, OAuth2Request) else Request(request)

    def generate_token(self, **_asked: Any) -> dict[str, Any]:
        """Filled in when it is stored, where it is known for what it is."""
        return {}

    def save_token(self, token: dict[str, Any], request: OAuth2Request) -> None:
        key = (request.authorization_code or request.refresh_token).row.key
        issued = issue_tokens(key, actor=None, now=timezone.now())
        token |= {
            "token_type": "Bearer",
            "access_token": issued.access,
            "refresh_token": issued.refresh,
            "expires_in": issued.seconds,
            "scope": " ".join(key.scopes),
        }

    def handle_response(self, status_code: int, payload: Any, headers: Any) -> Any:
        """Every answer that goes through the browser names who gives it (RFC 9207)."""
        named = [(name, _with_issuer(value) if name == "Location" else value) for name, value in headers]
        return super().handle_response(status_code, payload, named)

    def send_signal(self, name: str, *args: Any, **kwargs: Any) -> None:
        """Nobody listens."""


def _with_issuer(location: str) -> str:
    return str(add_params_to_uri(location, [("iss", str(settings.BASE_URL))]))


def scopes_of(text: str | None) -> Sequence[Scope]:
    asked = set((text or "").split())
    return [one for one in GRANTABLE if not asked or one in asked]


def audience_in(request: OAuth2Request) -> str:
    """The one MCP address that is asked for (RFC 8707); InvalidTargetError when it is none or more than one."""
    named = request.payload.datalist.get("resource", [])
    audience = audience_asked(named[0]) if len(named) == 1 else ""
    if not audience:
        raise InvalidTargetError
    return audience


def check_same_audience(request: OAuth2Request, secret: Secret) -> None:
    """A token request may name the resource again; another one is refused (RFC 8707 section 2.2)."""
    named = request.payload.datalist.get("resource", [])
    if any(audience_asked(one) != secret.row.key.audience for one in named):
        raise InvalidTargetError


def _secret(text: str, kind: str) -> Secret | None:
    row = find_secret(actor=None, text=text, kind=kind, now=timezone.now())
    return Secret(row) if row else None


def _spent(secret: Secret) -> Any:
    if not spend(secret.row, actor=None, now=timezone.now()):
        raise InvalidGrantError(AGAIN)
    return secret.row.key.created_by_id or secret.row.key.id


server: Final = Server()
