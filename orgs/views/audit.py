"""The audit log: who did what, when, and what was refused."""

from collections.abc import Sequence
from typing import Any, Final

from django.http import HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_GET, require_safe

from accounts.htmx import wants_fragment
from orgs.decorators import OwnedRequest, for_owner
from orgs.exports import csv_lines, download, json_lines
from orgs.forms import PERIOD_CHOICES, AuditFilterForm
from orgs.paging import page_url
from orgs.permissions import Permission
from orgs.queries.audit import (
    ACTION_CHOICES,
    RESULT_CHOICES,
    AuditFilters,
    acted_for,
    actors_seen,
    all_events,
    get_event,
    has_events,
    list_events,
    place_of,
)
from orgs.services.audit import record_export

FILTERS: Final = ("target", "actor", "acting_as", "action", "result", "time")
HEADS: Final = (
    "Time (UTC)", "Action", "Result", "Code", "Actor kind", "Actor ID", "Actor", "Acting as",
    "Target kind", "Target ID", "Target", "Request ID", "Details", "ID",
)  # fmt: skip


@for_owner(Permission.AUDIT_READ)
@require_safe
def index(request: OwnedRequest) -> HttpResponse:
    reading: dict[str, Any] = {"actor": request.actor, "owner": request.owner}
    who = _who(request)
    form = AuditFilterForm(request.GET, **who)
    filters = form.filters(timezone.now())
    page = list_events(
        **reading, filters=filters, before=request.GET.get("before", ""), after=request.GET.get("after", "")
    )
    context = {
        "page": page,
        "filters": filters,
        "chosen": form.cleaned_data,
        "ignored": form.ignored,
        "choices": {**who, "action": ACTION_CHOICES, "result": RESULT_CHOICES, "time": PERIOD_CHOICES},
        "has_any": bool(page.rows) or has_events(**reading),
        "query": page_url(request.GET, FILTERS),
        "older_url": page_url(request.GET, FILTERS, before=page.older),
        "newer_url": page_url(request.GET, FILTERS, after=page.newer),
    }
    return render(request, f"orgs/audit/{'_list' if wants_fragment(request) else 'list'}.html", context)


def _who(request: OwnedRequest) -> dict[str, list[tuple[str, str]]]:
    reading: dict[str, Any] = {"actor": request.actor, "owner": request.owner}
    actors = actors_seen(**reading)
    return {"actors": actors, "acted_for": acted_for(**reading, known=actors)}


@for_owner(Permission.AUDIT_READ)
@require_safe
def detail(request: OwnedRequest, event_id: str) -> HttpResponse:
    event = get_event(actor=request.actor, owner=request.owner, event_id=event_id)
    place = place_of(actor=request.actor, event=event)
    context = {"event": event, "place": place, "query": page_url(request.GET, FILTERS)}  # the way back keeps them
    return render(request, "orgs/audit/event.html", context)


@for_owner(Permission.AUDIT_READ)
@require_GET  # not HEAD: an export leaves a record
def as_csv(request: OwnedRequest) -> HttpResponse:
    rows = (_cells(event) for event in _exported(request, "csv"))
    return download(request, csv_lines(HEADS, rows), name="audit.csv", content_type="text/csv; charset=utf-8")


@for_owner(Permission.AUDIT_READ)
@require_GET  # not HEAD: an export leaves a record
def as_json(request: OwnedRequest) -> HttpResponse:
    rows = (event.facts for event in _exported(request, "json"))
    return download(request, json_lines(rows), name="audit.json", content_type="application/json")


def _exported(request: OwnedRequest, kind: str) -> Any:
    """The events that the filters leave, and a record of the export, which is the newest of them."""
    reading: dict[str, Any] = {"actor": request.actor, "owner": request.owner}
    now = timezone.now()
    form = AuditFilterForm(request.GET, **_who(request))
    filters: AuditFilters = form.filters(now)
    record_export(**reading, kind=kind, now=now)
    return all_events(**reading, filters=filters)


def _cells(event: Any) -> Sequence[object]:
    details = "; ".join(f"{name}: {value}" for name, value in event.details.items())
    return (
        event.at.isoformat(timespec="microseconds"), event.action, event.result, event.code, event.actor_kind,
        event.actor_id, event.actor_label, event.acting_as, event.target_kind, event.target_id, event.target_label,
        event.request_id, details, event.text_id,
    )  # fmt: skip
