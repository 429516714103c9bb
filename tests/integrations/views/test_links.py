"""Connect links: a program asks, and only the very person whose key asked connects (check O5)."""

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from integrations.models import ConnectedAccount, ConnectLink
from orgs.models import AuditEvent
from orgs.permissions import Scope
from tests.factories import make_auth_config, make_connected_account, make_toolkit
from tests.integrations.api.door import Door, door_of, id_of
from tests.world import World

BACK = "https://app.example.com/back?x=1"


@pytest.fixture
def config(world: World) -> Any:
    return make_auth_config(make_toolkit())


def begun(door: Door, config: Any, user_id: str, **more: str) -> dict[str, Any]:
    body = {"auth_config": {"id": config.text_id}, "connection": {"user_id": user_id, "callback_url": BACK, **more}}
    status, answer = door.post("/connected_accounts", body)
    assert status == 201, answer
    return dict(answer)


def test_link_leads_its_own_person_to_the_consent_page_and_stores_nothing(world: World, config: Any) -> None:
    answer = begun(door_of(world.member), config, id_of(world.member))

    response = world.client("member").get(answer["redirect_url"])

    assert response.status_code == 302
    assert response.headers["Location"].startswith("/me/connections/new/github/?")
    page = world.client("member").get(response.headers["Location"])
    assert "A program asks you to connect this" in page.content.decode()
    assert "app.example.com" in page.content.decode()
    assert not ConnectedAccount.objects.unscoped("a test looks").exists()


@pytest.mark.parametrize(("named", "shown"), [({"alias": "Work"}, b'value="Work"'), ({}, b'name="alias"')])
def test_the_page_offers_the_name_that_the_program_gave(world: World, config: Any, named: Any, shown: bytes) -> None:
    answer = begun(door_of(world.member), config, id_of(world.member), **named)

    page = world.client("member").get(answer["redirect_url"], follow=True)

    assert shown in page.content
    assert (b'value="Work"' in page.content) is bool(named)


def test_account_to_come_can_be_waited_for(world: World, config: Any) -> None:
    door = door_of(world.member)
    answer = begun(door, config, id_of(world.member))

    status, account = door.get(f"/connected_accounts/{answer['id']}")

    assert (status, account["status"], account["user_id"]) == (200, "INITIATED", id_of(world.member))
    assert answer["connectionData"]["val"]["redirectUrl"] == answer["redirect_url"]


@pytest.mark.parametrize("persona", ["admin", "owner", "outsider", "ex_member", "staff"])
def test_whoever_else_opens_it_is_turned_away_on_record_in_both_logs(world: World, config: Any, persona: str) -> None:
    answer = begun(door_of(world.member), config, id_of(world.member))
    before = AuditEvent.objects.filter(result="denied").count()

    response = world.client(persona).get(answer["redirect_url"])
    nothing = world.client(persona).get("/connect/" + "x" * 43 + "/")

    assert response.status_code == nothing.status_code == 404
    assert AuditEvent.objects.filter(result="denied", action="connection.link").count() == before + 2
    assert ConnectLink.objects.unscoped("a test looks").get().status == "open"


def test_stranger_signs_in_first(world: World, config: Any) -> None:
    answer = begun(door_of(world.member), config, id_of(world.member))

    response = world.client("anonymous").get(answer["redirect_url"])

    assert response.headers["Location"].startswith("/accounts/login/?next=/connect/")


def test_somebody_elses_link_is_not_fulfilled_from_the_consent_page(world: World, config: Any) -> None:
    answer = begun(door_of(world.member), config, id_of(world.member))
    form = {"way": config.text_id, "link": answer["id"]}

    response = world.client("admin").post("/me/connections/new/github/", form)

    assert response.status_code == 404
    assert ConnectLink.objects.unscoped("a test looks").get().status == "open"


def test_link_runs_out(world: World, config: Any) -> None:
    door = door_of(world.member)
    answer = begun(door, config, id_of(world.member))
    ConnectLink.objects.unscoped("time passes").update(expires_at=timezone.now() - timedelta(seconds=1))

    response = world.client("member").get(answer["redirect_url"], follow=True)

    assert "was not connected" in response.content.decode()
    assert door.get(f"/connected_accounts/{answer['id']}")[1]["status"] == "EXPIRED"


def test_fulfilled_link_leads_on_with_the_account(world: World, config: Any) -> None:
    door = door_of(world.member)
    answer = begun(door, config, id_of(world.member))
    account = make_connected_account(config.toolkit, owner=world.member, auth_config=config)
    links = ConnectLink.objects.unscoped("somebody connects")
    links.update(status="finished", connected_account=account, finished_at=timezone.now())

    page = world.client("member").get(f"/connect/{answer['id']}/done/").content.decode()

    expected = f"https://app.example.com/back?x=1&amp;status=success&amp;connected_account_id={account.text_id}"
    assert expected in page
    assert door.get(f"/connected_accounts/{answer['id']}")[1]["id"] == account.text_id
    assert world.client("admin").get(f"/connect/{answer['id']}/done/").status_code == 404


@pytest.mark.parametrize(
    "url",
    [
        "javascript:alert(1)",
        "http://app.example.com/",
        "//app.example.com",
        "https://a:b@app.example.com",
        "https://",
        "/back",
        "https://app.example.com/\\x",
        "https://app.example.com/a b",
        "https://[::1",
    ],
)
def test_callback_url_that_could_mislead_is_refused(world: World, config: Any, url: str) -> None:
    body = {"auth_config_id": config.text_id, "user_id": id_of(world.member), "callback_url": url}

    status, answer = door_of(world.member).post("/connected_accounts/link", body)

    assert (status, answer["error"]["slug"]) == (400, "callback_url_invalid")


def test_organization_key_connects_nothing_because_consent_needs_a_person(world: World, config: Any) -> None:
    body = {"auth_config_id": config.text_id, "user_id": id_of(world.acme)}

    status, answer = door_of(world.acme, *Scope).post("/connected_accounts/link", body)

    assert (status, answer["error"]["slug"]) == (403, "person_needed")
