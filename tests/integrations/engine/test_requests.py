"""Checks I1 to I3: values fill places and never change the shape of a request."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from integrations.engine.errors import InputError
from integrations.engine.requests import build_request
from integrations.engine.types import ArgumentPlace, HttpRequest, Place
from tests.integrations.engine.specs import make_spec

ISSUE = make_spec("/repos/{owner}/{repo}/issues", places={"owner": "path", "repo": "path"})
CONTENT = make_spec("/repos/{owner}/contents/{+path}", places={"owner": "path", "path": "path_reserved"})


def path_of(request: HttpRequest) -> str:
    return urlsplit(request.url).path


def query_of(request: HttpRequest) -> list[tuple[str, str]]:
    return parse_qsl(urlsplit(request.url).query, keep_blank_values=True)


@given(st.text(max_size=30), st.text(max_size=30))
def test_path_keeps_its_segments_and_literals(owner: str, repo: str) -> None:
    try:
        request = build_request(ISSUE, {"owner": owner, "repo": repo})
    except InputError:
        return

    segments = path_of(request).split("/")
    assert len(segments) == 6
    assert (segments[1], segments[2], segments[5]) == ("v1", "repos", "issues")
    assert [unquote(segments[3]), unquote(segments[4])] == [owner, repo]
    assert not {".", "..", ""} & set(segments[1:])
    assert request.url.isascii()


@given(st.text(alphabet="ab./\\%?#;\u2215 ", max_size=12))
def test_reserved_path_keeps_its_literals_and_has_no_dots(path: str) -> None:
    try:
        request = build_request(CONTENT, {"owner": "o", "path": path})
    except InputError:
        return

    segments = path_of(request).split("/")
    assert segments[1:5] == ["v1", "repos", "o", "contents"]
    assert not {".", "..", ""} & {unquote(segment) for segment in segments[5:]}
    assert "/".join(unquote(segment) for segment in segments[5:]) == path.strip("/")
    assert urlsplit(request.url).query == ""


@pytest.mark.parametrize("bad", ["", ".", "..", "a\r\nb", "a\nb", "a\x00b", "\x7f", "\ud800", "x" * 8192])
def test_path_refuses_what_quoting_cannot_tame(bad: str) -> None:
    with pytest.raises(InputError) as caught:
        build_request(ISSUE, {"owner": bad, "repo": "r"})

    assert caught.value.field == "owner"


@pytest.mark.parametrize(
    ("value", "segment"),
    [
        ("a/../../b", "a%2F..%2F..%2Fb"), ("%2e%2e", "%252e%252e"), ("..%2f", "..%252f"), ("\\..\\", "%5C..%5C"),
        ("a;b", "a%3Bb"), ("?x", "%3Fx"), ("#f", "%23f"), ("a b", "a%20b"), ("ü", "%C3%BC"), ("\u2215", "%E2%88%95"),
        ("@", "%40"), (":", "%3A"), ("~a-_.b", "~a-_.b"), (42, "42"), (True, "true"), ("...", "..."),
    ],
)  # fmt: skip
def test_path_encodes_one_segment(value: Any, segment: str) -> None:
    request = build_request(ISSUE, {"owner": value, "repo": "r"})

    assert path_of(request) == f"/v1/repos/{segment}/r/issues"


@pytest.mark.parametrize("bad", ["", "/", "a//b", "a/../b", "../a", "a/.", "a/\x00"])
def test_reserved_path_refuses_dots_and_gaps(bad: str) -> None:
    with pytest.raises(InputError):
        build_request(CONTENT, {"owner": "o", "path": bad})


def test_reserved_path_keeps_slashes() -> None:
    assert (
        path_of(build_request(CONTENT, {"owner": "o", "path": "/docs/a b.md"})) == "/v1/repos/o/contents/docs/a%20b.md"
    )


def test_missing_path_argument_is_named() -> None:
    with pytest.raises(InputError) as caught:
        build_request(ISSUE, {"owner": "o"})

    assert caught.value.field == "repo"


def test_fixed_path_value_wins() -> None:
    spec = make_spec("/users/{user}/x", places={"user": "path"}, fixed={"path": {"user": "me"}})

    assert path_of(build_request(spec, {"user": "other"})) == "/v1/users/me/x"


def test_base_url_can_be_overridden() -> None:
    assert build_request(make_spec("/x"), {}, "https://ghe.example/api/").url == "https://ghe.example/api/x"


def test_query_writes_values_by_type_and_style() -> None:
    places = {
        "flag": "query", "none": "query", "n": "query", "obj": "query", "empty": "query",
        "ids": ArgumentPlace(Place.QUERY, "labelIds"), "labels": ArgumentPlace(Place.QUERY, "labels", "comma"),
        "none_left": ArgumentPlace(Place.QUERY, "none_left", "comma"), "deep": "query",
    }  # fmt: skip
    arguments = {
        "flag": True, "none": None, "n": 1.5, "obj": {"a": False}, "empty": "", "ids": ["a", "b"],
        "labels": ["x", "y z"],
        "none_left": [], "deep": [{"a": 1}], "unplaced": "gone",
    }  # fmt: skip

    assert query_of(build_request(make_spec(places=places), arguments)) == [
        ("flag", "true"), ("n", "1.5"), ("obj", '{"a":false}'), ("empty", ""), ("labelIds", "a"), ("labelIds", "b"),
        ("labels", "x,y z"), ("deep", '[{"a":1}]'),
    ]  # fmt: skip


@given(st.dictionaries(st.sampled_from(["a", "tags", "b"]), st.text(max_size=20)))
def test_query_values_cannot_add_or_change_parameters(arguments: dict[str, str]) -> None:
    spec = make_spec(places=dict.fromkeys(["a", "tags", "b"], "query"), fixed={"query": {"tags": "story"}})
    try:
        pairs = query_of(build_request(spec, arguments))
    except UnicodeEncodeError:  # lone surrogates, which check_arguments refuses
        return

    assert pairs == [(k, v) for k, v in arguments.items() if k != "tags"] + [("tags", "story")]


def test_headers_take_declared_values_only() -> None:
    spec = make_spec(
        headers={"Accept": "application/vnd.github+json"},
        places={"etag": ArgumentPlace(Place.HEADER, "If-None-Match"), "gone": ArgumentPlace(Place.HEADER, "X-Gone")},
        fixed={"header": {"X-Fixed": "1"}},
    )

    headers = build_request(spec, {"etag": '"abc"', "gone": None, "evil": "x"}).headers

    assert headers == {
        "User-Agent": "Switchboard", "Accept": "application/vnd.github+json", "If-None-Match": '"abc"', "X-Fixed": "1",
    }  # fmt: skip


@pytest.mark.parametrize("value", ["a\r\nb", "a\nb", "a\x00", "ü", "", " a", "a ", "\t", "x" * 5000])
def test_headers_refuse_values_that_are_not_plain(value: str) -> None:
    with pytest.raises(InputError):
        build_request(make_spec(places={"h": ArgumentPlace(Place.HEADER, "X-H")}), {"h": value})


@pytest.mark.parametrize(
    "name", ["Host", "authorization", "Content-Length", "Transfer-Encoding", "Cookie", "Connection", "a b", "x:y", ""]
)
def test_headers_refuse_reserved_names(name: str) -> None:
    with pytest.raises(InputError):
        build_request(make_spec(places={"h": ArgumentPlace(Place.HEADER, name)}), {"h": "v"})


def test_json_body_nests_dotted_names_and_constants_win() -> None:
    spec = make_spec(
        method="POST",
        places={
            "title": "body",
            "more": ArgumentPlace(Place.BODY, "fields"),
            "key": ArgumentPlace(Place.BODY, "fields.project.key"),
            "kind": "body",
        },
        fixed={"body": {"kind": "issue", "meta.source": "us"}},
    )
    arguments = {"key": "WEB", "title": "Hällo", "more": {"project": "evil", "x": 1}, "kind": "evil"}

    request = build_request(spec, arguments)

    assert json.loads(request.body) == {
        "title": "Hällo", "kind": "issue", "meta": {"source": "us"}, "fields": {"x": 1, "project": {"key": "WEB"}},
    }  # fmt: skip
    assert arguments["more"] == {"project": "evil", "x": 1}
    assert request.headers["Content-Type"] == "application/json"


def test_null_is_sent_in_json() -> None:
    assert build_request(make_spec(method="PATCH", places={"a": "body"}), {"a": None}).body == b'{"a":null}'


@pytest.mark.parametrize(
    ("method", "kind", "body"),
    [
        ("GET", "json", b""),
        ("HEAD", "json", b""),
        ("DELETE", "json", b""),
        ("POST", "json", b"{}"),
        ("PUT", "none", b""),
    ],
)
def test_body_without_arguments(method: str, kind: str, body: bytes) -> None:
    assert build_request(make_spec(method=method, body_kind=kind), {}).body == body


def test_delete_may_carry_a_body() -> None:
    assert build_request(make_spec(method="DELETE", places={"a": "body"}), {"a": 1}).body == b'{"a":1}'


def test_form_body_encodes_structures_as_json() -> None:
    spec = make_spec(
        method="POST",
        body_kind="form",
        places={
            **dict.fromkeys(["text", "blocks", "flag", "none"], "body"),
            "types": ArgumentPlace(Place.BODY, "types", "comma"),
        },
        fixed={"body": {"as_user": False}},
    )  # fmt: skip
    arguments = {"text": "a&b=c", "blocks": [{"type": "x"}], "flag": True, "none": None, "types": ["a", "b"]}

    request = build_request(spec, arguments)

    assert parse_qsl(request.body.decode()) == [
        ("text", "a&b=c"), ("blocks", '[{"type":"x"}]'), ("flag", "true"), ("types", "a,b"), ("as_user", "false"),
    ]  # fmt: skip
    assert request.headers["Content-Type"] == "application/x-www-form-urlencoded"
