"""What the tools about tools of a session answer with, in the shapes of the protocol, at whichever door they are."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final

from django.conf import settings
from django.urls import reverse

from integrations.queries.session_tools import accounts_of_session, search_tools_of_session, tool_of_session
from integrations.queries.tool_sessions import session_choices
from integrations.services.agent_links import Wanted, agent_link, manages_connections, waits_for_connections
from integrations.stamps import stamp
from orgs.errors import DomainError
from orgs.permissions import Actor

SEARCH: Final = "COMPOSIO_SEARCH_TOOLS"
SCHEMAS: Final = "COMPOSIO_GET_TOOL_SCHEMAS"
RUN_EACH: Final = "COMPOSIO_MULTI_EXECUTE_TOOL"
CONNECTIONS: Final = "COMPOSIO_MANAGE_CONNECTIONS"
WAIT: Final = "COMPOSIO_WAIT_FOR_CONNECTIONS"
MOST_AT_ONCE: Final = 50
SHOWN_FIRST: Final = 3
# The protocol's words for the states of an account.
STATES: Final = {
    "waiting": "INITIATED",
    "active": "ACTIVE",
    "needs_attention": "ACTIVE",
    "expired": "EXPIRED",
    "paused": "INACTIVE",
    "failed": "FAILED",
    "revoked": "REVOKED",
}
NOTHING_FITS: Final = "Nothing fits. Say in other words what is to be done, or name the toolkit."
CONNECT: Final = "Connect what is not connected with COMPOSIO_MANAGE_CONNECTIONS."
RUN: Final = "Run the tools with COMPOSIO_MULTI_EXECUTE_TOOL, with arguments as their schemas say."


def announced(*, actor: Actor, session: Any) -> list[str]:
    """The tools about tools that an agent gets in a session."""
    manages = manages_connections(session, actor=actor)
    waits = waits_for_connections(session, actor=actor)
    return [SEARCH, SCHEMAS, RUN_EACH, *[CONNECTIONS] * manages, *[WAIT] * waits]


def search_answer(
    *, actor: Actor, session: Any, use_cases: Sequence[str], toolkits: Sequence[str], now: datetime
) -> dict[str, Any]:
    """The tools for each use case, what they take, and whether their toolkits are connected."""
    found = [
        search_tools_of_session(actor=actor, session=session, use_case=one, toolkits=toolkits) for one in use_cases
    ]
    tools = {tool.slug: tool for each in found for tool in each}
    held = {tool.toolkit.slug for tool in tools.values()}
    guidance = [*[CONNECT] * manages_connections(session, actor=actor), RUN] if tools else [NOTHING_FITS]
    return {
        "success": True,
        "error": None,
        "results": [_found_line(index, one, found[index]) for index, one in enumerate(use_cases)],
        "tool_schemas": {slug: schema_of(tool) for slug, tool in tools.items()},
        "toolkit_connection_statuses": _connections(actor, session, held),
        "next_steps_guidance": guidance,
        "session": {"id": session.text_id, "generate_id": False, "instructions": ""},
        "time_info": _time(now),
    }


def schemas_answer(*, actor: Actor, session: Any, names: Sequence[str]) -> dict[str, Any]:
    tools = [tool_of_session(actor=actor, session=session, name=one) for one in names]
    return {"tool_schemas": {one.slug: schema_of(one) for one in tools}}


def schema_of(tool: Any) -> dict[str, Any]:
    return {
        "toolkit": tool.toolkit.slug,
        "tool_slug": tool.slug,
        "description": tool.description,
        "input_schema": tool.input_schema,
        "hasFullSchema": True,
    }


def account_line(account: Any) -> dict[str, Any]:
    return {
        "id": account.text_id,
        "alias": account.alias or None,
        "status": STATES[account.status],
        "created_at": stamp(account.connected_at),
        "is_default": account.is_default,
    }


def accounts_answer(*, actor: Actor, session: Any, toolkit: str) -> list[dict[str, Any]]:
    return [account_line(one) for one in accounts_of_session(actor=actor, session=session, toolkit=toolkit)]


def has_active(accounts: Sequence[dict[str, Any]]) -> bool:
    return any(one["status"] == "ACTIVE" for one in accounts)


def connections_answer(
    *, actor: Actor, session: Any, toolkits: Sequence[str], anew: bool, origin: Any, now: datetime
) -> dict[str, Any]:
    """How each toolkit is connected, or a link for the person. `origin` is the door where it is asked for."""
    plans = {one.lower(): Wanted(one.lower(), session=session, origin=origin) for one in toolkits}
    return {"results": {name: _connected(actor, session, one, now, anew=anew) for name, one in plans.items()}}


def _connected(actor: Actor, session: Any, wanted: Wanted, now: datetime, *, anew: bool) -> dict[str, Any]:
    """What stands in the way of one stops no other."""
    accounts = accounts_answer(actor=actor, session=session, toolkit=wanted.toolkit)
    if has_active(accounts) and not anew:
        return {"status": "active", "accounts": accounts}
    try:
        made = agent_link(actor=actor, owner=session.owner.ref, wanted=wanted, now=now)
    except DomainError as error:
        return {"status": "failed", "error": error.message, "accounts": accounts}
    return {"status": "initiated", "redirect_url": link_url(made), "accounts": accounts}


def link_url(made: Any) -> str:
    """The address for the person: one of ours signs in there, an end user of an application cannot."""
    page = "connect_link" if made.link.user_id else "end_user_link"
    return str(settings.BASE_URL) + reverse(page, args=[made.token])


def results_answer(results: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """Several runs, each with its own end."""
    done = sum(1 for one in results if one["response"]["successful"])
    return {
        "results": list(results),
        "total_count": len(results),
        "success_count": done,
        "error_count": len(results) - done,
    }


def _found_line(index: int, use_case: str, tools: list[Any]) -> dict[str, Any]:
    return {
        "index": index + 1,
        "use_case": use_case,
        "primary_tool_slugs": [tool.slug for tool in tools[:SHOWN_FIRST]],
        "related_tool_slugs": [tool.slug for tool in tools[SHOWN_FIRST:]],
        "toolkits": sorted({tool.toolkit.slug for tool in tools}),
    }


def _connections(actor: Actor, session: Any, toolkits: set[str]) -> list[dict[str, Any]]:
    choices = session_choices(actor=actor, session=session)
    return [_connection(one) for one in choices if one.toolkit.slug in toolkits]


def _connection(choice: Any) -> dict[str, Any]:
    account = choice.account
    is_active = not choice.toolkit.needs_account or (account is not None and STATES[account.status] == "ACTIVE")
    return {
        "toolkit": choice.toolkit.slug,
        "description": choice.toolkit.description,
        "has_active_connection": is_active,
        "status_message": "Ready." if is_active else "Not connected. COMPOSIO_MANAGE_CONNECTIONS gives a link.",
        "accounts": [{**account_line(account), "is_default": True}] if account else [],
    }


def _time(now: datetime) -> dict[str, Any]:
    return {
        "current_time_utc": stamp(now),
        "current_time_utc_epoch_seconds": int(now.timestamp()),
        "message": "The time of this installation, in UTC.",
    }
