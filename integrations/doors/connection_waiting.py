"""Wait until a person has connected what an agent asked for, or it takes too long."""

import asyncio
import time
from collections.abc import Sequence
from typing import Any, Final

from asgiref.sync import sync_to_async
from django.conf import settings

from integrations.doors.database import give_back_connections
from integrations.doors.session_answers import accounts_answer, has_active
from orgs.permissions import Actor

LOOK_SECONDS: Final = 1.0


async def wait_for_connections(
    *, actor: Actor, session: Any, toolkits: Sequence[str], gone: asyncio.Event | None = None
) -> dict[str, Any]:
    """How each toolkit is connected, `active` or `waiting`: when all are, after the time, or when it hung up."""
    end = time.monotonic() + settings.API_WAIT_LIMIT
    while True:
        results = await sync_to_async(_look)(actor, session, toolkits)
        are_all = all(one["status"] == "active" for one in results.values())
        left = end - time.monotonic()
        if are_all or left <= 0 or (gone is not None and gone.is_set()):
            return {"results": results, "all_connected": are_all}
        await asyncio.sleep(min(left, LOOK_SECONDS))


def _look(actor: Actor, session: Any, toolkits: Sequence[str]) -> dict[str, Any]:
    """As of now. The connection goes back at once: many may be waiting."""
    try:
        return {one.lower(): _state(actor, session, one.lower()) for one in toolkits}
    finally:
        give_back_connections()


def _state(actor: Actor, session: Any, toolkit: str) -> dict[str, Any]:
    accounts = accounts_answer(actor=actor, session=session, toolkit=toolkit)
    return {"status": "active" if has_active(accounts) else "waiting", "accounts": accounts}
