"""Consent that is missing, asked for through the client: where it can, and where it is this person's (check M13)."""

from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

import pytest
from asgiref.sync import sync_to_async
from mcp import MCPError
from mcp.shared.exceptions import UrlElicitationRequiredError
from mcp_types import ElicitResult

from integrations.models import Execution, Tool
from tests.factories import (
    make_api_key,
    make_connected_account,
    make_tool,
    make_toolkit,
)
from tests.integrations.mcp.agent import BASE, LEGACY, MODERN, Agent, path_of
from tests.integrations.mcp.test_tools import worker  # noqa: F401  # a fixture
from tests.world import World

pytestmark = pytest.mark.django_db
GET = ("GITHUB_GET_THING", {"name": "x"})
URL_MODE = {"elicitation": {"url": {}}}


@pytest.fixture
def read() -> Tool:
    return make_tool(make_toolkit("github"), "GITHUB_GET_THING")


def agent_of(world: World, at: Any, persona: str = "member") -> Agent:
    return Agent(path_of(at), make_api_key(world.people[persona])[1])


@dataclass
class Person:
    """Whoever sits before the client: sees the link, and says yes or no after doing something about it."""

    says: str = "accept"
    does: Any = None
    seen: list[Any] = field(default_factory=list)

    async def __call__(self, _context: Any, params: Any) -> ElicitResult:
        self.seen.append(params)
        if self.does is not None:
            await sync_to_async(self.does)()
        return ElicitResult(action=self.says)  # type: ignore[arg-type]  # as the test says


def refused(agent: Agent, person: Person) -> UrlElicitationRequiredError:
    """What a client of the older generation gets."""
    with pytest.raises((MCPError, ExceptionGroup)) as caught:
        agent.call(*GET, mode="legacy", elicitation_callback=person)
    error: Any = caught.value
    while isinstance(error, ExceptionGroup):
        [error] = error.exceptions
    return UrlElicitationRequiredError.from_error(error.error)


def statuses() -> list[str]:
    return sorted(one.status for one in Execution.objects.unscoped("all there are"))


# --- The generation of 2026-07-28: the result asks, the client comes back


@pytest.mark.usefixtures("worker")
def test_whoever_connects_at_the_link_gets_the_answer_in_the_same_call(world: World, read: Tool) -> None:
    person = Person(does=lambda: make_connected_account(read.toolkit, owner=world.member))

    result = agent_of(world, world.member).call(*GET, mode=MODERN, elicitation_callback=person)

    [asked] = person.seen
    assert (result.is_error, result.structured_content["data"]) == (False, {"login": "octocat"})
    assert (asked.mode, asked.elicitation_id) == ("url", None)
    assert urlsplit(asked.url).path == "/me/connections/new/"
    assert "then call the tool again" in asked.message
    assert statuses() == ["denied", "succeeded"]


@pytest.mark.parametrize("says", ["accept", "decline", "cancel"])
def test_whoever_did_nothing_there_is_asked_once_and_then_told_in_text(world: World, read: Tool, says: str) -> None:
    person = Person(says)

    result = agent_of(world, world.member).call(*GET, mode=MODERN, elicitation_callback=person)

    assert len(person.seen) == 1
    assert (result.is_error, result.structured_content["code"]) == (True, "no_connected_account")
    assert result.structured_content["ways_out"][0]["url"].endswith("/me/connections/new/")


# --- The older one: an error asks, and a session ID remembers that the client can


def test_a_client_of_the_older_generation_is_told_by_the_error_that_is_made_for_it(world: World, read: Tool) -> None:
    error = refused(agent_of(world, world.member), Person())

    [wanted] = error.elicitations
    run = Execution.objects.unscoped("the only one").get()
    assert urlsplit(wanted.url).path == "/me/connections/new/"
    assert (wanted.mode, wanted.elicitation_id) == ("url", run.text_id)
    assert run.error_message in wanted.message
    assert run.status == "denied"


@pytest.mark.parametrize("mode", ["legacy", MODERN])
def test_a_client_that_cannot_is_answered_in_text(world: World, read: Tool, mode: str) -> None:
    del read
    result = agent_of(world, world.member).call(*GET, mode=mode)

    assert (result.is_error, result.structured_content["code"]) == (True, "no_connected_account")
    assert result.structured_content["ways_out"][0]["url"].endswith("/me/connections/new/")


@pytest.mark.parametrize("mode", ["legacy", MODERN])
@pytest.mark.usefixtures("worker")
def test_nobody_is_asked_where_nothing_is_missing(world: World, read: Tool, mode: str) -> None:
    make_connected_account(read.toolkit, owner=world.member)
    person = Person()

    result = agent_of(world, world.member).call(*GET, mode=mode, elicitation_callback=person)

    assert not result.is_error
    assert person.seen == []


# --- Whose consent it is


def test_a_broken_account_leads_to_its_own_page(world: World, read: Tool) -> None:
    account = make_connected_account(read.toolkit, owner=world.member, status="expired")

    [wanted] = refused(agent_of(world, world.member), Person()).elicitations

    assert urlsplit(wanted.url).path == f"/me/connections/{account.text_id}/"


def test_an_admin_is_sent_to_the_page_and_a_member_told_whom_to_ask(world: World, read: Tool) -> None:
    [wanted] = refused(agent_of(world, world.acme, "admin"), Person()).elicitations
    person = Person()

    told = agent_of(world, world.acme).call(*GET, mode="legacy", elicitation_callback=person)

    assert urlsplit(wanted.url).path == "/orgs/acme/connections/new/"
    assert (told.is_error, told.structured_content["code"]) == (True, "no_connected_account")
    assert told.structured_content["ways_out"][0]["who"] == "an admin of Acme"


def test_where_another_id_would_do_nobody_is_sent_to_connect_once_more(world: World, read: Tool) -> None:
    make_connected_account(read.toolkit, owner=world.acme)
    person = Person()

    told = agent_of(world, world.member).call(*GET, mode=MODERN, elicitation_callback=person)

    assert person.seen == []
    assert told.structured_content["ways_out"][0]["url"].endswith(f"/mcp/{world.acme.ref.text_id}/")


# --- The session ID


def initialize(agent: Agent, capabilities: Any, version: str = LEGACY) -> Any:
    about = {"protocolVersion": version, "capabilities": capabilities, "clientInfo": {"name": "x", "version": "1"}}
    return agent.post({"jsonrpc": "2.0", "id": 1, "method": "initialize", "params": about})


@pytest.mark.parametrize("capabilities", [{}, {"elicitation": {}}, {"elicitation": {"form": {}}}, {"elicitation": 7}])
def test_who_does_not_declare_it_gets_no_session_id(world: World, capabilities: Any) -> None:
    assert "mcp-session-id" not in initialize(agent_of(world, world.member), capabilities).headers


def test_who_declares_it_under_a_revision_that_had_none_gets_no_session_id(world: World) -> None:
    agent = agent_of(world, world.member)

    assert "mcp-session-id" not in initialize(agent, URL_MODE, "2025-06-18").headers
    assert "mcp-session-id" in initialize(agent, URL_MODE).headers


def test_a_session_id_is_good_with_its_key_at_its_address_alone(world: World, read: Tool) -> None:
    """And it is no credential: without the key nothing opens (checks M5, M6)."""
    del read
    agent, others = agent_of(world, world.member), agent_of(world, world.admin, "admin")
    text = initialize(agent, URL_MODE).headers["mcp-session-id"]
    body = {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": {"name": GET[0], "arguments": GET[1]}}

    def ask(one: Agent, path: str = "", session: str = text) -> tuple[int, Any]:
        answer = one.post(body, path=path, mcp_session_id=session)
        return answer.status_code, answer.json().get("error", {}).get("code")

    assert ask(agent) == (200, -32042)
    assert ask(others)[0] == 404
    assert ask(agent, path_of(world.acme))[0] == 404
    assert ask(agent, session=text[:-1])[0] == 404
    assert ask(Agent(agent.path))[0] == 401
    assert initialize(agent, URL_MODE).headers["mcp-session-id"] != text
    assert BASE not in text
