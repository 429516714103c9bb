"""One started program: its output, its end, and how it is stopped."""

import asyncio
import os
import signal
import subprocess
import sys
from asyncio.subprocess import DEVNULL, PIPE, STDOUT, Process
from collections.abc import AsyncIterator, Callable
from contextlib import suppress
from pathlib import Path
from typing import Final

from config.run.environment import ROOT
from config.run.programs import Program

HERE: Final = Path(__file__).parent
LONGEST_LINE: Final = 8192
CHUNK: Final = 65536


class Guardian:
    """Our end of the pipe that the guardian reads (see `guardian.py`)."""

    def __init__(self) -> None:
        self._process = subprocess.Popen(  # noqa: S603  # our own file
            [sys.executable, "-I", str(HERE / "guardian.py")],
            stdin=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )

    def watch(self, pid: int) -> None:
        self._tell(f"+{pid}\n")

    def forget(self, pid: int) -> None:
        self._tell(f"-{pid}\n")

    def _tell(self, line: str) -> None:
        with suppress(OSError, ValueError):  # without it, children still die with us on Linux
            assert self._process.stdin is not None  # noqa: S101  # opened above
            self._process.stdin.write(line)
            self._process.stdin.flush()

    def dismiss(self) -> None:
        with suppress(OSError, subprocess.TimeoutExpired):
            self._process.communicate(timeout=2)


class RunningProgram:
    """A process in its own group, which dies with us."""

    def __init__(self, program: Program, process: Process, guardian: Guardian) -> None:
        self.program = program
        self.process = process
        self._guardian = guardian

    @classmethod
    async def start(cls, program: Program, environ: dict[str, str], guardian: Guardian) -> "RunningProgram":
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-I",
            str(HERE / "child.py"),
            str(os.getpid()),
            *program.command,
            stdin=PIPE if program.stdin else DEVNULL,
            stdout=PIPE,
            stderr=STDOUT,
            env=environ,
            cwd=ROOT,
            start_new_session=True,  # Ctrl-C reaches us alone: we stop the others in order
        )
        guardian.watch(process.pid)
        if process.stdin is not None:
            process.stdin.write(program.stdin.encode())
            process.stdin.close()
        return cls(program, process, guardian)

    async def finish(self, on_line: Callable[[str], None]) -> int:
        """Hand on each line until the program ends; return its exit status, negative for a signal."""
        async for line in self._lines():
            on_line(line)
        status = await self.process.wait()
        self.kill()  # what it may have left in its group
        self._guardian.forget(self.process.pid)
        return status

    async def _lines(self) -> AsyncIterator[str]:
        assert self.process.stdout is not None  # noqa: S101  # opened above
        rest = b""
        while chunk := await self.process.stdout.read(CHUNK):
            *lines, rest = (rest + chunk).split(b"\n")
            for line in lines:
                yield line[:LONGEST_LINE].decode(errors="replace").rstrip("\r")
            if len(rest) > LONGEST_LINE:
                rest = rest[:LONGEST_LINE]
        if rest:
            yield rest.decode(errors="replace")

    def ask_to_stop(self) -> None:
        with suppress(ProcessLookupError):
            self.process.send_signal(signal.SIGTERM)

    def kill(self) -> None:
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(self.process.pid, signal.SIGKILL)
