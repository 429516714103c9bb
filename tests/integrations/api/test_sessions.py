"""Tool sessions over the API: what a client sets up is what an agent gets, and a change loses nothing."""

from typing import Any

import pytest

from integrations.models import ConnectionRequest, Execution, Toolkit, ToolSession
from integrations.queries.tool_sessions import decided_tools
from orgs.permissions import Scope
from tests.factories import actor_of, make_connected_account, make_session, make_tool, make_toolkit
from tests.integrations.api.door import Door, door_of, id_of
from tests.world import World

ROOT = "/tool_router/session"


@pytest.fixture
def tools(world: World, settings: Any) -> Any:
    """Two toolkits with an account of the member's each; the first has a tool of every effect."""
    settings.API_WAIT_LIMIT = 0
    github, slack = make_toolkit("github"), make_toolkit("slack")
    for effect in ("read", "write", "destructive"):
        make_tool(github, slug=f"GITHUB_{effect.upper()}_THING", effect=effect)
    make_tool(slack, slug="SLACK_READ_THING", effect="read")
    return {one.slug: make_connected_account(one, owner=world.member) for one in (github, slack)}


@pytest.fixture
def door(world: World) -> Door:
    return door_of(world.member)


def made(door: Door, world: World, **asked: Any) -> Any:
    status, body = door.post(ROOT, {"user_id": id_of(world.member), **asked})
    assert status == 201, body
    return body


def execute(door: Door, session: Any, tool: str) -> tuple[int, str]:
    status, body = door.post(f"{ROOT}/{session['session_id']}/execute", {"tool_slug": tool, "arguments": {"name": "x"}})
    return status, body["error"]["slug"] if status >= 400 else body["result_type"]


def listed(world: World, session: Any) -> list[str]:
    """What an MCP client sees of it."""
    row = ToolSession.objects.unscoped("a test looks").get(id__endswith=session["session_id"][-12:])
    return [tool.slug for tool, _decision in decided_tools(actor=actor_of(world.member), session=row)]


LIMITS: list[tuple[dict[str, Any], list[str]]] = [
    ({}, ["GITHUB_DESTRUCTIVE_THING", "GITHUB_READ_THING", "GITHUB_WRITE_THING", "SLACK_READ_THING"]),
    ({"tags": ["readOnlyHint"]}, ["GITHUB_READ_THING", "SLACK_READ_THING"]),
    ({"tags": {"disable": ["destructiveHint"]}}, ["GITHUB_READ_THING", "GITHUB_WRITE_THING", "SLACK_READ_THING"]),
    ({"tools": {"GitHub": ["github_write_thing"]}}, ["GITHUB_WRITE_THING", "SLACK_READ_THING"]),
    ({"tools": {"github": {"disable": ["GITHUB_READ_THING"]}}, "toolkits": {"enable": ["github"]}},
     ["GITHUB_DESTRUCTIVE_THING", "GITHUB_WRITE_THING"]),
    ({"tools": {"github": {"tags": ["destructiveHint"]}}, "tags": ["readOnlyHint"]},
     ["GITHUB_DESTRUCTIVE_THING", "SLACK_READ_THING"]),
    ({"tools": {"github": {"tags": {"enable": ["updateHint"]}}}}, ["GITHUB_WRITE_THING", "SLACK_READ_THING"]),
]  # fmt: skip


@pytest.mark.parametrize(("asked", "expected"), LIMITS)
def test_limits_decide_what_is_in_it_at_every_door(
    world: World, tools: Any, door: Door, asked: dict[str, Any], expected: list[str]
) -> None:
    session = made(door, world, **asked)

    ran = [slug for slug in LIMITS[0][1] if execute(door, session, slug)[0] == 202]
    found = door.post(f"{ROOT}/{session['session_id']}/search", {"queries": [{"use_case": "thing"}]})[1]

    assert ran == expected
    assert listed(world, session) == expected
    assert sorted(found["tool_schemas"]) == expected


def test_tool_that_the_limits_leave_out_is_refused_by_name(world: World, tools: Any, door: Door) -> None:
    session = made(door, world, tags=["readOnlyHint"])

    assert execute(door, session, "GITHUB_WRITE_THING") == (404, "tool_not_in_session")
    assert not Execution.objects.unscoped("a test counts").exists()


@pytest.mark.parametrize(
    ("asked", "status", "slug", "named"),
    [
        ({"tools": {"github": ["GITHUB_NO_SUCH"]}}, 404, "tool_not_found", "tools: There is no tool GITHUB_NO_SUCH"),
        ({"preload": {"tools": ["GITHUB_NO_SUCH"]}}, 404, "tool_not_found", "preload: There is no tool"),
        ({"toolkits": ["github"]}, 400, "invalid_request", "toolkits"),
        ({"tools": {"github": 1}}, 400, "invalid_request", "tools"),
        ({"tags": ["bigHint"]}, 400, "invalid_request", "tags"),
        ({"toolkits": {"enable": ["github"], "require_approval": ["github"]}}, 400, "not_supported", ""),
        ({"tags": {"require_approval": ["destructiveHint"]}}, 400, "not_supported", ""),
        ({"tools": {"github": {"require_approval": ["GITHUB_READ_THING"]}}}, 400, "not_supported", ""),
        ({"tools": {"github": {"tags": {"require_approval": ["readOnlyHint"]}}}}, 400, "not_supported", ""),
        ({"connected_accounts": {"github": ["ca_1", "ca_2"]}}, 400, "session_one_account", ""),
    ],
)
def test_what_would_be_relied_on_and_not_done_is_refused(
    world: World, tools: Any, door: Door, asked: dict[str, Any], status: int, slug: str, named: str
) -> None:
    answer = door.post(ROOT, {"user_id": id_of(world.member), **asked})

    assert (answer[0], answer[1]["error"]["slug"]) == (status, slug)
    assert named in str(answer[1]["error"])
    assert not ToolSession.objects.unscoped("a test counts").exists()


def test_what_is_kept_without_effect_is_said(world: World, tools: Any, door: Door) -> None:
    session = made(door, world, workbench={"enable": True}, hooks={"a": 1}, tags=["readOnlyHint"])

    assert session["warnings"] == ["Kept, but without effect here: workbench, hooks."]
    assert session["config"]["workbench"] == {"enable": True}
    assert made(door, world)["warnings"] == []


def test_all_tools_may_be_loaded_and_those_that_left_are_not(world: World, tools: Any, door: Door) -> None:
    session = made(door, world, preload={"tools": "all"}, tags=["readOnlyHint"])
    named = made(door, world, preload={"tools": ["github_read_thing", "SLACK_READ_THING"]})
    door.patch(f"{ROOT}/{named['session_id']}", {"toolkits": {"enable": ["slack"]}})

    assert session["config"]["preload"] == {"tools": "all"}
    assert loaded(door, session) == ["GITHUB_READ_THING", "SLACK_READ_THING"]
    assert loaded(door, named) == ["SLACK_READ_THING"]


def loaded(door: Door, session: Any) -> list[str]:
    _, body = door.get(f"{ROOT}/{session['session_id']}/tools")
    return [one["slug"] for one in body["items"] if not one["slug"].startswith("COMPOSIO_")]


# --- Changing one


def test_change_keeps_what_a_page_set_up(world: World, tools: Any, door: Door) -> None:
    session = make_session(owner=world.member, pins=[tools["github"]], name="Mine")

    status, body = door.patch(f"{ROOT}/{session.text_id}", {"preload": {"tools": ["GITHUB_READ_THING"]}})

    session.refresh_from_db()
    assert (status, session.name, session.takes_all) == (200, "Mine", False)
    assert body["config"]["toolkits"] == {"enabled": ["github"]}
    assert body["config"]["connected_accounts"] == {"github": [tools["github"].text_id]}
    assert body["config"]["preload"] == {"tools": ["GITHUB_READ_THING"]}


def test_change_begins_with_what_holds_now(world: World, tools: Any, door: Door) -> None:
    session = made(
        door,
        world,
        toolkits={"enable": ["github", "slack"]},
        connected_accounts={"github": [tools["github"].text_id], "slack": tools["slack"].text_id},
    )
    path = f"{ROOT}/{session['session_id']}"

    only_slack = door.patch(path, {"toolkits": {"enable": ["slack"]}})[1]["config"]
    unpinned = door.patch(path, {"connected_accounts": None})[1]["config"]
    everything = door.patch(path, {"toolkits": None})[1]["config"]
    but_one = door.patch(path, {"toolkits": {"disable": ["GITHUB"]}})[1]["config"]

    assert (only_slack["toolkits"], list(only_slack["connected_accounts"])) == ({"enabled": ["slack"]}, ["slack"])
    assert (unpinned["toolkits"], unpinned["connected_accounts"]) == ({"enabled": ["slack"]}, {})
    assert everything["toolkits"] == {}
    assert but_one["toolkits"] == {"disabled": ["github"]}


def test_change_of_an_older_version_is_refused_and_loses_nothing(world: World, tools: Any, door: Door) -> None:
    session = made(door, world)
    path = f"{ROOT}/{session['session_id']}"

    first = door.patch(path, {"tags": ["readOnlyHint"], "expected_config_version": 1})
    second = door.patch(path, {"tags": ["destructiveHint"], "expected_config_version": 1})
    again = door.patch(path, {"tools": {"slack": []}, "expected_config_version": 2})

    assert (first[0], first[1]["config_version"]) == (200, 2)
    assert (second[0], second[1]["error"]["slug"]) == (409, "config_version_mismatch")
    assert (again[0], again[1]["config"]["tags"]) == (200, {"enable": ["readOnlyHint"]})


# --- Looking into one


def test_named_toolkit_is_listed_although_it_is_not_in_it(world: World, tools: Any, door: Door) -> None:
    session = made(door, world, toolkits={"enable": ["github"]})
    path = f"{ROOT}/{session['session_id']}/toolkits"

    held = door.get(path)[1]["items"]
    named = door.get(f"{path}?toolkits=Slack,github")[1]["items"]

    assert [(one["slug"], one["enabled"]) for one in held] == [("github", True)]
    assert [(one["slug"], one["enabled"]) for one in named] == [("github", True), ("slack", False)]


def test_link_is_for_toolkits_that_are_in_it(world: World, tools: Any, door: Door) -> None:
    session = made(door, world, toolkits={"enable": ["github"]})
    path = f"{ROOT}/{session['session_id']}/link"

    other = door.post(path, {"toolkit": "slack"})
    asked = {"slug": "COMPOSIO_MANAGE_CONNECTIONS", "arguments": {"toolkits": ["slack"], "reinitiate_all": True}}
    _, managed = door.post(f"{ROOT}/{session['session_id']}/execute_meta", asked)

    assert (other[0], other[1]["error"]["slug"]) == (404, "toolkit_not_in_session")
    assert managed["data"]["results"]["slack"]["status"] == "failed"
    assert not ConnectionRequest.objects.unscoped("a test counts").exists()
    assert door.post(path, {"toolkit": "github"})[0] == 201


def test_agent_waits_for_what_a_person_connects(world: World, tools: Any, door: Door) -> None:
    tools["slack"].delete()
    manages = {"enable": True, "enable_wait_for_connections": True, "enable_connection_removal": True}
    session, other = made(door, world, manage_connections=manages), made(door, world)
    asked = {"slug": "COMPOSIO_WAIT_FOR_CONNECTIONS", "arguments": {"toolkits": ["GitHub", "slack"]}}
    path = f"{ROOT}/{session['session_id']}/execute_meta"

    before = door.post(path, asked)[1]["data"]
    make_connected_account(Toolkit.objects.get(slug="slack"), owner=world.member)
    after = door.post(path, asked)[1]["data"]

    assert [before["results"][one]["status"] for one in ("github", "slack")] == ["active", "waiting"]
    assert (before["all_connected"], after["all_connected"]) == (False, True)
    assert session["tool_router_tools"][-1] == "COMPOSIO_WAIT_FOR_CONNECTIONS"
    assert session["warnings"] == ["Kept, but without effect here: enable_connection_removal."]
    assert door.post(path.replace(session["session_id"], other["session_id"]), asked)[0] == 404  # nobody asked for it


def test_run_is_refused_before_anything_is_sent_to_a_key_that_may_not_see_it(world: World, tools: Any) -> None:
    session = made(door_of(world.member), world)
    blind = door_of(world.member, Scope.TOOLS_READ, Scope.EXECUTIONS_WRITE)
    asked = {"slug": "COMPOSIO_MULTI_EXECUTE_TOOL", "arguments": {"tools": [{"tool_slug": "GITHUB_READ_THING"}]}}

    alone = execute(blind, session, "GITHUB_WRITE_THING")
    several = blind.post(f"{ROOT}/{session['session_id']}/execute_meta", asked)[1]

    assert alone == (403, "insufficient_scope")
    assert several["data"]["success_count"] == 0
    assert "executions:read" in several["data"]["results"][0]["error"]
    assert not Execution.objects.unscoped("a test counts").exists()
