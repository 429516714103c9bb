"""Calling off all waiting runs that fit the filters: the preview, the deed, and what stays."""

from typing import Any

import pytest

from integrations.models import Execution, Tool
from orgs.models import AuditEvent
from tests.factories import make_execution, make_tool, make_toolkit
from tests.world import World

PAGE = "/orgs/acme/runs/call-off/"


@pytest.fixture
def tools(world: World) -> tuple[Tool, Tool]:
    toolkit = make_toolkit()
    return make_tool(toolkit), make_tool(toolkit, "GITHUB_LIST_THINGS")


def run(world: World, tool: Tool, person: str = "member", **values: Any) -> Execution:
    return make_execution(tool, owner=world.acme, user=world.people[person], **values)


def statuses(*rows: Execution) -> list[str]:
    return [Execution.objects.unscoped("a test looks").get(id=row.id).status for row in rows]


def test_everything_of_ones_own_that_waits_is_called_off_and_nothing_else(
    world: World, tools: tuple[Tool, Tool]
) -> None:
    mine = [run(world, tools[0]), run(world, tools[1], status="waiting_for_approval")]
    others = [
        run(world, tools[0], "admin"),
        run(world, tools[0], status="running"),
        run(world, tools[0], status="failed"),
    ]
    client = world.client("member")

    page = client.get(PAGE)
    answer = client.post(PAGE, {"until": page.context["until"]}, follow=True)

    assert "2 runs wait" in page.text
    assert statuses(*mine) == ["cancelled", "cancelled"]
    assert statuses(*others) == ["queued", "running", "failed"]
    assert "2 runs were called off. Nothing of that was sent." in answer.text
    assert AuditEvent.objects.filter(action="execution.cancel").count() == 2


def test_admin_calls_off_everybodys_and_filters_narrow_it_down(world: World, tools: tuple[Tool, Tool]) -> None:
    theirs, other = run(world, tools[0]), run(world, tools[1], "admin")
    client, path = world.client("admin"), f"{PAGE}?tool=GITHUB_GET_THING"

    page = client.get(path)
    answer = client.post(path, {"until": page.context["until"]})

    assert "One run waits and matches your filters" in page.text
    assert statuses(theirs, other) == ["cancelled", "queued"]
    assert answer["Location"] == "/orgs/acme/runs/?tool=GITHUB_GET_THING"


def test_what_came_after_the_preview_stays(world: World, tools: tuple[Tool, Tool]) -> None:
    seen = run(world, tools[0])
    until = world.client("member").get(PAGE).context["until"]
    later = run(world, tools[0])

    world.client("member").post(PAGE, {"until": until})

    assert statuses(seen, later) == ["cancelled", "queued"]


def test_post_without_a_preview_shows_one(world: World, tools: tuple[Tool, Tool]) -> None:
    row = run(world, tools[0])

    page = world.client("member").post(PAGE, {"until": "nonsense"})

    assert (page.status_code, statuses(row)) == (200, ["queued"])
    assert "Call off this run" in page.text


def test_run_that_was_sent_meanwhile_is_told(world: World, tools: tuple[Tool, Tool], monkeypatch: Any) -> None:
    row = run(world, tools[0])
    until = world.client("member").get(PAGE).context["until"]
    monkeypatch.setattr("integrations.services.executions.call_off", lambda *_: False)  # a worker was faster

    answer = world.client("member").post(PAGE, {"until": until}, follow=True)

    assert statuses(row) == ["queued"]
    assert "1 run was sent or over before that" in answer.text
    assert "called off. Nothing" not in answer.text


def test_the_way_there_is_offered_when_there_is_more_than_one(world: World, tools: tuple[Tool, Tool]) -> None:
    run(world, tools[0])
    client = world.client("member")
    alone = client.get("/orgs/acme/runs/").text
    run(world, tools[0])

    several = client.get("/orgs/acme/runs/?tool=GITHUB_GET_THING").text

    assert "Call off what waits" not in alone
    assert f'href="{PAGE}"' in client.get("/orgs/acme/runs/?before=").text
    assert f'href="{PAGE}?tool=GITHUB_GET_THING"' in several
    assert "Call off what waits" not in world.client("viewer").get("/orgs/acme/runs/").text


def test_nothing_waiting_leads_back(world: World, tools: tuple[Tool, Tool]) -> None:
    page = world.client("viewer").get(PAGE)

    assert "Nothing waits" in page.text
    assert "Back to the runs" in page.text
