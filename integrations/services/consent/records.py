"""What happens to a request: one record for the audit log, one line for its timeline, and who is told."""

from datetime import datetime
from typing import Final
from uuid import UUID

from integrations.models import ConsentEvent, ConsentRequest
from integrations.models.status import ConsentStatus, ConsentStep
from integrations.webhook_events import tell_of_request
from orgs.addresses import owner_url
from orgs.audit import AuditAction, Detail, Target
from orgs.errors import ConflictError, NotFoundError
from orgs.notices import NoticeKind
from orgs.permissions import Actor, OwnerRef, Permission
from orgs.queries.people import holders
from orgs.services.audit import record
from orgs.services.notices import notify, settle

NO_SUCH_REQUEST: Final = "There is no such request here."
# What webhooks are told of: that there is something to decide, and that it was decided.
TOLD: Final = frozenset(
    {
        AuditAction.REQUEST_MAKE,
        AuditAction.REQUEST_REOPEN,
        AuditAction.REQUEST_APPROVE,
        AuditAction.REQUEST_DENY,
        AuditAction.REQUEST_BLOCK,
    }
)


def locked(*, actor: Actor, owner: OwnerRef, consent_id: UUID) -> ConsentRequest:
    """The row, nobody else's until the transaction ends. Whether the actor may is for the use case to ask."""
    del actor
    rows = ConsentRequest.objects.owned_by(owner).select_for_update(of=("self",))
    row: ConsentRequest | None = rows.select_related("toolkit", "connected_account").filter(id=consent_id).first()
    if row is None:
        raise NotFoundError(NO_SUCH_REQUEST)
    return row


def must_be(row: ConsentRequest, *statuses: ConsentStatus, actor: Actor) -> None:
    """ConflictError unless it still stands so."""
    del actor
    if row.status not in statuses:
        message = f"This request is {row.word.label.lower()} by now. Look at it again."
        raise ConflictError(message, code="request_over")


def note(
    row: ConsentRequest,
    action: AuditAction,
    step: ConsentStep,
    *,
    actor: Actor,
    owner: OwnerRef,
    now: datetime,
    reason: str = "",
    user_id: UUID | None = None,
    **details: Detail,
) -> None:
    """Into the log and to the webhooks, without the words that people wrote, and into the timeline, with them.

    `user_id` is whose step it was, where somebody else did it for them.
    """
    ConsentEvent.objects.create(request=row, step=step, user_id=user_id or actor.user_id, at=now, reason=reason)
    target = Target("request", row.text_id, row.what)
    facts: dict[str, Detail] = {"toolkit": row.toolkit.slug, **details}
    if row.connected_account is not None:
        facts["connected_account_id"] = row.connected_account.text_id
    record(actor=actor, owner=owner, action=action, target=target, details=facts, now=now)
    if action in TOLD:
        tell_of_request(row, owner, now=now)


def page_of(row: ConsentRequest, *, actor: Actor, owner: OwnerRef) -> str:
    del actor
    return owner_url(owner, "request", consent_id=row.text_id)


def tell_admins(row: ConsentRequest, *, actor: Actor, owner: OwnerRef, now: datetime, reason: str) -> None:
    """Once for each request, however many members ask it."""
    deciders = holders(actor=actor, owner=owner, permission=Permission.REQUESTS_DECIDE)
    notify(
        actor=actor,
        users=[one for one in deciders if one.id != actor.user_id],
        kind=NoticeKind.REQUEST,
        title=f"{actor.label} asks: {row.what}",
        text=f"For {owner.label}. They wrote: {reason}",
        path=page_of(row, actor=actor, owner=owner),
        owner=owner,
        now=now,
    )


def tell_requesters(
    row: ConsentRequest, *, actor: Actor, owner: OwnerRef, now: datetime, title: str, text: str
) -> None:
    """How it came out, to everybody who still asks; and nobody needs to look at the question any more."""
    settle_question(row, actor=actor, owner=owner, now=now)
    asking = [one.user for one in row.requesters.asking().select_related("user")]
    path = page_of(row, actor=actor, owner=owner)
    notify(
        actor=actor,
        users=[one for one in asking if one.id != actor.user_id],
        kind=NoticeKind.REQUEST,
        title=title,
        text=text,
        path=path,
        owner=owner,
        now=now,
    )


def settle_question(row: ConsentRequest, *, actor: Actor, owner: OwnerRef, now: datetime) -> None:
    """Admins need not look at it any more."""
    settle(actor=actor, kind=NoticeKind.REQUEST, path=page_of(row, actor=actor, owner=owner), now=now)
