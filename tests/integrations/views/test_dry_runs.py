"""The dry run on the page of a tool."""

import html
import re
from typing import Any

import pytest

from integrations.models import Execution, Tool
from integrations.models.encrypted import unseal
from tests.factories import make_connected_account, make_tool, make_toolkit, owner_ref
from tests.world import World

HTMX = {"HX-Request": "true"}
PATH = "/orgs/acme/tools/GITHUB_GET_THING/"


@pytest.fixture
def tool(world: World) -> Tool:
    return make_tool(make_toolkit("github", name="GitHub"), "GITHUB_GET_THING", description="Reads a thing.")


def text_of(response: Any) -> str:
    plain = re.sub(r"<[^>]+>", " ", response.content.decode())
    return html.unescape(re.sub(r"\s+", " ", plain))


def try_out(world: World, who: str = "member", name: str = "the thing", **more: Any) -> Any:
    headers = more.pop("headers", {})
    return world.client(who).post(f"{PATH}dry-run/", {"arg-name": name, **more}, headers=headers)


def hidden_fields(page: str) -> dict[str, str]:
    """The hidden fields of the form that runs it now."""
    panel = page[page.index('id="dry-run"') :]
    form = panel[panel.index("<form") : panel.index("</form>")]
    found = re.findall(r'<input type="hidden" name="([^"]+)" value="([^"]*)"', form)
    return {name: html.unescape(value) for name, value in found}


def runs(world: World) -> list[Execution]:
    return list(Execution.objects.owned_by(world.acme.ref))


def test_tool_page_offers_a_dry_run_to_those_who_may_run(world: World, tool: Tool) -> None:
    offer = f'formaction="{PATH}dry-run/"'

    assert offer in world.client("member").get(PATH).content.decode()
    assert offer not in world.client("viewer").get(PATH).content.decode()


def test_dry_run_shows_what_would_be_sent_and_keeps_what_was_typed(world: World, tool: Tool) -> None:
    make_connected_account(tool.toolkit, owner=world.acme, alias="Build bot", access_token="very-secret-token")

    page = try_out(world)

    assert page.status_code == 200
    assert "Dry run: it would run" in text_of(page)
    assert "Build bot" in text_of(page)
    assert "the most recently connected one" in text_of(page)
    assert "GET https://api.github.test/things/the%20thing" in text_of(page)
    assert 'value="the thing"' in page.content.decode()
    assert "very-secret-token" not in page.content.decode()
    assert runs(world) == []


def test_htmx_gets_the_panel_alone(world: World, tool: Tool) -> None:
    make_connected_account(tool.toolkit, owner=world.acme)

    page = try_out(world, headers=HTMX).content.decode()

    assert page.lstrip().startswith('<div id="tool-run"')
    assert "<html" not in page
    assert 'id="dry-run"' in page


def test_run_now_runs_with_exactly_these_arguments_once(world: World, tool: Tool) -> None:
    account = make_connected_account(tool.toolkit, owner=world.acme)
    make_connected_account(tool.toolkit, owner=world.acme)
    asked = {"account": account.text_id, "acting_as": owner_ref(world.acme).text_id, "nonce": "n1"}
    sent = hidden_fields(try_out(world, **asked).content.decode())

    first = world.client("member").post(f"{PATH}run/", sent)
    world.client("member").post(f"{PATH}run/", sent)

    [row] = runs(world)
    assert first["Location"] == f"/orgs/acme/runs/{row.text_id}/"
    assert row.connected_account_id == account.id
    assert unseal(row.arguments, table="execution", row=row.id, field="arguments") == {"name": "the thing"}


def test_refused_dry_run_shows_the_checks_and_no_button(world: World, tool: Tool) -> None:
    page = try_out(world)

    assert "Dry run: it would be refused" in text_of(page)
    assert "Failed: There is an account to use" in text_of(page)
    assert "Run now" not in text_of(page)
    assert "The request that would be sent" not in text_of(page)
    assert runs(world) == []


def test_request_that_cannot_be_made_is_said(world: World, tool: Tool) -> None:
    make_connected_account(tool.toolkit, owner=world.acme)

    page = try_out(world, name="..")

    assert "Dry run: it would fail" in text_of(page)
    assert "Run now" not in text_of(page)


def test_wrong_arguments_are_said_at_the_form(world: World, tool: Tool) -> None:
    page = try_out(world, name="")

    assert page.status_code == 422
    assert 'id="dry-run"' not in page.content.decode()
    assert "Look at this first" in text_of(page)


def test_destructive_tool_asks_before_it_is_run_now(world: World) -> None:
    tool = make_tool(make_toolkit("github"), "GITHUB_GET_THING", effect="destructive", description="Deletes a thing.")
    make_connected_account(tool.toolkit, owner=world.acme)

    page = try_out(world).content.decode()

    assert 'data-confirm="Deletes a thing.' in page[page.index('id="dry-run"') : page.index('id="run-form"')]


def test_viewer_gets_no_dry_run_and_a_reload_leads_to_the_tool(world: World, tool: Tool) -> None:
    assert try_out(world, "viewer").status_code == 403
    assert try_out(world, "member").status_code == 200
    assert world.client("member").get(f"{PATH}dry-run/")["Location"] == PATH
