"""The tools of a place: those that the rule lets this very actor run there now (check M7)."""

from typing import Any, Final

from mcp_types import Tool, ToolAnnotations

from integrations.mcp.place import Place
from integrations.queries.tool_sessions import decided_tools
from integrations.queries.tools import ToolFilters, list_tools
from orgs.permissions import Decision

PAGE_SIZE: Final = 100


def tools_of(place: Place) -> list[tuple[Any, Decision]]:
    """Every tool of the place by slug, with what the rule says about it for this actor."""
    if place.session is not None:
        return decided_tools(actor=place.actor, session=place.session)
    listed = list_tools(actor=place.actor, owner=place.owner, filters=ToolFilters())
    return sorted(((one.tool, one.decision) for one in listed), key=lambda pair: pair[0].slug)


def runnable(place: Place) -> list[Any]:
    return [tool for tool, decision in tools_of(place) if decision.allowed]


def page_of(place: Place, cursor: str | None) -> tuple[list[Tool], str | None]:
    """A page of tools, and where the next one begins. A cursor is a slug: it opens nothing (check M5)."""
    rows = [row for row in runnable(place) if cursor is None or row.slug > cursor]
    shown = rows[:PAGE_SIZE]
    following = shown[-1].slug if len(rows) > PAGE_SIZE else None
    return [as_tool(row) for row in shown], following


def as_tool(row: Any) -> Tool:
    """The tool as its catalogue entry says: the same for everybody, as long as the version is (check M14)."""
    return Tool(
        name=row.slug,
        title=row.name,
        description=row.description or row.name,
        input_schema=row.input_schema,
        annotations=annotations(row.effect),
        _meta={"switchboard/toolkit": row.toolkit.slug, "switchboard/version": row.toolkit.version},
    )


def annotations(effect: str) -> ToolAnnotations:
    is_read = effect == "read"
    return ToolAnnotations(
        read_only_hint=is_read, destructive_hint=effect == "destructive", idempotent_hint=is_read, open_world_hint=True
    )
