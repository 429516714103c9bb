from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from integrations.engine.errors import InputError
from integrations.engine.inputs import MAX_BYTES, MAX_DEPTH, check_arguments
from integrations.engine.types import ToolSpec
from tests.integrations.engine.specs import make_spec

SECRET = "hunter2-secret"


def spec_for(properties: Mapping[str, Any], **changes: Any) -> ToolSpec:
    required = changes.pop("required", [])
    return make_spec(parameters={"properties": dict(properties), "required": required}, **changes)


def problems_of(spec: ToolSpec, arguments: Any) -> list[tuple[str, str]]:
    with pytest.raises(InputError) as caught:
        check_arguments(spec, arguments)
    return caught.value.problems


def test_check_arguments_fills_in_defaults() -> None:
    spec = spec_for({"page": {"type": "integer", "default": 1}, "q": {"type": "string"}})

    assert check_arguments(spec, {"q": "x"}) == {"page": 1, "q": "x"}
    assert check_arguments(spec, {"page": 2}) == {"page": 2}


def test_check_arguments_resolves_aliases() -> None:
    spec = spec_for({"username": {"type": "string"}}, argument_aliases={"userId": "username"})

    assert check_arguments(spec, {"userId": "pg"}) == {"username": "pg"}


def test_check_arguments_refuses_an_argument_under_two_names() -> None:
    spec = spec_for({"username": {}}, argument_aliases={"userId": "username"})

    assert problems_of(spec, {"userId": "a", "username": "b"})[0][0] == "username"


def test_check_arguments_names_what_is_missing() -> None:
    spec = spec_for({"owner": {}, "repo": {}}, required=["owner", "repo"])

    assert problems_of(spec, {"owner": "a"}) == [("repo", "“repo” is required. Add it.")]
    assert [field for field, _ in problems_of(spec, {})] == ["owner", "repo"]  # each once


def test_check_arguments_refuses_unknown_ones_with_a_hint() -> None:
    spec = spec_for({"title": {}})

    assert problems_of(spec, {"titel": SECRET, "zzz": 1, "a\nb": 1}) == [
        ("titel", "“titel” is not an argument of this tool. Did you mean “title”?"),
        ("zzz", "“zzz” is not an argument of this tool. Remove it."),
        ("a\nb", "An argument with an unprintable name is not an argument of this tool. Remove it."),
    ]


def test_check_arguments_says_unknown_once_when_the_schema_forbids_it_too() -> None:
    spec = make_spec(parameters={"type": "object", "properties": {"a": {}}, "additionalProperties": False})

    assert len(problems_of(spec, {"b": 1})) == 1


@pytest.mark.parametrize(
    ("schema", "value", "text"),
    [
        ({"type": "integer"}, SECRET, "must be of type integer"),
        ({"type": ["integer", "null"]}, SECRET, "must be of type integer or null"),
        ({"enum": ["open", "closed"]}, SECRET, "must be one of: open, closed"),
        ({"type": "string", "maxLength": 3}, SECRET, "must have at most 3 characters"),
        ({"type": "string", "minLength": 30}, SECRET, "must have at least 30 characters"),
        ({"type": "integer", "maximum": 100}, 4242424242, "must be 100 or less"),
        ({"type": "string", "pattern": "^[0-9]+$"}, SECRET, "must match the pattern ^[0-9]+$"),
        ({"type": "string", "pattern": "^[a-z]*$"}, SECRET * 400, "must match the pattern ^[a-z]*$"),
        ({"type": "array", "maxItems": 1}, [SECRET, SECRET], "must have at most 1 items"),
        ({"anyOf": [{"type": "integer"}, {"type": "null"}]}, SECRET, "has none of the allowed forms"),
        ({"not": {"type": "string"}}, SECRET, "does not fit this tool's schema"),
    ],
)
def test_check_arguments_says_the_fix_and_never_the_value(schema: dict[str, Any], value: Any, text: str) -> None:
    [(field, message)] = problems_of(spec_for({"field": schema}), {"field": value})

    assert (field, message) == ("field", f"“field” {text}.")
    assert str(value)[:10] not in message


def test_check_arguments_accepts_what_a_pattern_allows() -> None:
    spec = spec_for({"n": {"type": "string", "pattern": "^[0-9]+$"}, "m": {"pattern": "x"}})

    assert check_arguments(spec, {"n": "42", "m": 7}) == {"n": "42", "m": 7}


def test_check_arguments_names_nested_fields() -> None:
    inner = {
        "type": "object",
        "required": ["b"],
        "additionalProperties": False,
        "properties": {"b": {"type": "string"}},
    }
    spec = spec_for({"a": {"type": "array", "items": inner}})

    assert problems_of(spec, {"a": [{}]})[0][0] == "a.0.b"
    assert problems_of(spec, {"a": [{"b": 1}]})[0][0] == "a.0.b"
    assert problems_of(spec, {"a": [{"b": "", "c": 1}]})[0][0] == "a.0"


def test_check_arguments_judges_the_whole_object_too() -> None:
    spec = make_spec(parameters={"properties": {"a": {}, "b": {}}, "minProperties": 1})

    assert problems_of(spec, {}) == [("", "The arguments must have at least 1 entries.")]


def test_input_error_counts_the_other_problems() -> None:
    spec = spec_for({"a": {"type": "string"}, "b": {"type": "string"}})

    with pytest.raises(InputError) as caught:
        check_arguments(spec, {"a": 1, "b": 2})

    assert caught.value.code == "invalid_arguments"
    assert caught.value.message == "“a” must be of type string. (1 more)"


def nested(depth: int) -> Any:
    value: Any = 1
    for _ in range(depth):
        value = [value]
    return value


@pytest.mark.parametrize("bad", [None, "text", [1], 5])
def test_check_arguments_wants_an_object(bad: Any) -> None:
    assert problems_of(spec_for({}), bad) == [("", "The arguments must be a JSON object.")]


@pytest.mark.parametrize(
    "value", [float("nan"), float("inf"), "\ud800", nested(MAX_DEPTH), nested(100_000), "x" * MAX_BYTES, {1, 2}, b"x"]
)
def test_check_arguments_refuses_what_is_no_plain_small_json(value: Any) -> None:
    assert problems_of(spec_for({"a": {}}), {"a": value})[0][0] == ""


@pytest.mark.parametrize("value", [nested(MAX_DEPTH - 2), "x" * (MAX_BYTES - 100), "\U0001f600", None, (1, 2)])
def test_check_arguments_takes_what_is_within_the_limits(value: Any) -> None:
    assert check_arguments(spec_for({"a": {}}), {"a": value}) == {"a": value}
