"""Users, organizations, memberships and API keys of a bootstrap file."""

from datetime import datetime, timedelta
from typing import Any

from allauth.account.models import EmailAddress
from django.contrib.auth.models import Group
from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError

from accounts.models import User
from integrations.services.bootstrap.document import ApiKeyEntry, MemberEntry, OrganizationEntry, UserEntry
from integrations.services.bootstrap.faults import BootstrapError
from orgs.errors import DomainError
from orgs.models import ApiKey, Membership, Organization
from orgs.models.owners import belongs_to
from orgs.permissions import OwnerKind, OwnerRef, Role
from orgs.queries.actors import actor_for_user
from orgs.services.api_keys import create_api_key
from orgs.services.members import add_member
from orgs.services.organizations import create_organization, create_user_owner
from orgs.services.support_groups import OPERATORS, SUPPORT

Line = dict[str, Any]
STAFF_GROUPS = f"{SUPPORT} and {OPERATORS}"
CREATED, EXISTS = "created", "already there"


def make_user(entry: UserEntry, _now: datetime) -> list[Line]:
    user = User.objects.filter(email=entry.email).first()
    status = EXISTS if user else CREATED
    user = user or _create_user(entry)
    return [{"status": status, "email": user.email, "username": user.username, "id": user.text_id}]


def _create_user(entry: UserEntry) -> User:
    if User.objects.filter(username__iexact=entry.username).exists():
        raise BootstrapError.at(f"{entry.path}.username", "is taken by somebody with another e-mail address.")
    user = User(
        email=entry.email,
        username=entry.username,
        name=entry.name,
        is_staff=entry.is_staff,
        is_superuser=entry.is_superuser,
    )
    _set_password(user, entry)
    user.save()
    user.groups.set(_group(name, entry) for name in entry.groups)
    create_user_owner(actor=None, user=user)
    EmailAddress.objects.create(user=user, email=user.email, verified=entry.verified, primary=True)
    return user


def _group(name: str, entry: UserEntry) -> Group:
    group = Group.objects.filter(name=name).first()
    if group is None:
        raise BootstrapError.at(f"{entry.path}.groups", f"{name} is no group here. `sync_groups` makes {STAFF_GROUPS}.")
    return group


def _set_password(user: User, entry: UserEntry) -> None:
    if not entry.password:
        user.set_unusable_password()
        return
    try:
        validate_password(entry.password, user)
    except ValidationError as error:
        raise BootstrapError.at(f"{entry.path}.password", " ".join(error.messages)) from None
    user.set_password(entry.password)


def make_organization(entry: OrganizationEntry, now: datetime) -> list[Line]:
    organization = Organization.objects.filter(slug=entry.slug).first()
    status = EXISTS if organization else CREATED
    organization = organization or _create_organization(entry, now)
    return [{"status": status, "slug": organization.slug, "name": organization.name, "id": organization.ref.text_id}]


def _create_organization(entry: OrganizationEntry, now: datetime) -> Organization:
    first = next((member for member in entry.members if member.role is Role.OWNER), None)
    if first is None:
        raise BootstrapError.at(f"{entry.path}.members", "must name at least one member with the role owner.")
    user = _user(first)
    try:
        return create_organization(actor=actor_for_user(user), user=user, name=entry.name, slug=entry.slug, now=now)
    except DomainError as error:
        raise BootstrapError.at(f"{entry.path}.{error.field}", error.message) from None


def make_memberships(entry: OrganizationEntry, now: datetime) -> list[Line]:
    organization = Organization.objects.get(slug=entry.slug)
    return [_make_membership(organization, member, now) for member in entry.members]


def _make_membership(organization: Organization, entry: MemberEntry, now: datetime) -> Line:
    user = _user(entry)
    membership = Membership.objects.of_organization(organization.id).of_user(user.id).first()
    made_now = membership is not None and membership.joined_at == now  # the first owner came with the organization
    status = EXISTS if membership and not made_now else CREATED
    if membership is None:
        membership = add_member(actor=None, owner=organization.ref, user=user, role=entry.role, now=now)
    return {"status": status, "organization": organization.slug, "user": user.email, "role": membership.role}


def _user(entry: MemberEntry) -> User:
    by = {"email": entry.user.lower()} if "@" in entry.user else {"username__iexact": entry.user}
    user = User.objects.filter(**by).first()
    if user is None:
        raise BootstrapError.at(f"{entry.path}.user", "is nobody in this file or installation.")
    return user


def make_api_key(entry: ApiKeyEntry, now: datetime) -> list[Line]:
    owner = _owner(entry)
    line: Line = {"status": EXISTS, "owner": owner.text_id, "name": entry.name}
    if ApiKey.objects.filter(belongs_to(owner), name=entry.name, revoked_at=None).exists():
        return [line]
    expires_at = now + timedelta(days=entry.expires_in_days) if entry.expires_in_days else None
    try:
        key, secret = create_api_key(
            actor=None, owner=owner, name=entry.name, scopes=entry.scopes, expires_at=expires_at, now=now
        )
    except DomainError as error:
        raise BootstrapError.at(f"{entry.path}.{error.field}", error.message) from None
    return [{**line, "status": CREATED, "public_id": key.public_id, "secret": secret}]


def _owner(entry: ApiKeyEntry) -> OwnerRef:
    if "@" in entry.owner:
        user = User.objects.filter(email=entry.owner.lower()).first()
        if user is not None:
            return OwnerRef(OwnerKind.USER, user.id, user.display_name)
    elif (organization := Organization.objects.filter(slug=entry.owner).first()) is not None:
        return organization.ref
    raise BootstrapError.at(
        f"{entry.path}.owner", "must be the e-mail address of a user or the slug of an organization."
    )
