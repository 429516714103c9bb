"""An organization's own auth configs, as those who look after them see them."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.db.models import Count

from integrations.engine.types import AuthScheme
from integrations.models import AuthConfig, ConnectedAccount, Toolkit
from integrations.models.status import ConnectionStatus
from integrations.queries.tools import list_toolkits
from orgs.errors import NotFoundError
from orgs.models.owners import belongs_to
from orgs.permissions import Actor, OwnerRef, Permission, require

SHOWN = 20  # of the accounts that are connected with one


@dataclass(frozen=True)
class OwnAuthConfig:
    """One of them, and how many accounts it holds up: the organization's, and those of its end users."""

    row: AuthConfig
    accounts: int


@dataclass(frozen=True)
class Users:
    """Whose accounts were connected with one: the organization's by name, the end users' as a number."""

    shown: Sequence[ConnectedAccount]
    more: int
    of_end_users: int


def own_auth_configs(*, actor: Actor, owner: OwnerRef) -> Any:
    """Those that are not deleted."""
    require(actor, Permission.AUTH_CONFIGS_MANAGE, owner)
    return AuthConfig.objects.owned_by(owner).filter(deleted_at=None)


def accounts_with_them(*, actor: Actor, owner: OwnerRef) -> Any:
    """The accounts that they renew, of the organization and of its end users."""
    require(actor, Permission.AUTH_CONFIGS_MANAGE, owner)
    return ConnectedAccount.objects.held_by(owner).exclude(status=ConnectionStatus.REVOKED)


def list_own_auth_configs(*, actor: Actor, owner: OwnerRef) -> list[OwnAuthConfig]:
    """All of them, by toolkit and name."""
    rows = own_auth_configs(actor=actor, owner=owner).select_related("toolkit").order_by("toolkit__name", "name", "id")
    counted = accounts_with_them(actor=actor, owner=owner).order_by().values("auth_config_id")
    numbers = {one["auth_config_id"]: one["count"] for one in counted.annotate(count=Count("id"))}
    return [OwnAuthConfig(row, numbers.get(row.id, 0)) for row in rows]


def get_own_auth_config(*, actor: Actor, owner: OwnerRef, auth_config_id: UUID, is_locked: bool = False) -> AuthConfig:
    """NotFoundError unless it is the owner's and not deleted. Locked: nobody else's until the transaction ends."""
    rows = own_auth_configs(actor=actor, owner=owner).select_related("toolkit")
    rows = rows.select_for_update(of=("self",)) if is_locked else rows
    row: AuthConfig | None = rows.filter(id=auth_config_id).first()
    if row is None:
        raise NotFoundError("There is no such auth config here.", code="auth_config_not_found")
    return row


def count_accounts(*, actor: Actor, owner: OwnerRef, auth_config: AuthConfig) -> int:
    """How many accounts it renews, those of end users too."""
    return int(accounts_with_them(actor=actor, owner=owner).filter(auth_config=auth_config).count())


def users_of(*, actor: Actor, owner: OwnerRef, auth_config: AuthConfig) -> Users:
    """What an end user's account is called is the application's affair, so they are only counted."""
    rows = accounts_with_them(actor=actor, owner=owner).filter(auth_config=auth_config)
    mine = rows.filter(belongs_to(owner)).select_related("toolkit").order_by("-connected_at", "id")
    count = mine.count()
    return Users(list(mine[:SHOWN]), max(0, count - SHOWN), rows.exclude(belongs_to(owner)).count())


def toolkits_with_sign_in(*, actor: Actor, owner: OwnerRef) -> list[Toolkit]:
    """Those for which an organization can bring an OAuth app: there is a sign-in at the provider."""
    return [one for one in list_toolkits(actor=actor, owner=owner) if AuthScheme.OAUTH2 in one.schemes]
