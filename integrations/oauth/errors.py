"""What can go wrong with a provider's authorization server, in words that are safe to show."""

from __future__ import annotations

import re
from enum import StrEnum


class ErrorKind(StrEnum):
    """What the error is about, whatever the provider calls it."""

    CLIENT = "client"  # the client ID and secret are refused
    CALLBACK = "callback"  # the callback URL is not registered
    GRANT = "grant"  # the code or the refresh token is refused
    OTHER = "other"


_CODE = re.compile(r"[A-Za-z0-9_.-]{1,64}")

# RFC 6749 section 5.2, and the words that GitHub and Slack have instead.
_KINDS = {
    **dict.fromkeys(
        ("bad_client_secret", "incorrect_client_credentials", "invalid_client", "invalid_client_id"), ErrorKind.CLIENT
    ),
    **dict.fromkeys(("bad_redirect_uri", "redirect_uri_mismatch"), ErrorKind.CALLBACK),
    **dict.fromkeys(("bad_refresh_token", "bad_verification_code", "invalid_code", "invalid_grant"), ErrorKind.GRANT),
    **dict.fromkeys(("invalid_refresh_token", "token_expired", "token_revoked"), ErrorKind.GRANT),
}
# Here too the grant is gone or not to be had, and nothing but a new sign-in helps. Half of them are Microsoft's.
_SIGN_IN_NEEDED = frozenset(
    {
        "access_denied",
        "account_inactive",
        "consent_required",
        "interaction_required",
        "invalid_auth",
        "login_required",
        "unauthorized_client",
    }
)
_MESSAGES_OF_KIND = {
    ErrorKind.CLIENT: "The provider does not accept the client ID and secret. Check them in the auth config.",
    ErrorKind.CALLBACK: "The provider does not know our callback URL. Add it to the app at the provider.",
    ErrorKind.GRANT: "The provider no longer accepts this sign-in. Connect again.",
}
_MESSAGES = {
    "access_denied": "The provider's page was left without giving consent. Nothing was connected.",
    "account_inactive": "The provider says that this user is deactivated.",
    "invalid_scope": "The provider does not know a scope that was asked for. Check the scopes in the auth config.",
    "server_error": "The provider had a fault of its own. Try again in a few minutes.",
    "temporarily_unavailable": "The provider is busy. Try again in a few minutes.",
    "unauthorized_client": "The provider does not let this app do that. Check the app's settings at the provider.",
}


class OAuthError(Exception):
    """A failed step of an OAuth flow.

    `permanent` means that the grant is dead and only a new sign-in helps; everything else may pass.
    """

    def __init__(self, code: str, message: str, *, kind: ErrorKind = ErrorKind.OTHER, permanent: bool = False) -> None:
        super().__init__(code, message)
        self.code = code
        self.message = message
        self.kind = kind
        self.permanent = permanent

    def __str__(self) -> str:
        return self.message


def provider_refused(code: object) -> OAuthError:
    """The error for a provider's `error` value. Its free text is never repeated: it may echo secrets or markup."""
    name = code if isinstance(code, str) and _CODE.fullmatch(code) else "unknown_error"
    kind = _KINDS.get(name, ErrorKind.OTHER)
    message = _MESSAGES_OF_KIND.get(kind) or _MESSAGES.get(name, f"The provider refused with the code {name}.")
    return OAuthError(name, message, kind=kind, permanent=kind is ErrorKind.GRANT or name in _SIGN_IN_NEEDED)


def unavailable(why: str) -> OAuthError:
    return OAuthError("provider_unavailable", f"The provider could not be used: {why}. Try again in a few minutes.")


def malformed(why: str) -> OAuthError:
    return OAuthError("malformed_answer", f"The provider's answer could not be used: {why}.")
