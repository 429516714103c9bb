"""Every page, furnished: clean for axe in light and dark, and nothing sticks out on a narrow screen."""

from collections.abc import Iterator
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, Page

from tests.browser.conftest import Furnished, Ids, enter, enter_code
from tests.browser.looking import WIDE, look_at, violations_in_light_and_dark

pytestmark = pytest.mark.browser
OWNED = [
    "",
    "tools/",
    "tools/?q=nothing-matches-this",
    "tools/SANDBOX_SEND_MESSAGE/",
    "tools/GITHUB_GET_ISSUES/",
    "tools/JIRA_CREATE_ISSUE/",
    "explain/",
    "explain/?tool=SANDBOX_SEND_MESSAGE",
    "explain/?tool=JIRA_CREATE_ISSUE",
    "explain/?tool=mess",
    "connections/",
    "connections/new/",
    "connections/new/sandbox/",
    "connections/new/github/",
    "connections/new/jira/",
    "requests/",
    "requests/?status=all",
    "runs/",
    "runs/?status=timed_out&tool=GITHUB_GET_REPO",
    "sessions/",
    "sessions/?state=ended",
    "sessions/new/",
    "api-keys/",
    "api-keys/new/",
    "api-keys/mcp-clients/",
    "audit/",
    "audit/?action=nothing.like.this",
    "audit/?target=e",
]
PLAIN = [
    "/orgs/new/",
    "/orgs/acme/members/",
    "/orgs/acme/members/?q=nobody-is-called-this",
    "/orgs/acme/members/leave/",
    "/orgs/acme/access/",
    "/orgs/acme/members/handed-over/",
    "/orgs/acme/access/?q=nobody-is-called-this",
    "/orgs/acme/members/invite/",
    "/orgs/acme/members/invitations/",
    "/orgs/acme/settings/",
    "/orgs/acme/requests/new/",
    "/orgs/acme/requests/new/?toolkit=github&tool=GITHUB_CREATE_ISSUE",
    "/orgs/acme/requests/new/?toolkit=slack",
    "/orgs/acme/settings/support/",
    "/orgs/acme/settings/two-factor/",
    "/orgs/acme/settings/ownership/",
    "/orgs/acme/settings/ownership/delete/",
    "/orgs/initech/settings/ownership/",
    "/orgs/initech/",
    "/orgs/acme/policies/",
    "/orgs/acme/policies/change/?place=all&people=role%3Amember&preset=read",
    "/orgs/acme/policies/grants/new/",
    "/orgs/acme/approvals/",
    "/orgs/acme/applications/",
    "/orgs/acme/applications/new/",
    "/orgs/acme/webhooks/",
    "/orgs/acme/webhooks/new/",
    "/invitation/",
    "/profile/",
    "/profile/leave/",
    "/me/reports/",
    "/notices/",
    "/notices/?show=unread",
    "/search/?q=mess",
    "/docs/api/",
    "/docs/api/?q=nothing-is-called-this",
    "/accounts/email/",
    "/accounts/password/change/",
    "/accounts/2fa/",
    "/accounts/sessions/",
    "/accounts/logout/",
    "/sandbox/",
    "/styleguide",
]


def addresses(ids: Ids) -> list[str]:
    # The consent page first: it asks again whoever signed in more than ten minutes ago.
    found = [*ids["me"]["asks"], *ids["acme"]["asks"], *PLAIN]
    for prefix, mine in (("/me/", ids["me"]), ("/orgs/acme/", ids["acme"])):
        found += [prefix + page for page in OWNED]
        found += [f"{prefix}connections/{one}/" for one in mine["accounts"]]
        found += [f"{prefix}connections/{mine['accounts'][0]}/{one}/" for one in ("disconnect", "pause", "default")]
        found += [
            f"{prefix}members/{one}/{page}"
            for one in mine.get("members", [])
            for page in ("remove/", "suspend/", "role/?role=viewer")
        ]
        found += [f"{prefix}settings/ownership/transfer/?member={one}" for one in mine.get("members", [])]
        found += [f"{prefix}runs/call-off/", *(f"{prefix}runs/{one}/" for one in mine["runs"])]
        found += [f"{prefix}sessions/{one}/" for one in mine["sessions"]]
        found += [f"{prefix}sessions/{mine['sessions'][0]}/{page}/" for page in ("change", "end")]
        found += [f"{prefix}api-keys/{one}/" for one in mine["keys"]]
        found += [f"{prefix}api-keys/{mine['keys'][0]}/{page}/" for page in ("rotate", "revoke")]
        found += [f"{prefix}api-keys/mcp-clients/{one}/revoke/" for one in mine["clients"]]
        found += [f"{prefix}requests/{one}/" for one in mine.get("requests", [])]
        found += [f"{prefix}reports/{one}/" for one in mine.get("reports", [])]
        found += [f"{prefix}auth-configs/{page}" for page in mine.get("auth_configs", [])]
        found += [f"{prefix}webhooks/{page}" for page in mine.get("webhooks", [])]
        found += [f"{prefix}applications/{page}" for page in mine.get("applications", [])]
        asked = [page.partition("/")[0] for page in mine.get("applications", [])[:1]]
        found += [f"{prefix}explain/?tool=GITHUB_CREATE_ISSUE&member={one}" for one in asked]
    return found


@pytest.fixture
def visitor(browser: Browser, furnished: Furnished) -> Iterator[Page]:
    product, _ = furnished
    # Without movement: a colour that is still changing is neither the light nor the dark one.
    context = browser.new_context(base_url=product.url, viewport=WIDE, reduced_motion="reduce")  # type: ignore[arg-type]
    page = context.new_page()
    enter(page, product.logins["alice"])
    yield page
    context.close()


def test_every_page_is_accessible_and_fits_a_narrow_screen(visitor: Page, furnished: Furnished) -> None:
    product, ids = furnished
    password = product.logins["alice"].password

    found = [problem for path in addresses(ids) for problem in look_at(visitor, path, password)]

    assert "\n".join(found) == ""


def test_list_covers_every_kind_of_page(furnished: Furnished) -> None:
    """The furnished installation has runs with every ending and accounts in several states under both owners."""
    paths = addresses(furnished[1])

    assert len([path for path in paths if "/runs/ex_" in path]) == 18
    assert len([path for path in paths if "/requests/rq_" in path]) == 7
    assert len([path for path in paths if "/connections/ca_" in path]) >= 10


# --- The same pages for those who may do less

MAIN = [
    "",
    "tools/",
    "tools/SANDBOX_SEND_MESSAGE/",
    "tools/GITHUB_CREATE_ISSUE/",
    "explain/?tool=SANDBOX_SEND_MESSAGE",
    "connections/",
    "connections/new/sandbox/",
    "requests/",
    "runs/",
    "sessions/",
    "sessions/new/",
    "api-keys/",
    "members/",
    "members/leave/",
    "policies/",
    "requests/new/?toolkit=github&tool=GITHUB_CREATE_ISSUE",
    "settings/",  # refused
]


def pages_of_others(ids: Ids) -> list[str]:
    acme = ids["acme"]
    theirs = [*MAIN, f"connections/{acme['accounts'][0]}/", *(f"runs/{one}/" for one in acme["runs"][:4])]
    return ["/me/", "/me/connections/", *(f"/orgs/acme/{page}" for page in theirs)]


@pytest.mark.parametrize("name", ["bob", "carol"])  # a member and a viewer
def test_pages_are_accessible_to_those_who_may_do_less(browser: Browser, furnished: Furnished, name: str) -> None:
    product, ids = furnished
    context = browser.new_context(base_url=product.url, viewport=WIDE, reduced_motion="reduce")  # type: ignore[arg-type]
    page = context.new_page()
    enter(page, product.logins[name])
    password = product.logins[name].password

    found = [one for path in pages_of_others(ids) for one in look_at(page, path, password, statuses=(200, 403))]

    context.close()
    assert "\n".join(found) == ""


# --- The admin site, of which templates/admin changes the frame, the page of a row and the page of an act

ADMIN_LISTS = [
    "/admin/",
    "/admin/accounts/user/",
    "/admin/orgs/organization/",
    "/admin/orgs/invitation/",
    "/admin/integrations/toolkit/",
    "/admin/integrations/connectedaccount/",
    "/admin/integrations/execution/",
]


@pytest.fixture
def staff(browser: Browser, furnished: Furnished) -> Iterator[Page]:
    """Sam of the support team, signed in with his second factor."""
    product, _ = furnished
    context = browser.new_context(base_url=product.url, viewport=WIDE, reduced_motion="reduce")  # type: ignore[arg-type]
    page = context.new_page()
    page.goto("/accounts/login/")
    page.locator("input[name=login]").fill(product.logins["sam"].email)
    page.locator("input[type=password]").fill(product.logins["sam"].password)
    page.get_by_role("button", name="Sign in", exact=True).click()
    enter_code(page)
    yield page
    context.close()


def pages_of_support(page: Page) -> list[str]:
    """The lists; of each the page of its first row; and the pages of all that can be done to that row."""
    found = list(ADMIN_LISTS)
    for path in ADMIN_LISTS[1:]:
        page.goto(path)
        row = page.locator("#result_list tbody th a").first.get_attribute("href")
        page.goto(row or path)
        acts = page.locator("ul.object-tools a:not(.historylink)")
        found += [row or path, *(urlsplit(acts.nth(n).evaluate("one => one.href")).path for n in range(acts.count()))]
    return found


def test_every_page_of_support_is_accessible(staff: Page) -> None:
    found = []
    paths = pages_of_support(staff)
    for path in paths:
        assert staff.goto(path).status == 200, path  # type: ignore[union-attr]
        found += violations_in_light_and_dark(staff)

    assert "\n".join(found) == ""
    assert len([path for path in paths if path.endswith(("/pause/", "/cancel/", "/unlock/", "/switch-off/"))]) >= 2
