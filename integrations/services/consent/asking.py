"""Ask for a connection or for access, and take it back."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

from django.conf import settings
from django.db import IntegrityError, transaction

from accounts.models import User
from integrations.models import ConnectedAccount, ConsentRequest, ConsentRequester, Tool, Toolkit
from integrations.models.consent_requests import REASON_LENGTH
from integrations.models.status import ConsentStatus, ConsentStep
from integrations.queries.connections import get_connection
from integrations.queries.tools import get_toolkit
from integrations.services.consent.records import locked, must_be, note, settle_question, tell_admins
from orgs.audit import AuditAction
from orgs.errors import ConflictError, DomainError, ForbiddenError, NotFoundError, TooManyError
from orgs.permissions import Actor, OwnerRef, Permission, require
from orgs.queries.owners import owner_row

MOST_OPEN: Final = 20  # of one member in one organization
MOST_TOOLS: Final = 50
LASTING: Final = [ConsentStatus.OPEN, ConsentStatus.BLOCKED]


@dataclass(frozen=True)
class Ask:
    """What a member wants: a new connection of a toolkit, or access to the organization's account `account_id`."""

    toolkit: str
    reason: str
    tools: Sequence[str] = ()
    account_id: UUID | None = None


@dataclass(frozen=True)
class Asked:
    """What came of asking: a request of one's own, one that others had made before, or one's own once more."""

    request: ConsentRequest
    is_new: bool
    was_mine: bool


@transaction.atomic
def ask_for(*, actor: Actor, owner: OwnerRef, wish: Ask, now: datetime) -> Asked:
    """Ask the admins; who asks for the same as others joins them. ConflictError where an admin has blocked it."""
    require(actor, Permission.REQUESTS_MAKE, owner)
    reason = _checked_reason(actor, wish)
    toolkit, account = _target(actor, owner, wish)
    tools = _checked_tools(toolkit, wish.tools)
    row, is_new = _open_request(actor, owner, toolkit, account, now)
    was_mine = _take_part(row, actor, reason, tools, now)
    if not was_mine:
        _check_room(actor, owner)
    action = AuditAction.REQUEST_MAKE if is_new else AuditAction.REQUEST_JOIN
    note(row, action, ConsentStep.ASKED, actor=actor, owner=owner, now=now, reason=reason)
    if is_new:
        tell_admins(row, actor=actor, owner=owner, now=now, reason=reason)
    return Asked(row, is_new, was_mine)


@transaction.atomic
def withdraw_request(*, actor: Actor, owner: OwnerRef, consent_id: UUID, now: datetime) -> ConsentRequest:
    """Take back one's own part. The last one to do so ends the request."""
    require(actor, Permission.REQUESTS_WITHDRAW, owner)
    row = locked(actor=actor, owner=owner, consent_id=consent_id)
    if actor.user_id is None or not row.requesters.of(actor).asking().exists():
        raise NotFoundError("You have not asked for this, or took it back already.")
    must_be(row, ConsentStatus.OPEN, actor=actor)
    _take_back(row, actor.user_id, actor, owner, now)
    return row


@transaction.atomic
def withdraw_all(*, actor: Actor, owner: OwnerRef, user: User, now: datetime) -> int:
    """Take back everything that somebody who leaves had asked for; how many. Leaving was checked before."""
    theirs = ConsentRequester.objects.asking().filter(user=user)
    rows = ConsentRequest.objects.owned_by(owner).filter(status=ConsentStatus.OPEN, requesters__in=theirs)
    ids = list(rows.values_list("id", flat=True))
    for consent_id in ids:
        _take_back(locked(actor=actor, owner=owner, consent_id=consent_id), user.id, actor, owner, now)
    return len(ids)


def _take_back(row: ConsentRequest, user_id: UUID, actor: Actor, owner: OwnerRef, now: datetime) -> None:
    row.requesters.asking().filter(user_id=user_id).update(withdrawn_at=now)
    left = row.requesters.asking().count()
    at: dict[str, Any] = {"actor": actor, "owner": owner, "now": now}
    note(row, AuditAction.REQUEST_WITHDRAW, ConsentStep.WITHDREW, **at, user_id=user_id, requesters=left)
    if not left:
        row.status, row.decided_at = ConsentStatus.WITHDRAWN, now
        row.save(update_fields=["status", "decided_at"])
        settle_question(row, actor=actor, owner=owner, now=now)


def _checked_reason(actor: Actor, wish: Ask) -> str:
    if actor.user_id is None:
        raise ForbiddenError("Only a person can ask for a connection.", code="person_needed")
    reason = wish.reason.strip()
    if not reason:
        raise DomainError("Say why you need it: admins decide by that.", code="reason_missing", field="reason")
    return reason[:REASON_LENGTH]


def _target(actor: Actor, owner: OwnerRef, wish: Ask) -> tuple[Toolkit, ConnectedAccount | None]:
    toolkit = get_toolkit(actor=actor, owner=owner, slug=wish.toolkit)
    if wish.account_id is None:
        if not toolkit.needs_account:
            raise DomainError(f"{toolkit.name} needs no account: its tools run as they are.", code="no_account_needed")
        return toolkit, None
    account = get_connection(actor=actor, owner=owner, account_id=wish.account_id)
    if account.toolkit_id != toolkit.id:
        raise NotFoundError("There is no such connection of this toolkit here.")
    return toolkit, account


def _checked_tools(toolkit: Toolkit, slugs: Sequence[str]) -> list[str]:
    """The wanted tools that the toolkit has; what it does not have is left out."""
    known = Tool.objects.filter(toolkit=toolkit, slug__in=list(slugs)[:MOST_TOOLS], is_deprecated=False)
    return list(known.order_by("slug").values_list("slug", flat=True))


def _open_request(
    actor: Actor, owner: OwnerRef, toolkit: Toolkit, account: ConnectedAccount | None, now: datetime
) -> tuple[ConsentRequest, bool]:
    """The open one, locked; else a new one. Who is slower by a moment meets the constraint, and joins."""
    found = _found(owner, toolkit, account)
    if found is not None:
        return found, False
    try:
        with transaction.atomic():
            return _insert(actor, owner, toolkit, account, now), True
    except IntegrityError:
        found = _found(owner, toolkit, account)
        if found is None:  # made and ended by others within this moment
            message = "Somebody else changed this just now. Ask again."
            raise ConflictError(message, code="request_changed") from None
        return found, False


def _found(owner: OwnerRef, toolkit: Toolkit, account: ConnectedAccount | None) -> ConsentRequest | None:
    rows = ConsentRequest.objects.owned_by(owner).select_for_update(of=("self",))
    rows = rows.select_related("toolkit", "connected_account").filter(status__in=LASTING)
    row: ConsentRequest | None = rows.filter(toolkit=toolkit, connected_account=account).first()
    if row is not None and row.status == ConsentStatus.BLOCKED:
        why = f" They wrote: {row.decision_reason}" if row.decision_reason else ""
        raise ConflictError(f"An admin of {owner.label} has blocked this.{why}", code="request_blocked")
    return row


def _insert(
    actor: Actor, owner: OwnerRef, toolkit: Toolkit, account: ConnectedAccount | None, now: datetime
) -> ConsentRequest:
    row = ConsentRequest(
        owner=owner_row(actor=actor, owner=owner),
        toolkit=toolkit,
        connected_account=account,
        created_at=now,
        expires_at=now + timedelta(days=settings.REQUEST_LIFETIME_DAYS),
    )
    row.save(force_insert=True)
    return row


def _take_part(row: ConsentRequest, actor: Actor, reason: str, tools: list[str], now: datetime) -> bool:
    """Whether it was the actor's already. Asking anew replaces what they said before."""
    values: dict[str, Any] = {"user_id": actor.user_id, "reason": reason, "tools": tools}
    values |= {"asked_at": now, "withdrawn_at": None}
    mine = row.requesters.of(actor)
    was_mine = mine.asking().exists()
    if not mine.update(**values):
        row.requesters.create(**values)
    return was_mine


def _check_room(actor: Actor, owner: OwnerRef) -> None:
    """Nobody fills the desk alone."""
    rows = ConsentRequest.objects.owned_by(owner).filter(status=ConsentStatus.OPEN)
    if rows.filter(requesters__in=ConsentRequester.objects.of(actor).asking()).count() > MOST_OPEN:
        message = f"You have {MOST_OPEN} open requests in {owner.label}. Wait for a decision, or withdraw one."
        raise TooManyError(message)
