"""Register, change and end an organization's applications."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from django.db import IntegrityError, transaction

from orgs.audit import AuditAction, Detail, Target
from orgs.callback_urls import checked_callback
from orgs.errors import ConflictError, DomainError
from orgs.models import ApiKey, Application
from orgs.models.applications import NAME_LENGTH
from orgs.permissions import Actor, OwnerRef, Permission, require
from orgs.queries.applications import get_application
from orgs.services.audit import record

MOST_CALLBACKS = 20


def create_application(
    *, actor: Actor, owner: OwnerRef, name: str, callback_urls: Sequence[str] = (), now: datetime
) -> Application:
    """Register a program that has users of its own. Its keys are made afterwards."""
    require(actor, Permission.APPLICATIONS_MANAGE, owner)
    row = Application(
        organization_id=owner.id,
        name=_name(name),
        callback_urls=_callbacks(callback_urls),
        created_by_id=actor.user_id,
        created_at=now,
    )
    with transaction.atomic():
        _store(row, new=True)
        _record(actor, owner, row, AuditAction.APPLICATION_CREATE, now)
    return row


def change_application(
    *, actor: Actor, owner: OwnerRef, application_id: UUID, name: str, callback_urls: Sequence[str], now: datetime
) -> Application:
    """Another name, other addresses to come back to. Links that were made before keep the address they were given."""
    with transaction.atomic():
        row = _locked(actor, owner, application_id)
        before = (row.name, row.callback_urls)
        row.name, row.callback_urls = _name(name), _callbacks(callback_urls)
        fields = [
            field for field, old in zip(("name", "callback_urls"), before, strict=True) if getattr(row, field) != old
        ]
        _store(row)
        _record(actor, owner, row, AuditAction.APPLICATION_CHANGE, now, fields=fields)
    return row


@transaction.atomic
def end_application(*, actor: Actor, owner: OwnerRef, application_id: UUID, now: datetime) -> int:
    """From the next request on its keys open nothing; return how many worked. What its end users have stays, unused."""
    row = _locked(actor, owner, application_id)
    row.ended_at = now
    row.save(update_fields=["ended_at"])
    count = ApiKey.objects.filter(application=row, revoked_at=None).update(revoked_at=now)
    _record(actor, owner, row, AuditAction.APPLICATION_END, now, api_keys=count)
    return count


def _locked(actor: Actor, owner: OwnerRef, application_id: UUID) -> Application:
    require(actor, Permission.APPLICATIONS_MANAGE, owner)
    row = get_application(actor=actor, owner=owner, application_id=application_id)
    locked = Application.objects.select_for_update().get(id=row.id)
    if locked.has_ended:
        raise ConflictError(f"{locked.name} has ended already.", code="application_ended")
    return locked


def _store(row: Application, *, new: bool = False) -> None:
    try:
        with transaction.atomic():
            row.save(force_insert=new)
    except IntegrityError:
        raise ConflictError("There is an application of that name already.", code="name_taken", field="name") from None


def _name(name: str) -> str:
    if not name.strip() or len(name.strip()) > NAME_LENGTH:
        raise DomainError("Give the application a name of 1 to 80 characters.", field="name")
    return name.strip()


def _callbacks(urls: Sequence[str]) -> list[str]:
    found = list(dict.fromkeys(checked_callback(one.strip(), field="callback_urls") for one in urls if one.strip()))
    if len(found) > MOST_CALLBACKS:
        raise DomainError(f"An application has at most {MOST_CALLBACKS} callback URLs.", field="callback_urls")
    return found


def _record(
    actor: Actor, owner: OwnerRef, row: Application, action: AuditAction, now: datetime, **details: Detail
) -> None:
    target = Target("application", row.text_id, row.name)
    record(actor=actor, owner=owner, action=action, target=target, details=details, now=now)
