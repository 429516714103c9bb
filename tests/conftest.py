"""What every test shares: where fixtures come from, which files are run first, which tests need a database."""

import os
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from django.db import connection
from hypothesis import HealthCheck, settings
from pytest_django import DjangoDbBlocker

pytest_plugins = [f"tests.{file.stem}" for file in sorted(Path(__file__).parent.glob("fixtures_*.py"))]

LONG = ("browser", "faults", "emulate")  # what starts servers, browsers and whole installations
# A slow machine is no finding: neither of an example nor of how long it takes to make one.
settings.register_profile("patient", settings(), deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("patient")

DATABASE_FIXTURES = {"db", "transactional_db", "live_server", "furnished_once"}


@pytest.fixture(scope="session")
def django_db_setup(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> None:
    """Tests with transactions of their own empty all tables at the end, also those that only grow otherwise."""
    empty: Any = connection.ops.sql_flush
    growing = ["orgs_auditevent", "orgs_auditlink"]
    if connection.vendor == "postgresql":
        before = [f'ALTER TABLE "{table}" DISABLE TRIGGER USER' for table in growing]
        after = [f'ALTER TABLE "{table}" ENABLE TRIGGER USER' for table in growing]
    else:
        with django_db_blocker.unblock(), connection.cursor() as cursor:
            cursor.execute("SELECT name, sql FROM sqlite_master WHERE type = 'trigger'")
            triggers = cursor.fetchall()
        before = [f'DROP TRIGGER "{name}"' for name, _sql in triggers]
        after = [sql for _name, sql in triggers]

    def sql_flush(*args: Any, **options: Any) -> list[str]:
        return [*before, *empty(*args, **options), *after]

    connection.ops.sql_flush = sql_flush  # type: ignore[method-assign]  # for the test run only


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--no-database", action="store_true", help="leave out the tests that need a database")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """One worker runs a file as a whole, so that what it starts is started once. What takes long goes first."""
    sizes = Counter(item.path for item in items)
    long = {item.path for item in items if any(item.get_closest_marker(one) for one in LONG)}
    items.sort(key=lambda item: (item.path not in long, 0 if item.path in long else -sizes[item.path]))
    if config.getoption("--no-database"):
        left_out = [item for item in items if _needs_database(item)]
        config.hook.pytest_deselected(items=left_out)
        items[:] = [item for item in items if not _needs_database(item)]


def _needs_database(item: pytest.Item) -> bool:
    fixtures = set(getattr(item, "fixturenames", ()))
    return bool(item.get_closest_marker("django_db") or fixtures & DATABASE_FIXTURES)


def pytest_runtest_setup(item: pytest.Item) -> None:
    """Playwright keeps an event loop in this thread until the run ends; Django would refuse the database there."""
    if item.get_closest_marker("browser"):
        os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "1"
