"""Rules that decide instead of a more general one: found, named, linked."""

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from integrations.models import ConnectedAccount, Policy, Toolkit
from integrations.queries.policies import PolicyTarget, list_policies, rules_for
from integrations.queries.stricter_policies import held_back, stricter_rules
from orgs.permissions import Role, ToolEffect, Verdict
from tests.factories import actor_of, make_connected_account, make_policy, make_toolkit
from tests.world import World

PAGE = "/orgs/acme/policies/"
ALLOW_ALL = dict.fromkeys(ToolEffect, Verdict.ALLOW)


@pytest.fixture
def github(db: None) -> Toolkit:
    return make_toolkit("github", name="GitHub")


@pytest.fixture
def account(world: World, github: Toolkit) -> ConnectedAccount:
    return make_connected_account(github, owner=world.acme, alias="Deploy bot")


def held(world: World, row: Policy) -> list[str]:
    asking: dict[str, Any] = {"actor": actor_of(world.admin), "owner": world.acme.ref}
    found = held_back(**asking, rows=list_policies(**asking))
    return [one.sentence for one in found.get(row.id, [])]


def planned(world: World, target: PolicyTarget) -> list[str]:
    asking: dict[str, Any] = {"actor": actor_of(world.admin), "owner": world.acme.ref}
    rules = rules_for(target, ALLOW_ALL, **asking)
    found = stricter_rules(**asking, rows=list_policies(**asking), planned=rules, target=target)
    return [one.sentence for one in found]


def test_a_rule_of_one_account_beats_what_is_allowed_for_its_toolkit(
    world: World, github: Toolkit, account: ConnectedAccount
) -> None:
    mine = make_policy(world.acme, "allow", toolkit=github, user=world.member)
    make_policy(world.acme, "deny", connected_account=account, effect="write")

    said = ["Nobody may run writing tools through Deploy bot (GitHub)."]
    assert held(world, mine) == said
    assert planned(world, PolicyTarget(toolkit=github, role=Role.MEMBER)) == said


def test_what_is_about_others_elsewhere_or_weaker_beats_nothing(
    world: World, github: Toolkit, account: ConnectedAccount
) -> None:
    slack = make_toolkit("slack")
    mine = make_policy(world.acme, "allow", toolkit=github, user=world.member, effect="read")
    make_policy(world.acme, "deny", connected_account=account, effect="write")  # another effect
    make_policy(world.acme, "deny", connected_account=account, role="admin")  # another role
    make_policy(world.acme, "deny", connected_account=account, user=world.admin)  # another person
    make_policy(world.acme, "deny", connected_account=make_connected_account(slack, owner=world.acme))
    make_policy(world.acme, "allow", connected_account=account, user=world.member)  # as mild
    make_policy(world.acme, "deny", toolkit=github)  # for more people

    assert held(world, mine) == []


def test_a_rule_for_the_persons_role_counts(world: World, github: Toolkit, account: ConnectedAccount) -> None:
    mine = make_policy(world.acme, "allow", toolkit=github, user=world.member)
    make_policy(world.acme, "ask", connected_account=account, role="member")

    assert held(world, mine) == ["Members need approval for tools through Deploy bot (GitHub)."]


def test_what_an_even_more_specific_rule_allows_again_is_not_beaten(
    world: World, github: Toolkit, account: ConnectedAccount
) -> None:
    mine = make_policy(world.acme, "allow", toolkit=github, user=world.member)
    make_policy(world.acme, "deny", connected_account=account)
    make_policy(world.acme, "allow", connected_account=account, user=world.member)

    assert held(world, mine) == []


def test_a_rule_that_the_change_replaces_does_not_beat_it(world: World, github: Toolkit) -> None:
    make_policy(world.acme, "deny", toolkit=github, role="member")

    assert planned(world, PolicyTarget(toolkit=github, role=Role.MEMBER)) == []
    assert planned(world, PolicyTarget(role=Role.MEMBER)) == ["Members may not run tools of GitHub."]


def test_a_plan_about_an_account_and_a_person_knows_their_toolkit_and_role(
    world: World, github: Toolkit, account: ConnectedAccount
) -> None:
    make_policy(world.acme, "deny", connected_account=account, user=world.member, effect="destructive")

    assert planned(world, PolicyTarget(account=account, role=Role.MEMBER)) != []
    assert planned(world, PolicyTarget(account=account, user=world.admin)) == []


def test_the_look_before_a_change_names_it_with_a_link(
    world: World, github: Toolkit, account: ConnectedAccount
) -> None:
    make_policy(world.acme, "deny", connected_account=account, effect="write")
    look = {"place": "toolkit:github", "people": "role:member", "preset": "write"}
    client = world.client("admin")

    page = client.get(f"{PAGE}change/", look).content.decode()
    elsewhere = client.get(f"{PAGE}change/", {**look, "place": f"account:{account.text_id}"}).content.decode()

    assert "It would not hold everywhere" in page
    assert f"place=account%3A{account.text_id}&amp;people=everybody" in page
    assert "It would not hold everywhere" not in elsewhere


def test_a_grant_that_is_held_back_says_so_at_once_and_in_the_list(
    world: World, github: Toolkit, account: ConnectedAccount
) -> None:
    deny = make_policy(world.acme, "deny", connected_account=account)
    sent = {"person": f"person:{world.member.text_id}", "place": "toolkit:github", "duration": "day"}
    said = "Nobody may run tools through Deploy bot (GitHub)."

    page = world.client("admin").post(f"{PAGE}grants/new/", sent, follow=True).content.decode()

    assert f"A stricter rule still decides for a part of it: {said}" in page
    assert "Not everywhere:" in page
    theirs = world.client("member").get(PAGE).content.decode()
    assert f"“{said}”" in theirs
    assert "policies/change/" not in theirs
    deny.delete()
    assert "Not everywhere:" not in world.client("admin").get(PAGE).content.decode()


def test_a_grant_that_holds_everywhere_warns_of_nothing(world: World, github: Toolkit) -> None:
    make_policy(world.acme, "deny", toolkit=github)
    sent = {"person": f"person:{world.member.text_id}", "place": "toolkit:github", "duration": "day"}

    page = world.client("admin").post(f"{PAGE}grants/new/", sent, follow=True).content.decode()

    assert "Granted to mia" in page
    assert "stricter rule" not in page


# --- The page of a connection


def test_the_page_of_a_connection_lists_its_own_rules(world: World, github: Toolkit, account: ConnectedAccount) -> None:
    other = make_connected_account(github, owner=world.acme, alias="Other bot")
    make_policy(world.acme, "ask", connected_account=account, effect="write")
    make_policy(world.acme, "deny", connected_account=other)
    make_policy(world.acme, "deny", user=world.viewer, until=timezone.now() + timedelta(days=1))
    address = f"/orgs/acme/connections/{account.text_id}/"

    page = world.client("admin").get(address).content.decode()
    theirs = world.client("member").get(address).content.decode()

    said = "Everybody needs approval for writing tools through Deploy bot (GitHub)."
    assert (said in page, said in theirs) == (True, True)
    assert "through Other bot" not in page
    assert f"policies/change/?place=account:{account.text_id}&amp;people=everybody" in page
    assert f"policies/grants/new/?place=account:{account.text_id}" in page
    assert "policies/change/" not in theirs
    assert "Set a rule for it" in theirs  # disabled, with the reason


def test_the_links_lead_to_forms_that_know_the_connection(world: World, account: ConnectedAccount) -> None:
    client = world.client("admin")
    for address in ("change/", "grants/new/"):
        page = client.get(f"{PAGE}{address}?place=account:{account.text_id}").content.decode()
        assert f'value="account:{account.text_id}" selected' in page


def test_a_persons_own_connection_has_no_policies(world: World, github: Toolkit) -> None:
    mine = make_connected_account(github, owner=world.member)

    page = world.client("member").get(f"/me/connections/{mine.text_id}/").content.decode()

    assert "Its own policies" not in page
