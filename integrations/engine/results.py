"""Make a provider's answer safe to store and to show, whatever was in it.

What providers can send and databases cannot take: NUL, lone surrogates, NaN, numbers of 5,000
digits, arrays 100,000 deep. Storing must not fail after the provider has already acted.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

from integrations.engine.auth import strike
from integrations.engine.types import HttpResponse

MAX_DEPTH = 64
MAX_PARTS = 500_000  # values of one document: a 10 MB answer of "[[],[],…" would take 300 MB as objects
MAX_DIGITS = 100
TOO_DEEP = "[nested too deep]"
UNSTORABLE = re.compile(r"[\x00\ud800-\udfff]")
CHARSET = re.compile(r"charset=\"?([A-Za-z0-9_.:-]{1,40})", re.IGNORECASE)
BINARY = re.compile(r"(image|audio|video|font)/|application/(octet-stream|pdf|zip|gzip|x-tar)")
UNREAD = object()  # the body is no JSON document that we can take apart
NO_CONTENT = 204


def read_result(response: HttpResponse, forms: tuple[str, ...]) -> tuple[Any, bool]:
    """The answer as clean JSON, and whether it is only the beginning of it."""
    if not response.body or response.status == NO_CONTENT:
        return {}, response.truncated
    if _is_binary(response):
        return _binary(response), response.truncated
    text = _text(response)
    document = UNREAD if response.truncated or not _may_be_json(response, text) else parse_json(text)
    if document is UNREAD:
        return {"text": clean_text(text, forms)}, response.truncated
    return clean(document, forms), False


def _is_binary(response: HttpResponse) -> bool:
    encoding = response.headers.get("content-encoding", "identity").lower()
    if encoding not in ("", "identity", "gzip", "x-gzip", "deflate"):
        return True  # an encoding we did not ask for and so did not undo
    return bool(BINARY.match(_content_type(response))) or b"\x00" in response.body[:64]


def _binary(response: HttpResponse) -> dict[str, Any]:
    return {"content_type": clean_text(_content_type(response)[:100], ()), "size": len(response.body)}


def _content_type(response: HttpResponse) -> str:
    return response.headers.get("content-type", "").partition(";")[0].strip().lower()


def _text(response: HttpResponse) -> str:
    """JSON is UTF-8 (RFC 8259, 8.1); a charset that claims otherwise is believed when Python knows it."""
    match = CHARSET.search(response.headers.get("content-type", ""))
    try:
        return response.body.decode(match[1] if match else "utf-8", "replace").removeprefix("\ufeff")
    except (LookupError, UnicodeError):
        return response.body.decode("utf-8", "replace")


def _may_be_json(response: HttpResponse, text: str) -> bool:
    kind = _content_type(response)
    return "json" in kind or (not kind.startswith("text/html") and text.lstrip()[:1] in ("{", "["))


def parse_json(text: str) -> Any:
    """The document, or UNREAD. Numbers that no database holds become text."""
    if text.count(",") + text.count("[") + text.count("{") > MAX_PARTS:
        return UNREAD
    try:
        return json.loads(text, parse_int=_integer, parse_float=_decimal, parse_constant=str)
    except (ValueError, RecursionError):
        return UNREAD


def _integer(digits: str) -> int | str:
    return int(digits) if len(digits) <= MAX_DIGITS else digits[:MAX_DIGITS] + "…"


def _decimal(digits: str) -> float | str:
    value = float(digits)
    return digits[:MAX_DIGITS] if value in (float("inf"), float("-inf")) else value


def clean(value: Any, forms: tuple[str, ...], depth: int = 0) -> Any:
    """Every text storable and without our secrets, nothing deeper than MAX_DEPTH."""
    if isinstance(value, str):
        return clean_text(value, forms)
    if isinstance(value, Mapping | list) and depth >= MAX_DEPTH:
        return TOO_DEEP
    if isinstance(value, Mapping):
        return {clean_text(key, forms): clean(item, forms, depth + 1) for key, item in value.items()}
    if isinstance(value, list):
        return [clean(item, forms, depth + 1) for item in value]
    return value


def clean_text(text: str, forms: tuple[str, ...]) -> str:
    return strike(UNSTORABLE.sub("\ufffd", text), forms)


def pick(document: Any, pointer: str) -> Any:
    """The part at a dotted path such as `data.items.0`, or None."""
    for part in pointer.split("."):
        if isinstance(document, Mapping):
            document = document.get(part)
        elif isinstance(document, list) and part.isdecimal() and int(part) < len(document):
            document = document[int(part)]
        else:
            return None
    return document


def cap(result: Any, max_bytes: int) -> tuple[Any, bool]:
    """A result over the cap is replaced by the beginning of its text."""
    text = json.dumps(result, ensure_ascii=False, separators=(",", ":"))
    size = len(text.encode())
    if size <= max_bytes:
        return result, False
    preview = text.encode()[: max(max_bytes // 2, 0)].decode("utf-8", "ignore")
    return {"truncated": True, "size": size, "preview": preview}, True
