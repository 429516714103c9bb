"""What a deployment, a poisonous run and whoever can write to Redis may do to a worker (faults F13, F27, F29, F30)."""

import base64
import json
import pickle
from collections.abc import Iterator
from pathlib import Path

import pytest
from redis import Redis

from tests.faults.checker import violations
from tests.faults.stack import Stack, running_stack, wait_until

pytestmark = pytest.mark.faults
RING_OFTEN = "from integrations.tasks import pump; [pump.delay() for _ in range({count})]"
SETTLE = 90


@pytest.fixture
def stack(tmp_path: Path) -> Iterator[Stack]:
    short = {"PROVIDER_CALL_DEADLINE": "5", "LEASE_MARGIN": "2", "READ_MAX_ATTEMPTS": "2"}
    with running_stack(tmp_path, **short) as running:
        yield running


def start_worker(stack: Stack, name: str) -> None:
    stack.start_worker(name)
    wait_until(lambda: stack.worker_is_up(name), SETTLE, "the worker is up")


def history_of(stack: Stack, prefix: str) -> dict[str, str]:
    return {row["tag"]: row["status"] for row in stack.drive("history") if row["tag"].startswith(prefix)}


# --- Redis holds what nobody of ours put there


def message(task: str, body: bytes, **values: object) -> str:
    """As Celery writes them."""
    headers = {"task": task, "id": "1", "lang": "py"}
    place = {"exchange": "", "routing_key": "pump"}
    properties = {"body_encoding": "base64", "delivery_tag": f"tag-{task}-{len(body)}", "delivery_info": place}
    content = {"content-type": "application/json", "content-encoding": "utf-8"}
    whole = {"body": base64.b64encode(body).decode(), "headers": headers, "properties": properties, **content}
    return json.dumps({**whole, **values})


class Bomb:
    """Unpickled, it leaves a file."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[object, tuple[str, str]]:
        return open, (str(self.path), "w")


def poison(trace: Path) -> list[str | bytes]:
    pickled = pickle.dumps(Bomb(trace))
    as_pickle = {"content-type": "application/x-python-serialize", "content-encoding": "binary"}
    return [
        message("integrations.pump", pickled, **as_pickle),
        message("no.such.task", b"[[], {}, {}]"),
        message("integrations.pump", b"{{{"),
        message("integrations.pump", b'"' + b"x" * 10_000_000 + b'"'),
        message("integrations.pump", b"[1]"),
        message("integrations.pump", b'[[1, 2], {"a": 1}, {}]'),
        message("integrations.pump", b"[[], {}, {}]", headers=None),
        message("integrations.pump", b"[[], {}, {}]", properties={}),
        "{}",
        "[]",
        "null",
        "not json",
        "[" * 100_000,
        b"\xff\xfe\x00",
    ]


def test_f30_messages_of_strangers_neither_stop_a_worker_nor_run_anything(stack: Stack, tmp_path: Path) -> None:
    trace = tmp_path / "unpickled"
    start_worker(stack, "worker")
    with Redis(port=stack.redis_port) as redis:
        for one in poison(trace):
            redis.lpush("pump", one)
        wait_until(lambda: redis.llen("pump") == 0, SETTLE, "the worker has taken all of it")

    stack.drive("submit", "f30", 6)
    wait_until(stack.all_over, SETTLE, "the worker goes on")

    assert stack.processes["worker"].poll() is None
    assert set(history_of(stack, "f30").values()) == {"succeeded"}
    assert sum(stack.provider.counts.values()) == 6  # nothing ran but what the database held
    assert not trace.exists()
    assert stack.logs().count("broker.message_dropped") >= 5


def test_f13_a_bell_that_submitting_many_times_doubles_nothing(stack: Stack) -> None:
    start_worker(stack, "worker")
    start_worker(stack, "second")

    submitting = stack.driving("submit", "f13", 40)
    stack.manage("shell", "--no-imports", "-c", RING_OFTEN.format(count=100))
    submitting.communicate(timeout=300)
    wait_until(stack.all_over, SETTLE, "every execution is over")

    assert submitting.returncode == 0
    assert set(history_of(stack, "f13").values()) == {"succeeded"}
    assert violations(stack.drive("history"), stack.provider.counts) == []
    assert set(stack.provider.counts.values()) == {1}


# --- A deployment


def test_f27_a_worker_that_is_told_to_stop_finishes_its_calls(stack: Stack) -> None:
    stack.provider.delay = 1.2
    stack.drive("submit", "f27", 24)  # before the worker starts: else it could be through before it is stopped
    start_worker(stack, "worker")
    wait_until(lambda: stack.provider.counts, SETTLE, "calls are under way")

    code = stack.terminate("worker", SETTLE)
    under_way = len(stack.provider.counts)
    after_the_stop = set(history_of(stack, "f27").values())
    start_worker(stack, "next")
    stack.start_beat()
    wait_until(stack.all_over, SETTLE, "the next worker has done the rest")

    assert code == 0
    assert 0 < under_way < 24
    assert after_the_stop == {"succeeded", "queued"}  # none was left in the middle
    assert set(history_of(stack, "f27").values()) == {"succeeded"}
    assert set(stack.provider.counts.values()) == {1}


# --- A run that ends its worker each time


def test_f29_a_run_that_kills_each_worker_is_given_up_and_others_go_on(stack: Stack) -> None:
    stack.provider.hang_after = {"poison"}
    stack.start_beat()
    stack.drive("submit_one", "read", "poison")
    for attempt in (1, 2):
        stack.start_worker(f"worker-{attempt}")
        wait_until(lambda seen=attempt: stack.provider.counts["poison"] == seen, SETTLE, "the worker tries it")
        stack.kill(f"worker-{attempt}")

    stack.drive("submit", "f29", 6)
    start_worker(stack, "worker")
    wait_until(stack.all_over, SETTLE, "everything is over")

    [row] = [row for row in stack.drive("history") if row["tag"] == "poison"]
    assert (row["status"], row["error"]) == ("failed", "worker_lost")
    assert set(history_of(stack, "f29").values()) == {"succeeded"}
    assert stack.provider.counts["poison"] == 2
