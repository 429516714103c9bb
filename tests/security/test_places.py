"""Where people are sent: never to a host that a header or a parameter names (checks W16, W21, O13, O14)."""

import re
from urllib.parse import urlsplit

import pytest
from allauth.account.models import EmailAddress
from django.core import mail
from django.core.cache import cache
from django.http import HttpResponse
from django.test import Client

from tests.factories import PASSWORD
from tests.permissions.urls import Furniture
from tests.world import World

pytestmark = pytest.mark.usefixtures("furnished_once")
ELSEWHERE = [
    "//evil.example",
    "///evil.example",
    "////evil.example/..",
    "/\\evil.example",
    "\\/evil.example",
    "\\\\evil.example",
    "/\t/evil.example",
    "/\n/evil.example",
    "/\r/evil.example",
    "\t//evil.example",
    " //evil.example",
    "/%09/evil.example/x",
    "https:evil.example",
    "https:/evil.example",
    "https:///evil.example",
    "https://evil.example",
    "HTTPS://evil.example",
    "http:\\\\evil.example",
    "http://testserver@evil.example",
    "http://testserver:80@evil.example/",
    "http://evil.example#testserver",
    "http://evil.example?testserver",
    "http://evil.example\\@testserver",
    "http://testserver.evil.example",
    "http://evil.example%2f@testserver",
    "http://testserver\u3002evil.example",
    "//testserver\uff0eevil.example",
    "//evil\u3002example",
    "\u2044\u2044evil.example",
    "//\u200bevil.example",
    "javascript:alert(1)",
    "JaVaScRiPt:alert(1)",
    "java\tscript:alert(1)",
    "data:text/html,<script>alert(1)</script>",
    "vbscript:x",
    "ftp://evil.example",
    "file:///etc/passwd",
    "//[::1]/",
    "//0x7f000001/",
    ".evil.example",
    "@evil.example",
    "\x00//evil.example",
]
WRONG_HOSTS = [
    "evil.example",
    "testserver.evil.example",
    "evil.example:80",
    "testserver@evil.example",
    "testserver:80@evil.example",
    "testserver evil.example",
    "127.0.0.1.evil.example",
    "",
    "testserver,evil.example",
    "/evil.example",
]
PAGES = ["/", "/accounts/login/", "/accounts/password/reset/", "/me/", "/oauth/callback/x/", "/no-such-page/"]


@pytest.fixture(autouse=True)
def _no_throttle() -> None:
    cache.clear()


def leads_to(answer: HttpResponse) -> str:
    """Where a browser goes: WHATWG's reading of the address, in which a backslash is a slash."""
    if answer.status_code not in {301, 302, 303, 307, 308}:
        return ""
    seen = re.sub(r"[\t\n\r]", "", answer["Location"]).strip().replace("\\", "/")
    parts = urlsplit(seen)
    if parts.scheme not in {"", "http", "https"}:
        return seen
    return parts.netloc if parts.netloc or not seen.startswith("//") else seen


def sign_in(browser: Client, world: World, onward: str) -> HttpResponse:
    form = {"login": world.member.email, "password": PASSWORD, "next": onward}
    return browser.post("/accounts/login/", form)


def sign_in_by_address(browser: Client, world: World, onward: str) -> HttpResponse:
    form = {"login": world.member.email, "password": PASSWORD}
    return browser.post("/accounts/login/", form, query_params={"next": onward})


@pytest.mark.parametrize("onward", ELSEWHERE)
def test_signing_in_and_out_leads_nowhere_else(world: World, onward: str) -> None:
    for way in (sign_in, sign_in_by_address):
        browser = Client(raise_request_exception=False)
        assert leads_to(way(browser, world, onward)) in {"", "testserver"}
        assert leads_to(browser.post("/accounts/logout/", {"next": onward})) in {"", "testserver"}
        cache.clear()


@pytest.mark.parametrize("onward", ELSEWHERE)
def test_forms_of_ours_lead_nowhere_else(world: World, furniture: Furniture, onward: str) -> None:
    browser = world.client("admin")
    answers = [
        browser.post(furniture.url("org:connection_rename"), {"alias": "a", "next": onward}),
        browser.post(furniture.url("org:connection_pause"), {"next": onward}),
        browser.post(furniture.url("org:connection_resume"), {"next": onward}),
        browser.post(furniture.url("org:connection_default"), {"next": onward}),
        browser.post(furniture.url("org:run_cancel"), {"next": onward}),
        browser.post("/profile/", {"name": "A", "username": "ada-x", "theme": "dark", "next": onward}),
    ]
    asked = browser.get("/orgs/acme/connections/new/github/", {"next": onward})

    assert [answer.status_code for answer in answers] == [302] * 6
    assert {leads_to(answer) for answer in answers} <= {"", "testserver"}
    kept = re.findall(rb'name="next" value="([^"]+)"', asked.content)
    assert set(kept) <= {b"/%09/evil.example/x"}  # an encoded tab is a path of ours like any other


def test_a_path_of_ours_is_followed(world: World, furniture: Furniture) -> None:
    """The allowed twin."""
    onward = "/orgs/acme/tools/?q=a"
    signed_in = sign_in(Client(), world, onward)
    renamed = world.client("admin").post(furniture.url("org:connection_rename"), {"alias": "a", "next": onward})

    assert (signed_in["Location"], renamed["Location"]) == (onward, onward)


# --- The name under which a request came in


@pytest.mark.parametrize("host", WRONG_HOSTS)
def test_another_host_is_refused_on_every_page(world: World, host: str) -> None:
    for path in PAGES:
        answer = Client(raise_request_exception=False).get(path, headers={"host": host})
        assert answer.status_code == 400
        assert b"evil" not in answer.content


@pytest.mark.parametrize("header", ["X-Forwarded-Host", "X-Host", "X-Forwarded-Server", "Forwarded", "X-Original-URL"])
def test_a_forwarded_name_is_believed_nowhere(world: World, furniture: Furniture, header: str) -> None:
    headers = {header: "host=evil.example" if header == "Forwarded" else "evil.example"}
    browser = world.client("admin")

    for path in ("/", "/orgs/acme/", "/accounts/email/", "/orgs/acme/connections/new/github/"):
        answer = browser.get(path, headers=headers)
        assert answer.status_code in {200, 302}
        assert b"evil.example" not in answer.content
        assert leads_to(answer) == ""


def test_links_in_mail_lead_to_the_address_from_the_settings(world: World) -> None:
    EmailAddress.objects.filter(user=world.member).update(verified=True)
    headers = {"X-Forwarded-Host": "evil.example", "Referer": "http://evil.example/"}

    answer = Client().post("/accounts/password/reset/", {"email": world.member.email}, headers=headers)

    [sent] = mail.outbox
    links = re.findall(r"https?://[^\s/]+", sent.body)
    assert answer.status_code == 302
    assert set(links) == {"http://127.0.0.1:8000"}
