"""The way to what is in the sandbox, where there is one, and the way back."""

import pytest
from django.test import Client
from pytest_django import Settings

from config.urls import urlpatterns
from integrations.models import Execution, Tool
from tests.factories import make_connected_account, make_execution, make_tool, make_toolkit
from tests.world import World

LINK = 'href="/sandbox/"'


@pytest.fixture
def without_sandbox(settings: Settings) -> None:
    """As in production, where nothing lies at its address."""
    settings.ROOT_URLCONF = tuple(one for one in urlpatterns if str(one.pattern) != "sandbox/")


def make_run(world: World, *, sandbox: bool) -> tuple[Tool, Execution]:
    tool = make_tool(make_toolkit("sandbox" if sandbox else "github", sandbox=sandbox), "THE_TOOL")
    account = make_connected_account(tool.toolkit, owner=world.member)
    return tool, make_execution(tool, owner=world.member, connected_account=account)


def pages(tool: Tool, run: Execution) -> list[str]:
    return ["/me/tools/", f"/me/tools/{tool.slug}/", f"/me/runs/{run.text_id}/"]


@pytest.mark.parametrize("sandbox", [True, False])
def test_pages_of_the_sandbox_lead_into_it_and_others_do_not(world: World, sandbox: bool) -> None:
    for page in pages(*make_run(world, sandbox=sandbox)):
        assert (LINK in world.client("member").get(page).text) is sandbox, page


@pytest.mark.usefixtures("without_sandbox")
def test_where_the_sandbox_is_off_nothing_leads_there(world: World) -> None:
    for page in pages(*make_run(world, sandbox=True)):
        answer = world.client("member").get(page)
        assert (answer.status_code, LINK in answer.text) == (200, False), page


def test_empty_list_of_connections_recommends_the_sandbox(world: World) -> None:
    assert "take the sandbox" in world.client("member").get("/me/connections/").text


@pytest.mark.usefixtures("without_sandbox")
def test_empty_list_of_connections_does_not_recommend_what_is_not_there(world: World) -> None:
    page = world.client("member").get("/me/connections/").text

    assert "Nothing connected yet" in page
    assert "sandbox" not in page.lower()


@pytest.mark.parametrize("address", ["/sandbox/", "/sandbox/oauth/authorize?client_id=nobody"])
@pytest.mark.django_db
def test_the_sandbox_leads_back(address: str) -> None:
    page = Client(headers={"host": "127.0.0.1:8000"}).get(address)

    assert 'href="/">Back to Switchboard' in page.text
