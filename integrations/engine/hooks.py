"""What toolkit.yaml cannot say: a closed registry of named functions, each named for the quirk.

`shape` makes the request that counts; it may read from the provider first, which happens before
the fence. `finish` completes the result of a read by further reads.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

from integrations.engine.errors import ToolError, TransportError
from integrations.engine.mail import raw_message
from integrations.engine.requests import build_request, with_json_body
from integrations.engine.results import pick
from integrations.engine.types import ArgumentPlace, HttpRequest, Outcome, Place, ToolSpec

Arguments = Mapping[str, Any]
Read = Callable[[ToolSpec, Arguments], Any]  # a further GET of the same account; raises HookReadError or TransportError
Shape = Callable[[ToolSpec, Arguments, Read], HttpRequest]
Finish = Callable[[ToolSpec, Arguments, Any, Read], Any]
MAX_DETAILS = 50


class HookReadError(ToolError):
    """A hook's read was answered with an error; its outcome says which."""

    def __init__(self, outcome: Outcome) -> None:
        super().__init__(outcome.error_code, outcome.error_message)
        self.outcome = outcome


@dataclass(frozen=True)
class Hook:
    """How one kind of tool differs from what its data says."""

    shape: Shape | None = None
    finish: Finish | None = None


def _without(arguments: Arguments, *names: str) -> dict[str, Any]:
    return {name: value for name, value in arguments.items() if name not in names}


def _sibling(spec: ToolSpec, path: str, variable: str, query: Mapping[str, Any]) -> ToolSpec:
    """A GET near the tool's own path, which takes nothing of the arguments but what the path names."""
    places = {name: place for name, place in spec.places.items() if place.where is Place.PATH}
    places[variable] = ArgumentPlace(Place.PATH, variable)
    return replace(spec, method="GET", path=path, places=places, body_kind="none", fixed={"query": query})


# E-mail


def _message_body(arguments: Arguments, text: str, headers: Mapping[str, str]) -> dict[str, str]:
    body = {"raw": raw_message(arguments, text, headers)}
    thread = arguments.get("thread_id")
    return {**body, "threadId": thread} if thread else body


def _subject(arguments: Arguments) -> dict[str, str]:
    return {"Subject": arguments["subject"]} if arguments.get("subject") else {}


def mime_message(spec: ToolSpec, arguments: Arguments, _read: Read) -> HttpRequest:
    body = _message_body(arguments, arguments.get("body") or "", _subject(arguments))
    return with_json_body(build_request(spec, arguments), body)


def mime_draft(spec: ToolSpec, arguments: Arguments, _read: Read) -> HttpRequest:
    message = _message_body(arguments, arguments.get("body") or "", _subject(arguments))
    return with_json_body(build_request(spec, arguments), {"message": message})


def mime_reply(spec: ToolSpec, arguments: Arguments, read: Read) -> HttpRequest:
    """Mail programs and Gmail thread by these headers and the subject: RFC 5322, 3.6.4."""
    path = spec.path.removesuffix("/messages/send") + "/threads/{thread_id}"
    thread = read(_sibling(spec, path, "thread_id", {"format": "metadata"}), arguments)
    body = _message_body(arguments, arguments["message_body"], _reply_headers(thread))
    return with_json_body(build_request(spec, arguments), body)


def _reply_headers(thread: Any) -> dict[str, str]:
    last = _headers_of_last(thread)
    subject, message_id = last.get("subject", ""), last.get("message-id", "")
    headers = {"Subject": subject if subject.lower().startswith("re:") else f"Re: {subject}".strip()}
    if message_id:
        headers["In-Reply-To"] = message_id
        headers["References"] = f"{last.get('references', '')} {message_id}".strip()
    return headers


def _headers_of_last(thread: Any) -> dict[str, str]:
    messages = pick(thread, "messages")
    found = pick(messages[-1], "payload.headers") if isinstance(messages, list) and messages else None
    pairs = [pair for pair in found if isinstance(pair, Mapping)] if isinstance(found, list) else []
    return {str(pair.get("name", "")).lower(): str(pair.get("value", "")) for pair in pairs}


def message_list(spec: ToolSpec, arguments: Arguments, _read: Read) -> HttpRequest:
    return build_request(spec, _without(arguments, "include_payload"))


def message_details(spec: ToolSpec, arguments: Arguments, result: Any, read: Read) -> Any:
    """Gmail lists only IDs. A message that cannot be read stays in the list with the reason."""
    messages = pick(result, "messages")
    if not arguments.get("include_payload") or not isinstance(messages, list):
        return result
    one = _sibling(spec, spec.path + "/{message_id}", "message_id", {"format": "full"})
    return {**result, "messages": [_detail(one, arguments, message, read) for message in messages[:MAX_DETAILS]]}


def _detail(spec: ToolSpec, arguments: Arguments, message: Any, read: Read) -> Any:
    try:
        return read(spec, {**arguments, "message_id": pick(message, "id")})
    except (ToolError, TransportError) as error:
        return {**(message if isinstance(message, Mapping) else {}), "error": error.message}


# Issues whose texts are documents


def document(text: str) -> dict[str, Any]:
    """Plain text as an Atlassian document: empty lines part paragraphs, line ends stay."""
    blocks = [block for block in text.replace("\r\n", "\n").split("\n\n") if block.strip()]
    return {"type": "doc", "version": 1, "content": [_paragraph(block) for block in blocks]}


def _paragraph(block: str) -> dict[str, Any]:
    content: list[dict[str, Any]] = []
    for line in block.strip("\n").split("\n"):
        content += [{"type": "hardBreak"}] if content else []
        content += [{"type": "text", "text": line}] if line else []
    return {"type": "paragraph", "content": content}


ISSUE_FIELDS: dict[str, tuple[str, Callable[[Any], Any]]] = {
    "project_key": ("project", lambda value: {"key": value}),
    "summary": ("summary", lambda value: value),
    "issue_type": ("issuetype", lambda value: {"name": value}),
    "description": ("description", document),
    "assignee": ("assignee", lambda value: {"accountId": value}),
    "priority": ("priority", lambda value: {"name": value}),
    "labels": ("labels", lambda value: value),
    "parent": ("parent", lambda value: {"key": value}),
}


def issue_fields(spec: ToolSpec, arguments: Arguments, _read: Read) -> HttpRequest:
    """Further fields come first, so that they cannot replace a named argument."""
    named = {
        field: convert(arguments[name])
        for name, (field, convert) in ISSUE_FIELDS.items()
        if arguments.get(name) is not None
    }
    fields = {**(arguments.get("additional_fields") or {}), **named}
    return with_json_body(build_request(spec, arguments), {"fields": fields})


def comment_document(spec: ToolSpec, arguments: Arguments, _read: Read) -> HttpRequest:
    return with_json_body(build_request(spec, arguments), {"body": document(arguments["comment"])})


# News


def since_midnight(spec: ToolSpec, arguments: Arguments, _read: Read) -> HttpRequest:
    """Algolia filters numbers by an expression: https://www.algolia.com/doc/api-reference/api-parameters/numericFilters"""
    filters = [f"created_at_i>={_midnight()}"]
    if arguments.get("min_points") is not None:
        filters.append(f"points>={arguments['min_points']}")
    query = {**spec.fixed.get("query", {}), "numericFilters": ",".join(filters)}
    today = replace(spec, fixed={**spec.fixed, "query": query})
    return build_request(today, _without(arguments, "min_points"))


def _midnight() -> int:
    now = datetime.now(UTC)
    return int(now.replace(hour=0, minute=0, second=0, microsecond=0).timestamp())


HOOKS: Mapping[str, Hook] = {
    "mime_message": Hook(shape=mime_message),
    "mime_draft": Hook(shape=mime_draft),
    "mime_reply": Hook(shape=mime_reply),
    "message_details": Hook(shape=message_list, finish=message_details),
    "issue_fields": Hook(shape=issue_fields),
    "comment_document": Hook(shape=comment_document),
    "since_midnight": Hook(shape=since_midnight),
}


def hook_of(spec: ToolSpec) -> Hook:
    if not spec.hook:
        return Hook()
    try:
        return HOOKS[spec.hook]
    except KeyError:
        raise ToolError("unknown_hook", "This tool needs a newer version of the product.") from None
