"""What an organization's admins should know about its people: who signs in by password alone, what was refused."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from django.db.models import Count

from orgs.audit import AuditResult
from orgs.models import AuditEvent, Invitation, Membership
from orgs.permissions import Actor, OwnerRef, Permission, require

SOON: Final = timedelta(days=2)


@dataclass(frozen=True)
class Denials:
    """The refusals of some days: how many, and whom they concern most often."""

    count: int
    names: Sequence[str]


def members_without_second_factor(*, actor: Actor, owner: OwnerRef) -> list[str]:
    """The active members who could be impersonated with a password alone, by name."""
    require(actor, Permission.MEMBERS_MANAGE, owner)
    rows = Membership.objects.of_organization(owner.id).active().without_factor().select_related("user")
    return sorted((row.user.display_name for row in rows), key=str.casefold)


def invitations_running_out(*, actor: Actor, owner: OwnerRef, now: datetime) -> int:
    """How many pending invitations expire soon, have expired, or never got out."""
    require(actor, Permission.MEMBERS_MANAGE, owner)
    pending = Invitation.objects.of_organization(owner.id).pending()
    return pending.exclude(expires_at__gt=now + SOON, sent_at__isnull=False).count()


def denials_since(*, actor: Actor, owner: OwnerRef, since: datetime) -> Denials:
    """What was refused in an owner's name, from the audit log."""
    require(actor, Permission.AUDIT_READ, owner)
    rows = AuditEvent.objects.of_owner(owner).filter(result=AuditResult.DENIED.value, at__gte=since)
    people = rows.order_by().values_list("actor_label").annotate(count=Count("id")).order_by("-count", "actor_label")
    counted = list(people)
    return Denials(sum(count for _name, count in counted), [name or "Somebody" for name, _count in counted])
