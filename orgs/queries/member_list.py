"""The members of an organization: searched, narrowed down by role, page by page, with when each was here last."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from allauth.usersessions.models import UserSession
from django.db.models import Max, Q

from orgs.models import Membership
from orgs.permissions import Actor, OwnerRef, Permission, can
from orgs.queries.members import list_members

PAGE_SIZE: Final = 50


@dataclass(frozen=True)
class MemberPage:
    """One page of members. `total` counts all that fit."""

    rows: Sequence[Membership]
    total: int
    number: int

    @property
    def has_more(self) -> bool:
        return self.number * PAGE_SIZE < self.total


def browse_members(*, actor: Actor, owner: OwnerRef, text: str = "", role: str = "", number: int = 1) -> MemberPage:
    """By role, then by name. E-mail addresses are not everybody's to search, and so is when somebody was here last."""
    rows = list_members(actor=actor, owner=owner)
    rows = rows.filter(Q(user__name__icontains=text) | Q(user__username__icontains=text)) if text else rows
    rows = rows.filter(role=role) if role else rows
    start = (number - 1) * PAGE_SIZE
    shown = list(rows[start : start + PAGE_SIZE])
    if can(actor, Permission.MEMBERS_MANAGE, owner):
        _note_last_seen(shown)
    is_all = number == 1 and len(shown) < PAGE_SIZE  # then nothing has to be counted
    return MemberPage(shown, len(shown) if is_all else rows.count(), number)


def _note_last_seen(members: Sequence[Membership]) -> None:
    """`last_seen`: by the sessions that go on, else when they last signed in."""
    sessions = UserSession.objects.filter(user__in=[one.user_id for one in members]).order_by().values("user_id")
    seen = {row["user_id"]: row["at"] for row in sessions.annotate(at=Max("last_seen_at"))}
    for one in members:
        one.last_seen = seen.get(one.user_id) or one.user.last_login
