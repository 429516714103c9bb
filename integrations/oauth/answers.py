"""Read what a token endpoint answered, in every form that providers are known to use.

RFC 6749 section 5 asks for JSON with `access_token` and `token_type`. GitHub answers errors with 200, Slack wraps
a user's token and says `ok: false`, older servers answer form-encoded, and proxies answer HTML.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import parse_qsl

import httpx2

from integrations.oauth.errors import malformed, provider_refused, unavailable
from integrations.oauth.types import ProviderSpec, Tokens

SHORTEST_LIFE = 60
LONGEST_LIFE = 365 * 24 * 3600
_SERVER_FAULT = 500
_TOO_MANY_REQUESTS = 429
_REDIRECT = range(300, 400)
_ERROR = 400
_TOKEN = re.compile(r"[\x20-\x7e]{1,16384}")  # VSCHAR, RFC 6749 appendix A.12: nothing that could break a header
_SECRET_KEYS = frozenset({"access_token", "refresh_token", "id_token", "client_secret"})
# Slack says "bot" or "user", others "token"; all of them mean: send it as a Bearer token.
_BEARER_TYPES = frozenset({"", "bearer", "bot", "user", "token"})


def read_answer(response: httpx2.Response) -> dict[str, Any]:
    """The answer as an object, or the error that it is."""
    if response.status_code >= _SERVER_FAULT or response.status_code == _TOO_MANY_REQUESTS:
        raise unavailable(f"its token endpoint answered HTTP {response.status_code}")
    if response.status_code in _REDIRECT:
        raise malformed("its token endpoint redirects elsewhere; check the token URL in the auth config")
    answer = _parse(response)
    if answer.get("error") or answer.get("ok") is False:
        raise provider_refused(answer.get("error"))
    if response.status_code >= _ERROR:
        raise malformed(f"its token endpoint answered HTTP {response.status_code} without an error code")
    return answer


def read_tokens(spec: ProviderSpec, answer: Mapping[str, Any], *, asked: Sequence[str]) -> Tokens:
    """`asked` are the scopes that count when the answer names none (RFC 6749 section 5.1)."""
    part = _at(answer, spec.token_path)
    token_type = part.get("token_type") or ""
    if not isinstance(token_type, str) or token_type.lower() not in _BEARER_TYPES:
        raise malformed("it gave a token of a kind that we cannot use")
    return Tokens(
        access_token=_token(part.get("access_token")),
        refresh_token=_token(part["refresh_token"]) if part.get("refresh_token") else "",
        expires_in=bounded_life(part.get("expires_in")),
        scopes=read_scopes(part.get("scope"), asked=asked),
        extra=_without_secrets(answer),
    )


def bounded_life(value: object) -> int | None:
    """Seconds a token lives, made sane: an absurd figure must neither refresh for ever nor never."""
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    try:
        seconds = float(value)
    except (ValueError, OverflowError):
        return None
    if math.isnan(seconds):
        return None
    return int(min(max(seconds, SHORTEST_LIFE), LONGEST_LIFE))


def read_scopes(value: object, *, asked: Sequence[str]) -> tuple[str, ...]:
    """Providers join by space or comma, and not always by the one they want to be asked with (GitHub)."""
    if isinstance(value, str):
        value = re.split(r"[\s,]+", value)
    if not isinstance(value, list):
        return tuple(asked)
    return tuple(dict.fromkeys(item for item in value if isinstance(item, str) and item))


def _parse(response: httpx2.Response) -> dict[str, Any]:
    text = response.content.decode("utf-8", errors="replace").strip()
    if not text:
        raise malformed("it is empty")
    try:
        answer = json.loads(text, object_pairs_hook=_without_duplicates)
    except (ValueError, RecursionError):
        answer = _parse_form(text, response.headers.get("Content-Type", ""))
    if not isinstance(answer, dict):
        raise malformed("it is neither JSON nor form-encoded")
    return answer


def _parse_form(text: str, content_type: str) -> dict[str, Any] | None:
    if "html" in content_type or "json" in content_type or "=" not in text:
        return None
    pairs = parse_qsl(text, keep_blank_values=True, max_num_fields=100)
    return _without_duplicates(pairs)


def _without_duplicates(pairs: Sequence[tuple[str, Any]]) -> dict[str, Any]:
    """Two values for one name: two parsers would read two different tokens."""
    found = dict(pairs)
    if len(found) != len(pairs):
        raise malformed("it names the same field twice")
    return found


def _at(answer: Mapping[str, Any], path: str) -> Mapping[str, Any]:
    part: Any = answer
    for name in filter(None, path.split(".")):
        part = part.get(name) if isinstance(part, Mapping) else None
    if not isinstance(part, Mapping):
        raise malformed(f"it has no field {path}")
    return part


def _token(value: object) -> str:
    if not isinstance(value, str) or not _TOKEN.fullmatch(value):
        raise malformed("it has no usable access token")
    return value


def _without_secrets(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {name: _without_secrets(item) for name, item in value.items() if name not in _SECRET_KEYS}
    if isinstance(value, list):
        return [_without_secrets(item) for item in value]
    return value
