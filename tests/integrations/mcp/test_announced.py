"""The tools about tools under the names that the API announces for a session: same arguments, same data."""

from typing import Any

import pytest

from integrations.mcp import announced
from integrations.models import ConnectLink, Execution, Tool
from orgs.permissions import Scope
from tests.factories import (
    make_api_key,
    make_application,
    make_application_key,
    make_auth_config,
    make_connected_account,
    make_end_user,
    make_policy,
    make_session,
    make_tool,
    make_toolkit,
)
from tests.integrations.api.door import Door
from tests.integrations.mcp.agent import Agent, path_of
from tests.integrations.mcp.test_tools import worker  # noqa: F401  # a fixture
from tests.world import World

pytestmark = pytest.mark.django_db
SEARCH, SCHEMAS = "COMPOSIO_SEARCH_TOOLS", "COMPOSIO_GET_TOOL_SCHEMAS"
RUN_EACH, CONNECTIONS = "COMPOSIO_MULTI_EXECUTE_TOOL", "COMPOSIO_MANAGE_CONNECTIONS"
WAIT = "COMPOSIO_WAIT_FOR_CONNECTIONS"
EVERY = (SEARCH, SCHEMAS, RUN_EACH, CONNECTIONS)
GET = "GITHUB_GET_THING"


@pytest.fixture
def read() -> Tool:
    tool = make_tool(make_toolkit("github"), GET)
    make_auth_config(tool.toolkit)
    return tool


@pytest.fixture
def key(world: World) -> str:
    return make_api_key(world.member)[1]


@pytest.fixture
def session(world: World, read: Tool) -> Any:
    del read
    return make_session(owner=world.member, takes_all=True, origin="api")


def data_of(agent: Agent, name: str, arguments: dict[str, Any]) -> Any:
    told = agent.call(name, arguments)
    assert (told.is_error, told.structured_content["successful"]) == (False, True), told
    return told.structured_content["data"]


def code_of(agent: Agent, name: str, arguments: dict[str, Any]) -> str:
    told = agent.call(name, arguments)
    assert told.is_error
    return str(told.structured_content["code"])


def plan(name: str = GET, **more: Any) -> dict[str, Any]:
    return {"tool_slug": name, "arguments": {"name": "x"}, **more}


def test_every_name_that_the_api_announces_is_understood(world: World, key: str, read: Tool) -> None:
    del read
    config = {"asked": {"manage_connections": {"enable_wait_for_connections": True}}}
    session = make_session(owner=world.member, takes_all=True, origin="api", config=config)
    agent = Agent(path_of(session), key)
    status, answer = Door(key).get(f"/tool_router/session/{session.text_id}")

    codes = [code_of(agent, name, {}) for name in answer["tool_router_tools"]]

    assert (status, set(codes)) == (200, {"invalid_arguments"})
    assert set(answer["tool_router_tools"]) == {SEARCH, SCHEMAS, RUN_EACH, CONNECTIONS, WAIT}
    assert not any(tool.name.startswith("COMPOSIO_") for tool in agent.tools())


@pytest.mark.parametrize("manages", [True, False])
def test_no_more_names_than_the_api_announces_are_understood(world: World, key: str, read: Tool, manages: bool) -> None:
    """Two modules read the settings of a session: this holds them together."""
    del read
    config = {"asked": {"manage_connections": {"enable": manages}}}
    session = make_session(owner=world.member, takes_all=True, config=config)
    named = Door(key).get(f"/tool_router/session/{session.text_id}")[1]["tool_router_tools"]

    codes = {name: code_of(Agent(path_of(session), key), name, {}) for name in (*EVERY, WAIT)}

    assert {name for name, code in codes.items() if code != "tool_not_found"} == set(named)
    assert WAIT not in named


def test_they_belong_to_a_session(world: World, read: Tool, key: str) -> None:
    del read
    assert code_of(Agent(path_of(world.member), key), SEARCH, {"queries": [{"use_case": "thing"}]}) == "tool_not_found"


def test_search_answers_as_over_the_api(world: World, session: Any, key: str, read: Tool) -> None:
    make_connected_account(read.toolkit, owner=world.member, alias="Work")
    queries = {"queries": [{"use_case": "get a thing"}, {"use_case": "nonsense"}], "toolkits": ["github"]}

    here = data_of(Agent(path_of(session), key), SEARCH, queries)
    there = Door(key).post(f"/tool_router/session/{session.text_id}/search", queries)[1]

    for one in (here, there):
        one.pop("time_info")
    assert here == there
    assert [one["primary_tool_slugs"] for one in here["results"]] == [[GET], []]


def test_schemas_answer_as_over_the_api(session: Any, key: str) -> None:
    wanted = {"tool_slugs": [GET]}
    path = f"/tool_router/session/{session.text_id}/execute_meta"

    here = data_of(Agent(path_of(session), key), SCHEMAS, wanted)

    assert here == Door(key).post(path, {"slug": SCHEMAS, "arguments": wanted})[1]["data"]
    assert here["tool_schemas"][GET]["input_schema"]["required"] == ["name"]
    assert code_of(Agent(path_of(session), key), SCHEMAS, {"tool_slugs": ["NO_SUCH_TOOL"]}) == "tool_not_found"


# --- Several runs


@pytest.mark.usefixtures("worker")
def test_each_run_has_its_own_end_and_a_refusal_stops_no_other(
    world: World, session: Any, key: str, read: Tool
) -> None:
    make_connected_account(read.toolkit, owner=world.member)
    make_tool(make_toolkit("slack"), "SLACK_SEND_MESSAGE", effect="write")
    tools = [plan(), plan("SLACK_SEND_MESSAGE"), plan("NO_SUCH_TOOL"), plan(arguments={}), plan()]

    data = data_of(Agent(path_of(session), key), RUN_EACH, {"tools": tools})

    assert (data["total_count"], data["success_count"], data["error_count"]) == (5, 2, 3)
    assert [one["index"] for one in data["results"]] == [0, 1, 2, 3, 4]
    assert [one["response"]["successful"] for one in data["results"]] == [True, False, False, False, True]
    first, refused, unknown = data["results"][:3]
    assert first["response"]["data"] == {"login": "octocat"}
    assert first["response"]["log_id"].startswith("ex_")
    assert "error" not in first
    assert "No Slack account is connected" in refused["error"]
    assert refused["error"] == refused["response"]["error"]
    assert unknown["response"]["data"] == {}
    assert Execution.objects.unscoped("all there are").count() == 3


@pytest.mark.usefixtures("worker")
def test_a_run_may_name_its_account_by_name(world: World, session: Any, key: str, read: Tool) -> None:
    work = make_connected_account(read.toolkit, owner=world.member, alias="Work", identity_key="2")
    make_connected_account(read.toolkit, owner=world.member)
    tools = [plan(account="Work"), plan(account=work.text_id), plan(account="Nobody's")]

    data = data_of(Agent(path_of(session), key), RUN_EACH, {"tools": tools})

    used = [one.connected_account for one in Execution.objects.unscoped("all there are")]
    assert (data["success_count"], used) == (2, [work, work])
    assert "called Nobody's" in data["results"][2]["error"]


def test_one_that_waits_for_a_person_says_so(world: World, key: str, read: Tool) -> None:
    make_connected_account(read.toolkit, owner=world.acme)
    make_policy(world.acme, "ask", toolkit=read.toolkit)
    session = make_session(owner=world.acme, user=world.member, takes_all=True)

    [line] = data_of(Agent(path_of(session), key), RUN_EACH, {"tools": [plan()]})["results"]

    assert line["response"]["successful"] is False
    assert "Do not send it again" in line["error"]


@pytest.mark.parametrize("tools", [None, [], [1], [{"tool_slug": GET, "arguments": "x"}], [plan()] * 51, [{}]])
def test_what_cannot_be_read_runs_nothing(session: Any, key: str, tools: Any) -> None:
    assert code_of(Agent(path_of(session), key), RUN_EACH, {"tools": tools}) == "invalid_arguments"
    assert not Execution.objects.unscoped("all there are").exists()


def test_the_most_at_once_is_what_the_api_takes() -> None:
    from integrations.api import meta_tools  # noqa: PLC0415  # the two doors do not know each other

    assert announced.MOST_AT_ONCE == meta_tools.MOST_AT_ONCE


# --- Connections


def test_an_agent_may_wait_for_a_connection_where_it_was_asked_for(
    world: World, session: Any, key: str, read: Tool, settings: Any
) -> None:
    settings.API_WAIT_LIMIT = 0
    config = {"asked": {"manage_connections": {"enable_wait_for_connections": True}}}
    agent = Agent(path_of(make_session(owner=world.member, takes_all=True, config=config)), key)
    wanted = {"toolkits": ["GITHUB"]}

    before = data_of(agent, WAIT, wanted)
    account = make_connected_account(read.toolkit, owner=world.member)
    after = data_of(agent, WAIT, wanted)

    assert before == {"results": {"github": {"status": "waiting", "accounts": []}}, "all_connected": False}
    assert (after["all_connected"], after["results"]["github"]["status"]) == (True, "active")
    assert [one["id"] for one in after["results"]["github"]["accounts"]] == [account.text_id]
    assert code_of(Agent(path_of(session), key), WAIT, wanted) == "tool_not_found"


def test_what_is_not_in_the_session_is_not_connected(world: World, key: str, read: Tool) -> None:
    del read
    slack = make_toolkit("slack")
    agent = Agent(path_of(make_session(slack, owner=world.member)), key)

    found = data_of(agent, CONNECTIONS, {"toolkits": ["github"]})["results"]["github"]

    assert (found["status"], "is not in this session" in found["error"]) == ("failed", True)
    assert not ConnectLink.objects.unscoped("none").exists()


def test_connections_are_told_or_begun(world: World, session: Any, key: str, read: Tool) -> None:
    agent = Agent(path_of(session), key)
    make_toolkit("slack", needs_account=False)
    account = make_connected_account(read.toolkit, owner=world.member)
    jira = make_toolkit("jira")
    make_auth_config(jira)

    found = data_of(agent, CONNECTIONS, {"toolkits": ["GITHUB", "slack", "jira", "nothing"]})["results"]

    assert {name: one["status"] for name, one in found.items()} == {
        "github": "active",
        "slack": "failed",
        "jira": "initiated",
        "nothing": "failed",
    }
    assert [one["id"] for one in found["github"]["accounts"]] == [account.text_id]
    assert "needs no account" in found["slack"]["error"]
    [link] = ConnectLink.objects.unscoped("the only one")
    assert (link.user, link.auth_config.toolkit) == (world.member, jira)
    assert "/connect/" in found["jira"]["redirect_url"]


def test_all_can_be_begun_anew(world: World, session: Any, key: str, read: Tool) -> None:
    make_connected_account(read.toolkit, owner=world.member)

    found = data_of(Agent(path_of(session), key), CONNECTIONS, {"toolkits": ["github"], "reinitiate_all": True})

    assert found["results"]["github"]["status"] == "initiated"


def test_what_a_session_pins_is_not_connected_anew(world: World, key: str, read: Tool) -> None:
    pinned = make_connected_account(read.toolkit, owner=world.member)
    agent = Agent(path_of(make_session(owner=world.member, takes_all=True, pins=[pinned])), key)

    found = data_of(agent, CONNECTIONS, {"toolkits": ["github"], "reinitiate_all": True})["results"]["github"]

    assert (found["status"], "pins a Github account" in found["error"]) == ("failed", True)
    assert not ConnectLink.objects.unscoped("none").exists()


def test_a_key_without_the_scope_begins_nothing(session: Any, world: World) -> None:
    scopes = (Scope.TOOLS_READ, Scope.EXECUTIONS_READ, Scope.EXECUTIONS_WRITE, Scope.CONNECTIONS_READ)
    agent = Agent(path_of(session), make_api_key(world.member, *scopes)[1])

    assert data_of(agent, CONNECTIONS, {"toolkits": ["github"]})["results"]["github"]["status"] == "failed"
    assert not ConnectLink.objects.unscoped("none").exists()


def test_a_session_that_does_not_connect_has_no_such_tool(world: World, key: str, read: Tool) -> None:
    del read
    config = {"asked": {"manage_connections": {"enable": False}}}
    agent = Agent(path_of(make_session(owner=world.member, takes_all=True, config=config)), key)

    assert code_of(agent, CONNECTIONS, {"toolkits": ["github"]}) == "tool_not_found"
    guidance = data_of(agent, SEARCH, {"queries": [{"use_case": "thing"}]})["next_steps_guidance"]
    assert CONNECTIONS not in str(guidance)


def test_an_end_user_gets_a_link_of_their_own(world: World, read: Tool) -> None:
    del read
    shop = make_application(world.acme, "Shop")
    alice = make_end_user(shop, "alice")
    agent = Agent(path_of(make_session(owner=alice, takes_all=True)), make_application_key(shop)[1])

    found = data_of(agent, CONNECTIONS, {"toolkits": ["github"]})["results"]["github"]

    link = ConnectLink.objects.unscoped("the only one").get()
    assert (found["status"], link.owner.ref) == ("initiated", alice.owner.ref)
