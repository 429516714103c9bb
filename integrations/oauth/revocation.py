"""Tell a provider that its tokens are no longer wanted. Never raises: the caller wipes its copy in any case."""

from __future__ import annotations

import json
from collections.abc import Callable
from http import HTTPStatus

import httpx2

from integrations.oauth.errors import OAuthError
from integrations.oauth.session import basic_credentials, open_session, provider_faults
from integrations.oauth.types import Client, ProviderSpec, Revocation, RevokeStyle, Tokens

_CONFIRMED = Revocation(confirmed=True, detail="The provider confirmed that the access is withdrawn.")
_ALREADY_DEAD = frozenset({"invalid_token", "invalid_auth", "token_revoked", "token_expired", "account_inactive"})
_NO_WAY = Revocation(
    confirmed=False, detail="This provider has no call that withdraws access. Remove the app in your settings there."
)


def revoke(
    spec: ProviderSpec, client: Client, tokens: Tokens, transport: httpx2.BaseTransport, deadline: float
) -> Revocation:
    if spec.revoke_style is RevokeStyle.NONE or not spec.revoke_url:
        return _NO_WAY
    try:
        with provider_faults():
            return _STYLES[spec.revoke_style](spec, client, tokens, transport, deadline)
    except OAuthError as error:
        return Revocation(confirmed=False, detail=error.message)


def _rfc7009(
    spec: ProviderSpec, client: Client, tokens: Tokens, transport: httpx2.BaseTransport, deadline: float
) -> Revocation:
    """The refresh token first: from it the provider could make new access tokens (RFC 7009 section 2.1)."""
    session = open_session(spec, client, transport, deadline)
    result = _CONFIRMED
    for hint, token in (("refresh_token", tokens.refresh_token), ("access_token", tokens.access_token)):
        if token and result.confirmed:
            response = session.revoke_token(spec.revoke_url, token=token, token_type_hint=hint)
            result = _judged(response, dead=_error_of(response) in _ALREADY_DEAD)
    return result


def _google(
    spec: ProviderSpec, client: Client, tokens: Tokens, transport: httpx2.BaseTransport, deadline: float
) -> Revocation:
    """Either token ends the grant: https://developers.google.com/identity/protocols/oauth2/web-server#tokenrevoke."""
    session = open_session(spec, client, transport, deadline)
    token = tokens.refresh_token or tokens.access_token
    response = session.request("POST", spec.revoke_url, withhold_token=True, auth=None, data={"token": token})
    return _judged(response, dead=_error_of(response) in _ALREADY_DEAD)


def _slack(
    spec: ProviderSpec, client: Client, tokens: Tokens, transport: httpx2.BaseTransport, deadline: float
) -> Revocation:
    """https://docs.slack.dev/reference/methods/auth.revoke: HTTP 200 also for errors."""
    session = open_session(spec, client, transport, deadline)
    headers = {"Authorization": f"Bearer {tokens.access_token}"}
    response = session.request("POST", spec.revoke_url, withhold_token=True, auth=None, headers=headers)
    answer = _object_of(response)
    if response.status_code == HTTPStatus.OK and answer.get("ok") is not True:
        return _judged(httpx2.Response(HTTPStatus.BAD_REQUEST), dead=_error_of(response) in _ALREADY_DEAD)
    return _judged(response)


def _github(
    spec: ProviderSpec, client: Client, tokens: Tokens, transport: httpx2.BaseTransport, deadline: float
) -> Revocation:
    """https://docs.github.com/rest/apps/oauth-applications#delete-an-app-token."""
    session = open_session(spec, client, transport, deadline)
    response = session.request(
        "DELETE",
        spec.revoke_url.replace("{client_id}", client.client_id),
        withhold_token=True,
        auth=None,
        headers={"Authorization": basic_credentials(client), "Accept": "application/vnd.github+json"},
        json={"access_token": tokens.access_token},
    )
    return _judged(response)


def _judged(response: httpx2.Response, *, dead: bool = False) -> Revocation:
    if dead or response.status_code in {HTTPStatus.OK, HTTPStatus.NO_CONTENT}:
        return _CONFIRMED
    return Revocation(
        confirmed=False,
        detail=f"The provider did not confirm the withdrawal (HTTP {response.status_code}). "
        "Remove the app in your settings there to be sure.",
    )


def _object_of(response: httpx2.Response) -> dict[str, object]:
    try:
        answer = json.loads(response.content)
    except (ValueError, RecursionError):
        return {}
    return answer if isinstance(answer, dict) else {}


def _error_of(response: httpx2.Response) -> str:
    error = _object_of(response).get("error")
    return error if isinstance(error, str) else ""


_Style = Callable[[ProviderSpec, Client, Tokens, httpx2.BaseTransport, float], Revocation]
_STYLES: dict[RevokeStyle, _Style] = {
    RevokeStyle.RFC7009: _rfc7009,
    RevokeStyle.GOOGLE: _google,
    RevokeStyle.SLACK: _slack,
    RevokeStyle.GITHUB: _github,
}
