"""Let people of an e-mail domain join by themselves."""

import re
from datetime import datetime
from typing import Final
from uuid import UUID

from django.db import IntegrityError, transaction

from accounts.models import User
from orgs.addresses import owner_url
from orgs.audit import AuditAction, Target
from orgs.errors import ConflictError, DomainError, NotFoundError
from orgs.models import JoinDomain, Membership
from orgs.models.domains import DOMAIN_LENGTH, JOINING_ROLES
from orgs.notices import NoticeKind
from orgs.permissions import Actor, OwnerRef, Permission, Role
from orgs.public_mail import is_public_mail
from orgs.queries.domains import domains_of, joinable
from orgs.queries.people import holders
from orgs.services.audit import record
from orgs.services.fresh_rights import with_fresh_rights
from orgs.services.notices import notify
from orgs.services.settings import locked_organization

SHAPE: Final = re.compile(r"(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z][a-z0-9-]{0,61}[a-z0-9]")


def add_domain(*, actor: Actor, owner: OwnerRef, domain: str, role: Role, now: datetime) -> JoinDomain:
    """Whoever has a verified address there may join. The owner must have one too, and it must not be everybody's."""
    name = domain.strip().lower().removeprefix("@")
    try:
        with transaction.atomic():
            locked_organization(actor=actor, owner=owner)
            _check(name, role, actor)
            added = JoinDomain.objects.create(
                organization_id=owner.id, domain=name, role=role.value, added_by_id=actor.user_id, added_at=now
            )
            _record(actor, owner, AuditAction.DOMAIN_ADD, added, now)
            return added
    except IntegrityError as error:
        raise ConflictError(f"{name} is on the list already.", code="domain_known", field="domain") from error


def _check(name: str, role: Role, actor: Actor) -> None:
    if role not in JOINING_ROLES:
        raise DomainError("People join as member or viewer.", code="role_invalid", field="role")
    if len(name) > DOMAIN_LENGTH or not SHAPE.fullmatch(name):
        raise DomainError("Write a domain such as example.com.", code="domain_invalid", field="domain")
    if is_public_mail(name):
        message = f"Anybody can have an address at {name}. Choose a domain that is yours alone."
        raise DomainError(message, code="domain_public", field="domain")
    if name not in domains_of(actor=actor):
        message = f"You have no verified address at {name}. Add one under E-mail in your profile first."
        raise DomainError(message, code="domain_not_yours", field="domain")


@transaction.atomic
def remove_domain(*, actor: Actor, owner: OwnerRef, domain_id: UUID, now: datetime) -> JoinDomain:
    """Nobody joins by it any more; whoever has joined stays."""
    locked_organization(actor=actor, owner=owner)
    found = JoinDomain.objects.filter(organization_id=owner.id, id=domain_id).first()
    if found is None:
        raise NotFoundError("This domain was removed already. The list shows how things stand.")
    _record(actor, owner, AuditAction.DOMAIN_REMOVE, found, now)
    found.delete()
    return found


def _record(actor: Actor, owner: OwnerRef, action: AuditAction, domain: JoinDomain, now: datetime) -> None:
    target, details = Target("domain", domain.text_id, domain.domain), {"role": domain.role}
    record(actor=actor, owner=owner, action=action, target=target, details=details, now=now)


def join_by_domain(*, actor: Actor, user: User, domain_id: UUID, now: datetime) -> OwnerRef:
    """Become a member by one's verified address. Everybody else gets the words for nothing there (check W13)."""
    try:
        with transaction.atomic():
            return _join(actor, user, domain_id, now)
    except IntegrityError as error:  # another tab was faster
        raise NotFoundError from error


def _join(actor: Actor, user: User, domain_id: UUID, now: datetime) -> OwnerRef:
    found = _open_to(actor, user, domain_id)
    owner = found.organization.ref
    with_fresh_rights(actor=actor, owner=owner)
    found = _open_to(actor, user, domain_id)  # under the lock: it may have been removed meanwhile
    Membership.objects.create(organization_id=owner.id, user=user, role=found.role, joined_at=now)
    target, details = Target("user", user.text_id, user.display_name), {"role": found.role, "reason": "domain"}
    record(actor=actor, owner=owner, action=AuditAction.MEMBER_JOIN, target=target, details=details, now=now)
    notify(
        actor=actor,
        users=holders(actor=None, owner=owner, permission=Permission.MEMBERS_MANAGE),
        kind=NoticeKind.MEMBERSHIP,
        title=f"{user.display_name} has joined {owner.label}",
        text=f"By a verified address at {found.domain}, as {found.role_label}.",
        path=owner_url(owner, "members"),
        owner=owner,
        now=now,
    )
    return owner


def _open_to(actor: Actor, user: User, domain_id: UUID) -> JoinDomain:
    found = next((row for row in joinable(actor=actor) if row.id == domain_id), None)
    if found is None or actor.user_id != user.id:
        raise NotFoundError
    return found
