"""An owner lets support look, for hours: given, extended, ended, each on record and told to whom it concerns."""

from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from django.db import transaction

from accounts.models import User
from orgs.addresses import owner_url
from orgs.audit import AuditAction, Target
from orgs.errors import ConflictError, DomainError, NotFoundError
from orgs.models import SupportGrant
from orgs.notices import NoticeKind
from orgs.permissions import Actor, OwnerRef, Permission, require
from orgs.queries.people import holders
from orgs.queries.support_grants import get_grant, support_people
from orgs.services.audit import record
from orgs.services.fresh_rights import with_fresh_rights
from orgs.services.notices import notify

SEEN: Final = "members, connections, runs and the audit log"
LONGEST: Final = timedelta(hours=24)


@transaction.atomic
def give_grant(
    *, actor: Actor, owner: OwnerRef, person_id: UUID | None, hours: int, reason: str, now: datetime
) -> SupportGrant:
    """Let a named member of the support team look, or with `person_id` None the team."""
    fresh = with_fresh_rights(actor=actor, owner=owner)
    require(fresh, Permission.SUPPORT_GRANTS_MANAGE, owner)
    person = _person(fresh, owner, person_id)
    grant = SupportGrant.objects.create(
        organization_id=owner.id,
        person=person,
        reason=reason,
        given_by_id=actor.user_id,
        given_at=now,
        until=_until(hours, now),
    )
    _record(actor, owner, grant, AuditAction.SUPPORT_GRANT, now, reason=reason)
    _tell(actor, owner, grant, "may look at", now)
    return grant


@transaction.atomic
def extend_grant(*, actor: Actor, owner: OwnerRef, grant_id: UUID, hours: int, now: datetime) -> SupportGrant:
    """From now on for that many hours, when that is longer than before."""
    require(with_fresh_rights(actor=actor, owner=owner), Permission.SUPPORT_GRANTS_MANAGE, owner)
    grant = _running(actor, owner, grant_id, now)
    until = _until(hours, now)
    if until <= grant.until:
        raise ConflictError("It runs that long already. To make it shorter, end it.")
    grant.until = until
    grant.save(update_fields=["until"])
    _record(actor, owner, grant, AuditAction.SUPPORT_EXTEND, now)
    _tell(actor, owner, grant, "may look for longer at", now)
    return grant


@transaction.atomic
def end_grant(*, actor: Actor, owner: OwnerRef, grant_id: UUID, now: datetime) -> SupportGrant:
    """From the next request on support sees nothing."""
    require(with_fresh_rights(actor=actor, owner=owner), Permission.SUPPORT_GRANTS_MANAGE, owner)
    grant = _running(actor, owner, grant_id, now)
    grant.ended_at, grant.ended_by_id = now, actor.user_id
    grant.save(update_fields=["ended_at", "ended_by"])
    _record(actor, owner, grant, AuditAction.SUPPORT_END, now)
    return grant


def record_look(*, actor: Actor, owner: OwnerRef, target: Target, page: str, now: datetime) -> None:
    """That support opened a page: one record per page, in the log of whose page it is (check A7)."""
    require(actor, Permission.ORGANIZATION_READ, owner)
    record(actor=actor, owner=owner, action=AuditAction.SUPPORT_LOOK, target=target, details={"page": page}, now=now)


def _person(actor: Actor, owner: OwnerRef, person_id: UUID | None) -> User | None:
    if person_id is None:
        return None
    for user in support_people(actor=actor, owner=owner):
        if user.id == person_id:
            return user
    raise NotFoundError("This is nobody of the support team. Choose somebody from the list.", field="person")


def _until(hours: int, now: datetime) -> datetime:
    wanted = timedelta(hours=hours)
    if not timedelta() < wanted <= LONGEST:
        raise DomainError("Choose between 1 and 24 hours. It can be extended later.", field="hours")
    return now + wanted


def _running(actor: Actor, owner: OwnerRef, grant_id: UUID, now: datetime) -> SupportGrant:
    grant = get_grant(actor=actor, owner=owner, grant_id=grant_id)
    if not grant.is_running(now):
        raise ConflictError("It is over already. Support sees nothing any more.")
    return grant


def _record(
    actor: Actor, owner: OwnerRef, grant: SupportGrant, action: AuditAction, now: datetime, reason: str | None = None
) -> None:
    target = Target("support_grant", grant.text_id, grant.who)
    details = {"until": grant.until.isoformat(timespec="minutes"), "who": grant.who, "reason": reason}
    record(actor=actor, owner=owner, action=action, target=target, details=details, now=now)


def _tell(actor: Actor, owner: OwnerRef, grant: SupportGrant, may: str, now: datetime) -> None:
    """The other owners, so that nobody opens the door alone; and who was named, that it is open."""
    until = f"until {grant.until:%d %B, %H:%M} UTC"
    who = f"{grant.who[0].upper()}{grant.who[1:]}"
    owners = holders(actor=None, owner=owner, permission=Permission.SUPPORT_GRANTS_MANAGE)
    notify(
        actor=actor,
        users=[one for one in owners if one.id != actor.user_id],
        kind=NoticeKind.SUPPORT,
        title=f"{who} {may} {owner.label}",
        text=f"{actor.label} allowed it {until}: {SEEN}, to read. Any owner can end it.",
        path=owner_url(owner, "support"),
        owner=owner,
        now=now,
    )
    if grant.person is not None:
        _tell_person(actor, owner, grant.person, f"You {may} {owner.label}", until, now)


def _tell_person(actor: Actor, owner: OwnerRef, person: User, title: str, until: str, now: datetime) -> None:
    notify(
        actor=actor,
        users=[person],
        kind=NoticeKind.SUPPORT,
        title=title,
        text=f"{actor.label} allowed it {until}. Each page that you open stands in their audit log.",
        path=owner_url(owner, "members"),
        owner=None,
        now=now,
    )
