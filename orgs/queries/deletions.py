"""What is to be deleted, and the reports of what was."""

from uuid import UUID

from django.db.models import Count, Exists, OuterRef, Q, QuerySet

from orgs.errors import NotFoundError
from orgs.models import Application, Deletion
from orgs.models.deletions import DeletionKind, RevocationOutcome
from orgs.permissions import Actor, OwnerRef, Permission, require


def announced_deletion(*, actor: Actor, owner: OwnerRef) -> Deletion | None:
    """The countdown of an organization, if there is one. Every member may know."""
    require(actor, Permission.ORGANIZATION_READ, owner)
    return Deletion.objects.of_owner(owner).counting().first()


def list_reports(*, actor: Actor) -> QuerySet[Deletion]:
    """The reports of organizations that the actor owned when they ended, and of end users whom they managed."""
    return Deletion.objects.filter(readers=actor.user_id).order_by("-started_at", "-id")


def get_report(*, actor: Actor, deletion_id: UUID) -> Deletion:
    """One of them with its lines; NotFoundError for everybody else's."""
    found = list_reports(actor=actor).prefetch_related("accounts").filter(id=deletion_id).first()
    if found is None:
        raise NotFoundError("There is no such report here.")
    return found


def deletion_of_end_users(*, actor: Actor, application: Application) -> Deletion | None:
    """The newest deletion of all end users of an application.

    `listed` accounts, how many are `answered`, and whether the actor `may_read` the report.
    """
    require(actor, Permission.APPLICATIONS_MANAGE, application.organization.ref)
    rows = Deletion.objects.filter(kind=DeletionKind.APPLICATION, owner_uuid=application.id)
    answered = Count("accounts", filter=~Q(accounts__outcome=RevocationOutcome.WAITING))
    readers = Deletion.objects.filter(id=OuterRef("id"), readers=actor.user_id)
    counted = rows.annotate(listed=Count("accounts"), answered=answered, may_read=Exists(readers))
    return counted.order_by("-id").first()
