"""Delete end users with everything: one of them, or all of an application. Due at once, done by the worker."""

from datetime import datetime
from uuid import UUID

from django.db import transaction

from accounts.models import User
from orgs.audit import AuditAction
from orgs.errors import ConflictError, DomainError
from orgs.models import Application, Deletion, EndUser
from orgs.models.deletions import DeletionKind
from orgs.permissions import Actor, OwnerRef, Permission, require
from orgs.queries.applications import get_application, get_end_user
from orgs.queries.people import holders
from orgs.services.applications import end_application
from orgs.services.deletions import record_step
from orgs.services.fresh_rights import with_fresh_rights


@transaction.atomic
def delete_end_user(
    *, actor: Actor, owner: OwnerRef, application_id: UUID, end_user_id: UUID, now: datetime
) -> Deletion:
    """Everything of an end user, due at once: from here on nothing new is made for them, until nothing is left."""
    require(with_fresh_rights(actor=actor, owner=owner), Permission.APPLICATIONS_MANAGE, owner)
    application = get_application(actor=actor, owner=owner, application_id=application_id)
    row = get_end_user(actor=actor, application=application, end_user_id=end_user_id)
    if not EndUser.objects.filter(id=row.id, deleting_since=None).update(deleting_since=now):
        raise ConflictError("Everything of this end user is being deleted already.", code="end_user_deleting")
    deletion = Deletion.objects.create(
        kind=DeletionKind.END_USER,
        owner_uuid=row.id,
        organization_uuid=owner.id,
        label=f"An end user of {application.name}",
        asked_by_id=actor.user_id,
        asked_by_label=actor.label,
        asked_at=now,
        due_at=now,
    )
    deletion.readers.set(User.objects.filter(id__in=[actor.user_id] if actor.user_id else []))
    record_step(actor=actor, deletion=deletion, action=AuditAction.END_USER_DELETE, now=now)
    return deletion


@transaction.atomic
def delete_end_users(*, actor: Actor, owner: OwnerRef, application_id: UUID, typed: str, now: datetime) -> Deletion:
    """Everything of all end users of an application, which ends with it. `typed` is the application's name.

    Its keys open nothing from here on, so nobody new comes while they go. The application stays in the list, ended.
    """
    require(with_fresh_rights(actor=actor, owner=owner), Permission.APPLICATIONS_MANAGE, owner)
    found = get_application(actor=actor, owner=owner, application_id=application_id)
    application = Application.objects.select_for_update().get(id=found.id)
    if typed.strip() != application.name:
        raise DomainError(f"Type {application.name} to confirm.", code="not_confirmed", field="typed")
    _check_something_goes(application)
    if not application.has_ended:
        end_application(actor=actor, owner=owner, application_id=application.id, now=now)
    EndUser.objects.filter(application=application, deleting_since=None).update(deleting_since=now)
    deletion = _announced(actor, owner, application, now)
    count = EndUser.objects.filter(application=application).count()
    record_step(
        actor=actor, deletion=deletion, action=AuditAction.APPLICATION_DELETE, now=now, details={"count": count}
    )
    return deletion


def _check_something_goes(application: Application) -> None:
    if Deletion.objects.going_on().filter(kind=DeletionKind.APPLICATION, owner_uuid=application.id).exists():
        message = f"All end users of {application.name} are being deleted already."
        raise ConflictError(message, code="end_users_deleting")
    if application.has_ended and not EndUser.objects.filter(application=application).exists():
        message = f"{application.name} has ended, and has no end users."
        raise ConflictError(message, code="no_end_users")


def _announced(actor: Actor, owner: OwnerRef, application: Application, now: datetime) -> Deletion:
    """Whoever manages applications may read the report."""
    deletion = Deletion.objects.create(
        kind=DeletionKind.APPLICATION,
        owner_uuid=application.id,
        organization_uuid=owner.id,
        label=f"All end users of {application.name}",
        asked_by_id=actor.user_id,
        asked_by_label=actor.label,
        asked_at=now,
        due_at=now,
    )
    deletion.readers.set(holders(actor=None, owner=owner, permission=Permission.APPLICATIONS_MANAGE))
    return deletion
