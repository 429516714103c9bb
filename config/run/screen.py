"""What the person at the terminal sees."""

import os
import re
import sys
from collections.abc import Sequence
from contextlib import suppress
from datetime import datetime

# A line of our own logs, of Python or of Celery, that somebody should read now.
NOTEWORTHY = re.compile(r"\[(warning|error|critical)\b|^(WARNING|ERROR|CRITICAL)\b|: (ERROR|CRITICAL)/|^Traceback ")


def say(line: str) -> None:
    """Print one line at once. A closed terminal must not bring the supervisor down."""
    with suppress(OSError, ValueError):
        text = f"{line}\n".encode(sys.stdout.encoding or "utf-8", errors="replace")
        os.write(sys.stdout.fileno(), text)


def report(line: str) -> None:
    """Say when something happened as well: for what comes after the start."""
    say(f"{datetime.now().astimezone():%H:%M:%S}  {line}")


def relay(program: str, line: str, *, everything: bool) -> None:
    """Show a program's line: all of them on request, else only what is noteworthy."""
    if everything or NOTEWORTHY.search(line):
        say(f"{program:>7} | {line}")


def box(lines: Sequence[str]) -> None:
    """Print lines in a frame."""
    width = max(len(line) for line in lines)
    say("")
    say(f"┌{'─' * (width + 4)}┐")
    for line in lines:
        say(f"│  {line:<{width}}  │")
    say(f"└{'─' * (width + 4)}┘")
