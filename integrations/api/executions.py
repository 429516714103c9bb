"""Runs as our own part of the API has them: asked for, looked at, waited for, called off, repeated."""

from http import HTTPStatus
from typing import Any, Final

from asgiref.sync import sync_to_async
from django.utils import timezone
from ninja import Query, Router, Status
from ninja.params import functions
from pydantic import Field, StrictBool

from accounts.ids import from_text, to_text
from integrations.api.asking import ApiRequest, count_under, owner_from, page_url
from integrations.api.base import Out, StrictIn
from integrations.api.catalogue_shapes import ListIn
from integrations.api.executing import accepted, data_of
from integrations.api.paging import bounded, make_cursor, read_cursor
from integrations.api.refusals import refusal_of_run
from integrations.api.refusing import refusing
from integrations.doors.waiting import run_when_over
from integrations.queries.catalogue import home_of, tool_of_catalogue
from integrations.queries.executions import ExecutionFilters, find_execution, get_execution, list_executions
from integrations.services.executions import VIA_API, Order, cancel_execution
from integrations.services.running_again import run_again
from integrations.stamps import stamp
from orgs.errors import DomainError

router = Router(tags=["Runs"])
STATUS_WORDS: Final = (
    "queued", "waiting_for_approval", "running", "succeeded", "failed", "denied", "cancelled", "timed_out", "unknown",
)  # fmt: skip
STATUSES: Final = ", ".join(STATUS_WORDS)
KEY: Any = functions.Header(
    "", alias="Idempotency-Key", max_length=255, description="The same key with the same request gets the same run."
)
RUN: Any = functions.Path(..., max_length=80, description="ex_…")


class RunIn(StrictIn):
    """What to run."""

    tool: str = Field(max_length=120, description="The slug of a tool.")
    user_id: str = Field("", max_length=200, description="The ID to run under: user_… or org_….")
    arguments: dict[str, Any] = Field(default_factory=dict)
    connected_account_id: str = Field("", max_length=80, description="ca_…; without it the rule chooses.")
    version: str = Field("", max_length=40, description="A version of the toolkit, or `latest`.")


class AgainIn(StrictIn):
    """How to repeat a run."""

    user_id: str = Field("", max_length=200, description="Another ID to run under; the same one when left out.")
    acknowledged: StrictBool = Field(False, description="Needed when the outcome is unknown: it may happen twice.")


class RunListIn(ListIn):
    """Whose runs, and which of them."""

    user_id: str = Field("", max_length=200, description="Runs under this ID; the key's own when left out.")
    status: str = Field("", max_length=40, description=STATUSES)
    tool: str = Field("", max_length=120)
    connected_account_id: str = Field("", max_length=80)


class WaitIn(StrictIn):
    seconds: float = Field(30, ge=0, le=600, description="How long to wait at most; the installation has a limit too.")


class CheckOut(Out):
    """One line of the explanation: `passed`, `failed` or `not_reached`."""

    code: str
    label: str
    outcome: str
    detail: str


class RunErrorOut(Out):
    code: str
    message: str


class RunOut(Out):
    """One run. `arguments` and `data` are null to a key that may not see what was in it."""

    id: str
    status: str
    status_label: str
    is_over: bool
    user_id: str
    tool: str
    toolkit: str
    effect: str
    origin: str
    connected_account_id: str | None
    account_label: str | None
    because: str | None
    submitted_by: str | None
    retry_of: str | None
    tool_session_id: str | None
    attempt: int
    http_status: int | None
    error: RunErrorOut | None
    checks: list[CheckOut]
    may_read: bool
    arguments: dict[str, Any] | None
    data: dict[str, Any] | None
    is_truncated: bool
    created_at: str | None
    started_at: str | None
    finished_at: str | None
    provider_milliseconds: int | None
    url: str


class RunPageOut(Out):
    """Newest first. Arguments and results stand in each run itself."""

    items: list[RunOut]
    next_cursor: str | None


@router.post("/executions", response={202: RunOut})
def submit_run(request: ApiRequest, asked: RunIn, idempotency_key: str = KEY) -> Any:
    """The run is stored before this answers: from then on nothing loses it. A refusal is stored as a run too."""
    tool = tool_of_catalogue(actor=request.auth, name=asked.tool, version=asked.version)
    order = Order(
        requested=asked.user_id,
        tool=tool.slug,
        arguments=asked.arguments,
        account=asked.connected_account_id,
        idempotency_key=idempotency_key,
        origin=VIA_API,
    )
    return Status(HTTPStatus.ACCEPTED, _detail(request, accepted(request, order)))


@router.get("/executions", response=RunPageOut)
def list_runs(request: ApiRequest, asked: Query[RunListIn]) -> Any:
    actor = request.auth
    owner = owner_from(asked.user_id, actor=actor) if asked.user_id else home_of(actor=actor)
    if asked.status not in {"", *STATUS_WORDS}:
        raise DomainError(f"There is no status {asked.status}. There are {STATUSES}.", code="invalid_request")
    filters = ExecutionFilters(status=asked.status, tool=asked.tool.upper(), account=asked.connected_account_id)
    before = read_cursor(asked.cursor, actor=actor, what=owner.text_id) or ""
    page = list_executions(actor=actor, owner=owner, filters=filters, before=str(before), limit=bounded(asked.limit))
    cursor = make_cursor(page.older, actor=actor, what=owner.text_id) if page.older else None
    return RunPageOut(items=[_summary(row) for row in page.rows], next_cursor=cursor)


@router.get("/executions/{run_id}", response=RunOut)
def get_run(request: ApiRequest, run_id: str = RUN) -> Any:
    return _detail(request, _found(request, run_id))


@router.get("/executions/{run_id}/wait", response=RunOut)
@refusing
async def wait_for_run(request: ApiRequest, asked: Query[WaitIn], run_id: str = RUN) -> Any:
    """Answers when the run is over, and at the latest after the time: `is_over` tells which it was."""
    row = await sync_to_async(_found)(request, run_id)
    row = await run_when_over(request.auth, row.id, asked.seconds)
    return await sync_to_async(_detail)(request, row)


@router.post("/executions/{run_id}/cancel", response=RunOut)
def cancel_run(request: ApiRequest, run_id: str = RUN) -> Any:
    """409 once it was sent: what a provider was told cannot be taken back."""
    row = _found(request, run_id)
    row = cancel_execution(actor=request.auth, owner=row.owner.ref, execution_id=row.id, now=timezone.now())
    return _detail(request, row)


@router.post("/executions/{run_id}/again", response={202: RunOut})
def repeat_run(request: ApiRequest, asked: AgainIn, run_id: str = RUN, idempotency_key: str = KEY) -> Any:
    """A new run with the same arguments, under the same ID or another one of the key's."""
    row = _found(request, run_id)
    count_under(asked.user_id or row.owner.ref.passed_id, actor=request.auth)
    again = run_again(
        actor=request.auth,
        owner=row.owner.ref,
        execution_id=row.id,
        requested=asked.user_id,
        acknowledged=asked.acknowledged,
        idempotency_key=idempotency_key,
        origin=VIA_API,
        now=timezone.now(),
    )
    if again.status == "denied":
        raise refusal_of_run(again)
    return Status(HTTPStatus.ACCEPTED, _detail(request, again))


def _found(request: ApiRequest, text: str) -> Any:
    return find_execution(actor=request.auth, execution_id=from_text("ex", text))


def _detail(request: ApiRequest, row: Any) -> RunOut:
    """The run with what was in it, for whoever may see that."""
    try:
        found = get_execution(actor=request.auth, owner=row.owner.ref, execution_id=row.id)
    except DomainError:  # a key may ask for runs without the right to look at them
        return _summary(row)
    if not found.may_read:
        return _summary(found.row)
    arguments = found.arguments if isinstance(found.arguments, dict) else None
    return _summary(
        found.row,
        may_read=True,
        arguments=arguments,
        data=None if found.result is None else data_of(found),
        is_truncated=found.truncated,
    )


def _summary(row: Any, **opened: Any) -> RunOut:
    owner, decision = row.owner.ref, row.decision
    shown = {"may_read": False, "arguments": None, "data": None, "is_truncated": False, **opened}
    return RunOut(
        id=row.text_id,
        status=row.status,
        status_label=row.word.label,
        is_over=row.is_over,
        user_id=owner.passed_id,
        tool=row.tool_slug,
        toolkit=row.tool.toolkit.slug,
        effect=row.effect,
        origin=row.origin,
        connected_account_id=row.connected_account.text_id if row.connected_account else None,
        account_label=decision.get("account"),
        because=decision.get("because"),
        submitted_by=_who(row),
        retry_of=to_text("ex", row.retry_of_id) if row.retry_of_id else None,
        tool_session_id=to_text("trs", row.tool_session_id) if row.tool_session_id else None,
        attempt=row.attempt,
        http_status=row.http_status,
        error=RunErrorOut(code=row.error_code, message=row.error_message) if row.error_code else None,
        checks=[CheckOut(**one) for one in decision.get("checks", [])],
        created_at=stamp(row.created_at),
        started_at=stamp(row.started_at),
        finished_at=stamp(row.finished_at),
        provider_milliseconds=row.provider_milliseconds,
        url=page_url(owner, "run", execution_id=row.text_id),
        **shown,
    )


def _who(row: Any) -> str | None:
    """The user ID of who asked for it; null for an organization's key."""
    return to_text("user", row.submitted_by_id) if row.submitted_by_id else None
