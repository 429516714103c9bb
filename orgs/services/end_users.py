"""End users are made when something is first stored for them."""

from datetime import datetime
from uuid import UUID

from django.db import transaction
from django.utils import timezone

from orgs.audit import AuditAction, Target
from orgs.errors import ConflictError, OutOfReachError
from orgs.models import EndUser, Owner
from orgs.permissions import Actor, OwnerKind, OwnerRef
from orgs.queries.owners import owner_row
from orgs.services.audit import record


def row_to_own(*, actor: Actor, owner: OwnerRef) -> Owner:
    """The row behind an owner within the actor's reach, to store under. An end user's is made on first use."""
    if owner.kind is not OwnerKind.END_USER:
        return owner_row(actor=actor, owner=owner)
    if owner.application_id is None or not actor.speaks_for(owner):
        raise OutOfReachError
    return _end_users_row(actor, owner, owner.application_id, timezone.now())


@transaction.atomic
def _end_users_row(actor: Actor, owner: OwnerRef, application_id: UUID, now: datetime) -> Owner:
    """Two first uses at the same moment make one: the unique constraint decides, and the loser reads."""
    end_user, was_made = EndUser.objects.get_or_create(
        application_id=application_id, external=owner.external, defaults={"created_at": now}
    )
    if end_user.deleting_since is not None:
        message = f"Everything of the end user {owner.external} is being deleted. Ask again in a moment."
        raise ConflictError(message, code="end_user_deleting")
    row, _ = Owner.objects.select_related("end_user__application", "user", "organization").get_or_create(
        end_user=end_user, defaults={"kind": OwnerKind.END_USER.value}
    )
    if was_made:
        ref, target = row.ref, Target("end_user", end_user.text_id)
        record(actor=actor, owner=ref, action=AuditAction.END_USER_CREATE, target=target, now=now)
    return row
