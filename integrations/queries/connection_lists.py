"""Connected accounts and auth configs as programs list them: over several IDs, filtered, in pages."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from django.db.models import Case, Count, Q, When

from integrations.models import AuthConfig, ConnectedAccount, ConnectLink
from integrations.models.owned import OWNER_NAMES
from integrations.models.status import ConnectionStatus, RequestStatus
from integrations.queries.catalogue import Slice, home_of
from orgs.errors import ForbiddenError, NotFoundError
from orgs.models.owners import belongs_to
from orgs.permissions import Actor, OwnerRef, Permission, can, require

MOST_LINKS: Final = 200


@dataclass(frozen=True)
class AskedConnections:
    """What a program narrows its accounts down by. Empty: not at all."""

    owners: Sequence[OwnerRef] = ()
    toolkits: Sequence[str] = ()
    statuses: Sequence[str] = ()
    auth_configs: Sequence[UUID] | None = None
    ids: Sequence[UUID] | None = None
    oldest_first: bool = False
    is_shared: bool | None = None  # an organization's, or a person's and an end user's


def browse_connections(*, actor: Actor, asked: AskedConnections, offset: int, limit: int) -> Slice:
    """Accounts of the asked IDs, of every one within reach when none is asked for; newest first."""
    within = _within_reach(actor, asked.owners)
    order = ("connected_at", "id") if asked.oldest_first else ("-connected_at", "-id")
    rows = _live(ConnectedAccount.objects.visible_to(actor)).filter(within, _fits(asked)).order_by(*order)
    return Slice(list(rows[offset : offset + limit]), rows.count())


def open_links(*, actor: Actor, asked: AskedConnections, now: datetime) -> list[ConnectLink]:
    """The links to accounts that are not there yet and that a person still may use, newest first; at most MOST_LINKS.

    Whatever statuses are asked for: these accounts have none.
    """
    fits = _fits(replace(asked, statuses=()), toolkit="auth_config__toolkit")
    rows = ConnectLink.objects.visible_to(actor).filter(_within_reach(actor, asked.owners), fits, reconnects=None)
    rows = rows.filter(status=RequestStatus.OPEN, expires_at__gt=now).order_by("-created_at", "-id")
    return list(rows.select_related("auth_config__toolkit", *OWNER_NAMES)[:MOST_LINKS])


def _within_reach(actor: Actor, owners: Sequence[OwnerRef]) -> Q:
    """What belongs to these IDs, or to every one whose accounts the actor may see; the errors of `require`."""
    for owner in owners or [home_of(actor=actor)]:
        require(actor, Permission.CONNECTED_ACCOUNTS_READ, owner)
    allowed = Q(pk__in=[])
    if not owners and actor.application_id is not None:
        allowed = Q(owner__end_user__application_id=actor.application_id)
    for owner in owners or actor.reach():
        if can(actor, Permission.CONNECTED_ACCOUNTS_READ, owner):
            allowed |= belongs_to(owner)
    return allowed


def _fits(asked: AskedConnections, *, toolkit: str = "toolkit") -> Q:
    fits = Q()
    if asked.toolkits:
        fits &= Q(**{f"{toolkit}__slug__in": [slug.lower() for slug in asked.toolkits]})
    if asked.statuses:
        fits &= Q(status__in=asked.statuses)
    if asked.auth_configs is not None:
        fits &= Q(auth_config_id__in=asked.auth_configs)
    if asked.ids is not None:
        fits &= Q(id__in=asked.ids)
    if asked.is_shared is not None:
        fits &= Q(owner__organization__isnull=not asked.is_shared)
    return fits


def find_connection(*, actor: Actor, account_id: UUID | None) -> ConnectedAccount:
    """One account under any ID of the actor's; NotFoundError for everybody else's and for disconnected ones."""
    row: ConnectedAccount | None = _live(ConnectedAccount.objects.visible_to(actor)).filter(id=account_id).first()
    if row is None:
        raise NotFoundError("There is no such connected account among those within reach.", code="connection_not_found")
    require(actor, Permission.CONNECTED_ACCOUNTS_READ, row.owner.ref)
    return row


@dataclass(frozen=True)
class AskedAuthConfigs:
    """What a program narrows its auth configs down by. Empty: not at all, but for those that are switched off."""

    toolkits: Sequence[str] = ()
    search: str = ""
    is_own: bool | None = None
    with_disabled: bool = False


def browse_auth_configs(*, actor: Actor, asked: AskedAuthConfigs, offset: int, limit: int) -> Slice:
    """The installation's auth configs and those of every ID within reach, each with its uses.

    Programs take the first one, so those of the actor's own ID come first, then the installation's, then those that
    serve other IDs alone; the newest first among them.
    """
    home = home_of(actor=actor)
    require(actor, Permission.CONNECTED_ACCOUNTS_READ, home)
    rows = _usable(actor)
    if not asked.with_disabled:
        rows = rows.filter(is_enabled=True)
    if asked.is_own is not None:
        rows = rows.filter(owner__isnull=not asked.is_own)
    if asked.toolkits:
        rows = rows.filter(toolkit__slug__in=[slug.lower() for slug in asked.toolkits])
    if asked.search:
        rows = rows.filter(name__icontains=asked.search)
    near = Case(When(belongs_to(home), then=0), When(owner__isnull=True, then=1), default=2)
    rows = rows.annotate(near=near).order_by("near", "-created_at", "-id")
    found = list(rows[offset : offset + limit])
    uses = _uses(actor, found)
    return Slice([(row, uses.get(row.id, 0)) for row in found], rows.count())


def find_auth_config(*, actor: Actor, auth_config_id: UUID | None) -> AuthConfig:
    """One auth config that is open to some ID of the actor's; NotFoundError for everybody else's."""
    require(actor, Permission.CONNECTED_ACCOUNTS_READ, home_of(actor=actor))
    return _found(actor, auth_config_id)


def find_own_auth_config(*, actor: Actor, auth_config_id: UUID | None) -> AuthConfig:
    """One that the actor may change: of an organization of theirs. The installation's own are its operator's."""
    row = _found(actor, auth_config_id)
    if row.owner is None:
        message = (
            "This auth config is the installation's own: whoever runs it changes it in the admin site. An organization "
            "makes one of its own with POST /auth_configs and the type use_custom_auth."
        )
        raise ForbiddenError(message, code="auth_config_of_installation")
    require(actor, Permission.AUTH_CONFIGS_MANAGE, row.owner.ref)
    return row


def _found(actor: Actor, auth_config_id: UUID | None) -> AuthConfig:
    row: AuthConfig | None = _usable(actor).filter(id=auth_config_id).first()
    if row is None:
        raise NotFoundError("There is no such auth config here.", code="auth_config_not_found")
    return row


def uses_of(*, actor: Actor, auth_config: AuthConfig) -> int:
    """How many accounts within reach were connected with it."""
    return _uses(actor, [auth_config]).get(auth_config.id, 0)


def _uses(actor: Actor, auth_configs: Sequence[AuthConfig]) -> dict[UUID, int]:
    """One question for all of them."""
    rows = _live(ConnectedAccount.objects.visible_to(actor)).filter(auth_config__in=auth_configs)
    return dict(rows.values("auth_config").annotate(uses=Count("id")).values_list("auth_config", "uses"))


def _usable(actor: Actor) -> Any:
    """Of organizations within reach also those that are switched off."""
    rows = AuthConfig.objects.unscoped("the installation's own configs are offered to every owner")
    usable = Q(owner__isnull=True, is_enabled=True)
    for owner in actor.reach():
        usable |= belongs_to(owner)
    rows = rows.filter(usable, deleted_at=None, toolkit__is_enabled=True)
    return rows.select_related("toolkit", *OWNER_NAMES)


def _live(rows: Any) -> Any:
    rows = rows.exclude(status=ConnectionStatus.REVOKED)
    return rows.select_related("toolkit", "auth_config", *OWNER_NAMES)
