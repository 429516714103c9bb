"""Connect links of end users, who have no account here and sign in nowhere: the browser is all there is to bind to.

The application's key asked, and the flow goes on with that key's rights: a key that was revoked meanwhile connects
nothing. The browser that first agrees takes the link with a secret of its own, in a cookie; every other browser is
turned away before the token request, also with the right state in its address (checks O5, O6, O7).
"""

from dataclasses import replace
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from django.db.models import Q

from integrations.models import ConnectionRequest, ConnectLink
from integrations.models.connect_links import hash_of
from integrations.models.owned import OWNER_NAMES
from integrations.models.status import RequestStatus
from orgs.audit import AuditAction, Target, denied
from orgs.errors import ConflictError, ForbiddenError, NotFoundError
from orgs.permissions import ANONYMOUS, Actor, OwnerRef, Standing
from orgs.queries.actors import actor_for_key
from orgs.services.audit import record

LINK_KEY: Final = ("link__api_key__owner__organization", "link__api_key__application")
NAMES: Final = (
    *OWNER_NAMES,
    "owner__end_user__application__organization",
    "auth_config__toolkit",
    "connected_account__toolkit",
    "reconnects",
    "api_key__owner__organization",
    "api_key__application",
)
OVER: Final = (
    "This link is over: it was used already, or it took too long. Go back to where you came from for a new one."
)
ELSEWHERE: Final = "This link was opened in another browser already. Go back to where you came from for a new one."
NOT_YOURS: Final = (
    "This sign-in was begun in another browser, or it is over. Nothing was connected. "
    "Go back to where you came from and begin again."
)


def actor_of_link(link: Any, *, owner: OwnerRef, now: datetime) -> Actor:
    """The key that made the link, for its end user alone; NotFoundError when it opens nothing any more."""
    key = link.api_key if link is not None else None
    actor = actor_for_key(key, is_live=key.is_live(now)) if key is not None else ANONYMOUS
    if actor.standing is not Standing.GOOD or not actor.speaks_for(owner):
        raise NotFoundError(OVER, code="link_over")
    return replace(actor, end_users=(owner,))


def guest_link(*, actor: None, token: str, browser: str, now: datetime) -> tuple[ConnectLink, Actor]:
    """The end user's link behind an address, for the browser that took it, or for any as long as none has."""
    rows = _links(actor).filter(token_hash=hash_of(token))
    return _opened(rows.first(), browser, now)


def guest_link_of(*, actor: None, account_id: UUID | None, browser: str, now: datetime) -> tuple[ConnectLink, Actor]:
    """The same link on the way back, found by the ID of its account: for the browser that took it alone."""
    link = _links(actor).filter(id=account_id).exclude(browser_hash="").first() if account_id and browser else None
    return _opened(link, browser, now)


def take_link(link: ConnectLink, *, actor: Actor, browser: str, now: datetime) -> None:
    """This browser agrees, and from here on no other can: a conditional UPDATE decides between two."""
    rows = ConnectLink.objects.visible_to(actor).filter(id=link.id, status=RequestStatus.OPEN, expires_at__gt=now)
    if not rows.filter(Q(browser_hash="") | Q(browser_hash=hash_of(browser))).update(browser_hash=hash_of(browser)):
        raise ConflictError(OVER, code="link_over")


def guest_request(link: ConnectLink, *, actor: Actor) -> ConnectionRequest | None:
    """The sign-in of this link whose identity waits to be confirmed."""
    rows = ConnectionRequest.objects.visible_to(actor).filter(link=link, status=RequestStatus.CONFIRMING)
    found: ConnectionRequest | None = rows.select_related("auth_config__toolkit", "reconnects", *OWNER_NAMES).first()
    return found


def guest_actor(*, actor: None, state: str, browser: str, now: datetime) -> Actor | None:
    """Who comes back from the provider, when the sign-in is an end user's; None when it is a person's of ours.

    From another browser than began it, it is refused before any token is asked for, and on record.
    """
    del actor
    rows = ConnectionRequest.objects.unscoped("found by an unguessable state").filter(state_hash=hash_of(state))
    begun: ConnectionRequest | None = rows.filter(user=None).select_related(*OWNER_NAMES, *LINK_KEY).first()
    if begun is None:
        return None
    if not browser or begun.browser_session_hash != hash_of(browser):
        _record_refusal(begun, now)
        refusal = ForbiddenError(NOT_YOURS, code="callback_refused")
        refusal.is_recorded = True
        raise refusal
    return actor_of_link(begun.link, owner=begun.owner.ref, now=now)


def _links(actor: None) -> Any:
    del actor
    rows = ConnectLink.objects.unscoped("an end user's link, found by what only its browser has")
    return rows.filter(user=None, owner__end_user__isnull=False).select_related(*NAMES)


def _opened(link: ConnectLink | None, browser: str, now: datetime) -> tuple[ConnectLink, Actor]:
    if link is None:
        raise NotFoundError(OVER, code="link_not_found")
    actor = actor_of_link(link, owner=link.owner.ref, now=now)
    if link.browser_hash and (not browser or link.browser_hash != hash_of(browser)):
        target, result = Target("connect_link", link.text_id), denied("link_refused")
        action = AuditAction.CONNECTION_LINK
        record(actor=ANONYMOUS, owner=link.owner.ref, action=action, target=target, result=result, now=now)
        refusal = NotFoundError(ELSEWHERE, code="link_elsewhere")
        refusal.is_recorded = True
        raise refusal
    return link, actor


def _record_refusal(begun: ConnectionRequest, now: datetime) -> None:
    target, result = Target("connection_request", begun.text_id), denied("callback_refused")
    action = AuditAction.CALLBACK_ACCEPT
    record(actor=ANONYMOUS, owner=begun.owner.ref, action=action, target=target, result=result, now=now)
