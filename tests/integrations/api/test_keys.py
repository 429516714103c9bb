"""Who may ask: a live key in a header, and nothing else (checks K2, K5, K8, K9, K11, W3, W18)."""

from datetime import timedelta
from typing import Any
from unittest import mock

import pytest
from django.core.cache import cache
from django.test import Client
from django.utils import timezone

from integrations.models import Execution, Tool
from orgs.models import ApiKey, Membership
from orgs.models.organizations import MemberStatus
from orgs.permissions import Scope
from tests.factories import (
    make_api_key,
    make_connected_account,
    make_execution,
    make_session,
    make_tool,
    make_toolkit,
)
from tests.integrations.api.door import ROOT, Door, door_of, id_of
from tests.world import World


@pytest.fixture(autouse=True)
def _empty_cache() -> None:
    cache.clear()


def test_key_opens_in_either_header(world: World) -> None:
    key = door_of(world.member).key

    assert Door(key).get("/tools")[0] == 200
    assert Door().get("/tools", Authorization=f"Bearer {key}")[0] == 200
    assert Door(key, root="/api/v3").get("/tools")[0] == 200


def test_two_keys_are_refused(world: World) -> None:
    key = door_of(world.member).key

    assert Door(key).get("/tools", Authorization=f"Bearer {key}")[0] == 401


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"x-api-key": ""},
        {"x-api-key": "sb_user_nonsense"},
        {"Authorization": "Basic Og=="},
        {"Authorization": "Bearer"},
        {"Authorization": "Bearer \x7f"},
    ],
)
def test_without_a_key_there_is_one_answer(world: World, headers: dict[str, str]) -> None:
    status, body = Door().get("/tools", **headers)

    assert (status, body["error"]["slug"]) == (401, "unauthenticated")
    assert "x-api-key" in body["error"]["suggested_fix"]


def test_unknown_key_and_wrong_secret_read_the_same(world: World) -> None:
    _, real = make_api_key(world.member)
    _, other = make_api_key(world.member)
    known = real[:24] + other[24:]  # the public ID of one, the secret of another
    ApiKey.objects.filter(public_id=other.split("_")[2]).delete()

    answers = [Door(key).get("/tools") for key in (known, other)]

    for _, body in answers:
        body["error"].pop("request_id")
    assert answers[0] == answers[1]


def test_revoked_and_expired_keys_are_refused_from_the_next_request_on(world: World) -> None:
    key, text = make_api_key(world.member)
    assert Door(text).get("/tools")[0] == 200

    ApiKey.objects.filter(id=key.id).update(revoked_at=timezone.now())
    assert Door(text).get("/tools")[0] == 401

    ApiKey.objects.filter(id=key.id).update(revoked_at=None, expires_at=timezone.now() - timedelta(seconds=1))
    assert Door(text).get("/tools")[0] == 401


def test_key_of_a_suspended_user_is_refused(world: World) -> None:
    door = door_of(world.member)
    world.member.is_active = False
    world.member.save()

    assert door.get("/tools")[0] == 401


def test_key_bound_to_an_organization_ends_with_the_membership(world: World) -> None:
    key, text = make_api_key(world.member)
    ApiKey.objects.filter(id=key.id).update(organization=world.acme)
    assert Door(text).get("/tools")[0] == 200

    Membership.objects.filter(user=world.member).update(status=MemberStatus.LEFT)

    status, body = Door(text).get("/tools")
    assert (status, body["error"]["slug"]) == (401, "membership_ended")


def test_key_in_address_cookie_or_body_is_refused_with_advice(world: World) -> None:
    key = door_of(world.member).key
    in_cookie = Client(raise_request_exception=False)
    in_cookie.cookies["anything"] = key

    answers = [
        Door().get(f"/tools?api_key={key}"),
        Door(key).get(f"/tools?anything={key}"),
        Door().post("/tools/execute/X", {"api_key": key}),
    ]

    assert [(status, body["error"]["slug"]) for status, body in answers] == [(401, "api_key_misplaced")] * 3
    response = in_cookie.get(f"{ROOT}/tools", headers={"x-api-key": key})
    assert response.json()["error"]["slug"] == "api_key_misplaced"
    assert key not in response.content.decode()


def test_signed_in_browser_is_nobody_here(world: World) -> None:
    response = world.client("owner").get(f"{ROOT}/tools")

    assert response.status_code == 401
    assert "Set-Cookie" not in response.headers


def test_browser_session_beside_a_key_changes_nothing(world: World) -> None:
    client = world.client("owner")

    response = client.get(f"{ROOT}/tools", headers={"x-api-key": door_of(world.viewer, Scope.CONNECTIONS_READ).key})

    assert response.status_code == 403
    assert response.json()["error"]["slug"] == "insufficient_scope"


def test_use_is_noted_once_a_minute(world: World) -> None:
    key, text = make_api_key(world.member)
    Door(text).get("/tools")
    first = ApiKey.objects.get(id=key.id).last_used_at
    assert first is not None

    Door(text).get("/tools")

    assert ApiKey.objects.get(id=key.id).last_used_at == first


def test_whoever_tries_out_keys_has_to_wait(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("integrations.doors.limits.WRONG_KEYS", 3)
    door = door_of(world.member)
    for _ in range(3):
        assert Door("sb_user_wrong").get("/tools")[0] == 401

    assert Door("sb_user_wrong").get("/tools")[0] == 429
    assert door.get("/tools")[0] == 429  # the address, whatever it sends next


def test_each_key_has_its_limit_and_learns_when_to_go_on(world: World, settings: object) -> None:
    settings.API_LIMIT_PER_KEY = 2  # type: ignore[attr-defined]
    door, other = door_of(world.member), door_of(world.admin)
    assert [door.get("/tools")[0] for _ in range(3)] == [200, 200, 429]

    response = door.ask("GET", "/tools")

    assert 0 < int(response.headers["Retry-After"]) <= 60
    assert other.get("/tools")[0] == 200


def test_an_organization_has_one_limit_over_all_its_keys(world: World, settings: object) -> None:
    settings.API_LIMIT_PER_OWNER = 3  # type: ignore[attr-defined]
    doors = [door_of(world.acme), door_of(world.acme)]

    assert [door.get("/tools")[0] for door in doors * 2] == [200, 200, 200, 429]
    assert door_of(world.globex).get("/tools")[0] == 200


EXECUTE = "/tools/execute/GITHUB_GET_THING"


@pytest.fixture
def things(world: World, settings: Any) -> Any:
    settings.API_WAIT_LIMIT = 0
    toolkit = make_toolkit()
    make_tool(toolkit)
    return make_connected_account(toolkit, owner=world.acme)


def ways_to_run(door: Door, world: World) -> list[tuple[str, Any]]:
    """Every way to ask for a run under the organization's ID: what is asked, and its body."""
    asked = {"user_id": id_of(world.acme), "arguments": {"name": "x"}}
    over = make_execution(Tool.objects.get(), owner=world.acme, user=world.member, status="succeeded")
    session = make_session(owner=world.acme, user=world.member, takes_all=True)
    return [
        (EXECUTE, asked),
        ("/executions", {**asked, "tool": "GITHUB_GET_THING"}),
        (f"/executions/{over.text_id}/again", {}),
        (f"/tool_router/session/{session.text_id}/execute", {"tool_slug": "GITHUB_GET_THING", **asked}),
    ]


def queued() -> int:
    return Execution.objects.unscoped("a test counts").filter(status="queued").count()


def test_whoever_is_told_to_wait_has_run_nothing(world: World, things: Any, settings: Any) -> None:
    """They ask again: what was queued all the same would be done twice."""
    settings.API_LIMIT_PER_OWNER = 0
    door = door_of(world.member)
    ways = ways_to_run(door, world)
    with mock.patch("integrations.doors.limits.spend"), mock.patch("integrations.doors.keys.spend"):
        answers = [door.post(path, body)[0] for path, body in ways]
        settings.API_LIMIT_PER_OWNER = 100
        allowed = [door.post(path, body)[0] for path, body in ways]

    assert answers == [429] * 4
    assert (allowed, queued()) == ([202] * 4, 4)


def test_key_that_may_not_see_results_sends_nothing_whose_result_it_waits_for(world: World, things: Any) -> None:
    blind = door_of(world.member, Scope.TOOLS_READ, Scope.EXECUTIONS_WRITE)
    asked = {"user_id": id_of(world.acme), "arguments": {"name": "x"}}

    status, body = blind.post(EXECUTE, asked)

    assert (status, body["error"]["slug"], queued()) == (403, "insufficient_scope", 0)
    assert "executions:read" in body["error"]["message"]
    assert blind.post("/executions", {**asked, "tool": "GITHUB_GET_THING"})[0] == 202  # it asks for no result


def test_key_that_only_looks_calls_nothing_off(world: World, things: Any) -> None:
    run = make_execution(Tool.objects.get(), owner=world.member)
    path = f"/executions/{run.text_id}/cancel"

    looking, whole = door_of(world.member, Scope.EXECUTIONS_READ), door_of(world.member)

    assert looking.post(path)[1]["error"]["slug"] == "insufficient_scope"
    assert queued() == 1
    assert (whole.post(path)[0], queued()) == (200, 0)
