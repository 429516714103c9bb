"""Approvals: the runs that wait for a decision, and the decision."""

from http import HTTPStatus
from typing import Any

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.http import require_POST, require_safe

from accounts.htmx import wants_fragment
from integrations.forms.policies import DenyForm
from integrations.queries.approvals import list_decided, list_waiting, waiting_row
from integrations.services.approvals import approve_execution, deny_execution
from integrations.views.receipts import run_url
from integrations.views.runs import read_id
from orgs.addresses import owner_url
from orgs.decorators import OwnedRequest, for_owner
from orgs.denials import note_denial
from orgs.errors import DomainError
from orgs.permissions import Permission


@for_owner(Permission.APPROVALS_DECIDE)
@require_safe
def index(request: OwnedRequest) -> HttpResponse:
    return _show(request)


def _show(request: OwnedRequest, status: HTTPStatus = HTTPStatus.OK, **more: Any) -> HttpResponse:
    reading: dict[str, Any] = {"actor": request.actor, "owner": request.owner}
    waiting = list_waiting(**reading)
    mark = ".".join(one.row.id.hex[-8:] for one in waiting) or "none"
    if wants_fragment(request) and request.GET.get("seen") == mark:
        return HttpResponse(status=HTTPStatus.NO_CONTENT)
    context = {"waiting": waiting, "decided": list_decided(**reading), "mark": mark, **more}
    template = "_lists" if wants_fragment(request) and request.method == "GET" else "approvals"
    return render(request, f"integrations/approvals/{template}.html", context, status=status)


@for_owner(Permission.APPROVALS_DECIDE)
@require_POST
def approve(request: OwnedRequest, execution_id: str) -> HttpResponse:
    try:
        row = approve_execution(
            actor=request.actor, owner=request.owner, execution_id=read_id(execution_id), now=timezone.now()
        )
    except DomainError as error:
        return _not_decided(request, execution_id, error)
    if row.status == "denied":
        messages.warning(request, f"It was not run: {row.error_message}")
    else:
        messages.success(request, f"Approved. “{row.tool.name}” runs now.")
    return _back(request, execution_id)


@for_owner(Permission.APPROVALS_DECIDE)
@require_POST
def deny(request: OwnedRequest, execution_id: str) -> HttpResponse:
    waiting_row(actor=request.actor, owner=request.owner, execution_id=read_id(execution_id))
    form = DenyForm(request.POST)
    if not form.is_valid():
        return _show(request, HTTPStatus.UNPROCESSABLE_ENTITY, bad_id=execution_id, form=form)
    try:
        row = deny_execution(
            actor=request.actor,
            owner=request.owner,
            execution_id=read_id(execution_id),
            reason=form.cleaned_data["reason"],
            now=timezone.now(),
        )
    except DomainError as error:
        return _not_decided(request, execution_id, error)
    messages.success(request, f"Denied. “{row.tool.name}” was not run, and whoever asked reads why.")
    return _back(request, execution_id)


def _not_decided(request: OwnedRequest, execution_id: str, error: DomainError) -> HttpResponse:
    """Said where the reader is: the run may wait on, or somebody was faster."""
    if error.status == HTTPStatus.NOT_FOUND:
        raise error
    note_denial(request, error)
    messages.error(request, error.message)
    return _back(request, execution_id)


def _back(request: OwnedRequest, execution_id: str) -> HttpResponse:
    """To where the button stood."""
    if request.POST.get("from") == "run":
        return redirect(run_url(request.owner, execution_id))
    return redirect(owner_url(request.owner, "approvals"))
