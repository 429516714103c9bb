"""Tools: the catalogue, one tool with its form, and the order to run it."""

import json
from http import HTTPStatus
from itertools import groupby
from typing import Any

from django.contrib import messages
from django.http import HttpResponse, QueryDict
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.http import require_http_methods, require_safe

from accounts.htmx import lead_to, wants_fragment
from integrations.forms.arguments import ArgumentsForm, examples_of, typed_values, values_for
from integrations.forms.tools import EFFECT_CHOICES, ToolFilterForm
from integrations.queries.connections import default_account
from integrations.queries.executions import ExecutionFilters, list_executions
from integrations.queries.outages import outage_among
from integrations.queries.tools import ListedTool, ToolPage, decide_elsewhere, get_tool, list_toolkits, list_tools
from integrations.samples import tool_samples
from integrations.services.dry_runs import DryRun, dry_run
from integrations.services.executions import ArgumentsError, IdempotencyError, Order, submit_execution
from integrations.views.availability import availability, in_a_word, short_name, ways_out
from integrations.views.ways_out import access_page
from orgs.addresses import owner_url
from orgs.decorators import OwnedRequest, for_owner
from orgs.permissions import Permission, can
from orgs.queries.members import names_of_admins

LAST_RUNS = 5
SENT_TWICE = "This form was sent before with the same values, so nothing ran twice. Run again repeats it."


@for_owner(Permission.TOOLS_READ)
@require_safe
def index(request: OwnedRequest) -> HttpResponse:
    filters = ToolFilterForm(request.GET).filters()
    found = list_tools(actor=request.actor, owner=request.owner, filters=filters)
    toolkits = list_toolkits(actor=request.actor, owner=request.owner)
    ready = f"Runs now as {short_name(request.owner)}"
    context = {
        "groups": [
            (toolkit, [(one, availability(one, request.owner)) for one in rows])
            for toolkit, rows in groupby(found, key=_toolkit_of)
        ],
        "count": len(found),
        "filters": filters,
        "toolkits": [(one.slug, one.name) for one in toolkits],
        "effects": EFFECT_CHOICES,
        "readiness": [("1", ready)],
    }
    return render(request, f"integrations/tools/{'_list' if wants_fragment(request) else 'list'}.html", context)


def _toolkit_of(listed: ListedTool) -> Any:
    return listed.tool.toolkit


@for_owner(Permission.TOOLS_READ)
@require_http_methods(["GET", "HEAD", "POST"])
def detail(request: OwnedRequest, name: str) -> HttpResponse:
    """The page of one tool. A POST changes nothing: it brings what was typed along, from another ID or account."""
    sent = request.POST if request.method == "POST" else request.GET
    page = _page(request, name, sent)
    if page.tool.slug != name and request.method != "POST":
        query = f"?{request.GET.urlencode()}" if request.GET else ""
        return redirect(f"{owner_url(request.owner, 'tool', name=page.tool.slug)}{query}")
    initial = _initial(page, sent, examples="examples" in request.GET)
    form = ArgumentsForm(page.spec, initial=initial, shown=page.shown)
    return _show(request, page, form)


def _page(request: OwnedRequest, name: str, sent: QueryDict) -> ToolPage:
    return get_tool(actor=request.actor, owner=request.owner, name=name, account=_account(request, sent))


def _account(request: OwnedRequest, sent: QueryDict) -> str:
    """The account that was chosen; one chosen under another ID is not brought along."""
    return sent.get("account", "") if sent.get("acting_as", request.owner.text_id) == request.owner.text_id else ""


def _initial(page: ToolPage, sent: QueryDict, *, examples: bool) -> dict[str, Any]:
    typed = typed_values(page.spec, sent)
    if not examples:
        return typed
    filled = {key: value for key, value in typed.items() if value}
    return {**values_for(page.spec, examples_of(page.spec, page.shown)), **filled}


@for_owner(Permission.TOOLS_EXECUTE)
@require_http_methods(["GET", "HEAD", "POST"])
def run(request: OwnedRequest, name: str) -> HttpResponse:
    """Order a run. A refusal by the rule is a run too, with the explanation on its page."""
    if request.method != "POST":  # somebody reloads the page after wrong arguments
        return redirect(owner_url(request.owner, "tool", name=name))
    page = _page(request, name, request.POST)
    form = ArgumentsForm(page.spec, request.POST, shown=page.shown)
    order_page = _ordered(request, page, form) if form.is_valid() else ""
    if not order_page:
        return _show(request, page, form, status=HTTPStatus.UNPROCESSABLE_ENTITY)
    return lead_to(request, order_page)


def _ordered(request: OwnedRequest, page: ToolPage, form: ArgumentsForm) -> str:
    """The address of the run; empty when the form must be shown again."""
    now = timezone.now()
    try:
        row = submit_execution(actor=request.actor, order=_order(request, page, form), now=now)
    except ArgumentsError as error:
        form.add_problems(error.details)
        return ""
    except IdempotencyError:
        form.add_error(None, "This form was sent before with other values. Load the page again, then run it.")
        return ""
    if row.created_at < now:
        messages.info(request, SENT_TWICE)
    return owner_url(request.owner, "run", execution_id=row.text_id)


def _order(request: OwnedRequest, page: ToolPage, form: ArgumentsForm) -> Order:
    return Order(
        requested=request.owner.text_id,
        tool=page.tool.slug,
        arguments=form.arguments,
        account=_account(request, request.POST),
        idempotency_key=form.key_for(page.decision.code),
    )


@for_owner(Permission.TOOLS_EXECUTE)
@require_http_methods(["GET", "HEAD", "POST"])
def try_out(request: OwnedRequest, name: str) -> HttpResponse:
    """Everything of a run but the call: what would happen with what was typed, above the form that still holds it."""
    if request.method != "POST":
        return redirect(owner_url(request.owner, "tool", name=name))
    page = _page(request, name, request.POST)
    form = ArgumentsForm(page.spec, request.POST, shown=page.shown)
    found = _tried_out(request, page, form) if form.is_valid() else None
    if found is None:
        return _show(request, page, form, status=HTTPStatus.UNPROCESSABLE_ENTITY)
    return _show(request, page, form, tried=found, again=json.dumps(form.arguments, ensure_ascii=False))


def _tried_out(request: OwnedRequest, page: ToolPage, form: ArgumentsForm) -> DryRun | None:
    """None when the arguments do not fit, which the form then says."""
    try:
        return dry_run(actor=request.actor, order=_order(request, page, form))
    except ArgumentsError as error:
        form.add_problems(error.details)
        return None


def _show(
    request: OwnedRequest, page: ToolPage, form: ArgumentsForm, status: HTTPStatus = HTTPStatus.OK, **more: Any
) -> HttpResponse:
    whole = "integrations/tools/tool.html"
    template = "integrations/tools/_run.html" if wants_fragment(request) else whole
    return render(request, template, {**_context(request, page, form), **more}, status=status)


def _context(request: OwnedRequest, page: ToolPage, form: ArgumentsForm) -> dict[str, Any]:
    elsewhere = decide_elsewhere(actor=request.actor, tool=page.tool, owner=request.owner)
    default = default_account(list(page.accounts), actor=request.actor)
    return {
        "page": page,
        "tool": page.tool,
        "decision": page.decision,
        "form": form,
        "others": [(one, short_name(one), in_a_word(decision)) for one, decision in elsewhere],
        "ways": ways_out(page, elsewhere),
        "admins": _admins(request) if any(not one.by_actor for one in page.decision.remedies) else [],
        "access_url": _access_url(request, page),
        "may_run": can(request.actor, Permission.TOOLS_EXECUTE, request.owner),
        "chosen": _account(request, request.POST if request.method == "POST" else request.GET),
        "default_account": default,
        "has_examples": bool(examples_of(page.spec, page.shown)),
        "code_samples": _code(request, page),
        "last_runs": _last_runs(request, page),
        "outage": outage_among(actor=request.actor, owner=request.owner, accounts=[default] if default else []),
    }


def _access_url(request: OwnedRequest, page: ToolPage) -> str:
    """Where a member whose every run waits for approval asks for lasting access."""
    waits = page.decision.needs_approval and not can(request.actor, Permission.REQUESTS_DECIDE, request.owner)
    return access_page(page.decision, page.tool) if waits else ""


def _code(request: OwnedRequest, page: ToolPage) -> list[tuple[str, str]]:
    """The same run from code, under this ID, with the examples of the catalogue for arguments."""
    arguments = examples_of(page.spec, page.shown)
    return tool_samples(request.owner.text_id, page.tool.slug, page.tool.toolkit.version, arguments)


def _admins(request: OwnedRequest) -> list[str]:
    """Who can help, by name: "ask an admin" alone leads nowhere."""
    return names_of_admins(actor=request.actor, owner=request.owner) if request.owner.is_organization else []


def _last_runs(request: OwnedRequest, page: ToolPage) -> list[Any]:
    filters = ExecutionFilters(tool=page.tool.slug)
    return list_executions(actor=request.actor, owner=request.owner, filters=filters, limit=LAST_RUNS).rows
