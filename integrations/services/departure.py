"""Leave the installation for good: out of every organization, then one's own things, by the worker."""

from datetime import datetime

from django.db import transaction

from accounts.models import User
from integrations.services.leaving import leave_with_account
from orgs.errors import ConflictError, DomainError, UnauthenticatedError
from orgs.models import Deletion
from orgs.permissions import Actor, OwnerRef
from orgs.queries.members import own_places
from orgs.queries.ownership import only_owner_of
from orgs.services.deletions import announce_departure


def leave_installation(*, actor: Actor, user: User, typed: str, now: datetime) -> Deletion:
    """Nobody signs in as this user any more. Refused for an only owner, who would leave others without one (T19)."""
    if actor.user_id != user.id or actor.as_owner is None:
        raise UnauthenticatedError("Sign in to go on.")
    if typed.strip() != user.username:
        raise DomainError(f"Type {user.username} to confirm.", code="not_confirmed", field="typed")
    with transaction.atomic():
        _check_not_needed(actor)
        for owner in _organizations(actor):
            leave_with_account(actor=actor, owner=owner, now=now)
        return announce_departure(actor=actor, user=user, now=now)


def _check_not_needed(actor: Actor) -> None:
    needed = " and ".join(one.label for one in only_owner_of(actor=actor))
    if needed:
        message = f"You are the only active owner of {needed}. Make somebody else one, or delete it, first."
        raise ConflictError(message, code="last_owner")


def _organizations(actor: Actor) -> list[OwnerRef]:
    """In one order for everybody: two who leave at once lock the same rows one after the other."""
    return sorted(own_places(actor=actor), key=lambda one: one.id)
