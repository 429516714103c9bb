"""What an OAuth flow is made of: plain, frozen values."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from enum import StrEnum
from typing import Any, NoReturn, Self
from urllib.parse import urlsplit


class RevokeStyle(StrEnum):
    RFC7009 = "rfc7009"
    GOOGLE = "google"  # one unauthenticated call ends the whole grant
    SLACK = "slack"  # auth.revoke, with the token itself
    GITHUB = "github"  # DELETE applications/{client_id}/token
    NONE = "none"

    @property
    def ends_grant(self) -> bool:
        """Whether taking back one token can end others that the same client got from the same user."""
        return self in {RevokeStyle.GOOGLE, RevokeStyle.SLACK}


_URLS = ("authorize_url", "token_url", "revoke_url")
_TUPLES = ("base_scopes",)


@dataclass(frozen=True)
class ProviderSpec:
    """How one authorization server wants to be spoken to."""

    authorize_url: str
    token_url: str
    revoke_url: str = ""
    revoke_style: RevokeStyle = RevokeStyle.NONE
    scope_separator: str = " "
    scope_param: str = "scope"  # Slack asks for a user's scopes as user_scope
    base_scopes: tuple[str, ...] = ()
    pkce: bool = True
    token_auth: str = "post"  # noqa: S105  # where the client secret goes, not a secret
    token_path: str = ""  # dotted path to the tokens inside the answer, "" for the top
    token_headers: Mapping[str, str] = field(default_factory=dict)
    authorize_params: Mapping[str, str] = field(default_factory=dict)
    rotates: bool = False
    issuer: str = ""  # RFC 9207: what `iss` in the callback must be
    iss_required: bool = False  # the provider says that it always sends `iss`

    def __post_init__(self) -> None:
        for name in _URLS:
            check_is_web_url(name, getattr(self, name), may_be_empty=name == "revoke_url")

    @classmethod
    def from_entry(cls, entry: Mapping[str, Any], overrides: Mapping[str, str] | None = None) -> Self:
        """Read an `oauth2` entry of a toolkit.yaml; an auth config's own URLs win over it.

        `overrides` may hold more than concerns OAuth (a base URL, an identity URL): those are left alone.
        Another authorization server has another issuer, so the entry's does not outlive an override.
        """
        known = {item.name for item in fields(cls)}
        revoke = entry.get("revoke") or {}
        values = {name: value for name, value in entry.items() if name in known and value is not None}
        values["revoke_url"] = revoke.get("url", "")
        values["revoke_style"] = RevokeStyle(revoke.get("style", RevokeStyle.NONE))
        own = {name: url for name, url in (overrides or {}).items() if name in (*_URLS, "issuer") and url}
        if "authorize_url" in own:
            values |= {"issuer": "", "iss_required": False}
        values |= own
        values |= {name: tuple(values[name]) for name in _TUPLES if name in values}
        return cls(**values)


def check_is_web_url(name: str, url: str, *, may_be_empty: bool = False) -> None:
    """A `javascript:` or `data:` URL in a redirect would be our own cross-site scripting hole."""
    if may_be_empty and not url:
        return
    parts = urlsplit(url)
    if parts.scheme not in {"http", "https"} or not parts.hostname or parts.username or parts.fragment:
        raise ValueError(f"{name} must be an http or https URL with a host, without user name and fragment.")


@dataclass(frozen=True)
class Client:
    """Who we are to the provider: an auth config's client ID and secret."""

    client_id: str
    client_secret: str = field(default="", repr=False)


@dataclass(frozen=True)
class Authorization:
    """Where to send the browser, and the verifier to keep (encrypted) until it comes back."""

    url: str = field(repr=False)  # holds the state
    code_verifier: str = field(default="", repr=False)


@dataclass(frozen=True)
class Tokens:
    """What a token endpoint gave us. Never printed, never pickled."""

    access_token: str = field(repr=False)
    refresh_token: str = field(default="", repr=False)
    expires_in: int | None = None  # seconds; None: the provider did not say
    scopes: tuple[str, ...] = ()
    token_type: str = "Bearer"  # noqa: S105  # the name of a scheme, not a secret
    extra: Mapping[str, Any] = field(default_factory=dict, repr=False)  # the rest of the answer, secrets taken out

    def __reduce__(self) -> NoReturn:
        raise TypeError("tokens are not serializable")

    def __str__(self) -> str:
        return "Tokens(***)"


@dataclass(frozen=True)
class Revocation:
    """Whether the provider confirmed that the tokens are dead."""

    confirmed: bool
    detail: str
