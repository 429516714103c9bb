"""The programs that make up Switchboard, as commands."""

import sys
from dataclasses import dataclass
from typing import Final

from config.run import redis_server
from config.run.environment import Installation

WEB_STOP_SECONDS: Final = 5  # uvicorn waits for open live-update streams until then
WORKER_MARGIN: Final = 10
IN_MEMORY: Final = "celery.beat.Scheduler"


@dataclass(frozen=True)
class Program:
    """A command, what it reads first, and how long it may take to stop."""

    name: str
    command: tuple[str, ...]
    stop_seconds: float
    stdin: str = ""


def web(installation: Installation) -> Program:
    uvicorn = (sys.executable, "-m", "uvicorn", "config.asgi:application")
    where = ("--host", installation.host, "--port", str(installation.port))
    # Without the time-out an open stream keeps it from ever stopping; an access log would hold OAuth codes.
    # Forwarding headers are Django's business (TRUSTED_PROXY_COUNT): uvicorn would believe anybody on this machine.
    quiet = ("--no-access-log", "--no-server-header", "--no-proxy-headers")
    how = ("--timeout-graceful-shutdown", str(WEB_STOP_SECONDS), *quiet)
    return Program("web", (*uvicorn, *where, *how), WEB_STOP_SECONDS + 3)


def worker(installation: Installation) -> Program:
    """Stops warm: the calls under way are finished, within the provider deadline."""
    threads = installation.environ.get("WORKER_THREADS", "8")
    deadline = float(installation.environ.get("PROVIDER_CALL_DEADLINE", "30"))
    quiet = ("--without-gossip", "--without-mingle", "--without-heartbeat")
    celery = (sys.executable, "-m", "celery", "-A", "config", "worker", "-P", "threads", "-c", threads)
    return Program("worker", (*celery, "-Q", "pump,sweep", *quiet), deadline + WORKER_MARGIN)


def beat(installation: Installation) -> Program:
    """Its schedule is in memory: one entry every few seconds needs no file, and a file can be broken by a kill."""
    del installation
    return Program("beat", (sys.executable, "-m", "celery", "-A", "config", "beat", "-S", IN_MEMORY), 5)


def prepare() -> Program:
    return Program("prepare", (sys.executable, "-m", "config.run.prepare"), 30)


def embedded_redis(installation: Installation, port: int) -> Program:
    password = installation.environ["EMBEDDED_REDIS_PASSWORD"]
    settings = redis_server.configuration(installation.data_dir / "valkey", port, password)
    return Program("redis", (redis_server.server_binary(), "-"), 10, stdin=settings)
