"""Database, catalogue and demo data, in one Django process: each start of Django costs more than the work."""

import io
import sys

import django
from django.core.management import CommandError, call_command
from django.db import DatabaseError

from config.migrations import waiting_migrations
from config.run.screen import say
from config.run.welcome import DEMO_DATA
from config.start import plain_refusal


def main() -> None:
    with plain_refusal():
        django.setup()
    try:
        _migrate()
        call_command("sync_catalog")
        call_command("sync_groups", verbosity=0)
        say("Demo data: people, an organization and the sandbox.")
        call_command("bootstrap", str(DEMO_DATA), stdout=io.StringIO())
    except CommandError as error:
        sys.exit(str(error))
    except DatabaseError as error:
        sys.exit(f"The database cannot be used: {str(error).strip()}\nDATABASE_URL says which one is meant.")


def _migrate() -> None:
    waiting = waiting_migrations()
    if not waiting:
        say("Database: up to date.")
        return
    say(f"Database: {waiting} migrations to apply.")
    call_command("migrate", interactive=False)


if __name__ == "__main__":
    main()
