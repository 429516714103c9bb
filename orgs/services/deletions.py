"""Delete an organization, or a user: announce it, stop it, close the doors, finish. The worker does the rest.

Nothing happens at once. Until the time is over an owner can stop it, and everything works as before. End users are
announced in `end_user_deletions`, and from there on go the same way.
"""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

import structlog
from django.conf import settings
from django.db import IntegrityError, transaction
from django.db.models import QuerySet
from django.urls import reverse

from accounts.models import User
from accounts.sessions import end_sessions
from orgs.addresses import owner_url
from orgs.audit import AuditAction, Detail, Target
from orgs.deletion_mail import farewell
from orgs.errors import ConflictError, DomainError, UnauthenticatedError
from orgs.models import ApiKey, Deletion, EndUser, Invitation, JoinDomain, Membership, Organization, Owner
from orgs.models.deletions import DeletionKind, DeletionStatus
from orgs.models.organizations import MemberStatus
from orgs.models.owners import belongs_to, containers_held_by
from orgs.notices import NoticeKind
from orgs.permissions import Actor, OwnerKind, OwnerRef, Permission, Role, require
from orgs.services.audit import record
from orgs.services.deletion_reminders import settle_reminders
from orgs.services.fresh_rights import with_fresh_rights
from orgs.services.notices import notify

log = structlog.get_logger(__name__)
BATCH: Final = 20
FREED_SLUG: Final = "deleted-"  # and the ID: the address itself is free for others at once


def announce_deletion(*, actor: Actor, owner: OwnerRef, typed: str, now: datetime) -> Deletion:
    """Begin the countdown; ConflictError when it has begun already. `typed` is the organization's name."""
    try:
        with transaction.atomic():
            require(with_fresh_rights(actor=actor, owner=owner), Permission.ORGANIZATION_MANAGE, owner)
            if typed.strip() != owner.label:
                raise DomainError(f"Type {owner.label} to confirm.", code="not_confirmed", field="typed")
            return _announce(actor, owner, now)
    except IntegrityError as error:
        message = f"{owner.label} is to be deleted already. Reload the page."
        raise ConflictError(message, code="already_announced") from error


def _announce(actor: Actor, owner: OwnerRef, now: datetime) -> Deletion:
    deletion = Deletion.objects.create(
        kind=owner.kind.value,
        owner_uuid=owner.id,
        label=owner.label,
        slug=owner.slug,
        asked_by_id=actor.user_id,
        asked_by_label=actor.label,
        asked_at=now,
        due_at=now + timedelta(days=settings.DELETION_DAYS),
    )
    details: dict[str, Detail] = {"due_at": deletion.due_at.isoformat()}
    record_step(actor=actor, deletion=deletion, action=AuditAction.DELETION_ANNOUNCE, now=now, details=details)
    _tell(
        deletion,
        title=f"{owner.label} is to be deleted",
        text=f"{actor.label} has announced it for {_moment(deletion.due_at)}. Until then everything works, and "
        "an owner can stop it. Then its connections are withdrawn at the providers, and everything is gone.",
        now=now,
    )
    return deletion


@transaction.atomic
def stop_deletion(*, actor: Actor, owner: OwnerRef, now: datetime) -> Deletion:
    """Any owner may, until the doors are closed."""
    require(with_fresh_rights(actor=actor, owner=owner), Permission.ORGANIZATION_MANAGE, owner)
    deletion = Deletion.objects.of_owner(owner).counting().select_for_update().first()
    if deletion is None:
        raise ConflictError(f"{owner.label} is not to be deleted any more.", code="not_announced")
    deletion.status, deletion.stopped_at, deletion.stopped_by_label = DeletionStatus.STOPPED, now, actor.label
    deletion.save(update_fields=["status", "stopped_at", "stopped_by_label"])
    record_step(actor=actor, deletion=deletion, action=AuditAction.DELETION_STOP, now=now)
    settle_reminders(actor=None, owner=owner, now=now)
    _tell(
        deletion,
        title=f"{owner.label} is not deleted",
        text=f"{actor.label} has stopped the deletion. Nothing was deleted.",
        now=now,
    )
    return deletion


@transaction.atomic
def announce_departure(*, actor: Actor, user: User, now: datetime) -> Deletion:
    """A user leaves the installation: due at once, and nobody signs in as them any more. Leave organizations first."""
    if actor.user_id != user.id:
        raise UnauthenticatedError("Sign in to go on.")
    deletion = Deletion.objects.create(
        kind=OwnerKind.USER.value,
        owner_uuid=user.id,
        label=user.display_name,
        asked_by_label=user.display_name,
        asked_at=now,
        due_at=now,
        mail_to=user.email,
    )
    record_step(actor=actor, deletion=deletion, action=AuditAction.DELETION_ANNOUNCE, now=now)
    User.objects.filter(id=user.id).update(is_active=False)
    _revoke_keys(deletion.ref, now)
    end_sessions(user.id)
    return deletion


def record_step(
    *,
    actor: Actor | None,
    deletion: Deletion,
    action: AuditAction,
    now: datetime,
    details: dict[str, Detail] | None = None,
) -> None:
    """Into the log of whoever's it is. For the services of deletions."""
    target = Target(deletion.kind, deletion.subject_id, deletion.label)
    record(actor=actor, owner=deletion.log_owner, action=action, target=target, details=details, now=now)


def _tell(deletion: Deletion, *, title: str, text: str, now: datetime) -> None:
    owner = deletion.ref
    members = Membership.objects.of_organization(owner.id).active().select_related("user")
    users = [member.user for member in members]
    path = owner_url(owner, "home")
    kind = NoticeKind.OWNERSHIP
    notify(actor=None, users=users, kind=kind, title=title, text=text, path=path, owner=owner, now=now)


def _moment(moment: datetime) -> str:
    return f"{moment:%d %B %Y, %H:%M} UTC"


# --- When the time is over. The sweep calls these: nobody acts.


@transaction.atomic
def close_doors(*, actor: None, deletion: Deletion, now: datetime) -> bool:
    """From here on nobody gets in: no member, no key, no invitation, and the address is free. False: it was stopped.

    All of it in one transaction with the mark: a crash leaves the doors open or closed, nothing in between.
    """
    Organization.objects.select_for_update().filter(id=deletion.owner_uuid).first()
    if not Deletion.objects.counting().select_for_update().filter(id=deletion.id).exists():
        return False
    if deletion.kind == DeletionKind.ORGANIZATION:
        _close_organization(deletion, now)
    if deletion.kind != DeletionKind.APPLICATION:  # its keys were revoked with the announcement
        _revoke_keys(deletion.ref, now)
    deletion.status, deletion.started_at = DeletionStatus.RUNNING, now
    deletion.save(update_fields=["status", "started_at", "label", "slug"])
    record_step(actor=actor, deletion=deletion, action=AuditAction.DELETION_START, now=now)
    return True


def _close_organization(deletion: Deletion, now: datetime) -> None:
    """Its last name and address are noted, for the report and the log."""
    places = Membership.objects.of_organization(deletion.owner_uuid)
    owners = places.active().filter(role=Role.OWNER.value).select_related("user")
    deletion.readers.set([place.user for place in owners])
    places.update(status=MemberStatus.LEFT)
    Invitation.objects.of_organization(deletion.owner_uuid).pending().update(revoked_at=now)
    JoinDomain.objects.filter(organization_id=deletion.owner_uuid).delete()
    current = Organization.objects.get(id=deletion.owner_uuid)
    deletion.label, deletion.slug = current.name, current.slug
    Organization.objects.filter(id=current.id).update(slug=f"{FREED_SLUG}{current.id.hex}")


def _revoke_keys(owner: OwnerRef, now: datetime) -> None:
    """Those of the owner, and personal ones that are bound to the organization."""
    ApiKey.objects.filter(belongs_to(owner), revoked_at=None).update(revoked_at=now)
    if owner.is_organization:
        ApiKey.objects.filter(organization_id=owner.id, revoked_at=None).update(revoked_at=now)


@transaction.atomic
def finish_deletion(*, actor: None, deletion: Deletion, now: datetime) -> None:
    """Delete the organization, user or end users themselves, when nothing owned is left. The report stays."""
    Owner.objects.filter(containers_held_by(deletion.holder)).delete()
    _GONE[DeletionKind(deletion.kind)](deletion.owner_uuid).delete()
    if deletion.kind in {DeletionKind.ORGANIZATION, DeletionKind.APPLICATION}:
        _tell_readers(deletion, now)
    deletion.status, deletion.finished_at = DeletionStatus.DONE, now
    deletion.save(update_fields=["status", "finished_at"])
    record_step(actor=actor, deletion=deletion, action=AuditAction.DELETION_FINISH, now=now)


_GONE: Final[dict[DeletionKind, Callable[[UUID], QuerySet[Any]]]] = {
    DeletionKind.ORGANIZATION: lambda uuid: Organization.objects.filter(id=uuid),
    DeletionKind.USER: lambda uuid: User.objects.filter(id=uuid),
    DeletionKind.END_USER: lambda uuid: EndUser.objects.filter(id=uuid),
    DeletionKind.APPLICATION: lambda uuid: EndUser.objects.filter(application_id=uuid),
}


def _tell_readers(deletion: Deletion, now: datetime) -> None:
    are = "are" if deletion.kind == DeletionKind.APPLICATION else "is"
    notify(
        actor=None,
        users=User.objects.filter(deletion_reports=deletion),
        kind=NoticeKind.OWNERSHIP,
        title=f"{deletion.label} {are} deleted",
        text="Everything is gone. The report says, account by account, what the providers confirmed, and what is left "
        "to do by hand.",
        path=reverse("me:deletion_report", kwargs={"deletion_id": deletion.text_id}),
        owner=None,
        now=now,
    )


def send_farewells(*, actor: None) -> int:
    """The report to people who have left; their address is forgotten with it. For the sweep."""
    del actor
    sent = 0
    for deletion in Deletion.objects.filter(status=DeletionStatus.DONE).exclude(mail_to="")[:BATCH]:
        try:
            farewell(deletion).send()
        except OSError as error:  # the mail server is away; SMTP errors are OSErrors
            log.warning("deletion.report_not_sent", deletion=deletion.text_id, error=type(error).__name__)
            break
        sent += Deletion.objects.filter(id=deletion.id).update(mail_to="")
    return sent
