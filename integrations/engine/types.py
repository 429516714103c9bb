"""What goes into a tool call and what comes out: plain, frozen values.

Nothing in this package knows Django, the database or Celery. A worker hands it a
`ToolCall`; it answers with an `Outcome`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any


class Effect(StrEnum):
    """What a tool does to the world. Delivery differs by it: a read may be repeated."""

    READ = "read"
    WRITE = "write"
    DESTRUCTIVE = "destructive"


class AuthScheme(StrEnum):
    """How an account proves itself to a toolkit."""

    OAUTH2 = "oauth2"
    API_KEY = "api_key"
    BEARER_TOKEN = "bearer_token"  # noqa: S105 - the name of a scheme
    BASIC = "basic"
    NONE = "none"


class Place(StrEnum):
    """Where an argument travels in the HTTP request."""

    PATH = "path"
    PATH_RESERVED = "path_reserved"  # may hold slashes: GitHub's {+path}
    QUERY = "query"
    HEADER = "header"
    BODY = "body"


@dataclass(frozen=True)
class ArgumentPlace:
    """An argument's place and the name it has on the wire.

    In a JSON body a dotted name nests: `fields.summary` is `{"fields": {"summary": …}}`.
    """

    where: Place
    wire_name: str
    style: str = "repeat"  # arrays in a query: "repeat" (a=1&a=2) or "comma" (a=1,2)


@dataclass(frozen=True)
class ErrorRules:
    """How a provider says that something went wrong, as data from its toolkit.yaml."""

    ok_field: str = ""  # Slack: 200 with {"ok": false}; the field that must be true
    code_pointers: tuple[str, ...] = ()  # dotted paths to a machine code, first found wins
    message_pointers: tuple[str, ...] = ("message",)
    reconnect_codes: tuple[str, ...] = ()  # codes that mean: the credentials are dead
    rate_limit_codes: tuple[str, ...] = ()
    null_is_not_found: bool = False  # Hacker News answers 200 with null for an unknown id


@dataclass(frozen=True)
class ToolSpec:
    """One tool, ready to be turned into a request."""

    slug: str
    toolkit: str
    method: str
    path: str
    base_url: str
    effect: Effect
    parameters: Mapping[str, Any]  # JSON Schema (2020-12) of the arguments object
    places: Mapping[str, ArgumentPlace]
    headers: Mapping[str, str] = field(default_factory=dict)
    fixed: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)  # place -> wire name -> constant
    argument_aliases: Mapping[str, str] = field(default_factory=dict)  # other name -> argument
    body_kind: str = "json"  # json, form or none
    response_pick: str = ""  # dotted path to the part that is the result
    hook: str = ""  # a name of engine.hooks.HOOKS
    errors: ErrorRules = field(default_factory=ErrorRules)


@dataclass(frozen=True)
class CredentialPlacement:
    """Where a secret goes on the request, as data from toolkit.yaml."""

    scheme: AuthScheme
    where: str = "header"  # header or query
    name: str = "Authorization"
    template: str = "Bearer {token}"  # {token}, {api_key}; basic needs none


@dataclass(frozen=True)
class Credentials:
    """The open secrets of one connected account. Never printed, never pickled."""

    scheme: AuthScheme
    values: Mapping[str, str] = field(default_factory=dict, repr=False)

    def __reduce__(self) -> str | tuple[Any, ...]:
        raise TypeError("credentials are not serializable")

    def __str__(self) -> str:
        return f"Credentials({self.scheme}, ***)"


@dataclass(frozen=True)
class HttpRequest:
    """One outbound request, complete but for the connection it will travel on."""

    method: str
    url: str
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""

    def __repr__(self) -> str:  # headers and query may carry secrets
        return f"HttpRequest({self.method})"


@dataclass(frozen=True)
class HttpResponse:
    """What came back, headers in lower case, body already decompressed and capped."""

    status: int
    headers: Mapping[str, str]
    body: bytes
    truncated: bool = False  # the body went on beyond the cap; the answer itself is certain


class Happening(StrEnum):
    """What happened to the one request that matters, as far as we can know."""

    ANSWERED = "answered"  # a complete HTTP response came back
    NOT_SENT = "not_sent"  # certain: no byte of the request reached the provider
    REFUSED = "refused"  # our own guard refused the target; nothing was sent
    INTERRUPTED = "interrupted"  # it may have been processed; we do not know
    FENCED = "fenced"  # the fence said no: the execution is no longer ours to send


@dataclass(frozen=True)
class ToolCall:
    """All that is needed to run a tool once."""

    spec: ToolSpec
    arguments: Mapping[str, Any]
    credentials: Credentials
    placement: CredentialPlacement | None
    deadline_seconds: float
    max_response_bytes: int
    max_result_bytes: int


@dataclass(frozen=True)
class Outcome:
    """The end of one attempt. `result` is sanitized JSON and safe to store."""

    happening: Happening
    status: int | None = None
    successful: bool = False
    result: Any = None
    error_code: str = ""
    error_message: str = ""  # safe to show: never echoes credentials
    retry_after_seconds: float | None = None
    needs_reconnect: bool = False
    rate_limited: bool = False
    truncated: bool = False
    provider_request_id: str = ""
    provider_milliseconds: int | None = None
    request_summary: Mapping[str, Any] = field(default_factory=dict)  # method, url, headers, body; secrets struck out


Fence = Callable[[], bool]  # asked once, just before the first byte; False means: do not send
