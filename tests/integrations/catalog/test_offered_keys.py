"""Keys and tokens are offered by every installation; signing in at a provider waits for an OAuth app."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from integrations.catalog import read_definitions, sync
from integrations.models import AuthConfig
from tests.integrations.catalog.samples import toolkit, write_toolkit

NOW = datetime(2026, 1, 31, 12, 0, tzinfo=UTC)
pytestmark = pytest.mark.django_db


def run_sync(directory: Path) -> None:
    write_toolkit(directory, toolkit())
    sync(read_definitions([directory], base_url="https://switchboard.example"), now=NOW)


def offered() -> list[tuple[str, str, bool]]:
    rows = AuthConfig.objects.unscoped("a test looks at what was made").filter(owner__isnull=True)
    return list(rows.order_by("scheme").values_list("scheme", "name", "is_enabled"))


def test_schemes_that_need_no_app_are_offered_once(tmp_path: Path) -> None:
    run_sync(tmp_path)
    run_sync(tmp_path)

    assert offered() == [("api_key", "API key", True), ("basic", "Password", True)]


def test_what_an_operator_switched_off_or_renamed_stays_so(tmp_path: Path) -> None:
    run_sync(tmp_path)
    rows = AuthConfig.objects.unscoped("as an operator does")
    rows.filter(scheme="api_key").update(is_enabled=False, name="Our keys")

    run_sync(tmp_path)

    assert offered() == [("api_key", "Our keys", False), ("basic", "Password", True)]
