"""Put an account's credentials on a request, and know every form in which they could come back."""

from __future__ import annotations

import base64
import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from urllib.parse import quote, quote_plus, unquote_plus, urlsplit

from integrations.engine.errors import ToolError
from integrations.engine.types import AuthScheme, CredentialPlacement, Credentials, HttpRequest

BASIC_TEMPLATE = "{username}:{password}"
DEFAULT_PLACEMENTS = {
    AuthScheme.OAUTH2: CredentialPlacement(AuthScheme.OAUTH2),
    AuthScheme.BEARER_TOKEN: CredentialPlacement(AuthScheme.BEARER_TOKEN),
    AuthScheme.API_KEY: CredentialPlacement(AuthScheme.API_KEY, name="X-API-Key", template="{api_key}"),
    AuthScheme.BASIC: CredentialPlacement(AuthScheme.BASIC, template=BASIC_TEMPLATE),
}
VARIABLE = re.compile(r"\{(\w+)\}")
HEADER_VALUE = re.compile(r"[\x20-\x7e]{1,8192}")
NOT_SECRET = {"username", "email", "site", "subdomain", "cloud_id", "token_type", "scope", "expires_in", "expires_at"}
SHORTEST_SECRET = 6  # shorter ones would be struck out of ordinary words
STRUCK = "***"


def apply_credentials(
    request: HttpRequest, credentials: Credentials, placement: CredentialPlacement | None = None
) -> HttpRequest:
    """Whatever the request said before in that place is replaced."""
    if credentials.scheme is AuthScheme.NONE:
        return request
    placement = placement or DEFAULT_PLACEMENTS[credentials.scheme]
    return _place(request, placement, _proof(credentials, placement))


def mark_credentials(
    request: HttpRequest, credentials: Credentials, placement: CredentialPlacement | None = None
) -> HttpRequest:
    """The same request as people may see it: the place is named, the secret is not there."""
    if credentials.scheme is AuthScheme.NONE:
        return request
    return _place(request, placement or DEFAULT_PLACEMENTS[credentials.scheme], STRUCK)


def _place(request: HttpRequest, placement: CredentialPlacement, value: str) -> HttpRequest:
    if placement.where == "query":
        return replace(request, url=_with_query(request.url, placement.name, value))
    kept = {name: text for name, text in request.headers.items() if name.lower() != placement.name.lower()}
    return replace(request, headers={**kept, placement.name: value})


def _proof(credentials: Credentials, placement: CredentialPlacement) -> str:
    if credentials.scheme is AuthScheme.BASIC:
        value = _basic(_fill(_basic_template(placement), credentials.values))
    else:
        value = _fill(placement.template, credentials.values)
    if not HEADER_VALUE.fullmatch(value):
        raise ToolError("unusable_credentials", "The account's credentials hold characters that cannot be sent.")
    return value


def _basic_template(placement: CredentialPlacement) -> str:
    return placement.template if ":" in placement.template else BASIC_TEMPLATE


def _basic(pair: str) -> str:
    return "Basic " + base64.b64encode(pair.encode()).decode()


def _fill(template: str, values: Mapping[str, str]) -> str:
    """Named replacement only: str.format would let a template reach into objects."""
    known = {"token": values.get("access_token") or values.get("api_key") or "", **values}

    def one(match: re.Match[str]) -> str:
        value = known.get(match[1])
        if not value:
            raise ToolError("missing_credentials", f"The account's credentials have no {match[1]}. Reconnect it.")
        return value

    return VARIABLE.sub(one, template)


def _with_query(url: str, name: str, value: str) -> str:
    parts = urlsplit(url)
    kept = [pair for pair in parts.query.split("&") if pair and unquote_plus(pair.partition("=")[0]) != name]
    query = "&".join([*kept, f"{quote(name, safe='')}={quote(value, safe=STRUCK)}"])
    return parts._replace(query=query).geturl()


def secret_forms(credentials: Credentials, placement: CredentialPlacement | None = None) -> tuple[str, ...]:
    """Every spelling of the secrets that a provider might echo, longest first."""
    forms = {form for secret in _secrets(credentials, placement) for form in _spellings(secret)}
    return tuple(sorted((form for form in forms if len(form) >= SHORTEST_SECRET), key=len, reverse=True))


def _secrets(credentials: Credentials, placement: CredentialPlacement | None) -> Iterator[str]:
    yield from (value for name, value in credentials.values.items() if name not in NOT_SECRET)
    if credentials.scheme is AuthScheme.BASIC:
        template = _basic_template(placement or DEFAULT_PLACEMENTS[AuthScheme.BASIC])
        yield _basic(_fill(template, credentials.values)).removeprefix("Basic ")


def _spellings(secret: str) -> Iterator[str]:
    if len(secret) < SHORTEST_SECRET:
        return
    raw = secret.encode("utf-8", "replace")
    yield secret
    yield quote(secret, safe="", errors="replace")
    yield quote_plus(secret, errors="replace")
    yield raw.hex()
    for offset in range(3):
        yield from _base64_inside(raw, offset)


def _base64_inside(raw: bytes, offset: int) -> Iterator[str]:
    """The base64 of a secret that begins at that offset: whole, and without what follows it changes."""
    start = -(-offset * 8 // 6)
    length = (offset + len(raw)) * 8 // 6
    padded = base64.b64encode(bytes(offset) + raw).decode()
    for text in (padded[start:].rstrip("="), padded[start:length]):
        yield text
        yield text.replace("+", "-").replace("/", "_")


def strike(text: str, forms: tuple[str, ...]) -> str:
    for form in forms:
        if form in text:
            text = text.replace(form, STRUCK)
    return text
