"""What ends when a person leaves the installation for good."""

from collections.abc import Sequence
from dataclasses import dataclass

from integrations.models import ConnectedAccount, Execution
from integrations.models.status import WAITING
from integrations.queries.connections import live_accounts
from orgs.errors import UnauthenticatedError
from orgs.models import ApiKey
from orgs.permissions import Actor, OwnerRef
from orgs.queries.members import own_places
from orgs.queries.ownership import only_owner_of


@dataclass(frozen=True)
class Departure:
    """`only_owner_of` holds them back."""

    accounts: Sequence[ConnectedAccount]
    organizations: Sequence[OwnerRef]
    only_owner_of: Sequence[OwnerRef]
    queued_runs: int
    runs: int
    keys: int


def what_ends_with(*, actor: Actor) -> Departure:
    """For oneself, and nobody else."""
    owner = actor.as_owner
    if owner is None:
        raise UnauthenticatedError("Sign in to go on.")
    runs = Execution.objects.owned_by(owner)
    return Departure(
        accounts=list(live_accounts(actor=actor, owner=owner).order_by("toolkit__name", "id")),
        organizations=own_places(actor=actor),
        only_owner_of=only_owner_of(actor=actor),
        queued_runs=runs.filter(status__in=WAITING).count(),
        runs=runs.count(),
        keys=ApiKey.objects.filter(owner__user_id=owner.id, revoked_at=None).count(),
    )
