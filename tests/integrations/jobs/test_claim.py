"""Who is served next, and that nobody is served twice."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from threading import Barrier

import pytest
from django.db import connection
from django.utils import timezone
from pytest_django import Settings

from integrations.jobs import Claim, claim_next, has_due
from tests.factories import make_connected_account, make_user
from tests.integrations.desk import Desk, reread
from tests.world import World

MakeDesk = Callable[..., Desk]


def test_claim_takes_the_oldest_with_a_lease(desk_of: MakeDesk) -> None:
    desk = desk_of()
    first, _second = desk.queue(), desk.queue()

    claim = desk.claim()

    row = reread(first.id)
    assert claim == Claim(first.id, row.lease_token)
    assert (row.status, row.attempt) == ("running", 1)
    assert row.started_at is not None
    assert row.lease_until > timezone.now() + timedelta(seconds=30)


def test_claim_finds_nothing_when_nothing_is_due(desk_of: MakeDesk) -> None:
    desk = desk_of()
    now = timezone.now()
    desk.queue(available_at=now + timedelta(minutes=5))
    desk.queue(expires_at=now - timedelta(seconds=1))
    desk.queue(status="succeeded")
    desk.queue(status="waiting_for_approval")

    assert claim_next() is None
    assert not has_due()


def test_claim_serves_owners_in_turn_whatever_their_backlog(desk_of: MakeDesk) -> None:
    desk = desk_of()
    other = make_user("otto")
    account = make_connected_account(desk.toolkit, owner=other)
    for _ in range(3):
        desk.queue()
    late = desk.queue(owner=other, user=other, connected_account=account)

    served = [reread(desk.claim().execution_id).owner_id for _ in range(3)]

    assert served.index(late.owner_id) <= 1
    assert len(set(served)) == 2


def test_claim_leaves_an_owner_at_the_cap_to_wait(desk_of: MakeDesk, settings: Settings) -> None:
    settings.OWNER_CONCURRENCY = 2
    desk = desk_of()
    for _ in range(3):
        desk.queue()

    desk.claim(), desk.claim()

    assert claim_next() is None
    assert has_due()


def test_claim_cap_of_one_owner_does_not_hold_up_another(
    acme_desk_of: MakeDesk, world: World, settings: Settings
) -> None:
    settings.OWNER_CONCURRENCY = 1
    desk = acme_desk_of()
    desk.queue(), desk.queue()
    account = make_connected_account(desk.toolkit, owner=world.member)
    own = desk.queue(owner=world.member, connected_account=account)

    claimed = {desk.claim().execution_id, desk.claim().execution_id}

    assert own.id in claimed


@pytest.mark.django_db(transaction=True)
def test_claim_gives_each_of_several_claimers_another_execution(desk_of: MakeDesk, settings: Settings) -> None:
    settings.OWNER_CONCURRENCY = 4
    desk = desk_of()
    rows = {desk.queue().id for _ in range(6)}
    ready = Barrier(4)

    with ThreadPoolExecutor(4) as pool:
        claims = list(pool.map(lambda _: _claim_together(ready), range(4)))

    taken = [claim.execution_id for claim in claims if claim]
    assert len(taken) == len(set(taken)) == 4
    assert set(taken) < rows


def _claim_together(ready: Barrier) -> Claim | None:
    try:
        ready.wait(60)
        return claim_next()
    finally:
        connection.close()
