"""What an organization decides for itself: who may invite, what is kept, how people sign in."""

from datetime import datetime

from django.conf import settings
from django.db import transaction
from django.urls import reverse

from orgs.audit import AuditAction, Target
from orgs.errors import ConflictError, DomainError
from orgs.models import Organization
from orgs.notices import NoticeKind
from orgs.permissions import Actor, OwnerRef, Permission, require
from orgs.queries.settings import has_factor, members_without_factor
from orgs.services.audit import record
from orgs.services.fresh_rights import with_fresh_rights
from orgs.services.notices import notify, settle
from orgs.services.organizations import record_change


@transaction.atomic
def change_rules(
    *, actor: Actor, owner: OwnerRef, members_may_invite: bool, retention_days: int | None, now: datetime
) -> bool:
    """Who may invite, and for how many days arguments and results are kept; return whether anything changed."""
    organization = locked_organization(actor=actor, owner=owner)
    if retention_days is not None and not 1 <= retention_days <= settings.RETENTION_DAYS:
        message = f"Choose 1 to {settings.RETENTION_DAYS} days. This installation keeps nothing for longer."
        raise DomainError(message, code="retention_invalid", field="retention_days")
    wanted = {"members_may_invite": members_may_invite, "retention_days": retention_days}
    changed = [name for name, value in wanted.items() if getattr(organization, name) != value]
    if changed:
        Organization.objects.filter(id=owner.id).update(**wanted)
        record_change(actor=actor, organization=organization, fields=changed, now=now)
    return bool(changed)


@transaction.atomic
def require_factor(*, actor: Actor, owner: OwnerRef, is_required: bool, now: datetime) -> bool:
    """Shut out members without a second factor, or let them in again; return whether anything changed.

    Only an owner who has one switches it on: else they would shut out themself, and perhaps everybody who could
    switch it off again.
    """
    organization = locked_organization(actor=actor, owner=owner)
    if organization.requires_factor == is_required:
        return False
    if is_required and not has_factor(actor=actor):
        message = "Set up two-factor sign-in for yourself first: you would be the first one to be shut out."
        raise ConflictError(message, code="factor_needed")
    Organization.objects.filter(id=owner.id).update(requires_factor=is_required)
    target, details = Target("organization", owner.text_id, owner.label), {"is_enabled": is_required}
    action = AuditAction.ORGANIZATION_FACTOR
    record(actor=actor, owner=owner, action=action, target=target, details=details, now=now)
    if is_required:
        _tell_shut_out(actor, owner, now)
    else:
        settle(actor=actor, kind=NoticeKind.FACTOR, path=reverse("mfa_index"), owner=owner, now=now)
    return True


def _tell_shut_out(actor: Actor, owner: OwnerRef, now: datetime) -> None:
    """The members without a second factor: of all that is said of the organization, they see this alone."""
    notify(
        actor=actor,
        users=[member.user for member in members_without_factor(actor=actor, owner=owner)],
        kind=NoticeKind.FACTOR,
        title=f"{owner.label} requires two-factor sign-in",
        text=f"You have no second factor, so you can do nothing in {owner.label} until you set one up: no page, no "
        "run, no personal API key under its ID. An app, a passkey or a security key will do, and you are in again "
        "at once.",
        path=reverse("mfa_index"),
        owner=owner,
        now=now,
    )


def locked_organization(*, actor: Actor, owner: OwnerRef) -> Organization:
    """The organization, locked until the transaction ends, for somebody who may change it now."""
    require(with_fresh_rights(actor=actor, owner=owner), Permission.ORGANIZATION_MANAGE, owner)
    return Organization.objects.get(id=owner.id)
