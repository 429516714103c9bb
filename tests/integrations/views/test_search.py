"""The command palette."""

import re
from typing import Any

import pytest

from tests.factories import make_connected_account, make_execution, make_tool, make_toolkit
from tests.world import World

HTMX = {"HX-Request": "true"}


@pytest.fixture
def full(world: World) -> World:
    """Something of every kind, for the member and for Acme."""
    toolkit = make_toolkit("github", name="GitHub")
    tool = make_tool(toolkit, "GITHUB_GET_THING", search_text="github get a thing")
    make_connected_account(toolkit, owner=world.member, identity_label="mia-at-github")
    make_connected_account(toolkit, owner=world.acme, identity_label="acme-at-github")
    make_execution(tool, owner=world.member)
    return world


def found(world: World, text: str, persona: str = "member", owner: str = "") -> str:
    answer = world.client(persona).get("/search/", {"q": text, "owner": owner}, headers=HTMX)
    assert answer.status_code == 200
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", answer.content.decode()))


def test_palette_finds_tools_connections_runs_and_pages(full: World) -> None:
    page = found(full, "github")

    assert "Tools Get a thing" in page
    assert "Connections mia-at-github" in page
    assert "Runs GITHUB_GET_THING" in page
    assert "acme-at-github" not in page
    assert "Runs" in found(full, "run")


def test_palette_looks_at_the_owner_of_the_page(full: World) -> None:
    page = found(full, "github", owner=full.acme.ref.text_id)

    assert "acme-at-github" in page
    assert "mia-at-github" not in page


def test_palette_does_not_look_at_a_stranger_s_organization(full: World) -> None:
    page = found(full, "github", persona="outsider", owner=full.acme.ref.text_id)

    assert "acme-at-github" not in page
    assert "Get a thing" in page


def test_palette_finds_members_by_name_but_not_by_address(full: World) -> None:
    acme = full.acme.ref.text_id

    assert "Members vera Viewer" in found(full, "vera", owner=acme)
    assert "Nothing matches" in found(full, "vera@example.com", owner=acme)
    assert "Nothing matches" in found(full, "vera")


def test_palette_finds_a_thing_by_its_id(full: World) -> None:
    account = make_connected_account(make_toolkit("slack"), owner=full.member, identity_label="by-id")

    assert "by-id" in found(full, account.text_id)


def test_palette_offers_pages_and_identities_before_anything_is_typed(full: World) -> None:
    page = found(full, "")

    assert "Switch to Acme" in page
    assert "Profile" in page
    assert "Tools Get a thing" not in page


@pytest.mark.parametrize("text", ["zzz", "\x00zzz", "z" * 5000, "%zzz_"])
def test_palette_says_that_nothing_matches(full: World, text: str) -> None:
    assert "Nothing matches" in found(full, text)


def test_search_without_scripts_is_a_page(full: World) -> None:
    answer: Any = full.client("member").get("/search/?q=github")

    assert answer.status_code == 200
    assert b"<html" in answer.content
    assert b"mia-at-github" in answer.content


def test_search_needs_somebody_who_is_signed_in(full: World) -> None:
    assert full.client("anonymous").get("/search/?q=github").status_code == 302
