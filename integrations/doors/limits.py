"""How often a key and an owner may ask, counted in the shared cache in windows of a minute (check W18)."""

from datetime import datetime
from typing import Final

from django.conf import settings
from django.core.cache import cache

from orgs.errors import TooManyError
from orgs.permissions import Actor, OwnerRef

WINDOW: Final = 60
WRONG_KEYS: Final = 30  # a minute from one address; a person who mistypes does not come near it


def spend(actor: Actor, now: datetime) -> None:
    """Count a request of the key, and of whom it belongs to; TooManyError with the seconds to wait in `details`."""
    _spend("key", str(actor.key_id), settings.API_LIMIT_PER_KEY, "This API key", now)
    for owner in actor.reach()[:1]:
        spend_for(owner, now)


def spend_elsewhere(actor: Actor, owner: OwnerRef, now: datetime) -> None:
    """The same for an ID other than the actor's own, which `spend` has counted. Ask before anything is done:
    whoever is told "too often" asks again.
    """
    if owner not in actor.reach()[:1]:
        spend_for(owner, now)


def spend_for(owner: OwnerRef, now: datetime) -> None:
    """Count a request under an ID: a busy organization does not slow another one down."""
    whose = f"This {owner.kind.value.replace('_', ' ')}"
    _spend("owner", owner.text_id, settings.API_LIMIT_PER_OWNER, whose, now)


def check_address(address: str, now: datetime) -> None:
    """Whoever tries out keys is told to wait before the next one is even looked up (check K9)."""
    if (cache.get(_name("wrong", address, now)) or 0) >= WRONG_KEYS:
        raise _too_many("This address", now)


def count_wrong_key(address: str, now: datetime) -> None:
    _count(_name("wrong", address, now))


def spend_for_address(address: str, kind: str, limit: int, now: datetime) -> None:
    """Count a request that needs no key; TooManyError when there were more than `limit` in this minute."""
    _spend(kind, address, limit, "This address", now)


def _spend(kind: str, who: str, limit: int, whose: str, now: datetime) -> None:
    if _count(_name(kind, who, now)) > limit:
        raise _too_many(whose, now)


def _count(name: str) -> int:
    cache.add(name, 0, timeout=2 * WINDOW)
    try:
        return int(cache.incr(name))
    except ValueError:  # it was dropped between the two calls
        return 1


def _name(kind: str, who: str, now: datetime) -> str:
    return f"api:{kind}:{who}:{int(now.timestamp()) // WINDOW}"


def _too_many(whose: str, now: datetime) -> TooManyError:
    seconds = WINDOW - int(now.timestamp()) % WINDOW
    return TooManyError(f"{whose} has asked too often. Wait {seconds} seconds.", details=seconds)
