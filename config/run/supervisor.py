"""Starts the programs in order, keeps them running, stops them in order."""

import asyncio
import os
import signal
import time
from contextlib import suppress
from typing import Final

from config.run import probes, programs, redis_server
from config.run.claims import free_port, publish
from config.run.environment import Installation
from config.run.errors import StartError
from config.run.keeper import Keeper
from config.run.processes import Guardian
from config.run.programs import Program
from config.run.screen import report, say
from config.run.welcome import welcome

START_SECONDS: Final = 90.0
PARENT_INTERVAL: Final = 0.5


class Supervisor:
    """All programs of one installation. Those started first are stopped last."""

    def __init__(self, installation: Installation) -> None:
        self.installation = installation
        self._stages: list[list[Keeper]] = []
        self._guardian = Guardian()
        self._stopping = asyncio.Event()
        self._hurry = asyncio.Event()

    async def run(self) -> None:
        """Start everything, stay until told to stop, stop everything."""
        self._listen_to_signals()
        watch = asyncio.create_task(self._stop_with_parent())
        try:
            await self._start_or_be_stopped()
            await self._stopping.wait()
        finally:
            watch.cancel()
            await self._stop()

    def _listen_to_signals(self) -> None:
        loop = asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            loop.add_signal_handler(number, self._told_to_stop, number)

    def _told_to_stop(self, number: signal.Signals) -> None:
        """The second Ctrl-C means at once. A second SIGTERM does not: process managers repeat themselves."""
        if self._stopping.is_set() and number == signal.SIGINT:
            self._hurry.set()
        self._stopping.set()

    async def _stop_with_parent(self) -> None:
        """When `make` started us and is killed, nobody is left to stop us."""
        parent = os.getppid()
        while "MAKELEVEL" in os.environ:
            await asyncio.sleep(PARENT_INTERVAL)
            if os.getppid() != parent:
                self._stopping.set()

    async def _start_or_be_stopped(self) -> None:
        start = asyncio.create_task(self._start())
        stop = asyncio.create_task(self._stopping.wait())
        await asyncio.wait((start, stop), return_when=asyncio.FIRST_COMPLETED)
        stop.cancel()
        if not start.done():
            start.cancel()
        with suppress(asyncio.CancelledError):
            await start

    async def _start(self) -> None:
        await self._start_redis()
        publish(self.installation)
        await self._prepare()
        say("Starting web, worker and beat …")
        parts = [program(self.installation) for program in (programs.web, programs.worker, programs.beat)]
        web, *_ = self._keep(*parts)
        await self._wait_for(web, probes.page_at(self.installation.host, self.installation.port))
        welcome(self.installation)

    async def _start_redis(self) -> None:
        if self.installation.redis_url:
            say("Redis: the one that REDIS_URL names.")
            if not await probes.redis_at(self.installation.redis_url)():
                report("Redis does not answer. Runs will wait, and pages will not update by themselves, until it does.")
            return
        say("Redis: the embedded Valkey.")
        port = free_port()
        [keeper] = self._keep(programs.embedded_redis(self.installation, port))
        url = redis_server.url(port, self.installation.environ["EMBEDDED_REDIS_PASSWORD"])
        self.installation = self.installation.with_environ(REDIS_URL=url)
        await self._wait_for(keeper, probes.redis_at(url))

    async def _prepare(self) -> None:
        keeper = Keeper(programs.prepare(), self.installation, self._guardian, show=say)
        status = await keeper.run_once()
        if status:
            raise StartError(f"Preparing the data failed; what it says stands above and in {keeper.log.path}.")

    def _keep(self, *parts: Program) -> list[Keeper]:
        """Start programs that belong together: they are stopped together."""
        stage = [Keeper(program, self.installation, self._guardian) for program in parts]
        self._stages.append(stage)
        for keeper in stage:
            keeper.start()
        return stage

    async def _wait_for(self, keeper: Keeper, answers: probes.Probe) -> None:
        until = time.monotonic() + START_SECONDS
        while not await answers():
            if keeper.falls or time.monotonic() > until:
                last = "\n".join(f"  {line}" for line in keeper.log.tail)
                raise StartError(f"{keeper.program.name} did not start. Its last words ({keeper.log.path}):\n{last}")
            await asyncio.sleep(0.1)

    async def _stop(self) -> None:
        limit = max((keeper.program.stop_seconds for stage in self._stages for keeper in stage), default=0)
        say(f"Stopping. Runs under way may finish within {limit:.0f} s; Ctrl-C again stops at once.")
        for stage in reversed(self._stages):
            await asyncio.gather(*(keeper.stop(self._hurry) for keeper in stage))
        self._guardian.dismiss()
        say("Stopped. The data is kept.")
