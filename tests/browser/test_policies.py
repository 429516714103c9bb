"""A policy from its first look to its effect: members ask before changes, an admin decides, the run goes on."""

import re

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import Product, Visit
from tests.browser.test_newcomer import consent, post_to_channel, status

pytestmark = pytest.mark.browser


def connect_for_acme(page: Page) -> None:
    page.goto("/orgs/acme/connections/new/sandbox/")
    consent(page, "Acme team")
    page.get_by_role("button", name="Confirm and connect").click()
    expect(page.get_by_text("team@acme.sandbox.example").first).to_be_visible()


def ask_to_post(page: Page, text: str, button: str) -> None:
    page.goto("/orgs/acme/tools/SANDBOX_POST_TO_CHANNEL/")
    post_to_channel(page, text)
    page.get_by_role("button", name=button, exact=True).click()
    page.wait_for_url("**/orgs/acme/runs/ex_*/")


def set_policy(alice: Page) -> None:
    """What the change would have done stands there before it is saved."""
    alice.goto("/orgs/acme/policies/")
    alice.get_by_role("link", name="See what that would change").click()
    expect(alice.get_by_text("1 sent to approval")).to_be_visible()
    expect(alice.locator("#what-if").get_by_text("Bob Brown")).to_be_visible()
    alice.get_by_role("button", name="Save for Members, All toolkits").click()
    rule = "Members need approval for writing tools of all toolkits."
    expect(alice.locator("#rules").get_by_text(rule)).to_be_visible()
    expect(alice.locator("#history").get_by_text("Members: All toolkits")).to_be_visible()


def approve(alice: Page, text: str) -> None:
    """The admin is told, sees the arguments, and approves once."""
    alice.goto("/notices/")
    expect(alice.get_by_text("Bob Brown wants to run “Post to a channel” as Acme").first).to_be_visible()
    alice.goto("/orgs/acme/approvals/")
    expect(alice.get_by_text(text).first).to_be_visible()
    alice.get_by_role("button", name=re.compile("Approve once")).click()
    expect(alice.get_by_text("Approved. “Post to a channel” runs now.")).to_be_visible()


def deny(alice: Page, reason: str) -> None:
    alice.goto("/orgs/acme/approvals/")
    alice.get_by_text("Deny…").click()
    alice.get_by_label("Why, for whoever asked").fill(reason)
    alice.get_by_role("button", name=re.compile("Deny: ")).click()


def test_members_ask_before_changes_and_an_admin_decides(visit: Visit, fresh: Product) -> None:
    alice, bob = visit(fresh, "alice"), visit(fresh, "bob")
    connect_for_acme(alice)
    ask_to_post(bob, "Before there was a policy", "Run as Acme")
    status(bob, "Succeeded")
    set_policy(alice)

    # The member sees it before running, then asks.
    bob.goto("/orgs/acme/tools/")
    expect(bob.get_by_text("Needs approval").first).to_be_visible()
    ask_to_post(bob, "May I?", "Ask for approval")
    status(bob, "Waiting for approval")
    expect(bob.get_by_text("Alice Adams can decide.")).to_be_visible()
    approve(alice, "May I?")

    # The member's page follows the run to its end, with who approved it.
    status(bob, "Succeeded")
    expect(bob.locator("#receipt").get_by_text("Alice Adams")).to_be_visible()
    expect(bob.locator("#receipt").get_by_text("Members need approval for writing tools")).to_be_visible()
    alice.goto("/sandbox/")
    expect(alice.get_by_text("May I?")).to_be_visible()

    # Denied, with a reason that the member reads.
    ask_to_post(bob, "And again?", "Ask for approval")
    deny(alice, "Once is enough.")
    expect(bob.get_by_text("Alice Adams denied it: Once is enough.").first).to_be_visible()
    alice.goto("/sandbox/")
    expect(alice.get_by_text("And again?")).to_have_count(0)
