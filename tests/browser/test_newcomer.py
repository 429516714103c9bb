"""A newcomer's first five minutes, on the product as `make run` starts it, with the printed logins.

Run as oneself, refused once with the way out, run as the organization; then a member whom the admin's
connection serves, and a viewer who may only look.
"""

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser.conftest import Product, Visit

pytestmark = pytest.mark.browser
SignIn = Callable[..., Page]


def send_message(page: Page, subject: str) -> None:
    """Fill in the tool page of the sandbox's SEND_MESSAGE; the caller presses the button."""
    page.locator("[name=arg-to]").select_option("sam.rivera@sandbox.example")
    page.locator("[name=arg-subject]").fill(subject)
    page.locator("[name=arg-body]").fill("Is <b>Lisbon</b> nice in November?")


def consent(page: Page, identity: str) -> None:
    """From our consent page through the sandbox's own."""
    page.get_by_role("button", name="Go on to Sandbox").click()
    page.get_by_label(re.compile(identity)).check()
    page.get_by_role("button", name="Allow").click()


def post_to_channel(page: Page, text: str) -> None:
    page.locator("[name=arg-channel]").fill("general")
    page.locator("[name=arg-text]").fill(text)


def status(page: Page, label: str) -> None:
    expect(page.locator("#main").get_by_text(label, exact=True).first).to_be_visible()


@pytest.fixture(scope="module")
def acme_is_connected(browser: Browser, product: Product) -> None:
    """Alice has connected the sandbox for Acme."""
    visit = Visit(browser)
    page = visit(product, "alice")
    page.goto("/orgs/acme/connections/new/sandbox/")
    consent(page, "Acme team")
    page.get_by_role("button", name="Confirm and connect").click()
    expect(page.get_by_text("team@acme.sandbox.example").first).to_be_visible()
    visit.close()


def go_home(page: Page, done: int) -> None:
    """By the navigation. So many of the three steps are ticked off there."""
    page.get_by_role("navigation", name="Main").get_by_role("link", name="Home").click()
    expect(page.get_by_text(f"{done} of 3 done")).to_be_visible()


def open_tool(page: Page, name: str) -> None:
    """By the navigation and the catalogue."""
    page.get_by_role("navigation", name="Main").get_by_role("link", name="Tools").click()
    page.get_by_role("region", name="Tools of Sandbox").get_by_role("link", name=name, exact=True).click()
    expect(page.get_by_role("heading", name=name, level=1)).to_be_visible()


def look_into_the_sandbox(page: Page, text: str) -> None:
    """From the page of a run, and back to Switchboard."""
    page.get_by_role("link", name="See what is in the sandbox").click()
    expect(page.get_by_text(text).first).to_be_visible()
    page.get_by_role("link", name="Back to Switchboard").click()
    page.wait_for_url("**/me/")


def test_the_first_five_minutes(visit: Visit, fresh: Product) -> None:  # noqa: PLR0915  # one story, told in order
    """No address is typed: each page leads on."""
    page = visit(fresh, "alice")
    expect(page.get_by_text("Three steps to see how it works")).to_be_visible()
    expect(page.get_by_text("0 of 3 done")).to_be_visible()

    # Connect: our consent page, the sandbox's, and back with the identity.
    page.get_by_role("link", name="Connect it for me").click()
    expect(page.get_by_role("heading", name="Connect Sandbox")).to_be_visible()
    consent(page, "Ada Park")
    expect(page.get_by_text("ada.park@sandbox.example").first).to_be_visible()
    assert "code=" not in page.url
    assert "state=" not in page.url

    # The first step: run as oneself. The page follows the run to its end.
    go_home(page, 0)
    page.locator("#first-steps").get_by_role("link", name=re.compile("^Open “[^”]+”$")).click()
    page.get_by_role("button", name="Run as me").click()
    page.wait_for_url("**/me/runs/ex_*/")
    status(page, "Succeeded")
    expect(page).to_have_title(re.compile(r"^Succeeded: SANDBOX_\w+ · Switchboard$"))  # it was Queued or Running
    expect(page.get_by_role("link", name="Ada Park")).to_be_visible()
    go_home(page, 1)

    # Something that leaves a trace in the sandbox.
    open_tool(page, "Send a message")
    send_message(page, "From myself")
    page.get_by_role("button", name="Run as me").click()
    page.wait_for_url("**/me/runs/ex_*/")
    status(page, "Succeeded")
    expect(page.get_by_text("Is <b>Lisbon</b> nice").first).to_be_visible()  # data, not markup
    look_into_the_sandbox(page, "From myself")

    # The second step: as Acme it is refused, for the account answers to the ID it was connected with.
    page.get_by_role("link", name=re.compile("^Open “[^”]+” as Acme")).click()
    page.get_by_role("button", name="Run as Acme").click()
    page.wait_for_url("**/orgs/acme/runs/ex_*/")
    expect(page.get_by_text("No Sandbox account is connected under Acme").first).to_be_visible()
    expect(page.get_by_role("button", name="Run as yourself").first).to_be_visible()
    go_home(page, 2)

    # The third step: connect for Acme. Who will be able to use it, and is it the right account?
    page.get_by_role("link", name="Connect it for Acme").click()
    expect(page.get_by_text("Bob Brown").first).to_be_visible()
    consent(page, "Acme team")
    expect(page.get_by_role("heading", name="Is this the right account?")).to_be_visible()
    page.get_by_role("button", name="Confirm and connect").click()
    expect(page.get_by_text("team@acme.sandbox.example").first).to_be_visible()
    open_tool(page, "Post to a channel")
    post_to_channel(page, "Hello from the team!")
    page.get_by_role("button", name="Run as Acme").click()
    page.wait_for_url("**/orgs/acme/runs/ex_*/")
    status(page, "Succeeded")
    look_into_the_sandbox(page, "Hello from the team!")

    # All three steps are done, so they stand there no more.
    expect(page.get_by_role("heading", name="Hello, Alice")).to_be_visible()
    expect(page.locator("#first-steps")).to_have_count(0)

    # The runs of one ID do not stand among those of the other.
    page.get_by_role("navigation", name="Main").get_by_role("link", name="Runs").click()
    expect(page.get_by_text("Send a message").first).to_be_visible()
    expect(page.get_by_text("Post to a channel")).to_have_count(0)


@pytest.mark.usefixtures("acme_is_connected")
def test_a_member_is_refused_as_themself_and_runs_as_acme_with_one_click(sign_in: SignIn) -> None:
    page = sign_in("bob")

    page.goto("/me/tools/SANDBOX_POST_TO_CHANNEL/")
    post_to_channel(page, "Bob says hello")
    page.get_by_role("button", name="Run as me").click()
    page.wait_for_url("**/me/runs/ex_*/")
    expect(page.get_by_text("an account only answers to the ID it was connected with").first).to_be_visible()
    page.get_by_role("button", name="Run as Acme").first.click()

    page.wait_for_url("**/orgs/acme/runs/ex_*/")
    status(page, "Succeeded")
    page.goto("/sandbox/")
    expect(page.get_by_text("Bob says hello")).to_be_visible()


@pytest.mark.usefixtures("acme_is_connected")
def test_a_member_sees_who_may_connect_for_acme(sign_in: SignIn) -> None:
    page = sign_in("bob")

    page.goto("/orgs/acme/connections/")

    expect(page.get_by_text("Acme team").first).to_be_visible()
    expect(page.get_by_role("link", name="Connect an account")).to_have_count(0)
    expect(page.get_by_role("link", name="Request a connection")).to_be_visible()
    assert page.goto("/orgs/acme/connections/new/sandbox/") is not None
    expect(page.get_by_role("button", name=re.compile("Go on"))).to_be_disabled()


@pytest.mark.usefixtures("acme_is_connected")
def test_a_viewer_cannot_run_and_is_told_why(sign_in: SignIn) -> None:
    page = sign_in("carol")

    page.goto("/orgs/acme/tools/SANDBOX_POST_TO_CHANNEL/")

    expect(page.get_by_text("Your role in Acme is viewer").first).to_be_visible()
    expect(page.get_by_role("button", name=re.compile("^Run .*Ask an admin of Acme"))).to_be_disabled()


@pytest.mark.usefixtures("acme_is_connected")
def test_the_run_button_works_without_scripts(sign_in: SignIn) -> None:
    page = sign_in("bob", java_script_enabled=False)

    page.goto("/orgs/acme/tools/SANDBOX_LIST_CHANNELS/")
    page.get_by_role("button", name="Run as Acme").click()
    page.wait_for_url("**/orgs/acme/runs/ex_*/")
    for _ in range(120):
        if page.get_by_text("Succeeded", exact=True).count():
            break
        page.wait_for_timeout(250)
        page.reload()

    status(page, "Succeeded")


def test_the_palette_finds_a_tool(sign_in: SignIn) -> None:
    page = sign_in("alice")

    page.keyboard.press("Control+k")
    page.keyboard.type("post to a channel")
    expect(page.get_by_role("dialog").get_by_role("link", name=re.compile("Post to a channel")).first).to_be_visible()
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")

    page.wait_for_url("**/tools/SANDBOX_POST_TO_CHANNEL/")
