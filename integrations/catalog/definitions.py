"""What a toolkit's files say, once they are known to be right: plain, frozen values."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from integrations.engine.types import Effect


@dataclass(frozen=True)
class Problem:
    """One fault in a toolkit's files, with all that is needed to find it."""

    file: str
    field: str
    message: str
    tool: str = ""

    def __str__(self) -> str:
        place = [self.file, f"tool {self.tool}" if self.tool else "", self.field]
        return ": ".join([part for part in place if part] + [self.message])


class CatalogError(Exception):
    """The toolkits' files cannot be used. Lists every fault, not only the first."""

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems = tuple(problems)
        super().__init__("\n".join(str(problem) for problem in self.problems))


@dataclass(frozen=True)
class ToolDefinition:
    """One tool. `definition` holds all of it with every default filled in: enough for `tool_spec`."""

    slug: str
    name: str
    description: str
    effect: Effect
    aliases: tuple[str, ...]
    input_schema: Mapping[str, Any]
    scopes: tuple[tuple[str, ...], ...]
    important: bool
    definition: Mapping[str, Any] = field(repr=False)


@dataclass(frozen=True)
class ToolkitDefinition:
    """One toolkit. `definition` holds all of its file but the tools, with every default filled in."""

    slug: str
    name: str
    description: str
    website: str
    categories: tuple[str, ...]
    version: str
    sandbox: bool
    logo: str = field(repr=False)
    tools: tuple[ToolDefinition, ...] = field(repr=False)
    definition: Mapping[str, Any] = field(repr=False)


TOOLKIT_DEFAULTS: Mapping[str, Any] = {
    "website": "",
    "changes": "",
    "sandbox": False,
    "headers": {},
    "connection_variables": [],
    "identity": {},
    "scopes": {},
    "errors": {},
}
TOOL_DEFAULTS: Mapping[str, Any] = {
    "aliases": [],
    "in": {},
    "fixed": {},
    "argument_aliases": {},
    "response": {},
    "hook": "",
    "important": False,
    "shown": [],
}
METHODS_WITHOUT_BODY = frozenset({"GET", "HEAD", "DELETE"})


def toolkit_from(document: Mapping[str, Any], logo: str) -> ToolkitDefinition:
    """Build the definition of a file that passed every check."""
    own = {name: value for name, value in document.items() if name != "tools"}
    definition = {**TOOLKIT_DEFAULTS, **own}
    return ToolkitDefinition(
        slug=definition["slug"],
        name=definition["name"],
        description=definition["description"],
        website=definition["website"],
        categories=tuple(definition["categories"]),
        version=definition["version"],
        sandbox=definition["sandbox"],
        logo=logo,
        tools=tuple(_tool_from(tool) for tool in document["tools"]),
        definition=definition,
    )


def _tool_from(tool: Mapping[str, Any]) -> ToolDefinition:
    definition = {
        **TOOL_DEFAULTS,
        "idempotent": tool["effect"] == Effect.READ,
        "body": "none" if tool["method"] in METHODS_WITHOUT_BODY else "json",
        **tool,
        "parameters": _closed_schema(tool["parameters"]),
        "argument_order": _argument_order(tool["parameters"]),
    }
    return ToolDefinition(
        slug=tool["slug"],
        name=tool["name"],
        description=tool["description"],
        effect=Effect(tool["effect"]),
        aliases=tuple(definition["aliases"]),
        input_schema=definition["parameters"],
        scopes=tuple(tuple(alternative) for alternative in tool["scopes"]),
        important=definition["important"],
        definition=definition,
    )


def _closed_schema(parameters: Mapping[str, Any]) -> dict[str, Any]:
    return {"required": [], **parameters, "type": "object", "additionalProperties": False}


def _argument_order(parameters: Mapping[str, Any]) -> list[str]:
    """Required arguments first, then as written. Kept apart because PostgreSQL's jsonb forgets the order of keys."""
    required = list(parameters.get("required", []))
    return required + [name for name in parameters["properties"] if name not in required]
