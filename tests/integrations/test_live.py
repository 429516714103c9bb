"""The hub: who listens for changes stops when nobody watches any more."""

from __future__ import annotations

import asyncio
from typing import Any, Self
from uuid import uuid4

import pytest
import redis.asyncio

from integrations.live import Hub


class Deaf:
    """A Redis client and its subscription. A cancellation that comes while it connects gets lost, as in redis-py."""

    def __init__(self, lost: int) -> None:
        self.lost = lost

    def pubsub(self) -> Self:
        return self

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_error: object) -> None:
        return None

    async def subscribe(self, _channel: str) -> None:
        try:
            await asyncio.sleep(60)
        except asyncio.CancelledError:
            if not self.lost:
                raise

    async def get_message(self, *, timeout: float, **_: Any) -> None:  # noqa: ASYNC109  # redis-py's own word
        await asyncio.sleep(timeout)


async def _ends(hub: Hub) -> bool:
    with hub.watch(uuid4()):
        listener = hub._listener
        await asyncio.sleep(0)
    assert listener is not None
    await asyncio.wait([listener], timeout=20)
    return listener.done()


@pytest.mark.parametrize("lost", [0, 1])
def test_the_listener_ends_with_its_last_watcher(monkeypatch: pytest.MonkeyPatch, lost: int) -> None:
    monkeypatch.setattr(redis.asyncio.Redis, "from_url", lambda _url: Deaf(lost))

    assert asyncio.run(asyncio.wait_for(_ends(Hub()), 40))
