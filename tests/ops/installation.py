"""Runs `python -m config.run` as a newcomer would, on a folder and a port of its own."""

import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import httpx2

from config.run.claims import free_port

ROOT = Path(__file__).resolve().parents[2]
START_SECONDS = 180.0
STOP_SECONDS = 60.0
KEPT = ("PATH", "HOME", "LANG", "TMPDIR")
SUPERVISOR_CHILDREN = ("valkey-server", "uvicorn", "worker", "beat", "guardian")


class RunningInstallation:
    """A supervisor and what it printed."""

    def __init__(self, data_dir: Path, port: int | None = None, **environ: str) -> None:
        self.data_dir = data_dir
        self.port = port or free_port()
        data_dir.mkdir(exist_ok=True)
        self.output = data_dir.with_suffix(f".{time.monotonic_ns()}.txt")
        kept = {name: os.environ[name] for name in KEPT if name in os.environ}
        self.environ = {**kept, "DATA_DIR": str(data_dir), "PORT": str(self.port), **environ}
        with self.output.open("w") as file:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "config.run"],
                cwd=ROOT,
                env=self.environ,
                stdout=file,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    @property
    def printed(self) -> str:
        return self.output.read_text()

    def get(self, path: str) -> httpx2.Response:
        return httpx2.get(f"http://localhost:{self.port}{path}", timeout=30, trust_env=False)

    def wait_until_ready(self) -> None:
        def ready() -> bool:
            assert self.process.poll() is None, self.printed
            return "Switchboard is ready" in self.printed

        wait_for(ready, START_SECONDS, lambda: self.printed)

    def wait_until_swept(self) -> None:
        """Worker and beat are up when a sweep was taken by one on the other's word."""
        wait_for(lambda: self.get("/readyz").json()["status"] == "ok", START_SECONDS, lambda: self.printed)

    def manage(self, *arguments: str) -> str:
        """What a management command on this installation prints."""
        command = [sys.executable, "-m", "config.run", "manage", *arguments]
        done = subprocess.run(
            command, cwd=ROOT, env=self.environ, capture_output=True, check=False, text=True, timeout=300
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def children(self) -> dict[str, int]:
        """The programs by name, with the process ID of each."""
        found = {}
        for pid, command in processes().items():
            name = next((name for name in SUPERVISOR_CHILDREN if name in command), "")
            if name and parent_of(pid) == self.process.pid:
                found[name] = pid
        return found

    def stop(self, number: signal.Signals = signal.SIGTERM) -> int:
        self.process.send_signal(number)
        return self.process.wait(STOP_SECONDS)

    def end(self) -> None:
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()

    def demo_login(self) -> tuple[str, str]:
        found = re.search(r"(alice@\S+)\s+(\S+)", self.printed)
        assert found, self.printed
        return found[1], found[2]


def wait_for(condition: Callable[[], bool], seconds: float, explain: Callable[[], str] = str) -> None:
    until = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < until, f"not within {seconds} s\n{explain()}"
        time.sleep(0.1)


def processes() -> dict[int, str]:
    """All live processes with their command lines; zombies are dead."""
    lines = subprocess.run(["ps", "-ww", "-eo", "pid=,stat=,args="], capture_output=True, text=True, check=True).stdout
    rows = (line.split(None, 2) for line in lines.splitlines())
    return {int(pid): command for pid, state, command in rows if not state.startswith("Z")}


def parent_of(pid: int) -> int:
    shown = subprocess.run(["ps", "-o", "ppid=", "-p", str(pid)], capture_output=True, text=True, check=False).stdout
    return int(shown or 0)


def alive(pids: dict[str, int]) -> dict[str, int]:
    living = processes()
    return {name: pid for name, pid in pids.items() if pid in living}


def findings(response: httpx2.Response) -> dict[str, str]:
    return {name: finding["status"] for name, finding in json.loads(response.text)["checks"].items()}
