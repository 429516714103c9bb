import time
from collections.abc import Iterator
from typing import Any

import pytest
from redis.exceptions import ConnectionError as RedisConnectionError

from config.cache import FailSafeRedisCache
from config.run.claims import free_port

LIMIT = 5


class CountingCache(FailSafeRedisCache):
    """Counts how often Redis itself was asked."""

    asked = 0

    @property
    def _cache(self) -> Any:
        self.asked += 1
        raise RedisConnectionError("nobody there")


@pytest.fixture
def cache() -> Iterator[FailSafeRedisCache]:
    """A cache whose Redis is dead: nobody listens on that port."""
    options = {"OPTIONS": {"socket_connect_timeout": 0.3, "socket_timeout": 0.3}}
    cache = FailSafeRedisCache(f"redis://127.0.0.1:{free_port()}/0", options)
    yield cache
    cache.clear()
    cache.close()


def test_dead_redis_neither_fails_nor_forgets(cache: FailSafeRedisCache) -> None:
    cache.set("a", 1)
    cache.set_many({"b": 2, "c": 3})

    assert cache.get("a") == 1
    assert cache.get_many(["b", "c"]) == {"b": 2, "c": 3}
    assert cache.has_key("a")
    assert cache.add("a", 9) is False
    assert cache.touch("a", 60) is True
    cache.delete_many(["b"])
    assert cache.get("b") is None
    assert cache.delete("a") is True
    assert cache.get("a", "gone") == "gone"


def test_throttles_go_on_counting_without_redis(cache: FailSafeRedisCache) -> None:
    cache.add("attempts", 0)

    counts = [cache.incr("attempts") for _ in range(LIMIT)]

    assert counts == list(range(1, LIMIT + 1))
    assert cache.decr("attempts") == LIMIT - 1


def test_dead_redis_is_asked_once_and_then_left_alone_for_a_while(monkeypatch: pytest.MonkeyPatch) -> None:
    cache = CountingCache("redis://127.0.0.1:1/0", {})
    now = time.monotonic()
    monkeypatch.setattr(time, "monotonic", lambda: now)

    for _ in range(LIMIT):
        cache.get("a")
    asked_at_first = cache.asked
    monkeypatch.setattr(time, "monotonic", lambda: now + 10)
    cache.get("a")

    assert asked_at_first == 1
    assert cache.asked == 2
