"""Connect links of an application's end users, at a real authorization server on loopback (checks O5, O6, O7)."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from django.test import Client
from django.utils import timezone

from integrations.models import ConnectedAccount, ConnectLink
from orgs.models import AuditEvent
from tests.factories import make_application, make_application_key, make_auth_config
from tests.flows.connecting import ConnectDesk, path_of
from tests.integrations.api.door import Door, id_of
from tests.world import World

BACK = "https://shop.example.com/connected"


@pytest.fixture
def shop(world: World) -> Any:
    return make_application(world.acme, "Shop", callback_urls=[BACK])


@pytest.fixture
def door(shop: Any) -> Door:
    return Door(make_application_key(shop)[1])


def begun(door: Door, desk: ConnectDesk, **more: Any) -> dict[str, Any]:
    body = {"auth_config": {"id": desk.auth_config.text_id}, "connection": {"user_id": "alice", **more}}
    status, answer = door.post("/connected_accounts", body)
    assert status == 201, answer
    return dict(answer)


def landing(answer: dict[str, Any]) -> str:
    return urlsplit(answer["redirect_url"]).path


def to_the_provider(browser: Client, answer: dict[str, Any]) -> str:
    response = browser.post(landing(answer))
    assert response.status_code == 302, response.content.decode()
    return str(response["Location"])


def links() -> Any:
    return ConnectLink.objects.unscoped("a test looks")


def test_landing_says_who_asks_for_whom_and_until_when_and_begins_nothing(
    connect_desk: ConnectDesk, door: Door
) -> None:
    answer = begun(door, connect_desk)

    response = Client().get(landing(answer))

    page = response.content.decode()
    assert response.status_code == 200
    for words in ("Shop", "an application of Acme", "alice", "Good until", "shop.example.com", "Go on to Notes"):
        assert words in page
    assert connect_desk.requests == []
    assert links().get().browser_hash == ""
    assert response["Referrer-Policy"] == "same-origin"


def test_identity_is_shown_before_anything_is_connected_and_then_the_application_is_told(
    connect_desk: ConnectDesk, door: Door
) -> None:
    answer, browser = begun(door, connect_desk), Client()
    assert door.get(f"/connected_accounts/{answer['id']}")[1]["status"] == "INITIATED"

    came_back = connect_desk.come_back(browser, connect_desk.server.press(to_the_provider(browser, answer), "ada"))
    page = browser.get(came_back["Location"])

    assert path_of(came_back) == f"/connect/for/{answer['id']}/identity/"
    assert "Is this your account?" in page.content.decode()
    assert "ada@notes.test" in page.content.decode()
    assert connect_desk.accounts == []
    browser.post(came_back["Location"], {"decision": "confirm"})
    [account] = connect_desk.accounts
    assert (account.owner.ref.external, account.text_id, account.identity_label) == ("alice", answer["id"], "ada")
    assert account.connected_by is None
    waited = door.get(f"/connected_accounts/{answer['id']}")[1]
    assert (waited["status"], waited["user_id"]) == ("ACTIVE", "alice")
    there = browser.get(came_back["Location"])["Location"]
    assert there.partition("?")[0] == BACK
    assert parse_qs(urlsplit(there).query) == {"status": ["success"], "connected_account_id": [answer["id"]]}


def test_wrong_account_is_given_back_and_the_application_is_told(connect_desk: ConnectDesk, door: Door) -> None:
    answer, browser = begun(door, connect_desk, callback_url=f"{BACK}?cart=7"), Client()
    came_back = connect_desk.come_back(browser, connect_desk.server.press(to_the_provider(browser, answer), "ada"))

    browser.post(came_back["Location"], {"decision": "discard"})

    assert connect_desk.accounts == []
    assert door.get(f"/connected_accounts/{answer['id']}")[1]["status"] == "FAILED"
    query = parse_qs(urlsplit(browser.get(came_back["Location"])["Location"]).query)
    assert query == {"cart": ["7"], "status": ["failed"], "connected_account_id": [answer["id"]]}


def test_consent_that_was_refused_at_the_provider_leads_back_too(connect_desk: ConnectDesk, door: Door) -> None:
    answer, browser = begun(door, connect_desk), Client()
    state = parse_qs(urlsplit(to_the_provider(browser, answer)).query)["state"][0]

    came_back = connect_desk.come_back(browser, {"state": state, "error": "access_denied"})

    assert "status=failed" in browser.get(came_back["Location"])["Location"]
    assert connect_desk.accounts == []


@pytest.mark.parametrize("victim", ["anonymous", "member", "other_guest"])
def test_sign_in_that_another_browser_began_is_refused_before_the_token_request(
    connect_desk: ConnectDesk, world: World, door: Door, victim: str
) -> None:
    """O5: the attacker begins, the victim opens the provider's address and comes back."""
    attacker = Client()
    address = to_the_provider(attacker, begun(door, connect_desk))
    other = Client() if victim == "other_guest" else world.client(victim)
    if victim == "other_guest":
        to_the_provider(other, begun(door, connect_desk))  # has a cookie of their own
    params = connect_desk.server.press(address, "ada")

    response = connect_desk.come_back(other, params)

    assert response.status_code == 403
    assert "begun in another browser" in response.content.decode()
    assert connect_desk.server.token_requests == []
    refused = AuditEvent.objects.of_owner(world.acme.ref).filter(action="callback.accept", result="denied")
    assert refused.count() == 1
    # the browser that began it may still finish
    assert connect_desk.come_back(attacker, params).status_code == 302
    assert len(connect_desk.server.token_requests) == 1


def test_link_that_one_browser_took_opens_in_no_other(connect_desk: ConnectDesk, world: World, door: Door) -> None:
    """O6, O7: until somebody agrees anybody may read it; then it is that browser's."""
    answer, first, second = begun(door, connect_desk), Client(), Client()
    assert first.get(landing(answer)).status_code == second.get(landing(answer)).status_code == 200
    to_the_provider(first, answer)

    assert second.get(landing(answer)).status_code == 404
    assert second.post(landing(answer)).status_code == 404
    assert second.get(f"/connect/for/{answer['id']}/identity/").status_code == 404
    assert first.get(landing(answer)).status_code == 200
    assert len(connect_desk.requests) == 1
    assert AuditEvent.objects.of_owner(world.acme.ref).filter(code="link_refused").count() == 2


def test_agreeing_needs_the_token_of_the_page(connect_desk: ConnectDesk, door: Door) -> None:
    """O6: no other site begins a flow in somebody's browser."""
    answer = begun(door, connect_desk)

    assert Client(enforce_csrf_checks=True).post(landing(answer)).status_code == 403
    assert connect_desk.requests == []


def test_cookie_of_the_browser_is_out_of_the_reach_of_scripts(connect_desk: ConnectDesk, door: Door) -> None:
    browser = Client()
    to_the_provider(browser, begun(door, connect_desk))

    cookie = browser.cookies["connect_browser"]
    assert (cookie["httponly"], cookie["samesite"]) == (True, "Lax")
    assert cookie.value not in str(links().values_list())


@pytest.mark.parametrize("url", ["https://evil.example/", f"{BACK}/more", "https://shop.example.com:444/connected"])
def test_callback_url_that_is_not_registered_is_refused_when_the_link_is_made(
    connect_desk: ConnectDesk, door: Door, url: str
) -> None:
    body = {"auth_config": {"id": connect_desk.auth_config.text_id}, "connection": {"user_id": "alice"}}
    body["connection"]["callback_url"] = url

    status, answer = door.post("/connected_accounts", body)

    assert (status, answer["error"]["slug"]) == (400, "callback_url_unregistered")
    assert "Register it on the application's page" in answer["error"]["message"]
    assert not links().exists()


def test_without_a_registered_address_it_ends_on_our_page(connect_desk: ConnectDesk, world: World) -> None:
    door = Door(make_application_key(make_application(world.acme, "Bare"))[1])
    answer, browser = begun(door, connect_desk), Client()
    came_back = connect_desk.come_back(browser, connect_desk.server.press(to_the_provider(browser, answer), "ada"))

    browser.post(came_back["Location"], {"decision": "confirm"})

    assert "Notes is connected" in browser.get(came_back["Location"]).content.decode()


def test_key_that_was_revoked_meanwhile_connects_nothing(connect_desk: ConnectDesk, shop: Any, door: Door) -> None:
    answer, browser = begun(door, connect_desk), Client()
    address = to_the_provider(browser, answer)
    shop.api_keys.update(revoked_at=timezone.now())

    response = connect_desk.come_back(browser, connect_desk.server.press(address, "ada"))

    assert response.status_code == 404
    assert connect_desk.server.token_requests == []
    assert browser.get(landing(answer)).status_code == 404


def test_link_runs_out(connect_desk: ConnectDesk, door: Door) -> None:
    answer = begun(door, connect_desk)
    links().update(expires_at=timezone.now() - timedelta(seconds=1))

    response = Client().get(landing(answer))

    assert "It was not used in time" in response.content.decode()
    assert door.get(f"/connected_accounts/{answer['id']}")[1]["status"] == "EXPIRED"


def test_organizations_own_account_still_needs_a_person(connect_desk: ConnectDesk, world: World, door: Door) -> None:
    body = {"auth_config_id": connect_desk.auth_config.text_id, "user_id": id_of(world.acme)}

    assert door.post("/connected_accounts/link", body)[0] == 403
    assert door.post("/connected_accounts/link", {**body, "user_id": "alice"})[0] == 201


def test_reconnecting_keeps_the_account(connect_desk: ConnectDesk, door: Door) -> None:
    first, browser = begun(door, connect_desk), Client()
    came_back = connect_desk.come_back(browser, connect_desk.server.press(to_the_provider(browser, first), "ada"))
    browser.post(came_back["Location"], {"decision": "confirm"})
    ConnectedAccount.objects.unscoped("a test lets it expire").update(status="expired")

    again = door.post(f"/connected_accounts/{first['id']}/refresh", {})[1]
    came_back = connect_desk.come_back(browser, connect_desk.server.press(to_the_provider(browser, again), "ada"))

    assert came_back.status_code == 302
    [account] = connect_desk.accounts
    assert (account.text_id, account.status) == (first["id"], "active")


def test_mistyped_token_can_be_typed_again(connect_desk: ConnectDesk, door: Door) -> None:
    """The browser that took the link keeps it, and no other gets it."""
    way = make_auth_config(connect_desk.toolkit, scheme="bearer_token", name="Personal token")
    body = {"auth_config": {"id": way.text_id}, "connection": {"user_id": "alice"}}
    answer, browser = door.post("/connected_accounts", body)[1], Client()

    refused = browser.post(landing(answer), {"field_token": "tok-wrong-canary"})
    stranger = Client().post(landing(answer), {"field_token": connect_desk.server.issue("mallory")})
    again = browser.post(landing(answer), {"field_token": connect_desk.server.issue("ada")})

    assert (refused.status_code, stranger.status_code, again.status_code) == (422, 404, 302)
    assert "does not accept" in refused.content.decode()
    assert "tok-wrong-canary" not in refused.content.decode()
    assert [one.identity_label for one in connect_desk.accounts] == ["ada"]


def test_link_that_was_taken_back_meanwhile_connects_nothing(connect_desk: ConnectDesk, door: Door) -> None:
    answer, browser = begun(door, connect_desk), Client()
    params = connect_desk.server.press(to_the_provider(browser, answer), "ada")
    assert door.delete(f"/connected_accounts/{answer['id']}")[0] == 200

    came_back = connect_desk.come_back(browser, params)
    page = browser.get(came_back["Location"]) if came_back.status_code == 302 else came_back

    assert connect_desk.accounts == []
    assert "taken the link back" in page.content.decode()
    assert Client().get(landing(answer)).status_code == 404
