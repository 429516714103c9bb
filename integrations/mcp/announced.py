"""The tools about tools under the names that the API gives them when it answers for a session.

A program that read there what it can call may call it here too: same arguments, same data. They are not listed, because
an agent that looks through the list needs one tool for each thing and not two.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Final

from django.conf import settings
from django.utils import timezone
from mcp_types import CallToolResult

from integrations.doors.session_answers import account_line, results_answer, schemas_answer, search_answer
from integrations.mcp.answers import answer, run_answer
from integrations.mcp.linking import address_of
from integrations.mcp.meta_tools import text_of
from integrations.mcp.place import Place
from integrations.queries.session_tools import account_by_name, accounts_of_session, tool_of_session
from integrations.services.agent_links import Wanted, agent_link, manages_connections, waits_for_connections
from orgs.errors import DomainError

SEARCH: Final = "COMPOSIO_SEARCH_TOOLS"
SCHEMAS: Final = "COMPOSIO_GET_TOOL_SCHEMAS"
RUN_EACH: Final = "COMPOSIO_MULTI_EXECUTE_TOOL"
CONNECTIONS: Final = "COMPOSIO_MANAGE_CONNECTIONS"
WAIT: Final = "COMPOSIO_WAIT_FOR_CONNECTIONS"
LOOK_SECONDS: Final = 1.0
MOST_AT_ONCE: Final = 50
MOST_QUERIES: Final = 20
LONGEST_USE_CASE: Final = 2000
Arguments = Mapping[str, Any]
Run = Callable[[Place, str, Arguments, str], Awaitable[Any]]
InDatabase = Callable[[Callable[[], Any]], Awaitable[Any]]


def is_announced(place: Place, name: str) -> bool:
    """Whether the API names this tool for the session of the address."""
    if place.session is None:
        return False
    if name == CONNECTIONS:
        return manages_connections(place.session, actor=place.actor)
    if name == WAIT:
        return waits_for_connections(place.session, actor=place.actor)
    return name in {SEARCH, SCHEMAS, RUN_EACH}


async def call_announced(
    place: Place, name: str, arguments: Arguments, *, run: Run, in_database: InDatabase
) -> CallToolResult:
    """`run` takes a tool to its end; `in_database` is where the database is asked."""
    if name == RUN_EACH:
        data = await _run_each(place, arguments, run, in_database)
    elif name == WAIT:
        data = await _wait(place, arguments, in_database)
    else:
        data = await in_database(lambda: HANDLERS[name](place, arguments))
    return answer({"successful": True, "data": data, "error": None})


def _search(place: Place, arguments: Arguments) -> dict[str, Any]:
    toolkits = _texts(arguments, "toolkits") if arguments.get("toolkits") else []
    return search_answer(
        actor=place.actor,
        session=place.session,
        use_cases=[_use_case(one) for one in _listed(arguments, "queries", MOST_QUERIES)],
        toolkits=toolkits,
        connects=manages_connections(place.session, actor=place.actor),
        now=timezone.now(),
    )


def _schemas(place: Place, arguments: Arguments) -> dict[str, Any]:
    return schemas_answer(actor=place.actor, session=place.session, names=_texts(arguments, "tool_slugs"))


def _connections(place: Place, arguments: Arguments) -> dict[str, Any]:
    anew = arguments.get("reinitiate_all") is True
    toolkits = [one.lower() for one in _texts(arguments, "toolkits")]
    return {"results": {one: _connection(place, one, anew=anew) for one in toolkits}}


def _connection(place: Place, toolkit: str, *, anew: bool) -> dict[str, Any]:
    """Connected, or a link for the person; what stands in the way of one stops no other."""
    accounts = _accounts(place, toolkit)
    if not anew and _is_active(accounts):
        return {"status": "active", "accounts": accounts}
    wanted = Wanted(toolkit, session=place.session)
    try:
        made = agent_link(actor=place.actor, owner=place.owner, wanted=wanted, now=timezone.now())
    except DomainError as error:
        return {"status": "failed", "error": error.message, "accounts": accounts}
    return {"status": "initiated", "redirect_url": address_of(made), "accounts": accounts}


async def _wait(place: Place, arguments: Arguments, in_database: InDatabase) -> dict[str, Any]:
    """How each toolkit is connected when all are, after the time, or when the client has hung up."""
    toolkits = [one.lower() for one in _texts(arguments, "toolkits")]
    end = time.monotonic() + settings.API_WAIT_LIMIT
    while True:
        results = await in_database(lambda: {one: _state(place, one) for one in toolkits})
        are_all = all(one["status"] == "active" for one in results.values())
        left = end - time.monotonic()
        if are_all or left <= 0 or place.gone.is_set():
            return {"results": results, "all_connected": are_all}
        await asyncio.sleep(min(left, LOOK_SECONDS))


def _state(place: Place, toolkit: str) -> dict[str, Any]:
    accounts = _accounts(place, toolkit)
    return {"status": "active" if _is_active(accounts) else "waiting", "accounts": accounts}


def _accounts(place: Place, toolkit: str) -> list[dict[str, Any]]:
    rows = accounts_of_session(actor=place.actor, session=place.session, toolkit=toolkit)
    return [account_line(one) for one in rows]


def _is_active(accounts: list[dict[str, Any]]) -> bool:
    return any(one["status"] == "ACTIVE" for one in accounts)


async def _run_each(place: Place, arguments: Arguments, run: Run, in_database: InDatabase) -> dict[str, Any]:
    """All are read before the first is run; one that is refused stops no other."""
    plans = [_plan(one) for one in _listed(arguments, "tools", MOST_AT_ONCE)]

    async def ended(index: int, tool: str, inner: Arguments, account: str) -> dict[str, Any]:
        line = {"index": index, "tool_slug": tool}
        try:
            chosen = await in_database(lambda: _account(place, tool, account))
            row = await run(place, tool, inner, chosen)
            said = await in_database(lambda: run_answer(place, row).structured_content)
        except DomainError as error:
            said = {"successful": False, "error": error.message}
        return {**line, **_ended(said)}

    return results_answer(await asyncio.gather(*(ended(index, *plan) for index, plan in enumerate(plans))))


def _ended(said: Mapping[str, Any]) -> dict[str, Any]:
    """One of our answers to a run as a line of the protocol."""
    found = said.get("data")
    data = found if isinstance(found, dict) else {} if found is None else {"result": found}
    response = {"successful": said["successful"], "data": data}
    if "run" in said:
        response["log_id"] = said["run"]
    if said["successful"]:
        return {"response": response}
    error = said.get("error") or said.get("note")
    return {"response": {**response, "error": error}, "error": error}


def _plan(one: Any) -> tuple[str, Arguments, str]:
    inner = one.get("arguments", {}) if isinstance(one, dict) else None
    if not isinstance(inner, dict):
        message = "Each of tools is an object with tool_slug and arguments. Nothing was run."
        raise DomainError(message, code="invalid_arguments", field="tools")
    account = text_of(one, "account", required=False) if one.get("account") is not None else ""
    return text_of(one, "tool_slug"), inner, account


def _account(place: Place, tool: str, name: str) -> str:
    """The ID of an account that was named by its ID, or as its owner calls it."""
    if not name:
        return ""
    found = tool_of_session(actor=place.actor, session=place.session, name=tool)
    return account_by_name(actor=place.actor, session=place.session, toolkit=found.toolkit.slug, name=name)


def _use_case(one: Any) -> str:
    text = one.get("use_case") if isinstance(one, dict) else None
    if not isinstance(text, str) or len(text) > LONGEST_USE_CASE:
        message = f"Each of queries is an object with use_case, a text of at most {LONGEST_USE_CASE} characters."
        raise DomainError(message, code="invalid_arguments", field="queries")
    return text


def _texts(arguments: Arguments, name: str) -> list[str]:
    values = _listed(arguments, name, MOST_AT_ONCE)
    return [text_of({name: one}, name) for one in values]


def _listed(arguments: Arguments, name: str, most: int) -> list[Any]:
    value = arguments.get(name)
    if not isinstance(value, list) or not 1 <= len(value) <= most:
        raise DomainError(f"{name} is a list of 1 to {most}.", code="invalid_arguments", field=name)
    return value


HANDLERS: Final[Mapping[str, Callable[[Place, Arguments], dict[str, Any]]]] = {
    SEARCH: _search,
    SCHEMAS: _schemas,
    CONNECTIONS: _connections,
}
