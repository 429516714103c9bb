"""Wait for the end of a run: told over Redis, and looking for oneself in case that is lost."""

import asyncio
import time
from typing import Any, Final
from uuid import UUID

from asgiref.sync import sync_to_async
from django.conf import settings

from integrations.doors.database import give_back_connections
from integrations.live import hub
from integrations.queries.executions import find_execution
from orgs.permissions import Actor

LOOK_SECONDS: Final = 1.0  # also without an announcement


async def run_when_over(actor: Actor, execution_id: UUID, seconds: float | None = None) -> Any:
    """The run as it is when it is over or has to wait for a person, else as it is after the time."""
    limit = settings.API_WAIT_LIMIT if seconds is None else min(seconds, settings.API_WAIT_LIMIT)
    end = time.monotonic() + limit
    with hub().watch(execution_id) as changed:
        while True:
            changed.clear()
            row = await sync_to_async(_look)(actor, execution_id)
            left = end - time.monotonic()
            if row.is_over or row.status == "waiting_for_approval" or left <= 0:
                return row
            await _changed_or(changed, min(left, LOOK_SECONDS))


async def _changed_or(changed: asyncio.Event, seconds: float) -> None:
    try:
        await asyncio.wait_for(changed.wait(), seconds)
    except TimeoutError:
        return


def _look(actor: Actor, execution_id: UUID) -> Any:
    """The row as of now. The connection goes back at once: many may be waiting."""
    try:
        return find_execution(actor=actor, execution_id=execution_id)
    finally:
        give_back_connections()
