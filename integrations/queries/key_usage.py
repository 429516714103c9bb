"""What an API key was used for, before somebody revokes it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from django.db.models import Count, Max

from integrations.models import Execution, ToolSession
from integrations.models.status import WAITING
from orgs.models import ApiKey
from orgs.permissions import Actor, OwnerRef, Permission, require

LOOKS_BACK: Final = timedelta(days=30)
MOST_TOOLS: Final = 10


@dataclass(frozen=True)
class ToolUse:
    """One tool that a key ran, how often, and when last."""

    tool_slug: str
    count: int
    last_at: datetime


@dataclass(frozen=True)
class KeyUsage:
    """What a key did within the last 30 days, and what would be cut off with it."""

    runs: int
    waiting: int
    tools: Sequence[ToolUse]
    sessions: Sequence[ToolSession]

    @property
    def is_any(self) -> bool:
        return bool(self.runs or self.waiting or self.sessions)


def usage_of_key(*, actor: Actor, owner: OwnerRef, key: ApiKey, now: datetime) -> KeyUsage:
    """Runs of the key by tool, runs that still wait, and live sessions that it made."""
    require(actor, Permission.API_KEYS_MANAGE, owner)
    of_application = key.application_id is not None  # it runs tools for end users, whom no member reaches
    runs = Execution.objects.held_by(owner) if of_application else Execution.objects.visible_to(actor)
    runs = runs.filter(api_key_id=key.id)
    recent = runs.filter(created_at__gt=now - LOOKS_BACK)
    tools = recent.values("tool_slug").annotate(count=Count("id"), last_at=Max("created_at"))
    made = ToolSession.objects.held_by(owner) if of_application else ToolSession.objects.visible_to(actor)
    sessions = made.filter(api_key_id=key.id, ended_at=None)
    return KeyUsage(
        runs=recent.count(),
        waiting=runs.filter(status__in=WAITING).count(),
        tools=[ToolUse(**one) for one in tools.order_by("-count", "tool_slug")[:MOST_TOOLS]],
        sessions=list(sessions.order_by("-id")[:MOST_TOOLS]),
    )
