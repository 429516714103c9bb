"""What time does to the requests of members: the admins are reminded once, and one day it is over."""

from datetime import datetime, timedelta
from typing import Any, Final

from django.conf import settings
from django.db import transaction

from integrations.models import ConsentEvent, ConsentRequest
from integrations.models.status import ConsentStatus, ConsentStep
from orgs.addresses import owner_url
from orgs.audit import AuditAction, Target
from orgs.notices import NoticeKind
from orgs.permissions import OwnerRef, Permission
from orgs.queries.people import holders
from orgs.services.audit import record
from orgs.services.notices import notify, settle

BATCH: Final = 50
EVERYBODYS: Final = "the sweep serves every owner"


def look_after_requests(now: datetime) -> tuple[int, int]:
    """Remind and expire; how many of each. Each is taken by a conditional UPDATE: two sweeps do it once."""
    return sum(_each(_to_remind(now), _remind, now)), sum(_each(_to_expire(now), _expire, now))


def _each(rows: Any, act: Any, now: datetime) -> list[bool]:
    with_names = rows.select_related("toolkit", "connected_account", "owner__organization", "owner__user")
    return [act(row, now) for row in with_names.order_by("id")[:BATCH]]


def _open_ones() -> Any:
    return ConsentRequest.objects.unscoped(EVERYBODYS).filter(status=ConsentStatus.OPEN)


def _to_expire(now: datetime) -> Any:
    return _open_ones().filter(expires_at__lte=now)


def _to_remind(now: datetime) -> Any:
    """Counted from the end, so that one that was opened again waits anew."""
    left = timedelta(days=settings.REQUEST_LIFETIME_DAYS - settings.REQUEST_REMINDER_DAYS)
    return _open_ones().filter(reminded_at=None, expires_at__lte=now + left, expires_at__gt=now)


@transaction.atomic
def _remind(row: ConsentRequest, now: datetime) -> bool:
    if not _to_remind(now).filter(id=row.id).update(reminded_at=now):
        return False
    owner = row.owner.ref
    _note(row, AuditAction.REQUEST_REMIND, ConsentStep.REMINDED, owner, now)
    notify(
        actor=None,
        users=holders(actor=None, owner=owner, permission=Permission.REQUESTS_DECIDE),
        kind=NoticeKind.REQUEST,
        title=f"Still waiting: {row.what}",
        text=f"Members of {owner.label} asked for this, and nobody has decided yet.",
        path=_page_of(row, owner),
        owner=owner,
        now=now,
    )
    return True


@transaction.atomic
def _expire(row: ConsentRequest, now: datetime) -> bool:
    if not _to_expire(now).filter(id=row.id).update(status=ConsentStatus.EXPIRED, decided_at=now):
        return False
    owner = row.owner.ref
    _note(row, AuditAction.REQUEST_EXPIRE, ConsentStep.EXPIRED, owner, now)
    settle(actor=None, kind=NoticeKind.REQUEST, path=_page_of(row, owner), now=now)
    notify(
        actor=None,
        users=[one.user for one in row.requesters.asking().select_related("user")],
        kind=NoticeKind.REQUEST,
        title=f"Expired: {row.what}",
        text=f"Nobody in {owner.label} decided in time. You can ask again.",
        path=_page_of(row, owner),
        owner=owner,
        now=now,
    )
    return True


def _note(row: ConsentRequest, action: AuditAction, step: ConsentStep, owner: OwnerRef, now: datetime) -> None:
    ConsentEvent.objects.create(request=row, step=step, at=now)
    target, details = Target("request", row.text_id, row.what), {"toolkit": row.toolkit.slug}
    record(actor=None, owner=owner, action=action, target=target, details=details, now=now)


def _page_of(row: ConsentRequest, owner: OwnerRef) -> str:
    return owner_url(owner, "request", consent_id=row.text_id)
