"""Sessions: what an agent works with. Make, look, change, end."""

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any
from uuid import UUID

from django.conf import settings
from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.http import require_http_methods, require_safe

from accounts.ids import from_text
from integrations.forms.sessions import FOLLOW, OUT, SessionForm, ToolkitOption
from integrations.queries.executions import ExecutionFilters, list_executions
from integrations.queries.tool_sessions import (
    SessionChoice,
    list_sessions,
    may_change,
    possible_choices,
    session_overview,
    session_row,
    waiting_runs,
)
from integrations.services.tool_sessions import SessionPlan, change_session, create_page_session, end_session
from integrations.session_limits import limit_words
from integrations.views.mcp_clients import client_configs
from integrations.views.ways_out import repair
from orgs.addresses import owner_url
from orgs.decorators import OwnedRequest, for_owner
from orgs.errors import ConflictError, DomainError, NotFoundError
from orgs.permissions import Permission, can, require

LATEST_RUNS = 10
VIEWER = "Your role may look at sessions, not make them. Ask an admin for the role member."
NOT_YOURS = "Only the person who made it and admins can change it."


@for_owner(Permission.SESSIONS_READ)
@require_safe
def index(request: OwnedRequest) -> HttpResponse:
    ended = request.GET.get("state") == "ended"
    page = list_sessions(actor=request.actor, owner=request.owner, ended=ended, before=request.GET.get("before", ""))
    may_make = can(request.actor, Permission.TOOLS_EXECUTE, request.owner)
    state = "state=ended&" if ended else ""
    context = {"page": page, "ended": ended, "reason": "" if may_make else VIEWER}
    context["older_url"] = f"?{state}before={page.older}" if page.older else ""
    return render(request, "integrations/sessions/list.html", context)


@for_owner(Permission.TOOLS_EXECUTE)
@require_http_methods(["GET", "HEAD", "POST"])
def new(request: OwnedRequest) -> HttpResponse:
    form = _form(request)
    if request.method == "POST" and form.is_valid():
        try:
            session = create_page_session(**_writing(request), plan=_plan(form, {}))
        except DomainError as error:
            form.add_error(None, error.message)
        else:
            messages.success(request, f"{session.name} is ready. Copy its address into your agent.")
            return redirect(owner_url(request.owner, "session", session_id=session.text_id))
    return _form_page(request, form, None)


@for_owner(Permission.SESSIONS_READ)
@require_safe
def detail(request: OwnedRequest, session_id: str) -> HttpResponse:
    session = _session(request, session_id)
    filters = ExecutionFilters(session=session.text_id)
    runs = list_executions(actor=request.actor, owner=request.owner, filters=filters, limit=LATEST_RUNS)
    url = f"{settings.BASE_URL}/mcp/sessions/{session.text_id}/"
    rows = [] if session.has_ended else session_overview(actor=request.actor, session=session)
    context = {
        "session": session,
        "rows": [(row, _way_out(request, row)) for row in rows],
        "runs": runs.rows,
        "limits": limit_words(session),
        "mcp_url": url,
        "configs": client_configs(url, session.name),
        "reason": "" if may_change(session, actor=request.actor) else NOT_YOURS,
    }
    return render(request, "integrations/sessions/session.html", context)


def _way_out(request: OwnedRequest, row: Any) -> Any:
    """The first way out of what stops its tools, when nothing of the toolkit runs."""
    if row.running or row.stopped is None or not row.stopped.remedies:
        return None
    way = repair(row.stopped.remedies[-1], row.stopped, row.stopped_tool, back=request.path)
    return None if way.is_post else way


@for_owner(Permission.SESSIONS_READ)
@require_http_methods(["GET", "HEAD", "POST"])
def change(request: OwnedRequest, session_id: str) -> HttpResponse:
    session = _changeable(request, session_id)
    form = _form(request, session)
    if request.method == "POST" and form.is_valid():
        try:
            changed = change_session(**_writing(request), session_id=session.id, plan=_plan(form, session.config))
        except DomainError as error:
            form.add_error(None, error.message)
        else:
            messages.success(request, f"{changed.name} is changed. Agents see it with their next request.")
            return redirect(owner_url(request.owner, "session", session_id=session.text_id))
    return _form_page(request, form, session)


@for_owner(Permission.SESSIONS_READ)
@require_http_methods(["GET", "HEAD", "POST"])
def end(request: OwnedRequest, session_id: str) -> HttpResponse:
    session = _changeable(request, session_id)
    if request.method == "POST":
        try:
            end_session(**_writing(request), session_id=session.id)
        except ConflictError as error:
            messages.warning(request, error.message)
        else:
            messages.success(request, f"{session.name} has ended. Nothing runs in it any more.")
        return redirect(owner_url(request.owner, "sessions"))
    waiting = waiting_runs(actor=request.actor, session=session)
    return render(request, "integrations/sessions/end.html", {"session": session, "waiting": waiting})


def _form(request: OwnedRequest, session: Any = None) -> SessionForm:
    possible = possible_choices(actor=request.actor, owner=request.owner)
    options = [_option(one, accounts) for one, accounts in possible]
    chosen = _chosen(session, options) if session else {}
    return SessionForm(request.POST if request.method == "POST" else None, options=options, chosen=chosen)


def _option(choice: SessionChoice, accounts: list[Any]) -> ToolkitOption:
    kit = choice.toolkit
    labelled = [(one.text_id, f"{one.label} ({one.word.label.lower()})") for one in accounts]
    if not kit.needs_account:
        follows = "In it: its tools need no account"
    elif choice.account is not None:
        follows = f"Follows the default or newest account: {choice.account.label} now"
    else:
        follows = "Follows the first account that is connected"
    is_usable = not kit.needs_account or choice.account is not None
    return ToolkitOption(kit.slug, kit.name, labelled, follows, is_usable)


def _chosen(session: Any, options: list[ToolkitOption]) -> dict[str, Any]:
    """What the form shows of a session that exists."""
    said = {one.toolkit.slug: _value(one) for one in session.choices.all()}
    usual = FOLLOW if session.takes_all else OUT
    toolkits = {one.field: said.get(one.slug, usual) for one in options}
    return {"name": session.name, "takes_all": session.takes_all, **toolkits}


def _value(choice: Any) -> str:
    if choice.is_excluded:
        return OUT
    return choice.connected_account.text_id if choice.connected_account else FOLLOW


def _form_page(request: OwnedRequest, form: SessionForm, session: Any) -> HttpResponse:
    status = HTTPStatus.UNPROCESSABLE_ENTITY if form.errors else HTTPStatus.OK
    return render(request, "integrations/sessions/form.html", {"form": form, "session": session}, status=status)


def _plan(form: SessionForm, config: Mapping[str, Any]) -> SessionPlan:
    return SessionPlan(
        name=form.cleaned_data["name"],
        toolkits=form.toolkits,
        takes_all=form.cleaned_data["takes_all"],
        excluded=form.excluded,
        config=config,
    )


def _writing(request: OwnedRequest) -> dict[str, Any]:
    return {"actor": request.actor, "owner": request.owner, "now": timezone.now()}


def _changeable(request: OwnedRequest, session_id: str) -> Any:
    """A live session that the visitor may change; the service looks again, under a lock."""
    session = _session(request, session_id)
    if not may_change(session, actor=request.actor):
        require(request.actor, Permission.SESSIONS_MANAGE, request.owner)
    return session


def _session(request: OwnedRequest, session_id: str) -> Any:
    found: UUID | None = from_text("trs", session_id)
    if found is None:
        raise NotFoundError("There is no such session here.")
    return session_row(actor=request.actor, owner=request.owner, session_id=found)
