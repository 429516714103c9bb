"""The runs pages: the list with its live rows, one run, calling off, running again, the download."""

import re
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from integrations.models import ConnectedAccount, Execution
from integrations.models.encrypted import seal
from integrations.services.executions import Order, submit_execution
from tests.factories import actor_of, make_connected_account, owner_ref
from tests.integrations.desk import Desk, reread
from tests.world import World

MakeDesk = Callable[..., Desk]
HOSTILE = '"><script>alert(1)</script>{{ 7|add:7 }}{% now "Y" %}</c-json><b hx-get="/x" data-hx-on:load="alert(1)">'


def client_of(desk: Desk) -> Client:
    client = Client()
    client.force_login(desk.user)
    return client


def run_url(desk: Desk, row: Execution, page: str = "") -> str:
    base = "/me" if desk.holder == desk.user else "/orgs/acme"
    return f"{base}/runs/{row.text_id}/{page}"


def with_result(row: Execution, result: Any, **more: Any) -> Execution:
    """Give an execution a sealed result, as a worker would have."""
    stored = {"result": result, "truncated": False, "request": {}, **more}
    row.result = seal(stored, table="execution", row=row.id, field="result")
    row.save()
    return row


def refuse(desk: Desk, world: World) -> Execution:
    """Acme's member runs as themself what is connected for Acme only."""
    order = Order(requested=owner_ref(world.member).text_id, tool=desk.read.slug, arguments={"name": "thing"})
    return submit_execution(actor=actor_of(world.member), order=order, now=timezone.now())


# --- The list


def test_runs_says_when_nothing_has_run_yet(world: World) -> None:
    page = world.client("member").get("/orgs/acme/runs/")

    assert "Nothing has run yet" in page.text
    assert "No run matches" not in page.text


def test_runs_says_when_nothing_matches_and_how_to_see_all(desk_of: MakeDesk) -> None:
    desk = desk_of()
    desk.queue(status="failed")

    page = client_of(desk).get("/me/runs/?status=succeeded")

    assert "No run matches these filters" in page.text
    assert "Clear the filters" in page.text


def test_runs_shows_status_tool_account_and_who(acme_desk_of: MakeDesk, world: World) -> None:
    desk = acme_desk_of()
    row = desk.queue(status="failed")

    page = world.client("viewer").get("/orgs/acme/runs/")

    assert f'href="/orgs/acme/runs/{row.text_id}/"' in page.text
    for text in ("Failed", desk.read.slug, desk.account.label, world.member.display_name):
        assert text in page.text


def test_a_run_never_took_less_than_no_time(desk_of: MakeDesk) -> None:
    """What ended by the database's clock may have been asked for a little later by that of another machine."""
    desk, now = desk_of(), timezone.now()
    early = desk.queue(status="failed", created_at=now, finished_at=now - timedelta(seconds=3))
    late = desk.queue(status="failed", created_at=now - timedelta(seconds=7), finished_at=now)
    client = client_of(desk)

    rows, page = client.get("/me/runs/").text, client.get(run_url(desk, early)).text

    assert (early.total_milliseconds, late.total_milliseconds) == (0, 7000)
    assert sorted(re.findall(r'data-label="Took">([^<]+)<', rows)) == ["0 ms", "7.0 s"]
    assert '<span class="nums">0 ms</span>' in page
    assert "-3000 ms" not in page


def test_runs_ignores_filters_that_are_none(desk_of: MakeDesk) -> None:
    desk = desk_of()
    desk.queue(status="failed")

    page = client_of(desk).get("/me/runs/?status=bogus&tool=NO&account=x&time=never&before=y")

    assert desk.read.slug in page.text
    assert "4 filters left out" in page.text


def test_runs_say_which_filter_was_left_out_and_only_then(desk_of: MakeDesk) -> None:
    desk = desk_of()
    desk.queue(status="failed")
    client, unknown = client_of(desk), f"<b>{'X' * 80}"

    page = client.get("/me/runs/", {"tool": unknown, "status": "failed"}).text
    assert "1 filter left out" in page
    assert f'the tool “<span class="wrap-anywhere">&lt;b&gt;{"X" * 57}</span>”' in page
    assert desk.read.slug in page
    fragment = client.get("/me/runs/", {"tool": "GITHUB_NO_TOOL"}, headers={"HX-Request": "true"}).text
    assert "GITHUB_NO_TOOL" in fragment
    assert "<html" not in fragment
    assert "left out" not in client.get("/me/runs/", {"tool": desk.read.slug, "status": "failed"}).text
    assert "left out" not in client.get("/me/runs/", {"tool": "", "status": ""}).text


def test_runs_pages_by_key(desk_of: MakeDesk) -> None:
    desk = desk_of()
    ids = [desk.queue(status="failed").text_id for _ in range(27)]
    client = client_of(desk)

    first = client.get("/me/runs/?status=failed").text
    older = re.search(r'rel="next" href="([^"]+)"', first)[1].replace("&amp;", "&")
    second = client.get(f"/me/runs/{older}").text

    assert ids[0] not in first
    assert ids[0] in second
    assert "status=failed" in older
    assert ids[26] in first
    assert ids[26] not in second
    assert 'rel="prev"' in second


def test_runs_answers_htmx_with_the_list_alone(desk_of: MakeDesk) -> None:
    desk = desk_of()
    desk.queue()

    fragment = client_of(desk).get("/me/runs/", headers={"HX-Request": "true"})

    assert fragment.text.lstrip().startswith('<div id="run-list"')
    assert "<html" not in fragment.text


def test_runs_asks_again_only_for_what_is_not_over(desk_of: MakeDesk) -> None:
    desk = desk_of()
    live, over = desk.queue(), desk.queue(status="failed")

    page = client_of(desk).get("/me/runs/")

    assert f"seen={live.text_id}" in page.text
    assert f"seen={over.text_id}" not in page.text


def test_runs_sends_only_rows_that_changed(desk_of: MakeDesk) -> None:
    desk = desk_of()
    one, other = desk.queue(), desk.queue()
    client = client_of(desk)
    asked = {"seen": [f"{one.text_id}:{one.mark}", f"{other.text_id}:{other.mark}"]}

    assert client.get("/me/runs/", asked).status_code == 204
    client.post(run_url(desk, other, "cancel/"))
    changed = client.get("/me/runs/", asked)

    assert f'id="{other.text_id}" hx-swap-oob="true"' in changed.text
    assert f'id="{one.text_id}"' not in changed.text
    assert f"seen={one.text_id}" in changed.text
    assert f"seen={other.text_id}" not in changed.text


def test_runs_query_count_does_not_grow_with_the_rows(desk_of: MakeDesk) -> None:
    desk = desk_of()
    client = client_of(desk)
    desk.queue(status="failed")
    client.get("/me/runs/")
    with CaptureQueriesContext(connection) as one:
        client.get("/me/runs/")
    for _ in range(9):
        desk.queue(status="failed")

    with CaptureQueriesContext(connection) as ten:
        client.get("/me/runs/")

    assert len(one) == len(ten) <= 10


# --- One run


def test_run_shows_the_identity_receipt(acme_desk_of: MakeDesk, world: World) -> None:
    desk = acme_desk_of()
    order = Order(requested=world.acme.ref.text_id, tool=desk.read.slug, arguments={"name": "thing"})
    row = submit_execution(actor=actor_of(world.member), order=order, now=timezone.now())

    page = client_of(desk).get(run_url(desk, row)).text

    assert "Identity receipt" in page
    assert desk.account.label in page
    assert "it is the most recently connected one" in page
    assert "Your role is member" in page
    assert world.acme.ref.text_id in page


def test_run_follows_what_is_not_over_and_leaves_what_is(desk_of: MakeDesk) -> None:
    desk = desk_of()
    live, over = desk.queue(), desk.queue(status="failed")
    client = client_of(desk)

    page = client.get(run_url(desk, live)).text

    assert "sse-connect" in page
    assert 'hx-trigger="sse:changed, every 2s"' in page
    assert "Refresh</a>" in page
    assert "sse-connect" not in client.get(run_url(desk, over)).text


def test_run_shows_what_the_provider_wrote_as_text(desk_of: MakeDesk) -> None:
    desk = desk_of()
    request = {"method": "GET", "url": HOSTILE, "headers": {HOSTILE: HOSTILE}, "body": HOSTILE}
    row = desk.queue(status="failed", error_code="x", error_message=HOSTILE, decision={"message": HOSTILE})
    row.arguments = seal({HOSTILE: HOSTILE}, table="execution", row=row.id, field="arguments")
    with_result(row, {"a": HOSTILE, HOSTILE: [HOSTILE]}, request=request)

    page = client_of(desk).get(run_url(desk, row)).text

    assert "<script>alert" not in page
    assert '<b hx-get="/x"' not in page
    assert "{{ 7|add:7 }}" in page
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in page
    assert page.count("hx-disable") >= 2


def test_run_hides_contents_from_who_may_not_read_them(acme_desk_of: MakeDesk, world: World) -> None:
    desk = acme_desk_of()
    row = with_result(desk.queue(status="succeeded"), {"secret": "plan"})

    hidden = world.client("viewer").get(run_url(desk, row))
    shown = world.client("admin").get(run_url(desk, row))

    assert "Only the person who ran it and admins can see this." in hidden.text
    assert "plan" not in hidden.text
    assert "plan" in shown.text


@pytest.mark.parametrize("persona", ["outsider", "ex_member"])
def test_run_does_not_exist_for_strangers(acme_desk_of: MakeDesk, world: World, persona: str) -> None:
    desk = acme_desk_of()
    row = desk.queue(status="failed")

    assert world.client(persona).get(run_url(desk, row)).status_code == 404
    assert world.client("member").get(run_url(desk, row)).status_code == 200


def test_run_of_another_owner_is_not_found_under_this_one(acme_desk_of: MakeDesk, world: World) -> None:
    desk = acme_desk_of()
    row = desk.queue(status="failed")

    assert client_of(desk).get(f"/me/runs/{row.text_id}/").status_code == 404
    assert client_of(desk).get("/me/runs/nonsense/").status_code == 404


def test_run_says_that_its_contents_were_purged(desk_of: MakeDesk) -> None:
    desk = desk_of()
    row = desk.queue(status="succeeded", purged_at=timezone.now())
    Execution.objects.unscoped("a test").update(arguments=None)

    page = client_of(desk).get(run_url(desk, row)).text

    assert "Arguments and result are gone" in page
    assert "Its arguments are gone." in page


# --- A refused run: what happened, why, what to do


def test_refused_run_offers_the_other_id_with_one_click(acme_desk_of: MakeDesk, world: World) -> None:
    desk = acme_desk_of()
    row = refuse(desk, world)
    client = client_of(desk)

    page = client.get(f"/me/runs/{row.text_id}/").text
    button = re.search(r'name="requested" value="(org_[0-9a-f]{32})"', page)
    answer = client.post(f"/me/runs/{row.text_id}/again/", {"requested": button[1], "nonce": ""})

    again = Execution.objects.unscoped("a test").get(retry_of=row)
    assert "Not run" in page
    assert "Run as Acme" in page
    assert '<details class="disclosure " open' in page
    assert answer.headers["Location"] == f"/orgs/acme/runs/{again.text_id}/"
    assert again.connected_account_id == desk.account.id


def test_refused_run_leads_to_connecting_and_back(acme_desk_of: MakeDesk, world: World) -> None:
    desk = acme_desk_of()
    row = refuse(desk, world)

    page = client_of(desk).get(f"/me/runs/{row.text_id}/").text

    assert f"/me/connections/new/{desk.toolkit.slug}/?next=%2Fme%2Fruns%2F{row.text_id}%2F" in page


def test_refused_run_says_when_it_would_run_by_now(acme_desk_of: MakeDesk, world: World) -> None:
    desk = acme_desk_of()
    row = refuse(desk, world)
    make_connected_account(desk.toolkit, owner=world.member)

    page = client_of(desk).get(f"/me/runs/{row.text_id}/").text

    assert "The rule allows it by now" in page
    assert "Run it now" in page


@pytest.mark.parametrize(("persona", "way"), [("member", "Ask an admin of Acme to resume"), ("admin", "Resume")])
def test_refused_run_names_who_can_resume_a_paused_account(
    acme_desk_of: MakeDesk, world: World, persona: str, way: str
) -> None:
    desk = acme_desk_of()
    ConnectedAccount.objects.unscoped("a test").update(status="paused")
    person = world.people[persona]
    order = Order(requested=world.acme.ref.text_id, tool=desk.read.slug, arguments={"name": "thing"})
    row = submit_execution(actor=actor_of(person), order=order, now=timezone.now())

    page = world.client(persona).get(run_url(desk, row)).text

    assert way in page
    assert ("/resume/" in page) == (persona == "admin")


def test_refused_run_leads_to_reconnecting_an_expired_account(desk_of: MakeDesk) -> None:
    desk = desk_of()
    ConnectedAccount.objects.unscoped("a test").update(status="expired")
    order = Order(requested=owner_ref(desk.user).text_id, tool=desk.read.slug, arguments={"name": "thing"})
    row = submit_execution(actor=actor_of(desk.user), order=order, now=timezone.now())

    page = client_of(desk).get(run_url(desk, row)).text

    assert f"reconnect={desk.account.text_id}" in page


# --- Status, cancel, again, download


def test_status_answers_nothing_until_something_changed(desk_of: MakeDesk) -> None:
    desk = desk_of()
    row = desk.queue()
    client = client_of(desk)

    same = client.get(run_url(desk, row, "status/"), {"seen": row.mark})
    other = client.get(run_url(desk, row, "status/"), {"seen": "running.1.unsent"})

    assert same.status_code == 204
    assert re.sub(r"<title>.*</title>", "", other.text.split('<div id="run"')[0], flags=re.DOTALL).strip() == ""
    assert "every 2s" in other.text


def title_of(page: str) -> str:
    return " ".join(re.findall(r"<title>(.*?)</title>", page, re.DOTALL)[0].split())


def test_status_brings_the_title_that_the_page_would_have_by_now(acme_desk_of: MakeDesk) -> None:
    desk = acme_desk_of()
    row = desk.queue(status="running")
    client = client_of(desk)
    before = title_of(client.get(run_url(desk, row)).text)
    Execution.objects.owned_by(row.owner.ref).update(status="succeeded", finished_at=timezone.now())

    assert before == f"Running: {desk.read.slug} · Acme · Switchboard"
    assert (
        title_of(client.get(run_url(desk, row, "status/")).text) == f"Succeeded: {desk.read.slug} · Acme · Switchboard"
    )
    assert title_of(client.get(run_url(desk, row)).text) == f"Succeeded: {desk.read.slug} · Acme · Switchboard"


def test_status_stops_the_polling_when_it_is_over(desk_of: MakeDesk) -> None:
    desk = desk_of()
    row = desk.queue(status="failed")

    answer = client_of(desk).get(run_url(desk, row, "status/"))

    assert answer.status_code == 286
    assert "every 2s" not in answer.text


def test_cancel_says_what_happened(desk_of: MakeDesk) -> None:
    desk = desk_of()
    row = desk.queue()

    page = client_of(desk).post(run_url(desk, row, "cancel/"), follow=True)

    assert reread(row.id).status == "cancelled"
    assert "Nothing was sent to the provider" in page.text


def test_cancel_too_late_says_so_in_words(desk_of: MakeDesk) -> None:
    desk = desk_of()
    row = desk.queue(desk.write, status="running", sent_at=timezone.now())

    page = client_of(desk).post(run_url(desk, row, "cancel/"), follow=True)

    assert "already sent to the provider" in page.text
    assert reread(row.id).status == "running"


@pytest.mark.parametrize(
    ("wanted", "leads_to"), [("/me/runs/", "/me/runs/"), ("https://evil.test/", "run"), ("//evil.test", "run")]
)
def test_cancel_goes_back_to_a_page_of_ours_only(desk_of: MakeDesk, wanted: str, leads_to: str) -> None:
    desk = desk_of()
    row = desk.queue()

    answer = client_of(desk).post(run_url(desk, row, "cancel/"), {"next": wanted})

    assert answer.headers["Location"] == (run_url(desk, row) if leads_to == "run" else leads_to)


def test_cancel_of_a_colleagues_run_is_not_offered_to_members(acme_desk_of: MakeDesk, world: World) -> None:
    desk = acme_desk_of()
    row = desk.queue(user=world.owner)
    page = client_of(desk).get(run_url(desk, row))

    answer = client_of(desk).post(run_url(desk, row, "cancel/"), follow=True)

    assert "Only the person who ran it and admins can cancel it." in page.text
    assert "Your role in Acme is member" in answer.text
    assert reread(row.id).status == "queued"


def test_again_with_one_nonce_runs_once(desk_of: MakeDesk) -> None:
    desk = desk_of()
    row = desk.queue(status="failed")
    client = client_of(desk)
    nonce = re.search(r'name="nonce" value="([^"]+)"', client.get(run_url(desk, row)).text)[1]

    targets = {client.post(run_url(desk, row, "again/"), {"nonce": nonce}).headers["Location"] for _ in range(2)}

    assert len(targets) == 1
    assert Execution.objects.unscoped("a test").filter(retry_of=row).count() == 1


def test_again_after_an_unknown_outcome_wants_to_be_told_so(desk_of: MakeDesk) -> None:
    desk = desk_of()
    row = desk.queue(desk.write, status="unknown", sent_at=timezone.now())
    client = client_of(desk)

    page = client.get(run_url(desk, row)).text
    refused = client.post(run_url(desk, row, "again/"), follow=True)
    done = client.post(run_url(desk, row, "again/"), {"acknowledged": "1"})

    assert 'name="acknowledged"' in page
    assert "It may already have been done" in refused.text
    again = Execution.objects.unscoped("a test").get(retry_of=row)
    assert done.headers["Location"] == run_url(desk, again)
    assert again.text_id in client.get(run_url(desk, row)).text
    assert row.text_id in client.get(run_url(desk, again)).text


def test_download_is_a_file_that_no_browser_renders(desk_of: MakeDesk) -> None:
    desk = desk_of()
    row = with_result(desk.queue(status="succeeded"), {"html": HOSTILE})

    answer = client_of(desk).get(run_url(desk, row, "result.json"))

    assert answer.json() == {"html": HOSTILE}
    assert answer.headers["Content-Type"] == "application/json"
    assert answer.headers["Content-Disposition"] == f'attachment; filename="{row.text_id}.json"'
    assert answer.headers["X-Content-Type-Options"] == "nosniff"


def test_download_is_for_who_may_read(acme_desk_of: MakeDesk, world: World) -> None:
    desk = acme_desk_of()
    row = with_result(desk.queue(status="succeeded"), {"secret": "plan"})

    assert world.client("viewer").get(run_url(desk, row, "result.json")).status_code == 403
    assert world.client("outsider").get(run_url(desk, row, "result.json")).status_code == 404
    assert world.client("admin").get(run_url(desk, row, "result.json")).status_code == 200
