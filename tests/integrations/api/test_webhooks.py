"""Webhooks through the API, as the SDKs manage them: the secret is in the answer that made it and in no other."""

import json
from typing import Any

import pytest
from django.test import Client

from integrations.credentials import open_webhook_secrets
from integrations.models import Webhook, WebhookDelivery
from orgs.permissions import Scope
from tests.factories import NOW, make_api_key, make_delivery, make_membership, make_webhook
from tests.world import World

pytestmark = pytest.mark.django_db
ROOT = "/api/v3.1/webhook_subscriptions"
NEW = {"webhook_url": "https://hooks.example.com/in", "enabled_events": ["composio.connected_account.expired"]}


def ask(key: str, method: str = "GET", path: str = "", body: Any = None) -> Any:
    text = "" if body is None else json.dumps(body)
    return Client().generic(method, ROOT + path, text, "application/json", headers={"x-api-key": key})


@pytest.fixture
def key(world: World) -> str:
    return make_api_key(world.acme, Scope.ADMIN)[1]


def of_acme(world: World) -> Webhook:
    found: Webhook = Webhook.objects.owned_by(world.acme.ref).get()
    return found


def test_program_sets_one_up_as_the_sdk_does_and_gets_the_secret_once(world: World, key: str) -> None:
    made = ask(key, "POST", body={**NEW, "version": "V3", "something_newer": True})

    assert made.status_code == 201
    shown, row = made.json(), of_acme(world)
    assert (shown["id"], shown["webhook_url"], shown["version"]) == (row.text_id, NEW["webhook_url"], "V3")
    assert shown["enabled_events"] == NEW["enabled_events"]
    assert open_webhook_secrets(row, NOW) == [shown["secret"]]
    for answer in (ask(key), ask(key, path=f"/{row.text_id}"), ask(key, "PATCH", f"/{row.text_id}", {})):
        assert answer.status_code == 200
        assert shown["secret"] not in answer.content.decode()
    [listed] = ask(key).json()["items"]
    assert listed["secret"] == ""


def test_both_spellings_of_an_event_are_read_and_what_we_do_not_have_is_named(world: World, key: str) -> None:
    plain = ask(key, "POST", body={**NEW, "enabled_events": ["execution.ended", "composio.request.opened"]})
    unknown = ask(key, "POST", body={**NEW, "enabled_events": ["composio.trigger.message"]})

    assert plain.json()["enabled_events"] == ["composio.execution.ended", "composio.request.opened"]
    assert (unknown.status_code, unknown.json()["error"]["slug"]) == (400, "unknown_event")
    assert "trigger.message" in unknown.json()["error"]["message"]
    told = [one["event_type"] for one in ask(key, path="/event_types").json()["items"]]
    assert told == [
        "composio.execution.ended",
        "composio.connected_account.expired",
        "composio.connected_account.needs_attention",
        "composio.request.opened",
        "composio.request.decided",
    ]


@pytest.mark.parametrize(
    ("change", "slug"),
    [
        ({"webhook_url": "https://127.0.0.1/"}, "url_refused"),
        ({"webhook_url": "https://169.254.169.254/"}, "url_refused"),
        ({"webhook_url": "nonsense"}, "url_refused"),
        ({"version": "V1"}, "not_supported"),
        ({"enabled_events": []}, "events_missing"),
    ],
)
def test_what_does_not_fit_is_refused_in_the_apis_shape(
    world: World, key: str, change: dict[str, Any], slug: str
) -> None:
    row = make_webhook(world.acme)

    for answer in (ask(key, "POST", body={**NEW, **change}), ask(key, "PATCH", f"/{row.text_id}", change)):
        assert (answer.status_code, answer.json()["error"]["slug"]) == (400, slug)


def test_whose_it_is_when_nobody_says(world: World) -> None:
    """An organization's key, and a person of one organization, mean that one; others must say which."""
    _, personal = make_api_key(world.admin, Scope.ADMIN)
    assert ask(personal, "POST", body=NEW).json()["user_id"] == world.acme.ref.text_id
    make_membership(world.globex, world.admin)

    unclear = ask(personal, "POST", body=NEW)
    assert unclear.json()["error"]["slug"] == "organization_needed"
    named = ask(personal, "POST", body={**NEW, "user_id": world.acme.ref.text_id})
    own_id = ask(personal, "POST", body={**NEW, "user_id": f"user_{world.admin.id.hex}"})

    assert named.status_code == 201
    assert own_id.json()["error"]["slug"] == "organization_needed"


def test_change_what_was_sent_and_nothing_else(world: World, key: str) -> None:
    row = make_webhook(world.acme, description="Alerts")

    answer = ask(key, "PATCH", f"/{row.text_id}", {"enabled_events": ["request.opened"], "status": "paused"}).json()

    assert answer["enabled_events"] == ["composio.request.opened"]
    assert (answer["webhook_url"], answer["description"], answer["status"]) == (row.url, "Alerts", "paused")
    assert ask(key, "PATCH", f"/{row.text_id}", {"status": "active"}).json()["status"] == "active"
    assert ask(key, "PATCH", f"/{row.text_id}", {"status": "off"}).json()["error"]["slug"] == "invalid_status"


def test_rotating_gives_the_new_secret(world: World, key: str) -> None:
    row = make_webhook(world.acme, secret="old")

    answer = ask(key, "POST", f"/{row.text_id}/rotate_secret").json()

    assert answer["id"] == row.text_id
    assert answer["secret"].startswith("sb_hook_")
    assert of_acme(world).old_secret is not None


def test_deliveries_are_listed_in_pages_and_sent_again(world: World, key: str) -> None:
    row = make_webhook(world.acme)
    rows = [make_delivery(row, status="given_up") for _number in range(3)]
    make_delivery(row, status="delivered")
    path = f"/{row.text_id}/deliveries"

    first = ask(key, path=f"{path}?status=given_up&limit=2").json()
    second = ask(key, path=f"{path}?status=given_up&limit=2&cursor={first['next_cursor']}").json()
    again = ask(key, "POST", f"{path}/{rows[0].text_id}/replay")

    shown = [one["id"] for page in (first, second) for one in page["items"]]
    assert shown == [one.text_id for one in reversed(rows)]
    assert second["next_cursor"] is None
    assert (again.status_code, again.json()["id"], again.json()["status"]) == (202, rows[0].text_id, "waiting")
    assert ask(key, "POST", f"{path}/{rows[0].text_id}/replay").status_code == 409
    assert ask(key, "POST", f"{path}/nonsense/replay").status_code == 404


def test_test_event_waits_to_be_sent(world: World, key: str) -> None:
    row = make_webhook(world.acme)

    answer = ask(key, "POST", f"/{row.text_id}/test")

    assert answer.status_code == 202
    assert answer.json()["event"] == "composio.webhook.test"
    assert WebhookDelivery.objects.owned_by(world.acme.ref).get().text_id == answer.json()["id"]


def test_deleting_says_so(world: World, key: str) -> None:
    row = make_webhook(world.acme)

    assert ask(key, "DELETE", f"/{row.text_id}").json() == {"id": row.text_id, "deleted": True}
    assert ask(key, path=f"/{row.text_id}").status_code == 404
