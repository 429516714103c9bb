"""Connected accounts, and links to connect one, in the words of the protocol."""

from datetime import datetime
from typing import Any, Final

from integrations.api.account_shapes import (
    AccountKindOut,
    AccountOut,
    AuthConfigRefOut,
    BegunOut,
    ConnectionDataOut,
    LinkOut,
    ProviderIdentityOut,
    ReplacedOut,
    StateOut,
)
from integrations.api.catalogue_answers import logo_url, scheme_word
from integrations.api.catalogue_shapes import ToolToolkitOut
from integrations.doors.session_answers import STATES, link_url
from integrations.stamps import stamp
from orgs.errors import NotFoundError
from orgs.permissions import OwnerRef

LINK_STATES: Final = {"open": "INITIATED", "failed": "FAILED", "expired": "EXPIRED", "denied": "FAILED"}


def begun_out(account_id: str, config: Any, status: str, url: str | None) -> BegunOut:
    state = StateOut(status=status, redirectUrl=url) if url else StateOut(status=status)
    return BegunOut(
        id=account_id,
        status=status,
        redirect_url=url,
        redirect_uri=url,
        connectionData=ConnectionDataOut(authScheme=scheme_word(config.scheme), val=state),
        deprecated=ReplacedOut(uuid=account_id, authConfigUuid=config.text_id),
    )


def link_out(made: Any) -> LinkOut:
    return LinkOut(
        link_token=f"ln_{made.token}",
        redirect_url=link_url(made),
        expires_at=stamp(made.link.expires_at),
        connected_account_id=made.link.text_id,
    )


def account_out(row: Any) -> AccountOut:
    """Needs toolkit, auth config and owner."""
    identity = ProviderIdentityOut(label=row.identity_label, email=row.identity_email) if row.identity_label else None
    return AccountOut(
        id=row.text_id,
        status=STATES[row.status],
        status_reason=row.status_reason or None,
        is_disabled=row.status == "paused",
        is_default=row.is_default,
        alias=row.alias or None,
        identity=identity,
        scopes=row.scopes,
        created_at=stamp(row.connected_at),
        updated_at=stamp(row.updated_at),
        **_common(row.auth_config, row.toolkit, row.owner.ref),
    )


def waiting_out(link: Any, now: datetime) -> AccountOut:
    status = "EXPIRED" if link.status == "open" and not link.is_open(now) else LINK_STATES.get(link.status)
    if status is None:
        raise NotFoundError("There is no such connected account any more.", code="connection_not_found")
    reason = "The link was not used in time." if status == "EXPIRED" else link.reason
    return AccountOut(
        id=link.text_id,
        status=status,
        status_reason=reason or None,
        is_disabled=False,
        is_default=False,
        alias=link.alias or None,
        identity=None,
        scopes=None,
        created_at=stamp(link.created_at),
        updated_at=stamp(link.created_at),
        **_common(link.auth_config, link.auth_config.toolkit, link.owner.ref),
    )


def _common(config: Any, toolkit: Any, owner: OwnerRef) -> dict[str, Any]:
    return {
        "toolkit": ToolToolkitOut(slug=toolkit.slug, name=toolkit.name, logo=logo_url(toolkit)),
        "auth_config": config_ref(config),
        "user_id": owner.passed_id,
        "word_id": None,
        "data": {},
        "experimental": AccountKindOut(account_type="SHARED" if owner.is_organization else "PRIVATE"),
    }


def config_ref(config: Any) -> AuthConfigRefOut:
    return AuthConfigRefOut(
        id=config.text_id,
        auth_scheme=scheme_word(config.scheme),
        is_composio_managed=config.owner_id is None,
        is_disabled=not config.is_enabled,
    )
