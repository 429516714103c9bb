"""What an agent does in a tool session: look for tools, run them, and the tools about tools."""

import time
from http import HTTPStatus
from typing import Any
from uuid import uuid4

from asgiref.sync import sync_to_async
from django.conf import settings
from django.utils import timezone
from ninja import Query, Router, Status

from integrations.api.asking import ApiRequest
from integrations.api.catalogue_answers import tool_out
from integrations.api.catalogue_shapes import ListIn, ToolPageOut
from integrations.api.executing import envelope_of
from integrations.api.meta_tools import META, meta_tool_out
from integrations.api.paging import bounded, offset_of, page_numbers
from integrations.api.refusals import refusal_of_run
from integrations.api.refusing import refusing
from integrations.api.session_tool_shapes import MetaRunIn, SearchIn, SearchOut, SessionRunIn, SessionRunOut
from integrations.api.sessions import SESSION, live_session, preloaded
from integrations.doors.connection_waiting import wait_for_connections
from integrations.doors.limits import spend_elsewhere
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
from integrations.doors.waiting import run_when_over
from integrations.queries.session_tools import account_by_name, loaded_tools, tool_of_session
from integrations.services.executions import VIA_API
from integrations.services.session_runs import run_in_session
from orgs.errors import DomainError, NotFoundError
from orgs.permissions import Permission, require_scope

router = Router(tags=["Tool sessions"])


@router.get("/tool_router/session/{session_id}/tools", response=ToolPageOut)
def list_session_tools(request: ApiRequest, asked: Query[ListIn], session_id: str = SESSION) -> Any:
    """The tools about tools, and those that the session preloads."""
    actor, session = request.auth, live_session(request, session_id)
    limit, offset = bounded(asked.limit), offset_of(asked.cursor, actor=actor, what=session_id)
    loaded = loaded_tools(actor=actor, session=session, preload=preloaded(session))
    tools = [
        *(meta_tool_out(slug) for slug in announced(actor=actor, session=session)),
        *(tool_out(one) for one in loaded),
    ]
    items = tools[offset : offset + limit]
    return ToolPageOut(items=items, **page_numbers(len(tools), offset, limit, items, actor=actor, what=session_id))


@router.post("/tool_router/session/{session_id}/search", response=SearchOut)
def search_in_session(request: ApiRequest, asked: SearchIn, session_id: str = SESSION) -> Any:
    return SearchOut(**_search(request, live_session(request, session_id), asked))


@router.post("/tool_router/session/{session_id}/execute", response={200: SessionRunOut, 202: SessionRunOut})
@refusing
async def execute_in_session(request: ApiRequest, asked: SessionRunIn, session_id: str = SESSION) -> Any:
    """Run a tool under the session's ID with the session's account, and wait for its end."""
    session = await sync_to_async(live_session)(request, session_id)
    if asked.tool_slug.upper() in META:
        return await _meta(request, session, asked.tool_slug.upper(), asked.arguments)
    row = await sync_to_async(_submit)(request, session, asked)
    row = await run_when_over(request.auth, row.id)
    envelope = await sync_to_async(envelope_of)(request.auth, row)
    answer = SessionRunOut(
        data=envelope.data,
        error=envelope.error,
        log_id=envelope.log_id,
        result_type="completed" if envelope.successful else "failed",
    )
    return Status(HTTPStatus.OK if row.is_over else HTTPStatus.ACCEPTED, answer)


@router.post("/tool_router/session/{session_id}/execute_meta", response=SessionRunOut)
@refusing
async def execute_meta_in_session(request: ApiRequest, asked: MetaRunIn, session_id: str = SESSION) -> Any:
    """Run one of the tools about tools."""
    session = await sync_to_async(live_session)(request, session_id)
    return await _meta(request, session, asked.slug.upper(), asked.arguments)


def _submit(request: ApiRequest, session: Any, asked: SessionRunIn) -> Any:
    actor = request.auth
    require_scope(actor, Permission.EXECUTIONS_READ)  # the answer is the result: nothing is sent without it
    spend_elsewhere(actor, session.owner.ref, timezone.now())
    tool = tool_of_session(actor=actor, session=session, name=asked.tool_slug)
    account = account_by_name(actor=actor, session=session, toolkit=tool.toolkit.slug, name=asked.account or "")
    row = run_in_session(
        actor=actor,
        session=session,
        tool=tool.slug,
        arguments=asked.arguments,
        account=account,
        origin=VIA_API,
        now=timezone.now(),
    )
    if row.status == "denied":
        raise refusal_of_run(row)
    return row


async def _meta(request: ApiRequest, session: Any, slug: str, arguments: dict[str, Any]) -> SessionRunOut:
    if slug not in announced(actor=request.auth, session=session):
        raise NotFoundError(f"There is no tool {slug[:80]} in this session.", code="tool_not_found")
    if slug == RUN_EACH:
        data = await _run_each(request, session, arguments)
    elif slug == WAIT:
        toolkits = _texts(arguments.get("toolkits"), "toolkits")
        data = await wait_for_connections(actor=request.auth, session=session, toolkits=toolkits)
    else:
        work = {
            SEARCH: _search_meta,
            SCHEMAS: _schemas,
            CONNECTIONS: _connections,
        }[slug]
        data = await sync_to_async(work)(request, session, arguments)
    return SessionRunOut(data=data, error=None, log_id=f"log_{uuid4().hex}", result_type="completed")


def _search(request: ApiRequest, session: Any, asked: SearchIn) -> dict[str, Any]:
    return search_answer(
        actor=request.auth,
        session=session,
        use_cases=[one.use_case for one in asked.queries],
        toolkits=[one[:60] for one in asked.toolkits or []],
        now=timezone.now(),
    )


def _search_meta(request: ApiRequest, session: Any, arguments: dict[str, Any]) -> dict[str, Any]:
    return _search(request, session, _read(SearchIn, arguments))


def _schemas(request: ApiRequest, session: Any, arguments: dict[str, Any]) -> dict[str, Any]:
    return schemas_answer(actor=request.auth, session=session, names=_texts(arguments.get("tool_slugs"), "tool_slugs"))


def _connections(request: ApiRequest, session: Any, arguments: dict[str, Any]) -> dict[str, Any]:
    return connections_answer(
        actor=request.auth,
        session=session,
        toolkits=_texts(arguments.get("toolkits"), "toolkits"),
        anew=arguments.get("reinitiate_all") is True,
        origin=VIA_API,
        now=timezone.now(),
    )


async def _run_each(request: ApiRequest, session: Any, arguments: dict[str, Any]) -> dict[str, Any]:
    asked = arguments.get("tools")
    if not isinstance(asked, list) or not 1 <= len(asked) <= MOST_AT_ONCE:
        raise DomainError(f"Pass 1 to {MOST_AT_ONCE} tools.", code="invalid_arguments", field="tools")
    plans = [_read(SessionRunIn, one) for one in asked]
    end = time.monotonic() + settings.API_WAIT_LIMIT  # for all of them together: the client waits for one answer
    begun = [await sync_to_async(_begun)(request, session, plan) for plan in plans]
    results = [
        await _result(request, index, plan, row, end - time.monotonic())
        for index, (plan, row) in enumerate(zip(plans, begun, strict=True))
    ]
    return results_answer(results)


def _begun(request: ApiRequest, session: Any, plan: SessionRunIn) -> Any:
    """The run, or why there is none: one that is refused does not stop the others."""
    try:
        return _submit(request, session, plan)
    except DomainError as error:
        return error


async def _result(request: ApiRequest, index: int, plan: SessionRunIn, begun: Any, seconds: float) -> dict[str, Any]:
    line: dict[str, Any] = {"index": index, "tool_slug": plan.tool_slug}
    try:
        if isinstance(begun, DomainError):
            raise begun
        row = await run_when_over(request.auth, begun.id, seconds)
        envelope = await sync_to_async(envelope_of)(request.auth, row)
    except DomainError as error:
        return {**line, "response": {"successful": False, "data": {}, "error": error.message}, "error": error.message}
    response = {"successful": envelope.successful, "data": envelope.data, "log_id": envelope.log_id}
    return {**line, "response": response if envelope.successful else {**response, "error": envelope.error}}


def _read(kind: Any, value: Any) -> Any:
    """The arguments of a tool about tools, checked as a body is."""
    try:
        return kind.model_validate(value)
    except ValueError:
        message = "Some arguments do not fit this tool. Nothing was run."
        raise DomainError(message, code="invalid_arguments") from None


def _texts(value: Any, name: str) -> list[str]:
    fits = isinstance(value, list) and 1 <= len(value) <= MOST_AT_ONCE and all(isinstance(one, str) for one in value)
    if not fits:
        raise DomainError(f"{name} is a list of 1 to {MOST_AT_ONCE} names.", code="invalid_arguments", field=name)
    return [str(one)[:120] for one in value]
