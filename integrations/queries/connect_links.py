"""Read connect links: by their token for the person, by the ID of the account to come for a program."""

from typing import Any
from uuid import UUID

from integrations.models import ConnectLink
from integrations.models.connect_links import hash_of
from integrations.models.owned import OWNER_NAMES
from orgs.errors import NotFoundError
from orgs.permissions import Actor, OwnerRef, Permission, require

NO_LINK = "This link is not one of yours, or it is over."


def link_by_token(*, actor: Actor, token: str) -> ConnectLink:
    """The link behind an address, for the very person it is meant for; NotFoundError for everybody else."""
    rows = _with_names(ConnectLink.objects.visible_to(actor)).filter(token_hash=hash_of(token), user_id=actor.user_id)
    link: ConnectLink | None = rows.first() if actor.user_id else None
    if link is None:
        raise NotFoundError(NO_LINK, code="link_not_found")
    return link


def link_for_consent(*, actor: Actor, owner: OwnerRef, link_id: UUID | None) -> ConnectLink | None:
    """The link that led a person to the consent page; None when there is none of theirs."""
    require(actor, Permission.CONNECTED_ACCOUNTS_READ, owner)
    if link_id is None:
        return None
    rows = _with_names(ConnectLink.objects.owned_by(owner)).filter(id=link_id, user_id=actor.user_id)
    link: ConnectLink | None = rows.first()
    return link


def foreign_link(*, actor: Actor, token: str) -> ConnectLink | None:
    """Somebody else's link behind this address, so that the attempt can be recorded with its owner."""
    rows = ConnectLink.objects.unscoped("found by an unguessable token, to record that a stranger opened it")
    found: ConnectLink | None = (
        _with_names(rows).filter(token_hash=hash_of(token)).exclude(user_id=actor.user_id).first()
    )
    return found


def find_link(*, actor: Actor, account_id: UUID | None) -> ConnectLink | None:
    """The link whose account is to have this ID, under any ID of the actor's."""
    rows = _with_names(ConnectLink.objects.visible_to(actor)).filter(id=account_id)
    link: ConnectLink | None = rows.first() if account_id else None
    if link is not None:
        require(actor, Permission.CONNECTED_ACCOUNTS_READ, link.owner.ref)
    return link


def _with_names(rows: Any) -> Any:
    return rows.select_related(
        "auth_config__toolkit",
        *OWNER_NAMES,
        "api_key",
        "connected_account__toolkit",
    )
