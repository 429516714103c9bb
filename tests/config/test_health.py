from datetime import timedelta
from typing import Any

import pytest
from django.conf import LazySettings
from django.db import DatabaseError, connection
from django.test import Client
from django.utils import timezone

from config import health, migrations
from config.run.claims import free_port
from integrations.models import Sweep


@pytest.fixture
def _redis_answers(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(health, "_redis", lambda: {"status": "ok"})


def sweep(seconds_ago: float) -> None:
    Sweep.objects.create(taken_at=timezone.now() - timedelta(seconds=seconds_ago))


def broken(*_args: Any, **_kwargs: Any) -> Any:
    raise DatabaseError("could not connect to server at db.internal as user switchboard")


def test_healthz_needs_nothing_but_the_process(client: Client) -> None:
    answer = client.get("/healthz")

    assert (answer.status_code, answer.json()) == (200, {"status": "ok"})


@pytest.mark.django_db
@pytest.mark.usefixtures("_redis_answers")
def test_readyz_is_ok_when_all_is_well(client: Client) -> None:
    sweep(seconds_ago=1)

    answer = client.get("/readyz")

    assert answer.status_code == 200
    assert answer.json()["status"] == "ok"
    assert set(answer.json()["checks"]) == {"database", "redis", "migrations", "sweep"}


@pytest.mark.django_db
def test_readyz_reports_a_dead_redis_and_stays_ready(client: Client, settings: LazySettings) -> None:
    settings.REDIS_URL = f"redis://127.0.0.1:{free_port()}/0"

    answer = client.get("/readyz")

    assert answer.status_code == 200
    assert answer.json()["status"] == "degraded"
    assert answer.json()["checks"]["redis"] == {"status": "unreachable", "error": "ConnectionError"}


@pytest.mark.django_db
@pytest.mark.usefixtures("_redis_answers")
def test_readyz_fails_without_database_and_does_not_quote_the_error(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connection, "cursor", broken)

    answer = client.get("/readyz")

    assert answer.status_code == 503
    assert answer.json()["status"] == "unavailable"
    assert b"db.internal" not in answer.content


@pytest.mark.django_db
@pytest.mark.usefixtures("_redis_answers")
def test_readyz_fails_while_migrations_wait(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(migrations.MigrationExecutor, "migration_plan", lambda *_: [("one", False)])

    answer = client.get("/readyz")

    assert answer.status_code == 503
    assert answer.json()["checks"]["migrations"] == {"status": "waiting", "count": 1}


@pytest.mark.django_db
@pytest.mark.usefixtures("_redis_answers")
@pytest.mark.parametrize(("seconds_ago", "expected"), [(1, "ok"), (3600, "late")])
def test_readyz_tells_when_the_last_sweep_was(client: Client, seconds_ago: int, expected: str) -> None:
    sweep(seconds_ago=seconds_ago)

    found = client.get("/readyz").json()["checks"]["sweep"]

    assert found["status"] == expected
    assert found["age_seconds"] == pytest.approx(seconds_ago, abs=5)


@pytest.mark.django_db
@pytest.mark.usefixtures("_redis_answers")
def test_readyz_tells_that_nothing_ever_swept(client: Client) -> None:
    assert client.get("/readyz").json()["checks"]["sweep"] == {"status": "never"}
