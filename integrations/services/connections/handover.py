"""An organization's connection survives whoever made it: somebody else is asked to consent anew."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from accounts.models import User
from integrations.models import ConnectedAccount
from integrations.models.status import ConnectionStatus
from integrations.queries.impact import accounts_granted_by
from integrations.services.connections.records import record_account
from integrations.webhook_events import tell_of_account
from orgs.addresses import owner_url, owner_url_if_any
from orgs.audit import AuditAction
from orgs.errors import DomainError
from orgs.notices import NoticeKind
from orgs.permissions import Actor, OwnerRef
from orgs.services.notices import notify, settle

NO_SUCH_SUCCESSOR = "Only somebody who may manage the connections can consent anew. Choose another person."


def hand_over(
    *,
    actor: Actor,
    owner: OwnerRef,
    user_id: UUID,
    successors: Mapping[UUID, UUID],
    managers: Mapping[UUID, User],
    fallback: UUID | None,
    now: datetime,
) -> list[ConnectedAccount]:
    """Give every account that hangs on this person a successor, who is asked to consent anew. Nothing stops working.

    `successors` maps an account to a user; an account that is not in it goes to `fallback`. For the use case that
    ends a membership, which has asked whether the actor may do that.
    """
    accounts = list(_locked(accounts_granted_by(actor=actor, owner=owner, user_id=user_id)))
    for account in accounts:
        successor = _chosen(account, successors.get(account.id, fallback), managers)
        if _hand_over(account, successor, now):
            tell_of_account(account, owner, now=now)
        action, to = AuditAction.CONNECTION_HAND_OVER, successor.text_id if successor else None
        details: dict[str, Any] = {"reason": "membership_ended", "successor": to}
        record_account(account, action, actor=actor, owner=owner, now=now, **details)
    return accounts


def _locked(accounts: Any) -> Any:
    """As they are now, and until the transaction ends: one may expire, or be disconnected, at this very moment."""
    return accounts.select_for_update(of=("self",))


def _chosen(account: ConnectedAccount, user_id: UUID | None, managers: Mapping[UUID, User]) -> User | None:
    successor = managers.get(user_id) if user_id else None
    if user_id and successor is None:
        raise DomainError(NO_SUCH_SUCCESSOR, code="successor_invalid", field=account.text_id)
    return successor


def _hand_over(account: ConnectedAccount, successor: User | None, now: datetime) -> bool:
    """A working account needs attention from now on; one that is paused or expired stays what it is."""
    was_active = account.status == ConnectionStatus.ACTIVE
    account.successor = successor
    account.handed_over_at = account.handed_over_at or now
    if was_active:
        account.status = ConnectionStatus.NEEDS_ATTENTION
    account.save(update_fields=["successor", "handed_over_at", "status", "updated_at"])
    return was_active


def tell_successor(account: ConnectedAccount, *, actor: Actor, owner: OwnerRef, now: datetime) -> None:
    """Ask the successor to consent anew, on the account's page."""
    if account.successor is None:
        return
    notify(
        actor=actor,
        users=[account.successor],
        kind=NoticeKind.CONNECTION,
        title=f"Consent anew to {account.toolkit.name}: {account.label}",
        text=f"{account.handover} Until then it works as long as {account.toolkit.name} lets it.",
        path=owner_url(owner, "connection", account_id=account.text_id),
        owner=owner,
        now=now,
    )


def settle_handover(account: ConnectedAccount, *, actor: Actor, owner: OwnerRef, now: datetime) -> None:
    """Somebody has consented: nobody needs to any more."""
    there = owner_url_if_any(owner, "connection", account_id=account.text_id)
    if not there:  # an end user's account hangs on nobody here
        return
    settle(actor=actor, kind=NoticeKind.CONNECTION, path=there, now=now)
