"""The pages about webhooks: the secret is shown once, what was sent can be looked at, and nothing of it is a secret."""

import re
from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client

from integrations.credentials import open_webhook_secrets
from integrations.jobs.webhooks import send_turn
from integrations.models import Webhook, WebhookDelivery
from orgs.models import AuditEvent
from tests.factories import NOW, make_delivery, make_webhook
from tests.integrations.engine.servers import Provider, answer
from tests.integrations.webhook_receiver import received
from tests.world import World, sign_in

pytestmark = pytest.mark.django_db
PAGES = "/orgs/acme/webhooks/"
SECRET = re.compile(r"sb_hook_[\w-]{43}")
ASKED = {"url": "https://hooks.example.com/in", "description": "Alerts", "events": ["execution.ended"]}


def shown(client: Client, path: str = PAGES) -> str:
    answer = client.get(path)
    assert answer.status_code == 200
    return answer.content.decode()


def of_acme(world: World) -> Webhook:
    found: Webhook = Webhook.objects.owned_by(world.acme.ref).get()
    return found


def test_admin_adds_one_and_sees_its_secret_once(world: World) -> None:
    client = world.client("admin")
    assert "No webhooks yet" in shown(client)

    page = client.post(f"{PAGES}new/", ASKED).content.decode()
    [secret] = set(SECRET.findall(page))

    webhook = of_acme(world)
    assert open_webhook_secrets(webhook, NOW) == [secret]
    for path in (PAGES, f"{PAGES}{webhook.text_id}/", f"{PAGES}{webhook.text_id}/change/", "/orgs/acme/audit/"):
        assert secret not in shown(client, path)
    assert secret not in str(client.session.items())
    assert "Alerts" in shown(client)


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"url": ""}, "This field is required"),
        ({"url": "https://10.0.0.1/"}, "private or reserved network"),
        ({"url": "https://hooks.example.com:8443/"}, "port is not open"),
        ({"events": []}, "Choose at least one"),
    ],
)
def test_form_that_does_not_fit_says_why_and_keeps_what_was_typed(
    world: World, change: dict[str, Any], says: str
) -> None:
    answered = world.client("admin").post(f"{PAGES}new/", {**ASKED, **change})

    assert answered.status_code == 422
    assert says in answered.content.decode()
    assert "Alerts" in answered.content.decode()
    assert not Webhook.objects.owned_by(world.acme.ref).exists()


@pytest.mark.parametrize("page", ["new/", "{}/rotate/"])
def test_secrets_are_made_only_by_who_has_just_signed_in(world: World, page: str) -> None:
    webhook = make_webhook(world.acme)
    client = Client()
    sign_in(client, world.admin, seconds_ago=3600)

    answered = client.post(PAGES + page.format(webhook.text_id), ASKED)

    assert answered.status_code == 302
    assert answered.headers["Location"].startswith("/accounts/reauthenticate/")
    assert of_acme(world).old_secret is None
    assert world.client("admin").post(PAGES + page.format(webhook.text_id), ASKED).status_code == 200


def test_new_secret_is_shown_once_and_the_page_says_that_two_sign(world: World) -> None:
    webhook, client = make_webhook(world.acme), world.client("admin")

    page = client.post(f"{PAGES}{webhook.text_id}/rotate/").content.decode()

    assert len(set(SECRET.findall(page))) == 1
    assert "Both secrets sign until" in page
    after = shown(client, f"{PAGES}{webhook.text_id}/")
    assert "Two sign until" in after
    assert not SECRET.search(after)
    assert "ends the older of the two" in shown(client, f"{PAGES}{webhook.text_id}/rotate/")


def test_test_event_goes_out_and_can_be_looked_at_and_sent_again(
    world: World, provider_of: Callable[..., Provider]
) -> None:
    provider = provider_of(answer(b"nope", "500 Internal Server Error"), answer(b"", "204 No Content"))
    webhook = make_webhook(world.acme, url=provider.url, secret="sb_hook_1")
    client, page = world.client("admin"), f"{PAGES}{webhook.text_id}/"

    there = client.post(f"{page}test/").headers["Location"]
    assert "Waiting" in shown(client, there)
    delivery = WebhookDelivery.objects.owned_by(world.acme.ref).get()
    send_turn(delivery.due_at)
    failed = shown(client, there)
    assert "The receiver answered 500" in failed
    assert "HTTP 500" in shown(client, page)
    client.post(f"{there}again/")
    send_turn(WebhookDelivery.objects.owned_by(world.acme.ref).get().due_at)

    first, second = received(provider)
    assert first.id == second.id == delivery.text_id
    assert second.is_signed_with("sb_hook_1")
    done = shown(client, there)
    assert "Delivered" in done
    assert "v1,••••••••" in done
    for request in (first, second):
        assert request.headers["webhook-signature"] not in done
    actions = AuditEvent.objects.filter(target_id=webhook.text_id).order_by("id").values_list("action", flat=True)
    assert list(actions) == ["webhook.test", "webhook.replay"]


def test_deliveries_are_narrowed_down_and_paged_in_the_address(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    webhook, client = make_webhook(world.acme, status="paused"), world.client("admin")
    page = f"{PAGES}{webhook.text_id}/"
    assert "Nothing was sent yet" in shown(client, page)
    rows = [make_delivery(webhook, status="delivered", subject=f"wh_{number}") for number in range(30)]
    make_delivery(webhook, status="given_up", event="request.opened", subject="rq_1")

    first = shown(client, page)
    assert "rq_1" in first
    older = re.search(r'rel="next" href="([^"]+)"', first)
    assert older
    second = shown(client, page + older[1])
    assert rows[0].subject in second
    assert "rq_1" not in second
    assert 'rel="prev"' in second
    assert "wh_29" not in shown(client, f"{page}?status=given_up&event=request.opened")
    assert "No delivery matches these filters" in shown(client, f"{page}?status=retrying")
    assert 'the status “<span class="wrap-anywhere">lost</span>”' in shown(client, f"{page}?status=lost")
    assert "left out" not in shown(client, f"{page}?status=given_up")
    fragment = client.get(f"{page}?status=given_up", headers={"HX-Request": "true"}).content.decode()
    assert "<html" not in fragment
    assert "rq_1" in fragment


def test_pause_resume_change_and_delete(world: World) -> None:
    webhook, client = make_webhook(world.acme), world.client("admin")
    page = f"{PAGES}{webhook.text_id}/"

    assert "Paused" in client.post(f"{page}pause/", follow=True).content.decode()
    assert "already" in client.post(f"{page}pause/", follow=True).content.decode()
    assert "What waited goes out now" in client.post(f"{page}resume/", follow=True).content.decode()
    client.post(f"{page}change/", {**ASKED, "url": "https://other.example.com/"})
    assert of_acme(world).host == "other.example.com"
    refused = client.post(f"{page}change/", {**ASKED, "url": "https://127.0.0.1/"})
    assert refused.status_code == 422
    assert "cannot be undone" in shown(client, f"{page}delete/")
    assert "is deleted" in client.post(f"{page}delete/", follow=True).content.decode()
    assert client.get(page).status_code == 404


@pytest.mark.parametrize(
    ("values", "says"),
    [
        ({"status": "off"}, "It was switched off"),
        ({"status": "paused"}, "It is paused"),
        ({"failing_since": NOW, "failures": 4}, "The last 4 attempts failed"),
    ],
)
def test_page_says_what_is_wrong_and_what_to_do(world: World, values: dict[str, Any], says: str) -> None:
    webhook = make_webhook(world.acme, **values)

    assert says in shown(world.client("admin"), f"{PAGES}{webhook.text_id}/")


def test_members_do_not_see_the_section_and_a_person_has_none(world: World) -> None:
    assert f'href="{PAGES}"' in shown(world.client("admin"), "/orgs/acme/")
    assert f'href="{PAGES}"' not in shown(world.client("member"), "/orgs/acme/")
    assert "webhooks/" not in shown(world.client("admin"), "/me/")


def test_delivery_of_another_webhook_is_not_shown_here(world: World) -> None:
    mine, other = make_webhook(world.acme), make_webhook(world.globex)
    theirs = make_delivery(other)

    assert world.client("admin").get(f"{PAGES}{mine.text_id}/{theirs.text_id}/").status_code == 404
    assert world.client("admin").get(f"{PAGES}{other.text_id}/").status_code == 404


@pytest.mark.parametrize(
    ("values", "says"),
    [
        ({}, "It waits until the webhook is resumed"),
        ({"status": "given_up"}, "given up before anything was sent"),
        ({"status": "given_up", "tries": 1}, "None on record"),
    ],
)
def test_delivery_without_an_attempt_says_what_becomes_of_it(world: World, values: dict[str, Any], says: str) -> None:
    webhook = make_webhook(world.acme, status="paused")
    row = make_delivery(webhook, **values)

    assert says in shown(world.client("admin"), f"{PAGES}{webhook.text_id}/{row.text_id}/")
