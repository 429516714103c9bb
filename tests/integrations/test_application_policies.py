"""An organization's policies at its applications and their end users: the API, the worker and the pages."""

from collections.abc import Callable
from typing import Any

import pytest
from django.db import IntegrityError, transaction
from django.utils import timezone

from integrations.access import decide_many
from integrations.models import Execution, Policy
from integrations.queries.policies import PolicyTarget, find_target, list_policies, people_for
from integrations.queries.policy_matrix import columns, policy_matrix
from integrations.queries.stricter_policies import held_back
from integrations.queries.tenancy import crossings
from integrations.queries.what_if import what_if
from integrations.services.policies import set_policies
from orgs.errors import NotFoundError
from orgs.models import Application, EndUser
from orgs.permissions import Scope, ToolEffect, Verdict
from orgs.queries.api_keys import actor_from_key
from orgs.services.applications import end_application
from tests.factories import (
    actor_of,
    make_application,
    make_application_key,
    make_connected_account,
    make_end_user,
    make_execution,
    make_policy,
    make_tool,
    make_toolkit,
)
from tests.integrations.api.door import Door, id_of
from tests.integrations.desk import Desk
from tests.integrations.engine.servers import answer
from tests.world import World

ALL_DENIED = dict.fromkeys(ToolEffect, Verdict.DENY)
Both = tuple[int, str]


@pytest.fixture
def shop(world: World, settings: Any) -> Application:
    """An application with a tool that its end user alice and its organization can run."""
    settings.API_WAIT_LIMIT = 0
    toolkit = make_toolkit("github", name="GitHub")
    make_tool(toolkit, effect="write")
    shop = make_application(world.acme, "Shop")
    make_connected_account(toolkit, owner=make_end_user(shop, "alice"))
    make_connected_account(toolkit, owner=world.acme)
    return shop


def run(application: Application, user_id: str) -> Both:
    door = Door(make_application_key(application)[1])
    asked = {"tool": "GITHUB_GET_THING", "user_id": user_id, "arguments": {"name": "x"}}
    status, body = door.post("/executions", asked)
    return status, body["status"] if status == 202 else body["error"]["slug"]


def reading(world: World) -> dict[str, Any]:
    return {"actor": actor_of(world.admin, world.acme), "owner": world.acme.ref}


# --- Over the API


def test_what_is_forbidden_for_everybody_does_not_run_for_an_end_user(world: World, shop: Application) -> None:
    assert run(shop, "alice") == (202, "queued")
    rule = make_policy(world.acme, "deny", effect="write")

    assert run(shop, "alice") == (403, "policy_denied")
    refused = Execution.objects.unscoped("a test looks").order_by("-id").first()
    assert refused is not None
    assert refused.decision["policy"]["words"] == "Nobody may run writing tools of all toolkits."
    Policy.objects.owned_by(world.acme.ref).filter(id=rule.id).delete()
    make_policy(world.globex, "deny")
    assert run(shop, "alice") == (202, "queued")


def test_rule_about_one_application_holds_for_its_end_users_and_for_no_other(world: World, shop: Application) -> None:
    other = make_application(world.acme, "Kiosk")
    make_connected_account(
        make_toolkit("slack"), owner=make_end_user(other, "bob")
    )  # bob has nothing of GitHub, so he is told of an account, and not of a policy
    make_policy(world.acme, "deny", application=other)

    assert run(shop, "alice") == (202, "queued")
    assert run(shop, id_of(world.acme)) == (202, "queued")
    assert run(other, id_of(world.acme)) == (403, "policy_denied")
    assert run(other, "bob") == (404, "no_connected_account")
    make_policy(world.acme, "deny", application=shop)
    assert run(shop, "alice") == (403, "policy_denied")


def test_needs_approval_waits_under_the_organization_and_is_refused_for_an_end_user(
    world: World, shop: Application
) -> None:
    make_policy(world.acme, "ask", effect="write")

    assert run(shop, id_of(world.acme)) == (202, "waiting_for_approval")
    assert run(shop, "alice") == (403, "policy_denied")
    make_policy(world.acme, "allow", application=shop)
    assert run(shop, "alice") == (202, "queued")


def test_rules_about_members_hold_under_the_organizations_id_alone(world: World, shop: Application) -> None:
    make_policy(world.acme, "deny", role="member")

    assert run(shop, id_of(world.acme)) == (403, "policy_denied")
    assert run(shop, "alice") == (202, "queued")


def test_explanation_and_dry_run_name_the_policy(world: World, shop: Application) -> None:
    make_policy(world.acme, "deny", application=shop)
    door = Door(make_application_key(shop)[1])
    asked = {"tool": "GITHUB_GET_THING", "user_id": "alice"}

    assert door.post("/explain", asked)[1]["verdict"]["slug"] == "policy_denied"
    assert door.post("/dry_run", {**asked, "arguments": {"name": "x"}})[1]["would_run"] is False
    Policy.objects.owned_by(world.acme.ref).delete()
    assert door.post("/dry_run", {**asked, "arguments": {"name": "x"}})[1]["would_run"] is True


def test_many_tools_are_decided_with_the_policies(world: World, shop: Application) -> None:
    actor = actor_from_key(secret=make_application_key(shop)[1], now=timezone.now())
    alice, tool = EndUser.objects.get().ref, make_tool(make_toolkit("github2"), "GITHUB_TWO")
    make_connected_account(tool.toolkit, owner=EndUser.objects.get())

    def allowed() -> bool:
        return decide_many(actor=actor, owner=alice, tools=[tool])[tool.id].allowed

    assert allowed()
    make_policy(world.acme, "deny", toolkit=tool.toolkit)
    assert not allowed()


# --- In the worker


@pytest.mark.parametrize(("verdict", "ends"), [("deny", "denied"), ("ask", "denied"), ("allow", "succeeded")])
def test_policy_that_came_after_the_run_was_queued_decides(
    world: World, acme_desk_of: Callable[..., Desk], verdict: str, ends: str
) -> None:
    desk = acme_desk_of(answer(b"{}"))
    shop = make_application(world.acme)
    alice, key = make_end_user(shop), make_application_key(shop)[0]
    account = make_connected_account(desk.toolkit, owner=alice)
    row = desk.queue(desk.write, owner=alice, connected_account=account, api_key=key, user=None)
    make_policy(world.acme, verdict, effect="write")

    ended = desk.work()

    assert (ended.id, ended.status) == (row.id, ends)
    assert len(desk.provider.requests) == (1 if ends == "succeeded" else 0)


# --- What the pages say


def test_application_can_be_chosen_as_long_as_it_goes_on(world: World, shop: Application) -> None:
    asking = reading(world)
    key = f"application:{shop.text_id}"

    assert dict(people_for(**asking))[key] == "The application Shop"
    assert find_target(**asking, place="all", people=key).application == shop
    theirs = make_application(world.globex)
    end_application(**asking, application_id=shop.id, now=timezone.now())
    for gone in (key, f"application:{theirs.text_id}", "application:app_1"):
        with pytest.raises(NotFoundError):
            find_target(**asking, place="all", people=gone)
    assert key not in dict(people_for(**asking))


def test_rule_is_set_listed_and_over_when_the_application_ends(world: World, shop: Application) -> None:
    asking = reading(world)
    target = PolicyTarget(application=shop)

    set_policies(**asking, target=target, verdicts=ALL_DENIED, now=timezone.now())

    [row] = list_policies(**asking)
    assert row.rule.application == "Shop"
    assert target.is_about(row.rule)
    page = world.client("member").get("/orgs/acme/policies/").text
    assert "The application Shop may not run tools of all toolkits." in page
    end_application(**asking, application_id=shop.id, now=timezone.now())
    assert list_policies(**asking) == []


def test_page_changes_a_rule_about_an_application(world: World, shop: Application) -> None:
    change = {"place": "all", "people": f"application:{shop.text_id}", "preset": "read"}
    page = "/orgs/acme/policies/change/"

    looked = world.client("admin").get(page, change)
    saved = world.client("admin").post(page, change, follow=True)

    assert "Save for The application Shop, All toolkits" in looked.text
    assert "Saved for The application Shop" in saved.text
    assert {row.application for row in list_policies(**reading(world))} == {shop}
    assert world.client("member").post(page, change).status_code == 403


def test_table_says_what_runs_for_end_users(world: World, shop: Application) -> None:
    make_policy(world.acme, "ask", effect="write")
    make_policy(world.acme, "allow", application=shop, toolkit=make_toolkit("slack", name="Slack"))

    everywhere, _github, slack = policy_matrix(**reading(world))

    assert columns(**reading(world))[-1] == "End users of Shop"
    cells = [cell for _people, cell in everywhere.cells if cell]
    assert cells[-1].verdicts[ToolEffect.WRITE] is Verdict.DENY
    assert cells[0].verdicts[ToolEffect.WRITE] is Verdict.ASK
    theirs = slack.cells[-1][1]
    assert theirs is not None
    assert (theirs.label, theirs.is_own) == ("Everything", True)


def test_look_ahead_counts_the_runs_for_end_users_together(world: World, shop: Application) -> None:
    key, tool = make_application_key(shop, Scope.EXECUTIONS_WRITE)[0], make_tool(make_toolkit("jira"), "JIRA_GET")
    for name in ("bob", "carol"):
        owner = make_end_user(shop, name)
        account = make_connected_account(tool.toolkit, owner=owner)
        made = {"status": "succeeded", "created_at": timezone.now(), "connected_account": account}
        make_execution(tool, owner=owner, api_key=key, **made)
    account = make_connected_account(tool.toolkit, owner=world.acme)
    as_acme = {"status": "succeeded", "created_at": timezone.now(), "connected_account": account}
    make_execution(tool, owner=world.acme, api_key=key, **as_acme)

    def stopped(target: PolicyTarget) -> list[tuple[str, int]]:
        found = what_if(**reading(world), target=target, verdicts=ALL_DENIED, now=timezone.now())
        assert found.looked_at == 3
        return [(row.who, row.stopped) for row in found.rows]

    both = [("Shop, for its end users", 2), ("Test key (API key)", 1)]
    assert stopped(PolicyTarget()) == both
    assert stopped(PolicyTarget(application=shop)) == both
    assert stopped(PolicyTarget(application=make_application(world.acme))) == []


def test_rule_that_a_stricter_one_takes_back_for_an_application_is_marked(world: World, shop: Application) -> None:
    mine = make_policy(world.acme, "allow", application=shop)
    strict = make_policy(world.acme, "deny", toolkit=make_toolkit("slack", name="Slack"))
    make_policy(world.acme, "deny", application=make_application(world.acme), toolkit=strict.toolkit)
    asking = reading(world)

    found = held_back(**asking, rows=list_policies(**asking))

    assert [one.sentence for one in found[mine.id]] == ["Nobody may run tools of Slack."]


# --- In the rows


def test_rule_is_about_one_kind_of_people_and_once(world: World, shop: Application) -> None:
    make_policy(world.acme, "deny", application=shop)

    for twice in ({}, {"role": "member"}, {"user": world.member}):
        with pytest.raises(IntegrityError), transaction.atomic():
            make_policy(world.acme, "allow", application=shop, **twice)
    make_policy(world.acme, "allow", application=make_application(world.acme))


def test_rule_about_another_organizations_application_is_found(world: World, shop: Application) -> None:
    make_policy(world.acme, "deny", application=shop)
    assert crossings(actor=None)[1] == []

    make_policy(world.acme, "deny", application=make_application(world.globex))

    assert [(one.table, one.field, one.count) for one in crossings(actor=None)[1]] == [("policy", "application", 1)]


def test_page_of_an_application_lists_the_rules_that_speak_of_its_end_users(world: World, shop: Application) -> None:
    account = make_connected_account(make_toolkit("slack"), owner=world.acme)
    make_policy(world.acme, "deny", effect="destructive")
    make_policy(world.acme, "ask", application=shop, effect="write")
    make_policy(world.acme, "deny", role="member", effect="read")
    make_policy(world.acme, "deny", connected_account=account)
    make_policy(world.acme, "deny", application=make_application(world.acme, "Kiosk"))

    member, admin = (
        world.client(who).get(f"/orgs/acme/applications/{shop.text_id}/").text for who in ("member", "admin")
    )

    for page in (member, admin):
        assert "Nobody may run destructive tools of all toolkits." in page
        assert "The application Shop needs approval for writing tools of all toolkits." in page
        assert "Members may not" not in page
        assert "through" not in page.split('id="policies"')[1].split("</section>")[0]
        assert "Kiosk" not in page
    change = f"/orgs/acme/policies/change/?place=all&amp;people=application%3A{shop.text_id}"
    assert change in admin
    assert change not in member
