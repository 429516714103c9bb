"""`python -m config.run` starts everything; `… manage COMMAND` is manage.py with the same settings."""

import asyncio
import os
import sys

from config.run import env_files
from config.run.claims import RUNNING_FILE, claim_data, claim_port, withdraw
from config.run.environment import ROOT, Installation, current
from config.run.errors import StartError
from config.run.screen import say
from config.run.supervisor import Supervisor


def main(arguments: list[str]) -> int:
    try:
        installation = current()
        if arguments[:1] == ["manage"]:
            manage(installation, arguments[1:])
        start(installation)
    except StartError as error:
        say(f"\nSwitchboard cannot start: {error}")
        return 1
    return 0


def start(installation: Installation) -> None:
    with claim_data(installation):
        claim_port(installation.host, installation.port)
        try:
            asyncio.run(supervise(installation))
        finally:
            withdraw(installation)


async def supervise(installation: Installation) -> None:
    await Supervisor(installation).run()


def manage(installation: Installation, arguments: list[str]) -> None:
    """Become manage.py; a running installation's embedded Redis is used."""
    running = env_files.read(installation.data_dir / RUNNING_FILE)
    environ = {**installation.environ, **running}
    os.execve(sys.executable, [sys.executable, str(ROOT / "manage.py"), *arguments], environ)  # noqa: S606


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
