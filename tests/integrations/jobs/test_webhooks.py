"""Events reach their receivers: signed, repeated until taken, by a clock that the test moves; nothing is lost."""

import logging
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any
from unittest.mock import patch

import pytest
from django.utils import timezone
from hypothesis import given
from hypothesis import strategies as st
from pytest_django import Settings

from integrations import tasks
from integrations.engine.guard import system_resolver
from integrations.engine.http import OutboundClient
from integrations.engine.signing import signed_headers
from integrations.jobs import sweep, webhooks
from integrations.jobs.webhook_ends import forget_old_deliveries
from integrations.jobs.webhooks import MOST_TRIES, WAITS, has_due_webhooks, send_turn
from integrations.models import Webhook, WebhookAttempt, WebhookDelivery
from orgs.models import AuditEvent, Notice
from tests.factories import NOW, make_delivery, make_webhook
from tests.integrations.engine.servers import Provider, Script, answer, reset
from tests.integrations.webhook_receiver import Received, received
from tests.world import World

pytestmark = pytest.mark.django_db
Serve = Callable[..., Provider]
SECRET = "sb_hook_the-secret-of-a-test"
TOOK, BROKEN = answer(b"", "204 No Content", ""), answer(b"oops", "500 Internal Server Error")


def reset_at_once(conn: Any, _request: bytes) -> None:
    reset(conn)


def again(row: Any) -> Any:
    return type(row).objects.unscoped("a test looks").get(pk=row.pk)


def hook_at(provider: Provider, world: World, **values: Any) -> Webhook:
    return make_webhook(world.acme, url=f"{provider.url}/in?key=of-the-receiver", secret=SECRET, **values)


def work_off(now: datetime) -> None:
    while send_turn(now):
        pass


def attempts_of(delivery: WebhookDelivery) -> list[WebhookAttempt]:
    return list(delivery.attempts.order_by("id"))


# --- What arrives


def test_message_arrives_signed_as_the_reference_says(world: World, provider_of: Serve) -> None:
    provider = provider_of(TOOK)
    delivery = make_delivery(hook_at(provider, world))

    work_off(NOW)

    [request] = received(provider)
    assert request.line == "POST /in?key=of-the-receiver HTTP/1.1"
    assert request.headers["content-type"] == "application/json"
    assert request.headers["x-composio-webhook-version"] == "V3"
    assert request.headers["webhook-timestamp"] == str(int(NOW.timestamp()))
    assert request.is_signed_with(SECRET)
    assert not request.is_signed_with("another")
    assert request.message == {
        "id": delivery.text_id,
        "timestamp": "2026-03-02T10:00:00.000Z",
        "type": "composio.webhook.test",
        "metadata": {"project_id": world.acme.ref.text_id, "org_id": world.acme.ref.text_id},
        "data": {"message": "A test."},
    }
    assert request.id == delivery.text_id


@given(secret=st.text(min_size=1), body=st.binary(), at=st.integers(0, 2**40))
def test_any_body_verifies_with_its_secret_and_with_no_other(secret: str, body: bytes, at: int) -> None:
    secret = secret.encode("utf-8", "replace").decode()
    headers = signed_headers([secret], message_id="msg_1", timestamp=at, body=body)
    request = Received("", {name.lower(): value for name, value in headers.items()}, body)

    assert request.is_signed_with(secret)
    assert not request.is_signed_with(secret + "x")
    assert not Received("", request.headers, body + b" ").is_signed_with(secret)


def test_both_secrets_sign_while_the_old_one_lasts(world: World, provider_of: Serve) -> None:
    provider = provider_of(TOOK)
    hook = hook_at(provider, world, old_secret="old", old_secret_until=NOW + timedelta(hours=1))
    make_delivery(hook)
    make_delivery(hook, due_at=NOW + timedelta(hours=1))

    work_off(NOW)
    work_off(NOW + timedelta(hours=1))

    during, after = received(provider)
    assert [during.is_signed_with(one) for one in (SECRET, "old")] == [True, True]
    assert [after.is_signed_with(one) for one in (SECRET, "old")] == [True, False]


def test_what_was_taken_is_over_and_says_what_was_answered(world: World, provider_of: Serve) -> None:
    provider = provider_of(answer(b"thank you", "202 Accepted"))
    hook = hook_at(provider, world, failures=3, failing_since=NOW)
    delivery = make_delivery(hook)

    work_off(NOW)

    row, [attempt] = again(delivery), attempts_of(delivery)
    assert (row.status, row.due_at, row.response_status, row.error_code) == ("delivered", None, 202, "")
    assert (attempt.response_status, attempt.error_code, attempt.is_good) == (202, "", True)
    assert (again(hook).failures, again(hook).failing_since, again(hook).delivered_at) == (0, None, row.finished_at)
    assert not has_due_webhooks(NOW + timedelta(days=2))


def test_nothing_that_is_kept_or_logged_holds_the_secret_or_a_signature(
    world: World, provider_of: Serve, caplog: pytest.LogCaptureFixture, capsys: pytest.CaptureFixture[str]
) -> None:
    caplog.set_level(logging.DEBUG)
    provider = provider_of(TOOK, BROKEN, reset_at_once)
    hook = hook_at(provider, world)
    rows = [make_delivery(hook) for _number in range(3)]

    work_off(NOW)

    signatures = [request.headers["webhook-signature"] for request in received(provider)]
    logged = caplog.text + "".join(str(record.__dict__) for record in caplog.records) + "".join(capsys.readouterr())
    kept = str([again(row).__dict__ for row in rows]) + str(list(WebhookAttempt.objects.values()))
    assert len(signatures) == 3
    assert rows[0].text_id in logged
    for secret in (SECRET, *(one.removeprefix("v1,") for one in signatures), "of-the-receiver"):
        assert secret not in logged
        assert secret not in kept
    assert hook_at(provider, world).url in str(list(Webhook.objects.get_queryset().values()))  # it could have leaked


# --- What does not arrive


def test_retries_come_later_each_time_and_have_an_end(world: World, provider_of: Serve) -> None:
    provider = provider_of(BROKEN)
    hook, now, gaps = hook_at(provider, world), NOW, []
    delivery = make_delivery(hook)

    while True:
        work_off(now)
        row = again(delivery)
        if row.due_at is None:
            break
        assert row.status == "retrying"
        assert not has_due_webhooks(row.due_at - timedelta(seconds=1))
        gaps.append(row.due_at - now)
        now = row.due_at

    assert (row.status, row.tries, row.error_code) == ("given_up", MOST_TRIES, "not_accepted")
    assert all(0.89 < gap / wait < 1.11 for gap, wait in zip(gaps, WAITS, strict=True))
    assert sum(WAITS, timedelta()) * 1.1 <= timedelta(hours=24)
    requests = received(provider)
    assert len(requests) == MOST_TRIES
    assert {request.id for request in requests} == {delivery.text_id}
    assert {request.body for request in requests} == {requests[0].body}
    assert len({request.headers["webhook-signature"] for request in requests}) == MOST_TRIES
    assert all(request.is_signed_with(SECRET) for request in requests)
    assert [one.response_status for one in attempts_of(delivery)] == [500] * MOST_TRIES


def test_receiver_that_comes_back_gets_it(world: World, provider_of: Serve) -> None:
    provider = provider_of(BROKEN, TOOK)
    delivery = make_delivery(hook_at(provider, world))

    work_off(NOW)
    work_off(NOW + timedelta(minutes=1))

    assert again(delivery).status == "delivered"
    assert [one.response_status for one in attempts_of(delivery)] == [500, 204]


@pytest.mark.parametrize(
    ("script", "code"),
    [
        (answer(b"", "302 Found", "Location: http://127.0.0.1:1/\r\n"), "not_accepted"),
        (answer(b"", "404 Not Found"), "not_accepted"),
        (reset_at_once, "connection_lost"),
    ],
)
def test_anything_but_a_yes_is_a_no_and_redirects_lead_nowhere(
    world: World, provider_of: Serve, script: Script, code: str
) -> None:
    provider = provider_of(script)
    delivery = make_delivery(hook_at(provider, world))

    work_off(NOW)

    assert (again(delivery).status, again(delivery).error_code) == ("retrying", code)
    assert len(provider.requests) == 1


def test_huge_answer_is_taken_without_being_read_to_its_end(world: World, provider_of: Serve) -> None:
    delivery = make_delivery(hook_at(provider_of(answer(b"x" * 1_000_000)), world))

    work_off(NOW)

    assert again(delivery).status == "delivered"
    assert not WebhookAttempt.objects.filter(message__contains="xxx").exists()


def test_receiver_is_waited_for_five_seconds_at_most(world: World, provider_of: Serve) -> None:
    make_delivery(hook_at(provider_of(TOOK), world))
    real, asked = OutboundClient.send, []

    def send(*args: Any, **options: Any) -> Any:
        asked.append((options["deadline_seconds"], options["max_bytes"]))
        return real(*args, **options)

    with patch.object(OutboundClient, "send", send):
        work_off(NOW)

    assert asked == [(5.0, 16 * 1024)]


# --- The guard


@pytest.mark.parametrize(
    "url",
    [
        "http://127.0.0.1:9/",
        "http://169.254.169.254/latest/meta-data/",
        "http://10.0.0.1/",
        "http://[::1]/",
        "http://localhost/",
        "http://metadata.internal/",
    ],
)
def test_private_addresses_are_refused_when_sending_too(world: World, provider_of: Serve, url: str) -> None:
    provider_of()  # another one, which is allowed
    delivery = make_delivery(make_webhook(world.acme, url=url))

    work_off(NOW)

    assert (again(delivery).status, again(delivery).error_code) == ("retrying", "refused_target")


def test_name_that_leads_inside_by_now_is_refused_at_each_try(
    world: World, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """DNS rebinding: the address was public when the webhook was set up."""
    settings.EGRESS_REQUIRE_HTTPS = False
    looked: list[str] = []

    def resolver(host: str, port: int) -> list[str]:
        looked.append(host)
        return ["93.184.216.34", "127.0.0.1"] if host == "rebound.example.com" else system_resolver(host, port)

    client = OutboundClient(frozenset(), require_https=False, resolver=resolver)
    monkeypatch.setattr(webhooks, "outbound", lambda: client)
    delivery = make_delivery(make_webhook(world.acme, url="http://rebound.example.com/in"))

    work_off(NOW)

    assert looked == ["rebound.example.com"]
    assert again(delivery).error_code == "refused_target"


# --- Crashes


class Died(BaseException):
    """As when the process is killed: nothing is caught, nothing is tidied up."""


@pytest.mark.parametrize("step", ["_send", "_record"])
def test_crash_around_the_send_repeats_the_event_under_the_same_id(
    world: World, provider_of: Serve, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    provider = provider_of(TOOK)
    delivery = make_delivery(hook_at(provider, world))

    def die(*_args: object) -> None:
        raise Died

    with monkeypatch.context() as patched:
        patched.setattr(webhooks, step, die)
        patched.setattr(webhooks, "_mine", _mine_unless_dead())
        with pytest.raises(Died):
            send_turn(NOW)

    was_sent = len(provider.requests)
    assert was_sent == (1 if step == "_record" else 0)
    assert again(delivery).due_at > NOW
    work_off(NOW + timedelta(seconds=20))  # the dead sender's lease still runs
    assert len(provider.requests) == was_sent
    work_off(NOW + timedelta(minutes=1))

    assert again(delivery).status == "delivered"
    assert {request.id for request in received(provider)} == {delivery.text_id}
    assert len(provider.requests) == was_sent + 1


def _mine_unless_dead() -> Callable[[Any], Any]:
    """A dead process gives nothing back: the first write of the lease happens, the last one does not."""
    real, calls = webhooks._mine, []

    def mine(turn: Any) -> Any:
        calls.append(turn)
        return real(turn) if len(calls) == 1 else Webhook.objects.get_queryset().none()

    return mine


def test_crash_in_the_last_try_ends_as_given_up(world: World, provider_of: Serve) -> None:
    provider = provider_of(TOOK)
    delivery = make_delivery(hook_at(provider, world), tries=MOST_TRIES, status="retrying")

    work_off(NOW)

    assert again(delivery).status == "given_up"
    assert provider.requests == []


def test_two_senders_do_not_serve_one_endpoint_at_a_time(world: World, provider_of: Serve) -> None:
    provider = provider_of(TOOK)
    hook = hook_at(provider, world)
    make_delivery(hook)
    taken = webhooks._take_turn(NOW)

    assert taken is not None
    assert not send_turn(NOW)
    assert provider.requests == []


def test_few_receivers_at_a_time_hold_up_a_worker(world: World, provider_of: Serve) -> None:
    provider = provider_of(TOOK)
    for _number in range(webhooks.MOST_SENDERS + 1):
        make_delivery(hook_at(provider, world))

    turns = [webhooks._take_turn(NOW) for _number in range(webhooks.MOST_SENDERS + 1)]

    assert [turn is not None for turn in turns] == [True] * webhooks.MOST_SENDERS + [False]


def test_dead_receiver_does_not_hold_up_the_others(world: World, provider_of: Serve) -> None:
    dead, alive = provider_of(BROKEN), provider_of(TOOK)
    first = hook_at(dead, world)
    for _number in range(3):
        make_delivery(first)
    late = make_delivery(hook_at(alive, world))

    send_turn(NOW)
    send_turn(NOW)

    assert again(late).status == "delivered"
    assert len(dead.requests) == 1


# --- Paused, off, forgotten


def test_nothing_goes_to_a_paused_one_and_all_of_it_once_it_is_resumed(world: World, provider_of: Serve) -> None:
    provider = provider_of(TOOK)
    hook = hook_at(provider, world, status="paused")
    delivery = make_delivery(hook)

    work_off(NOW)
    assert (provider.requests, again(delivery).status) == ([], "waiting")
    Webhook.objects.owned_by(world.acme.ref).update(status="active")
    work_off(NOW)

    assert again(delivery).status == "delivered"


def fail_for(hook: Webhook, days: float, failures: int) -> None:
    rows = Webhook.objects.owned_by(hook.owner.ref).filter(pk=hook.pk)
    rows.update(failing_since=NOW - timedelta(days=days), failures=failures)


@pytest.mark.parametrize(("days", "failures", "status"), [(3.1, 9, "off"), (3.1, 2, "active"), (2.9, 99, "active")])
def test_endpoint_that_failed_for_days_is_switched_off(
    world: World, provider_of: Serve, days: float, failures: int, status: str
) -> None:
    hook = hook_at(provider_of(BROKEN), world)
    waiting = make_delivery(hook, due_at=NOW + timedelta(hours=1))
    make_delivery(hook)
    fail_for(hook, days, failures)

    work_off(NOW)

    assert again(hook).status == status
    assert again(waiting).status == ("given_up" if status == "off" else "waiting")
    told = Notice.objects.filter(kind="webhook")
    events = AuditEvent.objects.filter(action="webhook.off")
    if status == "active":
        assert (told.count(), events.count()) == (0, 0)
        return
    assert {one.user for one in told} == {world.admin, world.owner}
    assert {one.path for one in told} == {f"/orgs/acme/webhooks/{hook.text_id}/"}
    [event] = events
    assert (event.actor_kind, event.details["host"]) == ("system", hook.host)
    assert "of-the-receiver" not in f"{event.facts} {[one.text for one in told]}"


def test_receiver_that_is_gone_for_good_is_not_asked_again(world: World, provider_of: Serve) -> None:
    provider = provider_of(answer(b"", "410 Gone"))
    hook = hook_at(provider, world)
    delivery = make_delivery(hook)

    work_off(NOW)
    work_off(NOW + timedelta(days=1))

    assert (again(hook).status, again(delivery).status, len(provider.requests)) == ("off", "given_up", 1)


def test_old_deliveries_are_forgotten_and_late_ones_given_up(world: World) -> None:
    hook = make_webhook(world.acme, status="paused")
    old = make_delivery(hook, status="delivered")
    young = make_delivery(hook, status="delivered", created_at=NOW + timedelta(days=20))
    late, fresh = (make_delivery(hook, due_at=NOW + timedelta(days=days)) for days in (1, 29))

    forget_old_deliveries(NOW + timedelta(days=31))

    kept = {row.pk: row.status for row in WebhookDelivery.objects.owned_by(world.acme.ref)}
    assert old.pk not in kept
    assert late.pk not in kept  # given up first, and as old
    assert (kept[young.pk], kept[fresh.pk]) == ("delivered", "waiting")


def test_secret_that_no_key_opens_is_said_so_and_nothing_is_sent(world: World, provider_of: Serve) -> None:
    provider = provider_of(TOOK)
    hook = hook_at(provider, world)
    delivery = make_delivery(hook)
    Webhook.objects.owned_by(world.acme.ref).update(secret=make_webhook(world.acme).secret)  # moved from another row

    work_off(NOW)

    assert again(delivery).error_code == "secret_unreadable"
    assert provider.requests == []


# --- Who is woken


@pytest.mark.django_db(transaction=True)
def test_sweep_rings_for_what_is_due_and_the_task_delivers_it(
    world: World, provider_of: Serve, monkeypatch: pytest.MonkeyPatch
) -> None:
    provider, rung = provider_of(TOOK), []
    monkeypatch.setattr(tasks._bell, "ring", lambda task=None: rung.append(task))
    tasks.sweep_task()
    assert tasks.deliver not in rung
    delivery = make_delivery(hook_at(provider, world), due_at=timezone.now())
    monkeypatch.setattr(tasks, "sweep", lambda: sweep(force=True))

    tasks.sweep_task()
    tasks.deliver(of="an older release")

    assert rung.count(tasks.deliver) == 1
    assert again(delivery).status == "delivered"


def test_message_that_wakes_says_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    sent: list[dict[str, Any]] = []
    bell = tasks._Bell()
    monkeypatch.setattr(tasks.deliver, "apply_async", lambda **options: sent.append(options))

    assert bell.ring(tasks.deliver)

    assert not {"args", "kwargs"} & sent[0].keys()
