"""Approve: at the moment when the connection is there, by somebody who still may."""

from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import transaction

from integrations.models import ConnectedAccount, ConsentEvent, ConsentRequest
from integrations.models.status import ConsentStatus, ConsentStep
from integrations.queries.connections import get_connection
from integrations.queries.consent_answers import Candidate, candidate
from integrations.queries.consent_requests import approval_of
from integrations.services.consent.records import locked, must_be, note, tell_requesters
from integrations.services.policies import Terms, grant
from orgs.audit import AuditAction
from orgs.errors import ConflictError, DomainError, ForbiddenError, NotFoundError
from orgs.permissions import Actor, OwnerRef, Permission, require
from orgs.services.fresh_rights import with_fresh_rights


def check_approval(*, actor: Actor, owner: OwnerRef, consent_id: UUID) -> ConsentRequest:
    """Whether the actor may approve it as things stand: before somebody is sent to a provider, and after.

    ForbiddenError for a role that is too small and for one's own request; ConflictError when it is over.
    """
    require(actor, Permission.REQUESTS_DECIDE, owner)
    with transaction.atomic():
        row = locked(actor=actor, owner=owner, consent_id=consent_id)
        must_be(row, ConsentStatus.OPEN, actor=actor)
        _somebody_elses(row, actor, owner)
    return row


def note_begun(*, actor: Actor, consent_id: UUID, now: datetime) -> None:
    """Into the timeline: an admin is on the way. The record in the log is the connection's own."""
    ConsentEvent.objects.create(request_id=consent_id, step=ConsentStep.BEGAN, user_id=actor.user_id, at=now)


@transaction.atomic
def approve_request(
    *, actor: Actor, owner: OwnerRef, consent_id: UUID, account: ConnectedAccount, now: datetime
) -> ConsentRequest:
    """It is connected: in the transaction that stores the account, so that both are done or neither.

    What was connected may not be what was asked for, may lack scopes that the wanted tools need, or a policy may hold
    back somebody who asks: then there is something left to decide, and the request stays open.
    """
    fresh = with_fresh_rights(actor=actor, owner=owner)
    row = check_approval(actor=fresh, owner=owner, consent_id=consent_id)
    if row.toolkit_id != account.toolkit_id or row.connected_account_id not in {None, account.id}:
        return row
    return _approved_if_it_does(row, fresh, owner, account, now)


@transaction.atomic
def answer_standing_request(
    *, actor: Actor, owner: OwnerRef, account: ConnectedAccount, now: datetime
) -> ConsentRequest | None:
    """Members had asked for such a connection, and it was made without coming from their request: answered with it.

    Return the request; None when nobody had asked. It stays open where it is not the actor's to decide, or where the
    account would not do for them.
    """
    rows = ConsentRequest.objects.owned_by(owner).filter(status=ConsentStatus.OPEN, connected_account=None)
    standing = rows.filter(toolkit_id=account.toolkit_id).values_list("id", flat=True).first()
    if standing is None:
        return None
    fresh = with_fresh_rights(actor=actor, owner=owner)
    row = locked(actor=fresh, owner=owner, consent_id=standing)
    if not row.is_open or approval_of(actor=fresh, owner=owner, request=row).reason:
        return row
    return _approved_if_it_does(row, fresh, owner, account, now)


def _approved_if_it_does(
    row: ConsentRequest, actor: Actor, owner: OwnerRef, account: ConnectedAccount, now: datetime
) -> ConsentRequest:
    """Whichever way the account was connected, the same makes it an answer."""
    answer = candidate(actor=actor, owner=owner, request=row, account=account)
    if answer.obstacle or answer.held:
        return row
    return _approved(row, actor, owner, account, _connected_words(row, actor, owner, account), now)


@transaction.atomic
def give_access(
    *,
    actor: Actor,
    owner: OwnerRef,
    consent_id: UUID,
    account_id: UUID | None = None,
    until: datetime | None = None,
    now: datetime,
) -> ConsentRequest:
    """Approve with an account that is there already: the one that is asked for, else the one that is named.

    Whom a policy holds back gets a grant, for a time or for good. ConflictError while the account does not work.
    """
    fresh = with_fresh_rights(actor=actor, owner=owner)
    row = check_approval(actor=fresh, owner=owner, consent_id=consent_id)
    account = _account(fresh, owner, row, account_id)
    answer = candidate(actor=fresh, owner=owner, request=row, account=account)
    if answer.obstacle:
        raise ConflictError(f"{account.label}: {answer.obstacle}", code="account_not_ready")
    _grant_held(answer, fresh, owner, now, Terms(account=account, until=until, reason=row.what, is_told=True))
    row.granted_until = until if answer.held else None
    told = f"{actor.label} approved it: use {account.label} under the ID of {owner.label}."
    return _approved(row, fresh, owner, account, told, now)


def _grant_held(answer: Candidate, actor: Actor, owner: OwnerRef, now: datetime, terms: Terms) -> None:
    for one in answer.held:
        for effect in one.effects:
            these: Terms = {**terms, "effect": effect}
            grant(actor=actor, owner=owner, user=one.user, now=now, **these)


def _connected_words(row: ConsentRequest, actor: Actor, owner: OwnerRef, account: ConnectedAccount) -> str:
    name = row.toolkit.name
    return f"{actor.label} connected {name} as {account.label}. Run its tools under the ID of {owner.label}."


def _account(actor: Actor, owner: OwnerRef, row: ConsentRequest, account_id: UUID | None) -> ConnectedAccount:
    wanted = row.connected_account_id or account_id
    if wanted is None:
        raise DomainError("Say with which account.", code="account_missing", field="account")
    account = get_connection(actor=actor, owner=owner, account_id=wanted)
    if account.toolkit_id != row.toolkit_id:
        raise NotFoundError("There is no such connection of this toolkit here.")
    return account


def _approved(
    row: ConsentRequest, actor: Actor, owner: OwnerRef, account: ConnectedAccount, told: str, now: datetime
) -> ConsentRequest:
    is_own = _somebody_elses(row, actor, owner)
    row.status, row.decided_by_id, row.decided_at = ConsentStatus.APPROVED, actor.user_id, now
    row.answered_with, row.was_own = account, is_own
    row.save(update_fields=["status", "decided_by", "decided_at", "answered_with", "was_own", "granted_until"])
    at: dict[str, Any] = {"actor": actor, "owner": owner, "now": now}
    until = row.granted_until.isoformat() if row.granted_until else None
    facts: dict[str, Any] = {"is_own": is_own, "account": account.label, "expires_at": until}
    note(row, AuditAction.REQUEST_APPROVE, ConsentStep.APPROVED, **at, **facts)
    tell_requesters(row, **at, title=f"Approved: {row.what}", text=told)
    return row


def _somebody_elses(row: ConsentRequest, actor: Actor, owner: OwnerRef) -> bool:
    """Whether it is the actor's own, which is allowed only where nobody else may decide."""
    approval = approval_of(actor=actor, owner=owner, request=row)
    if approval.reason:
        raise ForbiddenError(approval.reason, code="own_request")
    return approval.is_own
