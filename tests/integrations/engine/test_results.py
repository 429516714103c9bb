"""Check I6: whatever a provider sends, the result can be stored and shown."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from integrations.engine.results import MAX_DEPTH, TOO_DEEP, cap, pick, read_result
from integrations.engine.types import HttpResponse

FORMS = ("secret-token",)


def read(body: bytes, kind: str = "application/json", status: int = 200, *, cut: bool = False, **headers: str) -> Any:
    response = HttpResponse(status, {"content-type": kind, **headers}, body, cut)
    return read_result(response, FORMS)[0]


def is_storable(value: Any) -> bool:
    text = json.dumps(value, allow_nan=False, ensure_ascii=False)
    return "\x00" not in text and "\\u0000" not in text and text.encode() is not None


@pytest.mark.parametrize(
    ("body", "result"),
    [
        (b'{"a": [1, 2.5, true, null, "x"]}', {"a": [1, 2.5, True, None, "x"]}),
        (b"null", None),
        (b'"text"', "text"),
        (b"\xef\xbb\xbf[1]", [1]),
        ('{"ü": "\U0001f600"}'.encode(), {"ü": "\U0001f600"}),
        (b'"\\ud83d\\ude00"', "\U0001f600"),
        (b'"a\\u0000b"', "a\ufffdb"),
        (b'{"\\u0000": "\\ud800"}', {"\ufffd": "\ufffd"}),
        (b"[NaN, Infinity, -Infinity]", ["NaN", "Infinity", "-Infinity"]),
        (b"[1e999, -1e999]", ["1e999", "-1e999"]),
        (b'{"t": "Bearer secret-token", "secret-token": 1}', {"t": "Bearer ***", "***": 1}),
        (b'"secret\\u002dtoken"', "***"),
        (b'"\xff\xfe"', "\ufffd\ufffd"),
        (b"", {}),
    ],
)
def test_read_result_of_json(body: bytes, result: Any) -> None:
    assert read(body) == result


def test_read_result_of_long_numbers() -> None:
    assert read(b"[" + b"9" * 5000 + b"]") == ["9" * 100 + "…"]
    assert read(b"[" + b"9" * 30 + b"]") == [int("9" * 30)]


def test_read_result_cuts_deep_json() -> None:
    value = read(b"[" * (MAX_DEPTH + 5) + b"]" * (MAX_DEPTH + 5))

    for _ in range(MAX_DEPTH):
        [value] = value
    assert value == TOO_DEEP


@pytest.mark.parametrize(
    "bomb", [b"[" * 100_000 + b"]" * 100_000, b"[[]" + b",[]" * 600_000 + b"]", b'{"a":' * 100_000]
)
def test_read_result_keeps_bombs_as_text(bomb: bytes) -> None:
    assert read(bomb)["text"].startswith(bomb[:5].decode())


@pytest.mark.parametrize(
    ("body", "kind", "result"),
    [
        (b"<h1>secret-token</h1>", "text/html", {"text": "<h1>***</h1>"}),
        (b"[1]", "text/html", {"text": "[1]"}),
        (b"[1]", "", [1]),
        (b" {}", "text/plain", {}),
        (b"hello", "", {"text": "hello"}),
        (b"{broken", "application/json", {"text": "{broken"}),
        ("grün".encode("latin-1"), "text/plain; charset=ISO-8859-1", {"text": "grün"}),
        ("grün".encode(), "text/plain; charset=made-up", {"text": "grün"}),
        (b"abc", "text/plain; charset=rot13", {"text": "abc"}),
        (b"+", "text/plain; charset=idna", {"text": "+"}),
        (b"\x89PNG", "image/png", {"content_type": "image/png", "size": 4}),
        (b"ab\x00cd", "", {"content_type": "", "size": 5}),
        (b"%PDF", "application/pdf; x=y", {"content_type": "application/pdf", "size": 4}),
    ],
)
def test_read_result_of_other_things(body: bytes, kind: str, result: Any) -> None:
    assert read(body, kind) == result


def test_read_result_of_204_is_empty() -> None:
    assert read(b"ignored", status=204) == {}


def test_read_result_of_unknown_encoding_is_binary() -> None:
    assert read(b"xyz", **{"content-encoding": "br"}) == {"content_type": "application/json", "size": 3}
    assert read(b"{}", **{"content-encoding": "gzip"}) == {}


def test_read_result_of_a_cut_body_is_its_text() -> None:
    response = HttpResponse(200, {"content-type": "application/json"}, b'{"a": [1, 2', truncated=True)

    assert read_result(response, ()) == ({"text": '{"a": [1, 2'}, True)


@given(st.binary(max_size=300), st.sampled_from(["application/json", "text/plain", "", "text/html; charset=utf-16"]))
def test_read_result_is_always_storable(body: bytes, kind: str) -> None:
    assert is_storable(read(body, kind))


@given(
    st.recursive(
        st.none() | st.booleans() | st.floats() | st.text(),
        lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    )
)
def test_read_result_survives_any_json(value: Any) -> None:
    assert is_storable(read(json.dumps(value).encode()))


@pytest.mark.parametrize(
    ("pointer", "found"),
    [
        ("a.b.1", "y"),
        ("a", {"b": ["x", "y"]}),
        ("a.b.2", None),
        ("a.b.x", None),
        ("a.b.-1", None),
        ("a.b.0.c", None),
        ("z", None),
    ],
)
def test_pick(pointer: str, found: Any) -> None:
    assert pick({"a": {"b": ["x", "y"]}}, pointer) == found


def test_cap_leaves_small_results_alone() -> None:
    assert cap({"a": "x" * 50}, 100) == ({"a": "x" * 50}, False)


def test_cap_replaces_large_results_by_a_preview() -> None:
    result, truncated = cap({"a": "ü" * 100}, 100)

    assert truncated
    assert result["size"] == 208
    assert result["preview"].startswith('{"a":"ü')
    assert len(result["preview"].encode()) <= 50
