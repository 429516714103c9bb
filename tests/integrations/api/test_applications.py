"""An application's key and its end users over the API: the multi-user pattern of the seeds."""

from typing import Any

import pytest

from integrations.models import ConnectedAccount, Execution, ToolSession
from orgs.models import AuditEvent, EndUser
from orgs.permissions import Scope
from tests.factories import (
    make_application,
    make_application_key,
    make_auth_config,
    make_connected_account,
    make_end_user,
    make_tool,
    make_toolkit,
)
from tests.integrations.api.door import Door, door_of, id_of
from tests.integrations.mcp.agent import Agent
from tests.world import World

EXECUTE = "/tools/execute/GITHUB_GET_THING"


@pytest.fixture
def toolkit(world: World, settings: Any) -> Any:
    del world
    settings.API_WAIT_LIMIT = 0
    toolkit = make_toolkit()
    make_tool(toolkit)
    return toolkit


@pytest.fixture
def shop(world: World) -> Any:
    return make_application(world.acme, "Shop")


def door_to(application: Any, *scopes: Scope) -> Door:
    return Door(make_application_key(application, *scopes)[1])


def order(user_id: str, **more: Any) -> dict[str, Any]:
    return {"user_id": user_id, "arguments": {"name": "x"}, **more}


def runs() -> Any:
    return Execution.objects.unscoped("a test counts")


def test_run_for_an_end_user_is_stored_under_them_with_the_identity_that_was_used(toolkit: Any, shop: Any) -> None:
    account = make_connected_account(toolkit, owner=make_end_user(shop, "alice"))
    door = door_to(shop)

    status, body = door.post("/executions", {"tool": "GITHUB_GET_THING", **order("alice")})

    assert status == 202
    assert (body["user_id"], body["connected_account_id"], body["account_label"]) == (
        "alice",
        account.text_id,
        account.label,
    )
    row = runs().get()
    assert row.owner.ref.external == "alice"
    assert row.api_key is not None
    assert row.submitted_by is None
    assert door.get(f"/executions/{row.text_id}")[1]["arguments"] == {"name": "x"}
    assert [one["id"] for one in door.get("/executions?user_id=alice")[1]["items"]] == [row.text_id]


def test_end_user_is_made_on_first_use_and_once(toolkit: Any, shop: Any) -> None:
    door = door_to(shop)
    make_tool(make_toolkit("open", needs_account=False), "OPEN_GET_THING")

    answers = [door.post("/executions", {"tool": "OPEN_GET_THING", **order("alice")})[0] for _ in range(2)]

    assert answers == [202, 202]
    assert EndUser.objects.get().external == "alice"
    assert AuditEvent.objects.of_owner(shop.organization.ref).filter(action="end_user.create").count() == 1


def test_looking_makes_nobody(toolkit: Any, shop: Any) -> None:
    del toolkit
    door = door_to(shop)

    assert door.get("/connected_accounts?user_ids=never-seen")[1]["items"] == []
    assert door.get("/executions?user_id=never-seen")[1]["items"] == []
    asked = {"tool": "GITHUB_GET_THING", "user_id": "never-seen"}
    assert door.post("/explain", asked)[1]["verdict"]["slug"] == "no_connected_account"
    assert door.post("/dry_run", {**asked, "arguments": {"name": "x"}})[1]["would_run"] is False
    assert not EndUser.objects.exists()


def test_idempotency_key_holds_for_somebody_new_as_well(toolkit: Any, shop: Any) -> None:
    del toolkit
    make_tool(make_toolkit("open", needs_account=False), "OPEN_GET_THING")
    door = door_to(shop)

    ids = {
        door.post("/executions", {"tool": "OPEN_GET_THING", **order("alice")}, **{"Idempotency-Key": "one"})[1]["id"]
        for _ in range(2)
    }

    assert len(ids) == 1


def test_organizations_account_does_not_answer_to_an_end_user_nor_the_other_way(
    world: World, toolkit: Any, shop: Any
) -> None:
    door = door_to(shop)
    shared = make_connected_account(toolkit, owner=world.acme)

    status, body = door.post(EXECUTE, order("alice"))

    assert (status, body["error"]["slug"]) == (404, "no_connected_account")
    assert f"Pass {id_of(world.acme)} as user_id" in body["error"]["suggested_fix"]
    assert door.post(EXECUTE, order("alice", connected_account_id=shared.text_id))[0] == 403
    assert door.post(EXECUTE, order(id_of(world.acme)))[0] == 202
    shared.delete() if not runs().filter(connected_account=shared).exists() else None
    ConnectedAccount.objects.unscoped("a test takes it away").filter(id=shared.id).update(
        status="revoked", credentials=None
    )
    make_connected_account(toolkit, owner=EndUser.objects.get(external="alice"))
    status, body = door.post(EXECUTE, order(id_of(world.acme)))
    assert (status, body["error"]["slug"]) == (404, "no_connected_account")
    assert "Pass alice as user_id" in body["error"]["suggested_fix"]


def test_end_users_of_one_application_are_apart(toolkit: Any, shop: Any) -> None:
    bobs = make_connected_account(toolkit, owner=make_end_user(shop, "bob"))
    door = door_to(shop)

    for more in ({}, {"connected_account_id": bobs.text_id}):
        status, body = door.post(EXECUTE, order("alice", **more))
        assert status == 404
        assert "bob" not in str(body)
    assert door.post(EXECUTE, order("bob"))[0] == 202
    assert door.get("/connected_accounts?user_ids=alice")[1]["items"] == []
    [listed] = door.get("/connected_accounts?user_ids=bob")[1]["items"]
    assert (listed["id"], listed["user_id"]) == (bobs.text_id, "bob")


@pytest.mark.parametrize("whose", ["second", "foreign", "org_key", "user_key"])
def test_nobody_else_reaches_an_end_user(world: World, toolkit: Any, shop: Any, whose: str) -> None:
    """A second application of the same organization, one of another, and keys that are no application's."""
    alice = make_end_user(shop, "alice")
    account = make_connected_account(toolkit, owner=alice)
    assert door_to(shop).post(EXECUTE, order("alice"))[0] == 202
    run = runs().get()
    doors = {
        "second": lambda: door_to(make_application(world.acme)),
        "foreign": lambda: door_to(make_application(world.globex)),
        "org_key": lambda: door_of(world.acme),
        "user_key": lambda: door_of(world.owner),
    }
    door = doors[whose]()

    for text in ("alice", alice.text_id):
        status, body = door.post(EXECUTE, order(text))
        assert (status, "ca_" in str(body)) == (404, False)
    assert door.get(f"/connected_accounts/{account.text_id}")[0] == 404
    assert door.delete(f"/connected_accounts/{account.text_id}")[0] == 404
    assert door.get(f"/executions/{run.text_id}")[0] == 404
    assert door.get("/connected_accounts")[1]["items"] == []


def test_members_personal_accounts_are_out_of_an_applications_reach(world: World, toolkit: Any, shop: Any) -> None:
    account = make_connected_account(toolkit, owner=world.member)
    door = door_to(shop)

    assert door.post(EXECUTE, order(id_of(world.member)))[0] == 404
    assert door.get(f"/connected_accounts/{account.text_id}")[0] == 404
    assert door.post(EXECUTE, order("alice", connected_account_id=account.text_id))[0] == 404
    assert door.post(EXECUTE, order(world.member.username))[1]["error"]["slug"] == "no_connected_account"


@pytest.mark.parametrize(
    ("text", "status", "slug"),
    [
        ("", 400, "user_id_required"),
        ("default", 400, "user_id_default_refused"),
        ("a@b.example", 400, "user_id_email_refused"),
        ("two words", 400, "user_id_invalid"),
        (f"ca_{'1' * 32}", 400, "user_id_invalid"),
        (f"user_{'1' * 32}", 404, "user_id_not_found"),
        (f"org_{'1' * 32}", 404, "user_id_not_found"),
        (f"eu_{'1' * 32}", 404, "user_id_not_found"),
    ],
)
def test_refused_id_is_answered_with_what_a_good_one_looks_like(
    toolkit: Any, shop: Any, text: str, status: int, slug: str
) -> None:
    del toolkit

    answered, body = door_to(shop).post(EXECUTE, order(text))

    assert (answered, body["error"]["slug"]) == (status, slug)
    assert "user-8472" in body["error"]["message"]
    assert not EndUser.objects.exists()


def test_account_of_an_end_user_is_looked_after(toolkit: Any, shop: Any) -> None:
    account = make_connected_account(toolkit, owner=make_end_user(shop, "alice"))
    door, path = door_to(shop), f"/connected_accounts/{account.text_id}"

    assert door.get(path)[1]["user_id"] == "alice"
    assert door.patch(path, {"alias": "Work", "is_default": True})[0] == 200
    assert door.patch(f"{path}/status", {"enabled": False})[0] == 200
    assert door.post(EXECUTE, order("alice"))[0] == 409
    assert door.patch(f"{path}/status", {"enabled": True})[0] == 200
    assert door.get("/connected_accounts")[1]["items"][0]["alias"] == "Work"
    assert door.delete(path)[0] == 200
    assert door.get(path)[0] == 404


def test_key_or_token_of_an_end_user_is_connected_at_once(
    toolkit: Any, shop: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    from integrations.catalog import Identity  # noqa: PLC0415
    from integrations.services.connections.identity import Verified  # noqa: PLC0415

    config = make_auth_config(toolkit, scheme="bearer_token")
    verified = Verified(Identity("7", "alice-at-github", ""), toolkit.definition["base_url"])
    monkeypatch.setattr("integrations.services.connections.fields.verify", lambda *_: verified)
    body = {
        "auth_config": {"id": config.text_id},
        "connection": {"user_id": "alice", "state": {"authScheme": "BEARER_TOKEN", "val": {"token": "t"}}},
    }

    status, made = door_to(shop).post("/connected_accounts", body)

    assert (status, made["status"]) == (201, "ACTIVE")
    row = ConnectedAccount.objects.owned_by(EndUser.objects.get().ref).get()
    assert (row.text_id, row.identity_label) == (made["id"], "alice-at-github")


def test_session_of_an_end_user_uses_their_accounts(toolkit: Any, shop: Any) -> None:
    account = make_connected_account(toolkit, owner=make_end_user(shop, "alice"))
    door = door_to(shop)

    status, session = door.post("/tool_router/session", {"user_id": "alice", "toolkits": {"enable": ["github"]}})

    assert (status, session["config"]["user_id"]) == (201, "alice")
    path = f"/tool_router/session/{session['session_id']}"
    [toolkit_in_it] = door.get(f"{path}/toolkits")[1]["items"]
    assert toolkit_in_it["connected_account"]["id"] == account.text_id
    assert door.post(f"{path}/execute", {"tool_slug": "GITHUB_GET_THING", "arguments": {"name": "x"}})[0] == 202
    assert runs().get().tool_session == ToolSession.objects.owned_by(EndUser.objects.get().ref).get()
    assert door.get(f"{path}/tools")[0] == 200


def test_session_may_be_the_first_use(toolkit: Any, shop: Any) -> None:
    del toolkit
    status, session = door_to(shop).post("/tool_router/session", {"user_id": "bob"})

    assert (status, session["config"]["user_id"]) == (201, "bob")


def test_key_says_whose_it_is(world: World, shop: Any) -> None:
    status, body = door_to(shop).get("/identities")

    assert (status, body["key"]) == (200, "application_key")
    assert [one["user_id"] for one in body["items"]] == [id_of(world.acme)]


def test_key_says_what_our_own_id_of_an_end_user_is_once_there_is_one(world: World, shop: Any) -> None:
    """It is the one in the address of their agents. Asking makes nobody."""
    door, alice = door_to(shop), make_end_user(shop, "alice")

    asked = {
        text: door.get(f"/identities?user_id={text}")[1]["items"][-1] for text in ("alice", alice.ref.text_id, "bob")
    }

    assert [one["user_id"] for one in asked.values()] == ["alice", "alice", "bob"]
    assert [one["id"] for one in asked.values()] == [alice.ref.text_id, alice.ref.text_id, None]
    assert EndUser.objects.get().external == "alice"
    assert door.get(f"/identities?user_id={id_of(world.acme)}")[1]["items"] == door.get("/identities")[1]["items"]
    agent = Agent(f"/mcp/{asked['alice']['id']}/", door.key)
    assert agent.post().status_code == 200


@pytest.mark.parametrize("whose", ["second", "organization", "owner"])
def test_nobody_else_is_told_of_an_end_user(world: World, shop: Any, whose: str) -> None:
    alice = make_end_user(shop, "alice")
    door = {
        "second": lambda: door_to(make_application(world.acme)),
        "organization": lambda: door_of(world.acme),
        "owner": lambda: door_of(world.owner),
    }[whose]()

    status, body = door.get(f"/identities?user_id={alice.ref.text_id}")

    assert (status, body["error"]["slug"]) == (404, "user_id_not_found")
    assert door_to(shop).get(f"/identities?user_id={alice.ref.text_id}")[0] == 200


def test_key_of_an_application_that_has_ended_opens_nothing(shop: Any) -> None:
    door = door_to(shop)
    assert door.get("/identities")[0] == 200
    shop.ended_at = shop.created_at
    shop.save()

    assert door.get("/identities")[0] == 401


def test_scope_holds_for_end_users_too(toolkit: Any, shop: Any) -> None:
    make_connected_account(toolkit, owner=make_end_user(shop, "alice"))

    status, body = door_to(shop, Scope.TOOLS_READ, Scope.CONNECTIONS_READ).post(EXECUTE, order("alice"))

    assert (status, body["error"]["slug"]) == (403, "insufficient_scope")


def test_worker_asks_the_rule_again(toolkit: Any, shop: Any) -> None:
    """The run waits; then the key is revoked: it is not run."""
    from django.utils import timezone  # noqa: PLC0415

    from integrations.access import decide_again  # noqa: PLC0415

    make_connected_account(toolkit, owner=make_end_user(shop, "alice"))
    assert door_to(shop).post(EXECUTE, order("alice"))[0] == 202
    row = runs().get()

    assert decide_again(row, now=timezone.now())[0].allowed
    shop.ended_at = shop.created_at
    shop.save()
    again = decide_again(runs().get(), now=timezone.now())[0]
    assert (again.allowed, again.code) == (False, "unauthenticated")


def test_what_happened_stands_in_the_organizations_log(world: World, toolkit: Any, shop: Any) -> None:
    alice = make_end_user(shop, "alice")
    make_connected_account(toolkit, owner=alice)

    door_to(shop).post(EXECUTE, order("alice"))

    event = AuditEvent.objects.of_owner(world.acme.ref).filter(action="execution.submit").get()
    assert event.details["end_user"] == alice.text_id
    assert (event.actor_kind, event.actor_id.startswith("key_")) == ("key", True)
