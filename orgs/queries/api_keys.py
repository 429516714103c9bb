"""From the text of an API key to an actor; and the keys of an owner, as lists show them."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from hmac import compare_digest
from typing import Final
from uuid import UUID

from django.db.models import Q, QuerySet

from orgs.errors import NotFoundError, UnauthenticatedError
from orgs.key_text import digest_of, public_id_of
from orgs.models import ApiKey, Membership
from orgs.models.owners import belongs_to
from orgs.permissions import SCOPE_LABELS, Actor, OwnerRef, Permission, Scope, require, roles_with
from orgs.queries.actors import actor_for_key
from orgs.status_words import StatusWord

SHOWN_AFTER_ITS_END: Final = timedelta(days=90)


@dataclass(frozen=True)
class ListedKey:
    """A key as its list and its page show it. `needs_review`: whoever made it may not make such keys any more (K6)."""

    key: ApiKey
    word: StatusWord
    needs_review: bool
    is_live: bool

    @property
    def scopes(self) -> list[tuple[str, str]]:
        return [(scope, SCOPE_LABELS[Scope(scope)]) for scope in self.key.scopes]


NO_DIGEST: Final = "0" * 64
REFUSED: Final = "This API key is not valid. Check that it was copied whole, or make a new one."


def actor_from_key(*, secret: str, now: datetime) -> Actor:
    """Who the bearer of this key acts as; UnauthenticatedError when it is nobody's.

    An unknown key and a known one with a wrong secret take the same way and get the same answer
    (check K9). A key that was revoked or has expired makes an actor whose standing says so.
    """
    key = _find(public_id_of(secret))
    is_right = compare_digest(key.digest if key else NO_DIGEST, digest_of(secret))
    if key is None or not is_right:
        raise UnauthenticatedError(REFUSED)
    return actor_for_key(key, is_live=key.is_live(now))


def _find(public_id: str | None) -> ApiKey | None:
    keys = ApiKey.objects.select_related("owner__user", "owner__organization", "application")
    return keys.filter(public_id=public_id or "").first()


def list_keys(*, actor: Actor, owner: OwnerRef, now: datetime) -> list[ListedKey]:
    """The owner's keys: those that work first, then those that ended within the last months; newest first."""
    require(actor, Permission.API_KEYS_MANAGE, owner)
    long_over = Q(revoked_at__lt=now - SHOWN_AFTER_ITS_END) | Q(expires_at__lt=now - SHOWN_AFTER_ITS_END)
    rows = list(_with_names(owner).exclude(long_over).order_by("-id"))
    makers = _makers(owner)
    listed = [_listed(key, owner, makers, now) for key in rows]
    return sorted(listed, key=lambda one: not one.is_live)


def get_key(*, actor: Actor, owner: OwnerRef, key_id: UUID) -> ApiKey:
    """One key of the owner; NotFoundError for everybody else's."""
    require(actor, Permission.API_KEYS_MANAGE, owner)
    key = _with_names(owner).filter(id=key_id).first()
    if key is None:
        raise NotFoundError("There is no such API key here.")
    return key


def listed_key(*, actor: Actor, owner: OwnerRef, key_id: UUID, now: datetime) -> ListedKey:
    """One key as its page shows it."""
    return _listed(get_key(actor=actor, owner=owner, key_id=key_id), owner, _makers(owner), now)


def _with_names(owner: OwnerRef) -> QuerySet[ApiKey]:
    """Without what programs were granted over OAuth: orgs/queries/oauth.py has that."""
    rows = ApiKey.objects.filter(belongs_to(owner), oauth_client=None)
    rows = rows.select_related("owner", "organization", "application", "created_by", "replaces")
    return rows.prefetch_related("replacements")


def _listed(key: ApiKey, owner: OwnerRef, makers: set[UUID], now: datetime) -> ListedKey:
    is_live = key.is_live(now)
    maker_is_gone = owner.is_organization and key.created_by_id not in makers
    return ListedKey(key, key.word_at(now), is_live and maker_is_gone and key.kept_at is None, is_live)


def _makers(owner: OwnerRef) -> set[UUID]:
    """The people who may make keys of the organization today."""
    if not owner.is_organization:
        return set()
    able = [role.value for role in roles_with(Permission.API_KEYS_MANAGE)]
    members = Membership.objects.of_organization(owner.id).active().filter(role__in=able, user__is_active=True)
    return set(members.values_list("user_id", flat=True))
