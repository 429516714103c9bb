"""The approvals page, the page of a run that waits, and what the pages of tools say before."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from integrations.models import ConnectedAccount, Execution, Policy
from integrations.services.executions import Order, submit_execution
from orgs.models import AuditEvent
from tests.factories import actor_of, make_execution, make_policy
from tests.integrations.desk import Desk, reread
from tests.integrations.engine.servers import answer
from tests.world import World

MakeDesk = Callable[..., Desk]
PAGE = "/orgs/acme/approvals/"
FRAGMENT = {"HX-Request": "true"}


@pytest.fixture
def desk(acme_desk_of: MakeDesk, world: World) -> Desk:
    made = acme_desk_of(answer(b"{}"))
    make_policy(world.acme, "ask", role="member", effect="write")
    return made


@pytest.fixture
def admin(world: World) -> Client:
    return world.client("admin")


def waiting(desk: Desk, world: World, who: str = "member") -> Execution:
    order = Order(world.acme.ref.text_id, desk.write.slug, {"name": "a <b>thing</b>"})
    return submit_execution(actor=actor_of(world.people[who], world.acme), order=order, now=timezone.now())


def run_page(row: Execution) -> str:
    return f"/orgs/acme/runs/{row.text_id}/"


def decide(client: Client, row: Execution, verb: str, **typed: Any) -> Any:
    return client.post(f"{PAGE}{row.text_id}/{verb}/", typed, follow=True)


# --- The page


def test_page_without_waiting_runs_says_so(admin: Client) -> None:
    page = admin.get(PAGE)

    assert "Nothing waits for a decision" in page.text
    assert "Not waiting any more" not in page.text


def test_page_shows_who_asks_for_what_through_which_account_and_why(desk: Desk, world: World, admin: Client) -> None:
    waiting(desk, world)

    page = admin.get(PAGE)

    for words in ("mia", "Post a thing", "deskkit-identity", "Members need approval for writing tools", "in 2 d"):
        assert words in page.text
    assert "a &lt;b&gt;thing&lt;/b&gt;" in page.text
    assert "<b>thing" not in page.text


def test_page_asks_again_and_gets_nothing_while_nothing_changed(desk: Desk, world: World, admin: Client) -> None:
    row = waiting(desk, world)
    mark = admin.get(PAGE).context["mark"]

    same = admin.get(PAGE, {"seen": mark}, headers=FRAGMENT)
    assert (same.status_code, same.text) == (204, "")
    decide(admin, row, "approve")
    other = admin.get(PAGE, {"seen": mark}, headers=FRAGMENT)
    assert "Not waiting any more" in other.text
    assert "<html" not in other.text


def test_unreadable_arguments_are_said_to_be(desk: Desk, world: World, admin: Client) -> None:
    row = waiting(desk, world)
    other = make_execution(desk.read, owner=world.acme).arguments
    Execution.objects.owned_by(world.acme.ref).filter(id=row.id).update(arguments=other)

    assert "The arguments cannot be read" in admin.get(PAGE).text


def test_run_without_arguments_says_so(desk: Desk, world: World, admin: Client) -> None:
    row = waiting(desk, world)
    Execution.objects.owned_by(world.acme.ref).filter(id=row.id).update(arguments=None)

    assert "It has no arguments." in admin.get(PAGE).text


# --- Deciding


def test_approving_lets_it_run_and_says_so(desk: Desk, world: World, admin: Client) -> None:
    row = waiting(desk, world)

    page = decide(admin, row, "approve")

    assert page.redirect_chain == [(PAGE, 302)]
    assert "Approved. “Post a thing” runs now." in page.text
    assert reread(row.id).status == "queued"
    assert "admin_of_acme" in page.text


def test_from_the_run_s_page_the_way_leads_back_there(desk: Desk, world: World, admin: Client) -> None:
    row = waiting(desk, world)
    assert f"{PAGE}{row.text_id}/approve/" in admin.get(run_page(row)).text

    page = decide(admin, row, "approve", **{"from": "run"})

    assert page.redirect_chain == [(run_page(row), 302)]


def test_denying_without_a_reason_keeps_the_page_and_says_why(desk: Desk, world: World, admin: Client) -> None:
    row = waiting(desk, world)

    page = admin.post(f"{PAGE}{row.text_id}/deny/", {"reason": " "})

    assert page.status_code == 422
    assert "Say why, so that whoever asked knows what to do." in page.text
    assert reread(row.id).status == "waiting_for_approval"


def test_denying_with_too_long_a_reason_keeps_what_was_typed(desk: Desk, world: World, admin: Client) -> None:
    row = waiting(desk, world)

    page = admin.post(f"{PAGE}{row.text_id}/deny/", {"reason": "y" * 301})

    assert page.status_code == 422
    assert "y" * 301 in page.text


def test_denying_ends_it_and_whoever_asked_reads_why(desk: Desk, world: World, admin: Client) -> None:
    row = waiting(desk, world)

    assert "Denied." in decide(admin, row, "deny", reason="Not on <Friday>").text

    seen = world.client("member").get(run_page(row)).text
    assert "admin_of_acme denied it: Not on &lt;Friday&gt;" in seen
    assert "Denied by" in seen
    assert "Ask for approval again" in seen


def test_second_decision_says_that_it_is_too_late(desk: Desk, world: World, admin: Client) -> None:
    row = waiting(desk, world)
    decide(world.client("owner"), row, "approve")

    for verb in ("approve", "deny"):
        assert "does not wait any more" in decide(admin, row, verb, reason="No").text


def test_what_stands_in_the_way_is_said_where_the_admin_is(desk: Desk, world: World, admin: Client) -> None:
    row = waiting(desk, world)
    ConnectedAccount.objects.owned_by(world.acme.ref).update(status="paused")
    assert "It would not run as things stand" in decide(admin, row, "approve").text

    ConnectedAccount.objects.owned_by(world.acme.ref).update(status="active")
    Policy.objects.owned_by(world.acme.ref).update(verdict="deny")
    assert "It was not run: A policy does not allow" in decide(admin, row, "approve").text
    assert reread(row.id).status == "denied"


def test_own_run_is_for_somebody_else_and_the_attempt_is_on_record(desk: Desk, world: World, admin: Client) -> None:
    make_policy(world.acme, "ask")
    row = waiting(desk, world, "admin")

    for page in (admin.get(PAGE), admin.get(run_page(row))):
        assert "You asked for it, so somebody else decides. Ask owner_of_acme." in page.text
        assert f"{PAGE}{row.text_id}/approve/" not in page.text
    assert "so somebody else decides" in decide(admin, row, "approve").text
    denied = AuditEvent.objects.of_owner(world.acme.ref).filter(result="denied", code="own_run")
    assert denied.count() == 1


def test_run_that_does_not_exist_is_not_found(admin: Client) -> None:
    for verb in ("approve", "deny"):
        assert decide(admin, Execution(), verb, reason="No").status_code == 404
        assert admin.post(f"{PAGE}ex_1/{verb}/", {"reason": "No"}).status_code == 404


# --- The page of the run


def test_waiting_run_says_whom_it_waits_for_and_can_be_called_off(desk: Desk, world: World) -> None:
    row = waiting(desk, world)
    client = world.client("member")

    page = client.get(run_page(row))

    assert "Waiting for approval" in page.text
    assert "admin_of_acme or owner_of_acme can decide." in page.text
    assert f"{PAGE}{row.text_id}/approve/" not in page.text
    client.post(f"{run_page(row)}cancel/")
    assert reread(row.id).status == "cancelled"


def test_viewer_sees_that_it_waits_and_can_do_nothing(desk: Desk, world: World) -> None:
    row = waiting(desk, world)

    page = world.client("viewer").get(run_page(row))

    assert "Only the person who ran it and admins can cancel it." in page.text
    assert "&lt;b&gt;thing" not in page.text
    assert "&lt;b&gt;thing" in world.client("member").get(run_page(row)).text


def test_receipt_names_the_policy_and_who_approved(desk: Desk, world: World, admin: Client) -> None:
    row = waiting(desk, world)
    decide(admin, row, "approve")
    assert desk.work().status == "succeeded"

    receipt = world.client("member").get(run_page(row)).text.partition("Identity receipt")[2]

    assert "Members need approval for writing tools of all toolkits." in receipt
    assert "Approved by" in receipt
    assert "admin_of_acme" in receipt


def test_receipt_says_when_the_only_decider_approved_their_own(desk: Desk, world: World, admin: Client) -> None:
    make_policy(world.acme, "ask")
    world.owner.memberships.all().update(status="suspended")
    row = waiting(desk, world, "admin")

    decide(admin, row, "approve")

    assert "nobody else could decide" in admin.get(run_page(row)).text
    assert "nobody else could" in admin.get(PAGE).text


def test_run_that_nobody_can_decide_on_says_so(desk: Desk, world: World) -> None:
    row = waiting(desk, world)
    for person in (world.owner, world.admin):
        person.memberships.all().update(status="suspended")

    assert "Nobody in Acme can decide at the moment." in world.client("member").get(run_page(row)).text


def test_time_that_is_over_is_shown_as_timed_out(desk: Desk, world: World, admin: Client) -> None:
    row = waiting(desk, world)
    ends = timezone.now() - timedelta(minutes=1)
    Execution.objects.owned_by(world.acme.ref).filter(id=row.id).update(
        status="timed_out", finished_at=ends, error_code="approval_expired", error_message="Nobody approved it in time."
    )

    assert "Nobody approved it in time." in world.client("member").get(run_page(row)).text
    assert "Timed out" in admin.get(PAGE).text


# --- Before a run


def test_tools_and_their_pages_say_that_approval_is_needed(desk: Desk, world: World) -> None:
    member = world.client("member")

    assert "Needs approval" in member.get("/orgs/acme/tools/").text
    page = member.get(f"/orgs/acme/tools/{desk.write.slug}/").text
    assert "Ask for approval" in page
    assert "waits until an admin of Acme approves it" in page
    assert "Run as Acme" not in page
    assert "Run as Acme" in world.client("admin").get(f"/orgs/acme/tools/{desk.write.slug}/").text


def test_what_runs_now_leaves_out_what_must_wait(desk: Desk, world: World) -> None:
    shown = world.client("member").get("/orgs/acme/tools/", {"ready": "1"}).text

    assert desk.read.slug in shown
    assert desk.write.slug not in shown


def test_dry_run_says_that_it_would_wait(desk: Desk, world: World) -> None:
    typed = {"arg-name": "x", "acting_as": world.acme.ref.text_id}

    page = world.client("member").post(f"/orgs/acme/tools/{desk.write.slug}/dry-run/", typed).text

    assert "Dry run: it would wait for approval" in page
    assert "Needs approval: Members need approval for writing tools" in page
    assert not Execution.objects.owned_by(world.acme.ref).exists()


def test_explainer_says_it_to_oneself_and_about_a_member(desk: Desk, world: World) -> None:
    query = {"tool": desk.write.slug}

    assert "You need approval to run Post a thing" in world.client("member").get("/orgs/acme/explain/", query).text
    about = world.client("admin").get("/orgs/acme/explain/", {**query, "member": world.member.text_id}).text
    assert "mia needs approval to run Post a thing" in about
    assert "needs approval there" in world.client("member").get("/me/explain/", query).text


def test_denied_by_policy_is_a_state_with_whom_to_ask(desk: Desk, world: World) -> None:
    Policy.objects.owned_by(world.acme.ref).update(verdict="deny")
    path = f"/orgs/acme/tools/{desk.write.slug}/"

    assert "Denied by policy" in world.client("member").get("/orgs/acme/tools/").text
    assert "Members may not run writing tools of all toolkits." in world.client("member").get(path).text
    Policy.objects.owned_by(world.acme.ref).update(role="")
    assert "Change the policy" in world.client("admin").get(path).text


def test_rule_about_a_person_is_explained_to_an_admin(desk: Desk, world: World) -> None:
    make_policy(world.acme, "deny", user=world.member)
    query = {"tool": desk.write.slug, "member": world.member.text_id}

    page = world.client("admin").get("/orgs/acme/explain/", query).text

    assert "mia cannot run Post a thing" in page
    assert "mia may not run tools of all toolkits." in page
