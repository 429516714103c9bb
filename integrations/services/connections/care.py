"""Look after a connected account: rename, make default, pause, resume, disconnect."""

from collections.abc import Collection
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import transaction
from django.utils import timezone

from integrations import oauth
from integrations.alarms import end_alarm
from integrations.jobs.withdrawal import NOT_OAUTH, values_or_none, withdraw
from integrations.models import ConnectedAccount
from integrations.models.connected_accounts import as_name
from integrations.models.owned import OWNER_NAMES
from integrations.models.status import CONNECTED, WORKING, ConnectionStatus
from integrations.queries.connections import get_connection
from integrations.services.connections.names import check_name
from integrations.services.connections.records import record_account
from orgs.audit import DONE, AuditAction, Detail, failed
from orgs.errors import ConflictError
from orgs.permissions import Actor, OwnerRef, Permission, require
from orgs.services.fresh_rights import one_at_a_time


@transaction.atomic
def rename_account(*, actor: Actor, owner: OwnerRef, account_id: UUID, alias: str) -> ConnectedAccount:
    """Give an account a name of one's own; empty text goes back to the provider's. DomainError when it is taken."""
    require(actor, Permission.CONNECTED_ACCOUNTS_MANAGE, owner)
    account = get_connection(actor=actor, owner=owner, account_id=account_id)
    one_at_a_time(actor=actor, owner=owner)  # two accounts that are renamed at once
    check_name(alias, actor=actor, owner=owner, toolkit_id=account.toolkit_id, account_id=account_id)
    changed = _change(actor, owner, account_id, alias=as_name(alias))
    return _recorded(changed, AuditAction.CONNECTION_RENAME, actor, owner)


@transaction.atomic
def make_default(
    *, actor: Actor, owner: OwnerRef, account_id: UUID
) -> tuple[ConnectedAccount, ConnectedAccount | None]:
    """Make an account the one that runs use when none is named; also return the one that was it before."""
    require(actor, Permission.CONNECTED_ACCOUNTS_MANAGE, owner)
    account = get_connection(actor=actor, owner=owner, account_id=account_id)
    one_at_a_time(actor=actor, owner=owner)
    siblings = ConnectedAccount.objects.owned_by(owner).filter(toolkit_id=account.toolkit_id, is_default=True)
    before: ConnectedAccount | None = siblings.exclude(id=account.id).select_related("toolkit").first()
    siblings.update(is_default=False)
    changed = _change(actor, owner, account_id, is_default=True)
    return _recorded(changed, AuditAction.CONNECTION_DEFAULT, actor, owner), before


@transaction.atomic
def unmark_default(*, actor: Actor, owner: OwnerRef, account_id: UUID) -> ConnectedAccount:
    """Mark no account of that toolkit: runs that name none use the newest one again."""
    get_connection(actor=actor, owner=owner, account_id=account_id)
    changed = _change(actor, owner, account_id, is_default=False)
    return _recorded(changed, AuditAction.CONNECTION_DEFAULT, actor, owner, change="unmarked")


@transaction.atomic
def pause_account(*, actor: Actor, owner: OwnerRef, account_id: UUID) -> ConnectedAccount:
    """Switch an account off until somebody resumes it."""
    account = get_connection(actor=actor, owner=owner, account_id=account_id)
    if account.status not in WORKING:
        raise ConflictError(f"Only a working connection can be paused; this one is {account.word.label.lower()}.")
    changed = _change(actor, owner, account_id, status=ConnectionStatus.PAUSED, only=WORKING)
    end_alarm(changed, owner, now=timezone.now())
    return _recorded(changed, AuditAction.CONNECTION_PAUSE, actor, owner)


@transaction.atomic
def resume_account(*, actor: Actor, owner: OwnerRef, account_id: UUID) -> ConnectedAccount:
    """Switch a paused account on again."""
    account = get_connection(actor=actor, owner=owner, account_id=account_id)
    if account.status != ConnectionStatus.PAUSED:
        raise ConflictError("This connection is not paused.")
    works = ConnectionStatus.NEEDS_ATTENTION if account.handed_over_at else ConnectionStatus.ACTIVE
    changed = _change(actor, owner, account_id, status=works, status_reason="", only=[ConnectionStatus.PAUSED])
    if works is ConnectionStatus.ACTIVE:  # else somebody is still asked to consent anew
        end_alarm(changed, owner, now=timezone.now())
    return _recorded(changed, AuditAction.CONNECTION_RESUME, actor, owner)


def disconnect(*, actor: Actor, owner: OwnerRef, account_id: UUID, now: datetime) -> oauth.Revocation:
    """Wipe our copy at once, then take the access back at the provider as far as it has a way (RFC 7009).

    Two records: that it was disconnected, together with the wiping, so that no crash can lose it; then what
    the provider said.
    """
    require(actor, Permission.CONNECTED_ACCOUNTS_MANAGE, owner)
    account = get_connection(actor=actor, owner=owner, account_id=account_id)
    values = values_or_none(account)
    _wipe(actor, owner, account_id, now)
    answer = withdraw(account, values)
    if answer is not NOT_OAUTH:
        result = DONE if answer.confirmed else failed("not_confirmed")
        details: dict[str, Detail] = {"confirmed": answer.confirmed, "reason": answer.detail}
        record_account(
            account, AuditAction.CONNECTION_REVOKE, actor=actor, owner=owner, result=result, now=now, **details
        )
    return answer


@transaction.atomic
def _wipe(actor: Actor, owner: OwnerRef, account_id: UUID, now: datetime) -> None:
    wiped: dict[str, Any] = {"credentials": None, "is_default": False, "expires_at": None, "disconnected_at": now}
    changed = _change(actor, owner, account_id, status=ConnectionStatus.REVOKED, **wiped)
    end_alarm(changed, owner, now=now)
    _recorded(changed, AuditAction.CONNECTION_DISCONNECT, actor, owner)


def _recorded(
    account: ConnectedAccount, action: AuditAction, actor: Actor, owner: OwnerRef, **details: Detail
) -> ConnectedAccount:
    record_account(account, action, actor=actor, owner=owner, result=DONE, now=timezone.now(), **details)
    return account


def _change(
    actor: Actor, owner: OwnerRef, account_id: UUID, *, only: Collection[str] = CONNECTED, **fields: Any
) -> ConnectedAccount:
    """Change it while it is in one of the statuses `only`: it may have expired since it was looked at."""
    require(actor, Permission.CONNECTED_ACCOUNTS_MANAGE, owner)
    rows = ConnectedAccount.objects.owned_by(owner).filter(id=account_id, status__in=only)
    if not rows.update(**fields):
        raise ConflictError("This connection was changed by somebody else just now. Look at it again.")
    changed: ConnectedAccount = (
        ConnectedAccount.objects.owned_by(owner).select_related("toolkit", *OWNER_NAMES).get(id=account_id)
    )
    return changed
