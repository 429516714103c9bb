"""The explainer: why a tool runs or does not, for oneself and, to an admin, about a member."""

import re
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from accounts.models import User
from integrations.models import Tool, Toolkit
from orgs.models import Membership
from orgs.models.organizations import MemberStatus
from orgs.permissions import Role
from tests.factories import (
    make_connected_account,
    make_execution,
    make_membership,
    make_organization,
    make_policy,
    make_second_factor,
    make_tool,
    make_toolkit,
    make_user,
    owner_ref,
)
from tests.world import World

PATH = "/orgs/acme/explain/"


@pytest.fixture
def tool(world: World) -> Tool:
    toolkit = make_toolkit("github", name="GitHub")
    return make_tool(toolkit, "GITHUB_GET_THING", search_text="github get a thing")


def text_of(response: Any) -> str:
    plain = re.sub(r"<[^>]+>", " ", response.content.decode())
    return re.sub(r"\s+", " ", plain).replace("&#x27;", "'").replace("&quot;", '"')


def ask(world: World, who: str, path: str = PATH, **query: str) -> Any:
    return world.client(who).get(path, {"tool": "GITHUB_GET_THING", **query})


def member_id(user: User) -> str:
    return owner_ref(user).text_id


def answer_of(response: Any) -> str:
    """The part of the page that answers, without the form and the frame around it."""
    return text_of(response).partition("Under the ID of")[2]


# --- About oneself


def test_page_without_a_tool_asks_for_one(world: World, tool: Tool) -> None:
    page = world.client("member").get("/me/explain/")

    assert page.status_code == 200
    assert "Ask about a tool" in text_of(page)
    assert '<option value="GITHUB_GET_THING">' in page.content.decode()


def test_every_check_is_shown_with_the_one_that_failed_and_the_way_out(world: World, tool: Tool) -> None:
    page = text_of(ask(world, "admin"))

    assert "You cannot run Get a thing" in page
    assert "Passed: Your role may run tools" in page
    assert "Failed: There is an account to use" in page
    assert "Not reached: It is working" in page
    assert "Stopped at There is an account to use" in page
    assert "Who can fix it you" in page
    assert "Connect GitHub for Acme" in page


def test_member_learns_whom_to_ask_by_name(world: World, tool: Tool) -> None:
    page = text_of(ask(world, "member"))

    assert "Ask an admin of Acme to connect GitHub" in page
    assert f"an admin of Acme: {world.admin.display_name}" in page


def test_allowed_run_says_through_which_account(world: World, tool: Tool) -> None:
    make_connected_account(tool.toolkit, owner=world.acme, alias="Build bot")

    page = text_of(ask(world, "member"))

    assert "You can run Get a thing" in page
    assert "through Build bot" in page
    assert "Stopped at" not in page


def test_the_other_ids_get_the_same_question(world: World, tool: Tool) -> None:
    account = make_connected_account(tool.toolkit, owner=world.acme, alias="Build bot")

    page = ask(world, "member", "/me/explain/", account=account.text_id)

    assert "does not answer to your user ID" in text_of(page)
    assert "Under your other IDs" in text_of(page)
    assert "through Build bot" in text_of(page)
    assert f"/orgs/acme/explain/?tool=GITHUB_GET_THING&amp;account={account.text_id}" in page.content.decode()


def test_paused_account_can_be_resumed_from_here_and_leads_back(world: World, tool: Tool) -> None:
    account = make_connected_account(tool.toolkit, owner=world.member, status="paused")
    page = ask(world, "member", "/me/explain/")
    assert f'action="/me/connections/{account.text_id}/resume/"' in page.content.decode()

    back = world.client("member").post(
        f"/me/connections/{account.text_id}/resume/", {"next": "/me/explain/?tool=GITHUB_GET_THING"}
    )

    assert back["Location"] == "/me/explain/?tool=GITHUB_GET_THING"


def test_unknown_name_leads_to_the_tools_that_fit(world: World, tool: Tool) -> None:
    found = ask(world, "member", tool="thing")
    nothing = ask(world, "member", tool="zzz")

    assert "Which tool do you mean?" in text_of(found)
    assert "?tool=GITHUB_GET_THING" in found.content.decode()
    assert "No such tool" in text_of(nothing)


def test_text_that_is_no_account_id_is_said_at_the_field(world: World, tool: Tool) -> None:
    page = ask(world, "member", account="nonsense")

    assert page.status_code == 422
    assert "A connected account's ID looks like" in text_of(page)


@pytest.mark.parametrize("query", [{"tool": "\x00"}, {"account": "ca_\x00"}, {"tool": "x" * 300}])
def test_unusable_query_breaks_nothing(world: World, tool: Tool, query: dict[str, str]) -> None:
    assert ask(world, "member", **query).status_code == 422


def test_switched_off_tool_is_explained_too(world: World, tool: Tool) -> None:
    Toolkit.objects.update(is_enabled=False)

    assert "Who can fix it whoever runs this installation" in text_of(ask(world, "admin"))


# --- An admin about a member


def test_admin_is_told_about_a_member_in_the_third_person(world: World, tool: Tool) -> None:
    page = ask(world, "admin", member=member_id(world.viewer))

    name = world.viewer.display_name
    assert f"{name} cannot run Get a thing" in text_of(page)
    assert f"{name}'s role in Acme is viewer." in text_of(page)
    assert f"Change {name}'s role" in text_of(page)
    place = Membership.objects.get(user=world.viewer)
    assert f'href="/orgs/acme/members/{place.text_id}/role/?role=member"' in page.content.decode()
    assert "Your role" not in answer_of(page)


def test_admin_gets_the_button_that_the_member_has_not(world: World, tool: Tool) -> None:
    account = make_connected_account(tool.toolkit, owner=world.acme, alias="Build bot", status="expired")

    page = ask(world, "admin", member=member_id(world.member))

    assert "Reconnect Build bot" in text_of(page)
    assert f"reconnect={account.text_id}" in page.content.decode()
    assert "Who can fix it you" in text_of(page)
    assert "Ask an admin" in text_of(ask(world, "member"))


@pytest.mark.parametrize(
    ("rule", "people"),
    [({}, "everybody"), ({"role": "member"}, "role%3Amember"), ({"user": "member"}, "person%3A{id}")],
)
def test_admin_is_led_to_the_rule_that_stops_a_member(
    world: World, tool: Tool, rule: dict[str, Any], people: str
) -> None:
    account = make_connected_account(tool.toolkit, owner=world.acme)
    about = {name: world.member if name == "user" else value for name, value in rule.items()}
    for place in ({}, {"toolkit": tool.toolkit}, {"connected_account": account}):
        make_policy(world.acme, "deny", **place, **about)
        expected = f"account%3A{account.text_id}" if "connected_account" in place else "toolkit%3Agithub"
        expected = expected if place else "all"

        page = ask(world, "admin", member=member_id(world.member))

        link = f"/orgs/acme/policies/change/?place={expected}&amp;people={people.format(id=member_id(world.member))}"
        assert f'href="{link}"' in page.content.decode()
        assert "Who can fix it you" in text_of(page)
        assert world.client("admin").get(link.replace("&amp;", "&")).status_code == 200


def test_whom_only_a_second_factor_helps_is_named(world: World, tool: Tool) -> None:
    world.acme.requires_factor = True
    world.acme.save()
    make_second_factor(world.admin)

    page = text_of(ask(world, "admin", member=member_id(world.member)))

    assert "Who can fix it mia" in page


def test_admin_sees_that_a_suspended_member_runs_nothing(world: World, tool: Tool) -> None:
    make_connected_account(tool.toolkit, owner=world.acme)
    Membership.objects.filter(user=world.member).update(status=MemberStatus.SUSPENDED)

    page = text_of(ask(world, "admin", member=member_id(world.member)))

    assert "membership is suspended" in page
    assert f"Look at {world.member.display_name}'s membership" in page


def test_explanation_never_reveals_a_member_s_personal_accounts(world: World, tool: Tool) -> None:
    """The member has a personal account that would work: no word, link or difference tells."""
    before = ask(world, "admin", member=member_id(world.member))
    mine = make_connected_account(tool.toolkit, owner=world.member, alias="My diary", identity_label="mia-private")
    elsewhere = make_organization("secret-club", owner=world.member, name="Secret club")
    make_connected_account(tool.toolkit, owner=elsewhere, alias="Club account")

    after = ask(world, "admin", member=member_id(world.member))
    named = ask(world, "admin", member=member_id(world.member), account=mine.text_id)
    unknown = ask(world, "admin", member=member_id(world.member), account=f"ca_{'0' * 32}")

    for page in (after, named):
        for secret in ("My diary", "mia-private", "Club account", "Secret club", "yourself", member_id(elsewhere)):
            assert secret not in answer_of(page)
    assert answer_of(after) == answer_of(before)
    assert answer_of(named) == answer_of(unknown)
    assert "No such connected account" in answer_of(named)
    # the member does learn of it
    assert "Run as yourself" in text_of(ask(world, "member"))


def test_personal_accounts_are_not_even_read_for_an_admin(world: World, tool: Tool) -> None:
    make_connected_account(tool.toolkit, owner=world.member)

    with CaptureQueriesContext(connection) as asked:
        ask(world, "admin", member=member_id(world.member))

    accounts = [one["sql"] for one in asked.captured_queries if 'FROM "integrations_connectedaccount"' in one["sql"]]
    assert accounts
    assert not [sql for sql in accounts if str(world.member.id) in sql or world.member.id.hex in sql]


@pytest.mark.parametrize("who", ["outsider", "ex_member", "staff"])
def test_nobody_but_a_member_can_be_asked_about(world: World, tool: Tool, who: str) -> None:
    assert ask(world, "admin", member=member_id(world.people[who])).status_code == 404
    assert ask(world, "admin", member=member_id(world.viewer)).status_code == 200


@pytest.mark.parametrize("text", [f"user_{'0' * 32}", "mia", "org_x", f"org_{'0' * 32}"])
def test_invented_member_reads_like_one_who_is_not_here(world: World, tool: Tool, text: str) -> None:
    answer = ask(world, "admin", member=text)
    other = ask(world, "admin", member=member_id(world.outsider))

    assert (answer.status_code, text_of(answer)) == (404, text_of(other))


@pytest.mark.parametrize("who", ["member", "viewer"])
def test_only_admins_ask_about_others(world: World, tool: Tool, who: str) -> None:
    for target in ("owner", "outsider"):  # the same answer, whether the target is a member or not
        assert ask(world, who, member=member_id(world.people[target])).status_code == 403
    assert ask(world, who, member=member_id(world.people[who])).status_code == 200  # oneself is not somebody else
    assert 'name="member"' not in ask(world, who).content.decode()


def test_nobody_is_asked_about_under_a_user_id(world: World, tool: Tool) -> None:
    assert ask(world, "admin", "/me/explain/", member=member_id(world.member)).status_code == 404
    assert ask(world, "admin", "/me/explain/", member=member_id(world.admin)).status_code == 200


# --- The way here


def test_tool_page_links_to_the_explanation(world: World, tool: Tool) -> None:
    page = world.client("member").get("/orgs/acme/tools/GITHUB_GET_THING/").content.decode()

    assert 'href="/orgs/acme/explain/?tool=GITHUB_GET_THING"' in page


def test_run_page_links_to_the_explanation_of_who_ran_it(world: World, tool: Tool) -> None:
    account = make_connected_account(tool.toolkit, owner=world.acme)
    values = {"connected_account": account, "decision": {"because": "named", "checks": []}}
    row = make_execution(tool, owner=world.acme, user=world.member, **values)
    gone = make_execution(tool, owner=world.acme, user=world.ex_member, **values)
    query = f"/orgs/acme/explain/?tool=GITHUB_GET_THING&amp;account={account.text_id}"

    def page(who: str, run: Any) -> str:
        return str(world.client(who).get(f"/orgs/acme/runs/{run.text_id}/").content.decode())

    assert f'href="{query}"' in page("member", row)
    assert f'href="{query}"' in page("viewer", row)
    assert f'href="{query}&amp;member={member_id(world.member)}"' in page("admin", row)
    assert f'href="{query}"' in page("admin", gone)


def test_queries_do_not_grow_with_tools_accounts_organizations_or_members(world: World, tool: Tool) -> None:
    client = world.client("admin")

    def count() -> int:
        with CaptureQueriesContext(connection) as asked:
            assert client.get(PATH, {"tool": "GITHUB_GET_THING"}).status_code == 200
        return len(asked)

    make_connected_account(tool.toolkit, owner=world.acme)
    make_membership(make_organization(), world.admin)
    count()  # the first visit stores the session
    few = count()
    for number in range(10):
        make_tool(tool.toolkit, f"GITHUB_TOOL_{number}")
        make_connected_account(tool.toolkit, owner=world.acme)
        make_membership(make_organization(), world.admin, Role.MEMBER)
        make_membership(world.acme, make_user(f"further{number}"))

    assert count() == few
    assert few <= 15
