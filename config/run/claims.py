"""Before anything is started: the data folder and the port must be ours."""

import fcntl
import os
import socket
import time
from contextlib import closing
from pathlib import Path
from typing import IO, Final

from config.run import env_files
from config.run.environment import Installation
from config.run.errors import StartError

LOCK_FILE: Final = "supervisor.lock"
RUNNING_FILE: Final = "running.env"
GRACE_SECONDS: Final = 2.0  # what a killed predecessor needs to let go
PORTS_TO_TRY: Final = 100


def claim_data(installation: Installation) -> IO[str]:
    """Lock DATA_DIR for as long as the returned file is open; two supervisors on one database would fight."""
    file = (installation.data_dir / LOCK_FILE).open("a+", encoding="utf-8")
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        file.close()
        raise StartError(_taken(installation.data_dir)) from None
    return file


def _taken(data_dir: Path) -> str:
    running = env_files.read(data_dir / RUNNING_FILE)
    where = f" at {running['BASE_URL']} (process {running['PID']})" if running else ""
    return (
        f"Switchboard already runs on {data_dir}{where}.\n"
        "Stop that one first, or start another on its own data: DATA_DIR=.data-2 PORT=8001 make run"
    )


def publish(installation: Installation) -> None:
    """Leave word of where we are, for the next start and for `make manage`."""
    values = {name: installation.environ[name] for name in ("BASE_URL", "REDIS_URL")}
    env_files.write_private(installation.data_dir / RUNNING_FILE, {"PID": str(os.getpid()), **values})


def withdraw(installation: Installation) -> None:
    (installation.data_dir / RUNNING_FILE).unlink(missing_ok=True)


def claim_port(host: str, port: int) -> None:
    """Refuse a port that somebody listens on, and name one that is free."""
    until = time.monotonic() + GRACE_SECONDS
    while (problem := _obstacle(host, port)) is not None:
        if time.monotonic() > until:
            raise StartError(_port_taken(host, port, problem))
        time.sleep(0.1)


def _port_taken(host: str, port: int, problem: OSError) -> str:
    free = next((other for other in range(port + 1, port + PORTS_TO_TRY) if _obstacle(host, other) is None), 0)
    advice = f"Choose another: PORT={free or free_port()} make run"
    if problem.errno == 98 or "in use" in str(problem):  # noqa: PLR2004  # EADDRINUSE on Linux
        return f"Port {port} is in use by another program. {advice}"
    return f"Cannot listen on {host}:{port} ({problem.strerror}). {advice}"


def _obstacle(host: str, port: int) -> OSError | None:
    try:
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        with closing(socket.socket(family)) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind((host, port))
            probe.listen(1)
    except (OSError, OverflowError) as error:
        return error if isinstance(error, OSError) else OSError(str(error))
    return None


def free_port() -> int:
    """Return a loopback port that nobody uses just now."""
    with closing(socket.socket()) as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
