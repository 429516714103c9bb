"""The pages about sessions: what each toolkit uses now, what runs, and what people copy into their agent."""

import json
from typing import Any

import pytest
from django.test import Client

from integrations.models import Execution, SessionToolkit, Tool, ToolSession
from integrations.views.mcp_clients import client_configs
from tests.factories import make_connected_account, make_execution, make_session, make_tool, make_toolkit
from tests.world import World

pytestmark = pytest.mark.django_db


@pytest.fixture
def tool() -> Tool:
    return make_tool(make_toolkit("github"), "GITHUB_GET_THING")


def shown(client: Client, path: str) -> str:
    answer = client.get(path)
    assert answer.status_code == 200, path
    return answer.content.decode()


def sessions() -> Any:
    return ToolSession.objects.unscoped("all of them")


def test_a_session_is_made_with_an_account_that_is_pinned(world: World, tool: Tool) -> None:
    make_toolkit("slack")
    account = make_connected_account(tool.toolkit, owner=world.member)
    asked = {"name": "Inbox helper", "toolkit_github": account.text_id, "toolkit_slack": "out"}

    answer = world.client("member").post("/me/sessions/new/", asked, follow=True)

    session = sessions().get()
    assert [(one.toolkit.slug, one.connected_account) for one in session.choices.all()] == [("github", account)]
    page = answer.content.decode()
    for words in ("Inbox helper is ready", "pinned: always this one", "github-identity", "All 1 tools"):
        assert words in page
    assert f"/mcp/sessions/{session.text_id}/" in page


def test_what_is_connected_is_chosen_before_anybody_chooses(world: World, tool: Tool) -> None:
    make_toolkit("slack")
    make_connected_account(tool.toolkit, owner=world.acme)

    page = shown(world.client("member"), "/orgs/acme/sessions/new/")

    assert 'value="follow" selected>Follows the default or newest account: github-identity now' in page
    assert 'value="out" selected>Not in this session' in page


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"name": ""}, "This field is required"),
        ({"toolkit_github": "out"}, "Choose at least one toolkit"),
        ({"toolkit_github": "ca_" + "0" * 32}, "Select a valid choice"),
    ],
)
def test_a_form_that_does_not_fit_makes_nothing(world: World, tool: Tool, change: dict[str, str], says: str) -> None:
    answer = world.client("member").post("/me/sessions/new/", {"name": "x", "toolkit_github": "follow", **change})

    assert answer.status_code == 422
    assert says in answer.content.decode()
    assert not sessions().exists()


def test_every_toolkit_but_one_is_kept_when_the_session_is_changed(world: World, tool: Tool) -> None:
    slack = make_toolkit("slack")
    session = make_session(owner=world.member, takes_all=True)
    SessionToolkit.objects.create(session=session, toolkit=slack, is_excluded=True)
    client, path = world.client("member"), f"/me/sessions/{session.text_id}/change/"
    page = shown(client, path)
    assert page.count('value="out" selected') == 1

    client.post(path, {"name": "Other", "takes_all": "on", "toolkit_github": "follow", "toolkit_slack": "out"})

    session.refresh_from_db()
    assert (session.name, session.takes_all, session.config_version) == ("Other", True, 2)
    assert [one.is_excluded for one in session.choices.order_by("toolkit__slug")] == [False, True]
    bad = client.post(path, {"name": "", "toolkit_github": "follow", "toolkit_slack": "out"})
    assert bad.status_code == 422


def test_a_toolkit_without_an_account_says_so_and_leads_to_connecting(world: World, tool: Tool) -> None:
    mine = make_session(tool.toolkit, owner=world.member)
    ours = make_session(tool.toolkit, owner=world.acme, user=world.member)
    client = world.client("member")

    own, shared = (
        shown(client, path) for path in (f"/me/sessions/{mine.text_id}/", f"/orgs/acme/sessions/{ours.text_id}/")
    )

    assert "0 of 1 tools" in own
    assert "/me/connections/new/github/" in own
    assert "None connected" in shared
    assert "/orgs/acme/connections/new/github/" not in shared


def test_a_pin_that_is_gone_is_said_so(world: World, tool: Tool) -> None:
    account = make_connected_account(tool.toolkit, owner=world.member)
    session = make_session(owner=world.member, pins=[account])
    make_connected_account(tool.toolkit, owner=world.member, identity_label="other")
    account.status, account.credentials = "revoked", None
    account.save()

    page = shown(world.client("member"), f"/me/sessions/{session.text_id}/")

    assert "0 of 1 tools" in page
    assert "no other is used in its place" in page


def test_ending_shows_what_waits_and_calls_it_off(world: World, tool: Tool) -> None:
    session = make_session(tool.toolkit, owner=world.member)
    make_execution(tool, owner=world.member, tool_session=session)
    client, path = world.client("member"), f"/me/sessions/{session.text_id}/end/"
    assert "1</strong> waiting run will be cancelled" in shown(client, path)
    assert not sessions().get().has_ended

    client.post(path)
    again = client.post(path, follow=True)

    assert Execution.objects.unscoped("the only one there is").get().status == "cancelled"
    assert "has ended. Make a new one" in again.content.decode()
    page = shown(client, f"/me/sessions/{session.text_id}/")
    assert "answers no agent" in page
    assert "YOUR_API_KEY" not in page


def test_runs_of_a_session_stand_on_its_page_and_lead_back(world: World, tool: Tool) -> None:
    session = make_session(tool.toolkit, owner=world.member, name="Inbox helper")
    run = make_execution(tool, owner=world.member, tool_session=session, status="succeeded")
    other = make_execution(tool, owner=world.member)
    client = world.client("member")

    page = shown(client, f"/me/sessions/{session.text_id}/")

    assert run.text_id in page
    assert other.text_id not in page
    assert f'href="/me/sessions/{session.text_id}/">Inbox helper' in shown(client, f"/me/runs/{run.text_id}/")


def test_others_look_and_do_not_touch(world: World, tool: Tool) -> None:
    session = make_session(tool.toolkit, owner=world.acme, user=world.admin)
    page = shown(world.client("member"), f"/orgs/acme/sessions/{session.text_id}/")

    assert "Only the person who made it and admins can change it." in page
    assert world.client("member").post(f"/orgs/acme/sessions/{session.text_id}/end/").status_code == 403
    assert "Your role may look at sessions" in shown(world.client("viewer"), "/orgs/acme/sessions/")


def test_lists_of_active_and_ended_sessions(world: World, tool: Tool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("integrations.queries.tool_sessions.PAGE_SIZE", 1)
    client = world.client("member")
    assert "No sessions yet" in shown(client, "/me/sessions/")
    assert "No session has ended" in shown(client, "/me/sessions/?state=ended")
    make_session(tool.toolkit, owner=world.member, name="First")
    make_session(owner=world.member, name="Second", takes_all=True)

    assert "All of the catalogue" in shown(client, "/me/sessions/")


def test_configurations_name_the_address_and_never_a_key() -> None:
    configs = {one.client: one for one in client_configs("https://sb.example/mcp/sessions/trs_1/", "Ada's inbox!")}

    assert json.loads(configs["Cursor"].text) == {
        "mcpServers": {
            "switchboard-ada-s-inbox": {
                "url": "https://sb.example/mcp/sessions/trs_1/",
                "headers": {"x-api-key": "YOUR_API_KEY"},
            }
        }
    }
    for one in configs.values():
        assert "https://sb.example/mcp/sessions/trs_1/" in one.text
        assert "x-api-key" in one.text
    assert "switchboard-session" in client_configs("u", "…")[0].text


def test_an_id_that_is_no_sessions_is_nothing(world: World) -> None:
    assert world.client("member").get("/me/sessions/nonsense/").status_code == 404
