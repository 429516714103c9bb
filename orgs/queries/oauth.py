"""MCP clients, what people granted them, and from the secret of a client to an actor."""

from datetime import datetime
from typing import Final
from uuid import UUID

from django.db.models import Q, QuerySet

from orgs.errors import NotFoundError, UnauthenticatedError
from orgs.key_text import digest_of
from orgs.models import ApiKey, OAuthClient, OAuthSecret
from orgs.models.oauth import SecretKind
from orgs.permissions import Actor, OwnerRef, Permission, Standing, require
from orgs.queries.actors import actor_for_key

REFUSED: Final = "This access token is not valid, or its time is over. Let the client renew it, or sign in again."
ELSEWHERE: Final = "This access token was issued for another MCP address. Sign in for this one."


def actor_from_access(*, secret: str, audience: str, now: datetime) -> Actor:
    """Who the bearer of this access token acts as at that MCP address; UnauthenticatedError when it is nobody's.

    Rights are not in the token: role, membership, suspension and second factor are read now.
    """
    found = find_secret(actor=None, text=secret, kind=SecretKind.ACCESS, now=now)
    if found is None:
        raise UnauthenticatedError(REFUSED, code="token_invalid")
    if found.key.audience != audience:
        raise UnauthenticatedError(ELSEWHERE, code="token_of_another_address")
    return actor_for_key(found.key, is_live=found.key.is_live(now))


def find_secret(*, actor: None, text: str, kind: str, now: datetime) -> OAuthSecret | None:
    """A secret of that kind whose time is not over, also a spent one: whoever uses it looks at that."""
    del actor
    rows = OAuthSecret.objects.filter(digest=digest_of(text), kind=kind, expires_at__gt=now)
    return rows.select_related("key__owner__user", "key__organization", "key__oauth_client").first()


def is_in_force(secret: OAuthSecret, *, actor: None, now: datetime) -> bool:
    """Whether whoever granted it may still act, and in the organization that it is for."""
    del actor
    key = secret.key
    acting = actor_for_key(key, is_live=key.is_live(now))
    belongs = key.organization_id is None or key.organization_id in {one.id for one in acting.reach()}
    return acting.standing is Standing.GOOD and belongs


def find_client(*, actor: Actor | None, client_id: str) -> OAuthClient | None:
    """Public: a client's ID is no secret, and says nothing about anybody."""
    del actor
    return OAuthClient.objects.filter(client_id=client_id[:40]).first()


def list_granted(*, actor: Actor, owner: OwnerRef, now: datetime) -> list[ApiKey]:
    """What clients may do: of a person everything they granted, of an organization what its members did for it."""
    require(actor, Permission.API_KEYS_MANAGE, owner)
    rows = _granted(owner).filter(Q(expires_at=None) | Q(expires_at__gt=now), revoked_at=None)
    return list(rows.order_by("-id"))


def get_granted(*, actor: Actor, owner: OwnerRef, key_id: UUID | None) -> ApiKey:
    """One of them; NotFoundError for everybody else's."""
    require(actor, Permission.API_KEYS_MANAGE, owner)
    found = _granted(owner).filter(id=key_id).first() if key_id else None
    if found is None:
        raise NotFoundError("There is no such MCP client here.")
    return found


def _granted(owner: OwnerRef) -> QuerySet[ApiKey]:
    mine = Q(organization_id=owner.id) if owner.is_organization else Q(owner__user_id=owner.id)
    rows = ApiKey.objects.filter(mine, oauth_client__isnull=False)
    return rows.select_related("owner__user", "owner__organization", "organization", "oauth_client")
