"""The sandbox's authorization server: Authlib's, with PKCE by S256 required and refresh tokens that rotate."""

import re
import uuid
from datetime import timedelta
from typing import Any

from authlib.common.urls import add_params_to_uri
from authlib.integrations.django_oauth2 import AuthorizationServer
from authlib.integrations.django_oauth2.requests import DjangoOAuth2Payload, DjangoOAuth2Request
from authlib.oauth2.rfc6749 import InvalidGrantError, InvalidRequestError, OAuth2Request
from authlib.oauth2.rfc6749.grants import AuthorizationCodeGrant, RefreshTokenGrant
from authlib.oauth2.rfc6750 import BearerTokenGenerator
from authlib.oauth2.rfc7009 import RevocationEndpoint
from authlib.oauth2.rfc7636 import CodeChallenge
from django.conf import settings
from django.db import transaction
from django.db.models import Q
from django.http import HttpRequest, HttpResponse
from django.utils import timezone

from integrations.sandbox.clients import AUTH_METHODS, InstallationClient, find_client
from integrations.sandbox.identities import IDENTITIES, SCOPES, Identity
from integrations.sandbox.models import AuthorizationCode, Token
from integrations.sandbox.secret_hashes import hash_secret, new_secret

ACCESS_LIFE = timedelta(minutes=5)  # short on purpose: a first hour sees several refreshes
CODE_LIFE = timedelta(minutes=1)
FORGET_AFTER = timedelta(days=1)
_SPEAKABLE = re.compile(r"[\x20\x21\x23-\x5b\x5d-\x7e]*")  # RFC 6749 section 4.1.2.1, error_description


class SandboxRequest(DjangoOAuth2Request):  # type: ignore[misc]  # Authlib has no types
    """Authlib wants https everywhere but on loopback. A trial may run on a plain host name; production never does."""

    def __init__(self, request: HttpRequest) -> None:
        uri = f"https://{request.get_host()}{request.get_full_path()}"
        OAuth2Request.__init__(self, method=request.method or "", uri=uri, headers=request.headers)
        self.payload = DjangoOAuth2Payload(request)
        self._request = request


class SandboxServer(AuthorizationServer):  # type: ignore[misc]  # Authlib has no types
    def __init__(self) -> None:
        super().__init__(client_model=InstallationClient, token_model=Token)
        self.scopes_supported = list(SCOPES)
        self.register_token_generator("default", _token_generator())
        self.register_grant(CodeGrant, [RequiredS256()])
        self.register_grant(RotatingRefreshGrant)
        self.register_endpoint(Revocation)

    def query_client(self, client_id: str) -> InstallationClient | None:
        return find_client(client_id)

    def create_oauth2_request(self, request: HttpRequest) -> SandboxRequest:
        """Authlib repeats some parameters in its errors, and fails on those that an error may not hold."""
        values = [value for part in (request.GET, request.POST) for _, some in part.lists() for value in some]
        if not all(_SPEAKABLE.fullmatch(value) for value in values):
            raise InvalidRequestError("A parameter holds characters that OAuth does not allow.")
        return SandboxRequest(request)

    def handle_response(self, status_code: int, payload: Any, headers: Any) -> HttpResponse:
        """RFC 9207: whatever goes back through the browser says who sent it. Redirects are always such answers."""
        response: HttpResponse = super().handle_response(status_code, payload, headers)
        if "Location" in response:
            response["Location"] = add_params_to_uri(response["Location"], [("iss", issuer())])
        return response

    def save_token(self, token: dict[str, Any], request: Any) -> Token:
        before = request.authorization_code or request.refresh_token
        return Token.objects.create(
            access_hash=hash_secret(token["access_token"]),
            refresh_hash=hash_secret(token["refresh_token"]),
            grant_id=before.grant_id,
            client_id=request.client.get_client_id(),
            identity=request.user.slug,
            scope=token.get("scope", ""),
            expires_at=timezone.now() + ACCESS_LIFE,
        )


class RequiredS256(CodeChallenge):  # type: ignore[misc]  # Authlib has no types
    """RFC 9700 section 2.1.1, for every client; `plain` protects nobody and is refused."""

    SUPPORTED_CODE_CHALLENGE_METHOD = ("S256",)

    def validate_code_challenge(self, grant: Any, redirect_uri: str) -> None:
        data = grant.request.payload.data
        if not data.get("code_challenge") or data.get("code_challenge_method") != "S256":
            raise InvalidRequestError("PKCE with code_challenge_method S256 is required.")
        super().validate_code_challenge(grant, redirect_uri)


class CodeGrant(AuthorizationCodeGrant):  # type: ignore[misc]  # Authlib has no types
    TOKEN_ENDPOINT_AUTH_METHODS = AUTH_METHODS

    def save_authorization_code(self, code: str, request: Any) -> None:
        now = timezone.now()
        forget_old_grants()
        AuthorizationCode.objects.create(
            code_hash=hash_secret(code),
            client_id=request.client.get_client_id(),
            identity=request.user.slug,
            redirect_uri=request.payload.redirect_uri,
            scope=request.scope,
            code_challenge=request.payload.data["code_challenge"],
            code_challenge_method=request.payload.data["code_challenge_method"],
            expires_at=now + CODE_LIFE,
        )

    def query_authorization_code(self, code: str, client: InstallationClient) -> AuthorizationCode | None:
        found = AuthorizationCode.objects.filter(code_hash=hash_secret(code), client_id=client.get_client_id()).first()
        if found is None or found.expires_at <= timezone.now():
            return None
        if found.used_at is not None:  # RFC 6749 section 4.1.2: a code seen twice ends what came of it
            end_grant(found.grant_id)
            return None
        return found

    def authenticate_user(self, authorization_code: AuthorizationCode) -> Identity | None:
        """Called once everything else is checked: the conditional update lets one of two racers through."""
        unused = AuthorizationCode.objects.filter(pk=authorization_code.pk, used_at=None)
        is_ours = unused.update(used_at=timezone.now()) == 1
        return IDENTITIES.get(authorization_code.identity) if is_ours else None

    def delete_authorization_code(self, authorization_code: AuthorizationCode) -> None:
        """Kept as used, so that a second use is noticed."""


class RotatingRefreshGrant(RefreshTokenGrant):  # type: ignore[misc]  # Authlib has no types
    TOKEN_ENDPOINT_AUTH_METHODS = AUTH_METHODS
    INCLUDE_NEW_REFRESH_TOKEN = True

    def authenticate_refresh_token(self, refresh_token: str) -> Token | None:
        token = Token.objects.filter(refresh_hash=hash_secret(refresh_token)).first()
        if token is None or token.is_revoked():
            return None
        if token.refreshed_at is not None:  # RFC 9700 section 4.14.2: a used one means that somebody stole it
            end_grant(token.grant_id)
            return None
        return token

    def authenticate_user(self, refresh_token: Token) -> Identity | None:
        return IDENTITIES.get(refresh_token.identity)

    @transaction.atomic
    def create_token_response(self) -> Any:
        unused = Token.objects.filter(pk=self.request.refresh_token.pk, refreshed_at=None, revoked_at=None)
        if unused.update(refreshed_at=timezone.now()) != 1:
            raise InvalidGrantError
        return super().create_token_response()

    def revoke_old_credential(self, refresh_token: Token) -> None:
        """Done before the new one was made; its access token lives out its minutes."""


class Revocation(RevocationEndpoint):  # type: ignore[misc]  # Authlib has no types
    CLIENT_AUTH_METHODS = AUTH_METHODS

    def query_token(self, token_string: str, _token_type_hint: str | None) -> Token | None:
        digest = hash_secret(token_string)
        return Token.objects.filter(Q(access_hash=digest) | Q(refresh_hash=digest)).first()

    def revoke_token(self, token: Token, _request: Any) -> None:
        """RFC 7009 section 2.1: the whole grant goes, whichever of its tokens was named."""
        end_grant(token.grant_id)


def issuer() -> str:
    return f"{settings.BASE_URL}/sandbox"


def end_grant(grant_id: uuid.UUID) -> None:
    Token.objects.filter(grant_id=grant_id, revoked_at=None).update(revoked_at=timezone.now())


def forget_old_grants() -> None:
    """Nothing else cleans up here: codes and dead tokens go when somebody signs in again."""
    long_ago = timezone.now() - FORGET_AFTER
    AuthorizationCode.objects.filter(expires_at__lt=long_ago).delete()
    Token.objects.filter(Q(revoked_at__lt=long_ago) | Q(refreshed_at__lt=long_ago)).delete()


def _token_generator() -> BearerTokenGenerator:
    return BearerTokenGenerator(
        access_token_generator=lambda **_: new_secret("sbx_at"),
        refresh_token_generator=lambda **_: new_secret("sbx_rt"),
        expires_generator=lambda *_: int(ACCESS_LIFE.total_seconds()),
    )


server = SandboxServer()
