"""Each program's own log file under DATA_DIR/logs, kept small."""

import logging
from collections import deque
from logging.handlers import RotatingFileHandler
from pathlib import Path
from typing import Final

MAX_BYTES: Final = 5_000_000
TAIL: Final = 15


class ProgramLog:
    """What a program printed: in a file, and its last lines at hand for when it fails."""

    def __init__(self, folder: Path, name: str) -> None:
        self.path = folder / f"{name}.log"
        self.tail: deque[str] = deque(maxlen=TAIL)
        self._handler = RotatingFileHandler(self.path, maxBytes=MAX_BYTES, backupCount=1, encoding="utf-8")

    def write(self, line: str) -> None:
        self.tail.append(line)
        self._handler.emit(logging.LogRecord("run", logging.INFO, "", 0, line, None, None))

    def close(self) -> None:
        self._handler.close()
