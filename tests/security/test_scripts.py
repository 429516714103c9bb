"""What others wrote is shown as text: no script of theirs runs, in a real browser, on any page (checks I7, I8, I13)."""

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

import pytest
from playwright.sync_api import Browser, Dialog, Page

from tests.browser.conftest import Product, browser, enter, start_product
from tests.databases import own_database
from tests.security.hostile import PAYLOADS, PROBE

__all__ = ["browser"]  # the fixture
pytestmark = pytest.mark.browser
COUNT = (
    "window.violations = []; document.addEventListener('securitypolicyviolation', e => violations.push(e.blockedURI))"
)
INJECT = "html => { const box = document.createElement('div'); document.body.append(box); box.innerHTML = html }"
LISTS = ["/me/", "/me/connections/", "/me/runs/", "/me/tools/", "/me/tools/SANDBOX_LIST_MESSAGES/", "/profile/"]
OTHERS = ["/orgs/acme/", "/orgs/acme/members/", "/orgs/acme/connections/new/sandbox/", "/me/connections/new/sandbox/"]


@dataclass
class Hostile:
    product: Product
    ids: dict[str, list[str]]

    @property
    def pages(self) -> list[str]:
        mine = self.ids
        found = [*LISTS, *OTHERS, *(f"/search/?q={word}" for word in ("alert", "<script>alert(1)", "hostile"))]
        found += [f"/me/connections/{one}/" for one in mine["accounts"]]
        found += [f"/me/connections/{mine['accounts'][1]}/disconnect/"]
        found += [f"/me/runs/{one}/" for one in mine["runs"]]
        return found + [f"/me/connections/requests/{one}/" for one in mine["requests"]]


@dataclass
class Watched:
    """A page, and what happened on it that must not."""

    page: Page
    events: list[str] = field(default_factory=list)

    def look_at(self, path: str) -> str:
        answer = self.page.goto(path)
        assert answer is not None
        assert answer.status == 200, path
        assert "script-src 'self'" in answer.headers["content-security-policy"]
        self.page.wait_for_timeout(120)  # what hangs on load, focus or a timer has happened by then
        self.events += self.page.evaluate("window.violations")
        return self.page.inner_text("body")


@pytest.fixture(scope="module")
def hostile(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Hostile]:
    folder = tmp_path_factory.mktemp("hostile")
    with own_database(folder) as database_url:
        for product in start_product(folder, {"DATABASE_URL": database_url}):
            command = "from tests.security.hostile import furnish; furnish()"
            said = product.manage("shell", "--no-imports", "-c", command)
            yield Hostile(product, json.loads(said.splitlines()[-1]))


@pytest.fixture
def watched(browser: Browser, hostile: Hostile) -> Iterator[Watched]:
    context = browser.new_context(base_url=hostile.product.url)
    context.add_init_script(COUNT)
    page = context.new_page()
    enter(page, hostile.product.logins["alice"])
    found = Watched(page)
    page.on("dialog", lambda dialog: _note(dialog, found.events))
    page.on("request", lambda asked: found.events.append(asked.url) if PROBE in asked.url else None)
    page.on("pageerror", lambda error: found.events.append(str(error)))
    yield found
    context.close()


def happens(page: Page, condition: Callable[[], bool]) -> None:
    """The browser tells of it while we wait for something else."""
    for _ in range(600):
        if condition():
            return
        page.wait_for_timeout(50)
    raise AssertionError("It did not happen.")


def _note(dialog: Dialog, events: list[str]) -> None:
    events.append(f"dialog: {dialog.message}")
    dialog.dismiss()


def test_there_are_enough_payloads() -> None:
    assert len(set(PAYLOADS)) >= 60


def test_no_payload_runs_on_any_page(watched: Watched, hostile: Hostile) -> None:
    read = "".join(watched.look_at(path) for path in hostile.pages)

    assert watched.events == []
    # they were there, and read as what they are
    assert [payload for payload in PAYLOADS if "".join(payload[:60].split()) not in "".join(read.split())] == []


def test_what_would_run_is_noticed(watched: Watched) -> None:
    """The positive control, on a page of ours: the policy stops it, and the watch sees that."""
    watched.look_at("/me/")

    watched.page.evaluate(INJECT, "<img src=x onerror=alert(1)>")
    watched.page.evaluate(INJECT, f"<img src={PROBE}>")

    happens(watched.page, lambda: "inline" in watched.page.evaluate("window.violations"))
    happens(watched.page, lambda: any(PROBE in event for event in watched.events))


def test_a_script_that_runs_is_noticed(browser: Browser, hostile: Hostile) -> None:
    """The other half: where no policy holds, the dialog opens and is counted."""
    context = browser.new_context(base_url=hostile.product.url, bypass_csp=True)
    page = context.new_page()
    events: list[str] = []
    page.on("dialog", lambda dialog: _note(dialog, events))
    page.goto("/accounts/login/")

    page.evaluate(INJECT, "<img src=x onerror=alert(1)>")
    happens(page, lambda: bool(events))
    context.close()

    assert events == ["dialog: 1"]
