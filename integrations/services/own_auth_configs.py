"""An organization's own auth configs: made, changed, switched on and off, deleted. They win over the installation's."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from django.db import transaction

from integrations.engine.types import AuthScheme
from integrations.models import AuthConfig, ConnectionRequest, Toolkit
from integrations.models.auth_configs import CLIENT_ID_LENGTH, NAME_LENGTH
from integrations.models.owned import OWNER_NAMES
from integrations.queries.impact import UNFINISHED
from integrations.queries.own_auth_configs import count_accounts, get_own_auth_config, own_auth_configs
from integrations.queries.tools import get_toolkit
from integrations.services.auth_configs import keep_client_secret
from integrations.services.connections.endings import EndedFlow, end_flows, give_back
from orgs.audit import AuditAction, Detail, Target
from orgs.errors import ConflictError, DomainError
from orgs.permissions import Actor, OwnerRef, Permission, require
from orgs.queries.owners import owner_row
from orgs.services.audit import record
from orgs.services.fresh_rights import with_fresh_rights

MOST: Final = 50  # of one organization
MOST_SCOPES: Final = 100
SECRET_LENGTH: Final = 4000
CHANGED: Final = "auth_config_changed"
FLOW_ENDED: Final = "The auth config was changed or deleted before the connection was made. Nothing was connected."
OTHER_CLIENT: Final = "Its accounts belong to the OAuth app of before. Make another auth config for the new one"
IN_USE: Final = "Disconnect or reconnect them first, or disable it, which lets them go on working"
SCOPE: Final = re.compile(r"[\x21\x23-\x5B\x5D-\x7E]{1,200}")  # RFC 6749, 3.3


@dataclass(frozen=True)
class AuthConfigPlan:
    """What it is to be. Without a name it gets the toolkit's, with a number where that is taken."""

    toolkit: str
    scheme: str
    name: str = ""
    client_id: str = ""
    client_secret: str = field(default="", repr=False)
    scopes: Sequence[str] = ()  # none: what the toolkit's tools need


@dataclass(frozen=True)
class AuthConfigChange:
    """What becomes different. None: it stays."""

    name: str | None = None
    client_id: str | None = None
    client_secret: str | None = field(default=None, repr=False)
    scopes: Sequence[str] | None = None


@transaction.atomic
def create_auth_config(*, actor: Actor, owner: OwnerRef, plan: AuthConfigPlan, now: datetime) -> AuthConfig:
    """Make one. DomainError names what does not fit."""
    _check_right(actor, owner)
    toolkit = get_toolkit(actor=actor, owner=owner, slug=plan.toolkit)
    others = own_auth_configs(actor=actor, owner=owner)
    if others.count() >= MOST:
        message = f"{owner.label} has {MOST} auth configs already. Delete one that is not needed any more."
        raise ConflictError(message, code="too_many_auth_configs")
    row = AuthConfig(owner=owner_row(actor=actor, owner=owner), toolkit=toolkit, scheme=_scheme(toolkit, plan.scheme))
    _put(row, others, AuthConfigChange(plan.name or _free_name(others, toolkit), scopes=plan.scopes))
    _put_client(row, plan.client_id, plan.client_secret)
    row.save(force_insert=True)
    _record(row, AuditAction.AUTH_CONFIG_CREATE, actor=actor, owner=owner, now=now, scheme=row.scheme)
    return row


def change_auth_config(
    *, actor: Actor, owner: OwnerRef, auth_config_id: UUID, change: AuthConfigChange, now: datetime
) -> AuthConfig:
    """Another name, secret, client or scopes. Accounts that are connected keep the scopes that they were granted.

    ConflictError for another client while accounts are connected: their tokens were issued to the one before.
    """
    flows: list[EndedFlow] = []
    with transaction.atomic():
        row = _locked(actor, owner, auth_config_id)
        before = _facts(row)
        _put(row, own_auth_configs(actor=actor, owner=owner), change)
        if change.client_id is not None or change.client_secret is not None:
            client_id = row.client_id if change.client_id is None else change.client_id
            _put_client(row, client_id, change.client_secret or "")
        if row.client_id != before["client_id"]:
            _check_unused(row, actor, owner, OTHER_CLIENT)
            flows = _end_begun(row, actor, owner, now)
        changed = [name for name, value in _facts(row).items() if value != before[name]]
        row.save()
        _record(row, AuditAction.AUTH_CONFIG_CHANGE, actor=actor, owner=owner, now=now, fields=changed)
    give_back(flows, actor=actor, now=now)
    return row


@transaction.atomic
def switch_auth_config(
    *, actor: Actor, owner: OwnerRef, auth_config_id: UUID, is_enabled: bool, now: datetime
) -> AuthConfig:
    """Whether accounts can be connected with it. Those that are there go on working."""
    row = _locked(actor, owner, auth_config_id)
    if row.is_enabled is not is_enabled:
        row.is_enabled = is_enabled
        row.save(update_fields=["is_enabled", "updated_at"])
        changed: dict[str, Detail] = {"fields": ["is_enabled"], "is_enabled": is_enabled}
        _record(row, AuditAction.AUTH_CONFIG_CHANGE, actor=actor, owner=owner, now=now, **changed)
    return row


def delete_auth_config(*, actor: Actor, owner: OwnerRef, auth_config_id: UUID, now: datetime) -> AuthConfig:
    """Wipe its secret and forget it. ConflictError while accounts are connected with it: nothing could renew them."""
    with transaction.atomic():
        row = _locked(actor, owner, auth_config_id)
        _check_unused(
            row, actor, owner, "Disconnect or reconnect them first, or disable it, which lets them go on working"
        )
        flows = _end_begun(row, actor, owner, now)
        row.deleted_at, row.is_enabled, row.client_secret = now, False, None
        row.save(update_fields=["deleted_at", "is_enabled", "client_secret", "updated_at"])
        _record(row, AuditAction.AUTH_CONFIG_DELETE, actor=actor, owner=owner, now=now)
    give_back(flows, actor=actor, now=now)
    return row


def _check_right(actor: Actor, owner: OwnerRef) -> None:
    require(actor, Permission.AUTH_CONFIGS_MANAGE, owner)
    require(with_fresh_rights(actor=actor, owner=owner), Permission.AUTH_CONFIGS_MANAGE, owner)


def _locked(actor: Actor, owner: OwnerRef, auth_config_id: UUID) -> AuthConfig:
    _check_right(actor, owner)
    return get_own_auth_config(actor=actor, owner=owner, auth_config_id=auth_config_id, is_locked=True)


def _check_unused(row: AuthConfig, actor: Actor, owner: OwnerRef, what_then: str) -> None:
    if count := count_accounts(actor=actor, owner=owner, auth_config=row):
        are = "1 account is" if count == 1 else f"{count} accounts are"
        raise ConflictError(f"{are} connected with {row.name}. {what_then}.", code="auth_config_in_use")


def _end_begun(row: AuthConfig, actor: Actor, owner: OwnerRef, now: datetime) -> list[EndedFlow]:
    """What was begun with the client as it was cannot be finished. The rows carry that client: it gives back."""
    begun = ConnectionRequest.objects.held_by(owner).filter(auth_config=row, status__in=UNFINISHED)
    named = begun.select_related("auth_config__toolkit", *OWNER_NAMES)
    return end_flows(named, actor=actor, code=CHANGED, message=FLOW_ENDED, now=now)


def _scheme(toolkit: Toolkit, scheme: str) -> str:
    offered = [one for one in toolkit.schemes if one != AuthScheme.NONE]
    if scheme not in offered:
        there = f"It has: {', '.join(offered)}." if offered else "It needs no account, and so no auth config."
        raise DomainError(f"{toolkit.name} does not offer this scheme. {there}", code="invalid_scheme", field="scheme")
    return scheme


def _put(row: AuthConfig, others: Any, change: AuthConfigChange) -> None:
    if change.name is not None:
        row.name = _name(row, others, change.name)
    if change.scopes is not None:
        row.scopes = _scopes(row, change.scopes)


def _put_client(row: AuthConfig, client_id: str, secret: str) -> None:
    """The client of an OAuth app; an empty secret keeps the one that is there."""
    if row.scheme != AuthScheme.OAUTH2:
        if client_id or secret:
            message = "client_id and client_secret belong to OAuth alone. Leave them out for keys and tokens."
            raise DomainError(message, code="client_not_needed", field="client_id")
        return
    client_id = client_id.strip()
    if not client_id or len(client_id) > CLIENT_ID_LENGTH:
        message = f"client_id: give the client ID of your OAuth app, 1 to {CLIENT_ID_LENGTH} characters."
        raise DomainError(message, code="client_id_missing", field="client_id")
    if len(secret) > SECRET_LENGTH:
        message = f"client_secret has at most {SECRET_LENGTH} characters."
        raise DomainError(message, code="client_secret_too_long", field="client_secret")
    row.client_id = client_id
    keep_client_secret(actor=None, row=row, secret=secret.strip())


def _name(row: AuthConfig, others: Any, name: str) -> str:
    name = name.strip()
    if not name or len(name) > NAME_LENGTH:
        raise DomainError(f"name: give one of 1 to {NAME_LENGTH} characters.", code="name_invalid", field="name")
    if others.filter(toolkit=row.toolkit, name=name).exclude(id=row.id).exists():
        message = f"There is an auth config of this name for {row.toolkit.name} already. Give another name."
        raise DomainError(message, code="name_taken", field="name")
    return name


def _free_name(others: Any, toolkit: Toolkit) -> str:
    taken = set(others.filter(toolkit=toolkit).values_list("name", flat=True))
    base = toolkit.name[: NAME_LENGTH - 3]
    return next(name for name in (base, *(f"{base} {number}" for number in range(2, MOST + 2))) if name not in taken)


def _scopes(row: AuthConfig, scopes: Sequence[str]) -> list[str]:
    if scopes and row.scheme != AuthScheme.OAUTH2:
        message = "scopes belong to OAuth alone. Leave them out for keys and tokens."
        raise DomainError(message, code="scopes_not_needed", field="scopes")
    if len(scopes) > MOST_SCOPES or not all(SCOPE.fullmatch(one) for one in scopes):
        message = f"scopes: give at most {MOST_SCOPES}, each as the provider writes it, without spaces or quotes."
        raise DomainError(message, code="invalid_scopes", field="scopes")
    return list(dict.fromkeys(scopes))


def _facts(row: AuthConfig) -> dict[str, Any]:
    return {name: getattr(row, name) for name in ("name", "client_id", "client_secret", "scopes")}


def _record(
    row: AuthConfig, action: AuditAction, *, actor: Actor, owner: OwnerRef, now: datetime, **details: Detail
) -> None:
    """Which fields, never what stands in them."""
    target = Target("auth_config", row.text_id, row.name)
    facts: dict[str, Detail] = {"toolkit": row.toolkit.slug, **details}
    record(actor=actor, owner=owner, action=action, target=target, details=facts, now=now)
