"""Runs over the API: the envelope, the hint at the right ID, Idempotency-Key (checks F34, H-rule, K5)."""

from typing import Any

import pytest

from integrations.api.executions import STATUS_WORDS
from integrations.models import Execution
from integrations.models.status import ExecutionStatus
from tests.factories import make_connected_account, make_tool, make_toolkit
from tests.integrations.api.door import Door, door_of, id_of
from tests.world import World

EXECUTE = "/tools/execute/GITHUB_GET_THING"


@pytest.fixture
def toolkit(world: World, settings: Any) -> Any:
    settings.API_WAIT_LIMIT = 0
    toolkit = make_toolkit()
    make_tool(toolkit)
    return toolkit


def order(user_id: str, **more: Any) -> dict[str, Any]:
    return {"user_id": user_id, "arguments": {"name": "x"}, **more}


def runs() -> Any:
    return Execution.objects.unscoped("a test counts")


def test_run_that_goes_on_is_named_and_not_repeated(world: World, toolkit: Any) -> None:
    make_connected_account(toolkit, owner=world.member)

    status, body = door_of(world.member).post(EXECUTE, order(id_of(world.member)))

    assert (status, body["successful"]) == (202, False)
    assert body["log_id"] in body["error"]
    assert runs().get().origin == "api"


def test_finished_run_is_answered_in_the_envelope(world: World, toolkit: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    make_connected_account(toolkit, owner=world.member)
    door = door_of(world.member)

    async def at_once(actor: Any, execution_id: Any, seconds: float | None = None) -> Any:
        del actor, seconds
        return await _end(execution_id)

    monkeypatch.setattr("integrations.api.executing.run_when_over", at_once)
    status, body = door.post(EXECUTE, order(id_of(world.member)))

    assert (status, body["successful"], body["data"], body["error"]) == (200, False, {}, "It broke.")


async def _end(execution_id: Any) -> Any:
    from asgiref.sync import sync_to_async  # noqa: PLC0415  # only this helper leaves the thread
    from django.utils import timezone  # noqa: PLC0415

    def end() -> Any:
        runs().filter(id=execution_id).update(
            status="failed", finished_at=timezone.now(), error_code="x", error_message="It broke."
        )
        return runs().select_related("owner__user", "owner__organization").get(id=execution_id)

    return await sync_to_async(end)()


def test_wrong_kind_of_id_names_the_right_one(world: World, toolkit: Any) -> None:
    make_connected_account(toolkit, owner=world.acme)

    status, body = door_of(world.member).post(EXECUTE, order(id_of(world.member)))

    error = body["error"]
    assert (status, error["slug"], error["code"]) == (404, "no_connected_account", 1810)
    assert id_of(world.acme) in error["suggested_fix"]
    assert runs().get().status == "denied"  # refused on record


def test_hint_is_for_those_who_may_know(world: World, toolkit: Any) -> None:
    make_connected_account(toolkit, owner=world.acme)

    _, body = door_of(world.outsider).post(EXECUTE, order(id_of(world.outsider)))

    assert id_of(world.acme) not in str(body)


def test_unknown_version_is_not_found_and_latest_is_taken(world: World, toolkit: Any) -> None:
    make_connected_account(toolkit, owner=world.member)
    door = door_of(world.member)

    codes = [
        door.post(EXECUTE, order(id_of(world.member), version=version))[0]
        for version in ("latest", "20250909_00", "20990101_00", "newest")
    ]

    assert codes == [202, 202, 404, 400]


def test_same_key_and_request_get_the_same_run(world: World, toolkit: Any) -> None:
    make_connected_account(toolkit, owner=world.member)
    door = door_of(world.member)
    body = {"tool": "GITHUB_GET_THING", **order(id_of(world.member))}

    answers = [door.post("/executions", body, **{"Idempotency-Key": "once"}) for _ in range(5)]
    other = door.post("/executions", {**body, "arguments": {"name": "y"}}, **{"Idempotency-Key": "once"})
    elsewhere = door_of(world.member).post("/executions", body, **{"Idempotency-Key": "once"})

    assert {status for status, _ in answers} == {202}
    assert len({answer["id"] for _, answer in answers}) == 1
    assert (other[0], other[1]["error"]["slug"]) == (422, "idempotency_mismatch")
    assert elsewhere[1]["id"] != answers[0][1]["id"]  # another key is another program
    assert runs().count() == 2


def test_unknown_field_is_a_mistyped_one_in_our_own_part(world: World, toolkit: Any) -> None:
    body = {"tool": "GITHUB_GET_THING", **order(id_of(world.member)), "user": "x"}

    status, answer = door_of(world.member).post("/executions", body)

    assert (status, answer["error"]["slug"]) == (400, "invalid_request")


def test_organization_key_reads_what_it_ran(world: World, toolkit: Any) -> None:
    make_connected_account(toolkit, owner=world.acme)
    door: Door = door_of(world.acme)
    _, submitted = door.post("/executions", {"tool": "GITHUB_GET_THING", **order(id_of(world.acme))})

    status, run = door.get(f"/executions/{submitted['id']}")

    assert (status, run["may_read"], run["arguments"]) == (200, True, {"name": "x"})
    assert door_of(world.viewer).get(f"/executions/{submitted['id']}")[1]["arguments"] is None


def test_status_that_there_is_not_is_refused(world: World, toolkit: Any) -> None:
    door = door_of(world.member)

    assert door.get("/executions?status=lost")[1]["error"]["slug"] == "invalid_request"
    assert door.get("/executions?status=timed_out")[0] == 200


def test_statuses_of_the_api_are_those_of_the_runs() -> None:
    assert set(STATUS_WORDS) == set(ExecutionStatus.values)
