"""Tell the owners once more, shortly before an announced deletion is carried out: the last chance to stop it."""

from datetime import datetime, timedelta
from typing import Final

from django.db import transaction
from django.db.models import F

from orgs.addresses import owner_url
from orgs.models import Deletion, Organization
from orgs.models.deletions import DeletionQuerySet
from orgs.notices import NoticeKind
from orgs.permissions import OwnerKind, OwnerRef, Permission
from orgs.queries.people import holders
from orgs.services.notices import notify, settle

REMIND_BEFORE: Final = timedelta(hours=24)
BATCH: Final = 50


def remind_of_deletions(*, actor: None, now: datetime) -> int:
    """Return of how many. For the sweep: nobody acts. A countdown of a day or less begins with its only notice."""
    del actor
    due = _due(now).order_by("due_at", "id")
    return sum(_remind(deletion, now) for deletion in due[:BATCH])


def settle_reminders(*, actor: None, owner: OwnerRef, now: datetime) -> int:
    """The deletion was called off: nobody needs to look, and no e-mail follows."""
    return settle(actor=actor, kind=NoticeKind.OWNERSHIP, path=_path(owner), owner=owner, now=now)


def _due(now: datetime) -> DeletionQuerySet:
    announced = Deletion.objects.counting().filter(kind=OwnerKind.ORGANIZATION.value, reminded_at=None)
    long_enough = announced.filter(due_at__gt=F("asked_at") + REMIND_BEFORE)
    return long_enough.filter(due_at__gt=now, due_at__lte=now + REMIND_BEFORE)


@transaction.atomic
def _remind(deletion: Deletion, now: datetime) -> int:
    """The mark first, by conditional UPDATE: two sweeps tell it once, and none when it was called off meanwhile."""
    if not _due(now).filter(id=deletion.id).update(reminded_at=now):
        return 0
    owner = Organization.objects.get(id=deletion.owner_uuid).ref  # as it is called now
    notify(
        actor=None,
        users=holders(actor=None, owner=owner, permission=Permission.ORGANIZATION_MANAGE),
        kind=NoticeKind.OWNERSHIP,
        title=f"{owner.label} will be deleted on {deletion.due_at:%-d %B, %H:%M} UTC",
        text=f"{deletion.asked_by_label} has announced it. Until then an owner can stop it. After that its connections "
        "are withdrawn at the providers, and everything is gone.",
        path=_path(owner),
        owner=owner,
        now=now,
    )
    return 1


def _path(owner: OwnerRef) -> str:
    return f"{owner_url(owner, 'ownership')}#delete"
