"""What programs read of the catalogue."""

import pytest

from tests.factories import make_toolkit
from tests.integrations.api.door import Door, door_of
from tests.world import World


@pytest.fixture
def door(world: World) -> Door:
    return door_of(world.member)


def test_changelog_tells_what_each_version_changed(door: Door) -> None:
    make_toolkit("slack", name="Slack", definition={"changes": "Channels can be archived."}, version="20260101_00")
    make_toolkit("github", name="GitHub", definition={})
    make_toolkit("jira", name="Jira", is_enabled=False)

    status, told = door.get("/toolkits/changelog")

    assert status == 200
    assert [one["slug"] for one in told["items"]] == ["github", "slack"]  # by name, and none that is switched off
    [github, slack] = told["items"]
    assert [one["changelog"] for one in github["versions"]] == [""]
    assert slack["display_name"] == "Slack"
    assert slack["versions"] == [{"version": "20260101_00", "changelog": "Channels can be archived."}]


def test_categories_are_those_of_toolkits_that_are_switched_on(door: Door) -> None:
    make_toolkit("slack", categories=["Chat", "Work"])
    make_toolkit("github", categories=["Work"])
    make_toolkit("jira", categories=["Tickets"], is_enabled=False)

    status, told = door.get("/toolkits/categories")

    assert (status, [one["slug"] for one in told["items"]]) == (200, ["Chat", "Work"])
