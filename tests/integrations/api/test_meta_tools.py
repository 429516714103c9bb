"""The tools about tools over the API: several runs at once, connections, search, and accounts by name."""

from typing import Any

import pytest
from asgiref.sync import sync_to_async
from django.utils import timezone

from integrations.models import ConnectLink, Execution
from integrations.models.encrypted import seal
from orgs.permissions import Scope
from tests.factories import (
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
from tests.integrations.api.door import Door, door_of
from tests.world import World

GET = "GITHUB_GET_THING"
FAILS = "GITHUB_FAIL"
OUTSIDE = "SLACK_SEND_MESSAGE"


@pytest.fixture
def toolkit(world: World) -> Any:
    del world
    toolkit = make_toolkit()
    make_tool(toolkit)
    make_tool(toolkit, FAILS, effect="write", name="Break it")
    make_auth_config(toolkit)
    return toolkit


@pytest.fixture
def session(world: World, toolkit: Any) -> Any:
    return make_session(toolkit, owner=world.member, origin="api")


@pytest.fixture
def worker(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever waits for a run finds it over: one tool fails, all others succeed."""

    async def over(actor: Any, execution_id: Any, seconds: float | None = None) -> Any:
        del actor, seconds
        return await sync_to_async(finish)(execution_id)

    monkeypatch.setattr("integrations.api.session_tools.run_when_over", over)


def finish(execution_id: Any) -> Execution:
    row = runs().select_related("tool", "owner__user", "owner__organization").get(id=execution_id)
    if row.status == "queued":
        row.finished_at = timezone.now()
        if row.tool.slug == FAILS:
            row.status, row.error_code, row.error_message = "failed", "provider_refused", "GitHub refused it."
        else:
            row.status = "succeeded"
            row.result = seal({"result": {"login": "octocat"}}, table="execution", row=row.id, field="result")
        row.save()
    return row


def runs() -> Any:
    return Execution.objects.unscoped("a test looks")


def links() -> Any:
    return ConnectLink.objects.unscoped("a test looks")


def execute(door: Door, session: Any, slug: str = GET, **more: Any) -> tuple[int, Any]:
    body = {"tool_slug": slug, "arguments": {"name": "x"}, **more}
    return door.post(f"/tool_router/session/{session.text_id}/execute", body)


def meta(door: Door, session: Any, slug: str, **arguments: Any) -> Any:
    body = {"slug": slug, "arguments": arguments}
    status, answer = door.post(f"/tool_router/session/{session.text_id}/execute_meta", body)
    assert status == 200, answer
    assert (answer["result_type"], answer["error"]) == ("completed", None)
    assert answer["log_id"].startswith("log_")
    return answer["data"]


def refused(door: Door, session: Any, slug: str, **arguments: Any) -> tuple[int, str]:
    body = {"slug": slug, "arguments": arguments}
    status, answer = door.post(f"/tool_router/session/{session.text_id}/execute_meta", body)
    return status, answer["error"]["slug"]


def several(door: Door, session: Any, *tools: Any) -> Any:
    return meta(door, session, "COMPOSIO_MULTI_EXECUTE_TOOL", tools=list(tools))


def connection(door: Door, session: Any, toolkit: str = "github", **more: Any) -> Any:
    return meta(door, session, "COMPOSIO_MANAGE_CONNECTIONS", toolkits=[toolkit], **more)["results"][toolkit.lower()]


def plan(slug: str = GET, **more: Any) -> dict[str, Any]:
    return {"tool_slug": slug, "arguments": {"name": "x"}, **more}


# --- One run


@pytest.mark.usefixtures("worker")
@pytest.mark.parametrize(
    ("slug", "kind", "data", "error"),
    [(GET, "completed", {"login": "octocat"}, None), (FAILS, "failed", {}, "GitHub refused it.")],
)
def test_result_type_says_how_a_run_ended(
    world: World, session: Any, toolkit: Any, slug: str, kind: str, data: Any, error: Any
) -> None:
    make_connected_account(toolkit, owner=world.member)

    status, answer = execute(door_of(world.member), session, slug)

    assert (status, answer["result_type"], answer["data"], answer["error"]) == (200, kind, data, error)
    assert answer["log_id"] == runs().get().text_id


def test_a_run_that_goes_on_is_named(world: World, session: Any, toolkit: Any, settings: Any) -> None:
    settings.API_WAIT_LIMIT = 0
    make_connected_account(toolkit, owner=world.member)

    status, answer = execute(door_of(world.member), session)

    assert (status, answer["result_type"]) == (202, "failed")
    assert answer["log_id"] in answer["error"]


@pytest.mark.usefixtures("worker")
def test_an_account_is_found_by_its_name_or_id(world: World, session: Any, toolkit: Any) -> None:
    work = make_connected_account(toolkit, owner=world.member, alias="Work")
    newest = make_connected_account(toolkit, owner=world.member, identity_key="2")
    door = door_of(world.member)

    for account in ("Work", work.text_id, None):
        assert execute(door, session, account=account)[0] == 200

    assert [one.connected_account for one in runs().order_by("id")] == [work, work, newest]


@pytest.mark.usefixtures("worker")
def test_a_name_that_is_nobodys_or_somebody_elses_finds_none(world: World, session: Any, toolkit: Any) -> None:
    make_connected_account(toolkit, owner=world.member)
    make_connected_account(toolkit, owner=world.acme, alias="Ours")
    make_connected_account(make_toolkit("slack"), owner=world.member, alias="Another")
    door = door_of(world.member)

    for name in ("Nobody's", "Ours", "Another"):
        status, answer = execute(door, session, account=name)
        assert (status, answer["error"]["slug"], answer["error"]["code"]) == (404, "connected_account_not_found", 1810)
    assert not runs().exists()


# --- Several runs


@pytest.mark.usefixtures("worker")
def test_a_refusal_in_the_middle_stops_no_other(world: World, session: Any, toolkit: Any) -> None:
    make_connected_account(toolkit, owner=world.member)
    make_tool(make_toolkit("slack"), OUTSIDE)
    tools = [plan(), plan(OUTSIDE), plan("NO_SUCH_TOOL"), plan(arguments={}), plan(FAILS), plan()]

    data = several(door_of(world.member), session, *tools)

    assert (data["total_count"], data["success_count"], data["error_count"]) == (6, 2, 4)
    lines = data["results"]
    assert [one["index"] for one in lines] == [0, 1, 2, 3, 4, 5]
    assert [one["tool_slug"] for one in lines] == [one["tool_slug"] for one in tools]
    assert [one["response"]["successful"] for one in lines] == [True, False, False, False, False, True]
    assert lines[0]["response"]["data"] == {"login": "octocat"}
    assert "error" not in lines[0]
    assert "is not in this session" in lines[1]["error"] == lines[1]["response"]["error"]
    assert "There is no tool NO_SUCH_TOOL" in lines[2]["error"]
    assert lines[4]["response"]["error"] == "GitHub refused it."
    assert sorted(one.status for one in runs()) == ["failed", "succeeded", "succeeded"]


@pytest.mark.usefixtures("worker")
def test_runs_without_an_account_are_refused_one_by_one(world: World, session: Any) -> None:
    data = several(door_of(world.member), session, plan(), plan())

    assert (data["success_count"], data["error_count"]) == (0, 2)
    assert {one["response"]["error"] for one in data["results"]} == {one.error_message for one in runs()}
    assert {one.status for one in runs()} == {"denied"}


@pytest.mark.usefixtures("worker")
def test_each_of_several_may_name_its_account(world: World, session: Any, toolkit: Any) -> None:
    work = make_connected_account(toolkit, owner=world.member, alias="Work")
    newest = make_connected_account(toolkit, owner=world.member, identity_key="2")

    data = several(door_of(world.member), session, plan(account="Work"), plan(), plan(account="Nobody's"))

    assert data["success_count"] == 2
    assert [one.connected_account for one in runs().order_by("id")] == [work, newest]
    assert "is called Nobody's here" in data["results"][2]["error"]


@pytest.mark.parametrize("tools", [None, [], "x", [1], [{}], [{"tool_slug": GET, "arguments": 1}], [plan()] * 51])
def test_what_cannot_be_read_runs_nothing(world: World, session: Any, toolkit: Any, tools: Any) -> None:
    make_connected_account(toolkit, owner=world.member)
    door = door_of(world.member)

    assert refused(door, session, "COMPOSIO_MULTI_EXECUTE_TOOL", tools=tools) == (400, "invalid_arguments")
    assert not runs().exists()


@pytest.mark.usefixtures("worker")
def test_as_many_as_are_allowed_run(world: World, session: Any, toolkit: Any) -> None:
    make_connected_account(toolkit, owner=world.member)

    assert several(door_of(world.member), session, *[plan()] * 50)["success_count"] == 50


def test_one_that_waits_for_a_person_is_no_success(world: World, toolkit: Any, settings: Any) -> None:
    settings.API_WAIT_LIMIT = 0
    make_connected_account(toolkit, owner=world.acme)
    make_policy(world.acme, "ask", toolkit=toolkit)
    session = make_session(toolkit, owner=world.acme, user=world.member)

    [line] = several(door_of(world.member), session, plan())["results"]

    assert line["response"]["successful"] is False
    assert line["response"]["log_id"] in line["response"]["error"]


# --- Connections


@pytest.mark.parametrize("status", ["active", "needs_attention"])
def test_what_is_connected_is_active_and_lists_its_accounts(
    world: World, session: Any, toolkit: Any, status: str
) -> None:
    first = make_connected_account(toolkit, owner=world.member, alias="Work", status=status)
    second = make_connected_account(toolkit, owner=world.member, identity_key="2", status="expired")

    told = connection(door_of(world.member), session)

    assert told["status"] == "active"
    assert [(one["id"], one["alias"], one["status"]) for one in told["accounts"]] == [
        (second.text_id, None, "EXPIRED"),
        (first.text_id, "Work", "ACTIVE"),
    ]
    assert "redirect_url" not in told
    assert not links().exists()


def test_what_is_not_connected_is_begun(world: World, session: Any, toolkit: Any) -> None:
    told = connection(door_of(world.member), session, "GITHUB")

    link = links().get()
    assert (told["status"], told["accounts"]) == ("initiated", [])
    assert "/connect/" in told["redirect_url"]
    assert (link.owner.ref, link.user, link.auth_config.toolkit) == (world.member.owner.ref, world.member, toolkit)


@pytest.mark.parametrize("status", ["expired", "failed", "paused"])
def test_what_does_not_work_any_more_is_begun_as_well(world: World, session: Any, toolkit: Any, status: str) -> None:
    make_connected_account(toolkit, owner=world.member, status=status)

    assert connection(door_of(world.member), session)["status"] == "initiated"


def test_all_can_be_begun_anew(world: World, session: Any, toolkit: Any) -> None:
    account = make_connected_account(toolkit, owner=world.member)

    told = connection(door_of(world.member), session, reinitiate_all=True)

    assert (told["status"], [one["id"] for one in told["accounts"]]) == ("initiated", [account.text_id])
    assert connection(door_of(world.member), session, reinitiate_all=False)["status"] == "active"
    assert links().count() == 1


def test_what_stands_in_the_way_of_one_stops_no_other(world: World, toolkit: Any) -> None:
    kits = [toolkit, make_toolkit("open", needs_account=False), make_toolkit("slack")]
    make_toolkit("jira")
    session = make_session(*kits, owner=world.member)
    wanted = ["open", "slack", "jira", "nothing", "github"]

    told = meta(door_of(world.member), session, "COMPOSIO_MANAGE_CONNECTIONS", toolkits=wanted)["results"]

    assert [told[name]["status"] for name in wanted] == ["failed", "failed", "failed", "failed", "initiated"]
    assert "needs no account" in told["open"]["error"]
    assert "Nobody has set up how to connect Slack" in told["slack"]["error"]
    assert "Jira is not in this session" in told["jira"]["error"]
    assert links().count() == 1


def test_an_organizations_key_begins_nothing_because_nobody_could_agree(world: World, toolkit: Any) -> None:
    session = make_session(toolkit, owner=world.acme, user=world.admin)

    told = connection(door_of(world.acme), session)

    assert (told["status"], "connected by a person" in told["error"]) == ("failed", True)
    assert connection(door_of(world.admin), session)["status"] == "initiated"


def test_an_end_users_link_is_theirs(world: World, toolkit: Any) -> None:
    shop = make_application(world.acme, "Shop")
    alice = make_end_user(shop, "alice")

    told = connection(Door(make_application_key(shop)[1]), make_session(toolkit, owner=alice))

    assert told["status"] == "initiated"
    assert (links().get().owner.ref, links().get().user) == (alice.owner.ref, None)


def test_a_session_that_does_not_connect_has_no_such_tool(world: World, toolkit: Any) -> None:
    config = {"asked": {"manage_connections": {"enable": False}}}
    session = make_session(toolkit, owner=world.member, config=config)
    door = door_of(world.member)

    assert refused(door, session, "COMPOSIO_MANAGE_CONNECTIONS", toolkits=["github"]) == (404, "tool_not_found")
    assert meta(door, session, "COMPOSIO_GET_TOOL_SCHEMAS", tool_slugs=[GET])["tool_schemas"]


@pytest.mark.parametrize("toolkits", [None, [], "github", [1], ["github"] * 51])
def test_which_toolkits_has_to_be_said(world: World, session: Any, toolkits: Any) -> None:
    door = door_of(world.member)

    assert refused(door, session, "COMPOSIO_MANAGE_CONNECTIONS", toolkits=toolkits) == (400, "invalid_arguments")


# --- Links of a session


def link_in(door: Door, session: Any, toolkit: str) -> tuple[int, Any]:
    return door.post(f"/tool_router/session/{session.text_id}/link", {"toolkit": toolkit})


def test_a_toolkit_that_the_session_pins_is_not_connected_once_more(world: World, toolkit: Any) -> None:
    account = make_connected_account(toolkit, owner=world.member)
    door, following = door_of(world.member), make_session(toolkit, owner=world.member)
    pinning = make_session(toolkit, owner=world.member, pins=[account])

    status, answer = link_in(door, pinning, "github")

    assert (status, answer["error"]["slug"]) == (400, "session_pins_toolkit")
    assert connection(door, pinning, reinitiate_all=True)["status"] == "failed"
    assert not links().exists()
    assert link_in(door, following, "github")[0] == 201


def test_a_toolkit_without_accounts_has_nothing_to_connect(world: World, toolkit: Any) -> None:
    session = make_session(toolkit, make_toolkit("open", needs_account=False), owner=world.member)
    door = door_of(world.member)

    status, answer = link_in(door, session, "open")

    assert (status, answer["error"]["slug"]) == (400, "toolkit_needs_no_account")
    assert link_in(door, session, "github")[0] == 201


@pytest.mark.parametrize("ids", [[], ["ca_1", "ca_2"], ""])
def test_a_session_has_one_account_for_each_toolkit(world: World, toolkit: Any, ids: Any) -> None:
    account = make_connected_account(toolkit, owner=world.member)
    door, user = door_of(world.member), world.member.owner.ref.text_id

    status, answer = door.post("/tool_router/session", {"user_id": user, "connected_accounts": {"github": ids}})

    assert (status, answer["error"]["slug"]) == (400, "session_one_account")
    for one in (account.text_id, [account.text_id]):
        body = {"user_id": user, "connected_accounts": {"github": one}}
        status, made = door.post("/tool_router/session", body)
        assert (status, made["config"]["connected_accounts"]) == (201, {"github": [account.text_id]})


# --- Search


def search(door: Door, session: Any, *use_cases: str, **more: Any) -> Any:
    body = {"queries": [{"use_case": one} for one in use_cases], **more}
    status, answer = door.post(f"/tool_router/session/{session.text_id}/search", body)
    assert status == 200, answer
    return answer


def test_search_has_all_that_the_clients_read(world: World, session: Any, toolkit: Any) -> None:
    account = make_connected_account(toolkit, owner=world.member, alias="Work")

    answer = search(door_of(world.member), session, "get a thing", "nonsense")

    assert {*answer} == {
        "success",
        "error",
        "results",
        "tool_schemas",
        "toolkit_connection_statuses",
        "next_steps_guidance",
        "session",
        "time_info",
    }
    assert (answer["success"], answer["error"]) == (True, None)
    first, second = answer["results"]
    assert (first["use_case"], first["primary_tool_slugs"], first["toolkits"]) == ("get a thing", [GET], ["github"])
    assert (second["primary_tool_slugs"], second["related_tool_slugs"], second["toolkits"]) == ([], [], [])
    schema = answer["tool_schemas"][GET]
    assert {*schema} == {"toolkit", "tool_slug", "description", "input_schema", "hasFullSchema"}
    assert schema["input_schema"]["required"] == ["name"]
    [state] = answer["toolkit_connection_statuses"]
    assert (state["toolkit"], state["has_active_connection"]) == ("github", True)
    [line] = state["accounts"]
    assert (line["id"], line["alias"], line["status"], line["is_default"]) == (
        account.text_id,
        "Work",
        "ACTIVE",
        True,
    )
    assert answer["session"] == {"id": session.text_id, "generate_id": False, "instructions": ""}
    assert {*answer["time_info"]} == {"current_time_utc", "current_time_utc_epoch_seconds", "message"}


def test_search_says_what_is_not_connected_and_what_to_do(world: World, session: Any) -> None:
    answer = search(door_of(world.member), session, "get a thing")

    [state] = answer["toolkit_connection_statuses"]
    assert (state["has_active_connection"], state["accounts"]) == (False, [])
    assert "COMPOSIO_MANAGE_CONNECTIONS" in state["status_message"]
    assert "COMPOSIO_MANAGE_CONNECTIONS" in str(answer["next_steps_guidance"])


def test_search_finds_nothing_outside_the_session(world: World, session: Any) -> None:
    make_tool(make_toolkit("slack"), "SLACK_GET_THING")
    door = door_of(world.member)

    assert [*search(door, session, "get thing")["tool_schemas"]] == [GET]
    everywhere = make_session(owner=world.member, takes_all=True)
    assert {*search(door, everywhere, "get thing")["tool_schemas"]} == {GET, "SLACK_GET_THING"}
    assert [*search(door, everywhere, "get thing", toolkits=["SLACK"])["tool_schemas"]] == ["SLACK_GET_THING"]


def test_search_through_the_tool_answers_the_same(world: World, session: Any) -> None:
    door = door_of(world.member)
    plain = search(door, session, "get a thing")

    through = meta(door, session, "COMPOSIO_SEARCH_TOOLS", queries=[{"use_case": "get a thing"}])

    for one in (plain, through):
        one.pop("time_info")
    assert through == plain


def test_schemas_are_given_by_name(world: World, session: Any) -> None:
    door = door_of(world.member)

    schemas = meta(door, session, "COMPOSIO_GET_TOOL_SCHEMAS", tool_slugs=[GET.lower(), FAILS])["tool_schemas"]

    assert {*schemas} == {GET, FAILS}
    assert schemas[GET]["toolkit"] == "github"
    assert refused(door, session, "COMPOSIO_GET_TOOL_SCHEMAS", tool_slugs=[OUTSIDE]) == (404, "tool_not_found")


def test_a_key_without_the_right_to_run_finds_and_does_not_run(world: World, session: Any, toolkit: Any) -> None:
    make_connected_account(toolkit, owner=world.member)
    door = door_of(world.member, Scope.TOOLS_READ, Scope.EXECUTIONS_READ, Scope.CONNECTIONS_READ)

    data = several(door, session, plan())

    assert data["success_count"] == 0
    assert search(door, session, "get a thing")["tool_schemas"]
    assert not runs().filter(status="succeeded").exists()
