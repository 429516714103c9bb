"""What was handed over when somebody left, and what could take its place."""

from collections.abc import Iterator
from datetime import datetime

from integrations.models import ConnectedAccount
from integrations.models.status import ConnectionStatus
from integrations.queries.connections import live_accounts
from integrations.queries.impact import handed_over
from orgs.exports import csv_lines
from orgs.permissions import Actor, OwnerRef, Permission, require

HEADS = (
    "ID", "Toolkit", "Name", "Identity", "State", "Way of connecting", "Granted by", "Handed over at",
    "Who consents anew", "Last used at",
)  # fmt: skip


def could_take_over(*, actor: Actor, owner: OwnerRef, account: ConnectedAccount) -> list[ConnectedAccount]:
    """The working accounts of the same toolkit that hang on nobody who has left, the newest first."""
    require(actor, Permission.CONNECTED_ACCOUNTS_MANAGE, owner)
    rows = live_accounts(actor=actor, owner=owner).filter(toolkit_id=account.toolkit_id, handed_over_at=None)
    working = rows.filter(status=ConnectionStatus.ACTIVE).exclude(id=account.id)
    return list(working.order_by("-connected_at", "-id"))


def handed_over_csv(*, actor: Actor, owner: OwnerRef) -> Iterator[str]:
    """The accounts that wait for somebody to consent anew, for whoever looks after them. No credentials."""
    require(actor, Permission.CONNECTED_ACCOUNTS_MANAGE, owner)
    return csv_lines(HEADS, (_cells(one) for one in handed_over(actor=actor, owner=owner)))


def _cells(account: ConnectedAccount) -> tuple[object, ...]:
    grantor, successor = account.connected_by, account.successor
    return (
        account.text_id, account.toolkit.name, account.label, account.identity_label, account.word.label,
        account.scheme, grantor.display_name if grantor else "", _moment(account.handed_over_at),
        successor.display_name if successor else "", _moment(account.last_used_at),
    )  # fmt: skip


def _moment(at: datetime | None) -> str:
    return at.isoformat(timespec="seconds") if at else ""
