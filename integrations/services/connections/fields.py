"""Connect with an API key, a bearer token or a user name and password."""

import re
from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from integrations.catalog import auth_entry
from integrations.engine.types import AuthScheme
from integrations.models import AuthConfig
from integrations.models.connected_accounts import as_name
from integrations.queries.connections import get_connection
from integrations.queries.ways import chosen_config
from integrations.services.connections.identity import Verified, verify
from integrations.services.connections.links import check_link, require_person
from integrations.services.connections.names import check_name
from integrations.services.connections.plan import ConnectionPlan
from integrations.services.connections.store import NewAccount, Stored, same_identity, store_account
from integrations.services.consent import check_approval
from orgs.errors import DomainError
from orgs.permissions import Actor, OwnerRef, Permission, require


def connect_with_fields(
    *, actor: Actor, owner: OwnerRef, plan: ConnectionPlan, values: Mapping[str, str], now: datetime
) -> Stored:
    """Verify the secrets with a call to the provider, then store them. DomainError names the field and the fix."""
    require_person(actor=actor, owner=owner)
    require(actor, Permission.CONNECTED_ACCOUNTS_MANAGE, owner)
    auth_config = chosen_config(
        actor=actor, owner=owner, toolkit=plan.toolkit, auth_config_id=plan.auth_config_id, is_oauth=False
    )
    check_link(plan.link, actor=actor, owner=owner, toolkit_id=auth_config.toolkit_id, now=now)
    check_name(plan.alias, actor=actor, owner=owner, toolkit_id=auth_config.toolkit_id, account_id=plan.reconnects)
    if plan.consent_request:
        check_approval(actor=actor, owner=owner, consent_id=plan.consent_request)
    scheme = AuthScheme(auth_config.scheme)
    secrets = _checked(auth_entry(auth_config.toolkit.definition, scheme), values)
    verified = verify(auth_config, scheme, secrets)  # the network, with no transaction open
    _check_same_account(actor, owner, plan.reconnects, verified)
    new = _new_account(plan, auth_config, secrets, verified)
    return store_account(new, actor=actor, owner=owner, now=now)


def _new_account(
    plan: ConnectionPlan, auth_config: AuthConfig, secrets: dict[str, str], verified: Verified
) -> NewAccount:
    return NewAccount(
        auth_config=auth_config,
        scheme=AuthScheme(auth_config.scheme),
        values=secrets,
        identity=verified.identity,
        base_url=verified.base_url,
        alias=as_name(plan.alias),
        reconnects=plan.reconnects,
        link=plan.link,
        consent_request=plan.consent_request,
        preset=plan.preset,
    )


def _check_same_account(actor: Actor, owner: OwnerRef, reconnects: UUID | None, verified: Verified) -> None:
    """A renewed key must be the same account's (check O26); another account is connected as another one."""
    if reconnects is None:
        return
    account = get_connection(actor=actor, owner=owner, account_id=reconnects)
    if verified.identity is not None and not same_identity(account, verified.identity):
        raise DomainError(
            f"This belongs to {verified.identity.label}, and you are reconnecting {account.label}. "
            "To have both, go back and choose “Connect another”.",
            code="different_identity",
        )


def _checked(entry: Mapping[str, Any], values: Mapping[str, str]) -> dict[str, str]:
    """The declared fields and nothing else; the message never repeats what was typed."""
    checked = {}
    for one in entry["fields"]:
        value = values.get(one["name"], "").strip()
        if not value:
            raise DomainError(f"{one['label']} is missing.", code="field_missing", field=one["name"])
        if one.get("pattern") and not re.fullmatch(one["pattern"], value):
            message = f"{one['label']} does not have the expected form. {one.get('help', '')}".strip()
            raise DomainError(message, code="field_invalid", field=one["name"])
        checked[one["name"]] = value
    return checked
