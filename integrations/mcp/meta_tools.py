"""Tools about tools: search, run by name, look at connections, ask why. The same for every place."""

from collections.abc import Callable, Mapping
from typing import Any, Final

from mcp_types import CallToolResult, Tool, ToolAnnotations

from accounts.ids import from_text
from integrations.mcp.answers import answer, explanation, run_answer, ways_out
from integrations.mcp.listing import tools_of
from integrations.mcp.place import Place
from integrations.queries.connections import list_connections
from integrations.queries.executions import find_execution
from integrations.queries.tool_sessions import session_choices
from orgs.errors import DomainError, NotFoundError

SEARCH: Final = "SWITCHBOARD_SEARCH_TOOLS"
RUN: Final = "SWITCHBOARD_RUN_TOOL"
CONNECTIONS: Final = "SWITCHBOARD_LIST_CONNECTIONS"
EXPLAIN: Final = "SWITCHBOARD_EXPLAIN"
GET_RUN: Final = "SWITCHBOARD_GET_RUN"
MOST_FOUND: Final = 20
LONGEST: Final = 200


def _text(description: str) -> dict[str, Any]:
    return {"type": "string", "maxLength": LONGEST, "description": description}


LOOKS: Final = ToolAnnotations(read_only_hint=True, destructive_hint=False, open_world_hint=False)
RUNS: Final = ToolAnnotations(read_only_hint=False, destructive_hint=True, open_world_hint=True)


def _tool(name: str, title: str, description: str, properties: dict[str, Any], *optional: str) -> Tool:
    required = [one for one in properties if one not in optional]
    schema = {"type": "object", "properties": properties, "required": required, "additionalProperties": False}
    hints = RUNS if name == RUN else LOOKS
    return Tool(name=name, title=title, description=description, input_schema=schema, annotations=hints)


META_TOOLS: Final = {
    one.name: one
    for one in (
        _tool(
            SEARCH,
            "Find tools",
            "Find tools by words, for example `send message`. Says whether each runs now, and if not, what to do.",
            {"query": _text("Words of the name or description.")},
        ),
        _tool(
            RUN,
            "Run a tool by name",
            "Run a tool that was found by name. Its arguments are those of its own input schema.",
            {
                "tool": _text("The name, for example GITHUB_GET_REPO."),
                "arguments": {"type": "object", "description": "As the tool's input schema says."},
                "account": _text("ca_…: one of the listed connections, in place of the usual one."),
            },
            "account",
        ),
        _tool(
            CONNECTIONS,
            "List connected accounts",
            "Which accounts are connected here, how they are doing, and which one is used when none is named.",
            {},
        ),
        _tool(
            EXPLAIN,
            "Why does a tool run, or not?",
            "Every check of the rule for one tool, in order, and the way out of a refusal. Nothing is run.",
            {"tool": _text("The name, for example GITHUB_GET_REPO.")},
        ),
        _tool(
            GET_RUN,
            "Look at a run",
            "How a run ended that was not over when it was asked for.",
            {"run": _text("The ID of the run: ex_…")},
        ),
    )
}


def call_meta_tool(place: Place, name: str, arguments: Mapping[str, Any]) -> CallToolResult:
    """All of them but RUN, which is run like any other tool."""
    return HANDLERS[name](place, arguments)


def _search(place: Place, arguments: Mapping[str, Any]) -> CallToolResult:
    words = [word.casefold() for word in text_of(arguments, "query").split()]
    found = [pair for pair in tools_of(place) if all(word in _haystack(pair[0]) for word in words)]
    tools = [
        {
            "tool": tool.slug,
            "description": tool.description or tool.name,
            "effect": tool.effect,
            "input_schema": tool.input_schema,
            "runs": decision.allowed,
            **({} if decision.allowed else {"why_not": decision.message, "ways_out": ways_out(place, decision)}),
        }
        for tool, decision in found[:MOST_FOUND]
    ]
    return answer({"tools": tools, "more": max(0, len(found) - MOST_FOUND)})


def _haystack(tool: Any) -> str:
    return f"{tool.slug} {tool.search_text} {tool.name} {tool.description}".casefold()


def _connections(place: Place, arguments: Mapping[str, Any]) -> CallToolResult:
    del arguments
    groups = list_connections(actor=place.actor, owner=place.owner)
    in_use = {group.toolkit.id: group.default_id for group in groups}
    if place.session is not None:
        choices = session_choices(actor=place.actor, session=place.session)
        in_use = {one.toolkit.id: one.account.id if one.account else None for one in choices}
        groups = [group for group in groups if group.toolkit.id in in_use]
    accounts = [
        {
            "account": account.text_id,
            "toolkit": group.toolkit.slug,
            "name": account.label,
            "status": account.word.label,
            "used_when_none_is_named": in_use[group.toolkit.id] == account.id,
        }
        for group in groups
        for account in group.accounts
    ]
    return answer({"accounts": accounts, "acting_as": place.owner.text_id, "page": place.page})


def _explain(place: Place, arguments: Mapping[str, Any]) -> CallToolResult:
    wanted = text_of(arguments, "tool").upper()
    for tool, decision in tools_of(place):
        if tool.slug == wanted:
            return answer({"tool": tool.slug, **explanation(place, decision)})
    raise NotFoundError(f"There is no tool {wanted[:80]} here. {SEARCH} finds those that are.", code="tool_not_found")


def _get_run(place: Place, arguments: Mapping[str, Any]) -> CallToolResult:
    row = find_execution(actor=place.actor, execution_id=from_text("ex", text_of(arguments, "run")))
    if row.owner.ref != place.owner:
        raise NotFoundError("There is no such run here.")
    return run_answer(place, row)


def text_of(arguments: Mapping[str, Any], name: str, *, required: bool = True) -> str:
    """A text argument; DomainError when it is missing or something else."""
    value = arguments.get(name, "")
    if not isinstance(value, str) or len(value) > LONGEST or (required and not value.strip()):
        raise DomainError(
            f"{name} must be a text of at most {LONGEST} characters.", code="invalid_arguments", field=name
        )
    return value.strip()


HANDLERS: Final[Mapping[str, Callable[[Place, Mapping[str, Any]], CallToolResult]]] = {
    SEARCH: _search,
    CONNECTIONS: _connections,
    EXPLAIN: _explain,
    GET_RUN: _get_run,
}
