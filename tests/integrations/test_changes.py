"""Two who change the same thing at the same moment: the second waits, then sees what the first has done."""

import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import timedelta
from typing import Any, Final
from uuid import uuid4

import pytest
from django.db import connection, transaction
from django.utils import timezone

from integrations.catalog import Identity
from integrations.engine.types import AuthScheme
from integrations.models import ConnectedAccount, Execution
from integrations.services.approvals import approve_execution
from integrations.services.connections.care import make_default, pause_account, resume_account
from integrations.services.connections.store import NewAccount, store_account
from integrations.services.executions import cancel_execution
from integrations.services.leaving import remove_from_organization
from orgs.errors import ConflictError
from orgs.models import Membership
from tests.factories import actor_of, make_connected_account, make_execution
from tests.integrations.desk import Desk, reread
from tests.integrations.engine.servers import answer
from tests.world import World

pytestmark = pytest.mark.django_db(transaction=True)
PATIENCE: Final = 60  # seconds
WAITING: Final = """
    SELECT 1 FROM pg_locks JOIN pg_stat_activity USING (pid) WHERE NOT granted AND datname = current_database()
"""


@pytest.fixture
def desk(acme_desk_of: Callable[..., Desk]) -> Desk:
    return acme_desk_of(answer(b"{}"))


def rows() -> Any:
    return Execution.objects.unscoped("a test changes them")


def taken() -> dict[str, Any]:
    """What a worker writes who takes a run."""
    now = timezone.now()
    return {
        "status": "running",
        "attempt": 1,
        "started_at": now,
        "lease_token": uuid4(),
        "lease_until": now + timedelta(minutes=1),
    }


@contextmanager
def late(change: Callable[..., Any], **values: Any) -> Iterator[Any]:
    """Change what the block changes; `change` begins before that is over, and has to wait. Yields its future."""

    def go() -> Any:
        try:
            return change(**values)
        finally:
            connection.close()

    with ThreadPoolExecutor(1) as pool, transaction.atomic():
        yield lambda: waiting(pool.submit(go))


def waiting(future: Any) -> Any:
    wait_until_it_waits()
    return future


def wait_until_it_waits() -> None:
    """Return when another connection waits for a lock. On SQLite, where one writes at a time, after a moment."""
    if connection.vendor != "postgresql":
        threading.Event().wait(0.2)
        return
    until = time.monotonic() + PATIENCE
    while time.monotonic() < until:
        with connection.cursor() as cursor:
            cursor.execute(WAITING)
            if cursor.fetchone():
                return
        threading.Event().wait(0.02)
    raise AssertionError("Nobody waited.")


def acting(world: World, who: str = "admin") -> dict[str, Any]:
    return {"actor": actor_of(world.people[who], world.acme), "owner": world.acme.ref}


def signed_in(desk: Desk) -> NewAccount:
    """What a sign-in at the provider brought."""
    return NewAccount(
        auth_config=desk.account.auth_config,
        scheme=AuthScheme.OAUTH2,
        values={"access_token": "t", "refresh_token": ""},
        identity=Identity(id="4711", label="team"),
        base_url=desk.account.base_url,
    )


def test_a_run_that_was_sent_meanwhile_is_not_called_off(desk: Desk, world: World) -> None:
    row = desk.queue(desk.write)
    values = {
        "actor": actor_of(world.member, world.acme),
        "owner": world.acme.ref,
        "execution_id": row.id,
        "now": timezone.now(),
    }

    with late(cancel_execution, **values) as begin:
        rows().select_for_update().get(id=row.id)
        cancelling = begin()
        rows().filter(id=row.id).update(**taken(), sent_at=timezone.now())

    with pytest.raises(ConflictError):
        cancelling.result(PATIENCE)
    left = reread(row.id)
    assert (left.status, left.finished_at, left.cancel_requested_at) == ("running", None, None)
    assert left.sent_at is not None


def test_a_run_that_a_worker_took_meanwhile_is_asked_to_end(desk: Desk, world: World) -> None:
    row = desk.queue(desk.write)
    values = {
        "actor": actor_of(world.member, world.acme),
        "owner": world.acme.ref,
        "execution_id": row.id,
        "now": timezone.now(),
    }

    with late(cancel_execution, **values) as begin:
        rows().select_for_update().get(id=row.id)
        cancelling = begin()
        rows().filter(id=row.id).update(**taken())

    cancelling.result(PATIENCE)
    left = reread(row.id)
    assert (left.status, left.finished_at) == ("running", None)
    assert left.cancel_requested_at is not None


def test_a_run_that_was_called_off_meanwhile_is_not_approved(desk: Desk, world: World) -> None:
    row = make_execution(
        desk.write, owner=world.acme, user=world.member, connected_account=desk.account, status="waiting_for_approval"
    )
    values = {
        "actor": actor_of(world.admin, world.acme),
        "owner": world.acme.ref,
        "execution_id": row.id,
        "now": timezone.now(),
    }
    rows().filter(id=row.id).update(expires_at=timezone.now() + timedelta(hours=1))

    with late(approve_execution, **values) as begin:
        rows().select_for_update().get(id=row.id)
        approving = begin()
        rows().filter(id=row.id).update(status="cancelled", finished_at=timezone.now())

    with pytest.raises(ConflictError):
        approving.result(PATIENCE)
    assert reread(row.id).status == "cancelled"


def test_two_who_choose_the_default_at_once_leave_one(desk: Desk, world: World) -> None:
    first, second = desk.account, make_connected_account(desk.toolkit, owner=world.acme, identity_key="second")
    values = acting(world)

    with late(make_default, **values, account_id=second.id) as begin:
        make_default(**values, account_id=first.id)
        choosing = begin()

    assert choosing.result(PATIENCE)[1] == first
    assert list(accounts(world).filter(is_default=True)) == [second]


def test_two_tabs_that_connect_the_same_identity_at_once_make_one_account(desk: Desk, world: World) -> None:
    now, me = timezone.now(), world.member.owner.ref
    new = signed_in(desk)
    values: dict[str, Any] = {"actor": actor_of(world.member), "owner": me, "now": now}

    with late(store_account, new=new, **values) as begin:
        made = store_account(new, **values)
        storing = begin()

    again = storing.result(PATIENCE)
    assert (made.was_renewed, again.was_renewed) == (False, True)
    assert again.account == made.account
    assert ConnectedAccount.objects.owned_by(me).count() == 1


def test_an_account_that_is_disconnected_meanwhile_is_not_renewed_but_made_anew(desk: Desk, world: World) -> None:
    new = signed_in(desk)
    accounts(world).update(identity_key="4711")
    values = acting(world)

    with late(store_account, new=new, **values, now=timezone.now()) as begin:
        accounts(world).update(status="revoked", credentials=None, is_default=False)
        storing = begin()

    stored = storing.result(PATIENCE)
    assert not stored.was_renewed
    assert {one.id: one.status for one in accounts(world)} == {desk.account.id: "revoked", stored.account.id: "active"}


@pytest.mark.parametrize(("act", "before"), [(pause_account, "active"), (resume_account, "paused")])
def test_an_account_that_expired_meanwhile_stays_expired(
    desk: Desk, world: World, act: Callable[..., Any], before: str
) -> None:
    accounts(world).update(status=before)
    values = acting(world)

    with late(act, **values, account_id=desk.account.id) as begin:
        accounts(world).update(status="expired")
        late_one = begin()

    with pytest.raises(ConflictError):
        late_one.result(PATIENCE)
    assert accounts(world).get().status == "expired"


@pytest.mark.parametrize(("meanwhile", "successor"), [("expired", "admin"), ("revoked", None), ("active", "admin")])
def test_an_account_that_changed_while_its_maker_was_removed_stays_what_it_became(
    desk: Desk, world: World, meanwhile: str, successor: str | None
) -> None:
    Membership.objects.filter(user=world.member).update(role="admin")
    accounts(world).update(connected_by=world.member)
    place = Membership.objects.get(user=world.member)

    with late(remove_from_organization, **acting(world), member_id=place.id, now=timezone.now()) as begin:
        wiped = {"credentials": None, "is_default": False} if meanwhile == "revoked" else {}
        accounts(world).update(status=meanwhile, **wiped)
        removing = begin()

    removing.result(PATIENCE)
    after = accounts(world).get()
    assert after.status == ("needs_attention" if meanwhile == "active" else meanwhile)
    assert after.successor == (world.people[successor] if successor else None)


def accounts(world: World) -> Any:
    return ConnectedAccount.objects.owned_by(world.acme.ref)


def test_a_change_that_asks_a_subquery_is_noted(
    desk: Desk, world: World, changes_look_at_their_row: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tests.fixtures_changes.line_of_product", lambda _frame: "product.py:1")

    rows().filter(owner__organization=world.acme, status="queued").update(tool_slug="X")
    assert [line[:15] for line in changes_look_at_their_row] == ["product.py:1: U"]

    changes_look_at_their_row.clear()
    Execution.objects.owned_by(world.acme.ref).filter(status="queued").update(tool_slug="X")
