"""Pausing and choosing the default: what is said before, the receipt, and the way back."""

from typing import Any

import pytest
from django.contrib.messages import get_messages
from django.http import HttpResponse
from django.test import Client

from integrations.models import ConnectedAccount, Toolkit
from orgs.models import AuditEvent
from tests.factories import make_connected_account, make_execution, make_tool, make_toolkit
from tests.world import World

pytestmark = pytest.mark.django_db


@pytest.fixture
def toolkit(db: None) -> Toolkit:
    return make_toolkit("github", name="GitHub")


@pytest.fixture
def admin(world: World) -> Client:
    return world.client("admin")


def make(toolkit: Toolkit, world: World, *names: str, **values: Any) -> list[ConnectedAccount]:
    return [make_connected_account(toolkit, owner=world.acme, alias=one, identity_key=one, **values) for one in names]


def page_of(account: ConnectedAccount, what: str) -> str:
    return f"/orgs/acme/connections/{account.text_id}/{what}/"


def text(browser: Client, account: ConnectedAccount, what: str) -> str:
    answer = browser.get(page_of(account, what))
    assert answer.status_code == 200
    return str(answer.content.decode())


def told(response: HttpResponse) -> list[str]:
    return [str(message) for message in get_messages(response.wsgi_request)]


def undo_of(response: HttpResponse) -> str:
    [message] = get_messages(response.wsgi_request)
    return str(message.extra_tags).removeprefix("undo:")


def marked(world: World) -> list[str]:
    rows = ConnectedAccount.objects.owned_by(world.acme.ref).filter(is_default=True)
    return list(rows.values_list("alias", flat=True))


# --- Pause


def test_pausing_says_who_loses_it_and_what_is_used_instead(world: World, toolkit: Toolkit, admin: Client) -> None:
    _older, newest = make(toolkit, world, "Older", "Newest")
    tool = make_tool(toolkit)
    for _ in range(2):
        make_execution(tool, owner=world.acme, user=world.member, connected_account=newest)

    page = text(admin, newest, "pause")

    assert "<strong>3</strong> members of Acme can no longer run GitHub tools through it" in page
    assert "<strong>2</strong> waiting runs will be refused, unless you resume it before a worker takes them." in page
    assert "Runs that name no account use Older from then on." in page
    newest.refresh_from_db()
    assert newest.status == "active"


def test_pausing_the_marked_one_says_that_runs_are_refused(world: World, toolkit: Toolkit, admin: Client) -> None:
    make(toolkit, world, "Older")
    [account] = make(toolkit, world, "Marked", is_default=True)

    assert "It stays the default: GitHub runs that name no account are refused as Acme" in text(admin, account, "pause")


@pytest.mark.parametrize(
    ("other", "said"),
    [({}, "It is not the default"), ({"status": "expired"}, "which does not work at the moment")],
)
def test_pausing_tells_the_other_cases(
    world: World, toolkit: Toolkit, admin: Client, other: dict[str, Any], said: str
) -> None:
    if other:
        make(toolkit, world, "Other", **other)
        [account] = make(toolkit, world, "This")
    else:
        [account] = make(toolkit, world, "This")
        make(toolkit, world, "Newer")

    assert said in text(admin, account, "pause")


def test_what_is_paused_cannot_be_paused_and_the_page_says_why(world: World, toolkit: Toolkit, admin: Client) -> None:
    [account] = make(toolkit, world, "Work", status="paused")

    page = text(admin, account, "pause")

    assert "Only a working connection can be paused; this one is paused." in page
    assert '<form method="post">' not in page


def test_confirming_pauses_and_leads_back(world: World, toolkit: Toolkit, admin: Client) -> None:
    [account] = make(toolkit, world, "Work")

    answer = admin.post(page_of(account, "pause"), {"next": "/orgs/acme/connections/"})

    account.refresh_from_db()
    assert (account.status, answer["Location"]) == ("paused", "/orgs/acme/connections/")


def test_an_account_that_waits_for_consent_does_so_after_a_pause(world: World, toolkit: Toolkit, admin: Client) -> None:
    [account] = make(toolkit, world, "Work", status="paused", handed_over_at="2026-01-01T00:00Z")

    admin.post(page_of(account, "resume"))

    account.refresh_from_db()
    assert account.status == "needs_attention"


# --- Default


def test_the_default_page_says_what_it_is_used_instead_of(world: World, toolkit: Toolkit, admin: Client) -> None:
    older, newest = make(toolkit, world, "Older", "Newest")

    assert "Runs that name no account use Older instead of Newest." in text(admin, older, "default")
    assert "Runs that wait already keep Newest" in text(admin, older, "default")
    assert "use Newest already. Marked, it stays so when a newer one is connected." in text(admin, newest, "default")
    assert marked(world) == []


def test_the_default_page_warns_of_one_that_does_not_work(world: World, toolkit: Toolkit, admin: Client) -> None:
    [broken] = make(toolkit, world, "Broken", status="expired")
    make(toolkit, world, "Newest")

    assert "It does not work at the moment, so they would be refused." in text(admin, broken, "default")


def test_the_marked_one_cannot_be_marked_again(world: World, toolkit: Toolkit, admin: Client) -> None:
    [account] = make(toolkit, world, "Marked", is_default=True)

    assert "It is marked as the default already." in text(admin, account, "default")
    [message] = get_messages(admin.post(page_of(account, "default")).wsgi_request)
    assert message.extra_tags == ""


def test_undo_goes_back_to_the_one_that_was_marked(world: World, toolkit: Toolkit, admin: Client) -> None:
    [before] = make(toolkit, world, "Before", is_default=True)
    [after] = make(toolkit, world, "After")
    receipt = admin.post(page_of(after, "default"))
    assert marked(world) == ["After"]

    undone = admin.post(undo_of(receipt))

    assert marked(world) == ["Before"]
    assert told(undone)[-1] == "Runs that name no account now use Before instead of After."
    assert undo_of(receipt) == page_of(before, "default")


def test_undo_goes_back_to_none_when_none_was_marked(world: World, toolkit: Toolkit, admin: Client) -> None:
    older, _newest = make(toolkit, world, "Older", "Newest")
    receipt = admin.post(page_of(older, "default"), follow=True)
    assert "Undo</button>" in receipt.content.decode()
    assert f'action="{page_of(older, "default")}?unmark=1"' in receipt.content.decode()

    undone = admin.post(f"{page_of(older, 'default')}?unmark=1")

    assert marked(world) == []
    text = "No account is marked as the default any more. Runs that name no account now use Newest, as before."
    assert told(undone) == [text]
    assert AuditEvent.objects.filter(action="connection.default").count() == 2


@pytest.mark.parametrize("persona", ["member", "viewer"])
def test_others_see_neither_page_nor_undo(world: World, toolkit: Toolkit, persona: str) -> None:
    [account] = make(toolkit, world, "Marked", is_default=True)
    browser = world.client(persona)

    for what in ("pause", "default"):
        assert browser.get(page_of(account, what)).status_code == 403
        assert browser.post(f"{page_of(account, what)}?unmark=1").status_code == 403
    assert marked(world) == ["Marked"]
