"""Webhooks are set up by those who may, at addresses that may be asked; secrets are shown once and sealed."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from pytest_django import Settings

from integrations.credentials import open_webhook_secrets
from integrations.models import Webhook, WebhookDelivery
from integrations.models.webhook_words import DELIVERY_WORDS, DeliveryStatus
from integrations.outbound import outbound
from integrations.services import webhooks as service
from integrations.services.secrets import rotate_all
from integrations.services.webhooks import WebhookPlan
from orgs.errors import ConflictError, DomainError, ForbiddenError, NotFoundError, OutOfReachError
from orgs.models import AuditEvent
from tests.factories import NOW, actor_of, make_delivery, make_webhook
from tests.world import World

pytestmark = pytest.mark.django_db
URL = "https://hooks.example.com/in?key=of-the-receiver"
PLAN = WebhookPlan(URL, ["execution.ended", "request.opened"], " Alerts ")


@pytest.fixture
def at(world: World) -> dict[str, Any]:
    return {"actor": actor_of(world.admin), "owner": world.acme.ref, "now": NOW}


def reread(row: Webhook) -> Webhook:
    found: Webhook = Webhook.objects.unscoped("a test looks").get(pk=row.pk)
    return found


def test_admin_sets_one_up_and_gets_its_secret(world: World, at: dict[str, Any]) -> None:
    row, secret = service.create_webhook(**at, plan=PLAN)

    stored = reread(row)
    assert (stored.url, stored.events, stored.description) == (URL, ["execution.ended", "request.opened"], "Alerts")
    assert (stored.created_by, stored.status, stored.runs_from) == (world.admin, "active", NOW)
    assert open_webhook_secrets(stored, NOW) == [secret]
    assert secret.startswith("sb_hook_")
    assert len(secret) > 48
    [event] = AuditEvent.objects.filter(action="webhook.create")
    assert event.details == {"host": "hooks.example.com", "events": ["execution.ended", "request.opened"]}
    assert "of-the-receiver" not in str(event.facts)


def test_secret_is_sealed_where_it_lies(at: dict[str, Any]) -> None:
    row, secret = service.create_webhook(**at, plan=PLAN)

    with connection.cursor() as cursor:
        cursor.execute("SELECT * FROM integrations_webhook")
        stored = str(cursor.fetchall())
    assert row.id.hex in stored.replace("-", "")
    assert secret not in stored
    assert secret.removeprefix("sb_hook_")[:12] not in stored
    assert secret not in repr(row.__dict__)


def test_key_rotation_seals_the_secrets_anew(at: dict[str, Any], settings: Settings) -> None:
    row, _first = service.create_webhook(**at, plan=PLAN)
    _row, second = service.rotate_webhook_secret(**at, webhook_id=row.id)
    fresh = "y" * 43 + "="
    settings.FIELD_ENCRYPTION_KEYS = [fresh, *settings.FIELD_ENCRYPTION_KEYS]

    rotate_all(actor=None)
    settings.FIELD_ENCRYPTION_KEYS = [fresh]

    assert open_webhook_secrets(reread(row), NOW) == [second, _first]


@pytest.mark.parametrize(
    ("values", "code"),
    [
        ({"url": ""}, "invalid_url"),
        ({"url": "https://h.example.com/" + "x" * 500}, "invalid_url"),
        ({"url": "http://127.0.0.1/"}, "url_refused"),
        ({"url": "https://169.254.169.254/latest/"}, "url_refused"),
        ({"url": "https://internal.corp/"}, "url_refused"),
        ({"url": "https://user:word@hooks.example.com/"}, "url_refused"),
        ({"url": "ftp://hooks.example.com/"}, "url_refused"),
        ({"url": "javascript:alert(1)"}, "url_refused"),
        ({"events": []}, "events_missing"),
        ({"events": ["nothing.like_this"]}, "events_missing"),
        ({"description": "x" * 121}, "description_too_long"),
    ],
)
def test_what_does_not_fit_is_refused_when_it_is_set_up_and_when_it_is_changed(
    world: World, at: dict[str, Any], values: dict[str, Any], code: str
) -> None:
    plan = WebhookPlan(**{"url": URL, "events": ["execution.ended"], **values})
    there = make_webhook(world.acme)

    for act in (service.create_webhook, lambda **more: service.change_webhook(webhook_id=there.id, **more)):
        with pytest.raises(DomainError) as refused:
            act(**at, plan=plan)
        assert refused.value.code == code

    assert Webhook.objects.owned_by(world.acme.ref).get().url == there.url


def test_plain_http_is_for_installations_that_allow_it(at: dict[str, Any], settings: Settings) -> None:
    plan = WebhookPlan("http://hooks.example.com/", ["execution.ended"])
    for needs_https in (True, False):
        settings.EGRESS_REQUIRE_HTTPS = needs_https
        outbound.cache_clear()
        if needs_https:
            with pytest.raises(DomainError):
                service.create_webhook(**at, plan=plan)
        else:
            assert service.create_webhook(**at, plan=plan)
    outbound.cache_clear()


def test_an_organization_has_ten_at_most(world: World, at: dict[str, Any]) -> None:
    for _number in range(service.MOST_WEBHOOKS):
        make_webhook(world.acme)

    with pytest.raises(ConflictError):
        service.create_webhook(**at, plan=PLAN)


ACTS: list[Callable[..., Any]] = [
    lambda row, **at: service.create_webhook(**at, plan=PLAN),
    lambda row, **at: service.change_webhook(**at, webhook_id=row.id, plan=PLAN),
    lambda row, **at: service.rotate_webhook_secret(**at, webhook_id=row.id),
    lambda row, **at: service.pause_webhook(**at, webhook_id=row.id),
    lambda row, **at: service.send_test_event(**at, webhook_id=row.id),
    lambda row, **at: service.replay_delivery(**at, webhook_id=row.id, delivery_id=row.deliveries.get().id),
    lambda row, **at: service.delete_webhook(**at, webhook_id=row.id),
]


@pytest.mark.parametrize("act", ACTS)
@pytest.mark.parametrize("persona", ["member", "viewer", "ex_member", "outsider", "admin", "owner"])
def test_who_may(world: World, act: Callable[..., Any], persona: str) -> None:
    row = make_webhook(world.acme)
    make_delivery(row, status="delivered")
    asked = {"actor": actor_of(world.people[persona]), "owner": world.acme.ref, "now": NOW}

    if persona in {"admin", "owner"}:
        assert act(row, **asked)
        return
    with pytest.raises(ForbiddenError if persona in {"member", "viewer"} else OutOfReachError):
        act(row, **asked)
    assert not AuditEvent.objects.filter(action__startswith="webhook.").exists()


@pytest.mark.parametrize("act", ACTS[1:])
def test_another_organizations_webhook_is_nobodys(world: World, act: Callable[..., Any]) -> None:
    row = make_webhook(world.globex)
    make_delivery(row)

    with pytest.raises(NotFoundError):
        act(row, actor=actor_of(world.admin), owner=world.acme.ref, now=NOW)


def test_delivery_of_another_webhook_is_not_sent_from_this_one(world: World, at: dict[str, Any]) -> None:
    mine, other = make_webhook(world.acme), make_delivery(make_webhook(world.acme), status="delivered")

    with pytest.raises(NotFoundError):
        service.replay_delivery(**at, webhook_id=mine.id, delivery_id=other.id)


def test_rotation_lets_both_sign_for_a_day(world: World, at: dict[str, Any]) -> None:
    row, first = service.create_webhook(**at, plan=PLAN)

    row, second = service.rotate_webhook_secret(**at, webhook_id=row.id)

    stored = reread(row)
    assert open_webhook_secrets(stored, NOW) == [second, first]
    assert open_webhook_secrets(stored, NOW + timedelta(hours=24)) == [second]
    _row, third = service.rotate_webhook_secret(**at, webhook_id=row.id)
    assert open_webhook_secrets(reread(row), NOW) == [third, second]
    assert len({first, second, third}) == 3


def test_pausing_keeps_and_resuming_sends(
    world: World, at: dict[str, Any], django_capture_on_commit_callbacks: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    rung: list[int] = []
    monkeypatch.setattr(service, "ring_for_webhooks", lambda: rung.append(1))
    row = make_webhook(world.acme)
    service.pause_webhook(**at, webhook_id=row.id)
    with pytest.raises(ConflictError):
        service.pause_webhook(**at, webhook_id=row.id)
    with pytest.raises(ConflictError):
        service.send_test_event(**at, webhook_id=row.id)

    with django_capture_on_commit_callbacks(execute=True):
        service.resume_webhook(**at, webhook_id=row.id)

    assert (reread(row).status, reread(row).runs_from, rung) == ("active", NOW, [1])
    with pytest.raises(ConflictError):
        service.resume_webhook(**at, webhook_id=row.id)


def test_one_that_was_switched_off_is_told_of_runs_from_now_on(world: World, at: dict[str, Any]) -> None:
    row = make_webhook(world.acme, status="off", runs_from=None, failures=99, failing_since=NOW - timedelta(days=4))

    service.resume_webhook(**{**at, "now": NOW + timedelta(days=1)}, webhook_id=row.id)

    stored = reread(row)
    assert (stored.status, stored.failures, stored.failing_since) == ("active", 0, None)
    assert stored.runs_from == NOW + timedelta(days=1)


def test_change_of_events_begins_or_ends_listening_to_runs(world: World, at: dict[str, Any]) -> None:
    row = make_webhook(world.acme, events=["request.opened"], runs_from=None)
    later = {**at, "now": NOW + timedelta(hours=1), "webhook_id": row.id}

    service.change_webhook(**later, plan=WebhookPlan(URL, ["execution.ended"]))
    assert reread(row).runs_from == NOW + timedelta(hours=1)
    service.change_webhook(**later, plan=WebhookPlan(URL, ["request.opened"]))

    assert reread(row).runs_from is None


def test_replay_sends_the_same_message_again(world: World, at: dict[str, Any]) -> None:
    row = make_webhook(world.acme)
    sent = make_delivery(row, status="given_up", tries=7)

    again = service.replay_delivery(**at, webhook_id=row.id, delivery_id=sent.id)

    stored = WebhookDelivery.objects.owned_by(world.acme.ref).get()
    assert again.text_id == stored.text_id == sent.text_id
    assert (stored.status, stored.tries, stored.due_at, stored.finished_at) == ("waiting", 0, NOW, None)
    with pytest.raises(ConflictError):
        service.replay_delivery(**at, webhook_id=row.id, delivery_id=sent.id)


def test_deleting_takes_everything_along(world: World, at: dict[str, Any]) -> None:
    row, other = make_webhook(world.acme), make_webhook(world.acme)
    make_delivery(row).attempts.create(at=NOW, milliseconds=1)

    service.delete_webhook(**at, webhook_id=row.id)

    assert Webhook.objects.owned_by(world.acme.ref).get() == other
    assert not WebhookDelivery.objects.owned_by(world.acme.ref).exists()


def test_each_state_has_one_look_and_one_sentence() -> None:
    assert set(DELIVERY_WORDS) == set(DeliveryStatus)
    looks = [(word.colour, word.icon) for word in DELIVERY_WORDS.values()]
    assert len(set(looks)) == len(looks)
    assert all(word.sentence.endswith(".") for word in DELIVERY_WORDS.values())
