"""Check a tool's arguments before anything else happens, and say what to fix without repeating a value."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from difflib import get_close_matches
from typing import Any

from jsonschema import Draft202012Validator, ValidationError
from jsonschema.validators import extend

from integrations.engine.errors import InputError
from integrations.engine.types import ToolSpec

MAX_BYTES = 256 * 1024
MAX_DEPTH = 32
MAX_PROBLEMS = 20
MAX_PATTERN_INPUT = 4096  # a pattern is never run over more text than this

Problem = tuple[str, str]


def check_arguments(spec: ToolSpec, arguments: Mapping[str, Any]) -> dict[str, Any]:
    """The arguments under their own names, defaults filled in. Raises InputError with every problem."""
    _check_size(arguments)
    named = _resolve_aliases(spec, arguments)
    properties = spec.parameters.get("properties", {})
    defaults = {name: schema["default"] for name, schema in properties.items() if "default" in schema}
    complete = {**defaults, **named}
    found = [*_unknown(properties, complete), *_schema_problems(spec.parameters, complete)]
    problems = list(dict.fromkeys(found))  # jsonschema reports "required" once per missing name, each time with all
    if problems:
        raise InputError(problems[:MAX_PROBLEMS])
    return complete


def _check_size(arguments: Mapping[str, Any]) -> None:
    if not isinstance(arguments, Mapping):
        raise InputError([("", "The arguments must be a JSON object.")])
    if not _is_shallow(arguments):
        raise InputError([("", f"The arguments are nested deeper than {MAX_DEPTH} levels. Flatten them.")])
    try:
        size = len(json.dumps(arguments, ensure_ascii=False, allow_nan=False).encode())
    except (TypeError, ValueError):  # also UnicodeEncodeError, which is a lone surrogate
        raise InputError([("", "The arguments must be plain JSON: no NaN, infinity or broken Unicode.")]) from None
    if size > MAX_BYTES:
        raise InputError([("", f"The arguments are larger than {MAX_BYTES // 1024} KB. Send less.")])


def _is_shallow(value: Any) -> bool:
    """Level by level, not by recursion: the depth is what we do not trust."""
    level: list[Any] = [value]
    for _ in range(MAX_DEPTH + 1):
        level = [child for item in level for child in _children(item)]
        if not level:
            return True
    return False


def _children(value: Any) -> Iterator[Any]:
    if isinstance(value, Mapping):
        yield from value.values()
    elif isinstance(value, list | tuple):
        yield from value


def _resolve_aliases(spec: ToolSpec, arguments: Mapping[str, Any]) -> dict[str, Any]:
    named: dict[str, Any] = {}
    for given, value in arguments.items():
        name = spec.argument_aliases.get(given, given)
        if name in named:
            raise InputError([(name, f"{_shown(name)} was given twice, also as its other name. Give it once.")])
        named[name] = value
    return named


def _unknown(properties: Mapping[str, Any], arguments: Mapping[str, Any]) -> list[Problem]:
    return [(name[:64], _unknown_text(name, properties)) for name in arguments if name not in properties]


def _unknown_text(name: str, properties: Mapping[str, Any]) -> str:
    close = get_close_matches(name[:64], list(properties), n=1)
    hint = f"Did you mean {_shown(close[0])}?" if close else "Remove it."
    return f"{_shown(name)} is not an argument of this tool. {hint}"


def _shown(name: str) -> str:
    return f"“{name[:64]}”" if name.isprintable() else "An argument with an unprintable name"


def _schema_problems(schema: Mapping[str, Any], arguments: Mapping[str, Any]) -> list[Problem]:
    errors = BoundedValidator(dict(schema)).iter_errors(arguments)
    return [problem for error in errors for problem in _as_problems(error)]


def _as_problems(error: ValidationError) -> Iterator[Problem]:
    path = ".".join(str(part) for part in error.absolute_path)
    if error.validator == "additionalProperties" and not path:
        return  # _unknown says it better
    if error.validator == "required":
        yield from _missing(error, path)
        return
    yield path[:200], f"{_shown(path) if path else 'The arguments'} {_demand(error)}."


def _missing(error: ValidationError, path: str) -> Iterator[Problem]:
    wanted: Any = error.validator_value
    given: Any = error.instance
    for name in wanted:
        if name not in given:
            field = f"{path}.{name}" if path else str(name)
            yield field, f"{_shown(field)} is required. Add it."


DEMANDS = {
    "minLength": "must have at least {} characters",
    "maxLength": "must have at most {} characters",
    "minimum": "must be {} or more",
    "maximum": "must be {} or less",
    "exclusiveMinimum": "must be more than {}",
    "exclusiveMaximum": "must be less than {}",
    "multipleOf": "must be a multiple of {}",
    "minItems": "must have at least {} items",
    "maxItems": "must have at most {} items",
    "minProperties": "must have at least {} entries",
    "maxProperties": "must have at most {} entries",
    "uniqueItems": "must not hold an item twice",
    "const": "must be {}",
    "additionalProperties": "holds an entry that is not allowed there",
    "anyOf": "has none of the allowed forms",
    "oneOf": "must have exactly one of the allowed forms",
}


def _demand(error: ValidationError) -> str:
    """What the schema asks for. jsonschema's own messages repeat the value, so they are not used."""
    asked: Any = error.validator_value
    if error.validator == "type":
        return f"must be of type {' or '.join(asked) if isinstance(asked, list) else asked}"
    if error.validator == "enum":
        return f"must be one of: {', '.join(str(choice) for choice in asked[:20])}"
    if error.validator == "pattern":
        return f"must match the pattern {asked}"
    return DEMANDS.get(str(error.validator), "does not fit this tool's schema").format(asked)


def _bounded_pattern(
    validator: Any, pattern: str, instance: Any, schema: Mapping[str, Any]
) -> Iterator[ValidationError]:
    if isinstance(instance, str) and len(instance) > MAX_PATTERN_INPUT:
        yield ValidationError("too long for its pattern")
        return
    yield from Draft202012Validator.VALIDATORS["pattern"](validator, pattern, instance, schema) or ()


BoundedValidator = extend(  # type: ignore[no-untyped-call]  # types-jsonschema leaves it untyped
    Draft202012Validator, {"pattern": _bounded_pattern}
)
