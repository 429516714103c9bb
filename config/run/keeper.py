"""Keeps one program running: starts it, reads its lines, starts it again when it falls."""

import asyncio
import signal
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Final

from config.run.environment import Installation
from config.run.logs import ProgramLog
from config.run.processes import Guardian, RunningProgram
from config.run.programs import Program
from config.run.screen import relay, report

FIRST_PAUSE: Final = 1.0
LONGEST_PAUSE: Final = 30.0
STEADY_SECONDS: Final = 60.0  # who ran that long begins with the first pause again


def next_pause(pause: float, lived: float) -> float:
    """Return how long to wait before the next start: doubled each time, until the program keeps running."""
    return FIRST_PAUSE if lived > STEADY_SECONDS else min(pause * 2, LONGEST_PAUSE)


def ending(status: int) -> str:
    """Say in words how a program ended."""
    return f"killed by {signal.Signals(-status).name}" if status < 0 else f"exit status {status}"


class Keeper:
    def __init__(
        self,
        program: Program,
        installation: Installation,
        guardian: Guardian,
        show: Callable[[str], None] | None = None,
    ) -> None:
        self.program = program
        self.log = ProgramLog(installation.logs, program.name)
        self.falls = 0
        self._installation = installation
        self._guardian = guardian
        self._show = show or self._relay
        self._running: RunningProgram | None = None
        self._stopping = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        self._task = asyncio.create_task(self._keep())

    async def run_once(self) -> int:
        """Run the program to its end and return its exit status."""
        environ = dict(self._installation.environ)
        running = self._running = await RunningProgram.start(self.program, environ, self._guardian)
        try:
            return await running.finish(self._on_line)
        finally:
            running.kill()
            self._running = None

    async def stop(self, hurry: asyncio.Event) -> None:
        """Ask it to stop; when it takes too long, or somebody is in a hurry, end it."""
        self._stopping.set()
        if self._task is None:
            return
        if self._running:
            self._running.ask_to_stop()
        hurried = asyncio.create_task(hurry.wait())
        limit = self.program.stop_seconds
        await asyncio.wait((self._task, hurried), timeout=limit, return_when=asyncio.FIRST_COMPLETED)
        hurried.cancel()
        if self._running:
            self._running.kill()
        await self._task
        self.log.close()

    async def _keep(self) -> None:
        pause = FIRST_PAUSE / 2
        while not self._stopping.is_set():
            began = time.monotonic()
            status = await self.run_once()
            if self._stopping.is_set():
                return
            self.falls += 1
            pause = next_pause(pause, time.monotonic() - began)
            what = f"{self.program.name} ended ({ending(status)}); starting it again in {pause:.0f} s."
            report(f"{what} Log: {self.log.path}")
            with suppress(TimeoutError):
                await asyncio.wait_for(self._stopping.wait(), pause)

    def _on_line(self, line: str) -> None:
        self.log.write(line)
        self._show(line)

    def _relay(self, line: str) -> None:
        relay(self.program.name, line, everything=self._installation.shows_everything)
