"""Read an organization's applications and their end users."""

from typing import Any
from uuid import UUID

from django.db.models import Count, Q

from orgs.errors import NotFoundError
from orgs.models import Application, EndUser
from orgs.permissions import Actor, OwnerRef, Permission, require


def list_applications(*, actor: Actor, owner: OwnerRef) -> list[Application]:
    """The organization's applications, those that go on first, each with `end_users_count`."""
    require(actor, Permission.APPLICATIONS_READ, owner)
    rows = Application.objects.filter(organization_id=owner.id).select_related("created_by")
    counted = rows.annotate(end_users_count=Count("end_users"))
    return sorted(counted, key=lambda one: (one.has_ended, one.name.casefold()))


def get_application(*, actor: Actor, owner: OwnerRef, application_id: UUID | None) -> Application:
    """One application of the organization; NotFoundError for everybody else's."""
    require(actor, Permission.APPLICATIONS_READ, owner)
    rows = Application.objects.filter(organization_id=owner.id).select_related("created_by", "organization")
    row = rows.filter(id=application_id).first() if application_id else None
    if row is None:
        raise NotFoundError("There is no such application here.")
    return row


def application_behind(*, actor: Actor) -> Application | None:
    """The application whose key the actor is."""
    if actor.application_id is None:
        return None
    return Application.objects.select_related("organization").get(id=actor.application_id)


def end_users_of(*, actor: Actor, application: Application, text: str = "") -> Any:
    """The application's end users, newest first. Who they are is for those who manage applications."""
    require(actor, Permission.APPLICATIONS_MANAGE, application.organization.ref)
    rows = EndUser.objects.filter(application=application).select_related("application").order_by("-id")
    return rows.filter(Q(external__icontains=text)) if text else rows


def get_end_user(*, actor: Actor, application: Application, end_user_id: UUID | None) -> EndUser:
    row: EndUser | None = end_users_of(actor=actor, application=application).filter(id=end_user_id).first()
    if row is None:
        raise NotFoundError("There is no such end user of this application.")
    return row
