"""The connections pages: what they show to whom, and what their buttons do."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.messages import get_messages
from django.http import HttpResponse
from django.test import Client
from django.urls import reverse
from pytest_django import DjangoAssertNumQueries

from integrations.models import ConnectedAccount, Toolkit
from tests.factories import make_auth_config, make_connected_account, make_execution, make_tool, make_toolkit
from tests.world import World

LIST_QUERIES = 12
CATALOGUE_QUERIES = 16  # an organization costs its address, members and support, the frame its bell and countdown


@pytest.fixture
def toolkit(db: None) -> Toolkit:
    made = make_toolkit("github", name="GitHub")
    made.definition["scopes"] = {"repo": "Read and change all your repositories"}
    made.save()
    return made


@pytest.fixture
def browser(world: World) -> Client:
    return world.client("member")


def text(browser: Client, path: str) -> str:
    answer = browser.get(path)
    assert answer.status_code == 200
    return str(answer.content.decode())


def told(response: HttpResponse) -> str:
    return " ".join(str(message) for message in get_messages(response.wsgi_request))


def press(browser: Client, account: ConnectedAccount, what: str, owner: str = "me", **fields: Any) -> HttpResponse:
    parts = {"account_id": account.text_id, **({"org": owner} if owner != "me" else {})}
    namespace = "me" if owner == "me" else "org"
    return browser.post(reverse(f"{namespace}:connection_{what}", kwargs=parts), fields)


# --- The list


def test_an_empty_list_offers_the_way_to_begin(world: World, browser: Client) -> None:
    assert "Nothing connected yet" in text(browser, "/me/connections/")
    assert "/me/connections/new/" in text(browser, "/me/connections/")


def test_the_list_shows_identity_default_scopes_and_state(world: World, browser: Client, toolkit: Toolkit) -> None:
    make_connected_account(toolkit, owner=world.member, identity_label="old-identity")
    make_connected_account(
        toolkit, owner=world.member, identity_label="octocat", identity_email="o@c.test", alias="Work", scopes=["repo"]
    )

    page = text(browser, "/me/connections/")

    for what in ("Work", "octocat · o@c.test", "the newest one", "2 accounts", "Active", "not used yet"):
        assert what in page
    assert "Read and change all your repositories" in page


def test_the_list_says_when_the_default_was_marked_by_hand(world: World, browser: Client, toolkit: Toolkit) -> None:
    make_connected_account(toolkit, owner=world.member, is_default=True)

    assert "marked by hand" in text(browser, "/me/connections/")


def test_the_list_holds_the_owners_accounts_and_no_others(world: World, browser: Client, toolkit: Toolkit) -> None:
    make_connected_account(toolkit, owner=world.member, alias="Of the member")
    make_connected_account(toolkit, owner=world.acme, alias="Of Acme")
    make_connected_account(toolkit, owner=world.admin, alias="Of the admin")
    make_connected_account(toolkit, owner=world.globex, alias="Of Globex")

    mine, acmes = text(browser, "/me/connections/"), text(browser, "/orgs/acme/connections/")

    assert [name for name in ("Of the member", "Of Acme", "Of the admin", "Of Globex") if name in mine] == [
        "Of the member"
    ]
    assert [name for name in ("Of the member", "Of Acme", "Of the admin", "Of Globex") if name in acmes] == ["Of Acme"]


@pytest.mark.parametrize("persona", ["member", "viewer"])
def test_members_see_disabled_buttons_the_reason_and_whom_to_ask(world: World, toolkit: Toolkit, persona: str) -> None:
    account = make_connected_account(toolkit, owner=world.acme)

    page = text(world.client(persona), "/orgs/acme/connections/")

    assert "Only an owner or admin of Acme can change its connections. Ask owner_of_acme or admin_of_acme." in page
    assert 'aria-disabled="true"' in page
    assert f"{account.text_id}/disconnect/" not in page


def test_admins_see_the_buttons(world: World, toolkit: Toolkit) -> None:
    account = make_connected_account(toolkit, owner=world.acme)

    page = text(world.client("admin"), "/orgs/acme/connections/")

    assert "Only an owner or admin" not in page
    assert f"{account.text_id}/disconnect/" in page


@pytest.mark.parametrize("rows", [1, 10])
def test_the_list_asks_the_database_equally_often_for_one_and_ten(
    world: World, browser: Client, toolkit: Toolkit, rows: int, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    for _ in range(rows):
        make_connected_account(toolkit, owner=world.member, connected_by=world.member, scopes=["repo"])
    make_connected_account(make_toolkit("slack"), owner=world.member)

    with django_assert_max_num_queries(LIST_QUERIES):
        text(browser, "/me/connections/")


@pytest.mark.parametrize("more", [0, 9])
def test_the_catalogue_asks_the_database_equally_often_for_one_and_ten(
    world: World, toolkit: Toolkit, more: int, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    for number in range(more):
        make_auth_config(make_toolkit(f"kit{number}"))

    admin = world.client("admin")

    with django_assert_max_num_queries(CATALOGUE_QUERIES):
        text(admin, "/orgs/acme/connections/new/")


# --- One connection


def test_the_page_of_a_connection_says_who_may_use_it_and_what_ran(world: World, toolkit: Toolkit) -> None:
    account = make_connected_account(toolkit, owner=world.acme, alias="Team bot")
    make_execution(make_tool(toolkit), owner=world.acme, user=world.member, connected_account=account)

    page = text(world.client("viewer"), f"/orgs/acme/connections/{account.text_id}/")

    for what in ("3 people", "answers only to that organization&#x27;s ID", "GITHUB_GET_THING", account.text_id):
        assert what in page or what.replace("&#x27;", "'") in page


def test_the_page_of_ones_own_connection_says_only_you(world: World, browser: Client, toolkit: Toolkit) -> None:
    account = make_connected_account(toolkit, owner=world.member)

    assert "Only you." in text(browser, f"/me/connections/{account.text_id}/")


def test_another_owners_connection_is_not_found(world: World, browser: Client, toolkit: Toolkit) -> None:
    account = make_connected_account(toolkit, owner=world.acme)

    assert browser.get(f"/me/connections/{account.text_id}/").status_code == 404
    assert browser.get(f"/orgs/acme/connections/{account.text_id}/").status_code == 200


# --- Buttons


def test_rename_changes_the_name_and_says_so(world: World, browser: Client, toolkit: Toolkit) -> None:
    account = make_connected_account(toolkit, owner=world.member)

    answer = press(browser, account, "rename", alias="  Private ")

    assert "It is called Private now" in told(answer)
    assert "Private" in text(browser, answer["Location"])


def test_a_name_that_is_too_long_changes_nothing(world: World, browser: Client, toolkit: Toolkit) -> None:
    account = make_connected_account(toolkit, owner=world.member, alias="Before")

    answer = press(browser, account, "rename", alias="x" * 81)

    assert "at most 80" in told(answer)
    assert "Before" in text(browser, answer["Location"])


def test_make_default_says_what_is_used_instead_of_what(world: World, browser: Client, toolkit: Toolkit) -> None:
    older = make_connected_account(toolkit, owner=world.member, alias="Older")
    make_connected_account(toolkit, owner=world.member, alias="Newest")

    answer = press(browser, older, "default", next="/me/connections/")

    assert told(answer) == "Runs that name no account now use Older instead of Newest."
    assert answer["Location"] == "/me/connections/"


def test_make_default_of_the_one_in_use_names_no_other(world: World, browser: Client, toolkit: Toolkit) -> None:
    account = make_connected_account(toolkit, owner=world.member, alias="Only one")

    assert told(press(browser, account, "default")) == "Runs that name no account now use Only one."


def test_pause_and_resume_say_what_it_means(world: World, browser: Client, toolkit: Toolkit) -> None:
    account = make_connected_account(toolkit, owner=world.member, alias="Work")

    assert "Work is paused" in told(press(browser, account, "pause"))
    assert "Only a working connection" in told(press(browser, account, "pause"))
    assert "Work works again" in told(press(browser, account, "resume"))
    assert "not paused" in told(press(browser, account, "resume"))


@pytest.mark.parametrize("target", ["//evil.test", "https://evil.test/"])
def test_a_button_leads_back_to_pages_of_ours_only(
    world: World, browser: Client, toolkit: Toolkit, target: str
) -> None:
    account = make_connected_account(toolkit, owner=world.member)

    assert press(browser, account, "pause", next=target)["Location"] == f"/me/connections/{account.text_id}/"


# --- Choosing what to connect


def test_the_catalogue_says_what_is_possible_and_what_is_not_set_up(
    world: World, browser: Client, toolkit: Toolkit
) -> None:
    make_auth_config(toolkit)
    make_toolkit("slack", name="Slack")
    make_toolkit("hackernews", needs_account=False, name="Hacker News")

    page = text(browser, "/me/connections/new/")

    for what in ("Sign in at GitHub", "Sign in at Slack: not set up", "Needs no account"):
        assert what in page


def test_a_toolkit_that_nobody_set_up_says_who_must_do_what(world: World, browser: Client, toolkit: Toolkit) -> None:
    assert "Whoever runs this installation must register an OAuth app" in text(browser, "/me/connections/new/github/")


def test_the_consent_page_has_a_tab_for_each_way(world: World, browser: Client, toolkit: Toolkit) -> None:
    for name in ("First app", "Second app"):
        make_auth_config(toolkit, name=name)

    assert text(browser, "/me/connections/new/github/").count("?way=ac_") == 2


@pytest.mark.parametrize("way", ["ac_00", "nonsense", "ac_" + "0" * 32])
def test_an_unknown_way_is_not_found(world: World, browser: Client, toolkit: Toolkit, way: str) -> None:
    make_auth_config(toolkit)

    assert browser.get(f"/me/connections/new/github/?way={way}").status_code == 404


def test_reconnecting_names_the_account_and_not_somebody_elses(world: World, browser: Client, toolkit: Toolkit) -> None:
    mine = make_connected_account(toolkit, owner=world.member, alias="Mine")
    theirs = make_connected_account(toolkit, owner=world.admin, alias="Theirs")

    assert "Reconnect Mine" in text(browser, f"/me/connections/new/github/?reconnect={mine.text_id}")
    assert browser.get(f"/me/connections/new/github/?reconnect={theirs.text_id}").status_code == 404


def test_reconnecting_falls_back_to_another_way_when_the_old_one_is_switched_off(
    world: World, browser: Client, toolkit: Toolkit
) -> None:
    gone = make_auth_config(toolkit, name="Old app", is_enabled=False)
    mine = make_connected_account(toolkit, owner=world.member, auth_config=gone, alias="Mine")
    make_auth_config(toolkit, name="New app")

    page = text(browser, f"/me/connections/new/github/?way={gone.text_id}&reconnect={mine.text_id}")

    assert "New app" in page
    assert "Reconnect Mine" in page


@pytest.mark.parametrize("address", ["javascript:alert(1)", "data:text/html,x", "https://user@evil.test/"])
def test_an_unusable_authorize_address_is_never_followed(
    world: World, browser: Client, toolkit: Toolkit, address: str
) -> None:
    config = make_auth_config(toolkit, overrides={"authorize_url": address})
    page = browser.get("/me/connections/new/github/")

    answer = browser.post("/me/connections/new/github/", {"way": config.text_id})

    assert "form-action 'self';" in f"{page['Content-Security-Policy']};"
    assert answer.status_code == 422
    assert "cannot be used" in answer.content.decode()


def test_a_malformed_reconnect_is_not_found(world: World, browser: Client, toolkit: Toolkit) -> None:
    config = make_auth_config(toolkit)

    answer = browser.post("/me/connections/new/github/", {"way": config.text_id, "reconnect": "nonsense"})

    assert answer.status_code == 404
