"""A list that is filtered while one types: its address, its way back, and what clears it."""

import re
from collections.abc import Callable
from urllib.parse import parse_qs, urlsplit

import pytest
from playwright.sync_api import Locator, Page, expect

pytestmark = pytest.mark.browser


@pytest.fixture
def tools(sign_in: Callable[..., Page]) -> Page:
    page = sign_in("alice")
    page.goto("/me/tools/")
    return page


def clear(page: Page) -> Locator:
    return page.get_by_role("link", name="Clear", exact=True)


def type_on(page: Page, text: str, *, until: str) -> None:
    """Go on typing, and wait for the list that answers."""
    page.get_by_role("searchbox", name="Search tools").press_sequentially(text)
    page.wait_for_url(re.compile(rf"\?q={until}(&|$)"))


def test_the_address_of_a_list_does_not_grow_while_one_types(tools: Page) -> None:
    expect(clear(tools)).to_be_hidden()

    type_on(tools, "mess", until="mess")
    type_on(tools, "ages", until="messages")

    assert parse_qs(urlsplit(tools.url).query) == {"q": ["messages"]}
    expect(tools.get_by_role("link", name="List messages")).not_to_have_count(0)
    expect(tools.get_by_role("link", name="Your profile")).to_have_count(0)
    assert tools.locator("[id=tool-list]").count() == 1

    clear(tools).click()
    tools.wait_for_url("**/me/tools/")
    expect(clear(tools)).to_be_hidden()


def test_what_was_chosen_can_be_cleared_at_once_and_after_loading_again(tools: Page) -> None:
    tools.get_by_role("combobox", name="Effect").select_option("read")
    tools.wait_for_url(re.compile("effect=read"))
    expect(clear(tools)).to_be_visible()

    tools.reload()

    expect(clear(tools)).to_be_visible()


def test_going_back_to_a_list_that_the_browser_has_forgotten_shows_the_page(tools: Page) -> None:
    type_on(tools, "mess", until="mess")
    type_on(tools, "ages", until="messages")
    tools.evaluate("localStorage.clear(); sessionStorage.clear()")  # where htmx keeps pages

    tools.go_back()

    tools.wait_for_url(re.compile(r"\?q=mess(&|$)"))
    expect(tools.get_by_role("heading", name="Tools", exact=True, level=1)).to_be_visible()
    expect(tools.get_by_role("navigation", name="Main")).to_be_visible()
