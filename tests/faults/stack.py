"""The product as it runs in production: a database, a Redis, workers and beat, each a process that can be killed."""

import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from config.keys import generate
from config.run.redis_server import server_binary
from tests.databases import own_database
from tests.faults.provider import Provider

ROOT = Path(__file__).resolve().parents[2]
DEADLINE, MARGIN = 3, 3  # seconds: a short lease, so that the tests need not wait long for it to end


def free_port() -> int:
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        return int(sock.getsockname()[1])


def wait_until(check: Any, seconds: float, what: str) -> None:
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if check():
            return
        time.sleep(0.1)
    raise AssertionError(f"not within {seconds} s: {what}")


@dataclass
class Stack:
    """Processes by name, and the environment they share."""

    folder: Path
    provider: Provider
    database_url: str
    extra: dict[str, str] = field(default_factory=dict)  # settings of one test's own
    redis_port: int = field(default_factory=free_port)
    processes: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)

    @property
    def env(self) -> dict[str, str]:
        keys = self.folder / "keys.json"
        if not keys.exists():
            keys.write_text(json.dumps(generate()))
        return {
            **{name: value for name, value in os.environ.items() if not name.startswith(("DJANGO_", "PYTEST_"))},
            **json.loads(keys.read_text()),
            "DJANGO_SETTINGS_MODULE": "config.settings",
            "ENVIRONMENT": "test",
            "BASE_URL": "http://127.0.0.1:8000",
            "DATA_DIR": str(self.folder),
            "DATABASE_URL": self.database_url,
            "REDIS_URL": f"redis://127.0.0.1:{self.redis_port}/0",
            "SANDBOX_ENABLED": "0",
            "EXTRA_TOOLKITS_DIR": str(self.folder / "toolkits"),
            "EGRESS_ALLOW": f"127.0.0.1:{self.provider.port}",
            "PROVIDER_CALL_DEADLINE": str(DEADLINE),
            "LEASE_MARGIN": str(MARGIN),
            "SWEEP_INTERVAL": "1",
            "OWNER_CONCURRENCY": "8",
            "READ_MAX_ATTEMPTS": "8",
            "LOG_LEVEL": "INFO",
            **self.extra,
        }

    # --- Processes

    def start(self, name: str, *command: str) -> None:
        with (self.folder / f"{name}.log").open("ab") as log:
            self.processes[name] = subprocess.Popen(
                command, cwd=ROOT, env=self.env, stdout=log, stderr=log, start_new_session=True
            )

    def start_redis(self) -> None:
        self.start("redis", server_binary(), "--port", str(self.redis_port), "--bind", "127.0.0.1", "--save", "")
        wait_until(self._redis_answers, 60, "Redis answers")

    def start_worker(self, name: str = "worker", threads: int = 8) -> None:
        options = ["--pool", "threads", "--concurrency", str(threads), "--queues", "pump,sweep", "--loglevel", "INFO"]
        quiet = ["--without-gossip", "--without-mingle", "--without-heartbeat"]
        self.start(name, sys.executable, "-m", "celery", "-A", "config", "worker", "-n", f"{name}@%h", *options, *quiet)

    def start_beat(self) -> None:
        schedule = str(self.folder / "beat-schedule")
        self.start("beat", sys.executable, "-m", "celery", "-A", "config", "beat", "--schedule", schedule)

    def kill(self, name: str) -> None:
        """SIGKILL to the whole process group: nobody gets to say goodbye."""
        process = self.processes.pop(name)
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait(60)
        for pipe in (process.stdin, process.stdout):
            if pipe:
                pipe.close()

    def terminate(self, name: str, seconds: float) -> int:
        """SIGTERM, as a deployment does it; the exit code."""
        process = self.processes.pop(name)
        process.send_signal(signal.SIGTERM)
        return process.wait(seconds)

    def worker_is_up(self, name: str = "worker") -> bool:
        log = self.folder / f"{name}.log"
        return log.exists() and b" ready." in log.read_bytes()

    def _redis_answers(self) -> bool:
        try:
            with socket.create_connection(("127.0.0.1", self.redis_port), 0.5) as sock:
                sock.sendall(b"PING\r\n")
                return sock.recv(5) == b"+PONG"
        except OSError:
            return False

    def flush_redis(self) -> None:
        with socket.create_connection(("127.0.0.1", self.redis_port), 1) as sock:
            sock.sendall(b"FLUSHALL\r\n")
            assert sock.recv(3) == b"+OK"

    # --- The product's own commands

    def manage(self, *arguments: str) -> None:
        subprocess.run(
            [sys.executable, "manage.py", *arguments],
            cwd=ROOT,
            env=self.env,
            check=True,
            capture_output=True,
            timeout=300,
        )

    def drive(self, command: str, *arguments: object) -> Any:
        """What the driver answers. It is started with the first command, and stays: to start Django takes seconds."""
        if "driver" not in self.processes:
            with (self.folder / "driver.log").open("ab") as log:
                self.processes["driver"] = self._driver(stdin=subprocess.PIPE, stderr=log, start_new_session=True)
        driver = self.processes["driver"]
        assert driver.stdin is not None
        assert driver.stdout is not None
        driver.stdin.write(json.dumps([command, *map(str, arguments)]).encode() + b"\n")
        driver.stdin.flush()
        said = json.loads(driver.stdout.readline() or '{"traceback": "the driver has died"}')
        assert "traceback" not in said, said["traceback"]
        return said

    def driving(self, command: str, *arguments: object) -> subprocess.Popen[bytes]:
        """A driver of its own for one command, beside the one that stays."""
        return self._driver(command, *map(str, arguments))

    def _driver(self, *arguments: str, **how: Any) -> subprocess.Popen[bytes]:
        command = [sys.executable, "-m", "tests.faults.driver", *arguments]
        return subprocess.Popen(command, cwd=ROOT, env=self.env, stdout=subprocess.PIPE, **how)

    def all_over(self) -> bool:
        return bool(self.drive("open_count")["open"] == 0)

    def logs(self) -> str:
        return "".join(path.read_text(errors="replace") for path in sorted(self.folder.glob("*.log")))


@contextlib.contextmanager
def running_stack(folder: Path, **extra: str) -> Iterator[Stack]:
    """A fresh database with one person and one organization, Redis, and the provider. No worker yet."""
    with Provider().running() as provider, own_database(folder) as database_url:
        provider.write_toolkit(folder / "toolkits")
        stack = Stack(folder, provider, database_url, extra)
        try:
            stack.start_redis()
            stack.manage("migrate", "--verbosity", "0")
            stack.manage("sync_catalog")
            stack.drive("setup")
            yield stack
        finally:
            for name in list(stack.processes):
                stack.kill(name)
