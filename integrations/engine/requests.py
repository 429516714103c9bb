"""Turn a tool and its checked arguments into one HTTP request, with no way for a value to change its shape."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any
from urllib.parse import quote, urlencode

from integrations.engine.errors import InputError
from integrations.engine.types import ArgumentPlace, HttpRequest, Place, ToolSpec

VARIABLE = re.compile(r"\{(\+?)([^{}]+)\}")
CONTROL = re.compile(r"[\x00-\x1f\x7f\ud800-\udfff]")
MAX_SEGMENT = 2048
HEADER_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9-]{0,63}")
HEADER_VALUE = re.compile(r"[\x21-\x7e]([\x20-\x7e]{0,4094}[\x21-\x7e])?")
RESERVED_HEADERS = {
    "accept-encoding", "authorization", "connection", "content-length", "content-type", "cookie", "expect", "forwarded",
    "host", "keep-alive", "proxy-authorization", "proxy-connection", "te", "trailer", "transfer-encoding", "upgrade",
    "user-agent", "via",
}  # fmt: skip
DEFAULT_HEADERS = {"User-Agent": "Switchboard", "Accept": "application/json"}
BODYLESS = ("GET", "HEAD")

Pairs = list[tuple[str, str]]


def build_request(spec: ToolSpec, arguments: Mapping[str, Any], base_url: str | None = None) -> HttpRequest:
    """`arguments` must have passed check_arguments; `base_url` is the auth config's override, if any."""
    url = (base_url or spec.base_url).rstrip("/") + expand_path(spec.path, _path_values(spec, arguments))
    query = _query(spec, arguments)
    if query:
        url += "?" + urlencode(query, quote_via=quote, safe="")
    headers = {**DEFAULT_HEADERS, **spec.headers, **_headers(spec, arguments)}
    return _with_body(HttpRequest(spec.method, url, headers), spec, arguments)


def with_json_body(request: HttpRequest, data: Any) -> HttpRequest:
    body = json.dumps(data, ensure_ascii=False, separators=(",", ":")).encode()
    return replace(request, headers={**request.headers, "Content-Type": "application/json"}, body=body)


def _placed(spec: ToolSpec, arguments: Mapping[str, Any], *wanted: Place) -> Iterator[tuple[str, ArgumentPlace, Any]]:
    for name, value in arguments.items():
        place = spec.places.get(name)
        if place is not None and place.where in wanted:
            yield name, place, value


# Path


def expand_path(template: str, values: Mapping[str, Any]) -> str:
    """RFC 6570's simple and reserved expansion, stricter: the number of segments never changes unless {+x} says so."""

    def fill(match: re.Match[str]) -> str:
        reserved, name = match.groups()
        if values.get(name) is None:
            raise InputError([(name, f"“{name}” is required. Add it.")])
        text = plain_text(values[name])
        return _segments(name, text) if reserved else _segment(name, text)

    return VARIABLE.sub(fill, template)


def _segment(name: str, text: str) -> str:
    """Quoting is no protection from dots: they are unreserved, and servers resolve them (RFC 3986, 5.2.4)."""
    if text in ("", ".", ".."):
        raise InputError([(name, f"“{name}” must not be empty, “.” or “..”.")])
    if CONTROL.search(text) or len(text) > MAX_SEGMENT:
        raise InputError([(name, f"“{name}” is too long or holds control characters.")])
    return quote(text, safe="")


def _segments(name: str, text: str) -> str:
    return "/".join(_segment(name, part) for part in text.strip("/").split("/"))


def _path_values(spec: ToolSpec, arguments: Mapping[str, Any]) -> dict[str, Any]:
    placed = _placed(spec, arguments, Place.PATH, Place.PATH_RESERVED)
    values = {place.wire_name: value for _, place, value in placed}
    return {**values, **spec.fixed.get("path", {})}


def plain_text(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, list | Mapping):
        return json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    return str(value)


# Query and form


def _query(spec: ToolSpec, arguments: Mapping[str, Any]) -> Pairs:
    return _pairs(spec, arguments, Place.QUERY, spec.fixed.get("query", {}))


def _pairs(spec: ToolSpec, arguments: Mapping[str, Any], where: Place, fixed: Mapping[str, Any]) -> Pairs:
    """A constant of the tool stands alone: an argument of the same wire name is left out."""
    pairs: Pairs = []
    for _, place, value in _placed(spec, arguments, where):
        if place.wire_name not in fixed and value is not None:
            pairs += [(place.wire_name, text) for text in _texts(value, place.style)]
    return pairs + [(name, plain_text(value)) for name, value in fixed.items()]


def _texts(value: Any, style: str) -> list[str]:
    if not isinstance(value, list) or any(isinstance(item, list | Mapping) for item in value):
        return [plain_text(value)]
    texts = [plain_text(item) for item in value]
    return [",".join(texts)] if style == "comma" and texts else texts


# Headers


def _headers(spec: ToolSpec, arguments: Mapping[str, Any]) -> dict[str, str]:
    """Only headers that the toolkit declares can be filled, and never those that carry the request or the identity."""
    headers = {}
    for name, place, value in _placed(spec, arguments, Place.HEADER):
        if value is not None:
            headers[place.wire_name] = _header(name, place.wire_name, plain_text(value))
    return {**headers, **spec.fixed.get("header", {})}


def _header(name: str, wire_name: str, text: str) -> str:
    if not HEADER_NAME.fullmatch(wire_name) or wire_name.lower() in RESERVED_HEADERS:
        raise InputError([(name, f"“{name}” cannot be sent: the header is reserved.")])
    if not HEADER_VALUE.fullmatch(text):
        raise InputError([(name, f"“{name}” must be plain printable ASCII text without line breaks.")])
    return text


# Body


def _with_body(request: HttpRequest, spec: ToolSpec, arguments: Mapping[str, Any]) -> HttpRequest:
    fixed = spec.fixed.get("body", {})
    if spec.body_kind == "form":
        return _with_form(request, _pairs(spec, arguments, Place.BODY, fixed))
    data = _json_body(spec, arguments, fixed)
    if spec.body_kind == "none" or request.method in BODYLESS or (not data and request.method == "DELETE"):
        return request
    return with_json_body(request, data)


def _with_form(request: HttpRequest, pairs: Pairs) -> HttpRequest:
    headers = {**request.headers, "Content-Type": "application/x-www-form-urlencoded"}
    return replace(request, headers=headers, body=urlencode(pairs).encode())


def _json_body(spec: ToolSpec, arguments: Mapping[str, Any], fixed: Mapping[str, Any]) -> dict[str, Any]:
    """Shorter names first and constants last: what is more exact wins, and a constant always does."""
    body: dict[str, Any] = {}
    placed = [(place.wire_name, value) for _, place, value in _placed(spec, arguments, Place.BODY)]
    for wire_name, value in [*sorted(placed, key=lambda pair: pair[0].count(".")), *fixed.items()]:
        _put(body, wire_name.split("."), value)
    return body


def _put(body: dict[str, Any], path: list[str], value: Any) -> None:
    for part in path[:-1]:
        inner = body.get(part)
        body[part] = dict(inner) if isinstance(inner, Mapping) else {}
        body = body[part]
    body[path[-1]] = value
