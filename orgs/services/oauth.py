"""What MCP clients are granted: register, authorize, exchange, renew, revoke (OAuth 2.1, RFC 7591, RFC 7009).

A grant is a key of the person, bound to one MCP address. Rights are asked at each call, so nothing that
happens to the person's membership has to be told to a client's tokens.
"""

import secrets
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from django.conf import settings
from django.db import transaction
from django.db.models import Q

from orgs.audit import AuditAction, Detail, Target
from orgs.errors import ConflictError, DomainError
from orgs.key_text import digest_of, make_key_text, make_oauth_secret
from orgs.models import ApiKey, OAuthClient, OAuthSecret, Owner
from orgs.models.api_keys import NAME_LENGTH
from orgs.models.oauth import SecretKind
from orgs.models.owners import container_of
from orgs.permissions import Actor, OwnerRef, Permission, Scope, require
from orgs.queries.actors import actor_for_key
from orgs.queries.oauth import get_granted, is_in_force
from orgs.redirect_uris import SENTENCE, is_acceptable
from orgs.services.audit import record

MOST_REDIRECTS: Final = 10
UNUSED_FOR: Final = timedelta(days=1)  # a client that nobody granted anything in that time is forgotten
BATCH: Final = 500


@dataclass(frozen=True)
class Consent:
    """What a person agreed to: this client, under this ID, at this address, for so long."""

    client: OAuthClient
    owner: OwnerRef
    audience: str
    scopes: Sequence[Scope]
    expires_at: datetime
    redirect_uri: str
    challenge: str


@dataclass(frozen=True)
class Issued:
    """A pair of tokens: told to the client once, stored as digests."""

    access: str = field(repr=False)
    refresh: str = field(repr=False)
    seconds: int


def register_client(*, actor: None, name: object, redirect_uris: object, now: datetime) -> OAuthClient:
    """A program introduces itself. It is believed nothing: the consent page shows where it leads."""
    del actor
    uris = redirect_uris if isinstance(redirect_uris, list) else []
    if not 0 < len(uris) <= MOST_REDIRECTS or not all(is_acceptable(one) for one in uris):
        message = f"redirect_uris: 1 to {MOST_REDIRECTS} of them, and each {SENTENCE}."
        raise DomainError(message, code="invalid_redirect_uri")
    label = " ".join(name.split()) if isinstance(name, str) else ""
    if len(label) > NAME_LENGTH or not label.isprintable():
        raise DomainError(f"client_name: at most {NAME_LENGTH} printable characters.", code="invalid_client_metadata")
    client_id = f"mcp_{secrets.token_hex(16)}"
    return OAuthClient.objects.create(
        client_id=client_id, name=label or "A client without a name", redirect_uris=uris, created_at=now
    )


@transaction.atomic
def authorize_client(*, actor: Actor, consent: Consent, now: datetime) -> str:
    """Grant it; return the authorization code. What the same client had for the same address before ends."""
    if actor.as_owner is None or not (consent.owner.is_organization or consent.owner == actor.as_owner):
        message = "A person lets a client act under their own ID, or under that of an organization of theirs."
        raise DomainError(message, code="person_needed")
    require(actor, Permission.API_KEYS_MANAGE, actor.as_owner)
    require(actor, Permission.TOOLS_READ, consent.owner)
    key = _granted_key(actor, actor.as_owner, consent, now)
    _end_earlier(key, now)
    key.save(force_insert=True)
    code = _store(key, SecretKind.CODE, now + timedelta(seconds=settings.OAUTH_CODE_SECONDS), now, consent)
    details: dict[str, Detail] = {
        "scopes": list(key.scopes), "until": consent.expires_at.isoformat(), "page": consent.audience,
    }  # fmt: skip
    _record(actor, key, AuditAction.MCP_CLIENT_AUTHORIZE, now, **details)
    return code


def _granted_key(actor: Actor, person: OwnerRef, consent: Consent, now: datetime) -> ApiKey:
    text = make_key_text(person.kind)  # nobody is told: the row needs a digest that no text has
    return ApiKey(
        owner=Owner.objects.select_related("user").get(container_of(person)),
        organization_id=consent.owner.id if consent.owner.is_organization else None,
        name=consent.client.name,
        public_id=text.public_id,
        digest=text.digest,
        scopes=sorted(scope.value for scope in set(consent.scopes)),
        created_by_id=actor.user_id,
        created_at=now,
        expires_at=consent.expires_at,
        oauth_client=consent.client,
        audience=consent.audience,
    )


def _end_earlier(key: ApiKey, now: datetime) -> None:
    same = ApiKey.objects.filter(owner=key.owner, oauth_client=key.oauth_client, audience=key.audience)
    same.filter(revoked_at=None).update(revoked_at=now)


def spend(secret: OAuthSecret, *, actor: None, now: datetime) -> bool:
    """Use up a code or refresh token. One that was used up before has leaked: the whole grant ends (check M12)."""
    del actor
    if OAuthSecret.objects.filter(id=secret.id, spent_at=None).update(spent_at=now):
        return is_in_force(secret, actor=None, now=now)
    _end(_itself(secret.key), secret.key, now, reason="used_twice")
    return False


@transaction.atomic
def issue_tokens(key: ApiKey, *, actor: None, now: datetime) -> Issued:
    """A new pair. The refresh token is good once, and until the grant is over."""
    del actor
    end = key.expires_at or now + timedelta(days=1)
    until = min(now + timedelta(seconds=settings.OAUTH_ACCESS_SECONDS), end)
    access = _store(key, SecretKind.ACCESS, until, now)
    refresh = _store(key, SecretKind.REFRESH, end, now)
    return Issued(access, refresh, int((until - now).total_seconds()))


def revoke_for_client(key: ApiKey, *, actor: None, now: datetime) -> None:
    """The client says that it is done, with either of its tokens: the grant ends (RFC 7009 section 2.1)."""
    del actor
    _end(_itself(key), key, now, reason="by_the_client")


@transaction.atomic
def revoke_granted(*, actor: Actor, owner: OwnerRef, key_id: UUID | None, now: datetime) -> ApiKey:
    """The person, or an admin of the organization that it is for, ends it: the next request is refused."""
    key = get_granted(actor=actor, owner=owner, key_id=key_id)
    if not _end(actor, key, now):
        raise ConflictError(f"{key.name} may not act any more already.", code="key_over")
    return key


def _end(actor: Actor, key: ApiKey, now: datetime, **details: Detail) -> bool:
    with transaction.atomic():
        if not ApiKey.objects.filter(id=key.id, revoked_at=None).update(revoked_at=now):
            return False
        _record(actor, key, AuditAction.MCP_CLIENT_REVOKE, now, **details)
    return True


def _itself(key: ApiKey) -> Actor:
    return actor_for_key(key, is_live=True)


def _store(key: ApiKey, kind: SecretKind, until: datetime, now: datetime, consent: Consent | None = None) -> str:
    text = make_oauth_secret()
    OAuthSecret.objects.create(
        key=key,
        kind=kind,
        digest=digest_of(text),
        redirect_uri=consent.redirect_uri if consent else "",
        challenge=consent.challenge if consent else "",
        created_at=now,
        expires_at=until,
    )
    return text


def _record(actor: Actor, key: ApiKey, action: AuditAction, now: datetime, **details: Detail) -> None:
    """In the log of the ID that it acts under: the organization's admins see what acts in its name."""
    owner = key.organization.ref if key.organization is not None else key.owner.ref
    target = Target("mcp_client", key.text_id, key.name)
    record(actor=actor, owner=owner, action=action, target=target, details=details, now=now)


def purge_oauth(*, actor: None, now: datetime) -> None:
    """For the sweep: secrets whose time is over, and clients that nobody ever let act."""
    del actor
    over = OAuthSecret.objects.filter(expires_at__lte=now).values_list("id", flat=True)[:BATCH]
    OAuthSecret.objects.filter(id__in=list(over)).delete()
    unused = OAuthClient.objects.filter(Q(granted_keys=None), created_at__lte=now - UNUSED_FOR)
    OAuthClient.objects.filter(id__in=list(unused.values_list("id", flat=True)[:BATCH])).delete()
