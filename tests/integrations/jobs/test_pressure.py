"""A provider that asks for patience, and people who press buttons at the same moment (faults F22, F35, F36)."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from threading import Barrier
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.utils import timezone

from integrations.jobs import claim_next, execute, sweep
from integrations.models import Execution
from integrations.models.encrypted import unseal
from integrations.services.executions import Order, cancel_execution, submit_execution
from orgs.errors import ConflictError
from tests.factories import actor_of, owner_ref
from tests.integrations.desk import Desk, reread
from tests.integrations.engine.servers import answer

MakeDesk = Callable[..., Desk]
THING = b'{"name": "thing"}'
RACES = 200
CAP = 15 * 60


def in_a_minute() -> str:
    return format_datetime(datetime.now(UTC) + timedelta(seconds=60), usegmt=True)


LONG_AGO = "Wed, 21 Oct 2015 07:28:00 GMT"


@pytest.mark.parametrize(
    ("header", "least", "most"),
    [
        ("60", 55, 65),
        ("in a minute", 30, 65),
        ("315360000", CAP - 5, CAP + 5),  # ten years
        ("9" * 400, 0, CAP + 5),
        ("soon", 0, 30),
        ("-5", 0, 30),
        ("NaN", 0, 30),
        ("", 0, 30),
        (LONG_AGO, 0, 30),
    ],
)
@pytest.mark.django_db
def test_a_429_waits_in_its_row_and_occupies_nobody(desk_of: MakeDesk, header: str, least: float, most: float) -> None:
    header = in_a_minute() if header == "in a minute" else header
    later = answer(b"{}", "429 Too Many Requests", f"Content-Type: application/json\r\nRetry-After: {header}\r\n")
    desk = desk_of(later, answer(THING))
    patient = desk.queue(created_at=timezone.now() - timedelta(seconds=5))
    began = timezone.now()

    first = desk.work()
    other = desk.queue()
    second = desk.work()

    assert first.id == patient.id
    assert (first.status, first.sent_at, first.lease_token) == ("queued", None, None)
    assert least <= (first.available_at - began).total_seconds() <= most
    assert (second.id, second.status) == (other.id, "succeeded")
    assert (timezone.now() - began).total_seconds() < 5


@pytest.mark.django_db
def test_a_429_is_followed_by_success_once_the_time_has_come(desk_of: MakeDesk) -> None:
    desk = desk_of(answer(b"{}", "429 Too Many Requests", "Retry-After: 60\r\n"), answer(THING))
    row = desk.queue(desk.write)
    desk.work()

    assert claim_next() is None
    Execution.objects.unscoped("a test").filter(id=row.id).update(available_at=timezone.now())

    assert desk.work().status == "succeeded"
    assert len(desk.provider.requests) == 2  # the first one was turned away, so this is no second write


@pytest.mark.parametrize(("tried", "end"), [(0, ("timed_out", "never_started")), (1, ("failed", "not_in_time"))])
@pytest.mark.django_db
def test_only_what_never_started_ends_as_never_started(desk_of: MakeDesk, tried: int, end: tuple[str, str]) -> None:
    """A read that was turned away until its time was over has reached the provider, and must not say otherwise."""
    desk = desk_of()
    row = desk.queue(attempt=tried, expires_at=timezone.now() - timedelta(seconds=1))

    assert sweep(force=True).timed_out == 1

    over = reread(row.id)
    assert (over.status, over.error_code) == end


# --- The same moment


@pytest.mark.django_db(transaction=True)
def test_cancel_against_claim_two_hundred_times(desk_of: MakeDesk) -> None:
    desk = desk_of(answer(THING))
    rows = [desk.queue(desk.write) for _ in range(RACES)]

    with ThreadPoolExecutor(2) as pool:
        accepted = [_race(pool, desk, row) for row in rows]

    ends = [reread(row.id).status for row in rows]
    assert set(ends) <= {"cancelled", "succeeded"}
    assert len(desk.provider.requests) == ends.count("succeeded")
    assert [end == "cancelled" for end in ends] == accepted


def _race(pool: ThreadPoolExecutor, desk: Desk, row: Execution) -> bool:
    """Whether the caller was told that it is called off."""
    ready = Barrier(2)
    worker = pool.submit(_together, ready, _claim_and_execute)
    caller = pool.submit(_together, ready, lambda: _call_off(desk, row))
    worker.result(20)
    return bool(caller.result(20))


def _together(ready: Barrier, act: Callable[[], Any]) -> Any:
    try:
        ready.wait(60)
        return act()
    finally:
        connection.close()


def _claim_and_execute() -> None:
    claim = claim_next()
    if claim is not None:
        execute(claim)


def _call_off(desk: Desk, row: Execution) -> bool:
    acting = {"actor": actor_of(desk.user), "owner": owner_ref(desk.holder)}
    try:
        cancel_execution(**acting, execution_id=row.id, now=timezone.now())
    except ConflictError:
        return False
    return True


@pytest.mark.django_db(transaction=True)
def test_a_form_that_is_sent_ten_times_at_once_runs_once(desk_of: MakeDesk) -> None:
    desk = desk_of(answer(THING))
    browser = Client()
    browser.force_login(desk.user)
    ready = Barrier(10)

    with ThreadPoolExecutor(10) as pool:
        sent = [
            pool.submit(_together, ready, lambda: _press(browser.cookies["session"].value, desk)) for _ in range(10)
        ]
        addresses = {one.result(30) for one in sent}

    assert len(addresses) == 1
    assert Execution.objects.unscoped("a test").count() == 1
    assert _press(browser.cookies["session"].value, desk, nonce="another") not in addresses  # the allowed twin


def _press(session: str, desk: Desk, nonce: str = "the-same") -> str:
    browser = Client()
    browser.cookies["session"] = session
    answered = browser.post(f"/me/tools/{desk.write.slug}/run/", {"arg-name": "thing", "nonce": nonce})
    assert answered.status_code == 302, answered.content.decode()
    return str(answered["Location"])


# --- What is kept of an order


@pytest.mark.django_db
def test_what_tells_orders_apart_does_not_give_their_arguments_away(desk_of: MakeDesk, settings: Any) -> None:
    """A plain hash in a stolen dump would let one try likely arguments until it fits (check S1)."""
    desk = desk_of()
    order = Order(owner_ref(desk.user).text_id, desk.read.slug, {"name": "yes"}, idempotency_key="k")
    mine = submit_execution(actor=actor_of(desk.user), order=order, now=timezone.now())

    same = submit_execution(actor=actor_of(desk.user), order=order, now=timezone.now())
    settings.SECRET_KEY = "another-installation-" + "x" * 40
    elsewhere = Order(order.requested, order.tool, order.arguments, idempotency_key="k2")
    other = submit_execution(actor=actor_of(desk.user), order=elsewhere, now=timezone.now())

    assert same.id == mine.id
    assert other.fingerprint != mine.fingerprint
    assert unseal(mine.arguments, table="execution", row=mine.id, field="arguments") == {"name": "yes"}
