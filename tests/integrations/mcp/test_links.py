"""Consent that is an end user's to give: they have no pages here, so the refusal brings a link (checks M13, O5)."""

from datetime import timedelta
from typing import Any
from urllib.parse import urlsplit

import pytest
from django.test import Client as Browser
from django.utils import timezone

from integrations.models import ConnectLink, Tool
from integrations.models.connect_links import hash_of
from orgs.audit import AuditAction
from orgs.models import AuditEvent
from orgs.permissions import Scope
from tests.factories import (
    make_api_key,
    make_application,
    make_application_key,
    make_auth_config,
    make_connected_account,
    make_end_user,
    make_session,
    make_tool,
    make_toolkit,
)
from tests.integrations.mcp.agent import MODERN, Agent, path_of
from tests.integrations.mcp.test_opening import GET, Person, refused
from tests.world import World

pytestmark = pytest.mark.django_db
WITHOUT_LINKS = (Scope.TOOLS_READ, Scope.EXECUTIONS_READ, Scope.EXECUTIONS_WRITE, Scope.CONNECTIONS_READ)
CALLBACK = "https://shop.example.com/connected"


@pytest.fixture
def read() -> Tool:
    tool = make_tool(make_toolkit("github"), "GITHUB_GET_THING")
    make_auth_config(tool.toolkit)
    return tool


@pytest.fixture
def shop(world: World) -> Any:
    return make_application(world.acme, "Shop", callback_urls=[CALLBACK])


@pytest.fixture
def alice(shop: Any) -> Any:
    return make_end_user(shop, "alice")


def agent_of(shop: Any, at: Any, *scopes: Scope) -> Agent:
    return Agent(path_of(at), make_application_key(shop, *scopes)[1])


def links() -> Any:
    return ConnectLink.objects.unscoped("a test looks at them")


def way_in(answer: Any) -> dict[str, str]:
    way: dict[str, str] = answer.structured_content["ways_out"][-1]
    return way


def token_of(url: str) -> str:
    return urlsplit(url).path.strip("/").rpartition("/")[2]


def session_of(alice: Any, *toolkits: Any, **connections: Any) -> Any:
    config = {"asked": {"manage_connections": connections}}
    return make_session(*toolkits, owner=alice, origin="api", takes_all=True, config=config)


def test_a_missing_account_is_answered_with_a_link_for_that_end_user(shop: Any, alice: Any, read: Tool) -> None:
    told = agent_of(shop, alice).call(*GET)

    link = links().get()
    assert told.structured_content["code"] == "no_connected_account"
    assert hash_of(token_of(way_in(told)["url"])) == link.token_hash
    assert (link.owner.ref, link.user, link.auth_config.toolkit) == (alice.owner.ref, None, read.toolkit)
    assert (link.callback_url, link.reconnects) == (CALLBACK, None)
    assert "page" not in told.structured_content
    made = AuditEvent.objects.of_owner(shop.organization.ref).get(action=AuditAction.CONNECTION_LINK)
    assert made.details["origin"] == "mcp"
    page = Browser().get(urlsplit(way_in(told)["url"]).path)
    assert (page.status_code, b"Github" in page.content) == (200, True)


def test_a_broken_account_is_signed_in_to_again_and_keeps_its_id(shop: Any, alice: Any, read: Tool) -> None:
    account = make_connected_account(read.toolkit, owner=alice, status="expired")

    told = agent_of(shop, alice).call(*GET)

    link = links().get()
    assert (told.structured_content["code"], link.reconnects) == ("connection_expired", account)
    assert hash_of(token_of(way_in(told)["url"])) == link.token_hash


def test_a_key_that_connects_nothing_makes_no_link(shop: Any, alice: Any, read: Tool) -> None:
    del read
    told = agent_of(shop, alice, *WITHOUT_LINKS).call(*GET)

    assert told.structured_content["code"] == "no_connected_account"
    assert "url" not in way_in(told)
    assert not links().exists()


# --- How many there are


def test_a_link_that_nobody_opened_is_shown_again(shop: Any, alice: Any, read: Tool) -> None:
    del read
    agent = agent_of(shop, alice)

    addresses = {way_in(agent.call(*GET))["url"] for _ in range(3)}

    assert len(addresses) == links().count() == 1


@pytest.mark.parametrize(
    "change",
    [{"browser_hash": "0" * 64}, {"status": "finished"}, {"expires_at": timezone.now() + timedelta(minutes=1)}],
)
def test_one_that_is_taken_used_or_nearly_over_is_not(
    shop: Any, alice: Any, read: Tool, change: dict[str, Any]
) -> None:
    del read
    agent = agent_of(shop, alice)
    before = way_in(agent.call(*GET))["url"]
    links().update(**change)

    assert way_in(agent.call(*GET))["url"] != before
    assert links().count() == 2


def test_each_end_user_has_a_link_of_their_own(shop: Any, alice: Any, read: Tool) -> None:
    del read
    key = make_application_key(shop)[1]
    addresses = {way_in(Agent(path_of(one), key).call(*GET))["url"] for one in (alice, make_end_user(shop, "bob"))}

    assert len(addresses) == 2
    assert {one.owner.ref.external for one in links()} == {"alice", "bob"}


def test_only_a_refusal_makes_one(shop: Any, alice: Any, read: Tool) -> None:
    """Looking for tools, asking why, and reading an old refusal make no rows."""
    del read
    agent = agent_of(shop, alice)

    agent.call("SWITCHBOARD_SEARCH_TOOLS", {"query": "thing"})
    agent.call("SWITCHBOARD_EXPLAIN", {"tool": GET[0]})
    assert links().count() == 0
    run = agent.call(*GET).structured_content["run"]
    links().all().delete()
    agent.call("SWITCHBOARD_GET_RUN", {"run": run})

    assert links().count() == 0


@pytest.mark.parametrize("status", ["paused", "active"])
def test_another_refusal_makes_none(shop: Any, alice: Any, read: Tool, status: str) -> None:
    make_connected_account(read.toolkit, owner=alice, status=status)
    if status == "active":
        read.toolkit.is_enabled = False
        read.toolkit.save()

    told = agent_of(shop, alice).call(*GET)

    assert told.is_error
    assert not links().exists()


def test_a_person_of_ours_gets_a_page_and_no_link(world: World, read: Tool) -> None:
    del read
    told = Agent(path_of(world.member), make_api_key(world.member)[1]).call(*GET)

    assert way_in(told)["url"].endswith("/me/connections/new/")
    assert not links().exists()


# --- What the session says


def test_a_session_leads_back_where_it_was_told_to(shop: Any, alice: Any, read: Tool) -> None:
    del read
    shop.callback_urls = ["https://shop.example.com/first", CALLBACK]
    shop.save()

    agent_of(shop, session_of(alice, callback_url=CALLBACK)).call(*GET)

    assert links().get().callback_url == CALLBACK


def test_a_session_that_does_not_connect_makes_no_link(shop: Any, alice: Any, read: Tool) -> None:
    del read
    told = agent_of(shop, session_of(alice, enable=False)).call(*GET)

    assert told.structured_content["code"] == "no_connected_account"
    assert "url" not in way_in(told)
    assert not links().exists()


def test_a_session_uses_the_auth_config_it_was_given(shop: Any, alice: Any, read: Tool) -> None:
    second = make_auth_config(read.toolkit, scheme="bearer_token", name="A token")
    config = {"asked": {"auth_configs": {"GITHUB": second.text_id}}}
    session = make_session(owner=alice, origin="api", takes_all=True, config=config)

    agent_of(shop, session).call(*GET)

    assert links().get().auth_config == second


def test_a_pinned_account_is_the_one_to_sign_in_to_again(shop: Any, alice: Any, read: Tool) -> None:
    """Also where another account would do: the pin is what counts."""
    pinned = make_connected_account(read.toolkit, owner=alice, status="expired", identity_key="2")
    make_connected_account(read.toolkit, owner=alice)

    told = agent_of(shop, make_session(owner=alice, takes_all=True, pins=[pinned])).call(*GET)

    assert told.structured_content["code"] == "connection_expired"
    assert links().get().reconnects == pinned


def test_a_pin_that_is_gone_is_not_mended_by_connecting(shop: Any, alice: Any, read: Tool) -> None:
    gone = make_connected_account(read.toolkit, owner=alice, status="revoked")

    told = agent_of(shop, make_session(owner=alice, takes_all=True, pins=[gone])).call(*GET)

    assert told.structured_content["code"] == "pinned_account_gone"
    assert not links().exists()


# --- Asked for by the client


def test_a_client_that_can_is_asked_to_open_the_link(shop: Any, alice: Any, read: Tool) -> None:
    del read
    agent, person = agent_of(shop, alice), Person()

    [wanted] = refused(agent, person).elicitations
    told = agent.call(*GET, mode=MODERN, elicitation_callback=person)

    [asked] = person.seen
    assert asked.url == wanted.url == way_in(told)["url"]
    assert hash_of(token_of(asked.url)) == links().get().token_hash
