"""Run a tool for an agent: submitted like every run, waited for, called off when the client hangs up."""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Final, TypeVar

from asgiref.sync import sync_to_async
from django.utils import timezone
from mcp_types import CallToolResult, InputRequiredResult

from integrations.doors.database import give_back_connections
from integrations.doors.limits import spend_elsewhere
from integrations.doors.waiting import run_when_over
from integrations.mcp.announced import call_announced, is_announced
from integrations.mcp.answers import refusal, run_answer
from integrations.mcp.linking import link_after
from integrations.mcp.meta_tools import HANDLERS, RUN, call_meta_tool, text_of
from integrations.mcp.opening import Client, ask_to_open
from integrations.mcp.place import Place
from integrations.services.executions import cancel_execution
from integrations.services.session_runs import submit_mcp_run
from orgs.errors import ConflictError, DomainError

T = TypeVar("T")


NOBODY_THERE: Final = Client()
Answer = CallToolResult | InputRequiredResult


async def call(place: Place, name: str, arguments: Mapping[str, Any], client: Client = NOBODY_THERE) -> Answer:
    """The answer to a call by name. What our own rules refuse is an answer too; only nonsense is a protocol error.

    And a page that has to be opened first, where the client can: see `opening`.
    """
    try:
        if name in HANDLERS:
            return await in_database(lambda: call_meta_tool(place, name, arguments))
        if is_announced(place, name):
            return await call_announced(place, name, arguments, run=_ended, in_database=in_database)
        if name == RUN:
            return await _run_named(place, arguments, client)
        return await _run(place, name, arguments, "", client)
    except DomainError as error:
        return refusal(error)


async def _run_named(place: Place, arguments: Mapping[str, Any], client: Client) -> Answer:
    inner = arguments.get("arguments", {})
    if not isinstance(inner, dict):
        raise DomainError("arguments must be an object.", code="invalid_arguments", field="arguments")
    account = text_of(arguments, "account", required=False)
    return await _run(place, text_of(arguments, "tool"), inner, account, client)


async def _run(place: Place, tool: str, arguments: Mapping[str, Any], account: str, client: Client) -> Answer:
    row = await _ended(place, tool, arguments, account)
    return await in_database(lambda: _answer(place, row, client))


async def _ended(place: Place, tool: str, arguments: Mapping[str, Any], account: str) -> Any:
    row = await in_database(lambda: _submit(place, tool, arguments, account))
    return row if row.is_over else await _end_of(place, row)


def _answer(place: Place, row: Any, client: Client) -> Answer:
    link = link_after(place, row)
    return ask_to_open(place, row, client, link) or run_answer(place, row, link)


def _submit(place: Place, tool: str, arguments: Mapping[str, Any], account: str) -> Any:
    now = timezone.now()
    spend_elsewhere(place.actor, place.owner, now)
    return submit_mcp_run(
        actor=place.actor,
        owner=place.owner,
        session=place.session,
        tool=tool,
        arguments=arguments,
        account=account,
        now=now,
    )


async def _end_of(place: Place, row: Any) -> Any:
    """The row when it is over, or as it is after the time; a client that hangs up calls it off (check M9)."""
    waiting = asyncio.ensure_future(run_when_over(place.actor, row.id))
    gone = asyncio.ensure_future(place.gone.wait())
    try:
        await asyncio.wait({waiting, gone}, return_when=asyncio.FIRST_COMPLETED)
        if not waiting.done():
            await in_database(lambda: _call_off(place, row))
        return await waiting
    finally:
        for task in (waiting, gone):
            task.cancel()


def _call_off(place: Place, row: Any) -> None:
    """Too late is fine: what was sent runs to its recorded end, and is never sent again."""
    with contextlib.suppress(ConflictError):
        cancel_execution(actor=place.actor, owner=place.owner, execution_id=row.id, now=timezone.now())


def in_database(work: Callable[[], T]) -> Awaitable[T]:
    """Work that asks the database, in a thread; its connection goes back at once."""

    def tidy() -> T:
        try:
            return work()
        finally:
            give_back_connections()

    return sync_to_async(tidy)()
