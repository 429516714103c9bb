"""How an agent looks for tools in a session, and what it is told to do next."""

from collections.abc import Sized
from typing import Any

from django.utils import timezone

from integrations.api.account_answers import STATES
from integrations.api.asking import ApiRequest
from integrations.api.base import stamp
from integrations.api.session_tool_shapes import SearchIn, SearchOut, UseCaseIn
from integrations.api.sessions import manages_connections
from integrations.queries.session_tools import search_tools_of_session
from integrations.queries.tool_sessions import session_choices


def account_line(account: Any) -> dict[str, Any]:
    return {
        "id": account.text_id,
        "alias": account.alias or None,
        "status": STATES[account.status],
        "created_at": stamp(account.connected_at),
        "is_default": account.is_default,
    }


def search_for(request: ApiRequest, session: Any, asked: SearchIn) -> SearchOut:
    actor, now = request.auth, timezone.now()
    toolkits = [one[:60] for one in asked.toolkits or []]
    found = [
        search_tools_of_session(actor=actor, session=session, use_case=one.use_case, toolkits=toolkits)
        for one in asked.queries
    ]
    tools = {tool.slug: tool for each in found for tool in each}
    results = [_found_line(index, one, found[index]) for index, one in enumerate(asked.queries)]
    return SearchOut(
        success=True,
        error=None,
        results=results,
        tool_schemas={slug: schema_of(tool) for slug, tool in tools.items()},
        toolkit_connection_statuses=_statuses(request, session, {tool.toolkit.slug for tool in tools.values()}),
        next_steps_guidance=_guidance(session, tools),
        session={"id": session.text_id, "generate_id": False, "instructions": ""},
        time_info={
            "current_time_utc": stamp(now),
            "current_time_utc_epoch_seconds": int(now.timestamp()),
            "message": "The time of this installation, in UTC.",
        },
    )


def _found_line(index: int, asked: UseCaseIn, tools: list[Any]) -> dict[str, Any]:
    return {
        "index": index + 1,
        "use_case": asked.use_case,
        "primary_tool_slugs": [tool.slug for tool in tools[:3]],
        "related_tool_slugs": [tool.slug for tool in tools[3:]],
        "toolkits": sorted({tool.toolkit.slug for tool in tools}),
    }


def _statuses(request: ApiRequest, session: Any, toolkits: set[str]) -> list[dict[str, Any]]:
    lines = []
    for choice in session_choices(actor=request.auth, session=session):
        if choice.toolkit.slug in toolkits:
            account, needs = choice.account, choice.toolkit.needs_account
            is_active = not needs or (account is not None and STATES[account.status] == "ACTIVE")
            message = "Ready." if is_active else "Not connected. COMPOSIO_MANAGE_CONNECTIONS gives a link."
            accounts = [{**account_line(account), "is_default": True}] if account else []
            lines.append(
                {
                    "toolkit": choice.toolkit.slug,
                    "description": choice.toolkit.description,
                    "has_active_connection": is_active,
                    "status_message": message,
                    "accounts": accounts,
                }
            )
    return lines


def _guidance(session: Any, found: Sized) -> list[str]:
    if not found:
        return ["Nothing fits. Say in other words what is to be done, or name the toolkit."]
    connect = (
        ["Connect what is not connected with COMPOSIO_MANAGE_CONNECTIONS."] if manages_connections(session) else []
    )
    return [*connect, "Run the tools with COMPOSIO_MULTI_EXECUTE_TOOL, with arguments as their schemas say."]


def schema_of(tool: Any) -> dict[str, Any]:
    return {
        "toolkit": tool.toolkit.slug,
        "tool_slug": tool.slug,
        "description": tool.description,
        "input_schema": tool.input_schema,
        "hasFullSchema": True,
    }
