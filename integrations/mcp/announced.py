"""The tools about tools under the names that the API gives them when it answers for a session.

A program that read there what it can call may call it here too: same arguments, same data. They are not listed, because
an agent that looks through the list needs one tool for each thing and not two.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Final

from django.utils import timezone
from mcp_types import CallToolResult

from integrations.doors.connection_waiting import wait_for_connections
from integrations.doors.session_answers import (
    CONNECTIONS,
    MOST_AT_ONCE,
    RUN_EACH,
    SCHEMAS,
    SEARCH,
    WAIT,
    announced,
    connections_answer,
    results_answer,
    schemas_answer,
    search_answer,
)
from integrations.mcp.answers import answer, run_answer
from integrations.mcp.meta_tools import text_of
from integrations.mcp.place import Place
from integrations.queries.session_tools import account_by_name, tool_of_session
from integrations.services.agent_links import VIA_MCP
from orgs.errors import DomainError

MOST_QUERIES: Final = 20
LONGEST_USE_CASE: Final = 2000
Arguments = Mapping[str, Any]
Run = Callable[[Place, str, Arguments, str], Awaitable[Any]]
InDatabase = Callable[[Callable[[], Any]], Awaitable[Any]]


def is_announced(place: Place, name: str) -> bool:
    """Whether the API names this tool for the session of the address."""
    return place.session is not None and name in announced(actor=place.actor, session=place.session)


async def call_announced(
    place: Place, name: str, arguments: Arguments, *, run: Run, in_database: InDatabase
) -> CallToolResult:
    """`run` takes a tool to its end; `in_database` is where the database is asked."""
    if name == RUN_EACH:
        data = await _run_each(place, arguments, run, in_database)
    elif name == WAIT:
        toolkits = _texts(arguments, "toolkits")
        data = await wait_for_connections(actor=place.actor, session=place.session, toolkits=toolkits, gone=place.gone)
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
        now=timezone.now(),
    )


def _schemas(place: Place, arguments: Arguments) -> dict[str, Any]:
    return schemas_answer(actor=place.actor, session=place.session, names=_texts(arguments, "tool_slugs"))


def _connections(place: Place, arguments: Arguments) -> dict[str, Any]:
    return connections_answer(
        actor=place.actor,
        session=place.session,
        toolkits=_texts(arguments, "toolkits"),
        anew=arguments.get("reinitiate_all") is True,
        origin=VIA_MCP,
        now=timezone.now(),
    )


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
