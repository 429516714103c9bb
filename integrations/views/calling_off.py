"""Call off all waiting runs that fit the filters of the runs page: what it would be, then the deed."""

from typing import Any, Final

from django.contrib import messages
from django.http import HttpResponse, QueryDict
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.http import require_http_methods

from accounts.ids import from_text
from integrations.forms.runs import RunFilterForm
from integrations.queries.executions import MOST_AT_ONCE, accounts_used, people_who_ran, runs_to_call_off, tools_used
from integrations.services.executions import cancel_executions
from orgs.addresses import owner_url
from orgs.decorators import OwnedRequest, for_owner
from orgs.permissions import Permission

SHOWN: Final = 25


@for_owner(Permission.EXECUTIONS_READ)
@require_http_methods(["GET", "HEAD", "POST"])
def call_off(request: OwnedRequest) -> HttpResponse:
    filters = _filters(request)
    reading: dict[str, Any] = {"actor": request.actor, "owner": request.owner, "filters": filters}
    until = from_text("ex", request.POST.get("until", ""))
    if request.method == "POST" and until is not None:
        rows = runs_to_call_off(**reading, until=until)
        done = cancel_executions(actor=request.actor, owner=request.owner, rows=rows, now=timezone.now())
        _say(request, done, len(rows) - done)
        return redirect(f"{owner_url(request.owner, 'runs')}{_query(request.GET)}")
    rows = runs_to_call_off(**reading)
    context = {
        "rows": rows[:SHOWN],
        "count": len(rows),
        "more": max(0, len(rows) - SHOWN),
        "is_cut": len(rows) == MOST_AT_ONCE,
        "is_filtered": filters.is_set,
        "until": rows[0].text_id if rows else "",
        "back": f"{owner_url(request.owner, 'runs')}{_query(request.GET)}",
    }
    return render(request, "integrations/runs/call_off.html", context)


def _filters(request: OwnedRequest) -> Any:
    """As on the runs page: what it does not offer narrows nothing down there, and so nothing here."""
    reading: dict[str, Any] = {"actor": request.actor, "owner": request.owner}
    form = RunFilterForm(
        request.GET,
        tools=[(slug, slug) for slug in tools_used(**reading)],
        accounts=[(one.text_id, one.label) for one in accounts_used(**reading)],
        persons=people_who_ran(**reading) if request.owner.is_organization else [],
    )
    return form.filters(timezone.now())


def _query(asked: QueryDict) -> str:
    return f"?{asked.urlencode()}" if asked else ""


def _say(request: OwnedRequest, done: int, late: int) -> None:
    if done:
        what = "1 run was" if done == 1 else f"{done} runs were"
        messages.success(request, f"{what} called off. Nothing of that was sent.")
    if late:
        what = "1 run was" if late == 1 else f"{late} runs were"
        messages.warning(request, f"{what} sent or over before that: look at how it ended.")
    if not done and not late:
        messages.info(request, "Nothing was waiting any more.")
