"""Accepted executions survive the loss of any process, and no write is sent twice.

Short forms of the fault catalogue. Each test starts its own database, Redis, workers and beat, and
kills them; the provider's log decides. They run on SQLite, and on PostgreSQL when DATABASE_URL names it.
"""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.faults.checker import violations
from tests.faults.stack import DEADLINE, MARGIN, Stack, running_stack, wait_until

pytestmark = pytest.mark.faults
SETTLE = 90  # seconds after the last fault within which everything must be over


@pytest.fixture
def stack(tmp_path: Path) -> Iterator[Stack]:
    with running_stack(tmp_path) as running:
        yield running


def statuses(stack: Stack) -> set[str]:
    return {row["status"] for row in stack.drive("history")}


def assert_honest(stack: Stack, expected: int) -> None:
    history = stack.drive("history")

    assert len(history) == expected
    assert violations(history, stack.provider.counts) == []
    stack.manage("audit_tenancy")  # fails when anything points across owners


def kill_workers_at_work(stack: Stack, times: int, *, flush: bool = False) -> None:
    """Kill a worker that has sent something, and another, each deeper in its work than the one before.

    What the provider saw decides when, not a clock: on a slow machine a worker needs long to start.
    """
    for number in range(times):
        wanted = stack.provider.sent + 1 + 10 * number
        stack.start_worker()
        wait_until(lambda wanted=wanted: stack.provider.sent >= wanted, SETTLE, "the worker is at work")
        if flush:
            stack.flush_redis()
        stack.kill("worker")


def was_interrupted(stack: Stack) -> bool:
    """Whether a run was under way when its worker died: such a write is told as unknown, such a read is sent again."""
    return "unknown" in statuses(stack) or max(stack.provider.counts.values()) > 1


def test_f1_killing_workers_loses_nothing_and_doubles_no_write(stack: Stack) -> None:
    stack.provider.delay = 0.15
    stack.start_beat()
    stack.drive("submit", "f1", 160)

    kill_workers_at_work(stack, 4)
    stack.start_worker()
    wait_until(stack.all_over, SETTLE, "every execution is over")

    assert was_interrupted(stack)  # else no worker was at work when it was killed
    assert_honest(stack, 160)


def test_f5_a_write_whose_answer_was_lost_ends_as_outcome_unknown(stack: Stack) -> None:
    stack.provider.hang_after = {"lost-answer"}
    stack.start_beat()
    stack.start_worker()
    wait_until(stack.worker_is_up, SETTLE, "the worker is up")
    stack.drive("submit_one", "write", "lost-answer")

    stack.provider.wait_for("lost-answer", SETTLE)
    stack.kill("worker")
    stack.start_worker()
    wait_until(stack.all_over, DEADLINE + MARGIN + SETTLE, "the sweep has ended it")

    [row] = stack.drive("history")
    assert (row["status"], row["error"]) == ("unknown", "interrupted")
    assert stack.provider.counts["lost-answer"] == 1


def test_f5_twin_a_read_whose_answer_was_lost_is_run_again(stack: Stack) -> None:
    stack.provider.hang_after = {"lost-answer"}
    stack.start_beat()
    stack.start_worker()
    wait_until(stack.worker_is_up, SETTLE, "the worker is up")
    stack.drive("submit_one", "read", "lost-answer")

    stack.provider.wait_for("lost-answer", SETTLE)
    stack.kill("worker")
    stack.provider.hang_after = set()
    stack.start_worker()
    wait_until(stack.all_over, DEADLINE + MARGIN + SETTLE, "it was run again")

    assert statuses(stack) == {"succeeded"}
    assert stack.provider.counts["lost-answer"] == 2


def test_f6_a_web_process_that_dies_before_it_rings_loses_nothing(stack: Stack) -> None:
    stack.start_beat()
    stack.start_worker()
    wait_until(stack.worker_is_up, SETTLE, "the worker is up")

    submitting = stack.driving("submit_and_die", "write", "no-bell")
    submitting.communicate(timeout=SETTLE)
    wait_until(lambda: stack.drive("open_count") == {"open": 0, "all": 1}, SETTLE, "the sweep has rung")

    assert submitting.returncode == -9
    assert statuses(stack) == {"succeeded"}
    assert stack.provider.counts["no-bell"] == 1


def test_f9_flushing_redis_while_workers_die_loses_nothing(stack: Stack) -> None:
    stack.provider.delay = 0.15
    stack.start_beat()
    stack.drive("submit", "f9", 100)

    kill_workers_at_work(stack, 3, flush=True)
    stack.start_worker()
    wait_until(stack.all_over, SETTLE, "every execution is over")

    assert was_interrupted(stack)
    assert_honest(stack, 100)


def test_f10_while_redis_is_down_runs_are_accepted_and_done_after_its_return(stack: Stack) -> None:
    stack.start_beat()
    stack.start_worker()
    wait_until(stack.worker_is_up, SETTLE, "the worker is up")
    stack.kill("redis")

    submitted = stack.drive("submit", "f10", 40, 0.1)
    session = stack.drive("session")
    stack.start_redis()
    wait_until(stack.all_over, SETTLE, "every execution is over")

    assert submitted["slowest"] < 5  # a blocking client needs six seconds for each: the bell must not wait
    assert session["status"] == 200
    assert_honest(stack, 40)
