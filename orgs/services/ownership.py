"""Hand an organization over: another owner, and perhaps oneself no longer one, at the same moment."""

from datetime import datetime
from uuid import UUID

from django.db import transaction

from accounts.factors import user_has_second_factor
from accounts.sessions import rotate_sessions
from orgs.addresses import owner_url
from orgs.audit import AuditAction, Target
from orgs.errors import ConflictError
from orgs.models import Membership
from orgs.notices import NoticeKind
from orgs.permissions import Actor, OwnerRef, Permission, Role
from orgs.queries.ownership import heir_of
from orgs.queries.people import holders
from orgs.services.audit import record
from orgs.services.lost_invitations import withdraw_lost_invitations
from orgs.services.notices import notify
from orgs.services.settings import locked_organization


@transaction.atomic
def hand_over_organization(
    *, actor: Actor, owner: OwnerRef, member_id: UUID, steps_down: bool, now: datetime
) -> Membership:
    """Make an active member an owner; with `steps_down` the acting owner becomes an admin in the same transaction.

    Under the organization's lock: there is an owner at every moment, whatever else happens (check T19).
    """
    organization = locked_organization(actor=actor, owner=owner)
    heir = heir_of(actor=actor, owner=owner, member_id=member_id)
    if Role(heir.role) is Role.OWNER and not steps_down:
        raise ConflictError(f"{heir.user.display_name} is an owner already.", code="already_an_owner")
    if steps_down and organization.requires_factor and not user_has_second_factor(heir.user_id):
        message = f"{heir.user.display_name} has no second factor yet, and would be shut out. Stay an owner until then."
        raise ConflictError(message, code="factor_needed")
    before = heir.role
    places = Membership.objects.of_organization(owner.id)
    places.filter(id=heir.id).update(role=Role.OWNER.value)
    if steps_down and actor.user_id is not None:
        places.filter(user=actor.user_id).update(role=Role.ADMIN.value)
        withdraw_lost_invitations(actor.user_id, actor=actor, owner=owner, after=Role.ADMIN, now=now)
    rotate_sessions(heir.user_id)
    _record(actor, owner, heir, before, steps_down=steps_down, now=now)
    _tell(actor, owner, heir, steps_down=steps_down, now=now)
    heir.role = Role.OWNER.value
    return heir


def _record(actor: Actor, owner: OwnerRef, heir: Membership, before: str, *, steps_down: bool, now: datetime) -> None:
    target = Target("user", heir.user.text_id, heir.user.display_name)
    change = "stepped down to admin" if steps_down else "stays an owner"
    details = {"before": before, "after": Role.OWNER.value, "change": change}
    action = AuditAction.ORGANIZATION_TRANSFER
    record(actor=actor, owner=owner, action=action, target=target, details=details, now=now)


def _tell(actor: Actor, owner: OwnerRef, heir: Membership, *, steps_down: bool, now: datetime) -> None:
    """The owners, among them the new one; whoever did it knows."""
    owners = holders(actor=None, owner=owner, permission=Permission.ORGANIZATION_MANAGE)
    after = f"{actor.label} is an admin from now on." if steps_down else f"{actor.label} stays an owner too."
    notify(
        actor=actor,
        users=[user for user in owners if user.id != actor.user_id],
        kind=NoticeKind.OWNERSHIP,
        title=f"{heir.user.display_name} is an owner of {owner.label} now",
        text=f"{actor.label} has handed it over. {after}",
        path=owner_url(owner, "ownership"),
        owner=owner,
        now=now,
    )
