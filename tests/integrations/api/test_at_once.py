"""Fifty programs at once, each with a connection of its own: how many runs there are then (goal G18, fault F34)."""

from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import Any

import pytest
from django.core.cache import cache
from django.db import connection

from integrations.models import Execution
from tests.factories import make_connected_account, make_tool, make_toolkit
from tests.integrations.api.door import Door, door_of, id_of
from tests.world import World

pytestmark = pytest.mark.faults  # a server has connections for one such crowd at a time: before the others
MANY = 50
Answers = Sequence[tuple[int, Any]]


@pytest.fixture
def _connections() -> Iterator[None]:
    """One for each of them, as several web processes have together: nobody waits for another one's."""
    pool: Any = getattr(connection, "pool", None)
    if pool is None:  # SQLite: each thread opens the file
        yield
        return
    pool.resize(pool.min_size, MANY + 1)
    yield
    connection.close()
    connection.close_pool()


@pytest.fixture
def door(world: World, settings: Any) -> Door:
    settings.API_LIMIT_PER_KEY = settings.API_LIMIT_PER_OWNER = 100_000
    cache.clear()
    toolkit = make_toolkit()
    make_tool(toolkit, effect="write")
    make_connected_account(toolkit, owner=world.member)
    return door_of(world.member)


def submit_at_once(door: Door, user_id: str, keys: Sequence[str]) -> Answers:
    """One request for each key; all of them wait for the last one before they are sent."""
    ready = Barrier(len(keys))
    body = {"tool": "GITHUB_GET_THING", "user_id": user_id, "arguments": {"name": "x"}}

    def submit(key: str) -> tuple[int, Any]:
        try:
            connection.ensure_connection()
            ready.wait(60)
            return door.post("/executions", body, **{"Idempotency-Key": key})
        finally:
            connection.close()

    with ThreadPoolExecutor(len(keys)) as pool:
        return list(pool.map(submit, keys))


def ids_of(answers: Answers) -> set[str]:
    assert Counter(status for status, _body in answers) == {202: MANY}, answers
    return {body["id"] for _status, body in answers}


def stored() -> int:
    return int(Execution.objects.unscoped("a test counts").count())


@pytest.mark.usefixtures("_connections")
@pytest.mark.django_db(transaction=True)
def test_fifty_at_once_with_one_key_are_one_run(world: World, door: Door) -> None:
    rounds = [ids_of(submit_at_once(door, id_of(world.member), [f"round-{one}"] * MANY)) for one in range(2)]

    assert [len(one) for one in rounds] == [1, 1]
    assert stored() == len(rounds[0] | rounds[1]) == 2


@pytest.mark.usefixtures("_connections")
@pytest.mark.django_db(transaction=True)
def test_fifty_at_once_with_a_key_each_are_fifty_runs(world: World, door: Door) -> None:
    ids = ids_of(submit_at_once(door, id_of(world.member), [f"key-{number}" for number in range(MANY)]))

    assert stored() == len(ids) == MANY
