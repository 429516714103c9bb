"""Checks a toolkit's files: first their shape by the meta-schema, then the rules that a schema cannot say."""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

from jsonschema import Draft202012Validator, FormatChecker
from jsonschema.exceptions import ValidationError

from integrations.catalog.definitions import Problem
from integrations.catalog.tool_rules import check_tool
from integrations.catalog.toolkit_rules import check_toolkit

SCHEMA_FILE = Path(__file__).resolve().parent.parent / "toolkits" / "toolkit.schema.json"
LOGO_MAX_CHARACTERS = 16_384
LOGO_ELEMENTS = frozenset({"svg", "title", "g", "path", "circle", "ellipse", "rect", "line", "polyline", "polygon"})
LOGO_ATTRIBUTES = frozenset(
    {"xmlns", "viewBox", "width", "height", "role", "aria-hidden", "transform", "opacity"}
    | {"fill", "fill-rule", "fill-opacity", "clip-rule"}
    | {"stroke", "stroke-width", "stroke-linecap", "stroke-linejoin"}
    | {"d", "cx", "cy", "r", "rx", "ry", "x", "y", "x1", "y1", "x2", "y2", "points"}
)


def check_document(document: Mapping[str, Any], *, file: str, folder: str, hooks: Collection[str]) -> list[Problem]:
    """All faults of one toolkit.yaml. The rules are only asked of a document that has the right shape."""
    problems = list(_check_shape(document, file))
    if problems:
        return problems
    found = [*check_toolkit(document, folder)]
    problems += [Problem(file, field, message) for field, message in found]
    for tool in document["tools"]:
        found = [*check_tool(document, tool, hooks)]
        problems += [Problem(file, field, message, tool["slug"]) for field, message in found]
    return problems


def check_uniqueness(documents: Sequence[tuple[str, Mapping[str, Any]]]) -> Iterator[Problem]:
    """Slugs and aliases are one name space over all toolkits: a look-up must have one answer."""
    toolkits: dict[str, str] = {}
    tools: dict[str, str] = {}
    for file, document in documents:
        slug = document["slug"]
        if slug in toolkits:
            yield Problem(file, "slug", f"{slug} is already taken by {toolkits[slug]}")
        toolkits[slug] = file
        for field, name, tool in _tool_names(document):
            if name in tools:
                yield Problem(file, field, f"{name} is already taken by tool {tools[name]}", tool)
            tools[name] = tool


def check_logo(logo: str, *, file: str) -> Iterator[Problem]:
    """A logo stands inside our pages, so it may hold nothing but shapes: no script, style, link or entity."""
    if not logo:
        return
    if len(logo) > LOGO_MAX_CHARACTERS:
        yield Problem(file, "", f"is longer than {LOGO_MAX_CHARACTERS} characters")
    if not re.match(r"<svg\s[^>]*\bviewBox=", logo):
        yield Problem(file, "svg", "must begin with <svg … viewBox=…>")
    for element in sorted(set(re.findall(r"<\s*/?\s*([^\s/>]+)", logo)) - LOGO_ELEMENTS):
        yield Problem(file, element, "this element is not allowed in a logo")
    for attribute in sorted(set(re.findall(r"([^\s=\"'<>]+)\s*=", logo)) - LOGO_ATTRIBUTES):
        yield Problem(file, attribute, "this attribute is not allowed in a logo")
    if re.search(r"url\s*\(|&", logo):
        yield Problem(file, "", "must not refer to anything outside itself")


def _tool_names(document: Mapping[str, Any]) -> Iterable[tuple[str, str, str]]:
    for tool in document["tools"]:
        yield "slug", tool["slug"], tool["slug"]
        for alias in tool.get("aliases", []):
            yield "aliases", alias, tool["slug"]


def _check_shape(document: Mapping[str, Any], file: str) -> Iterator[Problem]:
    for error in sorted(_validator().iter_errors(document), key=lambda error: list(map(str, error.absolute_path))):
        path = [str(step) for step in error.absolute_path]
        field, message = _explain(error)
        tool, path = _tool_of(document, path)
        yield Problem(file, ".".join([*path, field] if field else path), message, tool)


@cache
def _validator() -> Draft202012Validator:
    schema = json.loads(SCHEMA_FILE.read_text(encoding="utf-8"))
    return Draft202012Validator(schema, format_checker=FormatChecker(["regex"]))


def _tool_of(document: Mapping[str, Any], path: list[str]) -> tuple[str, list[str]]:
    """Name the tool by its slug: nobody counts list entries."""
    if len(path) < 2 or path[0] != "tools":  # noqa: PLR2004  # ["tools", index, …]
        return "", path
    tool = document["tools"][int(path[1])]
    slug = tool.get("slug") if isinstance(tool, dict) else None
    return (slug, path[2:]) if isinstance(slug, str) else (f"number {int(path[1]) + 1}", path[2:])


def _explain(error: ValidationError) -> tuple[str, str]:
    """The field below the error's own path, and what is wrong with it, for the faults people really make."""
    name = re.match(r"'([^']+)'", error.message)
    if error.validator == "required" and name:
        return name.group(1), "is missing"
    if error.validator == "additionalProperties":
        known = set(error.schema["properties"]) if isinstance(error.schema, dict) else set()
        instance = error.instance if isinstance(error.instance, dict) else {}
        return ", ".join(sorted(set(instance) - known)), f"is not known here; known are: {', '.join(sorted(known))}"
    if error.validator == "pattern":
        return "", f"{error.instance!r} does not have the form {error.validator_value}"
    return "", error.message
