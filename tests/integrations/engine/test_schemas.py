from __future__ import annotations

from typing import Any

import pytest

from integrations.engine.errors import ToolError
from integrations.engine.schemas import check_schema_is_safe


def nested(depth: int) -> dict[str, Any]:
    schema: dict[str, Any] = {"type": "string"}
    for _ in range(depth):
        schema = {"type": "object", "properties": {"a": schema}}
    return schema


def with_property(schema: Any, **definitions: Any) -> dict[str, Any]:
    return {"type": "object", "properties": {"a": schema}, "$defs": definitions}


def doubling(levels: int) -> dict[str, Any]:
    steps = {f"d{n}": {"allOf": [{"$ref": f"#/$defs/d{n + 1}"}] * 2} for n in range(levels)}
    return with_property({"$ref": "#/$defs/d0"}, **steps, **{f"d{levels}": {"type": "string"}})


UNSAFE = {
    "not an object": {"type": "array"},
    "too deep": nested(40),
    "too large": {"properties": {f"p{n}": {} for n in range(6000)}},
    "invalid": with_property({"type": "strange"}),
    "remote reference": with_property({"$ref": "https://example.com/schema.json"}),
    "file reference": with_property({"$ref": "file:///etc/passwd"}),
    "reference that is no text": with_property({"$ref": 5}),
    "missing definition": with_property({"$ref": "#/$defs/none"}),
    "endless reference": with_property({"$ref": "#/$defs/x"}, x={"$ref": "#/$defs/x"}),
    "endless pair": with_property({}, x={"anyOf": [{"$ref": "#/$defs/y"}]}, y={"not": {"$ref": "#/$defs/x"}}),
    "doubling references": doubling(20),
    "huge enum": with_property({"enum": list(range(2000))}),
    "dynamic reference": with_property({"$dynamicRef": "#x"}),
    "pattern properties": with_property({"patternProperties": {".*": {}}}),
    "nested repetition": with_property({"pattern": "^(a+)+$"}),
    "nested group": with_property({"pattern": "^((a|b)c)*$"}),
    "repeated choice": with_property({"pattern": "^(a|aa)*$"}),
    "counted repetition": with_property({"pattern": "^(a{1,5}){2,9}$"}),
    "back reference": with_property({"pattern": r"^(a)\1$"}),
    "many stars": with_property({"pattern": ".*.*.*x"}),
    "long pattern": with_property({"pattern": "a" * 300}),
}  # fmt: skip


@pytest.mark.parametrize("schema", UNSAFE.values(), ids=UNSAFE.keys())
def test_unsafe_schemas_are_refused(schema: dict[str, Any]) -> None:
    with pytest.raises(ToolError) as caught:
        check_schema_is_safe(schema)

    assert caught.value.code == "unsafe_schema"


@pytest.mark.parametrize(
    "schema",
    [
        {"type": "object", "properties": {}},
        {"properties": {"a": {"type": "string", "enum": ["x", "y"], "default": "x"}}},
        nested(10),
        with_property({"$ref": "#/$defs/x"}, x={"type": "array", "items": {"$ref": "#/$defs/x"}}),
        with_property({"allOf": [{"$ref": "#/$defs/x"}, {"$ref": "#/$defs/x"}]}, x={"type": "string"}),
        with_property(True, x=True, y={"anyOf": [True, {"type": "string"}]}),
        with_property({"$ref": "#/$defs/x"}, x=True),
        with_property({"pattern": r"^[0-9]{4}-[0-9]{2}$"}),
        with_property({"pattern": r"^(story|author_[A-Za-z0-9_-]+|a{2})(x)?\)\(y$"}),
        with_property({"pattern": r"\S+)"[:-1]}),
        with_property({"if": {"type": "string"}, "then": {"maxLength": 3}, "else": {"type": "integer"}}),
    ],
)
def test_ordinary_schemas_are_accepted(schema: dict[str, Any]) -> None:
    check_schema_is_safe(schema)
