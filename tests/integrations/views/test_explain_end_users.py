"""The explainer about the end users of an application: what the organization's policies let it run for them."""

import re
from typing import Any

import pytest

from integrations.models import Tool
from orgs.models import Application
from tests.factories import (
    make_application,
    make_application_key,
    make_connected_account,
    make_end_user,
    make_policy,
    make_tool,
    make_toolkit,
)
from tests.integrations.api.door import Door
from tests.world import World

PATH = "/orgs/acme/explain/"


@pytest.fixture
def tool(world: World) -> Tool:
    return make_tool(make_toolkit("github", name="GitHub"), "GITHUB_GET_THING", name="Get a thing", effect="write")


@pytest.fixture
def shop(world: World) -> Application:
    return make_application(world.acme, "Shop")


def ask(world: World, shop: Application, who: str = "admin", path: str = PATH) -> Any:
    return world.client(who).get(path, {"tool": "GITHUB_GET_THING", "member": shop.text_id})


def text_of(response: Any) -> str:
    plain = re.sub(r"<[^>]+>", " ", response.content.decode())
    return re.sub(r"\s+", " ", plain).replace("&#x27;", "'")


def test_admin_learns_that_it_runs_and_asks_about_nobody_in_particular(
    world: World, tool: Tool, shop: Application
) -> None:
    make_connected_account(tool.toolkit, owner=make_end_user(shop, "alice-8472"), identity_label="alice-at-github")

    page = text_of(ask(world, shop))

    assert "An end user of Shop can run Get a thing" in page
    assert "Asked about whoever has connected an account of GitHub that works" in page
    assert "No policy of Acme speaks of it" in page
    assert "No role is needed" in page
    assert "alice" not in page


@pytest.mark.parametrize(
    ("verdict", "said"),
    [
        ("deny", "Nobody may run writing tools of all toolkits."),
        ("ask", "for an end user nobody can give it: Everybody needs approval for writing tools of all toolkits."),
    ],
)
def test_admin_learns_which_policy_holds_it_back_as_the_application_does(
    world: World, tool: Tool, shop: Application, verdict: str, said: str
) -> None:
    make_policy(world.acme, verdict, effect="write")
    make_connected_account(tool.toolkit, owner=make_end_user(shop, "alice"))
    door = Door(make_application_key(shop)[1])

    page = text_of(ask(world, shop))
    told = door.post("/explain", {"tool": tool.slug, "user_id": "alice"})[1]

    assert "An end user of Shop cannot run Get a thing" in page
    assert said in page
    assert said in str(told)


def test_rule_about_this_application_decides(world: World, tool: Tool, shop: Application) -> None:
    make_policy(world.acme, "deny")
    make_policy(world.acme, "allow", application=shop)

    assert "An end user of Shop can run" in text_of(ask(world, shop))
    assert "An end user of Kiosk cannot run" in text_of(ask(world, make_application(world.acme, "Kiosk")))


def test_only_those_who_manage_applications_ask(world: World, tool: Tool, shop: Application) -> None:
    theirs = make_application(world.globex)
    ended = make_application(world.acme, "Old", ended_at=shop.created_at)

    assert ask(world, shop, "owner").status_code == 200
    assert ask(world, shop, "member").status_code == 403
    assert ask(world, shop, "outsider").status_code == 404
    assert ask(world, shop, "admin", "/me/explain/").status_code == 404
    assert ask(world, theirs).status_code == 404
    assert ask(world, ended).status_code == 404
    offered = {who: text_of(world.client(who).get(PATH)) for who in ("admin", "member")}
    assert "An end user of Shop" in offered["admin"]
    assert "An end user of Old" not in offered["admin"]
    assert "An end user of" not in offered["member"]
