"""Grants that several accounts live on: to take back the tokens of one would end the others.

Somebody may connect one and the same account of a provider as their own and as their organization's. Google then ends
with one token all that an app has from a user (https://developers.google.com/identity/protocols/oauth2/web-server,
"Revoking a token"), and Slack may have given the same token to both. What is done to an account of one kind must not
end one of the other, nor anybody else's.
"""

from typing import Final
from uuid import UUID

from django.db.models import Q

from integrations.catalog import auth_entry
from integrations.engine.types import AuthScheme
from integrations.models import AuthConfig, ConnectedAccount
from integrations.models.status import WORKING, ConnectionStatus
from integrations.oauth import Revocation, RevokeStyle

LIVING: Final = (*WORKING, ConnectionStatus.PAUSED)  # an expired one has no grant any more
SHARED: Final = Revocation(
    confirmed=False,
    detail="The provider was not asked: it would end every connection of this account there, and another may be in "
    "use. Remove the app in your settings there to end them all.",
)


def serves_another(config: AuthConfig, identity: str, *, owner_id: UUID, but: UUID | None = None) -> bool:
    """Whether another account that is connected may live on a grant of this client's. Needs the config's `toolkit`.

    `identity` is what the provider calls whoever signed in; where it is not known (empty), it may be anybody's. `but`
    is the account in hand. With the same owner that is so at any provider: they may have signed in again for it.
    """
    accounts = ConnectedAccount.objects.unscoped("whoever else's it is, it has to go on working")
    living = accounts.filter(toolkit_id=config.toolkit_id, status__in=LIVING).exclude(id=but)
    same = living.filter(identity_key=identity) if identity else living
    if _style_of(config).ends_grant:
        return bool(same.filter(Q(auth_config__client_id=config.client_id) | Q(owner_id=owner_id)).exists())
    return bool(identity and same.filter(owner_id=owner_id).exists())


def _style_of(config: AuthConfig) -> RevokeStyle:
    try:
        entry = auth_entry(config.toolkit.definition, AuthScheme.OAUTH2)
    except LookupError:  # the toolkit was changed: nobody signs in at its provider any more
        return RevokeStyle.NONE
    return RevokeStyle((entry.get("revoke") or {}).get("style", RevokeStyle.NONE))
