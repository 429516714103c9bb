"""The way in: the printed login works, the public pages are clean."""

from collections.abc import Callable

import pytest
from playwright.sync_api import Page

from tests.browser.conftest import Product, violations_of

pytestmark = pytest.mark.browser
PUBLIC = ["/accounts/login/", "/accounts/signup/", "/accounts/password/reset/"]


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("path", PUBLIC)
def test_public_page_has_no_accessibility_violation(page: Page, product: Product, path: str, scheme: str) -> None:
    page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]  # the parameter is a literal

    page.goto(product.url + path)

    assert violations_of(page) == []


def test_printed_login_opens_the_home_page(sign_in: Callable[..., Page]) -> None:
    page = sign_in("alice")

    assert page.get_by_role("heading", level=1).is_visible()
