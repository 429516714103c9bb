"""The seeds' own calls, at OAuth servers that others wrote: GitHub for a person, Slack for the organization.

emulate plays both, with real consent pages that are clicked in Chromium. An unknown token would be
taken for the decoy user, so the identity that comes back proves whose token was sent.
"""

import json
import os
import re
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser.conftest import PATIENCE_MILLISECONDS, Login, Product, enter, start_product
from tests.databases import own_database
from tests.emulate.server import Emulate, missing_part
from tests.factories import PASSWORD

pytestmark = [pytest.mark.browser, pytest.mark.emulate]


@pytest.fixture(scope="module")
def product(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Product]:
    """The product with auth configs for emulate's GitHub and Slack, and emulate beside it."""
    if missing := missing_part():
        pytest.fail(missing) if os.environ.get("CI") else pytest.skip(missing)
    folder, emulate = tmp_path_factory.mktemp("real-providers"), Emulate()
    with own_database(folder) as database_url:
        extra = {"DATABASE_URL": database_url, "EGRESS_ALLOW": ",".join(sorted(emulate.hosts()))}
        for product in start_product(folder, extra):
            emulate.start(_set_up(product, emulate, folder))
            yield product
            emulate.stop()


def _set_up(product: Product, emulate: Emulate, folder: Path) -> list[str]:
    """Provision the installation's own OAuth apps with `bootstrap`; return their callback URLs."""
    entries = [_entry(emulate, service) for service in ("github", "slack")]
    document = folder / "apps.yaml"
    document.write_text(json.dumps({"auth_configs": entries}))  # JSON is YAML
    product.manage("bootstrap", str(document))
    command = (
        "from integrations.models import AuthConfig; import json; "
        "rows = AuthConfig.objects.unscoped('test').filter(name='Emulated'); "
        "print(json.dumps([f'/oauth/callback/{row.id}/' for row in rows]))"
    )
    paths = json.loads(product.manage("shell", "--no-imports", "-c", command).splitlines()[-1])
    return [product.url + path for path in paths]


def _entry(emulate: Emulate, service: str) -> dict[str, object]:
    client_id, secret = emulate.client(service)
    return {
        "toolkit": service,
        "scheme": "oauth2",
        "name": "Emulated",
        "client_id": client_id,
        "client_secret": secret,
        "overrides": emulate.overrides(service),
        "scopes": {"github": ["repo", "read:user"], "slack": ["chat:write", "channels:read"]}[service],
    }


@pytest.fixture
def page(browser: Browser, product: Product) -> Iterator[Page]:
    context = browser.new_context(base_url=product.url)
    context.set_default_timeout(PATIENCE_MILLISECONDS)
    page = context.new_page()
    enter(page, product.logins["alice"])
    yield page
    context.close()


def connect(page: Page, address: str, service: str, person: str) -> None:
    """From our consent page to the provider's, where the person is chosen, and back."""
    page.goto(address)
    if page.get_by_role("link", name=re.compile("Emulated")).count():
        page.get_by_role("link", name=re.compile("Emulated")).first.click()
    page.get_by_role("button", name=f"Go on to {service}").click()
    page.get_by_role("button", name=re.compile(person)).click()


def test_a_person_gets_a_repository_at_github(page: Page) -> None:
    connect(page, "/me/connections/new/github/", "GitHub", "ada")
    expect(page.get_by_text("ada", exact=True).first).to_be_visible()

    page.goto("/me/tools/GITHUB_GET_REPO/")
    page.locator("[name=arg-owner]").fill("acme")
    page.locator("[name=arg-repo]").fill("widgets")
    page.get_by_role("button", name="Run as me").click()
    page.wait_for_url("**/me/runs/ex_*/")

    expect(page.locator("#main").get_by_text("Succeeded", exact=True).first).to_be_visible()
    expect(page.get_by_text("Everything about widgets").first).to_be_visible()


def test_the_organization_sends_a_message_at_slack(page: Page) -> None:
    connect(page, "/orgs/acme/connections/new/slack/", "Slack", "ada")
    page.get_by_role("button", name="Confirm and connect").click()

    page.goto("/orgs/acme/tools/SLACK_SEND_MESSAGE/")
    page.locator("[name=arg-channel]").fill("#general")
    page.locator("[name=arg-text]").fill("Hello from the team!")
    page.get_by_role("button", name="Run as Acme").click()
    page.wait_for_url("**/orgs/acme/runs/ex_*/")

    expect(page.locator("#main").get_by_text("Succeeded", exact=True).first).to_be_visible()
    expect(page.get_by_text("Hello from the team!").first).to_be_visible()


def test_the_persons_account_does_not_answer_to_the_organization(page: Page) -> None:
    page.goto("/orgs/acme/tools/GITHUB_GET_REPO/")
    page.locator("[name=arg-owner]").fill("acme")
    page.locator("[name=arg-repo]").fill("widgets")
    page.get_by_role("button", name="Run as Acme").click()
    page.wait_for_url("**/orgs/acme/runs/ex_*/")

    expect(page.get_by_text("No GitHub account is connected under Acme").first).to_be_visible()


def disconnect(page: Page, label: str) -> None:
    page.goto("/orgs/acme/connections/")
    page.get_by_role("link", name=f"Disconnect {label}").click()
    page.locator("[name=typed]").fill(label)
    page.get_by_role("button", name=re.compile("Disconnect")).click()
    expect(page.get_by_text(f"Disconnected the GitHub account {label}").first).to_be_visible()


def test_a_member_asks_an_admin_consents_and_the_member_runs(browser: Browser, product: Product, page: Page) -> None:
    """The way of a request, from the refusal to the run. `page` is the admin's."""
    context = browser.new_context(base_url=product.url)
    context.set_default_timeout(20_000)
    member = context.new_page()
    enter(member, product.logins["bob"])

    member.goto("/orgs/acme/tools/GITHUB_GET_REPO/")
    member.get_by_role("link", name="Ask an admin of Acme to connect GitHub").first.click()
    member.locator("[name=reason]").fill("To look up our repositories for the release notes")
    member.get_by_role("button", name="Ask the admins").click()
    expect(member.get_by_text("The admins of Acme are told").first).to_be_visible()

    page.goto("/orgs/acme/requests/")
    page.get_by_role("link", name=re.compile("Connect GitHub")).click()
    expect(page.get_by_text("To look up our repositories for the release notes")).to_be_visible()
    approve = page.get_by_role("link", name=re.compile("Approve: connect GitHub")).get_attribute("href")
    connect(page, approve or "", "GitHub", "ada")
    page.get_by_role("button", name="Confirm and connect").click()
    expect(page.get_by_text("GitHub is connected as ada").first).to_be_visible()

    member.goto("/me/requests/")
    expect(member.get_by_role("cell", name="Approved").first).to_be_visible()
    member.goto("/orgs/acme/tools/GITHUB_GET_REPO/")
    member.locator("[name=arg-owner]").fill("acme")
    member.locator("[name=arg-repo]").fill("widgets")
    member.get_by_role("button", name="Run as Acme").click()
    member.wait_for_url("**/orgs/acme/runs/ex_*/")
    expect(member.locator("#main").get_by_text("Succeeded", exact=True).first).to_be_visible()
    expect(member.get_by_text("Everything about widgets").first).to_be_visible()
    context.close()

    disconnect(page, "ada")  # the tests around this one begin without it, in whatever order


@pytest.fixture
def people(browser: Browser, product: Product) -> Iterator[Callable[[str], Page]]:
    """Sign people in, each in a browser context of their own. Dana is an admin of Acme."""
    command = (
        "from accounts.models import User; from orgs.models import Organization; from orgs.permissions import Role; "
        "from tests.factories import make_membership, make_user; "
        "acme = Organization.objects.get(slug='acme'); "
        "User.objects.filter(username='dana').exists() or "
        "make_membership(acme, make_user('dana', name='Dana Diaz'), Role.ADMIN)"
    )
    product.manage("shell", "--no-imports", "-c", command)
    logins = {**product.logins, "dana": Login("dana@example.com", PASSWORD)}
    contexts = []

    def sign_in(name: str) -> Page:
        context = browser.new_context(base_url=product.url)
        context.set_default_timeout(PATIENCE_MILLISECONDS)
        contexts.append(context)
        page = context.new_page()
        enter(page, logins[name])
        return page

    yield sign_in
    for context in contexts:
        context.close()


def send_at_slack(page: Page, text: str) -> None:
    page.goto("/orgs/acme/tools/SLACK_SEND_MESSAGE/")
    page.locator("[name=arg-channel]").fill("#general")
    page.locator("[name=arg-text]").fill(text)
    page.get_by_role("button", name="Run as Acme").click()
    page.wait_for_url("**/orgs/acme/runs/ex_*/")
    expect(page.locator("#main").get_by_text("Succeeded", exact=True).first).to_be_visible()


def test_an_admin_who_connected_slack_leaves_and_nothing_breaks(people: Callable[[str], Page]) -> None:
    dana, alice, bob = people("dana"), people("alice"), people("bob")
    connect(dana, "/orgs/acme/connections/new/slack/", "Slack", "ada")
    dana.get_by_role("button", name="Confirm and connect").click()
    expect(dana.get_by_text(re.compile("Slack is connected")).first).to_be_visible()
    send_at_slack(bob, "Before Dana leaves")

    # what happens is said first, and Dana's name must be typed
    alice.goto("/orgs/acme/members/")
    alice.get_by_role("link", name="Remove Dana Diaz").click()
    expect(alice.get_by_text("Connections granted by Dana Diaz")).to_be_visible()
    alice.get_by_label("Type Dana Diaz to confirm").fill("Dana Diaz")
    alice.get_by_role("button", name="Remove Dana Diaz").click()
    expect(alice.get_by_text("Dana Diaz no longer belongs to Acme.")).to_be_visible()

    answer = dana.goto("/orgs/acme/connections/")
    assert answer is not None
    assert answer.status == 404
    send_at_slack(bob, "After Dana left")

    # the successor consents anew to the very same account
    alice.goto("/orgs/acme/connections/")
    expect(alice.get_by_text("Granted by Dana Diaz, who left; Alice Adams should consent anew.")).to_be_visible()
    alice.locator("li", has_text="should consent anew").get_by_role("link").first.click()
    alice.get_by_role("link", name="Consent anew").first.click()
    alice.get_by_role("button", name="Go on to Slack").click()
    alice.get_by_role("button", name=re.compile("ada")).click()
    expect(alice.get_by_text(re.compile("It is the same account as before")).first).to_be_visible()
    alice.goto("/orgs/acme/connections/")
    expect(alice.get_by_text("should consent anew")).to_have_count(0)
    send_at_slack(bob, "After Alice consented")
