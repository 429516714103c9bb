"""The other end of a hand-over: not consented anew as the same account, but another account does its work."""

from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import transaction

from integrations.models import ConnectedAccount
from integrations.models.status import ConnectionStatus
from integrations.queries.connections import account_in_use, get_connection
from integrations.queries.takeover import could_take_over
from integrations.services.connections.care import make_default
from integrations.services.connections.handover import settle_handover
from integrations.services.connections.records import record_account
from orgs.audit import AuditAction
from orgs.errors import ConflictError, NotFoundError
from orgs.permissions import Actor, OwnerRef, Permission, require
from orgs.services.fresh_rights import with_fresh_rights

DONE_ALREADY = "This task is done already: nobody has to consent anew."


@transaction.atomic
def take_over(
    *, actor: Actor, owner: OwnerRef, account_id: UUID, successor_id: UUID | None, now: datetime
) -> tuple[ConnectedAccount, ConnectedAccount]:
    """Let another account take the place of one that was handed over; return both, the old one first.

    Runs that name no account use the new one, if they used the old one. The old one goes on working for those who
    name it, until somebody disconnects it. NotFoundError for what cannot take its place, ConflictError when the task
    is done.
    """
    actor = with_fresh_rights(actor=actor, owner=owner)
    require(actor, Permission.CONNECTED_ACCOUNTS_MANAGE, owner)
    old = get_connection(actor=actor, owner=owner, account_id=account_id)
    possible = could_take_over(actor=actor, owner=owner, account=old)
    new = next((one for one in possible if one.id == successor_id), None)
    if old.handed_over_at is None or not _end_task(old, owner):
        raise ConflictError(DONE_ALREADY, code="not_handed_over")
    if new is None:
        raise NotFoundError("There is no such working connection of this toolkit here.")
    if account_in_use(actor=actor, owner=owner, toolkit_id=old.toolkit_id) == old:
        make_default(actor=actor, owner=owner, account_id=new.id)
    details: dict[str, Any] = {"connected_account_id": new.text_id, "change": "another account takes its place"}
    record_account(old, AuditAction.CONNECTION_HAND_OVER, actor=actor, owner=owner, now=now, **details)
    settle_handover(old, actor=actor, owner=owner, now=now)
    return old, new


def _end_task(old: ConnectedAccount, owner: OwnerRef) -> bool:
    """By a conditional UPDATE: once. It needed attention for this task alone, unless renewing its access fails too."""
    rows = ConnectedAccount.objects.owned_by(owner).filter(id=old.id, handed_over_at__isnull=False)
    well = rows.filter(status=ConnectionStatus.NEEDS_ATTENTION, refresh_failing_since=None)
    well.update(status=ConnectionStatus.ACTIVE)
    return bool(rows.update(handed_over_at=None, successor=None))
