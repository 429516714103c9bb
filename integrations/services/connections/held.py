"""The tokens are here, the account is not stored yet: store it, hold it for confirmation, or give it up."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.db import transaction

from integrations import oauth
from integrations.credentials import open_pending, seal_pending, token_values
from integrations.engine.types import AuthScheme
from integrations.jobs.withdrawal import take_back
from integrations.models import ConnectedAccount, ConnectionRequest, ConsentRequest, Tool
from integrations.models.encrypted import SecretUnreadableError
from integrations.models.status import RequestStatus
from integrations.queries.lost_tools import tools_lost
from integrations.services.connections.identity import Verified
from integrations.services.connections.records import record_request
from integrations.services.connections.store import NewAccount, same_identity, store_account
from orgs.audit import DONE, AuditAction, Detail, failed
from orgs.errors import ConflictError
from orgs.permissions import Actor, OwnerRef, Permission, require

KEPT = oauth.Revocation(confirmed=True, detail="What was connected before stays as it was.")
OVER = "This sign-in is over: it was confirmed or discarded already, or it took too long. Begin again."


@dataclass(frozen=True)
class Finished:
    """The end of a flow: the request and, unless the identity must be confirmed first, the account."""

    request: ConnectionRequest
    account: ConnectedAccount | None
    was_renewed: bool = False
    takes_over_from: ConnectedAccount | None = None
    asked: ConsentRequest | None = None


def confirm_connection(*, actor: Actor, owner: OwnerRef, request: ConnectionRequest, now: datetime) -> Finished:
    """The admin has seen the identity that came back and wants it."""
    require(actor, Permission.CONNECTED_ACCOUNTS_MANAGE, owner)
    tokens, verified = _opened(request, actor, now)
    with transaction.atomic():  # what cannot be stored after all can still be discarded
        if not _take(request, RequestStatus.FINISHED):
            raise ConflictError(OVER, code="request_over")
        return store_and_close(request, tokens, verified, actor=actor, owner=owner, was_confirmed=True, now=now)


def discard_connection(*, actor: Actor, owner: OwnerRef, request: ConnectionRequest, now: datetime) -> oauth.Revocation:
    """It is the wrong account: nothing is stored, and the access is taken back at the provider.

    Not when it is the account's own identity, with less access: taking that back could end what works.
    """
    require(actor, Permission.CONNECTED_ACCOUNTS_MANAGE, owner)
    tokens, verified = _opened(request, actor, now)
    with transaction.atomic():
        if not _take(request, RequestStatus.DENIED):
            raise ConflictError(OVER, code="request_over")
        record_request(request, AuditAction.CONNECTION_DISCARD, actor=actor, owner=owner, now=now)
    if same_identity(request.reconnects, verified.identity):
        return KEPT
    return revoke_recorded(request, tokens, verified.key, actor=actor, owner=owner, now=now)


def pending_identity(*, actor: Actor, request: ConnectionRequest, now: datetime) -> Verified:
    """The identity that waits for confirmation; ConflictError when there is none any more."""
    return _opened(request, actor, now)[1]


def tools_that_stop(*, actor: Actor, request: ConnectionRequest, now: datetime) -> list[Tool]:
    """The tools of the account that is being reconnected that would not run with what was granted this time."""
    tokens, _ = _opened(request, actor, now)
    account = request.reconnects
    return tools_lost(actor=actor, account=account, scopes=tokens.scopes) if account else []


def hold(
    request: ConnectionRequest, tokens: oauth.Tokens, verified: Verified, *, actor: Actor, now: datetime
) -> Finished:
    """Keep the tokens sealed on the request until the identity is confirmed, for one more lifetime."""
    held = {
        "tokens": token_values(tokens, request.auth_config),
        "scopes": list(tokens.scopes),
        "expires_in": tokens.expires_in,
        "received_at": now.timestamp(),
        "identity": verified.as_dict(),
        "base_url": verified.base_url,
    }
    change_request(
        request,
        actor=actor,
        status=RequestStatus.CONFIRMING,
        code_verifier=None,
        pending=seal_pending(request.id, held, field_name="pending"),
        expires_at=now + timedelta(seconds=settings.CONNECTION_REQUEST_LIFETIME),
    )
    return Finished(request, None)


@transaction.atomic
def store_and_close(
    request: ConnectionRequest,
    tokens: oauth.Tokens,
    verified: Verified,
    *,
    actor: Actor,
    owner: OwnerRef,
    was_confirmed: bool = False,
    now: datetime,
) -> Finished:
    """Make the account, and end the request."""
    new = replace(_new_account(request, tokens, verified), was_confirmed=was_confirmed)
    stored = store_account(new, actor=actor, owner=owner, now=now)
    close_request(request, RequestStatus.FINISHED, actor=actor, connected_account=stored.account)
    return Finished(request, stored.account, stored.was_renewed, stored.takes_over_from, stored.asked)


def close_request(request: ConnectionRequest, status: RequestStatus, *, actor: Actor, **fields: Any) -> None:
    """End a request: what was secret in it goes."""
    change_request(request, actor=actor, status=status, code_verifier=None, pending=None, **fields)


def change_request(request: ConnectionRequest, *, actor: Actor, **fields: Any) -> None:
    del actor  # the flow was taken by its own user before
    ConnectionRequest.objects.unscoped("the flow in hand").filter(id=request.id).update(**fields)
    for name, value in fields.items():
        setattr(request, name, value)


def revoke_recorded(
    request: ConnectionRequest, tokens: oauth.Tokens, identity: str, *, actor: Actor, owner: OwnerRef, now: datetime
) -> oauth.Revocation:
    """The same as `revoke_unstored`, and what the provider answered goes into the log."""
    answer = revoke_unstored(request, tokens, identity, actor=actor)
    result = DONE if answer.confirmed else failed("not_confirmed")
    details: dict[str, Detail] = {"confirmed": answer.confirmed, "reason": answer.detail}
    record_request(request, AuditAction.CONNECTION_REVOKE, actor=actor, owner=owner, result=result, now=now, **details)
    return answer


def revoke_unstored(
    request: ConnectionRequest, tokens: oauth.Tokens, identity: str, *, actor: Actor
) -> oauth.Revocation:
    """Take back tokens that nobody is going to use; `identity` is what the provider calls whoever signed in."""
    del actor
    return take_back(tokens, request.auth_config, identity=identity, owner_id=request.owner_id)


def abandon(request: ConnectionRequest, *, actor: Actor, code: str, message: str) -> bool:
    """End an unfinished flow of somebody's; False when it went on at this very moment."""
    del actor  # whoever ends a membership may do so: the use case has asked
    rows = ConnectionRequest.objects.unscoped("the flow in hand").filter(id=request.id, status=request.status)
    ended = {"status": RequestStatus.FAILED, "error_code": code, "error_message": message}
    return bool(rows.update(**ended, code_verifier=None, pending=None))


def _new_account(request: ConnectionRequest, tokens: oauth.Tokens, verified: Verified) -> NewAccount:
    return NewAccount(
        auth_config=request.auth_config,
        scheme=AuthScheme.OAUTH2,
        values=token_values(tokens, request.auth_config),
        identity=verified.identity,
        base_url=verified.base_url,
        scopes=list(tokens.scopes),
        expires_in=tokens.expires_in,
        alias=request.alias,
        reconnects=request.reconnects_id,
        link=request.link_id,
        consent_request=request.consent_request_id,
        preset=request.preset,
    )


def _opened(request: ConnectionRequest, actor: Actor, now: datetime) -> tuple[oauth.Tokens, Verified]:
    waits = request.status == RequestStatus.CONFIRMING and request.pending is not None and request.expires_at > now
    if not waits or request.user_id != actor.user_id:
        raise ConflictError(OVER, code="request_over")
    try:
        held = open_pending(request.id, request.pending, field_name="pending")
    except SecretUnreadableError as error:
        raise ConflictError(f"{error} Begin again.", code="secrets_unreadable") from None
    return _tokens(held, now), Verified.from_dict(held["identity"], held["base_url"])


def _tokens(held: Mapping[str, Any], now: datetime) -> oauth.Tokens:
    """The waiting counts: the tokens have grown older meanwhile."""
    life = held["expires_in"]
    return oauth.Tokens(
        access_token=held["tokens"]["access_token"],
        refresh_token=held["tokens"]["refresh_token"],
        expires_in=None if life is None else max(1, int(life - (now.timestamp() - held["received_at"]))),
        scopes=tuple(held["scopes"]),
    )


def _take(request: ConnectionRequest, status: RequestStatus) -> bool:
    """Once, by a conditional UPDATE: a double click confirms one account."""
    rows = ConnectionRequest.objects.unscoped("the flow in hand")
    return bool(rows.filter(id=request.id, status=RequestStatus.CONFIRMING).update(status=status, pending=None))
