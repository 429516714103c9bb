"""What webhooks are told of: whatever ends a run, changes an account or decides a request; and what they never get."""

import json
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.db import transaction
from django.utils import timezone

from integrations.credentials import mark_expired
from integrations.jobs.webhook_runs import LATE, STALE, tell_of_ended_runs
from integrations.models import Webhook, WebhookDelivery
from integrations.services import consent
from integrations.services.connections.handover import hand_over
from integrations.services.executions import cancel_execution
from integrations.webhook_events import body_of
from tests.factories import (
    NOW,
    actor_of,
    make_application,
    make_connected_account,
    make_end_user,
    make_execution,
    make_tool,
    make_toolkit,
    make_webhook,
)
from tests.integrations.desk import Desk
from tests.integrations.engine.servers import answer
from tests.world import World

pytestmark = pytest.mark.django_db
MakeDesk = Callable[..., Desk]
CANARY = "canary-7d1f"


def told(webhook: Webhook) -> list[tuple[str, str]]:
    rows = WebhookDelivery.objects.get_queryset().filter(webhook=webhook).order_by("id")
    return [(row.event, row.subject) for row in rows]


def said(world: World) -> str:
    """Everything that would go over the wire."""
    rows = WebhookDelivery.objects.owned_by(world.acme.ref)
    return "\n".join(body_of(row, world.acme.ref).decode() for row in rows)


@pytest.fixture
def hook(world: World) -> Webhook:
    return make_webhook(world.acme, runs_from=timezone.now() - timedelta(minutes=1))


# --- Runs


def test_run_that_ended_is_told_of_once_without_what_was_in_it(
    world: World, hook: Webhook, acme_desk_of: MakeDesk
) -> None:
    desk = acme_desk_of(answer(json.dumps({"login": CANARY}).encode()))
    row = desk.queue()
    assert tell_of_ended_runs(timezone.now()) == 0
    desk.work()

    assert [tell_of_ended_runs(timezone.now()) for _sweep in range(2)] == [1, 0]

    [delivery] = WebhookDelivery.objects.owned_by(world.acme.ref)
    assert (delivery.event, delivery.subject) == ("execution.ended", row.text_id)
    assert (delivery.data["status"], delivery.data["tool"]) == ("succeeded", row.tool_slug)
    assert delivery.data["user_id"] == world.acme.ref.text_id
    assert delivery.data["submitted_by"] == f"user_{world.member.id.hex}"
    assert CANARY not in said(world)
    assert "arguments" not in delivery.data
    assert "result" not in delivery.data


def test_every_ending_is_told_of_wherever_it_is_written(world: World, hook: Webhook) -> None:
    tool = make_tool(make_toolkit())
    ended = [
        make_execution(tool, owner=world.acme, user=world.member, status=status, finished_at=timezone.now())
        for status in ("succeeded", "failed", "denied", "cancelled", "timed_out", "unknown")
    ]
    going_on = make_execution(tool, owner=world.acme, user=world.member)

    tell_of_ended_runs(timezone.now())

    assert {subject for _event, subject in told(hook)} == {one.text_id for one in ended}
    actor = actor_of(world.member)
    cancel_execution(actor=actor, owner=world.acme.ref, execution_id=going_on.id, now=timezone.now())
    tell_of_ended_runs(timezone.now())
    assert ("execution.ended", going_on.text_id) in told(hook)


def test_refused_run_says_the_code_and_nothing_more(world: World, hook: Webhook) -> None:
    make_execution(
        make_tool(make_toolkit()),
        owner=world.acme,
        status="failed",
        finished_at=timezone.now(),
        error_code="provider_refused",
        error_message=CANARY,
    )

    tell_of_ended_runs(timezone.now())

    assert "provider_refused" in said(world)
    assert CANARY not in said(world)


def test_runs_of_others_and_of_before_are_not_told(world: World, hook: Webhook) -> None:
    tool, now = make_tool(make_toolkit()), timezone.now()
    for owner in (world.globex, world.member):
        make_execution(tool, owner=owner, status="succeeded", finished_at=now)
    make_execution(tool, owner=world.acme, status="succeeded", finished_at=now - timedelta(hours=1))

    tell_of_ended_runs(now)

    assert told(hook) == []


@pytest.mark.parametrize(("values", "count"), [({}, 1), ({"status": "paused"}, 1), ({"runs_from": None}, 0)])
def test_who_listens(world: World, values: dict[str, Any], count: int) -> None:
    hook = make_webhook(world.acme, **{"runs_from": NOW - timedelta(minutes=1), **values})
    make_execution(make_tool(make_toolkit()), owner=world.acme, status="succeeded", finished_at=NOW)

    tell_of_ended_runs(NOW)

    assert len(told(hook)) == count


def test_run_that_shows_up_late_is_still_told(world: World, hook: Webhook) -> None:
    """Its transaction began minutes before it was committed."""
    tool, now = make_tool(make_toolkit()), timezone.now() + timedelta(minutes=20)
    make_execution(tool, owner=world.acme, status="succeeded", finished_at=now)
    tell_of_ended_runs(now)
    late = make_execution(tool, owner=world.acme, status="failed", finished_at=now - LATE + timedelta(minutes=1))

    tell_of_ended_runs(now)

    assert ("execution.ended", late.text_id) in told(hook)


def test_nothing_is_told_again_after_its_delivery_was_forgotten(world: World, hook: Webhook) -> None:
    make_execution(make_tool(make_toolkit()), owner=world.acme, status="succeeded", finished_at=timezone.now())
    tell_of_ended_runs(timezone.now())
    quiet = timezone.now() + STALE + timedelta(minutes=5)
    tell_of_ended_runs(quiet)
    WebhookDelivery.objects.owned_by(world.acme.ref).delete()

    assert tell_of_ended_runs(quiet + timedelta(days=31)) == 0


def test_many_runs_take_several_sweeps(world: World, hook: Webhook, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("integrations.jobs.webhook_runs.BATCH", 2)
    tool = make_tool(make_toolkit())
    for _number in range(5):
        make_execution(tool, owner=world.acme, status="succeeded", finished_at=timezone.now())

    assert [tell_of_ended_runs(timezone.now()) for _sweep in range(4)] == [2, 2, 1, 0]


# --- End users of an application


def test_end_users_runs_and_accounts_are_told_to_the_organization_of_their_application(
    world: World, hook: Webhook
) -> None:
    application, toolkit = make_application(world.acme), make_toolkit()
    person, other = (
        make_end_user(application, "customer-7"),
        make_end_user(make_application(world.globex), "customer-7"),
    )
    tool, accounts = make_tool(toolkit), []
    for owner in (person, other):
        make_execution(tool, owner=owner, status="succeeded", finished_at=timezone.now())
        accounts.append(make_connected_account(toolkit, owner=owner))

    tell_of_ended_runs(timezone.now())
    for account in accounts:
        mark_expired(account.id, version=account.token_version, reason="It ended.")

    run, expired = WebhookDelivery.objects.owned_by(world.acme.ref).order_by("id")
    assert (run.event, expired.event) == ("execution.ended", "connected_account.expired")
    assert expired.subject == accounts[0].text_id
    for row in (run, expired):
        assert (row.data["user_id"], row.data["application_id"]) == ("customer-7", application.text_id)
        assert (row.data["url"], row.end_user) == (None, person)
    assert tell_of_ended_runs(timezone.now()) == 0


def test_what_is_about_an_end_user_goes_with_them(world: World, hook: Webhook) -> None:
    person = make_end_user(make_application(world.acme))
    account = make_connected_account(make_toolkit(), owner=person)
    mark_expired(account.id, version=account.token_version, reason="It ended.")
    assert len(told(hook)) == 1

    account.delete()
    person.owner.delete()
    person.delete()

    assert told(hook) == []


# --- Accounts


def test_account_that_expired_is_told_of_in_the_protocols_words(world: World, hook: Webhook) -> None:
    account = make_connected_account(make_toolkit(), owner=world.acme, access_token=CANARY)
    other = make_webhook(world.globex)

    mark_expired(account.id, version=account.token_version, reason=f"The provider said {CANARY}.")

    assert told(hook) == [("connected_account.expired", account.text_id)]
    assert told(other) == []
    message = json.loads(said(world))
    assert message["type"] == "composio.connected_account.expired"
    data = message["data"]
    assert {key: data[key] for key in ("id", "status", "user_id", "is_disabled", "data", "params")} == {
        "id": account.text_id, "status": "EXPIRED", "user_id": world.acme.ref.text_id, "is_disabled": False,
        "data": {}, "params": {},
    }  # fmt: skip
    assert (data["toolkit"], data["state"]["authScheme"]) == ({"slug": "github"}, "OAUTH2")
    assert CANARY not in said(world)


def test_personal_accounts_are_nobodys_business(world: World, hook: Webhook) -> None:
    account = make_connected_account(make_toolkit(), owner=world.member)

    mark_expired(account.id, version=account.token_version, reason="It ended.")

    assert told(hook) == []


def test_endpoint_gets_what_it_chose(world: World) -> None:
    chosen = make_webhook(world.acme, events=["connected_account.needs_attention"])
    off = make_webhook(world.acme, status="off")
    account = make_connected_account(make_toolkit(), owner=world.acme)

    mark_expired(account.id, version=account.token_version, reason="It ended.")

    assert (told(chosen), told(off)) == ([], [])


def test_account_whose_granter_leaves_needs_attention(world: World, hook: Webhook) -> None:
    account = make_connected_account(make_toolkit(), owner=world.acme, connected_by=world.admin)
    person = {"user_id": world.admin.id, "successors": {}, "managers": {}, "fallback": None}

    hand_over(actor=actor_of(world.owner), owner=world.acme.ref, now=NOW, **person)

    assert ("connected_account.needs_attention", account.text_id) in told(hook)


# --- Requests


def test_request_is_told_of_when_it_is_opened_and_when_it_is_decided(world: World, hook: Webhook) -> None:
    make_tool(make_toolkit("github", name="GitHub"))
    at: dict[str, Any] = {"owner": world.acme.ref, "now": NOW}
    wish = consent.Ask("github", CANARY)
    asked = consent.ask_for(actor=actor_of(world.member), wish=wish, **at).request
    consent.ask_for(actor=actor_of(world.admin), wish=wish, **at)  # joins: nothing new to decide

    consent.deny_request(actor=actor_of(world.owner), consent_id=asked.id, reason=CANARY, **at)

    assert told(hook) == [("request.opened", asked.text_id), ("request.decided", asked.text_id)]
    opened, decided = WebhookDelivery.objects.owned_by(world.acme.ref).order_by("id")
    assert (opened.data["status"], opened.data["kind"], opened.data["requesters"]) == ("open", "connection", 1)
    assert (decided.data["status"], decided.data["decided_by"]) == ("denied", f"user_{world.owner.id.hex}")
    assert CANARY not in said(world)


def test_event_of_a_change_that_was_undone_is_undone_with_it(world: World, hook: Webhook) -> None:
    """The delivery is stored in the transaction of what it tells about."""
    make_tool(make_toolkit("github", name="GitHub"))
    at: dict[str, Any] = {"owner": world.acme.ref, "now": NOW}
    consent.ask_for(actor=actor_of(world.member), wish=consent.Ask("github", "Please"), **at)
    before = told(hook)

    with transaction.atomic():
        mark_expired(make_connected_account(make_toolkit("slack"), owner=world.acme).id, version=0, reason="It ended.")
        assert told(hook) != before
        transaction.set_rollback(True)

    assert told(hook) == before
