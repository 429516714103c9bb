"""Tool sessions: what an agent works with."""

from functools import partial
from http import HTTPStatus
from typing import Any, Final

from django.utils import timezone
from ninja import Query, Router, Status
from ninja.params import functions

from integrations.api.account_answers import config_ref, link_out
from integrations.api.asking import ApiRequest, listed, owner_from
from integrations.api.catalogue_answers import logo_url
from integrations.api.paging import offset_of, page_numbers
from integrations.api.session_plans import WITHOUT_EFFECT, new_plan, revised, warnings_about
from integrations.api.session_shapes import (
    EndedOut,
    McpOut,
    SessionAccountOut,
    SessionChangeIn,
    SessionIn,
    SessionLinkIn,
    SessionLinkOut,
    SessionMetaOut,
    SessionOut,
    SessionToolkitOut,
    SessionToolkitPageOut,
    SessionToolkitsIn,
)
from integrations.doors.session_answers import STATES, announced
from integrations.queries.tool_sessions import (
    choices_beside,
    find_session,
    session_choices,
)
from integrations.services.agent_links import Wanted, agent_link, manages_connections, usual_callback
from integrations.services.executions import VIA_API
from integrations.services.session_runs import require_live
from integrations.services.tool_sessions import create_session, end_session, revise_session
from integrations.stamps import stamp
from orgs.permissions import Actor

router = Router(tags=["Tool sessions"])
SESSION: Any = functions.Path(..., max_length=80, description="trs_…")
MAX_TOOLKITS: Final = 50
ALL: Final = "all"
# Kept as they were given, and given back.
KEPT: Final = ("auth_configs", "tools", "tags", "preload", *WITHOUT_EFFECT)


@router.post("/tool_router/session", response={201: SessionOut})
def create_tool_session(request: ApiRequest, asked: SessionIn) -> Any:
    owner = owner_from(asked.user_id, actor=request.auth)
    plan = new_plan(asked.model_dump(exclude_unset=True), actor=request.auth)
    session = create_session(actor=request.auth, owner=owner, plan=plan, origin=VIA_API, now=timezone.now())
    return Status(HTTPStatus.CREATED, _out(request, session.text_id))


@router.get("/tool_router/session/{session_id}", response=SessionOut)
def get_tool_session(request: ApiRequest, session_id: str = SESSION) -> Any:
    return _out(request, session_id)


@router.patch("/tool_router/session/{session_id}", response=SessionOut)
def change_tool_session(request: ApiRequest, asked: SessionChangeIn, session_id: str = SESSION) -> Any:
    """What is left out stays as it is, and null takes it away. Runs that were accepted before keep their account."""
    session = live_session(request, session_id)
    sent = asked.model_dump(exclude_unset=True, exclude={"expected_config_version", "user_id"})
    revise_session(
        actor=request.auth,
        owner=session.owner.ref,
        session_id=session.id,
        revise=partial(revised, sent=sent, actor=request.auth),
        expected=asked.expected_config_version,
        now=timezone.now(),
    )
    return _out(request, session_id)


@router.delete("/tool_router/session/{session_id}", response=EndedOut)
def end_tool_session(request: ApiRequest, session_id: str = SESSION) -> Any:
    """Over for good: the next request in it is refused."""
    session = find_session(actor=request.auth, text=session_id)
    end_session(actor=request.auth, owner=session.owner.ref, session_id=session.id, now=timezone.now())
    return EndedOut(session_id=session.text_id, deleted=True)


@router.post("/tool_router/session/{session_id}/link", response={201: SessionLinkOut})
def link_in_session(request: ApiRequest, asked: SessionLinkIn, session_id: str = SESSION) -> Any:
    """A link by which the person connects one more account of a toolkit."""
    session = live_session(request, session_id)
    wanted = Wanted(
        asked.toolkit,
        session=session,
        alias=asked.alias or "",
        callback_url=asked.callback_url or "",
        origin=VIA_API,
    )
    made = agent_link(actor=request.auth, owner=session.owner.ref, wanted=wanted, now=timezone.now())
    shown = link_out(made)
    return Status(HTTPStatus.CREATED, SessionLinkOut(**shown.dict()))


@router.get("/tool_router/session/{session_id}/toolkits", response=SessionToolkitPageOut)
def list_session_toolkits(request: ApiRequest, asked: Query[SessionToolkitsIn], session_id: str = SESSION) -> Any:
    """Connected ones first. Toolkits that need no account are listed only when they are named or searched for.

    A toolkit that is named is listed although it is not in the session, with `enabled: false`.
    """
    actor, session = request.auth, live_session(request, session_id)
    limit, offset = min(asked.limit, MAX_TOOLKITS), offset_of(asked.cursor, actor=actor, what=session_id)
    held = session_choices(actor=actor, session=session)
    beside = choices_beside(actor=actor, session=session, held=held, named=listed(asked.toolkits))
    choices = [one for one in [*held, *beside] if _fits(one, asked)]
    choices.sort(key=lambda one: (one.account is None, one.toolkit.name))
    ids = {one.toolkit.id for one in held}
    items = [_toolkit(one, is_held=one.toolkit.id in ids) for one in choices[offset : offset + limit]]
    numbers = page_numbers(len(choices), offset, limit, items, actor=actor, what=session_id)
    return SessionToolkitPageOut(items=items, **numbers)


def live_session(request: ApiRequest, text: str) -> Any:
    """The session, if it is within reach and goes on."""
    session = find_session(actor=request.auth, text=text)
    require_live(session, actor=request.auth)
    return session


def _out(request: ApiRequest, text: str) -> SessionOut:
    session = find_session(actor=request.auth, text=text)
    require_live(session, actor=request.auth)
    asked = session.config.get("asked", {})
    return SessionOut(
        session_id=session.text_id,
        mcp=McpOut(type="http", url=f"{request.scheme}://{request.get_host()}/mcp/sessions/{session.text_id}/"),
        config=_config(session, asked, request.auth),
        config_version=session.config_version,
        tool_router_tools=announced(actor=request.auth, session=session),
        warnings=warnings_about(asked),
        experimental={},
        created_at=stamp(session.created_at),
        updated_at=stamp(session.changed_at),
    )


def _config(session: Any, asked: dict[str, Any], actor: Actor) -> dict[str, Any]:
    kept: dict[str, Any] = {name: asked[name] for name in KEPT if name in asked}
    preload = preloaded(session)
    return {
        "execute": {},
        "search": {"enabled": True},
        "instant": False,
        "auth_configs": {},
        **kept,
        "preload": {"tools": ALL if preload is None else preload},
        "user_id": session.owner.ref.passed_id,
        "toolkits": _toolkits(session),
        "connected_accounts": {
            one.toolkit.slug: [one.connected_account.text_id] for one in session.choices.all() if one.connected_account
        },
        "manage_connections": {
            "enabled": manages_connections(session, actor=actor),
            "callback_url": usual_callback(session, actor=actor),
        },
    }


def _toolkits(session: Any) -> dict[str, list[str]]:
    """Those that are in it, or those that are not, however it was set up: by a program or on its page."""
    held = [one.toolkit.slug for one in session.choices.all() if one.is_excluded is session.takes_all]
    if session.takes_all:
        return {"disabled": sorted(held)} if held else {}
    return {"enabled": sorted(held)}


def preloaded(session: Any) -> list[str] | None:
    """The tools that the agent sees without looking for them; None: all of the session's."""
    preload = session.config.get("asked", {}).get("preload")
    tools = preload.get("tools") if isinstance(preload, dict) else None
    if tools == ALL:
        return None
    return [one for one in tools if isinstance(one, str)][:100] if isinstance(tools, list) else []


def _fits(choice: Any, asked: SessionToolkitsIn) -> bool:
    named = {slug.lower() for slug in listed(asked.toolkits)}
    toolkit, text = choice.toolkit, asked.search.lower()
    if named and toolkit.slug not in named:
        return False
    if text and text not in f"{toolkit.slug} {toolkit.name}".lower():
        return False
    if not toolkit.needs_account and not (named or text):
        return False
    return asked.is_connected is None or asked.is_connected is (choice.account is not None)


def _toolkit(choice: Any, *, is_held: bool) -> SessionToolkitOut:
    toolkit, account = choice.toolkit, choice.account
    return SessionToolkitOut(
        slug=toolkit.slug,
        name=toolkit.name,
        enabled=is_held,
        is_no_auth=not toolkit.needs_account,
        is_pinned=choice.is_pinned,
        composio_managed_auth_schemes=[],
        meta=SessionMetaOut(logo=logo_url(toolkit), description=toolkit.description),
        connected_account=None if account is None else _account(account),
    )


def _account(account: Any) -> SessionAccountOut:
    return SessionAccountOut(
        id=account.text_id,
        status=STATES[account.status],
        alias=account.alias or None,
        user_id=account.owner.ref.passed_id,
        created_at=stamp(account.connected_at),
        auth_config=config_ref(account.auth_config),
    )
