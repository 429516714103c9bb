"""Make an organization and the ID containers of people and organizations."""

from datetime import datetime

from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction
from django.utils.text import slugify

from accounts.models import User
from orgs.audit import AuditAction, Target
from orgs.errors import ConflictError, DomainError, UnauthenticatedError
from orgs.models import Membership, Organization, Owner
from orgs.models.organizations import NAME_LENGTH, RESERVED_SLUGS, validate_slug_shape
from orgs.permissions import Actor, ActorKind, OwnerKind, OwnerRef, Permission, Role, Standing, require
from orgs.services.audit import record
from orgs.services.fresh_rights import with_fresh_rights


@transaction.atomic
def create_user_owner(*, actor: Actor | None, user: User) -> Owner:
    """Give a user their ID container. Called where users are made; `actor` is None at sign-up."""
    del actor  # making one's own container needs no right: everybody has exactly one
    owner, _created = Owner.objects.get_or_create(user=user, defaults={"kind": OwnerKind.USER.value})
    return owner


def create_organization(*, actor: Actor, user: User, name: str, slug: str = "", now: datetime) -> Organization:
    """Make an organization with the acting user as its owner; ConflictError when the address is taken."""
    if actor.kind is not ActorKind.USER or actor.standing is not Standing.GOOD or actor.user_id != user.id:
        raise UnauthenticatedError("Sign in to make an organization.")
    slug = slug or slugify(name)[:48].strip("-")
    _check_name(name)
    _check_slug(slug)
    try:
        return _insert_organization(actor, user=user, name=name.strip(), slug=slug, now=now)
    except IntegrityError as error:
        message = f"The address {slug} is taken. Choose another one."
        raise ConflictError(message, code="slug_taken", field="slug") from error


def update_organization(*, actor: Actor, owner: OwnerRef, name: str, slug: str, now: datetime) -> OwnerRef:
    """Give an organization another name or address; ConflictError when the address is taken. Its ID never changes."""
    _check_name(name)
    _check_slug(slug)
    try:
        with transaction.atomic():
            require(with_fresh_rights(actor=actor, owner=owner), Permission.ORGANIZATION_MANAGE, owner)
            organization = Organization.objects.get(id=owner.id)
            wanted = {"name": name.strip(), "slug": slug}
            changed = [field for field, value in wanted.items() if getattr(organization, field) != value]
            if changed:
                organization.name, organization.slug = name.strip(), slug
                organization.save(update_fields=["name", "slug", "updated_at"])
                record_change(actor=actor, organization=organization, fields=changed, now=now)
    except IntegrityError as error:
        message = f"The address {slug} is taken. Choose another one."
        raise ConflictError(message, code="slug_taken", field="slug") from error
    return organization.ref


def record_change(*, actor: Actor, organization: Organization, fields: list[str], now: datetime) -> None:
    """That somebody changed these settings; for services that have checked and saved."""
    owner = organization.ref
    target, details = Target("organization", owner.text_id, organization.name), {"fields": fields}
    action = AuditAction.ORGANIZATION_CHANGE
    record(actor=actor, owner=owner, action=action, target=target, details=details, now=now)


@transaction.atomic
def _insert_organization(actor: Actor, *, user: User, name: str, slug: str, now: datetime) -> Organization:
    organization = Organization.objects.create(name=name, slug=slug)
    Owner.objects.create(kind=OwnerKind.ORGANIZATION.value, organization=organization)
    Membership.objects.create(organization=organization, user=user, role=Role.OWNER.value, joined_at=now)
    owner = organization.ref
    target = Target("organization", owner.text_id, name)
    record(actor=actor, owner=owner, action=AuditAction.ORGANIZATION_CREATE, target=target, now=now)
    return organization


def _check_name(name: str) -> None:
    if not name.strip() or len(name) > NAME_LENGTH:
        raise DomainError("Give the organization a name of 1 to 80 characters.", code="name_invalid", field="name")


def _check_slug(slug: str) -> None:
    if slug in RESERVED_SLUGS:
        raise DomainError(f"The address {slug} is reserved. Choose another one.", code="slug_reserved", field="slug")
    try:
        validate_slug_shape(slug)
    except ValidationError as error:
        raise DomainError(error.messages[0], code="slug_invalid", field="slug") from error
