"""Does it answer yet?"""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Final

import redis.asyncio
from redis.exceptions import RedisError

Probe = Callable[[], Awaitable[bool]]
SECONDS: Final = 5.0


def redis_at(url: str) -> Probe:
    async def answers() -> bool:
        client = redis.asyncio.Redis.from_url(url, socket_connect_timeout=SECONDS, socket_timeout=SECONDS)
        try:
            return bool(await client.ping())
        except (RedisError, OSError):
            return False
        finally:
            await client.aclose()

    return answers


def page_at(host: str, port: int) -> Probe:
    """Ask /healthz by hand: the only HTTP client of this project is the one that calls providers."""

    async def answers() -> bool:
        try:
            async with asyncio.timeout(SECONDS):
                return b" 200 " in await _status_line("127.0.0.1" if host == "0.0.0.0" else host, port)  # noqa: S104
        except (OSError, TimeoutError):
            return False

    return answers


async def _status_line(host: str, port: int) -> bytes:
    reader, writer = await asyncio.open_connection(host, port)
    try:
        writer.write(b"GET /healthz HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n")
        await writer.drain()
        return await reader.readline()
    finally:
        writer.close()
