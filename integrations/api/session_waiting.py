"""A tool about tools that waits: until a person has connected what the agent asked for, or it takes too long."""

import asyncio
import time
from typing import Any, Final

from asgiref.sync import sync_to_async
from django.conf import settings

from integrations.api.asking import ApiRequest
from integrations.api.session_search import account_line
from integrations.doors.database import give_back_connections
from integrations.queries.session_tools import accounts_of_session

LOOK_SECONDS: Final = 1.0


async def wait_for_connections(request: ApiRequest, session: Any, toolkits: list[str]) -> dict[str, Any]:
    """How each toolkit is connected when all are, else after the time: `active`, or `waiting` still."""
    end = time.monotonic() + settings.API_WAIT_LIMIT
    while True:
        results = await sync_to_async(_look)(request, session, toolkits)
        left = end - time.monotonic()
        if left <= 0 or all(one["status"] == "active" for one in results.values()):
            return {"results": results, "all_connected": all(one["status"] == "active" for one in results.values())}
        await asyncio.sleep(min(left, LOOK_SECONDS))


def _look(request: ApiRequest, session: Any, toolkits: list[str]) -> dict[str, Any]:
    """As of now. The connection goes back at once: many may be waiting."""
    try:
        return {one: _state(request, session, one) for one in toolkits}
    finally:
        give_back_connections()


def _state(request: ApiRequest, session: Any, toolkit: str) -> dict[str, Any]:
    accounts = accounts_of_session(actor=request.auth, session=session, toolkit=toolkit)
    listed = [account_line(one) for one in accounts]
    return {"status": "active" if any(one["status"] == "ACTIVE" for one in listed) else "waiting", "accounts": listed}
