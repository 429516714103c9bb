"""Write a verified account: a new one, or the same provider identity once more."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.db import transaction
from django.db.models import F

from accounts.ids import new_id
from integrations.alarms import end_alarm
from integrations.catalog import Identity
from integrations.credentials import seal_credentials
from integrations.engine.types import AuthScheme
from integrations.models import AuthConfig, ConnectedAccount, ConsentRequest
from integrations.models.status import ConnectionStatus
from integrations.queries.connections import account_in_use
from integrations.services.connections.handover import settle_handover
from integrations.services.connections.links import fulfil_link
from integrations.services.connections.names import is_free
from integrations.services.connections.presets import apply_preset
from integrations.services.connections.records import record_account
from integrations.services.consent import answer_standing_request, approve_request
from orgs.audit import AuditAction
from orgs.errors import ConflictError
from orgs.permissions import Actor, OwnerRef, Permission, require
from orgs.queries.owners import owner_row
from orgs.services.end_users import row_to_own
from orgs.services.fresh_rights import one_at_a_time, with_fresh_rights


@dataclass(frozen=True)
class NewAccount:
    """A verified account that is not stored yet."""

    auth_config: AuthConfig
    scheme: AuthScheme
    values: Mapping[str, str] = field(repr=False)
    identity: Identity | None
    base_url: str
    scopes: list[str] | None = None
    expires_in: int | None = None
    alias: str = ""
    reconnects: UUID | None = None
    link: UUID | None = None  # the connect link that is fulfilled; its ID becomes the account's
    was_confirmed: bool = False  # somebody looked at the identity first
    consent_request: UUID | None = None  # what members asked for, which it answers
    preset: str = ""  # of policies; an account that was there keeps its own


@dataclass(frozen=True)
class Stored:
    """What storing an account changed."""

    account: ConnectedAccount
    was_renewed: bool  # the same provider identity was there already
    takes_over_from: ConnectedAccount | None = None  # runs that name no account used that one before
    asked: ConsentRequest | None = None  # what members had asked for besides: answered with it, or open still


@transaction.atomic
def store_account(new: NewAccount, *, actor: Actor, owner: OwnerRef, now: datetime) -> Stored:
    """Store it under exactly this owner, or renew the account of the same identity there (checks O25, O26)."""
    actor = with_fresh_rights(actor=actor, owner=owner) if owner.is_organization else actor
    require(actor, Permission.CONNECTED_ACCOUNTS_MANAGE, owner)
    _check_not_deleted(new.auth_config)
    owner = row_to_own(actor=actor, owner=owner).ref  # an end user may not have been there before
    one_at_a_time(actor=actor, owner=owner)  # two tabs that sign in at once: the second renews what the first made
    toolkit_id = new.auth_config.toolkit_id
    before = account_in_use(actor=actor, owner=owner, toolkit_id=toolkit_id)
    known = _known(new, owner)
    if not is_free(new.alias, actor=actor, owner=owner, toolkit_id=toolkit_id, account_id=known.id if known else None):
        new = replace(new, alias="")  # taken since it was asked for: no reason to lose the account
    account = _renew(known, new, actor, now) if known else _insert(new, actor, owner, now)
    if known:
        end_alarm(account, owner, now=now)
    after = account_in_use(actor=actor, owner=owner, toolkit_id=toolkit_id)
    action = AuditAction.CONNECTION_RENEW if known else AuditAction.CONNECTION_CONNECT
    action = AuditAction.CONNECTION_CONFIRM if new.was_confirmed else action
    fulfil_link(new.link, account, actor=actor, owner=owner, now=now)
    record_account(account, action, actor=actor, owner=owner, was_renewed=known is not None, now=now)
    if known:
        settle_handover(account, actor=actor, owner=owner, now=now)
    else:
        apply_preset(actor=actor, owner=owner, account=account, preset=new.preset, now=now)
    asked = _answer(new, account, actor=actor, owner=owner, is_new=known is None, now=now)
    takes_over = before is not None and after == account and before != account
    return Stored(account, known is not None, before if takes_over else None, asked)


def _check_not_deleted(auth_config: AuthConfig) -> None:
    """It may be gone since the sign-in began: the secret that would renew the tokens is wiped."""
    rows = AuthConfig.objects.unscoped("the auth config in hand")
    if not rows.filter(id=auth_config.id, deleted_at=None).exists():
        message = "The auth config of this sign-in was deleted meanwhile. Begin again with another one."
        raise ConflictError(message, code="auth_config_deleted")


def _answer(
    new: NewAccount, account: ConnectedAccount, *, actor: Actor, owner: OwnerRef, is_new: bool, now: datetime
) -> ConsentRequest | None:
    """What members asked for: the request that led here if it stays open; else one for such a connection."""
    if new.consent_request:
        doing: dict[str, Any] = {"actor": actor, "owner": owner, "account": account, "now": now}
        row = approve_request(consent_id=new.consent_request, **doing)
        return row if row.is_open else None
    if not owner.is_organization or not is_new:
        return None
    return answer_standing_request(actor=actor, owner=owner, account=account, now=now)


def _insert(new: NewAccount, actor: Actor, owner: OwnerRef, now: datetime) -> ConnectedAccount:
    row_id = new.link or new_id()
    account = ConnectedAccount(
        id=row_id,
        owner=owner_row(actor=actor, owner=owner),
        toolkit=new.auth_config.toolkit,
        alias=new.alias,
        identity_key=new.identity.id if new.identity else "",
        **_shared(row_id, new, actor, now),
    )
    account.save(force_insert=True)
    return account


def same_identity(account: ConnectedAccount | None, identity: Identity | None) -> bool:
    """Whether an account is the one that the provider reports; unknown identities are never the same."""
    return account is not None and identity is not None and account.identity_key == identity.id


def _known(new: NewAccount, owner: OwnerRef) -> ConnectedAccount | None:
    rows = ConnectedAccount.objects.owned_by(owner).filter(toolkit=new.auth_config.toolkit)
    rows = rows.exclude(status=ConnectionStatus.REVOKED)
    rows = rows.select_for_update(no_key=True)  # and not disconnected at this very moment
    if new.identity is not None:
        found: ConnectedAccount | None = rows.filter(identity_key=new.identity.id, base_url=new.base_url).first()
        return found
    return rows.filter(id=new.reconnects).first() if new.reconnects else None


def _renew(account: ConnectedAccount, new: NewAccount, actor: Actor, now: datetime) -> ConnectedAccount:
    values = {**_shared(account.id, new, actor, now), "token_version": F("token_version") + 1}
    if new.alias:
        values["alias"] = new.alias
    for name, value in values.items():
        setattr(account, name, value)
    account.save(update_fields=[*values, "updated_at"])  # nothing else: somebody may make it the default meanwhile
    account.refresh_from_db()
    return account


def _shared(row_id: UUID, new: NewAccount, actor: Actor, now: datetime) -> dict[str, Any]:
    return {
        "auth_config": new.auth_config,
        "scheme": new.scheme,
        "status": ConnectionStatus.ACTIVE,
        "status_reason": "",
        "identity_label": new.identity.label if new.identity else "",
        "identity_email": new.identity.email if new.identity else "",
        "base_url": new.base_url,
        "credentials": seal_credentials(row_id, new.values),
        "scopes": new.scopes,
        "expires_at": now + timedelta(seconds=new.expires_in) if new.expires_in else None,
        "refresh_lease": None,
        "refresh_lease_until": None,
        "refresh_failing_since": None,
        "connected_by_id": actor.user_id,
        "connected_at": now,
        "successor_id": None,
        "handed_over_at": None,
    }
