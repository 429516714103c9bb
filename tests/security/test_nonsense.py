"""Nonsense where an ID, a number or a text belongs: a refusal or a page, no error of ours (T14, I5, I12, W17)."""

import json
import re
from typing import Any

import pytest
from django.test import Client

from integrations.models import Execution
from tests.permissions.urls import Furniture
from tests.world import World

pytestmark = pytest.mark.usefixtures("furnished_once")
TEXTS = [
    "",
    " ",
    "\x00",
    "a\x00b",
    "\ud800",
    "\u202e\u200b\ufeff",
    "ca_" + "\u0661" * 32,
    "ca_" + "F" * 32,
    "ca_+19" + "a" * 29,
    "ca_19" + "a" * 29 + "%20",
    "ca_1_9" + "a" * 29,
    "CA_" + "0" * 32,
    "ca_" + "0" * 31,
    "ca_" + "0" * 10_000,
    "org_default",
    "default",
    "a@b",
    "-1",
    "1e999",
    "NaN",
    "9" * 5000,
    "[]",
    "{}",
    "true",
    "null",
    "' OR 1=1 --",
    "owner__user__password",
    "..%2f..%2fetc%2fpasswd",
    "%00",
    "{{7*7}}",
    "x" * 10_000,
]
JSONS = [
    "[" * 100_000,
    '{"name": ' * 5_000,
    '{"name": "\\ud800"}',
    '{"name": "\\u0000"}',
    '{"name": ' + "9" * 5000 + "}",
    '{"name": NaN}',
    '{"name": 1e999}',
    '{"name": "a", "name": "b"}',
    '{"__class__": "x", "name": "a"}',
    "null",
    '"text"',
    "[1]",
]
READ = {
    "/orgs/acme/tools/": ("q", "toolkit", "effect", "ready", "owner__user__password", "order_by"),
    "/orgs/acme/tools/GITHUB_GET_THING/": ("account", "examples", "arg-name", "acting_as"),
    "/orgs/acme/runs/": ("status", "tool", "account", "time", "mine", "before", "after", "seen", "id__gt"),
    "/orgs/acme/connections/new/github/": ("way", "reconnect", "next", "tool"),
    "/search/": ("q", "owner"),
    "/accounts/login/": ("next",),
}
INSIDE = re.compile(r"Traceback|django\.|/site-packages/|settings\.|Exception Type|\.py\b")


def wire(text: str) -> bytes:
    """The text as a client may send it that follows no rule."""
    return text.encode("utf-8", "surrogatepass")


def check(answer: Any, what: object) -> None:
    assert answer.status_code < 500, what
    assert not INSIDE.search(answer.content.decode("utf-8", "replace")), what


@pytest.mark.parametrize("path", READ)
def test_nonsense_in_an_address_is_no_error(world: World, furniture: Furniture, path: str) -> None:
    browser = world.client("admin")
    for name in READ[path]:
        for text in TEXTS:
            check(browser.get(path, {name: wire(text)}), (name, text[:40]))
        check(browser.get(path, {name: ["a", "b"], f"{name}[]": "c"}), name)
        check(browser.get(f"{path}?{name}=%ff%fe&{name}=%ed%a0%80"), name)


@pytest.mark.parametrize(
    "name", ["tool_run", "connect_toolkit", "connection_rename", "run_again", "connection_disconnect"]
)
def test_nonsense_in_a_form_is_no_error(world: World, furniture: Furniture, name: str) -> None:
    browser = world.client("admin")
    fields = ("alias", "next", "way", "reconnect", "account", "nonce", "requested", "typed", "arg-name", "tool")
    for text in TEXTS:
        answer = browser.post(furniture.url(f"org:{name}"), dict.fromkeys(fields, wire(text)))
        check(answer, (name, text[:40]))


@pytest.mark.parametrize("text", JSONS, ids=range(len(JSONS)))
def test_nonsense_as_arguments_is_refused_or_shown(world: World, furniture: Furniture, text: str) -> None:
    browser = world.client("member")

    answer = browser.post("/me/tools/GITHUB_GET_THING/run/", {"raw": text, "nonce": ""}, follow=True)

    check(answer, text[:40])
    for run in Execution.objects.unscoped("a test"):
        check(browser.get(f"/me/runs/{run.text_id}/"), text[:40])


def test_sense_is_accepted(world: World, furniture: Furniture) -> None:
    """The allowed twin."""
    before = Execution.objects.unscoped("a test").count()

    raw = json.dumps({"name": "a thing"})
    answer = world.client("member").post("/me/tools/GITHUB_GET_THING/run/", {"raw": raw, "nonce": ""})

    assert answer.status_code == 302
    assert Execution.objects.unscoped("a test").count() == before + 1


def test_an_error_of_ours_says_nothing_about_us(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("orgs.views.members.role_table", lambda: 1 / 0)

    answer = world.client("member").get("/orgs/acme/members/?token=abc")

    assert answer.status_code == 500
    assert not INSIDE.search(answer.content.decode())
    assert b"ZeroDivision" not in answer.content
    assert b"token=abc" not in answer.content


def test_the_callback_takes_nonsense(world: World, furniture: Furniture) -> None:
    for browser in (Client(raise_request_exception=False), world.client("member")):
        for name in ("state", "code", "error", "error_description", "iss"):
            for text in TEXTS:
                check(browser.get(furniture.url("oauth_callback"), {name: wire(text)}), (name, text[:40]))
