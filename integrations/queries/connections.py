"""Read connected accounts and connection requests."""

from dataclasses import dataclass
from typing import Any
from uuid import UUID

from integrations.models import ConnectedAccount, ConnectionRequest, Toolkit
from integrations.models.owned import OWNER_NAMES
from integrations.models.status import ConnectionStatus
from orgs.errors import NotFoundError
from orgs.permissions import Actor, OwnerRef, Permission, choose, require


@dataclass(frozen=True)
class ToolkitConnections:
    """A toolkit with the owner's accounts there. The one the rule would choose comes first."""

    toolkit: Toolkit
    accounts: list[ConnectedAccount]
    default_id: UUID | None


def list_connections(*, actor: Actor, owner: OwnerRef) -> list[ToolkitConnections]:
    """The owner's accounts by toolkit, several each."""
    by_toolkit: dict[UUID, list[ConnectedAccount]] = {}
    for account in live_accounts(actor=actor, owner=owner).order_by("toolkit__name", "-connected_at", "-id"):
        by_toolkit.setdefault(account.toolkit_id, []).append(account)
    return [_grouped(accounts, actor) for accounts in by_toolkit.values()]


def get_connection(*, actor: Actor, owner: OwnerRef, account_id: UUID) -> ConnectedAccount:
    """One account of the owner; NotFoundError for everybody else's and for disconnected ones."""
    account: ConnectedAccount | None = live_accounts(actor=actor, owner=owner).filter(id=account_id).first()
    if account is None:
        raise NotFoundError("There is no such connection here.")
    return account


def default_account(accounts: list[ConnectedAccount], *, actor: Actor) -> ConnectedAccount | None:
    """The account that a run would use when none is named: the rule chooses."""
    del actor  # the accounts were read with the actor's rights
    chosen = choose([one.facts for one in accounts])
    return next((one for one in accounts if chosen and one.id == chosen[0].id), None)


def account_in_use(*, actor: Actor, owner: OwnerRef, toolkit_id: UUID) -> ConnectedAccount | None:
    """The owner's account of a toolkit that runs use when they name none."""
    return default_account(list(live_accounts(actor=actor, owner=owner).filter(toolkit_id=toolkit_id)), actor=actor)


def get_request(*, actor: Actor, owner: OwnerRef, request_id: UUID) -> ConnectionRequest:
    """A connection request that the actor began for this owner; NotFoundError for everybody else's."""
    require(actor, Permission.CONNECTED_ACCOUNTS_MANAGE, owner)
    rows = ConnectionRequest.objects.owned_by(owner).filter(user_id=actor.user_id, id=request_id)
    row: ConnectionRequest | None = rows.select_related(
        "auth_config__toolkit",
        "connected_account",
        "reconnects__toolkit",
        *OWNER_NAMES,
    ).first()
    if row is None:
        raise NotFoundError("There is no such connection request here.")
    return row


def live_accounts(*, actor: Actor, owner: OwnerRef) -> Any:
    """The owner's accounts that were not disconnected, with all that pages show of them."""
    require(actor, Permission.CONNECTED_ACCOUNTS_READ, owner)
    rows = ConnectedAccount.objects.owned_by(owner).exclude(status=ConnectionStatus.REVOKED)
    return rows.select_related(
        "toolkit",
        "auth_config",
        "connected_by",
        "successor",
        *OWNER_NAMES,
    )


def _grouped(accounts: list[ConnectedAccount], actor: Actor) -> ToolkitConnections:
    first = default_account(accounts, actor=actor)
    ordered = sorted(accounts, key=lambda one: one != first)
    return ToolkitConnections(accounts[0].toolkit, ordered, first.id if first else None)
