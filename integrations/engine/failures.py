"""Read out of an answer whether the provider did what was asked, and if not, why."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC
from email.utils import parsedate_to_datetime
from typing import Any

from integrations.engine.auth import strike
from integrations.engine.results import pick
from integrations.engine.types import ErrorRules

LONGEST_WAIT = 900.0  # 15 minutes, whatever the provider asks for
MAX_MESSAGE = 500
MAX_CODE = 64
UNPRINTABLE = re.compile(r"[\x00-\x1f\x7f-\x9f\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff]+")
SECONDS = re.compile(r"\d{1,12}(\.\d{1,6})?")
STATUS_WORDS = {
    400: "did not accept the request",
    401: "did not accept the account's credentials",
    403: "does not allow this for the connected account",
    404: "did not find what was asked for",
    409: "reported a conflict",
    410: "says this is gone for good",
    422: "did not accept the values",
    429: "asks to slow down",
}


@dataclass(frozen=True)
class Failure:
    """What the provider says went wrong. The texts are safe to show."""

    code: str
    message: str
    needs_reconnect: bool = False
    rate_limited: bool = False


def find_failure(
    rules: ErrorRules, status: int, headers: Mapping[str, str], document: Any, forms: tuple[str, ...]
) -> Failure | None:
    """None when the provider did what was asked."""
    if _is_success(status):
        return _failure_in_success(rules, document, forms)
    codes = list(_codes(rules, document))
    return Failure(
        code=_safe(codes[0] if codes else f"http_{status}", forms, MAX_CODE),
        message=_message(rules, document, forms) or _plain_message(status),
        needs_reconnect=status == 401 or _any_in(codes, rules.reconnect_codes),  # noqa: PLR2004 - unauthorized
        rate_limited=_is_rate_limited(status, headers) or _any_in(codes, rules.rate_limit_codes),
    )


def _is_success(status: int) -> bool:
    return 200 <= status < 300  # noqa: PLR2004 - RFC 9110, 15.3


def _failure_in_success(rules: ErrorRules, document: Any, forms: tuple[str, ...]) -> Failure | None:
    """Slack answers 200 with `ok: false`, Hacker News 200 with `null`."""
    if rules.null_is_not_found and document is None:
        return Failure("not_found", "The provider did not find what was asked for.")
    if not rules.ok_field or pick(document, rules.ok_field) is True:
        return None
    codes = list(_codes(rules, document))
    return Failure(
        code=_safe(codes[0] if codes else "provider_error", forms, MAX_CODE),
        message=_message(rules, document, forms) or "The provider says that it did not work.",
        needs_reconnect=_any_in(codes, rules.reconnect_codes),
        rate_limited=_any_in(codes, rules.rate_limit_codes),
    )


def _any_in(codes: list[str], known: tuple[str, ...]) -> bool:
    return any(code in known for code in codes)


def _codes(rules: ErrorRules, document: Any) -> Iterator[str]:
    for pointer in rules.code_pointers:
        found = pick(document, pointer)
        if isinstance(found, str | int) and not isinstance(found, bool) and str(found):
            yield str(found)


def _message(rules: ErrorRules, document: Any, forms: tuple[str, ...]) -> str:
    """The first message, and the details behind it where the provider lists them apart (GitHub's `errors`)."""
    for pointer in rules.message_pointers:
        text = _flat(pick(document, pointer))
        if text:
            details = _flat(pick(document, "errors")) if pointer != "errors" else ""
            extra = f" {details}" if details and details not in text else ""
            return _safe(f"{text}{extra}", forms, MAX_MESSAGE)
    return ""


def _flat(found: Any) -> str:
    if isinstance(found, str):
        return found.strip()
    if isinstance(found, list):
        return "; ".join(filter(None, (_flat(item) for item in found[:10])))
    if isinstance(found, Mapping):
        return _flat_mapping(found)
    return ""


def _flat_mapping(found: Mapping[str, Any]) -> str:
    """GitHub: {"resource", "field", "code", "message"}. Jira: {"summary": "Summary is required."}."""
    if isinstance(found.get("message"), str):
        return str(found["message"]).strip()
    if isinstance(found.get("field"), str) and isinstance(found.get("code"), str):
        return f"{found['field']}: {found['code']}"
    pairs = [f"{name}: {text.strip()}" for name, text in found.items() if isinstance(text, str)]
    return "; ".join(pairs[:10])


def _safe(text: str, forms: tuple[str, ...], longest: int) -> str:
    """Struck before it is cut, so that no half of a secret stays."""
    line = UNPRINTABLE.sub(" ", strike(text, forms)).strip()
    return line if len(line) <= longest else line[: longest - 1] + "…"


def _plain_message(status: int) -> str:
    if 300 <= status < 400:  # noqa: PLR2004 - RFC 9110, 15.4
        return f"The provider answered with a redirect ({status}), which is not followed."
    if status >= 500:  # noqa: PLR2004 - RFC 9110, 15.6
        return f"The provider reported an error of its own ({status})."
    return f"The provider {STATUS_WORDS.get(status, 'refused the request')} ({status})."


def _is_rate_limited(status: int, headers: Mapping[str, str]) -> bool:
    """GitHub tells its limits by 403: remaining 0 for the primary, Retry-After for the secondary ones."""
    if status == 403:  # noqa: PLR2004
        return headers.get("x-ratelimit-remaining") == "0" or "retry-after" in headers
    return status == 429  # noqa: PLR2004 - RFC 6585, 4


def retry_after(headers: Mapping[str, str], now: float, *, rate_limited: bool) -> float | None:
    """The wait the provider asks for, at most 15 minutes; None when it asks for none that makes sense."""
    wait = _wait(headers.get("retry-after", "").strip(), now)
    if wait is None and rate_limited:
        wait = _until(headers.get("x-ratelimit-reset", "").strip(), now)
    return None if wait is None or wait <= 0 else min(wait, LONGEST_WAIT)


def _wait(text: str, now: float) -> float | None:
    """RFC 9110, 10.2.3: seconds or a date."""
    if SECONDS.fullmatch(text):
        return float(text)
    try:
        moment = parsedate_to_datetime(text)
    except (ValueError, OverflowError):
        return None
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp() - now


def _until(text: str, now: float) -> float | None:
    return float(text) - now if SECONDS.fullmatch(text) else None
