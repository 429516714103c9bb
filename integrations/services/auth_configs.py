"""Auth configs of the installation, as the operator sets them in the admin site."""

from collections.abc import Mapping
from typing import Any

from integrations.catalog import auth_entry
from integrations.credentials import seal_client_secret
from integrations.engine.errors import Refused
from integrations.engine.types import AuthScheme
from integrations.models import AuthConfig
from integrations.outbound import outbound
from integrations.services.bootstrap.document import OVERRIDES
from orgs.errors import DomainError
from orgs.permissions import Actor


def check_auth_config(*, actor: Actor | None, row: AuthConfig) -> None:
    """Raise DomainError, naming the field, when accounts could not be connected with this auth config.

    `actor` is None: the admin site has checked that it is staff with the right to change it.
    """
    del actor
    try:
        auth_entry(row.toolkit.definition, row.scheme)
    except LookupError:
        offered = ", ".join(row.toolkit.schemes)
        raise DomainError(f"{row.toolkit.name} does not offer this. It has: {offered}.", field="scheme") from None
    if row.scheme == AuthScheme.OAUTH2 and not row.client_id:
        raise DomainError("OAuth needs the client ID of an app that you registered at the provider.", field="client_id")
    _check_overrides(row.overrides)


def keep_client_secret(*, actor: Actor | None, row: AuthConfig, secret: str) -> None:
    """Seal a new client secret on the row; empty text keeps the one that is there."""
    del actor
    if secret:
        row.client_secret = seal_client_secret(row.id, secret)


def _check_overrides(overrides: Mapping[str, Any]) -> None:
    if not isinstance(overrides, dict):
        raise DomainError("Write an object: {} for none.", field="overrides")
    for name, url in overrides.items():
        if name not in OVERRIDES or not isinstance(url, str):
            raise DomainError(f"{name} cannot be overridden. These can: {', '.join(OVERRIDES)}.", field="overrides")
        try:
            outbound().check_url(url)
        except Refused as error:
            raise DomainError(f"{name}: {error.message}", field="overrides") from None
