"""Runs: the list, one run live, call off, run again, download."""

from http import HTTPStatus
from typing import Any
from uuid import UUID, uuid4

from django.contrib import messages
from django.http import HttpResponse, JsonResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.http import require_POST, require_safe

from accounts.htmx import wants_fragment
from accounts.ids import from_text
from accounts.own_paths import own_path
from integrations.forms.runs import PERIOD_CHOICES, RunAgainForm, RunFilterForm
from integrations.queries.approvals import approval_of
from integrations.queries.executions import (
    STATUS_CHOICES,
    ExecutionDetail,
    accounts_used,
    changed_executions,
    get_execution,
    has_executions,
    list_executions,
    people_who_ran,
    runs_to_call_off,
    tools_used,
)
from integrations.services.executions import cancel_execution
from integrations.services.running_again import run_again
from integrations.views.receipts import explain_url, receipt_of, run_url, ways_out
from orgs.addresses import owner_url
from orgs.decorators import OwnedRequest, for_owner
from orgs.denials import note_denial
from orgs.errors import DomainError, ForbiddenError, NotFoundError
from orgs.paging import page_url
from orgs.permissions import Permission, can

STOP_POLLING = 286  # htmx: swap this, and do not ask again
FILTERS = ("status", "tool", "account", "person", "time", "mine")
PRIVATE = "Only the person who ran it and admins can see this."


@for_owner(Permission.EXECUTIONS_READ)
@require_safe
def index(request: OwnedRequest) -> HttpResponse:
    if seen := request.GET.getlist("seen"):
        return _changed_rows(request, seen)
    reading: dict[str, Any] = {"actor": request.actor, "owner": request.owner}
    choices = _choices(request)
    form = RunFilterForm(request.GET, **{f"{name}s": choices[name] for name in ("tool", "account", "person")})
    filters = form.filters(timezone.now())
    page = list_executions(
        **reading, filters=filters, before=request.GET.get("before", ""), after=request.GET.get("after", "")
    )
    context = {
        "page": page,
        "filters": filters,
        "chosen": form.cleaned_data,
        "ignored": form.ignored,
        "choices": choices,
        "has_any": bool(page.rows) or has_executions(**reading),
        "watched": [f"{row.text_id}:{row.mark}" for row in page.rows if not row.is_over],  # what may still change
        "older_url": page_url(request.GET, FILTERS, before=page.older),
        "newer_url": page_url(request.GET, FILTERS, after=page.newer),
        "may_cancel_any": _may_cancel_any(request),
        "may_call_off": len(runs_to_call_off(**reading, filters=filters, most=2)) > 1,
        "call_off_url": f"{owner_url(request.owner, 'runs_call_off')}{page_url(request.GET, FILTERS)}",
        "may_run": can(request.actor, Permission.TOOLS_EXECUTE, request.owner),
    }
    return render(request, f"integrations/runs/{'_list' if wants_fragment(request) else 'list'}.html", context)


def _choices(request: OwnedRequest) -> dict[str, Any]:
    """What the filters offer: what occurs. On one's own page there is one person, so no choice."""
    reading: dict[str, Any] = {"actor": request.actor, "owner": request.owner}
    return {
        "status": STATUS_CHOICES,
        "tool": [(slug, slug) for slug in tools_used(**reading)],
        "account": [(one.text_id, f"{one.toolkit.name}: {one.label}") for one in accounts_used(**reading)],
        "person": people_who_ran(**reading) if request.owner.is_organization else [],
        "time": PERIOD_CHOICES,
    }


def _changed_rows(request: OwnedRequest, seen: list[str]) -> HttpResponse:
    """The rows that look different by now; `seen` holds ID and mark of those that were not over."""
    marks = dict(one.partition(":")[::2] for one in seen)
    rows = changed_executions(actor=request.actor, owner=request.owner, seen=marks)
    if not rows:
        return HttpResponse(status=HTTPStatus.NO_CONTENT)
    for row in rows:
        marks[row.text_id] = "" if row.is_over else row.mark
    watched = [f"{text_id}:{mark}" for text_id, mark in marks.items() if mark]
    context = {"rows": rows, "watched": watched, "may_cancel_any": _may_cancel_any(request)}
    return render(request, "integrations/runs/_changed_rows.html", context)


def _may_cancel_any(request: OwnedRequest) -> bool:
    return can(request.actor, Permission.EXECUTIONS_READ_RESULTS, request.owner)


@for_owner(Permission.EXECUTIONS_READ)
@require_safe
def detail(request: OwnedRequest, execution_id: str) -> HttpResponse:
    return render(request, "integrations/runs/run.html", _context(request, _get(request, execution_id)))


@for_owner(Permission.EXECUTIONS_READ)
@require_safe
def status(request: OwnedRequest, execution_id: str) -> HttpResponse:
    """The live part of the page: 204 while it looks as it did, 286 once it is over."""
    found = _get(request, execution_id)
    if not found.row.is_over and request.GET.get("seen") == found.row.mark:
        return HttpResponse(status=HTTPStatus.NO_CONTENT)
    code = STOP_POLLING if found.row.is_over else HTTPStatus.OK
    return render(request, "integrations/runs/_status.html", _context(request, found), status=code)


def _get(request: OwnedRequest, execution_id: str) -> ExecutionDetail:
    return get_execution(actor=request.actor, owner=request.owner, execution_id=read_id(execution_id))


def read_id(execution_id: str) -> UUID:
    found = from_text("ex", execution_id)
    if found is None:
        raise NotFoundError("There is no such run here.")
    return found


def _context(request: OwnedRequest, found: ExecutionDetail) -> dict[str, Any]:
    again_url = run_url(request.owner, found.row.text_id, "run_again")
    return {
        "detail": found,
        "run": found.row,
        "approval": approval_of(actor=request.actor, owner=request.owner, execution=found.row),
        "receipt": receipt_of(found, timezone.now()),
        "ways": ways_out(found, request.actor, run_url(request.owner, found.row.text_id), again_url),
        "again_url": again_url,
        "explain_url": explain_url(found, request.actor),
        "nonce": uuid4(),
        "private": PRIVATE,
        "is_mine": found.row.submitted_by_id == request.user.id,
    }


@for_owner(Permission.EXECUTIONS_READ)
@require_POST
def cancel(request: OwnedRequest, execution_id: str) -> HttpResponse:
    try:
        row = cancel_execution(
            actor=request.actor, owner=request.owner, execution_id=read_id(execution_id), now=timezone.now()
        )
    except DomainError as error:
        if error.status == HTTPStatus.NOT_FOUND:
            raise
        note_denial(request, error)
        messages.warning(request, error.message)
    else:
        done = "Called off. Nothing was sent to the provider."
        asked = "It is being called off. If it was not sent yet, it will not be."
        messages.success(request, done if row.is_over else asked)
    return redirect(own_path(request.POST.get("next", "")) or run_url(request.owner, execution_id))


@for_owner(Permission.EXECUTIONS_READ)
@require_POST
def again(request: OwnedRequest, execution_id: str) -> HttpResponse:
    """Under the same ID, or under another of one's own: then the rule decides there."""
    form = RunAgainForm(request.POST)
    if not form.is_valid():
        messages.error(request, "This form was not complete. Try again from here.")
        return redirect(run_url(request.owner, execution_id))
    try:
        row = run_again(
            actor=request.actor,
            owner=request.owner,
            execution_id=read_id(execution_id),
            requested=form.cleaned_data["requested"],
            acknowledged=form.cleaned_data["acknowledged"],
            idempotency_key=form.idempotency_key,
            now=timezone.now(),
        )
    except DomainError as error:
        if error.code == NotFoundError.code:
            raise
        note_denial(request, error)
        messages.error(request, error.message)
        return redirect(run_url(request.owner, execution_id))
    return redirect(run_url(row.owner.ref, row.text_id))


@for_owner(Permission.EXECUTIONS_READ)
@require_safe
def download(request: OwnedRequest, execution_id: str) -> HttpResponse:
    """The result as a file: never shown by the browser, whatever the provider put into it."""
    found = _get(request, execution_id)
    if not found.may_read:
        raise ForbiddenError(PRIVATE)
    if found.result is None:
        raise NotFoundError("This run has no result to download.")
    response = JsonResponse(found.result, safe=False, json_dumps_params={"indent": 2})
    response["Content-Disposition"] = f'attachment; filename="{found.row.text_id}.json"'
    response["X-Content-Type-Options"] = "nosniff"
    return response
