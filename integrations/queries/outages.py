"""An organization's accounts that are down, and who can bring them back."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from integrations.models import ConnectedAccount
from integrations.models.status import ConnectionStatus
from orgs.addresses import owner_url
from orgs.permissions import Actor, OwnerRef, Permission, can, require
from orgs.queries.members import names_of_admins
from orgs.queries.notices import told_at

DOWN: Final = frozenset({ConnectionStatus.EXPIRED.value, ConnectionStatus.FAILED.value})


@dataclass(frozen=True)
class Outage:
    """What is down. `fixers` can reconnect it; `told_at` is when they were told."""

    accounts: Sequence[ConnectedAccount]
    fixers: Sequence[str]
    by_actor: bool
    told_at: datetime | None = None


def outage_among(*, actor: Actor, owner: OwnerRef, accounts: Iterable[ConnectedAccount]) -> Outage | None:
    """What is down among accounts in hand; None when nothing is, and for a person, who sees their own anyway."""
    require(actor, Permission.CONNECTED_ACCOUNTS_READ, owner)
    down = [one for one in accounts if one.status in DOWN]
    if not down or not owner.is_organization:
        return None
    paths = [owner_url(owner, "connection", account_id=one.text_id) for one in down]
    return Outage(
        down,
        names_of_admins(actor=actor, owner=owner),
        by_actor=can(actor, Permission.CONNECTED_ACCOUNTS_MANAGE, owner),
        told_at=told_at(actor=actor, owner=owner, paths=paths),
    )
