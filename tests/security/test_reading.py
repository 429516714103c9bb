"""Reading changes nothing, and nobody else's page can make a browser change anything (check W2)."""

import re

import pytest
from django.test import Client

from tests.permissions.urls import Furniture, addresses
from tests.security.answers import snapshot
from tests.staff import make_superuser, sign_in
from tests.world import World

pytestmark = pytest.mark.usefixtures("furnished_once")
NOT_READ = {"oauth_callback", "healthz", "readyz"}  # a provider's answer is used up by a GET; probes have no pages
NAMES = sorted(
    one.name for one in addresses() if not one.path.startswith(("admin/", "accounts/", "sandbox/", "api/", "mcp/"))
)
POSTS = sorted(
    f"{area}:{name}"
    for area in ("me", "org")
    for name in (
        "tool_run",
        "connect_toolkit",
        "connection_confirm",
        "connection_rename",
        "connection_default",
        "connection_pause",
        "connection_resume",
        "connection_disconnect",
        "run_again",
        "run_cancel",
        "api_client_revoke",
    )
)
SITE = "http://testserver"
EVIL_ORIGINS = ["https://evil.example", "null", "http://testserver.evil.example", "http://testserver:8080"]
QUERIES = ["", "?confirm=on&decision=confirm&alias=changed&next=/me/", "?_method=POST&method=DELETE"]


@pytest.mark.parametrize("persona", ["member", "admin", "owner"])
@pytest.mark.parametrize("query", QUERIES)
def test_no_page_changes_anything_when_it_is_read(world: World, furniture: Furniture, persona: str, query: str) -> None:
    browser = world.client(persona)
    before = snapshot()

    read = 0
    for name in NAMES:
        if name not in NOT_READ:
            for ask in (browser.get, browser.head):
                answer = ask(furniture.url(name) + query, headers={"X-HTTP-Method-Override": "POST"})
                assert answer.status_code < 500, name
                read += answer.status_code == 200

    assert read > 20
    assert snapshot() == before


def test_no_page_of_the_admin_site_or_of_sign_in_changes_anything_when_it_is_read(world: World) -> None:
    browser = sign_in(make_superuser(), raise_request_exception=False)
    before = snapshot()

    for one in addresses():
        if one.path.startswith(("admin/", "accounts/")) and "<" not in one.path and "(?P" not in one.path:
            assert browser.get("/" + re.sub(r"[\^$]", "", one.path)).status_code < 500

    assert snapshot() == before


# --- Forged forms


def form_of(world: World) -> dict[str, str]:
    return {
        "arg-name": "thing",
        "alias": "mine now",
        "typed": "github-identity",
        "requested": world.acme.ref.text_id,
        "decision": "discard",
    }


def forging(world: World) -> Client:
    """The browser of the admin, who is signed in; what it sends is another site's doing."""
    browser = Client(enforce_csrf_checks=True, raise_request_exception=False)
    browser.force_login(world.admin)
    return browser


@pytest.mark.parametrize("name", POSTS)
def test_a_form_without_its_token_changes_nothing(world: World, furniture: Furniture, name: str) -> None:
    browser = forging(world)
    url = furniture.url(name, things="acme")
    before = snapshot()

    plainly = browser.post(url, form_of(world))
    with_anothers = browser.post(url, {**form_of(world), "csrfmiddlewaretoken": "a" * 64})
    by_htmx = browser.post(url, form_of(world), headers={"HX-Request": "true"})
    as_text = browser.post(url, "alias=mine", content_type="text/plain")

    assert {one.status_code for one in (plainly, with_anothers, by_htmx, as_text)} == {403}
    assert snapshot() == before


@pytest.mark.parametrize("origin", EVIL_ORIGINS)
def test_a_form_from_another_site_changes_nothing_even_with_its_token(
    world: World, furniture: Furniture, origin: str
) -> None:
    browser, token = with_token(world)
    before = snapshot()

    answer = browser.post(*rename(furniture, token), headers={"Origin": origin})

    assert answer.status_code == 403
    assert snapshot() == before


def test_a_form_of_ours_with_its_token_changes_what_it_says(world: World, furniture: Furniture) -> None:
    """The allowed twin of both."""
    browser, token = with_token(world)
    before = snapshot()

    answer = browser.post(*rename(furniture, token), headers={"Origin": SITE})

    assert answer.status_code == 302
    assert snapshot() != before


def with_token(world: World) -> tuple[Client, str]:
    browser = forging(world)
    page = browser.get("/profile/").content.decode()
    found = re.search(r'name="csrfmiddlewaretoken" value="(\w+)"', page)
    assert found
    return browser, found[1]


def rename(furniture: Furniture, token: str) -> tuple[str, dict[str, str]]:
    url = furniture.url("org:connection_rename", things="acme")
    return url, {"alias": "a new name", "csrfmiddlewaretoken": token}
