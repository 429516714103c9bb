"""The OAuth 2 client: authorize URL, PKCE, exchange, refresh, revoke.

Authlib does the protocol; the transport, and with it the guard on addresses, is the caller's.
"""

from integrations.oauth.errors import ErrorKind, OAuthError
from integrations.oauth.flow import begin, callback_code, check_issuer, exchange, refresh
from integrations.oauth.revocation import revoke
from integrations.oauth.types import Authorization, Client, ProviderSpec, Revocation, RevokeStyle, Tokens

__all__ = [
    "Authorization",
    "Client",
    "ErrorKind",
    "OAuthError",
    "ProviderSpec",
    "Revocation",
    "RevokeStyle",
    "Tokens",
    "begin",
    "callback_code",
    "check_issuer",
    "exchange",
    "refresh",
    "revoke",
]
