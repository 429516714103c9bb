"""Tools as an agent finds them in a tool session."""

import re
from collections.abc import Iterable, Sequence
from typing import Any, Final
from uuid import UUID

from integrations.catalog import find_tool
from integrations.models import ConnectedAccount, Tool, ToolSession
from integrations.queries.tool_sessions import check_held, session_choices
from integrations.session_limits import is_held
from orgs.errors import NotFoundError
from orgs.permissions import Actor, Permission, require

WORD: Final = re.compile(r"[a-z0-9]+")
# Words that say nothing about which tool is meant.
EMPTY: Final = frozenset(
    {"a", "an", "and", "the", "of", "to", "in", "on", "for", "my", "all", "with", "from", "me", "i"}
)
FOUND_PER_QUERY: Final = 8


def search_tools_of_session(
    *, actor: Actor, session: ToolSession, use_case: str, toolkits: Sequence[str] = ()
) -> list[Tool]:
    """The tools of the session that fit what somebody wants to do, the best first."""
    require(actor, Permission.TOOLS_READ, session.owner.ref)
    wanted = {slug.lower() for slug in toolkits}
    words = set(WORD.findall(use_case.lower())) - EMPTY
    rows = [row for row in _held_tools(actor, session) if not wanted or row.toolkit.slug in wanted]
    ranked = [(_rank(row, words), row) for row in rows]
    fitting = sorted(
        (one for one in ranked if one[0] > 0), key=lambda one: (-one[0], not one[1].important, one[1].slug)
    )
    return [row for _, row in fitting[:FOUND_PER_QUERY]]


def _rank(tool: Tool, words: Iterable[str]) -> float:
    """How much of what was asked stands in the tool's text; its name counts twice."""
    name = set(WORD.findall(f"{tool.slug} {tool.name}".lower()))
    return sum((2 if word in name else 1) for word in words if word in tool.search_text or word in name)


def tool_of_session(*, actor: Actor, session: ToolSession, name: str) -> Tool:
    """A tool by slug or alias, if its toolkit is in the session; NotFoundError otherwise."""
    require(actor, Permission.TOOLS_READ, session.owner.ref)
    tool = find_tool(name)
    if tool is None:
        raise NotFoundError(f"There is no tool {name[:80]}. Look it up in the catalogue.", code="tool_not_found")
    check_held(actor=actor, session=session, tool=tool)
    return tool


def loaded_tools(*, actor: Actor, session: ToolSession, preload: Sequence[str] | None) -> list[Tool]:
    """Those of the named tools that the session still holds, in their order; all that it holds for None."""
    require(actor, Permission.TOOLS_READ, session.owner.ref)
    if preload is None:
        return _held_tools(actor, session)
    named = list(dict.fromkeys(found for one in preload if (found := find_tool(one)) is not None))
    held = _held_toolkits(actor, session) if named else []
    return [row for row in named if row.toolkit_id in held and is_held(session, row)]


def _held_tools(actor: Actor, session: ToolSession) -> list[Tool]:
    held = _held_toolkits(actor, session)
    rows = Tool.objects.filter(is_deprecated=False, toolkit_id__in=held).select_related("toolkit").order_by("slug")
    return [row for row in rows if is_held(session, row)]


def _held_toolkits(actor: Actor, session: ToolSession) -> list[UUID]:
    return [one.toolkit.id for one in session_choices(actor=actor, session=session)]


def accounts_of_session(*, actor: Actor, session: ToolSession, toolkit: str) -> list[ConnectedAccount]:
    """The owner's accounts of a toolkit, newest first."""
    owner = session.owner.ref
    require(actor, Permission.CONNECTED_ACCOUNTS_READ, owner)
    rows: Any = ConnectedAccount.objects.owned_by(owner).filter(toolkit__slug=toolkit).exclude(status="revoked")
    return list(rows.order_by("-connected_at", "-id"))


def account_by_name(*, actor: Actor, session: ToolSession, toolkit: str, name: str) -> str:
    """The ID of the account that a program means by an ID or by a name; the name is one's own for it."""
    if not name or name.startswith("ca_"):
        return name
    named = [one for one in accounts_of_session(actor=actor, session=session, toolkit=toolkit) if one.alias == name]
    if len(named) != 1:
        message = f"No single account of {toolkit} is called {name[:80]} here. Pass its ID, which begins with ca_."
        raise NotFoundError(message, code="connected_account_not_found")
    return named[0].text_id
