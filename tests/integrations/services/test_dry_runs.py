"""The dry run: what submitting and the worker would do, without doing any of it."""

import socket
from typing import Any
from uuid import UUID

import pytest

from integrations.models import ConnectedAccount, Execution, Tool, Toolkit
from integrations.services.dry_runs import DryRun, dry_run
from integrations.services.executions import ArgumentsError, Order, submit_execution
from orgs.errors import DomainError, NotFoundError
from tests.factories import NOW, actor_of, make_connected_account, make_tool, make_toolkit, owner_ref
from tests.world import World

ARGUMENTS = {"name": "a b/c"}


@pytest.fixture
def toolkit(world: World) -> Toolkit:
    return make_toolkit("github", name="GitHub")


@pytest.fixture
def tool(toolkit: Toolkit) -> Tool:
    return make_tool(toolkit, "GITHUB_GET_THING")


def ordered(world: World, who: str, **values: Any) -> Order:
    requested = owner_ref(world.acme if who == "acme" else world.member).text_id
    return Order(**{"requested": requested, "tool": "GITHUB_GET_THING", "arguments": ARGUMENTS, **values})


def tried(world: World, person: str = "member", under: str = "acme", **values: Any) -> DryRun:
    return dry_run(actor=actor_of(world.people[person], world.acme), order=ordered(world, under, **values))


def test_dry_run_shows_the_request_with_its_secret_struck_out(world: World, tool: Tool) -> None:
    account = make_connected_account(tool.toolkit, owner=world.acme, access_token="very-secret-token")

    found = tried(world)

    assert found.would_run
    assert found.account == account
    assert found.why == "the most recently connected one"
    assert found.request is not None
    assert (found.request["method"], found.request["url"]) == ("GET", "https://api.github.test/things/a%20b%2Fc")
    assert found.request["headers"]["Authorization"] == "***"
    assert "very-secret-token" not in repr(found.request)


def test_dry_run_goes_to_the_address_of_the_account(world: World, tool: Tool) -> None:
    make_connected_account(tool.toolkit, owner=world.acme, base_url="https://acme.github.test/v3")

    request = tried(world).request

    assert request is not None
    assert request["url"].startswith("https://acme.github.test/v3/things/")


def test_dry_run_stores_nothing_opens_nothing_and_calls_nobody(
    world: World, tool: Tool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The account's secrets cannot be opened here, and every way to the network is closed."""

    def never(*_: Any, **__: Any) -> Any:
        raise AssertionError("a dry run does not do this")

    account = make_connected_account(tool.toolkit, owner=world.acme)
    ConnectedAccount.objects.owned_by(world.acme.ref).update(credentials=None)
    monkeypatch.setattr(socket, "getaddrinfo", never)
    monkeypatch.setattr(socket.socket, "connect", never)

    assert tried(world).would_run
    assert not Execution.objects.unscoped("a test counts").exists()
    assert ConnectedAccount.objects.owned_by(world.acme.ref).get().last_used_at == account.last_used_at


def test_dry_run_of_what_would_be_refused_says_so_and_shows_no_request(world: World, tool: Tool) -> None:
    make_connected_account(tool.toolkit, owner=world.acme, status="paused")

    refused = tried(world)
    viewer = tried(world, "viewer")

    assert (refused.would_run, refused.decision.code, refused.request) == (False, "connection_inactive", None)
    assert (viewer.would_run, viewer.decision.code, viewer.request) == (False, "role_cannot_execute", None)


def test_dry_run_refuses_arguments_that_do_not_fit(world: World, tool: Tool) -> None:
    make_connected_account(tool.toolkit, owner=world.acme)

    with pytest.raises(ArgumentsError) as error:
        tried(world, arguments={"nome": "x"})

    assert {field for field, _ in error.value.details} >= {"name"}


def test_dry_run_says_when_no_request_can_be_made(world: World, tool: Tool) -> None:
    make_connected_account(tool.toolkit, owner=world.acme)

    found = tried(world, arguments={"name": ".."})

    assert not found.would_run
    assert found.decision.allowed
    assert found.problem
    assert found.request is None


def test_dry_run_of_an_unknown_tool_or_under_a_foreign_id_is_answered_like_a_run(world: World, tool: Tool) -> None:
    with pytest.raises(NotFoundError):
        tried(world, tool="NO_SUCH_TOOL")
    with pytest.raises(DomainError) as error:
        tried(world, "outsider")
    assert error.value.code == "membership_ended"


@pytest.mark.parametrize("status", ["active", "expired", "paused", "failed", "waiting", "needs_attention"])
@pytest.mark.parametrize("person", ["member", "viewer", "admin"])
def test_dry_run_and_run_get_the_same_decision(world: World, tool: Tool, person: str, status: str) -> None:
    account = make_connected_account(tool.toolkit, owner=world.acme, status=status)
    actor = actor_of(world.people[person], world.acme)
    for named in ("", account.text_id):
        order = ordered(world, "acme", account=named)

        found = dry_run(actor=actor, order=order)
        row = submit_execution(actor=actor, order=order, now=NOW)

        assert found.decision.allowed == row.decision["allowed"]
        assert found.decision.code == row.decision["code"]
        assert _id(found.account) == row.connected_account_id


def _id(account: Any) -> UUID | None:
    return account.id if account else None


def test_dry_run_of_a_tool_without_account(world: World) -> None:
    make_tool(make_toolkit("hackernews", needs_account=False), "HACKERNEWS_GET_USER")

    found = tried(world, tool="HACKERNEWS_GET_USER")

    assert found.would_run
    assert found.why == "this tool needs no account"
    assert found.request is not None
    assert "Authorization" not in found.request["headers"]
