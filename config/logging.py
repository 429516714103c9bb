"""The last net under the logs: what looks like a secret is struck out of every event."""

import re
from collections.abc import Mapping, MutableMapping
from typing import Any, Final

STRUCK: Final = "[struck out]"
TOO_DEEP: Final = "[cut]"
MAX_DEPTH: Final = 8

# By the name it is logged under. A number under such a name is a count or a status, not a secret.
SECRET_NAMES = re.compile(
    r"(token|secret|passw(or)?d|authorization|cookie|api_?key|private_?key|verifier|credential|^code$|^state$)",
    re.IGNORECASE,
)
# By its shape, wherever it stands: headers, query strings, form and JSON text, URLs with a password,
# JSON Web Tokens, and the prefixes that GitHub, Slack, Google, Atlassian and we put before theirs.
SECRET_SHAPES: Final = (
    re.compile(r"(?i)(\b(?:bearer|basic)\s+)[\w.~+/=-]{6,}"),
    re.compile(
        r"(?i)(\b(?:code|state|access_token|refresh_token|id_token|token|client_secret|code_verifier|password|api_?key)"
        r"=)[^\s&\"',;)]+"
    ),
    re.compile(
        r"(?i)([\"'](?:access_token|refresh_token|id_token|token|client_secret|code_verifier|password|api_?key"
        r"|authorization)[\"']\s*:\s*[\"'])[^\"']+"
    ),
    re.compile(r"(://[^\s/:@]*:)[^\s/@]+(?=@)"),
    re.compile(r"()\beyJ[\w-]{8,}\.[\w-]+\.[\w-]*"),
    re.compile(
        r"()\b(?:gh[pousr]_|github_pat_|xox[abeprs]-|xapp-|ya29\.|1//0|ATATT|sk-|sb_(?:user|org|app|mcp|hook)_)[\w.-]{8,}"
    ),
)


def redact_secrets(_logger: Any, _method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """structlog processor: strike out values by name and by shape, however deep they lie."""
    for name, value in event.items():
        event[name] = _redact(value, name, 0)
    return event


def _redact(value: Any, name: str, depth: int) -> Any:
    if value is None or isinstance(value, bool | int | float):
        return value
    if SECRET_NAMES.search(name):
        return STRUCK
    if depth > MAX_DEPTH:
        return TOO_DEEP
    if isinstance(value, Mapping):
        return {key: _redact(item, str(key), depth + 1) for key, item in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [_redact(item, "", depth + 1) for item in value]
    return _strike(value if isinstance(value, str) else _text(value))


def _text(value: object) -> str:
    """An exception's message and an object's repr may quote what they were made from."""
    return f"{type(value).__name__}: {value}" if isinstance(value, BaseException) else repr(value)


def _strike(text: str) -> str:
    for shape in SECRET_SHAPES:
        text = shape.sub(rf"\1{STRUCK}", text)
    return text
