"""Live updates of one run as server-sent events. An event says that something changed; htmx fetches what."""

import asyncio
import time
from collections.abc import AsyncIterator
from typing import cast
from uuid import UUID

from asgiref.sync import sync_to_async
from django.core.exceptions import ObjectDoesNotExist
from django.db import close_old_connections
from django.http import HttpResponse, StreamingHttpResponse
from django.views.decorators.http import require_GET

from integrations.live import hub
from integrations.queries.executions import execution_row
from integrations.views.runs import read_id
from orgs.decorators import OwnedRequest, for_owner, set_owner
from orgs.errors import DomainError
from orgs.permissions import Permission

LOOK_SECONDS = 4.0  # also without an announcement: a removed member's stream ends within five
PING_SECONDS = 15.0
LONGEST_SECONDS = 600.0
OVER = "over"
GONE = ""


@for_owner(Permission.EXECUTIONS_READ)
@require_GET
def stream(request: OwnedRequest, execution_id: str) -> HttpResponse:
    row_id = read_id(execution_id)
    execution_row(actor=request.actor, owner=request.owner, execution_id=row_id)
    events = _events(request, row_id, request.GET.get("seen", ""))
    response = StreamingHttpResponse(events, content_type="text/event-stream")
    response["Cache-Control"] = "no-store"
    response["X-Accel-Buffering"] = "no"  # nginx would keep the events back
    return cast("HttpResponse", response)


async def _events(request: OwnedRequest, row_id: UUID, seen: str) -> AsyncIterator[str]:
    """Until the run is over, the reader may no longer see it, or ten minutes have gone: then the browser asks anew."""
    started = pinged = time.monotonic()
    with hub().watch(row_id) as changed:
        yield "retry: 2000\n\n"
        while time.monotonic() - started < LONGEST_SECONDS:
            changed.clear()
            mark = await sync_to_async(_look)(request, row_id)
            if mark not in {seen, GONE}:
                seen = mark
                yield f"event: changed\ndata: {mark}\n\n"
            if mark == GONE or mark.endswith(OVER):
                yield f"event: {OVER}\ndata: \n\n"
                return
            if time.monotonic() - pinged > PING_SECONDS:
                pinged = time.monotonic()
                yield ": ping\n\n"
            await _wait(changed)


async def _wait(changed: asyncio.Event) -> None:
    try:
        await asyncio.wait_for(changed.wait(), LOOK_SECONDS)
    except TimeoutError:
        return


def _look(request: OwnedRequest, row_id: UUID) -> str:
    """The run's mark as of now, with the rights of now; empty when the reader has lost them.

    The connection goes back at once: a stream lives long, and there are not many connections.
    """
    try:
        request.user.refresh_from_db()
        if not request.session.exists(request.session.session_key or ""):  # signed out meanwhile
            return GONE
        set_owner(request, str(request.resolver_match.kwargs.get("org", "")) if request.resolver_match else "")
        row = execution_row(actor=request.actor, owner=request.owner, execution_id=row_id)
    except (DomainError, ObjectDoesNotExist):
        return GONE
    else:
        return f"{row.mark}.{OVER}" if row.is_over else row.mark
    finally:
        close_old_connections()
