"""The policies page, its changes with the look ahead, and exceptions for a time."""

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from integrations.models import Policy, Tool, Toolkit
from orgs.models import AuditEvent
from tests.factories import (
    make_connected_account,
    make_execution,
    make_membership,
    make_policy,
    make_tool,
    make_toolkit,
    make_user,
)
from tests.world import World

PAGE = "/orgs/acme/policies/"
CHANGE = f"{PAGE}change/"
GRANT = f"{PAGE}grants/new/"
ASK = {"place": "all", "people": "role:member", "preset": "ask"}


@pytest.fixture
def github(world: World) -> Toolkit:
    toolkit = make_toolkit("github", name="GitHub")
    make_connected_account(toolkit, owner=world.acme)
    return toolkit


@pytest.fixture
def write(github: Toolkit) -> Tool:
    return make_tool(github, "GITHUB_MAKE_THING", effect="write", name="Make a thing")


def rules(world: World) -> list[tuple[str, str, str]]:
    rows = Policy.objects.owned_by(world.acme.ref).order_by("effect")
    return [(row.role, row.effect, row.verdict) for row in rows]


# --- The page


def test_every_member_reads_what_holds_and_only_admins_get_controls(world: World, github: Toolkit) -> None:
    make_policy(world.acme, "deny", toolkit=github, role="member", effect="write")

    for who in ("member", "viewer", "admin"):
        page = world.client(who).get(PAGE)
        assert "Members may not run writing tools of GitHub." in page.text
        assert (CHANGE in page.text) is (who == "admin")
    reason = "Only an owner or admin of Acme can change its policies. Ask admin_of_acme or owner_of_acme."
    assert reason in world.client("member").get(PAGE).text
    assert "Nothing: viewers look on" in world.client("viewer").get(PAGE).text


def test_page_without_rules_offers_a_first_one(world: World) -> None:
    page = world.client("admin").get(PAGE)

    assert "There are no rules yet" in page.text
    assert "preset=ask" in page.text


def test_exceptions_show_when_they_end_and_can_be_ended(world: World) -> None:
    ends = timezone.now() + timedelta(hours=2, minutes=1)
    row = make_policy(world.acme, "allow", user=world.member, until=ends, reason="Only <today>")

    page = world.client("admin").get(PAGE)
    assert "mia may run tools of all toolkits." in page.text
    assert "in 2 h" in page.text
    assert "Only &lt;today&gt;" in page.text

    ended = world.client("admin").post(f"{PAGE}grants/{row.text_id}/end/", follow=True)
    assert "Ended." in ended.text
    assert rules(world) == []


@pytest.mark.parametrize("text", ["pol_1", "x", f"pol_{'0' * 32}"])
def test_exception_that_does_not_exist_is_not_found(world: World, text: str) -> None:
    assert world.client("admin").post(f"{PAGE}grants/{text}/end/").status_code == 404


def test_history_is_for_those_who_read_the_audit_log(world: World) -> None:
    world.client("admin").post(CHANGE, ASK)
    world.client("admin").post(CHANGE, {**ASK, "preset": "none"})

    shown = world.client("owner").get(PAGE).text
    assert shown.count("Members: All toolkits") == 2
    assert "no rule here." in shown
    assert "History" not in world.client("member").get(PAGE).text


# --- A change, looked at first


def test_form_shows_what_holds_there_now(world: World, github: Toolkit) -> None:
    make_policy(world.acme, "ask", toolkit=github, role="member", effect="write")

    page = world.client("admin").get(CHANGE, {"place": "toolkit:github", "people": "role:member"})

    assert page.context["form"].initial["write"] == "ask"
    assert page.context["form"].initial["preset"] == "custom"
    assert "What it would have done" not in page.text


def test_look_ahead_names_whom_it_would_have_met_and_changes_nothing(world: World, write: Tool) -> None:
    account = write.toolkit.connected_accounts.get()
    run = {"owner": world.acme, "user": world.member, "connected_account": account, "status": "succeeded"}
    make_execution(write, **run, created_at=timezone.now())

    page = world.client("admin").get(CHANGE, ASK)

    assert page.status_code == 200
    assert "1 sent to approval" in page.text
    assert "mia" in page.text
    assert rules(world) == []
    assert not AuditEvent.objects.filter(action="policy.change").exists()


def test_look_ahead_says_when_nothing_changes_and_when_nothing_ran(world: World, write: Tool) -> None:
    assert "there is nothing to look at" in world.client("admin").get(CHANGE, ASK).text

    make_execution(write, owner=world.acme, user=world.admin, status="succeeded", created_at=timezone.now())
    assert "None of them would have gone another way" in world.client("admin").get(CHANGE, ASK).text


def test_saving_makes_the_rules_and_says_for_whom(world: World) -> None:
    page = world.client("admin").post(CHANGE, ASK, follow=True)

    assert rules(world) == [("member", "destructive", "ask"), ("member", "read", "allow"), ("member", "write", "ask")]
    assert "Saved for Members, All toolkits." in page.text


def test_custom_rules_are_saved_by_effect(world: World, github: Toolkit) -> None:
    typed = {"place": "toolkit:github", "people": f"person:{world.member.text_id}", "preset": "custom"}

    world.client("admin").post(CHANGE, {**typed, "read": "", "write": "deny", "destructive": "deny"})

    rows = Policy.objects.owned_by(world.acme.ref)
    assert {(row.user, row.toolkit, row.effect, row.verdict) for row in rows} == {
        (world.member, github, effect, "deny") for effect in ("write", "destructive")
    }


def test_rules_for_one_connection_are_saved(world: World, github: Toolkit) -> None:
    account = github.connected_accounts.get()

    world.client("admin").post(CHANGE, {"place": f"account:{account.text_id}", "people": "everybody", "preset": "read"})

    assert {row.connected_account for row in Policy.objects.owned_by(world.acme.ref)} == {account}


@pytest.mark.parametrize("method", ["get", "post"])
def test_wrong_choices_are_said_and_the_others_kept(world: World, method: str) -> None:
    page = getattr(world.client("admin"), method)(CHANGE, {**ASK, "preset": "custom", "read": "ask", "write": "never"})

    assert page.status_code == 422
    assert page.context["form"].errors.keys() == {"write"}
    assert page.context["form"]["read"].value() == "ask"
    assert rules(world) == []


def test_place_that_is_gone_is_not_found(world: World) -> None:
    assert world.client("admin").get(CHANGE, {"place": "toolkit:nope", "people": "everybody"}).status_code == 404


# --- Exceptions for a time


@pytest.mark.parametrize(("duration", "hours"), [("hour", 1), ("day", 24)])
def test_exception_is_granted_for_a_while(world: World, github: Toolkit, duration: str, hours: int) -> None:
    before = timezone.now()
    typed = {"person": f"person:{world.member.text_id}", "place": "toolkit:github", "duration": duration}

    page = world.client("admin").post(GRANT, {**typed, "effect": "write", "reason": "Release"}, follow=True)

    [row] = Policy.objects.owned_by(world.acme.ref)
    assert (row.user, row.toolkit, row.effect, row.reason) == (world.member, github, "write", "Release")
    assert row.until is not None
    assert before <= row.until - timedelta(hours=hours) <= timezone.now()
    assert "It ends by itself" in page.text


def test_exception_until_a_day_lasts_to_its_end(world: World) -> None:
    day = (timezone.now() + timedelta(days=3)).date()
    typed = {"person": f"person:{world.member.text_id}", "place": "all", "duration": "until", "until": day.isoformat()}

    world.client("admin").post(GRANT, typed)

    [row] = Policy.objects.owned_by(world.acme.ref)
    assert row.until is not None
    assert timezone.localtime(row.until - timedelta(seconds=1)).date() == day
    assert timezone.localtime(row.until).date() == day + timedelta(days=1)


@pytest.mark.parametrize(
    ("until", "words"),
    [
        ("", "Choose the last day."),
        ("soon", "Enter a valid date."),
        ("2020-01-01", "Choose an end that is still to come."),
        ("2999-01-01", "Choose an end within a year."),
    ],
)
def test_bad_end_is_said_and_the_rest_kept(world: World, until: str, words: str) -> None:
    person = f"person:{world.member.text_id}"
    typed = {"person": person, "place": "all", "duration": "until", "until": until, "reason": "Kept"}

    page = world.client("admin").post(GRANT, typed)

    assert page.status_code == 422
    assert words in page.text
    assert 'value="Kept"' in page.text
    assert rules(world) == []


def test_exception_can_only_be_for_members(world: World) -> None:
    page = world.client("admin").post(GRANT, {"person": "role:member", "place": "all", "duration": "hour"})

    assert page.status_code == 422
    assert f"person:{world.outsider.text_id}" not in world.client("admin").get(GRANT).text


def test_grant_form_can_come_filled_in(world: World) -> None:
    page = world.client("admin").get(GRANT, {"person": f"person:{world.member.text_id}"})

    assert f'value="person:{world.member.text_id}" selected' in page.text


# --- Pages cost the same whatever there is


def test_page_asks_as_many_questions_about_ten_rules_as_about_one(
    world: World, django_assert_max_num_queries: Any
) -> None:
    client = world.client("admin")
    add_rule(world, 0)
    client.get(PAGE)  # the first request of a sign-in session is recorded
    with django_assert_max_num_queries(20) as one:
        client.get(PAGE)

    for number in range(1, 11):
        add_rule(world, number)
    with django_assert_max_num_queries(20) as many:
        client.get(PAGE)

    assert len(one) == len(many)


def add_rule(world: World, number: int) -> None:
    person = make_user(f"member{number}")
    make_membership(world.acme, person)
    make_policy(world.acme, "deny", toolkit=make_toolkit(f"kit{number}"), user=person)
