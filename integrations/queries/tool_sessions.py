"""Read tool sessions, and which account each toolkit in one uses right now."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.db.models import Q

from accounts.ids import from_text
from integrations.access import decide_many
from integrations.models import ConnectedAccount, Execution, Tool, Toolkit, ToolSession
from integrations.models.owned import OWNER_NAMES
from integrations.models.status import WAITING, ConnectionStatus
from integrations.queries.connections import default_account
from integrations.session_limits import is_held
from orgs.errors import NotFoundError
from orgs.paging import Page, page_of
from orgs.permissions import Actor, Decision, OwnerRef, Permission, can, require

PAGE_SIZE = 25


@dataclass(frozen=True)
class SessionChoice:
    """One toolkit of a session, and the account that a run in it would use now."""

    toolkit: Toolkit
    account: ConnectedAccount | None
    is_pinned: bool


@dataclass(frozen=True)
class SessionToolkitView:
    """One toolkit on the page of a session: its account, how many of its tools run now, and what stops the others."""

    choice: SessionChoice
    running: int
    tools: int
    stopped: Decision | None = None
    stopped_tool: Tool | None = None


def session_row(*, actor: Actor, owner: OwnerRef, session_id: UUID) -> ToolSession:
    """One session of the owner, also an ended one; NotFoundError for everybody else's."""
    require(actor, Permission.SESSIONS_READ, owner)
    row: ToolSession | None = _with_names(ToolSession.objects.owned_by(owner)).filter(id=session_id).first()
    if row is None:
        raise NotFoundError("There is no such session here.")
    return row


def find_session(*, actor: Actor, text: str) -> ToolSession:
    """The session behind `trs_…` under any ID of the actor's; NotFoundError for everybody else's and for nonsense."""
    rows = _with_names(ToolSession.objects.visible_to(actor)).filter(id__in=[from_text("trs", text)])
    row: ToolSession | None = rows.first()
    if row is None:
        raise NotFoundError("There is no such session among yours.")
    require(actor, Permission.SESSIONS_READ, row.owner.ref)
    return row


def list_sessions(
    *, actor: Actor, owner: OwnerRef, ended: bool | None = False, before: str = "", limit: int = PAGE_SIZE
) -> Page[ToolSession]:
    """The owner's sessions, newest first: the live ones, the ended ones, or (None) both."""
    require(actor, Permission.SESSIONS_READ, owner)
    rows = _with_names(ToolSession.objects.owned_by(owner))
    if ended is not None:
        rows = rows.filter(ended_at__isnull=not ended)
    return page_of(rows, "trs", before=before, limit=limit)


def session_choices(*, actor: Actor, session: ToolSession) -> list[SessionChoice]:
    """Each toolkit of the session with the account it uses now. Toolkits that are switched off are left out."""
    owner = session.owner.ref
    require(actor, Permission.SESSIONS_READ, owner)
    pins = {one.toolkit_id: one.connected_account for one in _choices(session) if not one.is_excluded}
    toolkits = list(_toolkits(session, pins))
    by_toolkit = _accounts_by_toolkit(owner, toolkits)
    return [_choice(one, pins.get(one.id), by_toolkit.get(one.id, []), actor) for one in toolkits]


def choices_beside(
    *, actor: Actor, session: ToolSession, held: Sequence[SessionChoice], named: Sequence[str]
) -> list[SessionChoice]:
    """The named toolkits that are not among those that the session holds; without accounts, as nothing runs there."""
    require(actor, Permission.SESSIONS_READ, session.owner.ref)
    rows = Toolkit.objects.filter(is_enabled=True, slug__in=[slug.lower() for slug in named])
    return [SessionChoice(one, None, is_pinned=False) for one in rows.exclude(id__in=[one.toolkit.id for one in held])]


def session_overview(*, actor: Actor, session: ToolSession) -> list[SessionToolkitView]:
    """Each toolkit of the session with its account, and what the rule says about its tools for this actor."""
    found = []
    choices = session_choices(actor=actor, session=session)
    decided = decided_tools(actor=actor, session=session)
    for choice in choices:
        mine = [(tool, decision) for tool, decision in decided if tool.toolkit_id == choice.toolkit.id]
        stopped = next(((tool, decision) for tool, decision in mine if not decision.allowed), (None, None))
        running = sum(decision.allowed for _tool, decision in mine)
        found.append(SessionToolkitView(choice, running, len(mine), stopped[1], stopped[0]))
    return found


def decided_tools(*, actor: Actor, session: ToolSession) -> list[tuple[Tool, Decision]]:
    """Every tool that the session holds, by slug, with what the rule says about it for this actor."""
    owner = session.owner.ref
    require(actor, Permission.TOOLS_READ, owner)
    pins = pins_of(actor=actor, session=session)
    toolkits = _toolkits(session, {one.toolkit_id for one in _choices(session) if not one.is_excluded})
    rows = Tool.objects.filter(is_deprecated=False, toolkit__in=toolkits).select_related("toolkit")
    tools = [one for one in rows.order_by("slug") if is_held(session, one)]
    decisions = decide_many(actor=actor, owner=owner, tools=tools, pins=pins)
    return [(tool, decisions[tool.id]) for tool in tools]


def _choice(
    toolkit: Toolkit, pin: ConnectedAccount | None, accounts: list[ConnectedAccount], actor: Actor
) -> SessionChoice:
    if pin is not None:
        return SessionChoice(toolkit, pin, is_pinned=True)
    return SessionChoice(toolkit, default_account(accounts, actor=actor), is_pinned=False)


def possible_choices(*, actor: Actor, owner: OwnerRef) -> list[tuple[SessionChoice, list[ConnectedAccount]]]:
    """Each toolkit that is switched on, the account it would follow to, and all accounts that could be pinned."""
    require(actor, Permission.CONNECTED_ACCOUNTS_READ, owner)
    toolkits = list(Toolkit.objects.filter(is_enabled=True).order_by("-sandbox", "name", "id"))
    by_toolkit = _accounts_by_toolkit(owner, toolkits)
    found = [(one, by_toolkit.get(one.id, [])) for one in toolkits]
    return [(_choice(one, None, accounts, actor), accounts) for one, accounts in found]


def waiting_runs(*, actor: Actor, session: ToolSession) -> int:
    """How many runs of the session have not begun."""
    require(actor, Permission.EXECUTIONS_READ, session.owner.ref)
    return int(Execution.objects.owned_by(session.owner.ref).filter(tool_session=session, status__in=WAITING).count())


def pins_of(*, actor: Actor, session: ToolSession) -> dict[UUID, UUID]:
    """The account that each toolkit of the session pins; toolkits that follow are not in it."""
    require(actor, Permission.SESSIONS_READ, session.owner.ref)
    return {one.toolkit_id: one.connected_account_id for one in _choices(session) if one.connected_account_id}


def holds_toolkit(*, actor: Actor, session: ToolSession, toolkit_id: UUID) -> bool:
    """Whether tools of that toolkit may be run in the session."""
    require(actor, Permission.SESSIONS_READ, session.owner.ref)
    said = next((one for one in _choices(session) if one.toolkit_id == toolkit_id), None)
    return session.takes_all if said is None else not said.is_excluded


def check_holds(*, actor: Actor, session: ToolSession, toolkit: Toolkit) -> None:
    """NotFoundError for a toolkit that is not in the session."""
    if not holds_toolkit(actor=actor, session=session, toolkit_id=toolkit.id):
        message = f"{toolkit.name} is not in this session. Change the session, or use another one."
        raise NotFoundError(message, code="toolkit_not_in_session")


def check_held(*, actor: Actor, session: ToolSession, tool: Tool) -> None:
    """NotFoundError for a tool that is not in the session: its toolkit is not, or the session's limits leave it out."""
    check_holds(actor=actor, session=session, toolkit=tool.toolkit)
    if not is_held(session, tool):
        message = f"This session was made without {tool.slug}. Change its tools and tags, or use another session."
        raise NotFoundError(message, code="tool_not_in_session")


def sessions_with(*, actor: Actor, owner: OwnerRef, account: ConnectedAccount) -> list[ToolSession]:
    """The live sessions in which a run would use this account now: those that pin it, and those that follow to it."""
    require(actor, Permission.SESSIONS_READ, owner)
    rows = ToolSession.objects.owned_by(owner).filter(ended_at=None)
    pinned = Q(choices__connected_account=account)
    siblings = _accounts_by_toolkit(owner, [account.toolkit]).get(account.toolkit_id, [])
    if default_account(siblings, actor=actor) != account:
        return list(_with_names(rows.filter(pinned)).order_by("-id"))
    follows = Q(choices__toolkit=account.toolkit, choices__connected_account=None, choices__is_excluded=False)
    takes_all = Q(takes_all=True) & ~Q(choices__toolkit=account.toolkit)
    return list(_with_names(rows.filter(pinned | follows | takes_all)).distinct().order_by("-id"))


def sessions_by(*, actor: Actor, owner: OwnerRef, user_id: UUID) -> list[ToolSession]:
    """The live sessions that somebody made for this owner."""
    require(actor, Permission.SESSIONS_READ, owner)
    rows = ToolSession.objects.owned_by(owner).filter(ended_at=None, created_by_id=user_id)
    return list(_with_names(rows).order_by("-id"))


def is_own(session: ToolSession, *, actor: Actor) -> bool:
    """Whether the actor made it: the person, or the organization's key itself."""
    if actor.user_id is not None:
        return bool(session.created_by_id == actor.user_id)
    return actor.key_id is not None and session.api_key_id == actor.key_id


def may_change(session: ToolSession, *, actor: Actor) -> bool:
    owner = session.owner.ref
    return can(actor, Permission.TOOLS_EXECUTE if is_own(session, actor=actor) else Permission.SESSIONS_MANAGE, owner)


def _with_names(rows: Any) -> Any:
    names = rows.select_related(*OWNER_NAMES, "created_by", "api_key")
    return names.prefetch_related(
        "choices__toolkit",
        "choices__connected_account__toolkit",
        "choices__connected_account__owner__user",
        "choices__connected_account__owner__organization",
        "choices__connected_account__owner__end_user__application",
    )


def _choices(session: ToolSession) -> Any:
    return session.choices.all()


def _toolkits(session: ToolSession, chosen: Any) -> Any:
    enabled = Toolkit.objects.filter(is_enabled=True).order_by("name", "id")
    if not session.takes_all:
        return enabled.filter(id__in=list(chosen))
    return enabled.exclude(id__in=[one.toolkit_id for one in _choices(session) if one.is_excluded])


def _accounts_by_toolkit(owner: OwnerRef, toolkits: Sequence[Toolkit]) -> dict[UUID, list[ConnectedAccount]]:
    rows = ConnectedAccount.objects.owned_by(owner).filter(toolkit__in=toolkits)
    rows = rows.exclude(status__in=[ConnectionStatus.REVOKED, ConnectionStatus.WAITING])
    found: dict[UUID, list[ConnectedAccount]] = {}
    for account in rows.select_related("toolkit", "auth_config", *OWNER_NAMES):
        found.setdefault(account.toolkit_id, []).append(account)
    return found
