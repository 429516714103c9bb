"""Live updates: a status change is announced by ID on Redis; whoever shows it renders it anew.

Losing an announcement loses nothing: pages also poll, and the row is the truth.
"""

import asyncio
import contextlib
from collections import defaultdict
from collections.abc import AsyncIterator, Iterator
from functools import lru_cache
from uuid import UUID
from weakref import WeakKeyDictionary

import redis
import redis.asyncio
import structlog
from django.conf import settings

log = structlog.get_logger(__name__)
CHANNEL = "switchboard:executions"
RECONNECT_SECONDS = 1.0
LOOK_SECONDS = 5.0  # so often a listener that nobody needs any more notices it, whatever its client swallowed


@lru_cache(maxsize=1)
def _client() -> redis.Redis:
    return redis.Redis.from_url(
        settings.REDIS_URL,
        socket_connect_timeout=settings.REDIS_CONNECT_TIMEOUT,
        socket_timeout=settings.REDIS_SOCKET_TIMEOUT,
    )


def announce(execution_id: UUID) -> None:
    """Say that an execution changed. Never raises: nobody's run fails because nobody could be told."""
    try:
        _client().publish(CHANNEL, execution_id.hex)
    except (redis.RedisError, OSError):
        log.warning("live.announce_failed", execution=execution_id.hex)


class Hub:
    """One Redis subscription per process and event loop, handed on to whoever watches an execution."""

    def __init__(self) -> None:
        self._watchers: dict[str, set[asyncio.Event]] = defaultdict(set)
        self._listener: asyncio.Task[None] | None = None

    @contextlib.contextmanager
    def watch(self, execution_id: UUID) -> Iterator[asyncio.Event]:
        """Yield an event that is set at each change of the execution."""
        changed = asyncio.Event()
        self._watchers[execution_id.hex].add(changed)
        if self._listener is None or self._listener.done():
            self._listener = asyncio.create_task(self._listen())
        try:
            yield changed
        finally:
            self._watchers[execution_id.hex].discard(changed)
            if not self._watchers[execution_id.hex]:
                del self._watchers[execution_id.hex]
            if not self._watchers and self._listener is not None:
                self._listener.cancel()
                self._listener = None

    async def _listen(self) -> None:
        while not _is_cancelled():
            try:
                async for message in _messages():
                    for changed in self._watchers.get(message, ()):
                        changed.set()
            except (redis.RedisError, OSError):
                await asyncio.sleep(RECONNECT_SECONDS)


async def _messages() -> AsyncIterator[str]:
    client = redis.asyncio.Redis.from_url(settings.REDIS_URL)
    async with client, client.pubsub() as subscription:
        await subscription.subscribe(CHANNEL)
        while not _is_cancelled():
            message = await subscription.get_message(ignore_subscribe_messages=True, timeout=LOOK_SECONDS)
            if message is not None:
                yield message["data"].decode()


def _is_cancelled() -> bool:
    """redis-py swallows a cancellation that comes while it connects, and would then listen for ever."""
    task = asyncio.current_task()
    return task is not None and task.cancelling() > 0


_hubs: "WeakKeyDictionary[asyncio.AbstractEventLoop, Hub]" = WeakKeyDictionary()


def hub() -> Hub:
    """The hub of the running event loop."""
    loop = asyncio.get_running_loop()
    if loop not in _hubs:
        _hubs[loop] = Hub()
    return _hubs[loop]
