"""An owner lets support look, for hours: at metadata, by page, on record, never longer and never more (A1, A7, T13)."""

from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from allauth.mfa.models import Authenticator
from django.test import Client
from django.utils import timezone

from accounts.models import User
from orgs.audit import Target
from orgs.errors import ConflictError, DomainError, ForbiddenError, NotFoundError
from orgs.models import AuditEvent, Membership, Notice, SupportGrant
from orgs.permissions import Permission, Role
from orgs.queries.actors import actor_for_support
from orgs.queries.support_grants import grant_to_look
from orgs.services.support_grants import end_grant, extend_grant, give_grant, record_look
from orgs.support_looks import PAGES
from tests.factories import (
    actor_of,
    make_connected_account,
    make_execution,
    make_finished_execution,
    make_membership,
    make_support_grant,
    make_tool,
    make_toolkit,
)
from tests.permissions.matrix import ORG
from tests.permissions.urls import Furniture
from tests.staff import make_supporter, prove, sign_in
from tests.world import World

pytestmark = pytest.mark.django_db
PAGE = "/orgs/acme/settings/support/"
METHODS = ("get", "post", "put", "patch", "delete", "options", "head")
OPEN = sorted(f"org:{name}" for name in PAGES)


def running(world: World, **values: Any) -> SupportGrant:
    return make_support_grant(world.acme, by=world.owner, **{"until": timezone.now() + timedelta(hours=1), **values})


@pytest.fixture
def sue(world: World) -> User:
    return make_supporter("sue")


@pytest.fixture
def support(sue: User) -> Client:
    return sign_in(sue, raise_request_exception=False)


def looks(world: World) -> list[AuditEvent]:
    return list(AuditEvent.objects.of_owner(world.acme.ref).filter(action="support.look").order_by("id"))


# --- Giving it


def test_owner_gives_it_and_everybody_concerned_knows(world: World, sue: User) -> None:
    second = make_membership(world.acme, world.outsider, Role.OWNER).user
    asked = {"person": sue.text_id, "hours": "4", "reason": "The run of Monday hangs"}

    response = world.client("owner").post(PAGE, asked)

    grant = SupportGrant.objects.get()
    assert response.headers["Location"] == PAGE
    assert (grant.person, grant.given_by, grant.reason) == (sue, world.owner, asked["reason"])
    assert timedelta(hours=3, minutes=59) < grant.until - timezone.now() < timedelta(hours=4, minutes=1)
    event = AuditEvent.objects.of_owner(world.acme.ref).get(action="support.grant")
    assert event.details == {
        "until": grant.until.isoformat(timespec="minutes"),
        "who": "sue",
        "reason": asked["reason"],
    }
    assert {(one.user, one.path) for one in Notice.objects.filter(kind="support")} == {
        (second, PAGE),
        (sue, "/orgs/acme/members/"),
    }


def test_the_team_is_let_in_without_a_name(world: World, sue: User) -> None:
    world.client("owner").post(PAGE, {"person": "team", "hours": "24", "reason": "Look around"})

    assert SupportGrant.objects.get().person is None
    assert sign_in(sue).get("/orgs/acme/members/").status_code == 200


@pytest.mark.parametrize(
    "change",
    [
        {"hours": "25"},
        {"hours": "0"},
        {"hours": ""},
        {"reason": ""},
        {"reason": "abc"},
        {"person": ""},
        {"person": "user_x"},
    ],
)
def test_form_that_is_not_right_gives_nothing(world: World, sue: User, change: dict[str, str]) -> None:
    response = world.client("owner").post(PAGE, {"person": "team", "hours": "4", "reason": "Look around", **change})

    assert response.status_code == 422
    assert not SupportGrant.objects.exists()


@pytest.mark.parametrize("persona", ["admin", "member", "viewer"])
def test_only_owners_give_extend_and_end(world: World, sue: User, persona: str) -> None:
    grant = running(world)
    client = world.client(persona)

    codes = [
        client.post(PAGE, {"person": "team", "hours": "4", "reason": "Look around"}).status_code,
        client.post(f"{PAGE}{grant.text_id}/extend/").status_code,
        client.post(f"{PAGE}{grant.text_id}/end/").status_code,
    ]

    assert codes == [403, 403, 403]
    assert SupportGrant.objects.get().until == grant.until
    assert "This needs the role owner." in client.get(PAGE).content.decode()


@pytest.mark.parametrize("hours", [-1, 0, 25, 1000])
def test_service_gives_no_more_than_a_day(world: World, hours: int) -> None:
    asked = {"actor": actor_of(world.owner), "owner": world.acme.ref, "hours": hours, "now": timezone.now()}
    with pytest.raises(DomainError, match="between 1 and 24 hours"):
        give_grant(**asked, person_id=None, reason="Look around")
    with pytest.raises(DomainError, match="between 1 and 24 hours"):
        extend_grant(**asked, grant_id=running(world).id)


def test_somebody_outside_the_support_team_is_not_let_in(world: World) -> None:
    asked = {"actor": actor_of(world.owner), "owner": world.acme.ref, "hours": 1, "now": timezone.now()}
    for outsider in (world.staff, world.outsider):
        with pytest.raises(NotFoundError, match="nobody of the support team"):
            give_grant(**asked, person_id=outsider.id, reason="Look around")


def test_owner_who_was_demoted_meanwhile_opens_no_door(world: World) -> None:
    before = actor_of(world.owner)
    Membership.objects.filter(user=world.owner).update(role="member")

    with pytest.raises(ForbiddenError):
        give_grant(
            actor=before, owner=world.acme.ref, person_id=None, hours=1, reason="Look around", now=timezone.now()
        )


def test_it_is_extended_to_a_day_from_now_and_no_further(world: World) -> None:
    grant = running(world)
    client = world.client("owner")

    client.post(f"{PAGE}{grant.text_id}/extend/", {"hours": "24"})
    grant.refresh_from_db()
    first = grant.until
    page = client.post(f"{PAGE}{grant.text_id}/extend/", {"hours": "4"}, follow=True).content.decode()

    grant.refresh_from_db()
    assert timedelta(hours=23, minutes=59) < first - timezone.now() <= timedelta(hours=24)
    assert grant.until == first
    assert "It runs that long already" in page
    assert AuditEvent.objects.filter(action="support.extend").count() == 1


def test_it_is_ended_at_once(world: World, support: Client) -> None:
    grant = running(world)
    assert support.get("/orgs/acme/members/").status_code == 200

    world.client("owner").post(f"{PAGE}{grant.text_id}/end/")

    assert support.get("/orgs/acme/members/").status_code == 403
    assert AuditEvent.objects.filter(action="support.end").count() == 1
    assert SupportGrant.objects.get().ended_by == world.owner


def test_what_is_over_is_neither_ended_nor_extended(world: World) -> None:
    grant = make_support_grant(world.acme, by=world.owner)
    which = {"actor": actor_of(world.owner), "owner": world.acme.ref, "grant_id": grant.id, "now": timezone.now()}

    for act in (lambda: end_grant(**which), lambda: extend_grant(**which, hours=4)):
        with pytest.raises(ConflictError, match="over already"):
            act()
    page = world.client("owner").post(f"{PAGE}{grant.text_id}/end/", follow=True).content.decode()
    assert "over already" in page


def test_access_to_another_organization_reads_like_none(world: World) -> None:
    theirs = make_support_grant(world.globex, by=world.outsider)

    for text in (theirs.text_id, f"sup_{uuid4().hex}", "sup_x", "1"):
        assert world.client("owner").post(f"{PAGE}{text}/end/").status_code == 404


# --- Looking


@pytest.mark.parametrize("name", OPEN)
def test_support_opens_these_pages_and_each_is_one_record(
    world: World, furniture: Furniture, support: Client, name: str
) -> None:
    running(world)
    url = furniture.url(name)

    response = support.get(url)

    assert response.status_code == 200
    assert "as support" in response.content.decode()
    [event] = looks(world)
    assert (event.actor_kind, event.actor_label, event.result) == ("support", "sue", "done")
    assert event.details == {"page": name.partition(":")[2]}
    assert event.target_label == url
    assert event.target_id == next((part for part in url.split("/") if part.startswith(("ca_", "ex_", "ev_"))), "")


@pytest.mark.parametrize("name", sorted(ORG))
def test_everything_else_stays_closed_and_the_denial_is_on_record(
    world: World, furniture: Furniture, support: Client, name: str
) -> None:
    running(world)
    url = furniture.url(name)
    for method in METHODS if name not in OPEN else [one for one in METHODS if one not in {"get", "head"}]:
        before = AuditEvent.objects.count()

        assert getattr(support, method)(url).status_code == 403, method

        if not name.endswith("run_events"):
            assert AuditEvent.objects.count() == before + 1
            denial = AuditEvent.objects.of_owner(world.acme.ref).latest("id")
            assert (denial.actor_kind, denial.result, denial.code) == ("support", "denied", "support_reads_only")
    assert looks(world) == []


@pytest.mark.parametrize("name", sorted(ORG))
def test_without_a_grant_it_is_as_if_there_were_nothing(
    world: World, furniture: Furniture, support: Client, name: str
) -> None:
    """Also: one that is over, was ended, names somebody else, or is another organization's."""
    make_support_grant(world.acme, by=world.owner)
    running(world, ended_at=timezone.now())
    running(world, person=make_supporter("ute"))
    make_support_grant(world.globex, by=world.outsider, until=timezone.now() + timedelta(hours=1))

    real, invented = support.get(furniture.url(name)), support.get(furniture.url(name, org="nobody-has-this"))

    assert (real.status_code, invented.status_code) == (403, 403)
    assert looks(world) == []


def test_person_who_is_named_looks(world: World, sue: User, support: Client) -> None:
    running(world, person=sue)

    assert support.get("/orgs/acme/members/").status_code == 200
    assert sign_in(make_supporter("ute")).get("/orgs/acme/members/").status_code == 403


def test_one_of_several_is_let_in(world: World, sue: User) -> None:
    values = {"owner": world.acme.ref, "hours": 1, "reason": "A run hangs", "now": timezone.now()}
    people = [sue, make_supporter("abe")]
    for person in people:
        grant = give_grant(actor=actor_of(world.owner), person_id=person.id, **values)
        assert grant.person == person


def test_staff_without_the_power_does_not_look(world: World) -> None:
    running(world)
    running(world, person=world.staff)

    assert sign_in(world.staff).get("/orgs/acme/members/").status_code == 403


def test_looking_needs_the_second_factor_too(world: World, sue: User, support: Client) -> None:
    running(world)
    prove(support, sue, seconds_ago=24 * 3600)

    response = support.get("/orgs/acme/members/")

    assert response.status_code == 403
    assert "Open the admin site first" in response.content.decode()
    assert looks(world) == []
    Authenticator.objects.all().delete()
    prove(support, sue)
    assert support.get("/orgs/acme/members/").status_code == 403


def test_suspended_staff_does_not_look(world: World, sue: User) -> None:
    running(world)
    User.objects.filter(pk=sue.pk).update(is_active=False)
    sue.refresh_from_db()

    assert grant_to_look(actor=actor_for_support(User.objects.get(pk=sue.pk)), slug="acme", now=timezone.now()) is None


def test_staff_who_belong_there_are_members_and_leave_no_look(world: World, sue: User, support: Client) -> None:
    make_membership(world.acme, sue)
    running(world)

    response = support.get("/orgs/acme/tools/")

    assert response.status_code == 200
    assert looks(world) == []


def test_arguments_results_and_messages_stay_hidden(world: World, sue: User, support: Client) -> None:
    """Also of a run that the supporter asked for when they were still a member."""
    running(world)
    tool = make_tool(make_toolkit())
    account = make_connected_account(tool.toolkit, owner=world.acme)
    asked = {"owner": world.acme, "user": sue, "connected_account": account}
    done = make_finished_execution(tool, **asked)
    said = {"error_code": "provider_refused", "error_message": "No such thing: canary-argument"}
    failed = make_execution(tool, status="failed", **asked, **said)
    denied = make_execution(tool, status="denied", **asked, **said)
    waiting = make_execution(tool, **asked)

    pages = {
        row.status: support.get(f"/orgs/acme/runs/{row.text_id}/").content.decode()
        for row in (done, failed, denied, waiting)
    }

    for page in pages.values():
        assert "canary" not in page
        assert "octocat" not in page
        assert "Only the person who ran it and admins can see this." in page
        assert "hx-get" not in page.partition("<main")[2].replace('hx-get="/search', "")
        assert "sse-connect" not in page
    assert "provider_refused" in pages["failed"]
    assert support.get(f"/orgs/acme/runs/{done.text_id}/result.json").status_code == 403
    own = world.client("admin").get(f"/orgs/acme/runs/{done.text_id}/").content.decode()
    assert "octocat" in own  # the allowed twin: there was something to hide


def test_personal_things_of_members_stay_out_of_reach(world: World, support: Client) -> None:
    running(world)
    mine = make_connected_account(make_toolkit(), owner=world.member)

    assert support.get(f"/orgs/acme/connections/{mine.text_id}/").status_code == 404
    assert mine.text_id not in support.get("/orgs/acme/connections/").content.decode()


def test_run_of_ones_own_is_not_called_off_as_support(world: World, sue: User, support: Client) -> None:
    running(world)
    row = make_execution(make_tool(make_toolkit()), owner=world.acme, user=sue)

    assert support.post(f"/orgs/acme/runs/{row.text_id}/cancel/").status_code == 403
    row.refresh_from_db()
    assert row.status == "queued"


def test_frame_shows_what_is_open_and_the_way_back(world: World, support: Client) -> None:
    running(world)

    page = support.get("/orgs/acme/members/").content.decode()

    for name in ("connections", "runs", "members", "audit"):
        assert f'href="/orgs/acme/{name}/"' in page
    for name in ("tools", "settings"):
        assert f'href="/orgs/acme/{name}/"' not in page
    assert 'href="/me/' in page
    assert "looking as support" in page
    assert "audit.csv" not in support.get("/orgs/acme/audit/").content.decode()


def test_looking_cannot_be_recorded_by_somebody_who_may_not_look(world: World, sue: User) -> None:
    with pytest.raises(DomainError):
        record_look(
            actor=actor_for_support(sue), owner=world.acme.ref, target=Target("page"), page="runs", now=timezone.now()
        )


# --- The banner, and what stands on the page


@pytest.mark.parametrize("persona", ["viewer", "member", "admin", "owner"])
def test_banner_tells_every_member_on_every_page(world: World, persona: str) -> None:
    client = world.client(persona)
    silent = client.get("/orgs/acme/connections/").content.decode()
    grant = running(world)

    pages = [client.get(f"/orgs/acme/{tail}").content.decode() for tail in ("", "connections/", "runs/", "members/")]

    assert "Support may look" not in silent
    for page in pages:
        assert "Support may look at Acme" in page
        assert (f"{grant.text_id}/end/" in page) is (persona == "owner")


def test_banner_is_not_for_other_places(world: World) -> None:
    running(world)

    for persona, url in (("member", "/me/"), ("outsider", "/orgs/globex/"), ("member", "/profile/")):
        assert "Support may look" not in world.client(persona).get(url).content.decode()


def test_banner_is_gone_when_the_time_is_over(world: World) -> None:
    make_support_grant(world.acme, by=world.owner)
    running(world, ended_at=timezone.now())

    assert "Support may look" not in world.client("owner").get("/orgs/acme/").content.decode()


def test_page_shows_admins_what_support_looked_at_and_members_not(world: World, support: Client) -> None:
    running(world)
    support.get("/orgs/acme/runs/")

    shown = {one: world.client(one).get(PAGE).content.decode() for one in ("owner", "admin", "member")}

    assert "/orgs/acme/runs/</span>" in shown["owner"]
    assert "/orgs/acme/runs/</span>" in shown["admin"]
    assert "What support looked at" not in shown["member"]


def test_page_says_when_there_is_no_support_team(world: World) -> None:
    page = world.client("owner").get(PAGE).content.decode()

    assert "This installation has no support team" in page
    assert "Support never looked here" in page


def test_page_names_the_people_who_can_be_let_in(world: World, sue: User) -> None:
    page = world.client("owner").get(PAGE).content.decode()

    assert f'<option value="{sue.text_id}">sue</option>' in page
    assert world.staff.text_id not in page  # has no permission of the support team


def test_support_reads_whether_and_until_when(world: World, support: Client) -> None:
    running(world)

    page = support.get(PAGE).content.decode()

    assert "A run hangs" in page
    assert "End now" not in page
    assert Permission.SUPPORT_GRANTS_MANAGE.value not in page
