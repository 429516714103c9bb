"""Deny, block, lift, reopen: what an admin decides without connecting anything."""

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db import IntegrityError, transaction

from integrations.models import ConsentRequest
from integrations.models.consent_requests import REASON_LENGTH
from integrations.models.status import ConsentStatus, ConsentStep
from integrations.services.consent.records import locked, must_be, note, tell_requesters
from orgs.audit import AuditAction
from orgs.errors import ConflictError, DomainError
from orgs.permissions import Actor, OwnerRef, Permission, require
from orgs.services.fresh_rights import with_fresh_rights

SAY_WHY = "Say why: whoever asked reads it."


@transaction.atomic
def deny_request(*, actor: Actor, owner: OwnerRef, consent_id: UUID, reason: str, now: datetime) -> ConsentRequest:
    """Say no, with a reason. It can be asked for again."""
    row = _decided(actor, owner, consent_id, ConsentStatus.DENIED, reason, now)
    at: dict[str, Any] = {"actor": actor, "owner": owner, "now": now}
    note(row, AuditAction.REQUEST_DENY, ConsentStep.DENIED, **at, reason=row.decision_reason)
    told = f"{actor.label} wrote: {row.decision_reason}"
    tell_requesters(row, **at, title=f"Denied: {row.what}", text=told)
    return row


@transaction.atomic
def block_request(*, actor: Actor, owner: OwnerRef, consent_id: UUID, reason: str, now: datetime) -> ConsentRequest:
    """Say no for good: nobody can ask for the same until an admin lifts the block."""
    row = _decided(actor, owner, consent_id, ConsentStatus.BLOCKED, reason, now)
    at: dict[str, Any] = {"actor": actor, "owner": owner, "now": now}
    note(row, AuditAction.REQUEST_BLOCK, ConsentStep.BLOCKED, **at, reason=row.decision_reason)
    told = f"It cannot be asked for again for now. {actor.label} wrote: {row.decision_reason}"
    tell_requesters(row, **at, title=f"Blocked: {row.what}", text=told)
    return row


@transaction.atomic
def lift_block(*, actor: Actor, owner: OwnerRef, consent_id: UUID, now: datetime) -> ConsentRequest:
    """Let it be asked for again. The request stays denied."""
    row = _to_decide(actor, owner, consent_id)
    must_be(row, ConsentStatus.BLOCKED, actor=actor)
    row.status = ConsentStatus.DENIED
    row.save(update_fields=["status"])
    at: dict[str, Any] = {"actor": actor, "owner": owner, "now": now}
    note(row, AuditAction.REQUEST_LIFT, ConsentStep.LIFTED, **at)
    told = f"{actor.label} lifted the block. You can ask again."
    tell_requesters(row, **at, title=f"No longer blocked: {row.what}", text=told)
    return row


@transaction.atomic
def reopen_request(*, actor: Actor, owner: OwnerRef, consent_id: UUID, now: datetime) -> ConsentRequest:
    """Take a decision back: the question is open again, with everybody who asked."""
    row = _to_decide(actor, owner, consent_id)
    must_be(row, ConsentStatus.DENIED, ConsentStatus.BLOCKED, ConsentStatus.EXPIRED, actor=actor)
    row.status, row.decided_by, row.decided_at, row.decision_reason = ConsentStatus.OPEN, None, None, ""
    row.expires_at, row.reminded_at = now + timedelta(days=settings.REQUEST_LIFETIME_DAYS), None
    try:
        with transaction.atomic():
            row.save()
    except IntegrityError:
        message = "The same was asked for again since. Decide that one."
        raise ConflictError(message, code="request_again") from None
    at: dict[str, Any] = {"actor": actor, "owner": owner, "now": now}
    note(row, AuditAction.REQUEST_REOPEN, ConsentStep.REOPENED, **at)
    tell_requesters(row, **at, title=f"Open again: {row.what}", text=f"{actor.label} opened it again.")
    return row


def _to_decide(actor: Actor, owner: OwnerRef, consent_id: UUID) -> ConsentRequest:
    """With the rights as they are now."""
    require(with_fresh_rights(actor=actor, owner=owner), Permission.REQUESTS_DECIDE, owner)
    return locked(actor=actor, owner=owner, consent_id=consent_id)


def _decided(
    actor: Actor, owner: OwnerRef, consent_id: UUID, status: ConsentStatus, reason: str, now: datetime
) -> ConsentRequest:
    row = _to_decide(actor, owner, consent_id)
    must_be(row, ConsentStatus.OPEN, actor=actor)
    if not reason.strip():
        raise DomainError(SAY_WHY, code="reason_missing", field="reason")
    row.status, row.decided_by_id, row.decided_at = status, actor.user_id, now
    row.decision_reason = reason.strip()[:REASON_LENGTH]
    row.save(update_fields=["status", "decided_by", "decided_at", "decision_reason"])
    return row
