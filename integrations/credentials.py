"""The only place where secrets are open: sealing, opening and refreshing credentials.

A refresh happens under a lease taken by a conditional UPDATE, because a rotating refresh token that
is spent twice kills the connection. New tokens are saved by comparing the token version, so a late
answer never overwrites a newer one (checks R1-R6).
"""

import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any
from uuid import UUID, uuid4

import structlog
from django.conf import settings
from django.db import transaction
from django.db.models import DateTimeField, ExpressionWrapper, F, Q
from django.db.models.functions import Coalesce, Now
from django.utils import timezone

from integrations import oauth
from integrations.alarms import be_at_ease, raise_alarm, worry
from integrations.catalog import auth_entry
from integrations.engine.types import AuthScheme, Credentials
from integrations.models import AuthConfig, ConnectedAccount, Webhook
from integrations.models.encrypted import Sealed, SecretUnreadableError, seal, unseal
from integrations.models.status import WORKING, ConnectionStatus
from integrations.outbound import outbound
from integrations.shared_grants import serves_another

log = structlog.get_logger(__name__)
LEASE_SECONDS = 12
WAIT_SECONDS = 15.0
POLL_SECONDS = 0.1
WORRY_AFTER = timedelta(hours=1)
GIVE_UP_AFTER = timedelta(days=4)  # of refreshes that fail on the provider's side (check R8)
ADDRESSES = frozenset({"token_url", "revoke_url"})  # kept with the tokens, and no secrets
UNUSABLE = "auth_config_unusable"
MOVED = "Its auth config now names another server, and old credentials do not travel there."


class Trouble(StrEnum):
    """Why an account has no usable credentials just now."""

    RECONNECT = "reconnect"  # the provider has ended it: a person must sign in again
    LATER = "later"  # the provider's token endpoint is away, or another worker is refreshing
    UNREADABLE = "unreadable"  # this installation's keys do not open them


class CredentialsError(Exception):
    """The credentials cannot be used. The message is safe to show."""

    def __init__(self, trouble: Trouble, message: str) -> None:
        super().__init__(message)
        self.trouble = trouble
        self.message = message


@dataclass(frozen=True)
class OpenCredentials:
    """Open credentials and the version they were read at."""

    credentials: Credentials = field(repr=False)
    version: int


# --- Auth configs


def seal_client_secret(auth_config_id: UUID, secret: str) -> Sealed:
    return seal(secret, **_place_of_secret(auth_config_id))


def client_of(auth_config: AuthConfig) -> oauth.Client:
    """The OAuth client of an auth config, its secret open."""
    sealed = auth_config.client_secret
    return oauth.Client(auth_config.client_id, unseal(sealed, **_place_of_secret(auth_config.id)) if sealed else "")


def _place_of_secret(auth_config_id: UUID) -> dict[str, Any]:
    return {"table": "auth_config", "row": auth_config_id, "field": "client_secret"}


def provider_of(auth_config: AuthConfig) -> oauth.ProviderSpec:
    """How to speak to the auth config's authorization server. Needs `toolkit`; ValueError where nobody can."""
    try:
        entry = auth_entry(auth_config.toolkit.definition, AuthScheme.OAUTH2)
    except LookupError as error:  # the toolkit was changed since
        raise ValueError(str(error)) from None
    return oauth.ProviderSpec.from_entry(entry, auth_config.overrides)


# --- Webhooks


def seal_webhook_secret(webhook_id: UUID, secret: str, *, field_name: str = "secret") -> Sealed:
    return seal(secret, table="webhook", row=webhook_id, field=field_name)


def open_webhook_secrets(webhook: Webhook, now: datetime) -> list[str]:
    """Those that sign at this moment, the newest first; SecretUnreadableError when our keys do not open them."""
    fields = {"secret": webhook.secret}
    if webhook.old_secret_signs(now):
        fields["old_secret"] = webhook.old_secret
    return [unseal(sealed, table="webhook", row=webhook.id, field=name) for name, sealed in fields.items()]


# --- Connected accounts


def seal_credentials(account_id: UUID, values: Mapping[str, str]) -> Sealed:
    return seal(dict(values), table="connected_account", row=account_id, field="credentials")


def token_values(tokens: oauth.Tokens, auth_config: AuthConfig) -> dict[str, str]:
    """What is kept of a token answer, with the addresses that its tokens may be sent to."""
    return {
        "access_token": tokens.access_token,
        "refresh_token": tokens.refresh_token,
        **_addresses(auth_config),
    }


def may_travel(values: Mapping[str, str], auth_config: AuthConfig) -> bool:
    """Whether the auth config still names the servers that these tokens came from (check E12)."""
    return all(values.get(name, address) == address for name, address in _addresses(auth_config).items())


def _addresses(auth_config: AuthConfig) -> dict[str, str]:
    spec = provider_of(auth_config)
    return {"token_url": spec.token_url, "revoke_url": spec.revoke_url}


def expiry_of(tokens: oauth.Tokens) -> datetime | None:
    """When the access token ends, or None when the provider does not say."""
    return timezone.now() + timedelta(seconds=tokens.expires_in) if tokens.expires_in else None


def open_values(account: ConnectedAccount) -> dict[str, str]:
    """The open secrets of an account; CredentialsError when there are none or the keys do not open them."""
    if account.credentials is None:
        raise CredentialsError(Trouble.RECONNECT, "This account has no credentials any more. Connect it again.")
    try:
        values = unseal(account.credentials, table="connected_account", row=account.id, field="credentials")
    except SecretUnreadableError as error:
        raise CredentialsError(Trouble.UNREADABLE, str(error)) from None
    return dict(values)


def seal_pending(request_id: UUID, value: Any, *, field_name: str) -> Sealed:
    return seal(value, table="connection_request", row=request_id, field=field_name)


def open_pending(request_id: UUID, sealed: Sealed, *, field_name: str) -> Any:
    return unseal(sealed, table="connection_request", row=request_id, field=field_name)


def credentials_for(account_id: UUID, *, not_version: int | None = None) -> OpenCredentials:
    """Open credentials that are good for a call now, refreshed when they must be. Workers only.

    `not_version` says that the provider turned this version down: get a newer one. Raises CredentialsError.
    """
    give_up_at = time.monotonic() + WAIT_SECONDS
    while time.monotonic() < give_up_at:
        account = _load(account_id)
        values = open_values(account)
        if not _must_refresh(account, not_version):
            return OpenCredentials(_for_calls(account, values), account.token_version)
        if not values.get("refresh_token"):
            _expire(account, "The provider no longer accepts it, and gave nothing to renew it with.")
        if lease := _take_lease(account):
            _refresh(account, values, lease)
        else:
            time.sleep(POLL_SECONDS)
    raise CredentialsError(Trouble.LATER, "Another worker is renewing this account's access. Trying again shortly.")


def _for_calls(account: ConnectedAccount, values: Mapping[str, str]) -> Credentials:
    return Credentials(
        AuthScheme(account.scheme), {name: value for name, value in values.items() if name not in ADDRESSES}
    )


def _load(account_id: UUID) -> ConnectedAccount:
    rows = ConnectedAccount.objects.unscoped("the account was chosen by the rule before")
    account: ConnectedAccount = rows.select_related("auth_config__toolkit").get(id=account_id)
    return account


def _must_refresh(account: ConnectedAccount, not_version: int | None) -> bool:
    if not_version is not None and account.token_version <= not_version:
        return True
    if account.expires_at is None:
        return False
    return bool(account.expires_at - timezone.now() < timedelta(seconds=settings.REFRESH_MARGIN))


def _take_lease(account: ConnectedAccount) -> UUID | None:
    lease = uuid4()
    taken = (
        ConnectedAccount.objects.unscoped("the lease is taken by ID and version")
        .filter(id=account.id, token_version=account.token_version, status__in=WORKING)
        .filter(Q(refresh_lease_until__isnull=True) | Q(refresh_lease_until__lt=Now()))
        .update(
            refresh_lease=lease,
            refresh_lease_until=ExpressionWrapper(
                Now() + timedelta(seconds=LEASE_SECONDS), output_field=DateTimeField()
            ),
        )
    )
    return lease if taken else None


def _refresh(account: ConnectedAccount, values: Mapping[str, str], lease: UUID) -> None:
    """Spend the refresh token once. No transaction is open while the provider is asked."""
    try:
        if not may_travel(values, account.auth_config):
            _expire(account, MOVED)
        tokens = _ask_for_tokens(account, values["refresh_token"])
    except oauth.OAuthError as error:
        _refresh_failed(account, lease, error)
        return
    except ValueError as error:  # an operator can put the toolkit or the auth config right
        _refresh_failed(account, lease, oauth.OAuthError(UNUSABLE, f"Its auth config cannot be used: {error}"))
        return
    except SecretUnreadableError as error:  # the client secret: without it nothing can be renewed
        raise CredentialsError(Trouble.UNREADABLE, str(error)) from None
    if _save_tokens(account, tokens):
        if account.status == ConnectionStatus.NEEDS_ATTENTION:
            be_at_ease(account, now=timezone.now())
    elif _is_disconnected(account.id):
        _revoke_late(account, tokens)


def _ask_for_tokens(account: ConnectedAccount, refresh_token: str) -> oauth.Tokens:
    return oauth.refresh(
        provider_of(account.auth_config),
        client_of(account.auth_config),
        refresh_token=refresh_token,
        transport=outbound().transport,
        deadline=LEASE_SECONDS - 4,
        scopes=account.scopes or (),
    )


def _save_tokens(account: ConnectedAccount, tokens: oauth.Tokens) -> bool:
    """Compare and set on the version, not on the lease: a late success is kept, an old answer never wins."""
    rows = ConnectedAccount.objects.unscoped("saved by ID and version")
    return bool(
        rows.filter(id=account.id, token_version=account.token_version)
        .exclude(status=ConnectionStatus.REVOKED)
        .update(
            credentials=seal_credentials(account.id, token_values(tokens, account.auth_config)),
            expires_at=expiry_of(tokens),
            token_version=F("token_version") + 1,
            refresh_lease=None,
            refresh_lease_until=None,
            refresh_failing_since=None,
        )
    )


def _is_disconnected(account_id: UUID) -> bool:
    """Not so when it was connected anew meanwhile: to revoke then would end the new tokens too at some providers."""
    rows = ConnectedAccount.objects.unscoped("the account in hand")
    return bool(rows.filter(id=account_id, status=ConnectionStatus.REVOKED).exists())


def _revoke_late(account: ConnectedAccount, tokens: oauth.Tokens) -> None:
    """Disconnected while we refreshed: what came back must not live on (check R13)."""
    if serves_another(account.auth_config, account.identity_key, owner_id=account.owner_id, but=account.id):
        return
    oauth.revoke(
        provider_of(account.auth_config),
        client_of(account.auth_config),
        tokens,
        transport=outbound().transport,
        deadline=LEASE_SECONDS - 4,
    )


def _refresh_failed(account: ConnectedAccount, lease: UUID, error: oauth.OAuthError) -> None:
    since = account.refresh_failing_since
    if error.permanent or (since is not None and timezone.now() - since > GIVE_UP_AFTER):
        _expire(account, error.message)
    ConnectedAccount.objects.unscoped("released by its lease").filter(id=account.id, refresh_lease=lease).update(
        refresh_lease=None, refresh_lease_until=None, refresh_failing_since=Coalesce(F("refresh_failing_since"), Now())
    )
    if since is not None and timezone.now() - since > WORRY_AFTER:
        worry(account, now=timezone.now())
    log.warning("credentials.refresh_failed", account=account.text_id, error=error.code)
    raise CredentialsError(Trouble.LATER, error.message)


def _expire(account: ConnectedAccount, reason: str) -> None:
    """Mark the account as expired, unless somebody reconnected it meanwhile, and say so."""
    mark_expired(account.id, version=account.token_version, reason=reason)
    raise CredentialsError(Trouble.RECONNECT, f"{account.label} must be reconnected. {reason}")


@transaction.atomic
def mark_expired(account_id: UUID, *, version: int, reason: str) -> None:
    """The provider has turned these credentials down for good. Whoever can reconnect it is told, once."""
    rows = ConnectedAccount.objects.unscoped("expired by ID and version")
    expired = rows.filter(id=account_id, token_version=version, status__in=WORKING).update(
        status=ConnectionStatus.EXPIRED.value, status_reason=reason[:300], refresh_lease=None, refresh_lease_until=None
    )
    if expired:
        raise_alarm(account_id, now=timezone.now())
