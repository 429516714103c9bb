"""Is a tool's schema safe to check untrusted arguments with? Asked once, when the catalogue is loaded."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from jsonschema import Draft202012Validator, SchemaError

from integrations.engine.errors import ToolError

MAX_DEPTH = 32
MAX_NODES = 5_000
MAX_ENUM = 1_000
MAX_PATTERN = 256
MAX_COST = 10_000  # subschemas one value may be checked against, references followed
REFUSED_KEYWORDS = {"$dynamicRef", "$dynamicAnchor", "$anchor", "$id", "patternProperties", "unevaluatedProperties"}
LOCAL_REF = re.compile(r"#/\$defs/[A-Za-z0-9_.-]+")


def check_schema_is_safe(schema: Mapping[str, Any]) -> None:
    """Raises ToolError("unsafe_schema") for what could hang or mislead the check of arguments."""
    if schema.get("type", "object") != "object":
        raise _unsafe("The schema of a tool's arguments must be an object.")
    for nodes, (key, value, depth) in enumerate(_walk(schema)):
        if depth > MAX_DEPTH or nodes > MAX_NODES:
            raise _unsafe("The schema is too deep or too large.")
        _check_keyword(key, value)
    _check_draft(schema)
    _Costs(schema.get("$defs", {})).check(schema)


def _walk(schema: Any) -> Iterator[tuple[str, Any, int]]:
    """Every key and value below a schema, breadth first and lazily, so a caller can stop."""
    level: list[Any] = [schema]
    depth = 0
    while level:
        depth += 1
        pairs = [pair for item in level for pair in _pairs(item)]
        yield from ((key, value, depth) for key, value in pairs)
        level = [value for _, value in pairs]


def _pairs(item: Any) -> list[tuple[str, Any]]:
    if isinstance(item, Mapping):
        return [(str(key), value) for key, value in item.items()]
    if isinstance(item, list):
        return [("", value) for value in item]
    return []


def _check_keyword(key: str, value: Any) -> None:
    if key in REFUSED_KEYWORDS:
        raise _unsafe(f"The schema uses {key}, which is not supported.")
    if key == "$ref" and not (isinstance(value, str) and LOCAL_REF.fullmatch(value)):
        raise _unsafe("The schema refers to something outside its own $defs.")
    if key == "enum" and isinstance(value, list) and len(value) > MAX_ENUM:
        raise _unsafe("The schema has a list of choices that is too long.")
    if key == "pattern" and isinstance(value, str):
        _check_pattern(value)


def _check_draft(schema: Mapping[str, Any]) -> None:
    try:
        Draft202012Validator.check_schema(dict(schema))
    except SchemaError as error:
        raise _unsafe(f"The schema is not valid: {error.message[:200]}") from None


PIECE = re.compile(r"\\.|\[\^?\]?(?:\\.|[^\]\\])*\]|[()|]|[*+]|\{\d*,\d*\}|.", re.DOTALL)
UNBOUNDED = re.compile(r"[*+]|\{\d*,\}")
MAX_UNBOUNDED = 2


def _check_pattern(pattern: str) -> None:
    """Refuse what can make `re` run for ages: repetition of something that itself repeats or branches."""
    if len(pattern) > MAX_PATTERN or re.search(r"\\[1-9]|\(\?P=", pattern):
        raise _unsafe("The schema has a pattern that is too long or refers back to itself.")
    pieces = PIECE.findall(pattern)
    if sum(1 for piece in pieces if UNBOUNDED.fullmatch(piece)) > MAX_UNBOUNDED or _repeats_a_choice(pieces):
        raise _unsafe("The schema has a pattern that could take very long to match.")


def _repeats_a_choice(pieces: list[str]) -> bool:
    risky = [False]  # per open group: does it hold a repetition or a branch?
    closed = False  # was the previous piece the end of a risky group?
    for piece in pieces:
        repeats = piece in "*+" or (piece.startswith("{") and len(piece) > 1)
        if repeats and closed:
            return True
        closed = False
        if piece == "(":
            risky.append(False)
        elif piece == ")" and len(risky) > 1:
            closed = risky.pop()
            risky[-1] = risky[-1] or closed
        elif repeats or piece == "|":
            risky[-1] = True
    return False


class _Costs:
    """How many subschemas one and the same value is checked against: references can multiply it."""

    def __init__(self, definitions: Mapping[str, Any]) -> None:
        self._definitions = definitions
        self._known: dict[str, int] = {}
        self._open: set[str] = set()

    def check(self, schema: Any) -> None:
        if isinstance(schema, Mapping):
            self._of(schema)
            for part in [*_in_place(schema), *_below(schema)]:
                self.check(part)

    def _of_definition(self, name: str) -> int:
        if name in self._open:
            raise _unsafe("The schema refers to itself without end.")
        if name not in self._definitions:
            raise _unsafe("The schema refers to a definition that does not exist.")
        if name not in self._known:
            self._open.add(name)
            self._known[name] = self._of(self._definitions[name])
            self._open.discard(name)
        return self._known[name]

    def _of(self, schema: Any) -> int:
        if not isinstance(schema, Mapping):
            return 1
        cost = 1 + sum(self._of(part) for part in _in_place(schema))
        if "$ref" in schema:
            cost += self._of_definition(schema["$ref"].rpartition("/")[2])
        if cost > MAX_COST:
            raise _unsafe("The schema's references multiply too far.")
        return cost


def _in_place(schema: Mapping[str, Any]) -> list[Any]:
    several = [part for key in ("allOf", "anyOf", "oneOf") for part in schema.get(key, [])]
    return several + [schema[key] for key in ("not", "if", "then", "else") if key in schema]


def _below(schema: Mapping[str, Any]) -> list[Any]:
    named = [part for key in ("properties", "$defs", "dependentSchemas") for part in schema.get(key, {}).values()]
    single = [schema[key] for key in ("items", "contains", "additionalProperties", "propertyNames") if key in schema]
    return named + single + list(schema.get("prefixItems", []))


def _unsafe(message: str) -> ToolError:
    return ToolError("unsafe_schema", message)
