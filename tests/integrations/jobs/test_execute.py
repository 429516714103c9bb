"""A claimed execution against a provider that really listens: the verdict table, and rights that changed."""

import socket
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from threading import Barrier

import pytest
from django.db import connection
from django.utils import timezone
from pytest_django import Settings

from integrations.jobs import claim_next, execute
from integrations.jobs.endings import requeue
from integrations.models import ConnectedAccount, Execution, Toolkit
from integrations.models.encrypted import Sealed
from integrations.services.executions import cancel_execution
from orgs.errors import ConflictError
from orgs.models import Membership
from tests.factories import actor_of, make_api_key, make_connected_account
from tests.integrations.desk import TOKEN, Desk, give_credentials, reread, stored_result
from tests.integrations.engine.servers import answer, reset
from tests.world import World

MakeDesk = Callable[..., Desk]
THING = b'{"name": "thing", "owner": "dora"}'


def cut_off(conn: socket.socket, _request: bytes) -> None:
    """Promise a body and stop in the middle of it."""
    conn.sendall(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 500\r\n\r\n{")
    reset(conn)


# --- What the provider says


def test_execute_stores_the_result_and_what_was_sent(desk_of: MakeDesk) -> None:
    desk = desk_of(answer(THING))
    desk.queue()

    row = desk.work()

    stored = stored_result(row)
    assert (row.status, row.http_status, row.attempt) == ("succeeded", 200, 1)
    assert None not in {row.finished_at, row.sent_at}
    assert row.lease_token is None
    assert stored["result"] == {"name": "thing", "owner": "dora"}
    assert stored["request"]["url"] == f"{desk.provider.url}/things/thing"
    assert TOKEN not in str(stored)
    assert TOKEN.encode() in desk.provider.requests[0]


def test_execute_strikes_out_credentials_that_the_provider_echoes(desk_of: MakeDesk) -> None:
    desk = desk_of(answer(b'{"you sent": "Bearer ' + TOKEN.encode() + b'"}'))
    desk.queue()

    row = desk.work()

    assert row.status == "succeeded"
    assert TOKEN not in str(stored_result(row))


def test_execute_remembers_that_the_account_was_used(desk_of: MakeDesk) -> None:
    desk = desk_of(answer(THING))
    desk.queue()

    desk.work()

    desk.account.refresh_from_db()
    assert desk.account.last_used_at is not None


def test_execute_refreshes_once_after_a_401_and_sends_again(desk_of: MakeDesk) -> None:
    fresh = b'{"access_token": "the-access-token-2", "token_type": "Bearer", "expires_in": 3600}'
    desk = desk_of(answer(b"{}", "401 Unauthorized"), answer(fresh), answer(THING))
    give_credentials(desk.account, access_token=TOKEN, refresh_token="refresh-1")
    desk.queue(desk.write)

    row = desk.work()

    assert row.status == "succeeded"
    assert [one.split(b"\r\n")[0] for one in desk.provider.requests] == [
        b"POST /things HTTP/1.1",
        b"POST /token HTTP/1.1",
        b"POST /things HTTP/1.1",
    ]
    assert b"the-access-token-2" in desk.provider.requests[2]


def test_execute_expires_the_account_when_fresh_credentials_are_turned_down_too(desk_of: MakeDesk) -> None:
    fresh = b'{"access_token": "the-access-token-2", "token_type": "Bearer", "expires_in": 3600}'
    desk = desk_of(answer(b"{}", "401 Unauthorized"), answer(fresh), answer(b"{}", "401 Unauthorized"))
    give_credentials(desk.account, access_token=TOKEN, refresh_token="refresh-1")
    desk.queue()

    row = desk.work()

    desk.account.refresh_from_db()
    assert (row.status, desk.account.status) == ("failed", "expired")
    assert len(desk.provider.requests) == 3


def test_execute_expires_an_account_that_has_nothing_to_refresh_with(desk_of: MakeDesk) -> None:
    desk = desk_of(answer(b"{}", "401 Unauthorized"))
    desk.queue()

    row = desk.work()

    desk.account.refresh_from_db()
    assert (row.status, row.http_status, desk.account.status) == ("failed", 401, "expired")
    assert len(desk.provider.requests) == 1


@pytest.mark.parametrize("effect", ["read", "write"])
def test_execute_waits_as_long_as_a_429_asks(desk_of: MakeDesk, effect: str) -> None:
    desk = desk_of(answer(b"{}", "429 Too Many Requests", "Content-Type: application/json\r\nRetry-After: 40\r\n"))
    desk.queue(getattr(desk, effect))

    row = desk.work()

    wait = (row.available_at - timezone.now()).total_seconds()
    assert (row.status, row.sent_at) == ("queued", None)
    assert 35 < wait <= 41


@pytest.mark.parametrize(("effect", "ends"), [("read", "queued"), ("write", "failed")])
def test_execute_repeats_a_read_after_a_500_and_never_a_write(desk_of: MakeDesk, effect: str, ends: str) -> None:
    desk = desk_of(answer(b'{"message": "oops"}', "500 Internal Server Error"))
    desk.queue(getattr(desk, effect))

    row = desk.work()

    assert row.status == ends
    assert row.error_message


@pytest.mark.parametrize("effect", ["read", "write"])
def test_execute_queues_again_what_certainly_was_not_sent(desk_of: MakeDesk, settings: Settings, effect: str) -> None:
    desk = desk_of()
    with socket.socket() as nobody_listens:
        nobody_listens.bind(("127.0.0.1", 0))
        pair = f"127.0.0.1:{nobody_listens.getsockname()[1]}"
        settings.EGRESS_ALLOW = settings.EGRESS_ALLOW | {pair}
        ConnectedAccount.objects.unscoped("a test").update(base_url=f"http://{pair}")
        desk.queue(getattr(desk, effect))

        row = desk.work()

    assert (row.status, row.sent_at, row.attempt) == ("queued", None, 1)


@pytest.mark.parametrize(("effect", "ends"), [("read", "queued"), ("write", "unknown")])
def test_execute_does_not_know_how_a_cut_off_write_ended(desk_of: MakeDesk, effect: str, ends: str) -> None:
    desk = desk_of(cut_off)
    desk.queue(getattr(desk, effect))

    row = desk.work()

    assert row.status == ends
    assert len(desk.provider.requests) == 1
    assert (row.sent_at is not None) == (ends == "unknown")


def test_execute_gives_a_read_up_after_its_last_attempt(desk_of: MakeDesk) -> None:
    desk = desk_of(answer(b"{}", "500 Internal Server Error"))
    desk.queue(attempt=2)

    row = desk.work()

    assert (row.status, row.attempt) == ("failed", 3)
    assert "Given up" in row.error_message


def test_execute_fails_on_a_clear_no(desk_of: MakeDesk) -> None:
    desk = desk_of(answer(b'{"message": "No such thing"}', "404 Not Found"))
    desk.queue(desk.write)

    row = desk.work()

    assert (row.status, row.http_status, row.error_message) == ("failed", 404, "No such thing")


def test_execute_fails_on_a_target_that_the_guard_refuses(desk_of: MakeDesk) -> None:
    desk = desk_of()
    ConnectedAccount.objects.unscoped("a test").update(base_url="http://127.0.0.1:9")
    desk.queue()

    row = desk.work()

    assert (row.status, row.sent_at) == ("failed", None)
    assert desk.provider.requests == []


# --- Rights that changed while it waited (checks H9, H10): no call, and a reason


def test_execute_denies_when_the_membership_has_ended(acme_desk_of: MakeDesk, world: World) -> None:
    desk = acme_desk_of()
    desk.queue()
    Membership.objects.filter(user=world.member).update(status="left")

    row = desk.work()

    assert (row.status, row.error_code, row.sent_at) == ("denied", "membership_ended", None)
    assert "before this run could start" in row.error_message
    assert desk.provider.requests == []


def test_execute_denies_when_the_role_no_longer_runs_tools(acme_desk_of: MakeDesk, world: World) -> None:
    desk = acme_desk_of()
    desk.queue()
    Membership.objects.filter(user=world.member).update(role="viewer")

    row = desk.work()

    assert (row.status, row.error_code) == ("denied", "role_cannot_execute")
    assert desk.provider.requests == []


def test_execute_runs_for_a_member_whose_role_stayed(acme_desk_of: MakeDesk) -> None:
    desk = acme_desk_of(answer(THING))
    desk.queue()

    assert desk.work().status == "succeeded"


def test_execute_denies_when_the_user_was_suspended(desk_of: MakeDesk) -> None:
    desk = desk_of()
    desk.queue()
    desk.user.is_active = False
    desk.user.save()

    row = desk.work()

    assert (row.status, row.error_code) == ("denied", "unauthenticated")
    assert desk.provider.requests == []


def test_execute_denies_when_the_key_was_revoked(desk_of: MakeDesk) -> None:
    desk = desk_of(answer(THING))
    key, _secret = make_api_key(desk.holder)
    desk.queue(api_key=key)
    key.revoked_at = timezone.now()
    key.save()

    row = desk.work()

    assert row.status == "denied"
    assert desk.provider.requests == []


def test_execute_runs_for_a_live_key(desk_of: MakeDesk) -> None:
    desk = desk_of(answer(THING))
    key, _secret = make_api_key(desk.holder)
    desk.queue(api_key=key)

    assert desk.work().status == "succeeded"


def test_execute_denies_when_the_toolkit_was_switched_off(desk_of: MakeDesk) -> None:
    desk = desk_of()
    desk.queue()
    Toolkit.objects.update(is_enabled=False)

    row = desk.work()

    assert (row.status, row.error_code) == ("denied", "tool_disabled")
    assert desk.provider.requests == []


def test_execute_denies_when_the_account_was_paused_and_takes_no_other(desk_of: MakeDesk) -> None:
    desk = desk_of()
    desk.queue()
    make_connected_account(desk.toolkit, owner=desk.holder, identity_key="2")
    ConnectedAccount.objects.unscoped("a test").filter(id=desk.account.id).update(status="paused")

    row = desk.work()

    assert (row.status, row.error_code) == ("denied", "connection_inactive")
    assert row.decision["allowed"] is False
    assert desk.provider.requests == []


def test_execute_denies_when_the_account_was_disconnected(desk_of: MakeDesk) -> None:
    desk = desk_of()
    desk.queue()
    rows = ConnectedAccount.objects.unscoped("a test").filter(id=desk.account.id)
    rows.update(status="revoked", credentials=None, is_default=False)

    row = desk.work()

    assert (row.status, row.error_code) == ("denied", "connected_account_not_found")
    assert "disconnected before this run could start" in row.error_message
    assert desk.provider.requests == []


def test_execute_keeps_to_the_account_that_was_chosen_when_it_was_asked_for(desk_of: MakeDesk) -> None:
    desk = desk_of(answer(THING))
    desk.queue()
    newer = make_connected_account(
        desk.toolkit, owner=desk.holder, identity_key="2", access_token="newer-token", is_default=True
    )

    row = desk.work()

    assert row.status == "succeeded"
    assert row.connected_account_id == desk.account.id != newer.id
    assert TOKEN.encode() in desk.provider.requests[0]


# --- Cancelling, leases, secrets


def test_execute_sends_nothing_when_it_was_cancelled_first(desk_of: MakeDesk) -> None:
    desk = desk_of()
    row = desk.queue(desk.write)
    claim = desk.claim()
    type(row).objects.unscoped("a test").update(cancel_requested_at=timezone.now())

    execute(claim)

    row = reread(row.id)
    assert (row.status, row.sent_at) == ("cancelled", None)
    assert desk.provider.requests == []


def test_execute_cancels_instead_of_trying_again(desk_of: MakeDesk) -> None:
    desk = desk_of(answer(b"{}", "429 Too Many Requests"))
    row = desk.queue()
    claim = desk.claim()
    type(row).objects.unscoped("a test").update(cancel_requested_at=timezone.now())

    assert requeue(claim, delay_seconds=5, code="rate_limited", message="Later, please.")

    assert reread(row.id).status == "cancelled"


def test_execute_writes_nothing_when_the_lease_was_lost_before_it_began(desk_of: MakeDesk) -> None:
    desk = desk_of()
    row = desk.queue()
    claim = desk.claim()
    type(row).objects.unscoped("a test").update(status="queued", lease_token=None, lease_until=None)

    execute(claim)

    assert reread(row.id).status == "queued"
    assert desk.provider.requests == []


def test_execute_does_not_send_on_too_little_lease(desk_of: MakeDesk) -> None:
    desk = desk_of()
    row = desk.queue(desk.write)
    claim = desk.claim()
    type(row).objects.unscoped("a test").update(lease_until=timezone.now() + timedelta(seconds=3))

    execute(claim)

    assert (reread(row.id).status, reread(row.id).sent_at) == ("queued", None)
    assert desk.provider.requests == []


def test_execute_says_when_the_keys_do_not_open_the_arguments(desk_of: MakeDesk) -> None:
    desk = desk_of()
    queued = desk.queue()
    type(queued).objects.unscoped("a test").update(arguments=Sealed("not sealed by us"))

    row = desk.work()

    assert (row.status, row.error_code) == ("failed", "secrets_unreadable")
    assert desk.provider.requests == []


def test_execute_says_when_the_keys_do_not_open_the_credentials(desk_of: MakeDesk) -> None:
    desk = desk_of()
    desk.queue()
    ConnectedAccount.objects.unscoped("a test").update(credentials=Sealed("not sealed by us"))

    row = desk.work()

    assert (row.status, row.error_code) == ("failed", "credentials_unreadable")
    assert desk.provider.requests == []


# --- Hostile answers (check I6): the end is stored whatever came back

HOSTILE = {
    "nul": b'{"a": "x\\u0000y", "\\u0000": 1}',
    "raw_nul": b'{"a": "' + b"x" * 80 + b'\x00"}',
    "lone_surrogate": b'{"a": "\\ud800"}',
    "not_a_number": b'{"a": NaN, "b": Infinity, "c": 1e999}',
    "endless_number": b'{"a": ' + b"9" * 5000 + b"}",
    "deep": b"[" * 100_000 + b"]" * 100_000,
    "not_json": b'{"a": ',
    "empty": b"",
}


@pytest.mark.parametrize("body", HOSTILE.values(), ids=HOSTILE.keys())
def test_execute_stores_the_end_of_a_write_whatever_the_provider_answers(desk_of: MakeDesk, body: bytes) -> None:
    desk = desk_of(answer(body))
    desk.queue(desk.write)

    row = desk.work()

    assert row.status == "succeeded"
    assert row.sent_at is not None
    assert stored_result(row) is not None


def test_execute_cuts_a_result_that_is_too_large(desk_of: MakeDesk) -> None:
    desk = desk_of(answer(b'{"text": "' + b"x" * 3_000_000 + b'"}'))
    desk.queue()

    row = desk.work()

    stored = stored_result(row)
    assert (row.status, stored["truncated"]) == ("succeeded", True)
    assert len(str(stored)) < 1_500_000


@pytest.mark.parametrize("status", ["302 Found", "200 OK"])
def test_execute_shows_the_message_of_an_error_without_its_control_characters(desk_of: MakeDesk, status: str) -> None:
    desk = desk_of(answer(b'{"message": "a\\u0000b\\u202e<script>"}', status, "Location: http://127.0.0.1:9/\r\n"))
    desk.queue()

    row = desk.work()

    assert "\x00" not in row.error_message
    assert len(desk.provider.requests) == 1


# --- Cancel against claim (fault F36): called off and never sent, or sent and the caller was told


@pytest.mark.django_db(transaction=True)
def test_execute_and_cancel_at_once_never_both_happen(desk_of: MakeDesk) -> None:
    desk = desk_of(answer(THING))
    rows = [desk.queue(desk.write) for _ in range(20)]

    with ThreadPoolExecutor(2) as pool:
        told = [_race(pool, desk, row) for row in rows]

    ends = [reread(row.id).status for row in rows]
    assert set(ends) <= {"cancelled", "succeeded"}
    assert len(desk.provider.requests) == ends.count("succeeded")
    # a call-off that was accepted, at once or for the worker to see, is never followed by a send
    assert all(end == "cancelled" for end, answered in zip(ends, told, strict=True) if answered)


def _race(pool: ThreadPoolExecutor, desk: Desk, row: Execution) -> bool:
    """Whether the caller was told that nothing was and will be sent."""
    ready = Barrier(2)
    worker = pool.submit(_claim_and_execute, ready)
    caller = pool.submit(_call_off, ready, desk, row)
    worker.result(20)
    return caller.result(20)


def _claim_and_execute(ready: Barrier) -> None:
    try:
        ready.wait(60)
        claim = claim_next()
        if claim is not None:
            execute(claim)
    finally:
        connection.close()


def _call_off(ready: Barrier, desk: Desk, row: Execution) -> bool:
    owner = desk.user.owner.ref
    try:
        ready.wait(60)
        cancel_execution(actor=actor_of(desk.user), owner=owner, execution_id=row.id, now=timezone.now())
    except ConflictError:
        return False
    else:
        return True
    finally:
        connection.close()
