"""Links that an agent hands on: to connect what a tool session lacks, or to sign in again to an account that broke.

A program may be refused the same thing many times. A link that nobody has opened yet is then shown once more: its token
is kept for that in the cache, sealed, because the row holds only its hash.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

from django.conf import settings
from django.core.cache import cache

from accounts.ids import from_text
from integrations.models import AuthConfig, ConnectedAccount, ConnectLink, ToolSession
from integrations.models.connect_links import hash_of
from integrations.models.encrypted import Sealed, SecretUnreadableError, seal, unseal
from integrations.models.status import RequestStatus
from integrations.models.tool_sessions import Origin
from integrations.queries.tool_sessions import check_holds, pins_of
from integrations.queries.ways import ToolkitWays, get_ways
from integrations.services.connections import LinkPlan, MadeLink, create_link
from orgs.errors import DomainError
from orgs.permissions import Actor, OwnerRef, Permission, can

VIA_MCP: Final = Origin.MCP  # for the door that may not import models
NO_CONFIG: Final = UUID(int=0)
SHOWN_AGAIN: Final = 0.5  # the part of its time that must be left


@dataclass(frozen=True)
class Wanted:
    """What is to be connected; `account` is the one to sign in to again."""

    toolkit: str
    account: ConnectedAccount | None = None
    session: ToolSession | None = None
    alias: str = ""
    callback_url: str = ""  # else the session's
    origin: Origin = Origin.MCP


def manages_connections(session: ToolSession | None, *, actor: Actor) -> bool:
    """Whether whoever set the session up left connecting to the agent."""
    del actor  # the session was read with the actor's rights
    return bool(_asked(session).get("enable", True))


def waits_for_connections(session: ToolSession, *, actor: Actor) -> bool:
    """Whether the agent may wait until a person has connected; only where it was asked for."""
    return manages_connections(session, actor=actor) and bool(_asked(session).get("enable_wait_for_connections"))


def usual_callback(session: ToolSession | None, *, actor: Actor) -> str:
    """Where a person goes on after connecting, unless the call says otherwise."""
    del actor
    return str(_asked(session).get("callback_url") or "")


def agent_link(*, actor: Actor, owner: OwnerRef, wanted: Wanted, now: datetime) -> MadeLink:
    """A new link; DomainError when there is no way to connect, or the session pins another account."""
    return create_link(actor=actor, owner=owner, plan=_plan(actor, owner, wanted), now=now)


def link_for_refusal(*, actor: Actor, owner: OwnerRef, wanted: Wanted, now: datetime) -> MadeLink | None:
    """A link for what a run was refused for; None where the actor makes none, or it would not help."""
    may = can(actor, Permission.CONNECTED_ACCOUNTS_MANAGE, owner) and can(
        actor, Permission.CONNECTED_ACCOUNTS_READ, owner
    )
    if not may or not manages_connections(wanted.session, actor=actor):
        return None
    try:
        plan = _plan(actor, owner, wanted)
        shown = _shown_before(actor, owner, plan, now)
        return shown or _kept(actor, create_link(actor=actor, owner=owner, plan=plan, now=now), plan)
    except DomainError:  # the refusal itself says what is missing
        return None


def _plan(actor: Actor, owner: OwnerRef, wanted: Wanted) -> LinkPlan:
    ways, account = get_ways(actor=actor, owner=owner, toolkit=wanted.toolkit.lower()), wanted.account
    if wanted.session is not None:
        _check_session(actor, wanted.session, ways, account)
    callback_url = wanted.callback_url or usual_callback(wanted.session, actor=actor)
    plan = LinkPlan(_config(ways, wanted), alias=wanted.alias, callback_url=callback_url, origin=wanted.origin)
    return replace(plan, reconnects=account.id) if account else plan


def _check_session(actor: Actor, session: ToolSession, ways: ToolkitWays, account: ConnectedAccount | None) -> None:
    """What is connected must be of use in the session."""
    check_holds(actor=actor, session=session, toolkit=ways.toolkit)
    pinned = pins_of(actor=actor, session=session).get(ways.toolkit.id)
    if pinned is not None and (account is None or account.id != pinned):
        message = f"This session pins a {ways.toolkit.name} account. Change the session first, or make another one."
        raise DomainError(message, code="session_pins_toolkit")


def _config(ways: ToolkitWays, wanted: Wanted) -> AuthConfig:
    """The account's own, else what the session was given for the toolkit, else the first on the consent page."""
    if not ways.needs_account:
        raise DomainError(f"{ways.toolkit.name} needs no account.", code="toolkit_needs_no_account")
    if not ways.ways:
        message = f"Nobody has set up how to connect {ways.toolkit.name} here. Ask whoever runs this installation."
        raise DomainError(message, code="auth_config_missing")
    chosen = wanted.account.auth_config_id if wanted.account else None
    if chosen is None and (text := _given_configs(wanted.session).get(ways.toolkit.slug)):
        chosen = from_text("ac", text) or NO_CONFIG
    way = ways.way(chosen)
    if way is None:
        message = f"The session's auth config for {ways.toolkit.name} is not, or no longer, open to this ID for it."
        raise DomainError(message, code="auth_config_not_open", field="auth_configs")
    return way.auth_config


def _asked(session: ToolSession | None) -> Mapping[str, Any]:
    """What the API was told about connecting in the session."""
    return (session.config.get("asked", {}).get("manage_connections") or {}) if session else {}


def _given_configs(session: ToolSession | None) -> dict[str, str]:
    given = (session.config.get("asked", {}).get("auth_configs") or {}) if session else {}
    return {slug.lower(): text for slug, text in given.items()}


def _kept(actor: Actor, made: MadeLink, plan: LinkPlan) -> MadeLink:
    """The same link, remembered for the next refusal."""
    sealed = seal(made.token, table="connect_link", row=made.link.id, field="token").text
    seconds = settings.CONNECTION_REQUEST_LIFETIME
    cache.set(_name(actor, made.link.owner.ref, plan), (made.link.id.hex, sealed), timeout=seconds)
    return made


def _shown_before(actor: Actor, owner: OwnerRef, plan: LinkPlan, now: datetime) -> MadeLink | None:
    """A link for exactly this that is open for a while yet, and that no browser has taken."""
    link_id, sealed = cache.get(_name(actor, owner, plan)) or (None, "")
    until = now + timedelta(seconds=settings.CONNECTION_REQUEST_LIFETIME * SHOWN_AGAIN)
    rows = ConnectLink.objects.owned_by(owner).filter(id=link_id, api_key_id=actor.key_id)
    link = rows.filter(status=RequestStatus.OPEN, browser_hash="", expires_at__gt=until).first() if link_id else None
    if link is None:
        return None
    try:
        return MadeLink(link, unseal(Sealed(sealed), table="connect_link", row=link.id, field="token"))
    except SecretUnreadableError:  # its key was taken out of use
        return None


def _name(actor: Actor, owner: OwnerRef, plan: LinkPlan) -> str:
    parts = (actor.key_id, owner.text_id, plan.auth_config.id, plan.reconnects, plan.callback_url)
    return "agent-link:" + hash_of("|".join(str(part) for part in parts))
