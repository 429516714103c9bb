"""Authlib's client, set up the way our providers need it."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import quote_plus

import httpx2
from authlib.integrations.base_client import OAuthError as AuthlibError
from authlib.integrations.httpx_client import OAuth2Client

from integrations.oauth.errors import malformed, provider_refused, unavailable
from integrations.oauth.transport import BoundedTransport
from integrations.oauth.types import Client, ProviderSpec

_BASIC = "basic_rfc6749"


def open_session(
    spec: ProviderSpec, client: Client, transport: httpx2.BaseTransport, deadline: float, **options: Any
) -> OAuth2Client:
    """Never used with `with`: closing the session would close the caller's transport."""
    method = auth_method(spec, client)
    session = OAuth2Client(
        client.client_id,
        client.client_secret,
        token_endpoint_auth_method=method,
        revocation_endpoint_auth_method=method,
        transport=BoundedTransport(transport, deadline=deadline),
        trust_env=False,
        **options,
    )
    session.register_client_auth_method((_BASIC, _encode_basic))
    return session


def auth_method(spec: ProviderSpec, client: Client) -> str:
    if not client.client_secret:
        return "none"
    return _BASIC if spec.token_auth == "basic" else "client_secret_post"  # noqa: S105  # a method's name


def basic_credentials(client: Client) -> str:
    """RFC 6749 section 2.3.1: form-encode both halves first. Authlib leaves that out, strict servers insist."""
    pair = f"{quote_plus(client.client_id)}:{quote_plus(client.client_secret)}"
    return "Basic " + base64.b64encode(pair.encode()).decode()


def _encode_basic(client: Any, _method: str, uri: str, headers: Any, body: Any) -> tuple[str, Any, Any]:
    headers["Authorization"] = basic_credentials(Client(client.client_id, client.client_secret))
    return uri, headers, body


@contextmanager
def provider_faults() -> Iterator[None]:
    """Whatever happens on the wire becomes one `OAuthError`, without the provider's own words."""
    try:
        yield
    except AuthlibError as error:
        raise provider_refused(error.error) from None
    except httpx2.TimeoutException:
        raise unavailable("it did not answer in time") from None
    except httpx2.DecodingError:
        raise malformed("it is too large or damaged") from None
    except (httpx2.HTTPError, httpx2.InvalidURL, httpx2.StreamError):
        raise unavailable("the connection to it failed") from None
