"""Tell people of API keys that are about to expire, once for each key, in time to replace it (check K7)."""

from datetime import datetime
from typing import Final

from django.db import transaction
from django.db.models import F

from orgs.addresses import owner_url
from orgs.models import ApiKey
from orgs.models.api_keys import EXPIRES_SOON
from orgs.notices import NoticeKind
from orgs.permissions import Permission
from orgs.queries.people import holders
from orgs.services.notices import notify

BATCH: Final = 100


def warn_about_keys(*, actor: None, now: datetime) -> int:
    """Tell whoever can replace them; return of how many keys. For the sweep: nobody acts.

    A key that was made for a week or less, or that another one has taken over from, is nothing to tell about; nor is
    what a program was granted over OAuth: it asks again by itself.
    """
    del actor
    live = ApiKey.objects.filter(revoked_at=None, warned_at=None, expires_at__gt=now, oauth_client=None)
    soon = live.filter(expires_at__lte=now + EXPIRES_SOON, expires_at__gt=F("created_at") + EXPIRES_SOON)
    due = soon.filter(replacements=None).select_related("owner__user", "owner__organization").order_by("expires_at")
    return sum(_warn(key, now) for key in due[:BATCH])


@transaction.atomic
def _warn(key: ApiKey, now: datetime) -> int:
    """The mark first, by conditional UPDATE: two sweeps at once tell it once."""
    if not ApiKey.objects.filter(id=key.id, warned_at=None).update(warned_at=now) or key.expires_at is None:
        return 0
    owner = key.owner.ref
    whose = f"A key of {owner.label}" if owner.is_organization else "Your key"
    notify(
        actor=None,
        users=holders(actor=None, owner=owner, permission=Permission.API_KEYS_MANAGE),
        kind=NoticeKind.SECURITY,
        title=f"The API key {key.name} expires on {key.expires_at:%-d %B}",
        text=f"{whose} (…{key.last_four}) stops working then. Rotate it: both keys work until you revoke the old one.",
        path=owner_url(owner, "api_key", key_id=key.text_id),
        owner=owner,
        now=now,
    )
    return 1
