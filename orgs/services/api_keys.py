"""Make, rotate and revoke API keys."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

import structlog
from django.conf import settings
from django.core.cache import cache
from django.db import DatabaseError, transaction

from accounts.ids import to_text
from orgs.audit import AuditAction, Detail, Target
from orgs.errors import ConflictError, DomainError, ForbiddenError
from orgs.key_text import KeyText, make_key_text
from orgs.models import ApiKey, Application, Owner
from orgs.models.api_keys import NAME_LENGTH
from orgs.models.owners import container_of
from orgs.permissions import Actor, OwnerRef, Permission, Scope, require
from orgs.permissions.values import PREFIXES
from orgs.queries.api_keys import get_key
from orgs.services.audit import record

log = structlog.get_logger(__name__)
USE_NOTED_EVERY: Final = 60  # seconds
LEEWAY: Final = timedelta(hours=1)  # a form is filled in a little after its choices were made


@dataclass(frozen=True)
class _NewKey:
    """What is to be stored of a fresh key."""

    name: str
    scopes: list[str]
    expires_at: datetime | None
    organization_id: UUID | None = None
    application_id: UUID | None = None
    replaces: ApiKey | None = None


def create_api_key(
    *,
    actor: Actor | None,
    owner: OwnerRef,
    name: str,
    scopes: Iterable[Scope],
    expires_at: datetime | None,
    organization: OwnerRef | None = None,
    application: Application | None = None,
    now: datetime,
) -> tuple[ApiKey, str]:
    """Make a key of an owner; return it with its text, which cannot be shown again.

    `organization` binds a personal key: it then reaches its user's own ID and that organization, and no other.
    `application`, which was found with the actor's rights, makes it a key of that application.
    `actor` is None only for whoever runs the installation, from its command line.
    """
    wanted = sorted(set(scopes))
    bound_to = _bound_to(actor, owner, organization)
    if actor is not None:
        require(actor, Permission.API_KEYS_MANAGE, owner)
        _check_not_wider(actor, wanted, bound_to)
        _check_lifetime(actor, expires_at, now)
    _check(name, wanted, expires_at, now)
    _check_application(application, wanted)
    new = _NewKey(
        name.strip(), [one.value for one in wanted], expires_at, bound_to, application.id if application else None
    )
    with transaction.atomic():
        return _insert(actor, owner, new, AuditAction.API_KEY_CREATE, now)


@transaction.atomic
def rotate_api_key(
    *, actor: Actor, owner: OwnerRef, key_id: UUID, expires_at: datetime | None, now: datetime
) -> tuple[ApiKey, str]:
    """Make a second key that may do the same; both work until the first is revoked (check K10)."""
    old = _live(actor, owner, key_id, now)
    _check_not_wider(actor, [Scope(one) for one in old.scopes], old.organization_id)
    _check_lifetime(actor, expires_at, now)
    _check(old.name, [Scope(one) for one in old.scopes], expires_at, now)
    new = _NewKey(old.name, list(old.scopes), expires_at, old.organization_id, old.application_id, old)
    return _insert(actor, owner, new, AuditAction.API_KEY_ROTATE, now)


@transaction.atomic
def revoke_api_key(*, actor: Actor, owner: OwnerRef, key_id: UUID, now: datetime) -> ApiKey:
    """From the next request on the key opens nothing; runs of it that still wait are refused (check K5)."""
    key = _live(actor, owner, key_id, now)
    key.revoked_at = now
    key.save(update_fields=["revoked_at"])
    _record(actor, owner, key, AuditAction.API_KEY_REVOKE, now)
    return key


@transaction.atomic
def keep_api_key(*, actor: Actor, owner: OwnerRef, key_id: UUID, now: datetime) -> ApiKey:
    """Somebody looked at a key whose maker is gone: it stays, and is not asked about again (check K6)."""
    key = _live(actor, owner, key_id, now)
    key.kept_at = now
    key.save(update_fields=["kept_at"])
    _record(actor, owner, key, AuditAction.API_KEY_KEEP, now)
    return key


def _live(actor: Actor, owner: OwnerRef, key_id: UUID, now: datetime) -> ApiKey:
    """The key, locked, as long as it works."""
    key = get_key(actor=actor, owner=owner, key_id=key_id)
    locked = ApiKey.objects.select_for_update(of=("self",)).select_related("owner").get(id=key.id)
    if not locked.is_live(now):
        raise ConflictError(f"This key is {locked.word_at(now).label.lower()} already.", code="key_over")
    return locked


def _bound_to(actor: Actor | None, owner: OwnerRef, organization: OwnerRef | None) -> UUID | None:
    if organization is None or owner.is_organization:
        return None
    if actor is not None and actor.role_in(organization) is None:
        raise DomainError("Choose an organization that you belong to.", code="not_a_member", field="organization")
    return organization.id


def _insert(
    actor: Actor | None, owner: OwnerRef, new: _NewKey, action: AuditAction, now: datetime
) -> tuple[ApiKey, str]:
    text = make_key_text("app" if new.application_id else PREFIXES[owner.kind])
    key = _row(actor, owner, new, text, now)
    key.save(force_insert=True)
    details: dict[str, Detail] = {
        "scopes": new.scopes,
        "expires_at": new.expires_at.isoformat() if new.expires_at else None,
        "organization_id": f"org_{new.organization_id.hex}" if new.organization_id else None,
        "application": to_text("app", new.application_id) if new.application_id else None,
        "replaces": new.replaces.text_id if new.replaces else None,
    }
    _record(actor, owner, key, action, now, **details)
    return key, text.text


def _row(actor: Actor | None, owner: OwnerRef, new: _NewKey, text: KeyText, now: datetime) -> ApiKey:
    return ApiKey(
        owner=Owner.objects.get(container_of(owner)),
        organization_id=new.organization_id,
        application_id=new.application_id,
        name=new.name,
        public_id=text.public_id,
        digest=text.digest,
        last_four=text.last_four,
        scopes=new.scopes,
        created_by_id=actor.user_id if actor else None,
        created_at=now,
        expires_at=new.expires_at,
        replaces=new.replaces,
    )


def _record(
    actor: Actor | None, owner: OwnerRef, key: ApiKey, action: AuditAction, now: datetime, **details: Detail
) -> None:
    target = Target("api_key", key.text_id, key.name)
    record(actor=actor, owner=owner, action=action, target=target, details=details, now=now)


def _check_not_wider(actor: Actor, wanted: list[Scope], bound_to: UUID | None) -> None:
    """A key makes no key that reaches further or may do more than itself (check K4)."""
    if actor.is_bound and actor.user_id is not None and bound_to != actor.organization_id:
        message = "This key is bound to one organization, so the keys that it makes are bound to it as well."
        raise ForbiddenError(message, code="key_bound")
    if actor.scopes is None or set(wanted) <= actor.scopes:
        return
    missing = ", ".join(scope for scope in wanted if scope not in actor.scopes)
    raise ForbiddenError(f"This key lacks {missing}, so it cannot make a key with it.", code="insufficient_scope")


def _check_application(application: Application | None, wanted: list[Scope]) -> None:
    """It works for its end users; the organization itself is managed with a key of its own."""
    if application is None:
        return
    if application.has_ended:
        raise ConflictError(f"{application.name} has ended. Register it anew.", code="application_ended")
    if Scope.ADMIN in wanted:
        raise DomainError("An application's key does not manage the organization.", field="scopes")


def _check_lifetime(actor: Actor, expires_at: datetime | None, now: datetime) -> None:
    """Within what the installation allows; and no key makes one that outlives itself, or it would live for ever."""
    longest = settings.API_KEY_MAX_DAYS
    if longest and (expires_at is None or expires_at > now + timedelta(days=longest) + LEEWAY):
        message = f"In this installation a key lives for {longest} days at most. Choose an earlier day."
        raise DomainError(message, code="lifetime_too_long", field="expires_at")
    ends = ApiKey.objects.get(id=actor.key_id).expires_at if actor.key_id else None
    if ends is not None and (expires_at is None or expires_at > ends):
        message = f"The key that asks ends on {ends:%d %B %Y, %H:%M} UTC, and makes no key that outlives it."
        raise DomainError(f"{message} Choose that moment or an earlier one.", code="outlives_key", field="expires_at")


def _check(name: str, wanted: list[Scope], expires_at: datetime | None, now: datetime) -> None:
    if not name.strip() or len(name) > NAME_LENGTH:
        raise DomainError("Give the key a name of 1 to 80 characters.", field="name")
    if not wanted:
        raise DomainError("Choose at least one scope: a key without one can do nothing.", field="scopes")
    if expires_at is not None and expires_at <= now:
        raise DomainError("The key would have expired already. Choose a later day.", field="expires_at")


def note_key_use(*, actor: Actor, now: datetime) -> None:
    """Remember that a key is in use: at most once a minute, and never at the cost of the request (check K11)."""
    if actor.key_id is None or not cache.add(f"key-used:{actor.key_id.hex}", 1, timeout=USE_NOTED_EVERY):
        return
    try:
        with transaction.atomic():
            ApiKey.objects.filter(id=actor.key_id).update(last_used_at=now)
    except DatabaseError:
        log.warning("api_key.use_not_noted", key=str(actor.key_id))
