"""The pages of the audit log: whose it is, filters, exports; sign-ins and refusals in it (checks A6, A7, I10)."""

import csv
import json
from datetime import timedelta
from io import StringIO
from typing import Any

import pytest
from allauth.mfa.totp.internal.auth import TOTP
from django.core.cache import cache
from django.http import HttpResponse
from django.test import AsyncRequestFactory, Client
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries

from orgs.audit import AuditAction, Target, denied
from orgs.exports import csv_lines, download, safe_cell
from orgs.models import AuditEvent
from orgs.permissions import Actor, ActorKind
from orgs.queries.actors import actor_for_key
from orgs.services.audit import seal_chains
from tests.factories import NOW, PASSWORD, actor_of, make_api_key, make_audit_event, owner_ref
from tests.staff import sign_in as staff_browser
from tests.world import World

pytestmark = pytest.mark.django_db
SEED = "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP"


def events_of(holder: Any) -> list[AuditEvent]:
    return list(AuditEvent.objects.of_owner(owner_ref(holder)).order_by("id"))


def page(world: World, persona: str, path: str) -> str:
    return world.client(persona).get(path).content.decode()


def body(response: HttpResponse) -> str:
    return b"".join(response.streaming_content).decode()  # type: ignore[attr-defined]  # a StreamingHttpResponse


# --- The list


def test_an_admin_reads_the_organizations_log_and_nobody_elses(world: World) -> None:
    make_audit_event(world.acme, world.admin, target=Target("x", label="ours"))
    make_audit_event(world.globex, world.outsider, target=Target("x", label="theirs"))
    make_audit_event(world.member, world.member, target=Target("x", label="private"))

    text = page(world, "admin", "/orgs/acme/audit/")

    assert "ours" in text
    assert "theirs" not in text
    assert "private" not in text
    assert "private" in page(world, "member", "/me/audit/")


def test_a_record_of_another_owner_is_not_found(world: World) -> None:
    theirs = make_audit_event(world.globex, world.outsider)
    ours = make_audit_event(world.acme, world.admin)

    assert world.client("admin").get(f"/orgs/acme/audit/{theirs.text_id}/").status_code == 404
    assert world.client("admin").get(f"/orgs/acme/audit/{ours.text_id}/").status_code == 200


def test_the_page_of_a_record_shows_its_place_in_the_chain(world: World) -> None:
    event = make_audit_event(world.acme, world.admin, details={"toolkit": "github"})
    new = page(world, "admin", f"/orgs/acme/audit/{event.text_id}/")
    seal_chains(actor=None)

    sealed = page(world, "admin", f"/orgs/acme/audit/{event.text_id}/")

    assert "within seconds" in new
    assert "within seconds" not in sealed
    assert "github" in sealed


def test_support_stands_in_the_log_as_support(world: World) -> None:
    actor = Actor(ActorKind.SUPPORT, user_id=world.staff.id, label="sam")
    make_audit_event(world.acme, world.staff, actor=actor)

    assert "Support" in page(world, "admin", "/orgs/acme/audit/")


def test_filter_that_means_nothing_is_named_and_one_that_does_is_not(world: World) -> None:
    make_audit_event(world.acme, world.admin)

    unknown = page(world, "admin", "/orgs/acme/audit/?action=nothing.like.this&result=denied")
    known = page(world, "admin", "/orgs/acme/audit/?action=connection.pause&result=denied")

    assert 'the action “<span class="wrap-anywhere">nothing.like.this</span>”' in unknown
    assert "1 filter left out" in unknown
    assert "left out" not in known


@pytest.mark.parametrize(
    ("query", "left"),
    [
        ("result=denied", ["two"]),
        ("action=connection.pause", ["one", "two"]),
        ("action=member.add", ["three"]),
        ("time=24h", ["three"]),
        ("actor={member}", ["two"]),
        ("actor=nobody&result=nonsense", ["one", "two", "three"]),
    ],
)
def test_filters_narrow_the_list_down(world: World, query: str, left: list[str]) -> None:
    make_audit_event(world.acme, world.admin, target=Target("x", label="target-one"))
    make_audit_event(world.acme, world.member, target=Target("x", label="target-two"), result=denied("no"))
    make_audit_event(
        world.acme,
        world.admin,
        target=Target("x", label="target-three"),
        action=AuditAction.MEMBER_ADD,
        now=timezone.now(),
    )

    text = page(world, "admin", f"/orgs/acme/audit/?{query.format(member=owner_ref(world.member).text_id)}")

    assert [one for one in ("one", "two", "three") if f"target-{one}" in text] == left


def test_the_list_is_narrowed_down_by_what_it_was_about_and_under_which_id(world: World) -> None:
    account = Target("connected_account", "ca_1", "Deploy bot")
    first = make_audit_event(world.acme, world.admin, target=account)
    other = make_audit_event(world.acme, world.member, target=Target("x", "ca_11", "Something else"))
    key = actor_for_key(make_api_key(world.member)[0], is_live=True)
    under = make_audit_event(world.acme, world.member, actor=key, target=Target("x", label="By a key"))

    def left(query: str) -> set[str]:
        text = page(world, "admin", f"/orgs/acme/audit/?{query}")
        return {one.text_id for one in (first, other, under) if one.text_id in text}

    assert left("target=ca_1") == left("target=deploy") == {first.text_id}
    assert left("target=nothing-like-it") == set()
    assert left(f"acting_as={world.member.text_id}") == {under.text_id}
    assert left("acting_as=org_0") == {first.text_id, other.text_id, under.text_id}  # said to be left out
    exported = body(world.client("admin").get("/orgs/acme/audit/audit.csv?target=ca_1"))
    assert ("Deploy bot" in exported, "Something else" in exported) == (True, False)


def test_a_record_leads_back_to_the_same_filters_and_to_all_about_its_target(world: World) -> None:
    event = make_audit_event(world.acme, world.admin, target=Target("connected_account", "ca_1", "Deploy bot"))
    address = f"/orgs/acme/audit/{event.text_id}/?target=deploy"

    assert f'href="{address}"' in page(world, "admin", "/orgs/acme/audit/?target=deploy&page=2")
    text = page(world, "admin", address)
    assert 'href="/orgs/acme/audit/?target=deploy"' in text
    assert 'href="/orgs/acme/audit/?target=ca_1"' in text


def test_both_empty_texts(world: World) -> None:
    assert "Nothing is on record yet" in page(world, "admin", "/orgs/acme/audit/")
    make_audit_event(world.acme, world.admin)

    assert "No record matches" in page(world, "admin", "/orgs/acme/audit/?result=denied")


def test_pages_lead_to_older_and_back(world: World) -> None:
    events = [make_audit_event(world.acme, world.admin, target=Target("x", label=f"t{n:03}.")) for n in range(60)]
    last_of_first = events[10].text_id

    first = page(world, "admin", "/orgs/acme/audit/")
    second = page(world, "admin", f"/orgs/acme/audit/?before={last_of_first}")

    assert "t059." in first
    assert f"?before={last_of_first}" in first
    assert "t009." in second
    assert "t010." not in second
    assert "t059." in page(world, "admin", f"/orgs/acme/audit/?after={events[9].text_id}")


@pytest.mark.parametrize("rows", [1, 10])
def test_the_list_costs_the_same_with_more_rows(
    world: World, rows: int, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    for _ in range(rows):
        make_audit_event(world.acme, world.admin)
    client = world.client("admin")
    client.get("/orgs/acme/audit/")

    # session, user, places, who occurs, the rows, bell, banners, what waits for an answer
    with django_assert_num_queries(9):
        client.get("/orgs/acme/audit/")


def test_only_who_may_read_it_is_led_there(world: World) -> None:
    assert "/orgs/acme/audit/" in page(world, "admin", "/orgs/acme/members/")
    assert "/orgs/acme/audit/" not in page(world, "member", "/orgs/acme/members/")
    assert "/me/audit/" in page(world, "member", "/me/runs/")


# --- Exports


def test_csv_has_every_record_that_the_filters_leave_and_records_itself(world: World) -> None:
    make_audit_event(world.acme, world.admin, target=Target("x", label='=HYPERLINK("evil"),"\nnew'))
    make_audit_event(world.acme, world.admin, action=AuditAction.MEMBER_ADD)

    response = world.client("admin").get("/orgs/acme/audit/audit.csv?action=connection.pause")

    rows = list(csv.reader(StringIO(body(response))))
    assert response.headers["Content-Disposition"] == 'attachment; filename="audit.csv"'
    assert len(rows) == 2
    assert rows[1][10] == '\'=HYPERLINK("evil"),"\nnew'
    assert events_of(world.acme)[-1].action == "audit.export"


def test_json_is_the_facts_that_are_hashed(world: World) -> None:
    event = make_audit_event(world.acme, world.admin)

    exported = json.loads(body(world.client("admin").get("/orgs/acme/audit/audit.json")))

    assert exported[-1] == event.facts
    assert [one["action"] for one in exported] == ["audit.export", "connection.pause"]


def test_an_export_of_many_records_has_each_once(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("orgs.queries.audit.BATCH", 3)
    made = [make_audit_event(world.member, world.member) for _ in range(10)]

    exported = json.loads(body(world.client("member").get("/me/audit/audit.json?action=connection.pause")))

    assert [one["id"] for one in exported] == [event.text_id for event in reversed(made)]


@pytest.mark.parametrize("start", ["=", "+", "-", "@", "\t", "\r", "＝", "＋", "－", "＠", " ="])  # noqa: RUF001  # they are meant
def test_a_cell_that_could_be_a_formula_is_text(start: str) -> None:
    assert safe_cell(f"{start}1+1") == f"'{start}1+1"


def test_other_cells_are_left_alone() -> None:
    assert list(csv_lines(["a"], [["x,y"], ['"'], [3]])) == ['"a"\r\n', '"x,y"\r\n', '""""\r\n', '"3"\r\n']


def test_an_asgi_server_gets_pieces_that_it_can_wait_for() -> None:
    lines = iter([f"{number}\n" for number in range(500)])
    response = download(AsyncRequestFactory().get("/"), lines, name="x.csv", content_type="text/csv")

    assert response.is_async  # type: ignore[attr-defined]  # a StreamingHttpResponse


# --- Signing in


def sign_in(client: Client, world: World, password: str) -> HttpResponse:
    cache.clear()
    return client.post("/accounts/login/", {"login": world.member.email, "password": password})


def test_signing_in_and_out_leaves_one_record_each(world: World) -> None:
    client = Client()

    sign_in(client, world, PASSWORD)
    client.post("/accounts/logout/")

    assert [(one.action, one.result) for one in events_of(world.member)] == [
        ("session.sign_in", "done"),
        ("session.sign_out", "done"),
    ]
    assert all(one.request_id and one.actor_label == "mia" for one in events_of(world.member))


def test_a_wrong_password_leaves_one_record_by_nobody(world: World) -> None:
    sign_in(Client(), world, "wrong-canary-password")

    [event] = events_of(world.member)
    assert (event.action, event.result, event.code) == ("session.sign_in", "denied", "wrong_password")
    assert (event.actor_kind, event.actor_id) == ("nobody", "")
    assert "canary" not in str(event.facts)


def test_an_unknown_address_leaves_none(world: World) -> None:
    cache.clear()
    Client().post("/accounts/login/", {"login": "who@example.com", "password": "x"})

    assert not AuditEvent.objects.exists()


def test_a_wrong_second_factor_leaves_one_record(world: World) -> None:
    TOTP.activate(world.member, SEED)
    client = Client()
    sign_in(client, world, PASSWORD)

    client.post("/accounts/2fa/authenticate/", {"code": "000000"})

    [event] = events_of(world.member)
    assert (event.result, event.code) == ("denied", "wrong_second_factor")
    assert "000000" not in str(event.details)


def test_changing_the_password_leaves_one_record(world: World) -> None:
    client = Client()
    sign_in(client, world, PASSWORD)
    new = "another-horse-battery"

    client.post("/accounts/password/change/", {"oldpassword": PASSWORD, "password1": new, "password2": new})

    assert [one.action for one in events_of(world.member)] == ["session.sign_in", "password.change"]
    assert new not in str([one.facts for one in events_of(world.member)])


# --- Refusals


def test_a_refusal_at_a_page_leaves_one_record_in_the_owners_log(world: World) -> None:
    world.client("viewer").post("/orgs/acme/connections/new/github/")

    [event] = events_of(world.acme)
    assert (event.action, event.result, event.code) == ("access.check", "denied", "role_insufficient")
    assert (event.actor_label, event.details["page"]) == ("vera", "connect_toolkit")
    assert event.target_label == "/orgs/acme/connections/new/<slug:toolkit>/"


def test_a_stranger_is_recorded_in_their_own_log_and_not_in_the_organizations(world: World) -> None:
    world.client("outsider").get("/orgs/acme/members/")

    assert events_of(world.acme) == []
    assert [(one.action, one.code) for one in events_of(world.outsider)] == [("access.check", "not_found")]


def test_an_allowed_page_and_a_mistyped_address_leave_none(world: World) -> None:
    world.client("member").get("/orgs/acme/members/")
    world.client("member").get("/no/such/page/")

    assert not AuditEvent.objects.exists()


def test_twenty_refusals_in_a_row_make_one_alert(world: World) -> None:
    client = world.client("viewer")
    for _ in range(22):
        client.get("/orgs/acme/audit/")

    actions = [one.action for one in events_of(world.acme)]
    assert actions.count("access.check") == 22
    assert actions.count("alert.raise") == 1


# --- Support


def test_what_support_changes_about_a_user_stands_in_that_users_log(world: World) -> None:
    type(world.staff).objects.filter(id=world.staff.id).update(is_superuser=True)

    staff_browser(world.staff).post(f"/admin/accounts/user/{world.member.pk}/change/", {})

    [event] = events_of(world.member)
    assert (event.action, event.actor_kind, event.actor_label) == ("user.change", "support", "sam")
    assert event.details == {"fields": ["is_active"], "is_active": False, "is_staff": False}


def test_the_admin_site_shows_the_log_and_changes_nothing(world: World) -> None:
    type(world.staff).objects.filter(id=world.staff.id).update(is_superuser=True)
    event = make_audit_event(world.acme, world.admin, now=NOW + timedelta(seconds=1), actor=actor_of(world.admin))
    client = staff_browser(world.staff)

    assert client.get("/admin/orgs/auditevent/").status_code == 200
    assert client.get(f"/admin/orgs/auditevent/{event.pk}/change/").status_code == 200
    assert client.post(f"/admin/orgs/auditevent/{event.pk}/change/", {"code": "x"}).status_code == 403
    assert client.post(f"/admin/orgs/auditevent/{event.pk}/delete/", {"post": "yes"}).status_code == 403
