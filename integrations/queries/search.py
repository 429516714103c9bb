"""The command palette: what an owner has that fits a few typed letters."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.db.models import Q

from accounts.ids import from_text
from integrations.models import ConnectedAccount, Execution, Tool
from integrations.models.status import ConnectionStatus
from integrations.queries.tools import find_tools
from orgs.permissions import Actor, OwnerRef, Permission, can, require
from orgs.queries.members import find_members

PER_GROUP = 5


@dataclass(frozen=True)
class Found:
    """What was found under one ID, few of each kind, the most likely first."""

    tools: Sequence[Tool] = ()
    connections: Sequence[ConnectedAccount] = ()
    runs: Sequence[Execution] = ()
    members: Sequence[Any] = ()


def search(*, actor: Actor, owner: OwnerRef, text: str) -> Found:
    """One query per kind of thing; nothing is asked for when nothing was typed."""
    require(actor, Permission.TOOLS_READ, owner)
    if not text:
        return Found()
    return Found(
        tools=find_tools(actor=actor, owner=owner, text=text, limit=PER_GROUP),
        connections=_connections(actor, owner, text),
        runs=_runs(actor, owner, text),
        members=_members(actor, owner, text),
    )


def _connections(actor: Actor, owner: OwnerRef, text: str) -> list[ConnectedAccount]:
    if not can(actor, Permission.CONNECTED_ACCOUNTS_READ, owner):
        return []
    fits = Q(alias__icontains=text) | Q(identity_label__icontains=text) | Q(identity_email__icontains=text)
    fits |= Q(toolkit__name__icontains=text) | Q(id=from_text("ca", text))
    rows = ConnectedAccount.objects.owned_by(owner).exclude(status=ConnectionStatus.REVOKED).filter(fits)
    return list(rows.select_related("toolkit").order_by("-connected_at", "-id")[:PER_GROUP])


def _runs(actor: Actor, owner: OwnerRef, text: str) -> list[Execution]:
    if not can(actor, Permission.EXECUTIONS_READ, owner):
        return []
    fits = Q(tool_slug__icontains=text.replace(" ", "_")) | Q(id=from_text("ex", text))
    return list(Execution.objects.owned_by(owner).filter(fits).order_by("-id")[:PER_GROUP])


def _members(actor: Actor, owner: OwnerRef, text: str) -> list[Any]:
    if not owner.is_organization or not can(actor, Permission.MEMBERS_READ, owner):
        return []
    return list(find_members(actor=actor, owner=owner, text=text, limit=PER_GROUP))
