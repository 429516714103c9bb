"""Tell people that a connected account needs somebody, once, and that it no longer does.

Whoever changes an account's status calls this in the same transaction, and only when the row really changed:
that makes one notice of a hundred failed runs.
"""

from datetime import datetime
from typing import Final
from uuid import UUID

from django.db import transaction

from integrations.models import ConnectedAccount
from integrations.models.owned import OWNER_NAMES
from integrations.models.status import ConnectionStatus
from integrations.webhook_events import tell_of_account
from orgs.addresses import owner_url
from orgs.notices import NoticeKind
from orgs.permissions import OwnerKind, OwnerRef, Permission
from orgs.queries.people import holders
from orgs.services.notices import notify, settle

NOT_RENEWED: Final = "Its access could not be renewed for more than an hour: the provider does not answer as it should."
TITLES: Final = {
    ConnectionStatus.EXPIRED: "{toolkit} account {label} must be reconnected",
    ConnectionStatus.FAILED: "{toolkit} account {label} has failed",
    ConnectionStatus.NEEDS_ATTENTION: "{toolkit} account {label} needs attention",
}
CONSEQUENCES: Final = {
    ConnectionStatus.EXPIRED: "Runs through it are refused until somebody reconnects it.",
    ConnectionStatus.FAILED: "Runs through it are refused until somebody reconnects it.",
    ConnectionStatus.NEEDS_ATTENTION: "It works for now. Look at it before it stops.",
}


def raise_alarm(account_id: UUID, *, now: datetime) -> None:
    """Tell the person whose account it is, or those who manage the organization's accounts, and its webhooks."""
    rows = ConnectedAccount.objects.unscoped("the account whose status has just changed")
    account = rows.select_related("toolkit", "auth_config", *OWNER_NAMES).get(id=account_id)
    status, owner = ConnectionStatus(account.status), account.owner.ref
    tell_of_account(account, owner, now=now)
    if owner.kind is OwnerKind.END_USER:  # the application asks for the state, or is told by webhook; nobody else is
        return
    reason = account.status_reason or account.word.sentence
    notify(
        actor=None,
        users=holders(actor=None, owner=owner, permission=Permission.CONNECTED_ACCOUNTS_MANAGE),
        kind=NoticeKind.CONNECTION,
        title=TITLES[status].format(toolkit=account.toolkit.name, label=account.label),
        text=f"{reason} {CONSEQUENCES[status]}",
        path=_page_of(account, owner),
        owner=owner,
        now=now,
    )


def tell_of_pause(account: ConnectedAccount, owner: OwnerRef, *, now: datetime) -> None:
    """It was switched off by somebody whom those who look after it do not see: support."""
    if owner.kind is OwnerKind.END_USER:
        return
    notify(
        actor=None,
        users=holders(actor=None, owner=owner, permission=Permission.CONNECTED_ACCOUNTS_MANAGE),
        kind=NoticeKind.CONNECTION,
        title=f"{account.toolkit.name} account {account.label} was paused",
        text=f"{account.status_reason} Runs through it are refused until somebody resumes it.",
        path=_page_of(account, owner),
        owner=owner,
        now=now,
    )


def end_alarm(account: ConnectedAccount, owner: OwnerRef, *, now: datetime) -> None:
    """Somebody has seen to it: reconnected, paused, resumed or disconnected it, or it came back by itself."""
    if owner.kind is OwnerKind.END_USER:
        return
    page = _page_of(account, owner).removeprefix(owner_url(owner, "home"))
    settle(actor=None, kind=NoticeKind.CONNECTION, path=f"/{page}", now=now)


@transaction.atomic
def worry(account: ConnectedAccount, *, now: datetime) -> None:
    """It still works, but could not be renewed for long: somebody should look before it expires."""
    rows = ConnectedAccount.objects.unscoped("the account that cannot be renewed")
    rows = rows.filter(id=account.id, token_version=account.token_version, status=ConnectionStatus.ACTIVE)
    if rows.update(status=ConnectionStatus.NEEDS_ATTENTION, status_reason=NOT_RENEWED):
        raise_alarm(account.id, now=now)


@transaction.atomic
def be_at_ease(account: ConnectedAccount, *, now: datetime) -> None:
    """Renewed at last. What else needs attention stays."""
    rows = ConnectedAccount.objects.unscoped("the account that was renewed at last")
    rows = rows.filter(id=account.id, status=ConnectionStatus.NEEDS_ATTENTION, status_reason=NOT_RENEWED)
    if rows.update(status=ConnectionStatus.ACTIVE, status_reason=""):
        end_alarm(account, account.owner.ref, now=now)


def _page_of(account: ConnectedAccount, owner: OwnerRef) -> str:
    return owner_url(owner, "connection", account_id=account.text_id)
