"""Looks at one page: clean for axe in light and dark, and nothing sticks out on a narrow screen."""

from collections.abc import Collection
from typing import Literal
from urllib.parse import urlsplit

from playwright.sync_api import Page

from tests.browser.conftest import violations_of

# Django's own styles of the admin site let colours change slowly, also for whoever asks for less movement.
ARRIVE = """async () => {
    for (let frame = 0; frame < 5; frame++) {
        await new Promise(requestAnimationFrame)
        for (const one of document.getAnimations()) if (one instanceof CSSTransition) one.finish()
    }
}"""
NARROW = {"width": 360, "height": 800}
WIDE = {"width": 1280, "height": 900}


def look_at(page: Page, path: str, password: str, *, statuses: Collection[int] = (200,)) -> list[str]:
    answer = page.goto(path)
    if "/accounts/reauthenticate/" in page.url:  # on a slow machine the sign-in is not fresh any more
        page.locator("input[type=password]").fill(password)
        page.get_by_role("button", name="Continue", exact=True).click()
        answer = page.goto(path)
    assert answer is not None
    if answer.status not in statuses:
        return [f"{path}: HTTP {answer.status}"]
    if urlsplit(page.url).path != urlsplit(path).path:
        return [f"{path}: led to {page.url}"]
    return look(page)


def look(page: Page) -> list[str]:
    """At what is open."""
    return violations_in_light_and_dark(page) + sticks_out(page)


def violations_in_light_and_dark(page: Page) -> list[str]:
    """All rules in light; in dark, which is the same page in other colours, those about colours."""
    show_in(page, "light")
    found = violations_of(page)
    show_in(page, "dark")
    return found + violations_of(page, only=["color-contrast", "link-in-text-block"])


def show_in(page: Page, scheme: Literal["light", "dark"]) -> None:
    page.emulate_media(color_scheme=scheme)
    page.evaluate(ARRIVE)


def sticks_out(page: Page) -> list[str]:
    """Pages may scroll down, never sideways, also on the smallest screen."""
    page.set_viewport_size(NARROW)  # type: ignore[arg-type]  # a literal to the type checker
    width = page.evaluate("document.documentElement.scrollWidth")
    page.set_viewport_size(WIDE)  # type: ignore[arg-type]
    return [f"{page.url}: {width} px wide on a screen of {NARROW['width']}"] if width > NARROW["width"] else []
