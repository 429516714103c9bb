"""What a crash left behind is put right, and what is too old is forgotten."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from integrations.jobs import sweep
from integrations.models import Execution
from tests.integrations.desk import Desk, reread

MakeDesk = Callable[..., Desk]


def crashed(desk: Desk, effect: str, **values: Any) -> Execution:
    """An execution whose worker died: running, with a lease that is over."""
    past = timezone.now() - timedelta(seconds=1)
    return desk.queue(getattr(desk, effect), status="running", **{"attempt": 1, "lease_until": past, **values})


@pytest.mark.parametrize(
    ("effect", "sent", "ends"),
    [("read", False, "queued"), ("write", False, "queued"), ("read", True, "queued"), ("write", True, "unknown")],
)
def test_sweep_frees_a_lost_lease(desk_of: MakeDesk, effect: str, *, sent: bool, ends: str) -> None:
    row = crashed(desk_of(), effect, sent_at=timezone.now() if sent else None)

    report = sweep(force=True)

    row = reread(row.id)
    assert (row.status, row.lease_token) == (ends, None)
    assert (report.requeued, report.unknown) == ((1, 0) if ends == "queued" else (0, 1))
    assert (row.finished_at is not None) == (ends == "unknown")


def test_sweep_says_what_nobody_knows(desk_of: MakeDesk) -> None:
    row = crashed(desk_of(), "write", sent_at=timezone.now())

    sweep(force=True)

    assert "nobody knows whether it was done" in reread(row.id).error_message


def test_sweep_leaves_a_running_lease_alone(desk_of: MakeDesk) -> None:
    row = crashed(desk_of(), "write", lease_until=timezone.now() + timedelta(minutes=1))

    report = sweep(force=True)

    assert reread(row.id).status == "running"
    assert report.requeued == report.unknown == 0


def test_sweep_gives_up_what_kills_each_worker(desk_of: MakeDesk) -> None:
    row = crashed(desk_of(), "read", attempt=3)

    assert sweep(force=True).failed == 1

    row = reread(row.id)
    assert (row.status, row.error_code) == ("failed", "worker_lost")


def test_sweep_cancels_instead_of_queueing_again(desk_of: MakeDesk) -> None:
    row = crashed(desk_of(), "write", cancel_requested_at=timezone.now())

    sweep(force=True)

    assert reread(row.id).status == "cancelled"


def test_sweep_lets_the_work_go_on_at_once(desk_of: MakeDesk) -> None:
    desk = desk_of()
    row = crashed(desk, "write")

    assert sweep(force=True).work_left

    assert desk.work().id == row.id
    assert reread(row.id).status == "succeeded"


def test_sweep_times_out_what_never_started(desk_of: MakeDesk) -> None:
    desk = desk_of()
    past = timezone.now() - timedelta(seconds=1)
    late, waiting, fresh = desk.queue(expires_at=past), desk.queue(status="waiting_for_approval"), desk.queue()
    Execution.objects.unscoped("a test").filter(id=waiting.id).update(expires_at=past)

    assert sweep(force=True).timed_out == 2

    assert [reread(one.id).status for one in (late, waiting, fresh)] == ["timed_out", "timed_out", "queued"]


def test_sweep_reports_work_that_nobody_was_told_of(desk_of: MakeDesk) -> None:
    desk = desk_of()

    assert not sweep(force=True).work_left
    desk.queue()
    assert sweep(force=True).work_left


def test_sweep_purges_what_is_older_than_the_retention(desk_of: MakeDesk) -> None:
    desk = desk_of()
    now = timezone.now()
    old = desk.queue(status="succeeded", finished_at=now - timedelta(days=31))
    recent = desk.queue(status="succeeded", finished_at=now - timedelta(days=29))

    sweep(force=True)

    assert (reread(old.id).arguments, reread(old.id).status) == (None, "succeeded")
    assert reread(old.id).purged_at is not None
    assert reread(recent.id).arguments is not None


def test_sweep_forgets_idempotency_keys_after_a_day(desk_of: MakeDesk) -> None:
    desk = desk_of()
    now = timezone.now()
    old = desk.queue(status="succeeded", idempotency_key="a", created_at=now - timedelta(hours=25))
    recent = desk.queue(status="succeeded", idempotency_key="b")

    sweep(force=True)

    assert (reread(old.id).idempotency_key, reread(recent.id).idempotency_key) == (None, "b")


def test_sweep_is_taken_by_one_at_a_time(db: None) -> None:
    assert sweep().taken
    assert not sweep().taken
    assert sweep(force=True).taken
