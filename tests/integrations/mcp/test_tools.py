"""What an agent sees and runs: the rule's answers, in the words of the product (checks M7, M8, M9, M13, M14)."""

import asyncio
import json
from typing import Any
from urllib.parse import urlsplit

import pytest
from asgiref.sync import async_to_sync, sync_to_async
from django.utils import timezone

from integrations.mcp.place import Place
from integrations.mcp.running import call
from integrations.models import Execution, Tool
from integrations.models.encrypted import seal, unseal
from orgs.permissions import Scope
from tests.factories import (
    actor_of,
    make_api_key,
    make_application,
    make_application_key,
    make_connected_account,
    make_end_user,
    make_finished_execution,
    make_session,
    make_tool,
    make_toolkit,
    owner_ref,
)
from tests.integrations.mcp.agent import Agent, path_of
from tests.world import World

pytestmark = pytest.mark.django_db
META = {
    "SWITCHBOARD_SEARCH_TOOLS",
    "SWITCHBOARD_RUN_TOOL",
    "SWITCHBOARD_LIST_CONNECTIONS",
    "SWITCHBOARD_EXPLAIN",
    "SWITCHBOARD_GET_RUN",
}


@pytest.fixture
def read() -> Tool:
    return make_tool(make_toolkit("github"), "GITHUB_GET_THING")


@pytest.fixture
def worker(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever waits for a run finds it done."""

    async def done(actor: Any, execution_id: Any) -> Any:
        return await sync_to_async(finish)(execution_id)

    monkeypatch.setattr("integrations.mcp.running.run_when_over", done)


def finish(execution_id: Any) -> Execution:
    row = Execution.objects.unscoped("the only one there is").get(id=execution_id)
    row.status, row.finished_at = "succeeded", timezone.now()
    row.result = seal({"result": {"login": "octocat"}}, table="execution", row=row.id, field="result")
    row.save()
    return row


def agent_of(world: World, at: Any, persona: str = "member", *scopes: Scope) -> Agent:
    return Agent(path_of(at), make_api_key(world.people[persona], *scopes)[1])


def names_of(agent: Agent) -> set[str]:
    return {tool.name for tool in agent.tools()} - META


def only_run() -> Execution:
    run: Execution = Execution.objects.unscoped("the only one there is").get()
    return run


# --- The list


def test_the_list_holds_what_runs_under_that_id_and_nothing_else(world: World, read: Tool) -> None:
    slack = make_tool(make_toolkit("slack"), "SLACK_SEND_MESSAGE", effect="write")
    make_connected_account(read.toolkit, owner=world.member)
    make_connected_account(slack.toolkit, owner=world.acme)

    assert names_of(agent_of(world, world.member)) == {"GITHUB_GET_THING"}
    assert names_of(agent_of(world, world.acme)) == {"SLACK_SEND_MESSAGE"}
    assert names_of(agent_of(world, world.acme, "viewer")) == set()
    assert names_of(agent_of(world, world.admin, "admin")) == set()


def test_a_session_lists_its_toolkits_alone(world: World, read: Tool) -> None:
    slack = make_tool(make_toolkit("slack"), "SLACK_SEND_MESSAGE")
    for tool in (read, slack):
        make_connected_account(tool.toolkit, owner=world.member)

    assert names_of(agent_of(world, make_session(slack.toolkit, owner=world.member))) == {"SLACK_SEND_MESSAGE"}
    assert len(names_of(agent_of(world, make_session(owner=world.member, takes_all=True)))) == 2


def test_hints_say_what_a_tool_does(world: World) -> None:
    toolkit = make_toolkit("kit", needs_account=False)
    for effect in ("read", "write", "destructive"):
        make_tool(toolkit, f"KIT_{effect.upper()}", effect=effect)

    hints = {tool.name: tool.annotations for tool in agent_of(world, world.member).tools()}

    found = {effect: hints[f"KIT_{effect}"] for effect in ("READ", "WRITE", "DESTRUCTIVE")}
    assert [one.read_only_hint for one in found.values()] == [True, False, False]
    assert [one.destructive_hint for one in found.values()] == [False, False, True]


def test_a_tool_reads_the_same_for_everybody(world: World) -> None:
    make_tool(make_toolkit("kit", needs_account=False))

    [one], [other] = (
        [tool for tool in agent_of(world, at, persona).tools() if tool.name not in META]
        for at, persona in ((world.member, "member"), (world.globex, "outsider"))
    )

    assert one == other
    assert one.meta == {"switchboard/toolkit": "kit", "switchboard/version": "20250909_00"}


def test_a_long_list_comes_in_pages(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    toolkit = make_toolkit("kit", needs_account=False)
    for number in range(3):
        make_tool(toolkit, f"KIT_{number}")
    monkeypatch.setattr("integrations.mcp.listing.PAGE_SIZE", 2)
    agent = agent_of(world, world.member)

    async def pages(client: Any) -> list[list[str]]:
        first = await client.list_tools()
        second = await client.list_tools(cursor=first.next_cursor)
        assert second.next_cursor is None
        return [[tool.name for tool in page.tools if tool.name not in META] for page in (first, second)]

    assert agent.with_client(pages) == [["KIT_0", "KIT_1"], ["KIT_2"]]


# --- Runs


@pytest.mark.parametrize("mode", ["legacy", "2026-07-28"])
def test_a_call_is_a_run_like_any_other(world: World, read: Tool, worker: None, mode: str) -> None:
    account = make_connected_account(read.toolkit, owner=world.member)
    session = make_session(owner=world.member, pins=[account])
    make_connected_account(read.toolkit, owner=world.member)

    result = agent_of(world, session).call("GITHUB_GET_THING", {"name": "x"}, mode=mode)

    run = only_run()
    assert (result.is_error, result.structured_content["data"]) == (False, {"login": "octocat"})
    assert json.loads(result.content[0].text) == result.structured_content
    assert (run.origin, run.tool_session, run.connected_account) == ("mcp", session, account)
    assert run.api_key is not None
    assert result.structured_content["run"] == run.text_id


def test_what_is_missing_is_answered_with_a_link(world: World, read: Tool) -> None:
    result = agent_of(world, world.member).call("GITHUB_GET_THING", {"name": "x"})

    said = result.structured_content
    assert (result.is_error, said["code"]) == (True, "no_connected_account")
    assert said["ways_out"][0]["url"].endswith("/me/connections/new/")
    assert only_run().status == "denied"


def test_the_way_to_the_right_id_is_its_address(world: World, read: Tool) -> None:
    make_connected_account(read.toolkit, owner=world.acme)

    said = agent_of(world, world.member).call("GITHUB_GET_THING", {"name": "x"}).structured_content

    assert said["ways_out"][0]["url"].endswith(f"/mcp/{world.acme.ref.text_id}/")


def test_a_broken_account_leads_to_its_page(world: World, read: Tool) -> None:
    account = make_connected_account(read.toolkit, owner=world.member, status="expired")

    said = agent_of(world, world.member).call("GITHUB_GET_THING", {"name": "x"}).structured_content

    assert said["code"] == "connection_expired"
    assert said["ways_out"][0]["url"].endswith(f"/me/connections/{account.text_id}/")


def test_nothing_among_the_arguments_changes_the_acting_id(world: World, worker: None) -> None:
    named = {key: {"type": "string"} for key in ("user_id", "organization", "connected_account_id")}
    schema = {"type": "object", "properties": named}
    tool = make_tool(make_toolkit("github"), "GITHUB_ANYTHING", input_schema=schema)
    tool.definition["parameters"] = schema
    tool.save()
    own = make_connected_account(tool.toolkit, owner=world.member)
    make_connected_account(tool.toolkit, owner=world.acme)
    tricks = {"user_id": world.acme.ref.text_id, "organization": "acme", "connected_account_id": "ca_" + "0" * 32}

    result = agent_of(world, world.member).call("GITHUB_ANYTHING", tricks)

    assert not result.is_error, result
    run = only_run()
    assert (run.owner.ref, run.connected_account) == (owner_ref(world.member), own)
    assert run.arguments is not None
    assert unseal(run.arguments, table="execution", row=run.id, field="arguments") == tricks


def test_arguments_that_do_not_fit_are_named(world: World, read: Tool) -> None:
    make_connected_account(read.toolkit, owner=world.member)

    result = agent_of(world, world.member).call("GITHUB_GET_THING", {})

    assert (result.is_error, result.structured_content["code"]) == (True, "invalid_arguments")
    assert result.structured_content["problems"][0]["field"] == "name"


def test_a_tool_that_does_not_exist_is_said_so(world: World) -> None:
    result = agent_of(world, world.member).call("NO_SUCH_TOOL", {})

    assert (result.is_error, result.structured_content["code"]) == (True, "tool_not_found")


def test_a_run_that_takes_longer_can_be_looked_at_later(world: World, read: Tool, settings: Any) -> None:
    settings.API_WAIT_LIMIT = 0
    make_connected_account(read.toolkit, owner=world.member)
    agent = agent_of(world, world.member)

    first = agent.call("GITHUB_GET_THING", {"name": "x"}).structured_content
    finish(only_run().id)
    later = agent.call("SWITCHBOARD_GET_RUN", {"run": first["run"]}).structured_content

    assert (first["successful"], first["status"]) == (False, "queued")
    assert "Do not send it again" in first["note"]
    assert later["data"] == {"login": "octocat"}


def test_a_client_that_hangs_up_calls_off_what_was_not_sent(world: World, read: Tool) -> None:
    make_connected_account(read.toolkit, owner=world.member)

    place = Place(actor_of(world.member), owner_ref(world.member))

    async def hang_up() -> Any:
        asyncio.get_running_loop().call_later(0.1, place.gone.set)
        return await call(place, "GITHUB_GET_THING", {"name": "x"})

    result = async_to_sync(hang_up)()

    assert (only_run().status, result.structured_content["status"]) == ("cancelled", "cancelled")


# --- End users of an application


def test_an_end_users_address_runs_their_tools_with_their_accounts(world: World, read: Tool, worker: None) -> None:
    shop = make_application(world.acme, "Shop")
    alice, bob = make_end_user(shop, "alice"), make_end_user(shop, "bob")
    account = make_connected_account(read.toolkit, owner=alice)
    slack = make_tool(make_toolkit("slack"), "SLACK_SEND_MESSAGE")
    make_connected_account(slack.toolkit, owner=bob)
    make_connected_account(slack.toolkit, owner=world.acme)
    key = make_application_key(shop)[1]
    hers, his = Agent(path_of(alice), key), Agent(path_of(bob), key)

    result = hers.call("GITHUB_GET_THING", {"name": "x"})

    run = only_run()
    assert (result.is_error, run.owner.ref, run.connected_account) == (False, alice.ref, account)
    assert (names_of(hers), names_of(his)) == ({"GITHUB_GET_THING"}, {"SLACK_SEND_MESSAGE"})
    assert his.call("SWITCHBOARD_GET_RUN", {"run": run.text_id}).structured_content["code"] == "not_found"
    assert hers.call("SWITCHBOARD_GET_RUN", {"run": run.text_id}).structured_content["successful"]
    [listed] = hers.call("SWITCHBOARD_LIST_CONNECTIONS").structured_content["accounts"]
    assert listed["account"] == account.text_id


def test_the_way_to_an_end_user_is_their_address(world: World, read: Tool, worker: None) -> None:
    """From the organization's address, and back: each hint leads to a door that opens for the same key."""
    shop = make_application(world.acme, "Shop")
    alice = make_end_user(shop, "alice")
    make_connected_account(read.toolkit, owner=alice)
    key = make_application_key(shop)[1]

    said = Agent(path_of(world.acme), key).call("GITHUB_GET_THING", {"name": "x"}).structured_content

    path = urlsplit(said["ways_out"][0]["url"]).path
    assert path == path_of(alice)
    assert not Agent(path, key).call("GITHUB_GET_THING", {"name": "x"}).is_error


# --- Tools about tools


def test_search_says_what_runs_and_what_is_missing(world: World, read: Tool) -> None:
    make_tool(make_toolkit("kit", needs_account=False), "KIT_GET_THING")

    found = agent_of(world, world.member).call("SWITCHBOARD_SEARCH_TOOLS", {"query": "get_thing"}).structured_content

    runs = {one["tool"]: one["runs"] for one in found["tools"]}
    assert runs == {"GITHUB_GET_THING": False, "KIT_GET_THING": True}
    assert found["tools"][0]["ways_out"]


def test_a_tool_is_run_by_name_with_one_of_ones_own_accounts(world: World, read: Tool, worker: None) -> None:
    first = make_connected_account(read.toolkit, owner=world.member)
    make_connected_account(read.toolkit, owner=world.member)
    asked = {"tool": "github_get_thing", "arguments": {"name": "x"}, "account": first.text_id}

    result = agent_of(world, world.member).call("SWITCHBOARD_RUN_TOOL", asked)

    assert not result.is_error
    assert (only_run().connected_account, only_run().decision["because"]) == (first, "named")


@pytest.mark.parametrize("asked", [{}, {"tool": 7, "arguments": {}}, {"tool": "X", "arguments": []}])
def test_run_by_name_needs_a_name_and_an_object(world: World, asked: dict[str, Any]) -> None:
    result = agent_of(world, world.member).call("SWITCHBOARD_RUN_TOOL", asked)

    assert (result.is_error, result.structured_content["code"]) == (True, "invalid_arguments")


def test_connections_are_those_of_the_place(world: World, read: Tool) -> None:
    slack = make_toolkit("slack")
    pinned = make_connected_account(read.toolkit, owner=world.member)
    newer = make_connected_account(read.toolkit, owner=world.member)
    make_connected_account(slack, owner=world.member)
    session = make_session(owner=world.member, pins=[pinned])

    def used(at: Any) -> dict[str, bool]:
        said = agent_of(world, at).call("SWITCHBOARD_LIST_CONNECTIONS").structured_content
        return {one["account"]: one["used_when_none_is_named"] for one in said["accounts"]}

    assert used(session) == {pinned.text_id: True, newer.text_id: False}
    assert len(used(world.member)) == 3
    assert used(world.acme) == {}


def test_connections_need_their_scope(world: World) -> None:
    needed = (Scope.TOOLS_READ, Scope.EXECUTIONS_READ, Scope.EXECUTIONS_WRITE)

    result = agent_of(world, world.member, "member", *needed).call("SWITCHBOARD_LIST_CONNECTIONS")

    assert (result.is_error, result.structured_content["code"]) == (True, "insufficient_scope")


def test_why_shows_each_check_and_runs_nothing(world: World, read: Tool) -> None:
    agent = agent_of(world, world.member)

    said = agent.call("SWITCHBOARD_EXPLAIN", {"tool": "github_get_thing"}).structured_content
    unknown = agent.call("SWITCHBOARD_EXPLAIN", {"tool": "X"})

    assert (said["runs"], said["code"]) == (False, "no_connected_account")
    assert [one["outcome"] for one in said["checks"]].count("failed") == 1
    assert unknown.structured_content["code"] == "tool_not_found"
    assert not Execution.objects.unscoped("all of them").exists()


def test_somebody_elses_run_is_nothing(world: World, read: Tool) -> None:
    shared = make_finished_execution(read, owner=world.acme, user=world.admin)
    foreign = make_finished_execution(read, owner=world.globex, user=world.outsider)
    agent = agent_of(world, world.member)

    for text in (shared.text_id, foreign.text_id, "ex_nonsense"):
        assert agent.call("SWITCHBOARD_GET_RUN", {"run": text}).structured_content["code"] == "not_found"
