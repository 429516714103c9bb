from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from datetime import UTC, datetime
from email import message_from_bytes, policy
from email.message import EmailMessage
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest

from integrations.engine.errors import InputError, NotSent, ToolError
from integrations.engine.hooks import HOOKS, document, hook_of
from integrations.engine.requests import build_request
from integrations.engine.types import ArgumentPlace, HttpRequest, Place, ToolSpec
from tests.integrations.engine.specs import make_spec

SEND = make_spec(
    "/users/{user_id}/messages/send", "POST", places={"user_id": "path", "thread_id": "body", "body": "body"}
)
FETCH = make_spec(
    "/messages",
    places={"include_payload": "query", "max_results": ArgumentPlace(Place.QUERY, "maxResults")},
    headers={"X-Api-Version": "1"},
)


class Reader:
    """Answers a hook's reads in turn and keeps what was asked."""

    def __init__(self, *answers: Any) -> None:
        self._answers = list(answers)
        self.urls: list[str] = []

    def __call__(self, spec: ToolSpec, arguments: Mapping[str, Any]) -> Any:
        request = build_request(spec, arguments)
        assert (request.method, request.body) == ("GET", b"")
        self.urls.append(request.url.removeprefix("https://api.example.com/v1"))
        answer = self._answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer


def shape(name: str, spec: ToolSpec, arguments: Mapping[str, Any], *answers: Any) -> HttpRequest:
    hook = HOOKS[name].shape
    assert hook is not None
    return hook(spec, arguments, Reader(*answers))


def sent_json(name: str, spec: ToolSpec, arguments: Mapping[str, Any], *answers: Any) -> Any:
    return json.loads(shape(name, spec, arguments, *answers).body)


def mail_in(raw: str) -> EmailMessage:
    parsed = message_from_bytes(base64.urlsafe_b64decode(raw), policy=policy.default)
    assert isinstance(parsed, EmailMessage)
    return parsed


def test_mime_message_writes_all_headers() -> None:
    arguments = {
        "user_id": "me", "recipient_email": "ada@example.com", "extra_recipients": ["bob@example.com"],
        "cc": ["c@example.com", "d@example.com"], "bcc": ["e@example.com"],
        "subject": "Grüße 🎉", "body": "Hällo\nWelt",
    }  # fmt: skip

    body = sent_json("mime_message", SEND, arguments)

    mail = mail_in(body["raw"])
    assert list(body) == ["raw"]
    assert (mail["To"], mail["Cc"]) == ("ada@example.com, bob@example.com", "c@example.com, d@example.com")
    assert (mail["Bcc"], mail["Subject"]) == ("e@example.com", "Grüße 🎉")
    assert (mail.get_content_type(), mail.get_content()) == ("text/plain", "Hällo\r\nWelt\r\n")


def test_mime_message_may_be_html_and_without_subject() -> None:
    mail = mail_in(
        sent_json(
            "mime_message", SEND, {"user_id": "me", "recipient_email": "a@b.c", "body": "<b>x</b>", "is_html": True}
        )["raw"]
    )

    assert mail.get_content_type() == "text/html"
    assert mail["Subject"] is None
    assert mail["Cc"] is None


def test_mime_message_goes_to_the_tools_url() -> None:
    request = shape("mime_message", SEND, {"user_id": "me", "recipient_email": "a@b.c"})

    assert request.url.endswith("/v1/users/me/messages/send")
    assert request.headers["Content-Type"] == "application/json"


@pytest.mark.parametrize(
    "address",
    [
        "no-at",
        "a@b.c, evil@x.y",
        "a@b.c\r\nBcc: evil@x.y",
        "Ada <a@b.c>",
        "a@b.c;d@e.f",
        "",
        " a@b.c",
        "@b.c",
        "ü@b.c",
        "a@[::1]",
    ],
)
@pytest.mark.parametrize("field", ["recipient_email", "cc", "bcc"])
def test_mime_message_refuses_what_is_not_one_address(field: str, address: str) -> None:
    arguments = {
        "user_id": "me",
        "recipient_email": "a@b.c",
        field: address if field == "recipient_email" else [address],
    }

    with pytest.raises(InputError) as caught:
        shape("mime_message", SEND, arguments)

    assert caught.value.field == field


def test_mime_message_folds_no_header_out_of_a_subject() -> None:
    mail = mail_in(
        sent_json("mime_message", SEND, {"user_id": "me", "recipient_email": "a@b.c", "subject": "x\r\nBcc: e@x.y"})[
            "raw"
        ]
    )

    assert mail["Bcc"] is None
    assert mail["Subject"] == "x Bcc: e@x.y"


def test_mime_message_that_cannot_be_written_is_an_input_error() -> None:
    with pytest.raises(InputError):
        shape("mime_message", SEND, {"user_id": "me", "recipient_email": "a@b.c", "body": "\ud800"})


def test_mime_draft_wraps_the_message() -> None:
    spec = make_spec("/drafts", "POST")

    body = sent_json("mime_draft", spec, {"recipient_email": "a@b.c", "thread_id": "t1", "subject": "s"})

    assert body["message"]["threadId"] == "t1"
    assert mail_in(body["message"]["raw"])["Subject"] == "s"


def thread(**headers: str) -> dict[str, Any]:
    pairs = [{"name": name.replace("_", "-"), "value": value} for name, value in headers.items()]
    return {"messages": [{"payload": {"headers": []}}, {"payload": {"headers": [*pairs, "junk"]}}]}


REPLY = {"user_id": "me", "thread_id": "t/1", "message_body": "Thanks", "recipient_email": "a@b.c"}


def test_mime_reply_reads_the_thread_and_continues_it() -> None:
    hook = HOOKS["mime_reply"].shape
    assert hook is not None
    read = Reader(thread(Subject="Plan", Message_ID="<2@x>", References="<1@x>"))

    request = hook(SEND, REPLY, read)

    body = json.loads(request.body)
    mail = mail_in(body["raw"])
    assert read.urls == ["/users/me/threads/t%2F1?format=metadata"]
    assert request.url.endswith("/users/me/messages/send")
    assert body["threadId"] == "t/1"
    assert (mail["Subject"], mail["In-Reply-To"], mail["References"]) == ("Re: Plan", "<2@x>", "<1@x> <2@x>")


def test_mime_reply_keeps_an_answered_subject() -> None:
    mail = mail_in(sent_json("mime_reply", SEND, REPLY, thread(Subject="RE: Plan", Message_Id="<2@x>"))["raw"])

    assert (mail["Subject"], mail["References"]) == ("RE: Plan", "<2@x>")


@pytest.mark.parametrize("odd", [{}, None, [], {"messages": []}, {"messages": ["x"]}, {"messages": [{"payload": 5}]}])
def test_mime_reply_copes_with_odd_threads(odd: Any) -> None:
    mail = mail_in(sent_json("mime_reply", SEND, REPLY, odd)["raw"])

    assert (mail["Subject"], mail["In-Reply-To"]) == ("Re:", None)


def test_mime_reply_is_not_misled_by_the_threads_headers() -> None:
    mail = mail_in(
        sent_json("mime_reply", SEND, REPLY, thread(Subject="x\r\nBcc: e@x.y", Message_ID="<1@x>\r\nX: y"))["raw"]
    )

    assert mail["Bcc"] is None
    assert mail["X"] is None


def finish(arguments: Mapping[str, Any], result: Any, *answers: Any) -> tuple[Any, list[str]]:
    hook, read = HOOKS["message_details"].finish, Reader(*answers)
    assert hook is not None
    return hook(FETCH, arguments, result, read), read.urls


def test_message_details_lists_without_its_own_switch() -> None:
    request = shape("message_details", FETCH, {"include_payload": True, "max_results": 5})

    assert urlsplit(request.url).query == "maxResults=5"


def test_message_details_reads_each_message() -> None:
    listed = {"messages": [{"id": "a"}, {"id": "b"}], "nextPageToken": "n"}

    result, urls = finish({"include_payload": True}, listed, {"id": "a", "snippet": "x"}, {"id": "b", "snippet": "y"})

    assert result == {"messages": [{"id": "a", "snippet": "x"}, {"id": "b", "snippet": "y"}], "nextPageToken": "n"}
    assert urls == ["/messages/a?format=full", "/messages/b?format=full"]


def test_message_details_keeps_messages_that_cannot_be_read() -> None:
    listed = {"messages": [{"id": "a", "threadId": "t"}, {"id": ".."}, "junk"]}

    result, _ = finish({"include_payload": True}, listed, NotSent("unreachable", "Gone."))

    assert result["messages"][0] == {"id": "a", "threadId": "t", "error": "Gone."}
    assert result["messages"][1]["error"]
    assert result["messages"][2]["error"]


@pytest.mark.parametrize(
    ("switch", "result"), [(False, {"messages": [{"id": "a"}]}), (True, {}), (True, None), (True, {"messages": 5})]
)
def test_message_details_leaves_other_results_alone(switch: bool, result: Any) -> None:
    assert finish({"include_payload": switch}, result) == (result, [])


def test_document_parts_paragraphs_and_keeps_lines() -> None:
    assert document("a\nb\r\n\r\nc\n\n\n\n") == {
        "type": "doc",
        "version": 1,
        "content": [
            {"type": "paragraph", "content": [{"type": "text", "text": "a"}, {"type": "hardBreak"},
                                               {"type": "text", "text": "b"}]},
            {"type": "paragraph", "content": [{"type": "text", "text": "c"}]},
        ],
    }  # fmt: skip
    assert document("")["content"] == []


def test_issue_fields_nest_and_cannot_be_replaced() -> None:
    spec = make_spec("/issue", "POST", places={"project_key": "body"})
    arguments = {
        "project_key": "WEB", "summary": "s", "issue_type": "Bug", "description": "d", "assignee": "acc",
        "priority": "High",
        "labels": ["x"], "parent": "WEB-1", "additional_fields": {"customfield_1": 3, "project": {"key": "EVIL"}},
    }  # fmt: skip

    fields = sent_json("issue_fields", spec, arguments)["fields"]

    assert fields == {
        "customfield_1": 3, "project": {"key": "WEB"}, "summary": "s", "issuetype": {"name": "Bug"},
        "description": document("d"),
        "assignee": {"accountId": "acc"}, "priority": {"name": "High"}, "labels": ["x"], "parent": {"key": "WEB-1"},
    }  # fmt: skip


def test_issue_fields_leave_out_what_is_not_given() -> None:
    spec = make_spec("/issue/{issue_key}", "PUT", places={"issue_key": "path", "summary": "body"})

    request = shape("issue_fields", spec, {"issue_key": "WEB-1", "summary": "s", "labels": None})

    assert request.url.endswith("/issue/WEB-1")
    assert json.loads(request.body) == {"fields": {"summary": "s"}}


def test_comment_document() -> None:
    spec = make_spec("/issue/{issue_key}/comment", "POST", places={"issue_key": "path", "comment": "body"})

    assert sent_json("comment_document", spec, {"issue_key": "W-1", "comment": "hi"}) == {"body": document("hi")}


def test_since_midnight_filters_by_time_and_points() -> None:
    spec = make_spec(
        "/search_by_date", places={"min_points": "query", "page": "query"}, fixed={"query": {"tags": "story"}}
    )
    midnight = int(datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0).timestamp())

    query = dict(parse_qsl(urlsplit(shape("since_midnight", spec, {"min_points": 50, "page": 2}).url).query))
    plain = dict(parse_qsl(urlsplit(shape("since_midnight", spec, {}).url).query))

    assert query == {"page": "2", "tags": "story", "numericFilters": f"created_at_i>={midnight},points>=50"}
    assert plain["numericFilters"] == f"created_at_i>={midnight}"


def test_unknown_hook_is_a_tool_error() -> None:
    with pytest.raises(ToolError):
        hook_of(make_spec(hook="not_yet"))


def test_no_hook_changes_nothing() -> None:
    assert hook_of(make_spec()).shape is None
