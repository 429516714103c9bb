"""The product as a newcomer starts it, and Chromium to look at it.

`product` runs the very supervisor of `make run` (web, worker, beat, embedded Valkey) on a port and a
data directory of its own. In CI a missing Chromium is a failure; elsewhere the tests say why they are skipped.
"""

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from allauth.mfa.totp.internal.auth import format_hotp_value, hotp_value, yield_hotp_counters_from_time
from playwright.sync_api import Browser, BrowserContext, Page, expect, sync_playwright

from tests.databases import own_database, own_redis
from tests.faults.stack import ROOT, free_port
from tests.staff import SEED

CHROMIUMS = ("chromium", "chromium-browser", "google-chrome")  # .ci/run looks for the same
CHROMIUM = os.environ.get("CHROMIUM") or next(filter(None, map(shutil.which, CHROMIUMS)), None)
QUIET = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"]
OFFLINE = ["--disable-background-networking", "--disable-component-update", "--disable-sync"]
AXE = Path(__file__).parent / "axe" / "axe.min.js"
START_SECONDS = 180
# How long a busy machine may take. A lost bell is made good by the next sweep, so a run's end may come seconds late.
PATIENCE_MILLISECONDS = 30_000


@dataclass(frozen=True)
class Login:
    """One of the logins that `make run` prints."""

    email: str
    password: str


@dataclass(frozen=True)
class Product:
    """A running installation."""

    url: str
    logins: dict[str, Login]
    data_dir: Path
    environ: dict[str, str]

    def manage(self, *arguments: str) -> str:
        """Run a management command on this installation."""
        command = [sys.executable, "-m", "config.run", "manage", *arguments]
        done = subprocess.run(command, cwd=ROOT, env=self.environ, capture_output=True, check=True, timeout=300)
        return done.stdout.decode()


Ids = dict[str, dict[str, list[str]]]  # of what an owner has, by kind
Furnished = tuple[Product, Ids]


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Debian's Chromium, driven by Playwright.

    Not for the whole session: Playwright keeps an event loop running in this thread until it is closed.
    """
    if not CHROMIUM:
        missing = "Chromium is not installed (apt install chromium, or set CHROMIUM to its path)"
        pytest.fail(missing) if os.environ.get("CI") else pytest.skip(missing)
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=CHROMIUM, args=[*QUIET, *OFFLINE])
        expect.set_options(timeout=PATIENCE_MILLISECONDS)
        yield chromium
        chromium.close()


@pytest.fixture
def page(browser: Browser, product: Product) -> Iterator[Page]:
    """A page of somebody who is not signed in."""
    context = browser.new_context(base_url=product.url)
    yield context.new_page()
    context.close()


@pytest.fixture(scope="session")
def product(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Product]:
    """`make run` without the installation step, on an empty data directory."""
    folder = tmp_path_factory.mktemp("product")
    with own_database(folder) as database_url:
        for running in start_product(folder, {"DATABASE_URL": database_url}):
            yield running
            running.manage("audit_tenancy")  # after everything that people did in it, nothing points across owners
            running.manage("verify_audit")


@pytest.fixture(scope="session")
def furnished(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Furnished]:
    """An installation with one of everything, so that every page has something to show."""
    folder = tmp_path_factory.mktemp("furnished")
    with own_database(folder) as database_url:
        for running in start_product(folder, {"DATABASE_URL": database_url}):
            command = "from tests.browser.furnish import furnish; furnish()"
            told = running.manage("shell", "--no-imports", "-c", command)
            yield running, json.loads(told.splitlines()[-1])


@pytest.fixture
def fresh(tmp_path: Path) -> Iterator[Product]:
    """An installation that nobody has used yet, for stories that would get into the way of others."""
    with own_database(tmp_path) as database_url:
        yield from start_product(tmp_path, {"DATABASE_URL": database_url})


def start_product(folder: Path, extra: dict[str, str]) -> Iterator[Product]:
    """Start the supervisor, wait for its box with the logins, stop it as Ctrl-C does."""
    port = free_port()
    inherited = {name: value for name, value in os.environ.items() if not name.startswith(("DJANGO_", "PYTEST_"))}
    for name in ("ENVIRONMENT", "SECRET_KEY", "FIELD_ENCRYPTION_KEYS", "LOG_LEVEL"):
        inherited.pop(name, None)
    sandbox = {name: "" for name in inherited if name.startswith("SANDBOX_")}
    with own_redis(inherited.get("REDIS_URL", "")) as redis:
        own = {"PORT": str(port), "DATA_DIR": str(folder / "data"), "REDIS_URL": redis}
        yield from _running(folder, {**inherited, **sandbox, **own, **extra})


def _running(folder: Path, environ: dict[str, str]) -> Iterator[Product]:
    screen = folder / "screen.log"
    with screen.open("wb") as output:
        process = subprocess.Popen(
            [sys.executable, "-m", "config.run"], cwd=ROOT, env=environ, stdout=output, stderr=output
        )
    try:
        _wait_for_box(process, screen)
        said = screen.read_text()
        [url] = re.findall(r"Switchboard is ready: (http://\S+)", said)
        yield Product(url, _logins(said), folder / "data", environ)
    finally:
        process.send_signal(signal.SIGINT)
        try:
            process.wait(60)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _wait_for_box(process: subprocess.Popen[bytes], screen: Path) -> None:
    end = time.monotonic() + START_SECONDS
    while "Logs: " not in screen.read_text(errors="replace"):
        if process.poll() is not None or time.monotonic() > end:
            raise AssertionError(f"Switchboard did not start:\n{screen.read_text(errors='replace')[-4000:]}")
        time.sleep(0.1)


def _logins(text: str) -> dict[str, Login]:
    found = re.findall(r"(\w+)@example\.com\s+(\S+)", text)
    return {name: Login(f"{name}@example.com", password) for name, password in found}


class Visit:
    """Signs people in, each in a browser context of their own, and collects what the browser complains about."""

    def __init__(self, browser: Browser) -> None:
        self.browser = browser
        self.problems: list[str] = []
        self._contexts: list[BrowserContext] = []

    def __call__(self, product: Product, name: str, **options: Any) -> Page:
        wide = {"width": 1280, "height": 900}
        context = self.browser.new_context(base_url=product.url, **{"viewport": wide, **options})
        context.set_default_timeout(PATIENCE_MILLISECONDS)
        self._contexts.append(context)
        page = context.new_page()
        page.on("console", lambda message: _note(message.type, message.text, self.problems))
        page.on("pageerror", lambda error: self.problems.append(f"script error: {error}"))
        enter(page, product.logins[name])
        return page

    def close(self) -> None:
        for context in self._contexts:
            context.close()


@pytest.fixture
def visit(browser: Browser) -> Iterator[Visit]:
    """Sign somebody in to an installation; fails afterwards on any CSP violation or script error."""
    visiting = Visit(browser)
    yield visiting
    visiting.close()
    assert visiting.problems == []


@pytest.fixture
def sign_in(visit: Visit, product: Product) -> Callable[..., Page]:
    """Sign in as one of the demo people of the shared installation."""
    return lambda name, **options: visit(product, name, **options)


def enter(page: Page, login: Login) -> None:
    page.goto("/")
    page.locator("input[name=login]").fill(login.email)
    page.locator("input[type=password]").fill(login.password)
    page.get_by_role("button", name="Sign in", exact=True).click()
    page.wait_for_url("**/me/")


def enter_code(page: Page) -> None:
    """The second step of a sign-in, for those whose second factor has the seed of the tests."""
    code = format_hotp_value(hotp_value(SEED, next(yield_hotp_counters_from_time())))
    page.locator("input[name=code]").fill(code)
    page.locator("form:has(input[name=code]) button[type=submit]").first.click()
    page.wait_for_url("**/me/")


# htmx writes these when a page gives up a request of its own, such as a search when the next letter is typed.
# Of a request that failed it writes htmx:sendError as well.
GIVEN_UP = ("htmx:afterRequest", "htmx:sendAbort")


def _note(kind: str, text: str, problems: list[str]) -> None:
    """The status of a page is the test's business; everything else that a browser complains about is a fault."""
    if kind == "error" and "the server responded with a status of" not in text and not text.startswith(GIVEN_UP):
        problems.append(text)


STANDARDS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]


def violations_of(page: Page, *, only: list[str] | None = None) -> list[str]:
    """What axe finds on the page (WCAG 2.2 A and AA, or only those rules), as readable lines."""
    if not page.evaluate("'axe' in window"):
        page.evaluate(AXE.read_text())
    result = page.evaluate(
        "options => axe.run(document, options)", {"runOnly": only or STANDARDS, "resultTypes": ["violations"]}
    )
    return [
        f"{page.url}: {one['id']} ({one['impact']}): {node['target']} {node['failureSummary']}"
        for one in result["violations"]
        for node in one["nodes"]
    ]
