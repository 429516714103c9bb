"""Rules for one tool. Each yields (field, message) for every fault it finds."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator, Mapping
from typing import Any

from jsonschema import Draft202012Validator

from integrations.catalog.definitions import METHODS_WITHOUT_BODY
from integrations.catalog.toolkit_rules import PLACEHOLDER, Fault, check_header_names
from integrations.engine.errors import ToolError
from integrations.engine.schemas import check_schema_is_safe
from integrations.engine.types import Effect

READING_METHODS = frozenset({"GET", "HEAD"})


def check_tool(toolkit: Mapping[str, Any], tool: Mapping[str, Any], hooks: Collection[str]) -> Iterator[Fault]:
    prefix = f"{toolkit['slug'].upper()}_"
    if not tool["slug"].startswith(prefix):
        yield "slug", f"must begin with {prefix}"
    if tool.get("hook") and tool["hook"] not in hooks:
        yield "hook", f"{tool['hook']} is not known; known are: {', '.join(sorted(hooks))}"
    yield from _check_parameters(tool)
    yield from _check_path(tool)
    yield from _check_names(tool)
    yield from _check_wire_names(tool)
    yield from _check_effect(tool)
    yield from _check_scopes(toolkit, tool)


def path_arguments(path: str) -> dict[str, bool]:
    """Argument names of a path template, and whether each may hold slashes ({+name}, RFC 6570 section 3.2.3)."""
    return {name.removeprefix("+"): name.startswith("+") for name in PLACEHOLDER.findall(path)}


def default_place(method: str) -> str:
    return "query" if method in METHODS_WITHOUT_BODY else "body"


def _check_parameters(tool: Mapping[str, Any]) -> Iterator[Fault]:
    properties = tool["parameters"]["properties"]
    for name in tool["parameters"].get("required", []):
        if name not in properties:
            yield "parameters.required", f"{name} is not one of parameters.properties"
    for name, schema in properties.items():
        field = f"parameters.properties.{name}"
        try:
            check_schema_is_safe({"type": "object", "properties": {name: schema}})
        except ToolError as error:
            yield field, error.message
        else:
            yield from _check_samples(field, schema)


def _check_samples(field: str, schema: Mapping[str, Any]) -> Iterator[Fault]:
    """A default or an example that the argument itself would refuse."""
    validator = Draft202012Validator(dict(schema))
    samples = [("default", schema["default"])] if "default" in schema else []
    samples += [("examples", example) for example in schema.get("examples", [])]
    for kind, sample in samples:
        for error in validator.iter_errors(sample):
            yield f"{field}.{kind}", error.message


def _check_path(tool: Mapping[str, Any]) -> Iterator[Fault]:
    required = tool["parameters"].get("required", [])
    for name in path_arguments(tool["path"]):
        if name not in required:
            yield "path", f"{{{name}}} must be a required parameter"
        if name in tool.get("in", {}):
            yield "in", f"{name} already stands in the path"


def _check_names(tool: Mapping[str, Any]) -> Iterator[Fault]:
    properties = tool["parameters"]["properties"]
    for name in tool.get("in", {}):
        if name not in properties:
            yield "in", f"{name} is not a parameter"
    for name in tool.get("shown", []):
        if name not in properties:
            yield "shown", f"{name} is not a parameter"
    for alias, name in tool.get("argument_aliases", {}).items():
        if name not in properties:
            yield "argument_aliases", f"{alias} stands for {name}, which is not a parameter"
        if alias in properties:
            yield "argument_aliases", f"{alias} is itself a parameter"


def _check_wire_names(tool: Mapping[str, Any]) -> Iterator[Fault]:
    """Two values for one place would let an argument override another, or a constant of ours."""
    taken = Counter(_wire_names(tool))
    for (where, name), count in taken.items():
        if count > 1:
            yield "in", f"{where} {name} is filled {count} times"
        if where == "header":
            yield from check_header_names("in", [name])
        if where == "body" and _body_kind(tool) == "none":
            yield "body", f"{name} would travel in the body, but there is none"


def _wire_names(tool: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    in_path = path_arguments(tool["path"])
    for name in tool["parameters"]["properties"]:
        place = tool.get("in", {}).get(name, {})
        if name not in in_path:
            yield place.get("where", default_place(tool["method"])), place.get("name", name)
    for where, constants in tool.get("fixed", {}).items():
        for name in constants:
            yield where, name


def _body_kind(tool: Mapping[str, Any]) -> str:
    kind: str = tool.get("body", "none" if tool["method"] in METHODS_WITHOUT_BODY else "json")
    return kind


def _check_effect(tool: Mapping[str, Any]) -> Iterator[Fault]:
    """A read may be repeated by the worker, so the word must not be given lightly; the opposite is only unusual."""
    if tool["method"] in READING_METHODS and tool["effect"] != Effect.READ:
        yield "effect", f"{tool['method']} only reads (RFC 9110 section 9.2.1)"
    if tool["method"] in {"DELETE", "PUT", "PATCH"} and tool["effect"] == Effect.READ:
        yield "effect", f"{tool['method']} does not only read"


def _check_scopes(toolkit: Mapping[str, Any], tool: Mapping[str, Any]) -> Iterator[Fault]:
    words = toolkit.get("scopes", {})
    for scope in sorted({scope for alternative in tool["scopes"] for scope in alternative} - set(words)):
        yield "scopes", f"{scope} has no words in the toolkit's scopes"
