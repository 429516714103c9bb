"""Connect links: a program asks, a person connects (check O5).

The link is for one person: the one whose key asked. Whoever else opens it, signed in or not, is turned away before
anything begins, and the account can only be stored by that person's own flow.
"""

import secrets
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db import transaction

from integrations.models import AuthConfig, ConnectedAccount, ConnectLink
from integrations.models.connect_links import hash_of
from integrations.models.connected_accounts import as_name
from integrations.models.owned import OWNER_NAMES
from integrations.models.status import RequestStatus
from integrations.models.tool_sessions import Origin
from integrations.queries.connect_links import foreign_link, link_by_token
from integrations.services.connections.names import check_name
from orgs.audit import AuditAction, Target, denied
from orgs.callback_urls import checked_callback, is_registered
from orgs.errors import ConflictError, DomainError, ForbiddenError, NotFoundError
from orgs.permissions import ANONYMOUS, Actor, OwnerRef, Permission, require
from orgs.queries.applications import application_behind
from orgs.services.audit import log_of, record
from orgs.services.end_users import row_to_own

OVER = "This link is over: it was used already, or it took too long. Ask for a new one."
WITHDRAWN = "The program that asked has taken the link back."
PERSON_NEEDED = "An account is connected by a person, and this key is nobody's in particular."


@dataclass(frozen=True)
class LinkPlan:
    """What is to be connected, and where the person goes on afterwards."""

    auth_config: AuthConfig
    alias: str = ""
    callback_url: str = ""
    reconnects: UUID | None = None
    origin: Origin = Origin.API


@dataclass(frozen=True)
class MadeLink:
    """A link with its token, which is not stored."""

    link: ConnectLink
    token: str = field(repr=False)


def require_person(*, actor: Actor, owner: OwnerRef) -> None:
    """Consent needs somebody who can be asked: an organization's key is nobody, an application asks its end user."""
    if actor.user_id is None and not actor.speaks_for(owner):
        raise ForbiddenError(PERSON_NEEDED, code="person_needed")


def create_link(*, actor: Actor, owner: OwnerRef, plan: LinkPlan, now: datetime) -> MadeLink:
    """Make a link for the actor's own person, or for an end user of the application.

    `plan.auth_config` was found with the actor's rights.
    """
    require(actor, Permission.CONNECTED_ACCOUNTS_READ, owner)
    require_person(actor=actor, owner=owner)
    require(actor, Permission.CONNECTED_ACCOUNTS_MANAGE, owner)
    toolkit_id = plan.auth_config.toolkit_id
    check_name(plan.alias, actor=actor, owner=owner, toolkit_id=toolkit_id, account_id=plan.reconnects)
    callback_url = _callback(actor, owner, plan.callback_url)
    token = secrets.token_urlsafe(32)
    link = ConnectLink(
        owner=row_to_own(actor=actor, owner=owner),
        auth_config=plan.auth_config,
        user_id=actor.user_id,
        api_key_id=actor.key_id,
        token_hash=hash_of(token),
        alias=as_name(plan.alias),
        callback_url=callback_url,
        reconnects_id=plan.reconnects,
        created_at=now,
        expires_at=now + timedelta(seconds=settings.CONNECTION_REQUEST_LIFETIME),
    )
    link.save(force_insert=True)
    _record(link, AuditAction.CONNECTION_LINK, actor, plan.origin, now)
    return MadeLink(link, token)


@transaction.atomic
def withdraw_link(*, actor: Actor, owner: OwnerRef, link_id: UUID, now: datetime) -> ConnectLink:
    """Take a link back that nobody has used yet: whoever opens it is turned away, and a sign-in that it began stores
    nothing. ConflictError when it is over.
    """
    require(actor, Permission.CONNECTED_ACCOUNTS_MANAGE, owner)
    rows = ConnectLink.objects.owned_by(owner).filter(id=link_id)
    if not rows.filter(status=RequestStatus.OPEN).update(status=RequestStatus.DENIED, reason=WITHDRAWN):
        raise ConflictError(OVER, code="link_over")
    link: ConnectLink = rows.select_related("auth_config__toolkit", *OWNER_NAMES).get()
    _record(link, AuditAction.CONNECTION_LINK_WITHDRAW, actor, Origin.API, now)
    return link


def _record(link: ConnectLink, action: AuditAction, actor: Actor, origin: Origin, now: datetime) -> None:
    toolkit = link.auth_config.toolkit
    target = Target("connect_link", link.text_id, toolkit.name)
    details = {"toolkit": toolkit.slug, "origin": origin.value}
    record(actor=actor, owner=link.owner.ref, action=action, target=target, details=details, now=now)


def _callback(actor: Actor, owner: OwnerRef, asked: str) -> str:
    """Where the person is led afterwards. End users go to an address that was registered, so that a stolen key cannot
    lead them elsewhere; without one in the call it is the first.
    """
    url = checked_callback(asked)
    application = application_behind(actor=actor) if actor.speaks_for(owner) else None
    if application is None:
        return url
    if not url:
        return str(next(iter(application.callback_urls), ""))
    if not is_registered(url, application.callback_urls):
        message = (
            f"This callback URL is not registered for {application.name}. Register it on the application's page, "
            "with the same scheme, host, port and path."
        )
        raise DomainError(message, code="callback_url_unregistered", field="callback_url")
    return url


def check_link(link_id: UUID | None, *, actor: Actor, owner: OwnerRef, toolkit_id: UUID, now: datetime) -> None:
    """The link that a flow wants to fulfil is this very person's, for this owner and toolkit, and still open."""
    if link_id is None:
        return
    require_person(actor=actor, owner=owner)
    rows = ConnectLink.objects.owned_by(owner).filter(id=link_id, user_id=actor.user_id)
    link: ConnectLink | None = rows.select_related("auth_config").first()
    if link is None or link.auth_config.toolkit_id != toolkit_id:
        raise NotFoundError("There is no such link of yours.")
    if not link.is_open(now):
        raise ConflictError(OVER, code="link_over")


def fulfil_link(
    link_id: UUID | None, account: ConnectedAccount, *, actor: Actor, owner: OwnerRef, now: datetime
) -> None:
    """The account is there: whoever waits for the link learns which one it is. Once, by a conditional UPDATE."""
    if link_id is None:
        return
    rows = ConnectLink.objects.owned_by(owner).filter(id=link_id, user_id=actor.user_id)
    open_ones = rows.exclude(status__in=[RequestStatus.FINISHED, RequestStatus.DENIED])
    if not open_ones.update(status=RequestStatus.FINISHED, connected_account=account, finished_at=now, reason=""):
        raise ConflictError(OVER, code="link_over")


def fail_link(link_id: UUID | None, reason: str, *, actor: Actor, owner: OwnerRef) -> None:
    """The sign-in at the provider failed: whoever waits need not wait for the time to run out."""
    if link_id is not None:
        rows = ConnectLink.objects.owned_by(owner).filter(id=link_id, user_id=actor.user_id)
        rows.filter(status=RequestStatus.OPEN).update(status=RequestStatus.FAILED, reason=reason[:300])


def open_link(*, actor: Actor, token: str, now: datetime) -> ConnectLink:
    """The link behind an address, for the very person; for everybody else NotFoundError, on record in both logs."""
    try:
        return link_by_token(actor=actor, token=token)
    except NotFoundError as error:
        theirs = foreign_link(actor=actor, token=token)
        if theirs is not None:
            _record_refusal(actor, theirs, now)
            error.is_recorded = True
        raise


@transaction.atomic
def _record_refusal(actor: Actor, link: ConnectLink, now: datetime) -> None:
    """For the user who opened it, and for the owner it was for. Neither log names the other user."""
    refused: dict[str, Any] = {"action": AuditAction.CONNECTION_LINK, "result": denied("link_refused"), "now": now}
    target = Target("connect_link", link.text_id)
    record(actor=actor, owner=log_of(actor=actor, owner=None), target=Target("connect_link"), **refused)
    record(actor=ANONYMOUS, owner=link.owner.ref, target=target, **refused)
