"""Make, change and end tool sessions. A session grants nothing: it says which accounts an agent works with."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import transaction

from integrations.access import read_account_id
from integrations.jobs.calling_off import call_off_waiting
from integrations.models import ConnectedAccount, Execution, SessionToolkit, Toolkit, ToolSession
from integrations.models.status import ConnectionStatus
from integrations.models.tool_sessions import NAME_LENGTH, Origin
from integrations.queries.tool_sessions import is_own, session_row
from orgs.audit import AuditAction, Detail, Target
from orgs.errors import ConflictError, DomainError
from orgs.permissions import Actor, OwnerRef, Permission, require
from orgs.services.audit import record
from orgs.services.end_users import row_to_own


@dataclass(frozen=True)
class SessionPlan:
    """What a session is to be. `toolkits` maps a slug to the account it pins (`ca_…`); empty text: it follows.

    With `takes_all` every other toolkit of the catalogue is in it as well, but for those in `excluded`.
    """

    name: str = ""
    toolkits: Mapping[str, str] = field(default_factory=dict)
    takes_all: bool = False
    excluded: Sequence[str] = ()
    config: Mapping[str, Any] = field(default_factory=dict)


@transaction.atomic
def create_session(*, actor: Actor, owner: OwnerRef, plan: SessionPlan, origin: Origin, now: datetime) -> ToolSession:
    """Make a session for an owner under whose ID the actor may run tools. DomainError names what does not fit."""
    require(actor, Permission.TOOLS_EXECUTE, owner)
    row = row_to_own(actor=actor, owner=owner)
    owner = row.ref
    choices = _choices(owner, plan)
    session = ToolSession(
        owner=row,
        name=_name(plan),
        created_by_id=actor.user_id,
        api_key_id=actor.key_id,
        origin=origin,
        takes_all=plan.takes_all,
        config=dict(plan.config),
        created_at=now,
        changed_at=now,
    )
    session.save(force_insert=True)
    _put(session, choices)
    _record(actor, owner, session, AuditAction.TOOL_SESSION_CREATE, choices, now)
    return session


def create_page_session(*, actor: Actor, owner: OwnerRef, plan: SessionPlan, now: datetime) -> ToolSession:
    """The same from the pages."""
    return create_session(actor=actor, owner=owner, plan=plan, origin=Origin.DASHBOARD, now=now)


def change_session(*, actor: Actor, owner: OwnerRef, session_id: UUID, plan: SessionPlan, now: datetime) -> ToolSession:
    """Make it what the plan says. Runs that were accepted before keep the account they were given."""
    return revise_session(actor=actor, owner=owner, session_id=session_id, revise=lambda _before: plan, now=now)


@transaction.atomic
def revise_session(
    *,
    actor: Actor,
    owner: OwnerRef,
    session_id: UUID,
    revise: Callable[[SessionPlan], SessionPlan],
    expected: int | None = None,
    now: datetime,
) -> ToolSession:
    """The same with a plan that is made of the present one. ConflictError when it has another version than `expected`.

    Nobody else changes it meanwhile: two who read the same version cannot both write the next one.
    """
    session = _changeable(actor, owner, session_id)
    if expected is not None and expected != session.config_version:
        raise ConflictError("The session was changed meanwhile. Read it again.", code="config_version_mismatch")
    plan = revise(_plan_of(session))
    choices = _choices(owner, plan)
    session.name, session.takes_all, session.config = _name(plan), plan.takes_all, dict(plan.config)
    session.changed_at, session.config_version = now, session.config_version + 1
    session.save(update_fields=["name", "takes_all", "config", "changed_at", "config_version"])
    SessionToolkit.objects.filter(session=session).delete()
    _put(session, choices)
    _record(actor, owner, session, AuditAction.TOOL_SESSION_CHANGE, choices, now)
    return session


@transaction.atomic
def end_session(*, actor: Actor, owner: OwnerRef, session_id: UUID, now: datetime) -> ToolSession:
    """End it for good: the next request of an agent in it is refused, and what has not begun is called off."""
    session = _changeable(actor, owner, session_id)
    _end(actor, owner, session, now)
    return session


def _end(actor: Actor, owner: OwnerRef, session: ToolSession, now: datetime) -> None:
    session.ended_at = now
    session.save(update_fields=["ended_at"])
    call_off_waiting(Execution.objects.owned_by(owner).filter(tool_session=session), now=now)
    _record(actor, owner, session, AuditAction.TOOL_SESSION_END, [], now)


@transaction.atomic
def end_sessions_of_member(*, actor: Actor, owner: OwnerRef, user_id: UUID, now: datetime) -> int:
    """End the sessions that somebody made for the organization; return how many. One record for each."""
    if actor.user_id != user_id:
        require(actor, Permission.MEMBERS_MANAGE, owner)
    rows = ToolSession.objects.owned_by(owner).filter(created_by_id=user_id, ended_at=None)
    sessions = list(rows.select_for_update())
    for session in sessions:
        _end(actor, owner, session, now)
    return len(sessions)


def _changeable(actor: Actor, owner: OwnerRef, session_id: UUID) -> ToolSession:
    """The live session, locked, for whoever made it and for whoever manages everybody's."""
    session = session_row(actor=actor, owner=owner, session_id=session_id)
    require(actor, Permission.TOOLS_EXECUTE if is_own(session, actor=actor) else Permission.SESSIONS_MANAGE, owner)
    locked: ToolSession = ToolSession.objects.owned_by(owner).select_for_update(of=("self",)).get(id=session.id)
    if locked.has_ended:
        raise ConflictError("This session has ended. Make a new one.", code="session_ended")
    return locked


def _plan_of(session: ToolSession) -> SessionPlan:
    """The session as it is, in the words in which it is asked for."""
    choices = list(session.choices.select_related("toolkit", "connected_account"))
    pins = {one.toolkit.slug: one.connected_account for one in choices if not one.is_excluded}
    return SessionPlan(
        name=session.name,
        toolkits={slug: account.text_id if account else "" for slug, account in pins.items()},
        takes_all=session.takes_all,
        excluded=tuple(one.toolkit.slug for one in choices if one.is_excluded),
        config=session.config,
    )


def _name(plan: SessionPlan) -> str:
    name = plan.name.strip() or "Session"
    if len(name) > NAME_LENGTH:
        raise DomainError(f"A session's name has at most {NAME_LENGTH} characters.", code="name_invalid", field="name")
    return name


def _choices(owner: OwnerRef, plan: SessionPlan) -> list[SessionToolkit]:
    wanted = {slug.lower(): account for slug, account in plan.toolkits.items()}
    excluded = {slug.lower() for slug in plan.excluded} - wanted.keys()
    if not plan.takes_all and not wanted:
        raise DomainError("Choose at least one toolkit.", code="toolkits_missing", field="toolkits")
    found = {one.slug: one for one in Toolkit.objects.filter(slug__in=[*wanted, *excluded])}
    if unknown := sorted((wanted.keys() | excluded) - found.keys()):
        message = f"There is no toolkit {unknown[0][:80]} in this installation's catalogue."
        raise DomainError(message, code="toolkit_not_found", field="toolkits")
    pins = [
        SessionToolkit(toolkit=found[one], connected_account=_pin(owner, found[one], wanted[one])) for one in wanted
    ]
    return pins + [SessionToolkit(toolkit=found[one], is_excluded=True) for one in sorted(excluded)]


def _pin(owner: OwnerRef, toolkit: Toolkit, account: str) -> ConnectedAccount | None:
    """The owner's account of that toolkit; somebody else's, another toolkit's and nobody's are not told apart."""
    account_id = read_account_id(account)
    if account_id is None:
        return None
    rows = ConnectedAccount.objects.owned_by(owner).exclude(status=ConnectionStatus.REVOKED)
    found: ConnectedAccount | None = rows.filter(id=account_id, toolkit=toolkit).first()
    if found is None:
        message = f"Could not find this connected account among the {toolkit.name} accounts of this ID: {account}."
        raise DomainError(message, code="session_account_not_found", field="toolkits")
    return found


def _put(session: ToolSession, choices: list[SessionToolkit]) -> None:
    for choice in choices:
        choice.session = session
    SessionToolkit.objects.bulk_create(choices)


def _record(
    actor: Actor,
    owner: OwnerRef,
    session: ToolSession,
    action: AuditAction,
    choices: list[SessionToolkit],
    now: datetime,
) -> None:
    toolkits = ["all"] * session.takes_all + [one.toolkit.slug for one in choices if not one.is_excluded]
    pinned = [one.connected_account.text_id for one in choices if one.connected_account]
    details: dict[str, Detail] = {"toolkits": toolkits, "pinned": pinned, "origin": str(session.origin)}
    target = Target("tool_session", session.text_id, session.name)
    facts = {} if action is AuditAction.TOOL_SESSION_END else details
    record(actor=actor, owner=owner, action=action, target=target, details=facts, now=now)
