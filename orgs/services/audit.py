"""Write the audit log.

`record` costs one INSERT, in the transaction of what it tells about: both are there, or neither. A denial
costs one more statement, the count that raises the alert. `seal_chains` links the new events afterwards.
"""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

import structlog
from django.db import transaction
from django.db.models import Exists, OuterRef

from orgs.audit import (
    DONE,
    LABEL_LENGTH,
    AuditAction,
    AuditActor,
    AuditResult,
    Detail,
    Result,
    Target,
    chained,
)
from orgs.audit_details import checked_details, clean_text
from orgs.models import AuditChain, AuditEvent, AuditLink
from orgs.permissions import Actor, ActorKind, OwnerKind, OwnerRef, Permission, require

log = structlog.get_logger(__name__)
ALERT_DENIALS: Final = 20
ALERT_MINUTES: Final = 5
BATCH: Final = 500
LATE_MILLISECONDS: Final = 3_600_000  # the longest that a transaction may take and still be found by the next sweep
TIMESTAMP_BITS: Final = 80  # of a UUIDv7 that follow its milliseconds (RFC 9562 section 5.7)
KINDS: Final = {
    ActorKind.USER: AuditActor.USER,
    ActorKind.USER_KEY: AuditActor.KEY,
    ActorKind.ORGANIZATION_KEY: AuditActor.KEY,
    ActorKind.APPLICATION_KEY: AuditActor.KEY,
    ActorKind.SUPPORT: AuditActor.SUPPORT,
    ActorKind.ANONYMOUS: AuditActor.NOBODY,
}
OPERATOR: Final = "Whoever runs this installation"


def record(
    *,
    actor: Actor | None,
    owner: OwnerRef | None,
    action: AuditAction,
    target: Target,
    result: Result = DONE,
    details: Mapping[str, Detail] | None = None,
    now: datetime,
) -> AuditEvent:
    """Write one event into the log of an owner; `owner` None is the installation's own log.

    `actor` None is the product itself, or its operator at the command line.
    """
    event = _make(actor, owner, action, target, result, details or {}, now)
    event.save()
    if result.kind is AuditResult.DENIED:
        _alert_if_many(event, actor, owner, now)
    return event


def _make(
    actor: Actor | None,
    owner: OwnerRef | None,
    action: AuditAction,
    target: Target,
    result: Result,
    details: Mapping[str, Detail],
    now: datetime,
) -> AuditEvent:
    return AuditEvent(
        owner_id=_log_id(owner),
        at=now,
        action=action.value,
        **_actor(actor),
        target_kind=target.kind,
        target_id=clean_text(target.id, 80),
        target_label=clean_text(target.label, LABEL_LENGTH),
        result=result.kind.value,
        code=clean_text(result.code, 80),
        request_id=str(structlog.contextvars.get_contextvars().get("request_id", ""))[:64],
        details=checked_details({**details, **_for_whom(owner)}),
    )


def _log_id(owner: OwnerRef | None) -> str:
    """What concerns an end user stands in the log of the organization whose application it is."""
    if owner is None:
        return ""
    if owner.organization_id is not None:
        return OwnerRef(OwnerKind.ORGANIZATION, owner.organization_id).text_id
    return owner.text_id


def _for_whom(owner: OwnerRef | None) -> dict[str, Detail]:
    return {"end_user": owner.text_id} if owner is not None and owner.kind is OwnerKind.END_USER else {}


def _actor(actor: Actor | None) -> dict[str, Any]:
    if actor is None:
        return {"actor_kind": AuditActor.SYSTEM.value, "actor_label": OPERATOR}
    user = OwnerRef(OwnerKind.USER, actor.user_id).text_id if actor.user_id else ""
    by_key = actor.key_id is not None
    return {
        "actor_kind": KINDS[actor.kind].value,
        "actor_id": f"key_{actor.key_id.hex}" if actor.key_id else user,
        "actor_label": clean_text(actor.label or actor.username, LABEL_LENGTH),
        "acting_as": user if by_key else "",
    }


def record_export(*, actor: Actor, owner: OwnerRef, kind: str, now: datetime) -> AuditEvent:
    """That somebody took a copy of the log with them."""
    require(actor, Permission.AUDIT_READ, owner)
    target, details = Target("audit", owner.text_id, owner.label), {"format": kind}
    return record(actor=actor, owner=owner, action=AuditAction.AUDIT_EXPORT, target=target, details=details, now=now)


def record_data_export(*, actor: Actor, owner: OwnerRef, now: datetime) -> AuditEvent:
    """That somebody took a copy of everything with them."""
    require(actor, Permission.ORGANIZATION_MANAGE if owner.is_organization else Permission.AUDIT_READ, owner)
    target = Target(owner.kind.value, owner.text_id, owner.label)
    return record(actor=actor, owner=owner, action=AuditAction.ORGANIZATION_EXPORT, target=target, now=now)


def log_of(*, actor: Actor, owner: OwnerRef | None) -> OwnerRef | None:
    """In whose log a denial stands: the owner's within the actor's reach, else the actor's own."""
    reach = actor.reach()
    if owner is not None and actor.reaches(owner):
        return owner
    return reach[0] if reach else None


def _alert_if_many(event: AuditEvent, actor: Actor | None, owner: OwnerRef | None, now: datetime) -> None:
    """Twenty denials of one actor within five minutes make one alert (check T32)."""
    recent = AuditEvent.objects.filter(
        actor_kind=event.actor_kind, actor_id=event.actor_id, at__gt=now - timedelta(minutes=ALERT_MINUTES)
    )
    if not event.actor_id:  # nobody in particular: then it is about whom they tried
        recent = recent.filter(owner_id=event.owner_id)
    if recent.filter(result=AuditResult.DENIED.value)[:ALERT_DENIALS].count() < ALERT_DENIALS:
        return
    if recent.filter(action=AuditAction.ALERT_RAISE.value).exists():
        return
    log.warning("audit.many_denials", actor=event.actor_id, owner=event.owner_id)
    target = Target("actor", event.actor_id, event.actor_label)
    details: dict[str, Detail] = {"count": ALERT_DENIALS, "minutes": ALERT_MINUTES}
    _make(actor, owner, AuditAction.ALERT_RAISE, target, DONE, details, now).save()


# --- The chain


def seal_chains(*, actor: Actor | None) -> int:
    """Give every event that has none its place in its owner's chain; return how many. The sweep calls it: no actor."""
    del actor
    owners = list(_unsealed().order_by("owner_id").values_list("owner_id", flat=True).distinct()[:BATCH])
    return sum(_seal(owner_id) for owner_id in owners)


def _unsealed() -> Any:
    """Looks back from the newest link as far as a slow transaction may have come late, not through the whole log."""
    rows = AuditEvent.objects.filter(~Exists(AuditLink.objects.filter(event_id=OuterRef("id"))))
    newest: UUID | None = AuditLink.objects.order_by("-event_id").values_list("event_id", flat=True).first()
    if newest is None:
        return rows
    milliseconds = (newest.int >> TIMESTAMP_BITS) - LATE_MILLISECONDS
    return rows.filter(id__gte=UUID(int=max(milliseconds, 0) << TIMESTAMP_BITS))


@transaction.atomic
def _seal(owner_id: str) -> int:
    """The row of the chain is locked first: two sweeps at once extend it one after the other."""
    AuditChain.objects.bulk_create([AuditChain(owner_id=owner_id)], ignore_conflicts=True)
    chain = AuditChain.objects.select_for_update().get(owner_id=owner_id)
    links = []
    for event in _unsealed().filter(owner_id=owner_id).order_by("id")[:BATCH]:
        chain.length, chain.hash = chain.length + 1, chained(chain.hash, event.facts)
        links.append(AuditLink(event_id=event.id, owner_id=owner_id, number=chain.length, hash=chain.hash))
    AuditLink.objects.bulk_create(links)
    chain.save(update_fields=["length", "hash"])
    if links:  # in the log files too: whoever rewrites the tables does not reach those
        log.info("audit.sealed", owner=owner_id, number=chain.length, hash=chain.hash)
    return len(links)
