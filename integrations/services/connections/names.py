"""A name of one's own for an account: one among those of the same toolkit under the same ID.

Programs choose accounts by it, so two must not share one.
"""

from uuid import UUID

from integrations.models import ConnectedAccount
from integrations.models.connected_accounts import as_name
from integrations.models.status import ConnectionStatus
from orgs.errors import DomainError
from orgs.permissions import Actor, OwnerRef


class NameTakenError(DomainError):
    """Another account has the name."""

    code = "alias_taken"


def is_free(name: str, *, actor: Actor, owner: OwnerRef, toolkit_id: UUID, account_id: UUID | None) -> bool:
    """Whether no other account has the name. Empty text is everybody's: it stands for the provider's own name."""
    del actor  # asked by services that have asked for the right to change the account
    rows = ConnectedAccount.objects.owned_by(owner).filter(toolkit_id=toolkit_id, alias=as_name(name))
    return not as_name(name) or not rows.exclude(status=ConnectionStatus.REVOKED).exclude(id=account_id).exists()


def check_name(name: str, *, actor: Actor, owner: OwnerRef, toolkit_id: UUID, account_id: UUID | None) -> None:
    """NameTakenError when another account has the name."""
    if not is_free(name, actor=actor, owner=owner, toolkit_id=toolkit_id, account_id=account_id):
        message = f"Another account of this toolkit is called {as_name(name)} here already. Choose another name."
        raise NameTakenError(message, field="alias")
