"""A worker that dies between sending an event and writing down the answer: it goes out again, and none is lost.

The receiver's own log is the truth, as the provider's is for executions.
"""

from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.faults.provider import HOOK
from tests.faults.stack import Stack, running_stack, wait_until

pytestmark = pytest.mark.faults
LEASE = 60  # longer than the sender's own, after which another one takes its place


@pytest.fixture
def stack(tmp_path: Path) -> Iterator[Stack]:
    with running_stack(tmp_path) as running:
        yield running


def over(stack: Stack) -> Any:
    """The deliveries, once each ended run of the organization has one that arrived."""
    told = stack.drive("deliveries")
    return told if len(told) == 4 and all(one["status"] == "delivered" for one in told) else None


def test_an_event_whose_answer_was_lost_with_its_worker_is_sent_again(stack: Stack) -> None:
    provider = stack.provider
    provider.hangs_at_events = True
    secret = stack.drive("hook", f"http://127.0.0.1:{provider.port}{HOOK}")["secret"]
    stack.start_beat()
    stack.start_worker()
    stack.drive("submit", "hook", 8)  # four of them under the organization's ID

    wait_until(lambda: provider.events, 60, "an event reaches the receiver")
    stack.kill("worker")
    [before] = [one for one in stack.drive("deliveries") if one["tries"]]
    provider.hangs_at_events = False
    stack.drive("hooks_wait", LEASE)
    stack.start_worker()
    wait_until(lambda: len(provider.events) == 5, 60, "every event has arrived")
    wait_until(lambda: over(stack), 30, "all of that is written down")

    counts = Counter(event.id for event in provider.events)
    assert (before["answers"], before["status"]) == (0, "waiting")  # sent, and nothing written down of it
    assert {one["id"] for one in over(stack)} == set(counts)
    assert counts.pop(before["id"]) == 2
    assert set(counts.values()) == {1}  # the twin: what was never in the dead worker's hands went out once
    assert all(event.is_signed_with(secret) for event in provider.events)
    [first, second] = [event.message for event in provider.events if event.id == before["id"]]
    assert first == second
