"""The installation's own auth configs, as a bootstrap file has them."""

from datetime import datetime
from typing import Any

from integrations.catalog import auth_entry
from integrations.credentials import client_of, seal_client_secret
from integrations.engine.errors import Refused
from integrations.engine.types import AuthScheme
from integrations.models import AuthConfig, Toolkit
from integrations.models.encrypted import SecretUnreadableError
from integrations.outbound import outbound
from integrations.queries.ways import callback_url
from integrations.services.bootstrap.document import AuthConfigEntry
from integrations.services.bootstrap.faults import BootstrapError
from integrations.services.operator_records import record_auth_config

Line = dict[str, Any]


def keep_auth_config(entry: AuthConfigEntry, now: datetime) -> list[Line]:
    """Make the auth config, or bring it in step with the file."""
    toolkit = _toolkit(entry)
    _check_client(entry)
    _check_urls(entry)
    rows = AuthConfig.objects.unscoped("the installation's own have no owner").select_related("toolkit")
    found = rows.filter(owner=None, toolkit=toolkit, name=entry.name)
    row = found.first()
    if row is not None and _is_in_step(row, entry):
        return [_line(row, "already there")]
    is_new = row is None
    saved = _save(row or AuthConfig(toolkit=toolkit, name=entry.name), entry)
    record_auth_config(actor=None, row=saved, is_new=is_new, now=now)
    return [_line(saved, "created" if is_new else "updated")]


def _line(row: AuthConfig, status: str) -> Line:
    """With the callback URL, which somebody has to register at the provider."""
    line: Line = {"status": status, "toolkit": row.toolkit.slug, "name": row.name, "id": row.text_id}
    if row.scheme == AuthScheme.OAUTH2:
        line["callback_url"] = callback_url(actor=None, auth_config=row)
    return line


def _toolkit(entry: AuthConfigEntry) -> Toolkit:
    toolkit = Toolkit.objects.filter(slug=entry.toolkit).first()
    if toolkit is None:
        raise BootstrapError.at(f"{entry.path}.toolkit", "is not in the catalogue. Has sync_catalog run?")
    try:
        auth_entry(toolkit.definition, entry.scheme)
    except LookupError:
        offered = ", ".join(toolkit.schemes)
        raise BootstrapError.at(f"{entry.path}.scheme", f"is not offered by this toolkit. It has: {offered}.") from None
    return toolkit


def _check_client(entry: AuthConfigEntry) -> None:
    if entry.scheme is AuthScheme.OAUTH2 and not entry.client_id:
        raise BootstrapError.at(f"{entry.path}.client_id", "is required for oauth2.")
    if entry.scheme is not AuthScheme.OAUTH2 and (entry.client_id or entry.client_secret):
        raise BootstrapError.at(
            f"{entry.path}.client_id", "belongs to oauth2 alone: leave out client_id and client_secret."
        )


def _check_urls(entry: AuthConfigEntry) -> None:
    for name, url in (entry.overrides or {}).items():
        try:
            outbound().check_url(url)
        except Refused as error:
            raise BootstrapError.at(f"{entry.path}.overrides.{name}", error.message) from None


def _is_in_step(row: AuthConfig, entry: AuthConfigEntry) -> bool:
    return (row.scheme, row.client_id, row.scopes, row.overrides) == (
        entry.scheme.value,
        entry.client_id,
        list(entry.scopes),
        dict(entry.overrides or {}),
    ) and _secret(row) == entry.client_secret


def _secret(row: AuthConfig) -> str | None:
    try:
        return client_of(row).client_secret
    except SecretUnreadableError:  # sealed with keys that are gone: the file's secret replaces it
        return None


def _save(row: AuthConfig, entry: AuthConfigEntry) -> AuthConfig:
    row.scheme, row.client_id = entry.scheme.value, entry.client_id
    row.client_secret = seal_client_secret(row.id, entry.client_secret) if entry.client_secret else None
    row.scopes, row.overrides = list(entry.scopes), dict(entry.overrides or {})
    row.save()
    return row
