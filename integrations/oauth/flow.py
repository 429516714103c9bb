"""The steps of the authorization code flow (RFC 6749 section 4.1) with PKCE (RFC 7636)."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

import httpx2
from authlib.common.security import generate_token
from authlib.integrations.httpx_client import OAuth2Client

from integrations.oauth.answers import read_answer, read_tokens
from integrations.oauth.errors import OAuthError, malformed, provider_refused
from integrations.oauth.session import open_session, provider_faults
from integrations.oauth.types import Authorization, Client, ProviderSpec, Tokens

VERIFIER_LENGTH = 64  # RFC 7636 section 4.1 allows 43 to 128; this is over 380 bits
_TOKEN_HEADERS = {"Accept": "application/json", "Content-Type": "application/x-www-form-urlencoded"}


class _NoNetwork(httpx2.BaseTransport):
    """An authorization URL is only written down."""


def begin(spec: ProviderSpec, client: Client, *, redirect_uri: str, scopes: Sequence[str], state: str) -> Authorization:
    """The URL to send the browser to. `state` is the caller's opaque random value."""
    verifier = generate_token(VERIFIER_LENGTH) if spec.pkce else ""
    session = OAuth2Client(
        client.client_id,
        redirect_uri=redirect_uri,
        code_challenge_method="S256" if spec.pkce else None,
        transport=_NoNetwork(),
        trust_env=False,
    )
    params = {**spec.authorize_params, spec.scope_param: _joined(spec, scopes)}
    url, _ = session.create_authorization_url(spec.authorize_url, state=state, code_verifier=verifier or None, **params)
    return Authorization(url, verifier)


def _joined(spec: ProviderSpec, scopes: Sequence[str]) -> str | None:
    return spec.scope_separator.join(dict.fromkeys((*spec.base_scopes, *scopes))) or None


def callback_code(spec: ProviderSpec, params: Mapping[str, str]) -> str:
    """The code that the provider sent back, or the reason why there is none.

    An answer with both `error` and `code` is an error: its code is never exchanged.
    """
    check_issuer(params.get("iss"), expected=spec.issuer, required=spec.iss_required)
    if "error" in params:
        raise provider_refused(params["error"])
    if not params.get("code"):
        raise malformed("it came back without a code")
    return params["code"]


def check_issuer(received: str | None, *, expected: str, required: bool = False) -> None:
    """RFC 9207 section 2.4: plain string comparison, no normalisation; on a mismatch nothing else is believed."""
    missing = required and not received
    wrong = bool(received and expected and received != expected)
    if missing or wrong:
        raise OAuthError(
            "issuer_mismatch", "The answer did not come from the provider that was asked. Nothing was connected."
        )


def exchange(
    spec: ProviderSpec,
    client: Client,
    *,
    code: str,
    code_verifier: str,
    redirect_uri: str,
    transport: httpx2.BaseTransport,
    deadline: float,
    scopes: Sequence[str] = (),
) -> Tokens:
    """Trade the code for tokens. `scopes` are the requested ones, for providers that do not repeat them."""
    asked = tuple(dict.fromkeys((*spec.base_scopes, *scopes)))
    fields = {"code": code, "redirect_uri": redirect_uri}
    if code_verifier:
        fields["code_verifier"] = code_verifier

    def ask(session: OAuth2Client) -> None:
        session.fetch_token(spec.token_url, grant_type="authorization_code", headers=_headers(spec), **fields)

    return _ask_for_tokens(spec, client, transport, deadline, asked, ask)


def refresh(
    spec: ProviderSpec,
    client: Client,
    *,
    refresh_token: str,
    transport: httpx2.BaseTransport,
    deadline: float,
    scopes: Sequence[str] = (),
) -> Tokens:
    """New tokens for the old refresh token, which stays the one to keep when the provider sends no other."""

    def ask(session: OAuth2Client) -> None:
        session.refresh_token(spec.token_url, refresh_token=refresh_token, headers=_headers(spec))

    tokens = _ask_for_tokens(spec, client, transport, deadline, scopes, ask)
    return tokens if tokens.refresh_token else replace(tokens, refresh_token=refresh_token)


def _ask_for_tokens(
    spec: ProviderSpec,
    client: Client,
    transport: httpx2.BaseTransport,
    deadline: float,
    asked: Sequence[str],
    ask: Callable[[OAuth2Client], None],
) -> Tokens:
    """Read the answer ourselves, in Authlib's hook, before Authlib trusts any of it."""
    session = open_session(spec, client, transport, deadline)
    found: list[Tokens] = []

    def read(response: httpx2.Response) -> httpx2.Response:
        found.append(read_tokens(spec, read_answer(response), asked=asked))
        return httpx2.Response(200, json={"access_token": found[-1].access_token, "token_type": "Bearer"})

    session.register_compliance_hook("access_token_response", read)
    session.register_compliance_hook("refresh_token_response", read)
    with provider_faults():
        ask(session)
    return found[-1]


def _headers(spec: ProviderSpec) -> dict[str, str]:
    return {**_TOKEN_HEADERS, **spec.token_headers}
