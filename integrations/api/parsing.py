"""Reading what a program sends, strictly: no two readers may read two different things (checks T14, I5)."""

import json
import math
from typing import Any, Final

from django.http import HttpRequest
from django.utils.datastructures import MultiValueDict
from ninja.parser import Parser

from orgs.errors import DomainError

MAX_DEPTH: Final = 64
MAX_DIGITS: Final = 30
# Lists, which may come comma-joined in one parameter or as a repeated one.
LISTS: Final = frozenset(
    {
        "toolkit_slug", "toolkits", "toolkit_slugs", "tool_slugs", "tags", "scopes", "user_ids", "statuses",
        "auth_config_ids", "connected_account_ids", "category", "auth_scheme",
    }
)  # fmt: skip


class UnsupportedMediaTypeError(DomainError):
    code = "unsupported_media_type"
    status = 415  # type: ignore[assignment]  # an int is what it becomes


class StrictParser(Parser):
    def parse_body(self, request: HttpRequest) -> Any:
        if request.content_type not in {"", "application/json"}:
            raise UnsupportedMediaTypeError("Send the body as application/json.")
        document = read_json(request.body)
        if not isinstance(document, dict):
            raise DomainError("The body must be one JSON object: {…}.", code="invalid_request")
        return document

    def parse_querydict(self, data: MultiValueDict[str, Any], list_fields: list[str], request: HttpRequest) -> Any:
        del list_fields, request
        return {name: _one(name, values) for name, values in data.lists()}


def _one(name: str, values: list[str]) -> str:
    if any(not _is_storable(value) for value in (name, *values)):
        raise DomainError("The query holds characters that no text may hold.", code="invalid_request")
    if len(values) == 1:
        return values[0]
    if name not in LISTS:
        raise DomainError(f"The parameter {name[:40]} stands in the query more than once.", code="invalid_request")
    return ",".join(values)


def read_json(body: bytes) -> Any:
    """The one value that the text means; DomainError for anything that could mean two or none."""
    try:
        document = json.loads(
            body.decode("utf-8"),
            object_pairs_hook=_object,
            parse_constant=_no_constant,
            parse_int=_int,
            parse_float=_float,
        )
        _check(document, 0)
    except (ValueError, RecursionError) as error:
        raise DomainError(f"The body is not usable JSON: {_plain(error)}", code="invalid_json") from None
    return document


def _plain(error: Exception) -> str:
    """Without what was sent: a mistyped body may hold a secret."""
    if isinstance(error, UnicodeDecodeError):
        return "it is not UTF-8."
    if isinstance(error, json.JSONDecodeError):
        return f"{error.msg} at line {error.lineno}, column {error.colno}."
    return "it is nested too deeply." if isinstance(error, RecursionError) else f"{error}."


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("an object has the same key twice")
    return found


def _no_constant(name: str) -> Any:
    raise ValueError(f"{name} is no JSON number")


def _int(text: str) -> int:
    if len(text) > MAX_DIGITS:
        raise ValueError("a number has too many digits")
    return int(text)


def _float(text: str) -> float:
    number = float(text)
    if len(text) > MAX_DIGITS * 10 or not math.isfinite(number):
        raise ValueError("a number is too large")
    return number


def _check(value: Any, depth: int) -> None:
    if depth > MAX_DEPTH:
        raise ValueError("it is nested too deeply")
    if isinstance(value, str) and not _is_storable(value):
        raise ValueError("a text holds a character that no text may hold")
    if isinstance(value, dict):
        for key, item in value.items():
            _check(key, depth)
            _check(item, depth + 1)
    elif isinstance(value, list):
        for item in value:
            _check(item, depth + 1)


def _is_storable(text: str) -> bool:
    """No NUL, which PostgreSQL cannot store, and no half of a surrogate pair, which nobody can."""
    return "\x00" not in text and not any("\ud800" <= char <= "\udfff" for char in text)
