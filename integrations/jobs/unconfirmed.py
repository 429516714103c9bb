"""Give back what nobody confirmed in time: the provider gave access, and whoever began it never said that it is theirs.

First nobody can confirm it any more, then the provider is asked, and our copy goes with the record of its answer. A
crash between any two of them leaves the copy for the next sweep.
"""

import time
from datetime import datetime
from typing import Any, Final

from django.db import transaction

from integrations import oauth
from integrations.jobs.withdrawal import held_identity, held_tokens, take_back
from integrations.models import ConnectionRequest
from integrations.models.owned import OWNER_NAMES
from integrations.models.status import RequestStatus
from orgs.audit import DONE, AuditAction, Target, failed
from orgs.services.audit import record

BATCH: Final = 50
SECONDS: Final = 5.0  # of one sweep: it has other things to do


def withdraw_unconfirmed(now: datetime) -> int:
    """How many were given back. Each provider is asked once; what it did not confirm stands in the record."""
    until = time.monotonic() + SECONDS
    rows = ConnectionRequest.objects.unscoped("expired flows of everybody")
    over = rows.filter(status=RequestStatus.CONFIRMING, expires_at__lt=now)
    over.update(status=RequestStatus.EXPIRED, code_verifier=None)
    held = rows.filter(status=RequestStatus.EXPIRED, pending__isnull=False)
    named = held.select_related("auth_config__toolkit", *OWNER_NAMES).order_by("expires_at", "id")
    return sum(_give_back(held, one, now) for one in named[:BATCH] if time.monotonic() < until)


def _give_back(held: Any, request: ConnectionRequest, now: datetime) -> int:
    identity, owner_id = held_identity(request), request.owner_id
    answer = take_back(held_tokens(request), request.auth_config, identity=identity, owner_id=owner_id)
    with transaction.atomic():
        if not held.filter(id=request.id).update(pending=None):
            return 0  # another sweep or a deletion was faster
        _record(request, answer, now)
    return 1


def _record(request: ConnectionRequest, answer: oauth.Revocation, now: datetime) -> None:
    toolkit = request.auth_config.toolkit
    record(
        actor=None,
        owner=request.owner.ref,
        action=AuditAction.CONNECTION_REVOKE,
        target=Target("connection_request", request.text_id, toolkit.name),
        result=DONE if answer.confirmed else failed("not_confirmed"),
        details={"toolkit": toolkit.slug, "confirmed": answer.confirmed, "reason": answer.detail},
        now=now,
    )
