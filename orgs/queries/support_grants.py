"""Whether support may look at an organization, and what it looked at."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from django.db.models import QuerySet

from accounts.models import User
from orgs.audit import AuditAction
from orgs.errors import NotFoundError
from orgs.models import AuditEvent, SupportGrant
from orgs.permissions import Actor, OwnerRef, Permission, Power, has_power, require
from orgs.queries.actors import actor_for_support

LATEST = 20


def running_grants(*, actor: Actor, owner: OwnerRef, now: datetime) -> list[SupportGrant]:
    """What lets support look at the moment, the longest first: for every member to know, and for support."""
    require(actor, Permission.ORGANIZATION_READ, owner)
    rows = SupportGrant.objects.of_organization(owner.id).running(now)
    return list(rows.select_related("person", "given_by").order_by("-until", "-id"))


def latest_grants(*, actor: Actor, owner: OwnerRef) -> list[SupportGrant]:
    """Those of before and now, newest first."""
    require(actor, Permission.ORGANIZATION_READ, owner)
    rows = SupportGrant.objects.of_organization(owner.id).select_related("person", "given_by", "ended_by")
    return list(rows.order_by("-id")[:LATEST])


def get_grant(*, actor: Actor, owner: OwnerRef, grant_id: UUID) -> SupportGrant:
    """One of this organization's; NotFoundError for everything else."""
    require(actor, Permission.ORGANIZATION_READ, owner)
    rows = SupportGrant.objects.of_organization(owner.id).select_related("person")
    found = rows.filter(id=grant_id).first()
    if found is None:
        raise NotFoundError("There is no such access of support here.")
    return found


def support_people(*, actor: Actor, owner: OwnerRef) -> list[User]:
    """Who could be let in: the staff with that power, by name. For owners, who choose among them."""
    require(actor, Permission.SUPPORT_GRANTS_MANAGE, owner)
    staff = User.objects.filter(is_staff=True, is_active=True).order_by("name", "username")
    return [user for user in staff if has_power(actor_for_support(user), Power.LOOK)]


def latest_looks(*, actor: Actor, owner: OwnerRef) -> Sequence[AuditEvent]:
    """What support looked at, newest first."""
    require(actor, Permission.AUDIT_READ, owner)
    rows: QuerySet[AuditEvent] = AuditEvent.objects.of_owner(owner).filter(action=AuditAction.SUPPORT_LOOK.value)
    return list(rows.order_by("-id")[:LATEST])


def grant_to_look(*, actor: Actor, slug: str, now: datetime) -> SupportGrant | None:
    """What lets this member of the support team look at the organization at that address; None when nothing does."""
    if not has_power(actor, Power.LOOK):
        return None
    rows = SupportGrant.objects.running(now).for_person(actor.user_id).filter(organization__slug=slug)
    return rows.select_related("organization", "person").order_by("-until").first()
