"""A database of a test's own, for processes that are killed: a file, or one on the server that DATABASE_URL names.

The same for Redis: a numbered database of the server that REDIS_URL names, or the product's embedded server.
"""

import contextlib
import fcntl
import os
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import psycopg

REDIS_NUMBERS = range(10, 16)  # what a Redis server offers as configured by default is 0 to 15


@contextlib.contextmanager
def own_database(folder: Path) -> Iterator[str]:
    """Yield the URL of a fresh, empty database; it is gone afterwards."""
    url = os.environ.get("DATABASE_URL", "")
    if not url.startswith("postgres"):
        yield f"sqlite:///{folder / 'own.sqlite3'}"
        return
    name = f"switchboard_test_{os.getpid()}_{time.monotonic_ns()}"
    with psycopg.connect(url, autocommit=True) as server:
        server.execute(f"CREATE DATABASE {name}")
        try:
            yield urlsplit(url)._replace(path=f"/{name}").geturl()
        finally:
            server.execute(f"DROP DATABASE {name} WITH (FORCE)")


@contextlib.contextmanager
def own_redis(url: str) -> Iterator[str]:
    """Yield the URL of a Redis database that no other test uses now, of whichever process; empty: the embedded server.

    Two installations on one database answer each other's bell: the runs of one wait until its next sweep.
    The system gives a lock back when its holder dies, however it dies.
    """
    with contextlib.ExitStack() as held:
        for number in REDIS_NUMBERS if url else ():
            if held.enter_context(_lock(f"switchboard-test-redis-{urlsplit(url).port or 6379}-{number}")):
                yield urlsplit(url)._replace(path=f"/{number}").geturl()
                return
        yield ""


@contextlib.contextmanager
def _lock(name: str) -> Iterator[bool]:
    """Whether the lock is ours; it is until the block ends."""
    with (Path(tempfile.gettempdir()) / name).open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            yield False
        else:
            yield True
