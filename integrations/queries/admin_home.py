"""What waits for an organization's admins. Each task says what to do and leads to where it is done."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from django.db.models import Q

from integrations.models import ConnectedAccount
from integrations.models.status import ConnectionStatus
from integrations.queries.to_answer import to_answer
from orgs.addresses import owner_url, owner_url_if_any
from orgs.permissions import Actor, OwnerRef, Permission, can, require
from orgs.queries.safety import denials_since, invitations_running_out, members_without_second_factor

UNUSED_FOR: Final = timedelta(days=90)
RECENT: Final = timedelta(days=7)
NAMED: Final = 3


@dataclass(frozen=True)
class Task:
    """One line of the list. `tone` is a colour of the theme."""

    icon: str
    tone: str
    title: str
    text: str
    url: str
    button: str


def tasks_for_admins(*, actor: Actor, owner: OwnerRef, now: datetime) -> list[Task] | None:
    """The most pressing first; None for whoever does not look after this organization."""
    require(actor, Permission.CONNECTED_ACCOUNTS_READ, owner)
    if not owner.is_organization or not can(actor, Permission.MEMBERS_MANAGE, owner):
        return None
    asked: dict[str, Any] = {"actor": actor, "owner": owner}
    waits = to_answer(**asked)
    return [
        *_requests(owner, waits.open_requests),
        *_approvals(owner, waits.waiting_runs),
        *_denials(asked, now),
        *_invitations(asked, now),
        *_without_second_factor(asked),
        *_unused(owner, now),
    ]


def _requests(owner: OwnerRef, count: int) -> Iterator[Task]:
    if count:
        title = f"{_number(count, 'request is', 'requests are')} open"
        text = "Members ask for a connection, or for access to one. They wait for an answer."
        yield Task("hand-raised", "warning", title, text, owner_url(owner, "requests"), "Answer")


def _approvals(owner: OwnerRef, count: int) -> Iterator[Task]:
    if count:
        page = owner_url_if_any(owner, "approvals") or f"{owner_url(owner, 'runs')}?status=waiting_for_approval"
        title = f"{_number(count, 'run waits', 'runs wait')} for approval"
        text = "A policy asks before they run. They lapse when nobody decides."
        yield Task("clipboard-document-check", "warning", title, text, page, "Decide")


def _denials(asked: dict[str, Any], now: datetime) -> Iterator[Task]:
    found = denials_since(**asked, since=now - RECENT)
    if found.count:
        page = f"{owner_url(asked['owner'], 'audit')}?result=denied&time=7d"
        title = f"{_number(found.count, 'attempt was', 'attempts were')} refused in the last 7 days"
        text = f"By {_named(found.names)}. One or two are normal; many of one person are worth a question."
        yield Task("no-symbol", "neutral", title, text, page, "Look at them")


def _invitations(asked: dict[str, Any], now: datetime) -> Iterator[Task]:
    if count := invitations_running_out(**asked, now=now):
        title = f"{_number(count, 'invitation runs', 'invitations run')} out"
        text = "Expiring within two days, expired, or not delivered. Send them again, or withdraw them."
        yield Task("envelope", "warning", title, text, owner_url(asked["owner"], "invitations"), "See invitations")


def _without_second_factor(asked: dict[str, Any]) -> Iterator[Task]:
    if names := members_without_second_factor(**asked):
        title = f"{_number(len(names), 'member signs', 'members sign')} in without a second factor"
        text = f"{_named(names)}. A stolen password is enough to act as them."
        yield Task("shield-exclamation", "warning", title, text, owner_url(asked["owner"], "members"), "See members")


def _unused(owner: OwnerRef, now: datetime) -> Iterator[Task]:
    long_ago = now - UNUSED_FOR
    rows = ConnectedAccount.objects.owned_by(owner).filter(status=ConnectionStatus.ACTIVE)
    rows = rows.filter(Q(last_used_at__lt=long_ago) | Q(last_used_at=None, connected_at__lt=long_ago))
    found = list(rows.select_related("toolkit").order_by("last_used_at", "id"))
    if found:
        title = f"{_number(len(found), 'account was', 'accounts were')} not used for 90 days"
        text = f"{_named([f'{one.toolkit.name}: {one.label}' for one in found])}. Disconnect what nobody needs."
        page = owner_url(owner, "connections")
        if len(found) == 1:
            page = owner_url(owner, "connection", account_id=found[0].text_id)
        yield Task("archive-box", "neutral", title, text, page, "See connections" if len(found) > 1 else "Look at it")


def _number(count: int, one: str, many: str) -> str:
    return f"{count} {one if count == 1 else many}"


def _named(names: Sequence[str]) -> str:
    more = len(names) - NAMED
    shown = ", ".join(names[:NAMED])
    return f"{shown} and {more} more" if more > 0 else shown
