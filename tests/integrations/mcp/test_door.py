"""The door for agents: who is let in, where to, and what is refused unread (checks M1 to M6, M10, M11)."""

import json
from typing import Any
from uuid import uuid4

import pytest
from django.conf import LazySettings
from django.utils import timezone

from integrations.models import Toolkit
from integrations.services.tool_sessions import end_session
from orgs.models import ApiKey, AuditEvent
from orgs.permissions import Scope
from orgs.services.applications import end_application
from tests.factories import (
    actor_of,
    make_api_key,
    make_application,
    make_application_key,
    make_end_user,
    make_session,
    make_tool,
    make_toolkit,
    owner_ref,
)
from tests.integrations.mcp.agent import LEGACY, MODERN, Agent, listing, path_of
from tests.world import World

pytestmark = pytest.mark.django_db


@pytest.fixture
def hackernews() -> Toolkit:
    toolkit = make_toolkit("hackernews", needs_account=False)
    make_tool(toolkit)
    return toolkit


def agent_of(world: World, persona: str = "member", *scopes: Scope, at: Any = None) -> Agent:
    person = world.people[persona]
    return Agent(path_of(at or person), make_api_key(person, *scopes)[1])


# --- Who is let in


@pytest.mark.parametrize("protocol", [LEGACY, MODERN])
def test_without_a_key_it_says_where_to_read_how(world: World, settings: LazySettings, protocol: str) -> None:
    answer = Agent(path_of(world.member)).post(mcp_protocol_version=protocol)

    assert answer.status_code == 401
    metadata = f"{settings.BASE_URL}/.well-known/oauth-protected-resource{path_of(world.member)}"
    scopes = "tools:read executions:read executions:write connections:read"
    assert answer.headers["www-authenticate"] == f'Bearer resource_metadata="{metadata}", scope="{scopes}"'
    assert answer.json()["error"]["data"]["slug"] == "api_key_missing"


def test_the_metadata_of_the_resource_names_it(world: World, settings: LazySettings) -> None:
    path = path_of(world.member)

    found = Agent(path).ask("GET", f"/.well-known/oauth-protected-resource{path}").json()

    assert found["resource"] == f"{settings.BASE_URL}{path}"
    assert found["bearer_methods_supported"] == ["header"]


def test_a_key_is_taken_from_either_header(world: World, hackernews: Toolkit) -> None:
    agent = agent_of(world)

    assert agent.post().status_code == 200
    bare = Agent(agent.path)
    assert bare.post(authorization=f"Bearer {agent.key}").status_code == 200
    assert agent.post(authorization=f"Bearer {agent.key}").status_code == 401
    assert ApiKey.objects.get().last_used_at is not None


@pytest.mark.parametrize("key", ["nonsense", "sb_user_" + "0" * 72, "Bearer"])
def test_what_is_no_key_of_ours_is_refused(world: World, key: str) -> None:
    agent = Agent(path_of(world.member))

    assert agent.post(x_api_key=key).status_code == 401
    assert agent.post(authorization=f"Bearer {key}").status_code == 401
    assert agent.post(authorization="Basic eDp5").status_code == 401


def test_a_browser_session_opens_nothing(world: World) -> None:
    client = world.client("member")
    cookies = "; ".join(f"{name}={one.value}" for name, one in client.cookies.items())

    assert Agent(path_of(world.member)).post(cookie=cookies).status_code == 401


@pytest.mark.parametrize("name", ["key", "api_key", "access_token", "x-api-key", "q"])
def test_a_key_in_the_address_is_refused_even_beside_a_good_one(world: World, name: str) -> None:
    agent = agent_of(world)

    answer = agent.post(path=f"{agent.path}?{name}={agent.key}")

    assert answer.status_code == 401
    assert answer.json()["error"]["data"]["slug"] == "api_key_misplaced"


def test_a_revoked_key_opens_nothing_from_the_next_request_on(world: World) -> None:
    agent = agent_of(world)
    assert agent.post().status_code == 200

    ApiKey.objects.update(revoked_at=timezone.now())

    assert agent.post().status_code == 401


def test_a_key_that_lacks_scopes_is_told_all_that_are_needed(world: World) -> None:
    answer = agent_of(world, "member", Scope.TOOLS_READ).post()

    assert answer.status_code == 403
    said = answer.headers["www-authenticate"]
    assert 'error="insufficient_scope", scope="tools:read executions:read executions:write"' in said


def test_whoever_asks_too_often_is_told_when_to_go_on(world: World, settings: LazySettings) -> None:
    settings.API_LIMIT_PER_KEY = 0

    answer = agent_of(world).post()

    assert answer.status_code == 429
    assert int(answer.headers["retry-after"]) > 0


# --- Where to


def test_somebody_elses_place_reads_like_an_invented_one(world: World, hackernews: Toolkit) -> None:
    foreign = make_session(hackernews, owner=world.globex, user=world.outsider)
    invented = f"/mcp/sessions/trs_{uuid4().hex}/"
    agent = agent_of(world)

    paths = [path_of(foreign), path_of(world.globex), path_of(world.outsider), invented, f"/mcp/org_{uuid4().hex}"]
    answers = [agent.post(path=path) for path in paths]

    assert {one.status_code for one in answers} == {404}
    assert len({one.text for one in answers}) == 1
    assert AuditEvent.objects.filter(result="denied", owner_id=owner_ref(world.member).text_id).count() == len(paths)


@pytest.mark.parametrize("path", ["/mcp/", "/mcp/default/", "/mcp/sessions/", "/mcp/ca_" + "0" * 32])
def test_an_address_that_is_none_is_nothing(world: World, path: str) -> None:
    assert agent_of(world).post(path=path).status_code == 404


def test_a_session_that_has_ended_answers_nobody(world: World, hackernews: Toolkit) -> None:
    session = make_session(hackernews, owner=world.member)
    agent = agent_of(world, at=session)
    assert agent.post().status_code == 200

    end_session(actor=actor_of(world.member), owner=owner_ref(world.member), session_id=session.id, now=timezone.now())

    answer = agent.post()
    assert (answer.status_code, answer.json()["error"]["data"]["slug"]) == (404, "session_ended")


def test_an_organizations_key_reaches_the_organization_alone(world: World, hackernews: Toolkit) -> None:
    own = make_session(hackernews, owner=world.acme, user=world.member)
    personal = make_session(hackernews, owner=world.member)
    key = make_api_key(world.acme)[1]

    codes = [Agent(path_of(one), key).post().status_code for one in (world.acme, own, world.member, personal)]

    assert codes == [200, 200, 404, 404]


def keys_around(world: World, shop: Any) -> dict[str, str]:
    """Everybody who might come to the address of an end user of the shop."""
    people = {name: make_api_key(world.people[name])[1] for name in ("owner", "admin", "member", "viewer", "outsider")}
    return people | {
        "shop": make_application_key(shop)[1],
        "second application": make_application_key(make_application(world.acme, "Second"))[1],
        "foreign application": make_application_key(make_application(world.globex, "Foreign"))[1],
        "organization": make_api_key(world.acme)[1],
    }


def test_an_end_users_address_opens_for_its_application_alone(world: World, hackernews: Toolkit) -> None:
    shop = make_application(world.acme, "Shop")
    path, keys = path_of(make_end_user(shop, "alice")), keys_around(world, shop)

    answers = {who: Agent(path, key).post() for who, key in keys.items()}

    invented = Agent(f"/mcp/eu_{uuid4().hex}/", keys["shop"]).post()
    assert {who: one.status_code for who, one in answers.items()} == dict.fromkeys(keys, 404) | {"shop": 200}
    assert {one.text for who, one in answers.items() if who != "shop"} == {invented.text}  # the words of all refusals
    assert invented.status_code == 404
    assert Agent(path).post().status_code == 401
    assert {tool["name"] for tool in answers["shop"].json()["result"]["tools"]} > {"HACKERNEWS_GET_THING"}


def test_end_users_of_another_application_are_out_of_reach(world: World) -> None:
    """The twin: each of two applications comes to its own, and to its organization's."""
    shop, second = (make_application(world.acme, name) for name in ("Shop", "Second"))
    alice, bob = make_end_user(shop, "alice"), make_end_user(second, "bob")
    codes = {
        name: [Agent(path_of(at), make_application_key(one)[1]).post().status_code for at in (alice, bob, world.acme)]
        for name, one in (("shop", shop), ("second", second))
    }

    assert codes == {"shop": [200, 404, 200], "second": [404, 200, 200]}


def test_an_application_that_has_ended_is_let_in_nowhere(world: World) -> None:
    shop = make_application(world.acme, "Shop")
    agent = Agent(path_of(make_end_user(shop, "alice")), make_application_key(shop)[1])
    assert agent.post().status_code == 200

    end_application(actor=actor_of(world.owner), owner=world.acme.ref, application_id=shop.id, now=timezone.now())

    assert agent.post().status_code == 401


def test_a_viewer_of_the_organization_is_let_in_and_has_nothing_to_run(world: World, hackernews: Toolkit) -> None:
    names = [tool.name for tool in agent_of(world, "viewer", at=world.acme).tools()]

    assert all(name.startswith("SWITCHBOARD_") for name in names)


# --- Host and origin


def test_another_origin_or_host_is_refused(world: World, settings: LazySettings) -> None:
    settings.BASE_URL = "http://testserver"
    agent = agent_of(world)

    assert agent.post(origin="http://testserver").status_code == 200
    for origin in ("http://evil.test", "null", "http://testserver.evil.test", "https://testserver"):
        answer = agent.post(origin=origin)
        assert answer.status_code == 403
        assert "access-control-allow-origin" not in answer.headers
    assert agent.post(host="evil.test").status_code == 421


@pytest.mark.parametrize("method", ["GET", "DELETE", "PUT", "OPTIONS"])
def test_only_post_is_answered(world: World, method: str) -> None:
    agent = agent_of(world)

    answer = agent.ask(method, agent.path)

    assert (answer.status_code, answer.headers["allow"]) == (405, "POST")


# --- The protocol


@pytest.mark.parametrize("mode", ["legacy", "auto", MODERN])
def test_both_generations_list_the_same_tools(world: World, hackernews: Toolkit, mode: str) -> None:
    names = [tool.name for tool in agent_of(world).tools(mode=mode)]

    assert names[-1] == "HACKERNEWS_GET_THING"
    assert "SWITCHBOARD_SEARCH_TOOLS" in names


def modern(**values: Any) -> dict[str, Any]:
    meta = {
        "io.modelcontextprotocol/protocolVersion": MODERN,
        "io.modelcontextprotocol/clientCapabilities": {},
        "io.modelcontextprotocol/clientInfo": {"name": "test", "version": "1"},
    }
    return listing(params={"_meta": {**meta, **values}})


def test_header_and_body_that_name_different_versions_are_refused(world: World) -> None:
    agent = agent_of(world)
    wanted = {"mcp_protocol_version": MODERN, "mcp_method": "tools/list"}

    assert agent.post(modern(), **wanted).status_code == 200
    other = modern(**{"io.modelcontextprotocol/protocolVersion": LEGACY})
    assert agent.post(other, **wanted).status_code == 400
    assert agent.post(modern(), mcp_protocol_version=MODERN, mcp_method="tools/call").status_code == 400


def test_a_version_that_nobody_knows_is_refused_in_words(world: World) -> None:
    answer = agent_of(world).post(modern(), mcp_protocol_version="1999-01-01", mcp_method="tools/list")

    assert answer.status_code == 400
    assert answer.json()["error"]["code"] in {-32020, -32022}


def test_an_old_session_id_of_somebody_elses_means_nothing(world: World, hackernews: Toolkit) -> None:
    answer = agent_of(world).post(mcp_session_id=uuid4().hex)

    assert answer.status_code in {200, 404}
    assert "mcp-session-id" not in answer.headers


NONSENSE = [
    b"",
    b"{",
    b"null",
    b"[]",
    b"7",
    b'"text"',
    b"\xff\xfe",
    json.dumps([listing()] * 500).encode(),
    json.dumps(listing(id={"a": 1})).encode(),
    json.dumps(listing(id="x" * 10_000)).encode(),
    json.dumps(listing(id=10**40)).encode(),
    json.dumps(listing(jsonrpc="1.0")).encode(),
    json.dumps(listing(method=7)).encode(),
    json.dumps(listing(method="no/such")).encode(),
    json.dumps(listing(params=[])).encode(),
    json.dumps(listing(params={"cursor": {"a": 1}})).encode(),
    json.dumps(listing(method="notifications/initialized")).encode(),
    json.dumps({"jsonrpc": "2.0", "id": 1, "result": {}}).encode(),
    json.dumps(listing(method="tools/call", params={"name": 7})).encode(),
    json.dumps(listing(method="tools/call", params={"name": "\x00" * 200, "arguments": {}})).encode(),
    json.dumps(listing(method="tools/call", params={"name": "X", "arguments": []})).encode(),
    b'{"jsonrpc":"2.0","id":1,"method":"tools/list","params":' + b'{"a":' * 2000 + b"1" + b"}" * 2001,
]


@pytest.mark.parametrize("protocol", [LEGACY, MODERN])
@pytest.mark.parametrize("number", range(len(NONSENSE)))
def test_nonsense_is_a_protocol_error(world: World, number: int, protocol: str) -> None:
    answer = agent_of(world).post(NONSENSE[number], mcp_protocol_version=protocol, mcp_method="tools/list")

    assert answer.status_code < 500
    if answer.status_code == 200:
        body = answer.json()
        assert "error" in body or body["result"].get("isError") or "tools" in body["result"]


def test_a_body_that_is_too_long_is_refused_unread(world: World) -> None:
    assert agent_of(world).post(b" " * (1024 * 1024 + 1)).status_code == 413
