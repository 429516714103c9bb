"""Pages that one reaches by doing something, or when something goes wrong: as accessible as those with an address."""

import re
from collections.abc import Callable, Iterator

import pytest
from django.template.loader import render_to_string
from playwright.sync_api import Browser, Page, expect

from tests.browser.conftest import Furnished, Product, enter, enter_code
from tests.browser.looking import WIDE, look
from tests.factories import PASSWORD

pytestmark = pytest.mark.browser
OpenPage = Callable[..., Page]
ERRORS = ["400", "403", "403_csrf", "404", "409", "429", "500"]
PUBLIC = [
    "/accounts/confirm-email/",
    "/accounts/confirm-email/nonsense/",
    "/accounts/password/reset/done/",
    "/accounts/password/reset/key/1-nonsense/",
    "/accounts/password/reset/key/done/",
    "/accounts/inactive/",
    "/me/no-such-page/",
]
FACTORS = [
    "/accounts/2fa/",
    "/accounts/2fa/totp/deactivate/",
    "/accounts/2fa/webauthn/",
    "/accounts/2fa/webauthn/add/",
    "/accounts/2fa/recovery-codes/generate/",
]


@pytest.fixture
def open_page(browser: Browser, furnished: Furnished) -> Iterator[OpenPage]:
    """A page of the furnished installation, in a browser of its own; with a name, that person is signed in."""
    product, _ = furnished
    contexts = []

    def opened(name: str = "") -> Page:
        context = browser.new_context(base_url=product.url, viewport=WIDE, reduced_motion="reduce")  # type: ignore[arg-type]
        contexts.append(context)
        page = context.new_page()
        if name:
            enter(page, product.logins[name])
        return page

    yield opened
    for context in contexts:
        context.close()


def links_mailed(product: Product, path: str) -> list[str]:
    """The addresses in letters, which a trial installation writes into its log."""
    return re.findall(rf"\S+{path}\S+", (product.data_dir / "logs" / "web.log").read_text())


def said(found: list[str]) -> str:
    return "\n".join(found)


@pytest.mark.parametrize("name", ERRORS)
def test_error_page(open_page: OpenPage, name: str) -> None:
    page = open_page()
    body = render_to_string(f"{name}.html")
    page.route("**/went-wrong/", lambda route: route.fulfill(body=body, content_type="text/html"))

    page.goto("/went-wrong/")

    expect(page.get_by_role("heading", level=1)).to_be_visible()
    assert said(look(page)) == ""


def test_pages_for_somebody_on_the_way_in(open_page: OpenPage) -> None:
    page, found = open_page(), []

    for path in PUBLIC:
        page.goto(path)
        found += look(page)

    assert said(found) == ""


def test_connecting_for_an_organization(open_page: OpenPage) -> None:
    page = open_page("alice")
    page.goto("/orgs/acme/connections/new/sandbox/")
    page.get_by_role("button", name="Go on to Sandbox").click()
    page.wait_for_url("**/sandbox/oauth/authorize**")
    found = look(page)
    page.get_by_label(re.compile("Acme team")).check()
    page.get_by_role("button", name="Allow").click()

    expect(page.get_by_role("heading", name="Is this the right account?")).to_be_visible()
    found += look(page)
    page.get_by_role("button", name="Confirm and connect").click()
    expect(page.get_by_text("team@acme.sandbox.example").first).to_be_visible()
    found += look(page)

    assert said(found) == ""


def test_new_key_and_its_record(open_page: OpenPage) -> None:
    page = open_page("alice")
    page.goto("/orgs/acme/api-keys/new/")
    page.get_by_label("Name").fill("Weekly report")
    page.locator("input[name=scopes]").first.check()
    page.get_by_role("button", name="Make the key").click()
    expect(page.get_by_text(re.compile("sb_org_")).first).to_be_visible()
    found = look(page)

    page.goto("/orgs/acme/audit/")
    page.locator("#audit-list .row-link").first.click()
    page.wait_for_url("**/audit/*/")
    found += look(page)

    assert said(found) == ""


def test_new_password(open_page: OpenPage, furnished: Furnished) -> None:
    page = open_page()
    page.goto("/accounts/password/reset/")
    page.locator("input[name=email]").fill("carol@example.com")
    page.get_by_role("button", name="Send the link").click()
    page.wait_for_url("**/password/reset/done/")
    [link] = links_mailed(furnished[0], "/accounts/password/reset/key/")

    page.goto(link)

    expect(page.get_by_role("button", name="Set password")).to_be_visible()
    assert said(look(page)) == ""


def test_confirming_an_address(open_page: OpenPage, furnished: Furnished) -> None:
    page = open_page()
    page.goto("/accounts/signup/")
    page.locator("input[name=email]").fill("newcomer@example.com")
    page.locator("input[name=username]").fill("newcomer")
    page.locator("input[name=password1]").fill("another-horse-42")
    page.get_by_role("button", name="Create account").click()
    page.wait_for_url("**/accounts/confirm-email/")
    expect(page.get_by_text("This installation sends no mail")).to_be_visible()
    [link] = links_mailed(furnished[0], "/accounts/confirm-email/")

    page.goto(link)

    expect(page.get_by_role("button", name="Confirm")).to_be_visible()
    assert said(look(page)) == ""


def test_second_factors(open_page: OpenPage, furnished: Furnished) -> None:
    page = open_page("bob")
    page.goto("/accounts/2fa/totp/activate/")
    expect(page.get_by_role("button", name="Switch on")).to_be_visible()
    found = look(page)
    page.goto("/accounts/reauthenticate/")
    found += look(page)

    assert said(found) == ""


def test_second_step_of_a_sign_in_and_recovery_codes(open_page: OpenPage) -> None:
    page = open_page()
    page.goto("/accounts/login/")
    page.locator("input[name=login]").fill("tess@example.com")
    page.locator("input[type=password]").fill(PASSWORD)
    page.get_by_role("button", name="Sign in", exact=True).click()
    expect(page.locator("input[name=code]")).to_be_visible()
    found = look(page)
    enter_code(page)

    for path in FACTORS:
        answer = page.goto(path)
        assert answer is not None
        assert (answer.status, page.url.endswith(path)) == (200, True), path
        found += look(page)
    page.get_by_role("button", name="Make new codes").click()
    page.wait_for_url("**/recovery-codes/")
    found += look(page)

    assert said(found) == ""
