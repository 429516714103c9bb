"""Links that somebody sent and could not send any more stop working, whichever way they lost the right (check T18)."""

from datetime import datetime
from typing import Final
from uuid import UUID

from orgs.audit import AuditAction, Target
from orgs.models import Invitation
from orgs.permissions import Actor, OwnerRef, Role
from orgs.queries.members import invitations_that_end
from orgs.services.audit import record

LOST_RIGHT: Final = {"reason": "inviter_lost_right"}


def withdraw_lost_invitations(
    user_id: UUID, *, actor: Actor, owner: OwnerRef, now: datetime, after: Role | None = None
) -> None:
    """`after` is the role that the inviter has from now on; None for whoever has none."""
    for invitation in invitations_that_end(actor=actor, owner=owner, user_id=user_id, after=after):
        if not Invitation.objects.pending().filter(id=invitation.id).update(revoked_at=now):
            continue  # accepted or withdrawn at this very moment
        target, details = Target("invitation", invitation.text_id), {"role": invitation.role, **LOST_RIGHT}
        record(actor=actor, owner=owner, action=AuditAction.INVITATION_REVOKE, target=target, details=details, now=now)
