"""The bell and who answers it: what runs is what the database holds, however often anybody rings."""

from collections.abc import Callable

import pytest
from kombu.exceptions import OperationalError

from integrations import tasks
from integrations.models import Sweep
from tests.integrations.desk import Desk, reread
from tests.integrations.engine.servers import answer

MakeDesk = Callable[..., Desk]


@pytest.fixture
def bell(monkeypatch: pytest.MonkeyPatch) -> tasks._Bell:
    """A bell of the test's own, which has not failed yet."""
    bell = tasks._Bell()
    monkeypatch.setattr(tasks, "_bell", bell)
    return bell


def test_pump_executes_all_that_is_due(desk_of: MakeDesk) -> None:
    desk = desk_of(answer(b"{}"))
    rows = [desk.queue() for _ in range(3)]

    tasks.pump()

    assert [reread(row.id).status for row in rows] == ["succeeded"] * 3
    assert len(desk.provider.requests) == 3


def test_pump_answers_a_ring_for_nothing(db: None) -> None:
    tasks.pump(of="an older release")


def test_pump_that_runs_out_of_time_rings_for_the_rest(desk_of: MakeDesk, monkeypatch: pytest.MonkeyPatch) -> None:
    desk = desk_of()
    row = desk.queue()
    rung: list[bool] = []
    monkeypatch.setattr(tasks, "PUMP_SECONDS", 0)
    monkeypatch.setattr(tasks, "ring", lambda: rung.append(True))

    tasks.pump()

    assert rung
    assert reread(row.id).status == "queued"


@pytest.mark.django_db(transaction=True)  # the task hands its connection back
def test_sweep_task_rings_for_work_that_nobody_was_told_of(desk_of: MakeDesk, monkeypatch: pytest.MonkeyPatch) -> None:
    rung: list[bool] = []
    monkeypatch.setattr(tasks, "ring", lambda: rung.append(True))
    desk = desk_of()
    tasks.sweep_task()
    before = len(rung)
    desk.queue()
    Sweep.objects.all().delete()

    tasks.sweep_task()

    assert (before, len(rung)) == (0, 1)


def test_ring_reaches_the_broker(bell: tasks._Bell) -> None:
    assert bell.ring()
    assert bell.failures == 0


def test_ring_swallows_a_dead_broker_and_keeps_quiet_for_a_while(
    bell: tasks._Bell, monkeypatch: pytest.MonkeyPatch
) -> None:
    tried: list[int] = []

    def refuse(**_options: object) -> None:
        tried.append(1)
        raise OperationalError("connection refused")

    monkeypatch.setattr(tasks.pump, "apply_async", refuse)

    assert [bell.ring(), bell.ring()] == [False, False]
    assert (len(tried), bell.failures) == (1, 1)


def test_ring_tries_again_after_the_pause(bell: tasks._Bell, monkeypatch: pytest.MonkeyPatch) -> None:
    bell._fail(OSError())

    assert not bell.ring()
    bell._silent_until = 0
    assert bell.ring()
