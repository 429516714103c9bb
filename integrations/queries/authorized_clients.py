"""The MCP clients that were let act, with the place that each one was let in to."""

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from accounts.ids import from_text
from integrations.models import ToolSession
from orgs.models import ApiKey
from orgs.permissions import Actor, OwnerRef
from orgs.queries.oauth import list_granted

SESSION_PREFIX: Final = "/mcp/sessions/"


@dataclass(frozen=True)
class AuthorizedClient:
    """One line of the list. `session` is the one that it is for, if it is for one within the actor's reach."""

    key: ApiKey
    acting_as: OwnerRef
    session: ToolSession | None


def list_authorized(*, actor: Actor, owner: OwnerRef, now: datetime) -> list[AuthorizedClient]:
    """Newest first."""
    keys = list_granted(actor=actor, owner=owner, now=now)
    wanted = {found for key in keys if (found := _session_id(key))}
    rows = ToolSession.objects.visible_to(actor).select_related("owner__user", "owner__organization")
    sessions = {row.id: row for row in rows.filter(id__in=wanted)} if wanted else {}
    return [AuthorizedClient(key, _acting_as(key), sessions.get(_session_id(key) or key.id)) for key in keys]


def _session_id(key: ApiKey) -> object:
    return (
        from_text("trs", key.audience.removeprefix(SESSION_PREFIX)) if key.audience.startswith(SESSION_PREFIX) else None
    )


def _acting_as(key: ApiKey) -> OwnerRef:
    return key.organization.ref if key.organization is not None else key.owner.ref
