"""Take access back at its provider: an account's, or what nobody confirmed. Outside any transaction: it can be slow."""

from uuid import UUID

from django.conf import settings

from integrations import oauth
from integrations.credentials import CredentialsError, client_of, may_travel, open_pending, open_values, provider_of
from integrations.engine.types import AuthScheme
from integrations.models import AuthConfig, ConnectedAccount, ConnectionRequest
from integrations.models.encrypted import SecretUnreadableError
from integrations.outbound import outbound
from integrations.shared_grants import SHARED, serves_another

UNREADABLE = oauth.Revocation(
    confirmed=False,
    detail="The provider could not be asked: its auth config is not readable. Remove the access there.",
)
MOVED = oauth.Revocation(
    confirmed=False,
    detail="The provider was not asked: the auth config now names another server. Remove the access at the old one.",
)
NOT_OAUTH = oauth.Revocation(
    confirmed=False, detail="There is nothing to take back at the provider: delete the key or token there yourself."
)


def values_or_none(account: ConnectedAccount) -> dict[str, str] | None:
    try:
        return open_values(account)
    except CredentialsError:
        return None


def withdraw(account: ConnectedAccount, values: dict[str, str] | None) -> oauth.Revocation:
    """Tell the provider that these are not wanted any more. Needs `toolkit` and `auth_config`; never raises."""
    if account.scheme != AuthScheme.OAUTH2 or not values or "access_token" not in values:
        return NOT_OAUTH
    config = account.auth_config
    tokens = oauth.Tokens(access_token=values["access_token"], refresh_token=values.get("refresh_token", ""))
    deadline = settings.TOKEN_CALL_DEADLINE
    try:
        config.toolkit = account.toolkit
        spec, client, same = provider_of(config), client_of(config), may_travel(values, config)
    except (SecretUnreadableError, ValueError):
        return UNREADABLE
    if not same:
        return MOVED
    if serves_another(config, account.identity_key, owner_id=account.owner_id, but=account.id):
        return SHARED
    return oauth.revoke(spec, client, tokens, transport=outbound().transport, deadline=deadline)


def held_tokens(request: ConnectionRequest) -> oauth.Tokens | None:
    """What a begun connection received and nobody has confirmed; None when there is nothing, or nobody can read it."""
    if request.pending is None:
        return None
    try:
        values = open_pending(request.id, request.pending, field_name="pending")["tokens"]
    except SecretUnreadableError:
        return None
    return oauth.Tokens(access_token=values["access_token"], refresh_token=values["refresh_token"])


def held_identity(request: ConnectionRequest) -> str:
    """What the provider calls whoever signed in; empty where it does not say, or nobody can read it any more."""
    try:
        held = open_pending(request.id, request.pending, field_name="pending") if request.pending else {}
    except SecretUnreadableError:
        return ""
    return str((held.get("identity") or {}).get("id", ""))


def take_back(tokens: oauth.Tokens | None, config: AuthConfig, *, identity: str, owner_id: UUID) -> oauth.Revocation:
    """Tokens of the identity that never became an account's. Needs the config's `toolkit`; never raises."""
    if tokens is None:
        return UNREADABLE
    try:
        spec, client = provider_of(config), client_of(config)
    except (SecretUnreadableError, ValueError):
        return UNREADABLE
    if serves_another(config, identity, owner_id=owner_id):
        return SHARED
    return oauth.revoke(spec, client, tokens, transport=outbound().transport, deadline=settings.TOKEN_CALL_DEADLINE)
