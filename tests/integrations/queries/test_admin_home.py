"""What waits for an organization's admins: each kind of task, whom it is shown to, and where it leads."""

from datetime import timedelta

import pytest
from allauth.mfa.models import Authenticator
from django.test import Client

from integrations.queries.admin_home import Task, tasks_for_admins
from integrations.queries.home import what_needs_me
from orgs.audit import denied
from orgs.errors import ForbiddenError, NotFoundError
from orgs.permissions import OwnerRef
from orgs.queries.safety import denials_since, invitations_running_out, members_without_second_factor
from tests.factories import (
    NOW,
    actor_of,
    make_audit_event,
    make_connected_account,
    make_consent_request,
    make_execution,
    make_invitation,
    make_organization,
    make_tool,
    make_toolkit,
    make_user,
    owner_ref,
)
from tests.world import World

pytestmark = pytest.mark.django_db
LONG_AGO = NOW - timedelta(days=91)


@pytest.fixture
def safe(world: World) -> World:
    """Acme, in which everybody has a second factor, so that this is no task."""
    for user in world.people.values():
        Authenticator.objects.create(user=user, type=Authenticator.Type.TOTP, data={})
    return world


def tasks(world: World, persona: str = "admin") -> list[Task]:
    found = tasks_for_admins(actor=actor_of(world.people[persona]), owner=world.acme.ref, now=NOW)
    assert found is not None
    return found


def test_nothing_waits_where_all_is_well(safe: World) -> None:
    make_connected_account(make_toolkit(), owner=safe.acme, last_used_at=NOW)
    make_invitation(safe.acme, by=safe.admin, sent_at=NOW, expires_at=NOW + timedelta(days=5))

    assert tasks(safe) == []


@pytest.mark.parametrize("persona", ["member", "viewer"])
def test_only_those_who_look_after_the_organization_have_tasks(safe: World, persona: str) -> None:
    actor = actor_of(safe.people[persona])

    assert tasks_for_admins(actor=actor, owner=safe.acme.ref, now=NOW) is None
    assert tasks(safe, "owner") == tasks(safe, "admin") == []


def test_nobody_has_tasks_on_their_own_page_or_for_strangers(safe: World) -> None:
    assert tasks_for_admins(actor=actor_of(safe.admin), owner=owner_ref(safe.admin), now=NOW) is None
    with pytest.raises(NotFoundError):
        tasks_for_admins(actor=actor_of(safe.outsider), owner=safe.acme.ref, now=NOW)


def test_open_requests_lead_to_the_desk(safe: World) -> None:
    make_consent_request(make_toolkit(), owner=safe.acme, users=[safe.member])

    [task] = tasks(safe)

    assert (task.title, task.url) == ("1 request is open", "/orgs/acme/requests/")


def test_runs_that_wait_lead_to_where_they_are_decided(safe: World) -> None:
    tool = make_tool(make_toolkit())
    for _ in range(2):
        make_execution(tool, owner=safe.acme, user=safe.member, status="waiting_for_approval")
    make_execution(tool, owner=safe.globex, user=safe.outsider, status="waiting_for_approval")

    [task] = tasks(safe)

    assert task.title == "2 runs wait for approval"
    assert task.url.startswith("/orgs/acme/")
    assert Client().get(task.url).status_code == 302


def test_refusals_of_the_last_week_name_who_met_them(safe: World) -> None:
    make_audit_event(safe.acme, safe.member, result=denied("role_insufficient"), now=NOW)
    make_audit_event(safe.acme, safe.member, result=denied("role_insufficient"), now=NOW - timedelta(days=8))
    make_audit_event(safe.acme, safe.member, now=NOW)
    make_audit_event(safe.globex, safe.outsider, result=denied("role_insufficient"), now=NOW)

    [task] = tasks(safe)

    assert task.title == "1 attempt was refused in the last 7 days"
    assert safe.member.display_name in task.text
    assert task.url == "/orgs/acme/audit/?result=denied&time=7d"


def test_names_are_cut_short(safe: World) -> None:
    for number in range(5):
        user = make_user(f"refused{number}")
        make_audit_event(safe.acme, user, result=denied("x"), now=NOW)

    assert "refused0, refused1, refused2 and 2 more" in tasks(safe)[0].text


def test_invitations_that_run_out_are_a_task(safe: World) -> None:
    make_invitation(safe.acme, by=safe.admin, sent_at=NOW, expires_at=NOW + timedelta(days=1))
    make_invitation(safe.acme, by=safe.admin, sent_at=NOW, expires_at=NOW - timedelta(days=1))
    make_invitation(safe.acme, by=safe.admin, sent_at=None, expires_at=NOW + timedelta(days=7))
    make_invitation(safe.acme, by=safe.admin, revoked_at=NOW, expires_at=NOW - timedelta(days=1))

    [task] = tasks(safe)

    assert (task.title, task.url) == ("3 invitations run out", "/orgs/acme/members/invitations/")


def test_members_without_a_second_factor_are_named(safe: World) -> None:
    Authenticator.objects.filter(user__in=[safe.member, safe.ex_member]).delete()
    Authenticator.objects.create(user=safe.member, type=Authenticator.Type.RECOVERY_CODES, data={})

    [task] = tasks(safe)

    assert task.title == "1 member signs in without a second factor"
    assert task.text.startswith(f"{safe.member.display_name}.")


def test_accounts_that_nobody_uses_are_a_task(safe: World) -> None:
    toolkit = make_toolkit()
    idle = make_connected_account(toolkit, owner=safe.acme, last_used_at=LONG_AGO, identity_label="idle")
    make_connected_account(toolkit, owner=safe.acme, connected_at=NOW, identity_label="new")
    make_connected_account(toolkit, owner=safe.acme, last_used_at=LONG_AGO, status="paused")
    make_connected_account(toolkit, owner=safe.globex, last_used_at=LONG_AGO)

    [task] = tasks(safe)

    assert task.title == "1 account was not used for 90 days"
    assert task.url == f"/orgs/acme/connections/{idle.text_id}/"
    make_connected_account(toolkit, owner=safe.acme, connected_at=LONG_AGO, identity_label="never")
    [task] = tasks(safe)
    assert (task.title, task.url) == ("2 accounts were not used for 90 days", "/orgs/acme/connections/")


@pytest.mark.parametrize("query", [members_without_second_factor, invitations_running_out, denials_since])
def test_what_admins_may_know_others_may_not(world: World, query: object) -> None:
    more = {invitations_running_out: {"now": NOW}, denials_since: {"since": NOW}}.get(query, {})  # type: ignore[call-overload]

    with pytest.raises(ForbiddenError):
        query(actor=actor_of(world.member), owner=world.acme.ref, **more)  # type: ignore[operator]
    query(actor=actor_of(world.admin), owner=world.acme.ref, **more)  # type: ignore[operator]


# --- The page


def test_home_shows_the_tasks_to_admins_alone(safe: World) -> None:
    make_consent_request(make_toolkit(), owner=safe.acme, users=[safe.member])

    assert "1 request is open" in safe.client("admin").get("/orgs/acme/").text
    assert "For you as an admin" not in safe.client("member").get("/orgs/acme/").text
    assert "For you as an admin" not in safe.client("admin").get("/me/").text


def test_home_says_when_nothing_waits() -> None:
    owner = make_user("zoe")
    Authenticator.objects.create(user=owner, type=Authenticator.Type.TOTP, data={})
    make_organization("solo", owner=owner)
    client = Client()
    client.force_login(owner)

    assert "Nothing waits for you." in client.get("/orgs/solo/").text


# --- What a member waits for


def test_members_see_what_they_asked_for_and_nobody_elses(safe: World) -> None:
    tool = make_tool(make_toolkit())
    make_consent_request(tool.toolkit, owner=safe.acme, users=[safe.member])
    make_execution(tool, owner=safe.acme, user=safe.member, status="waiting_for_approval")
    make_execution(tool, owner=safe.acme, user=safe.admin, status="waiting_for_approval")

    def waited_for(persona: str, owner: OwnerRef) -> tuple[int, int]:
        found = what_needs_me(actor=actor_of(safe.people[persona]), owner=owner, now=NOW)
        return len(found.waiting), len(found.asked)

    assert waited_for("member", safe.acme.ref) == (1, 1)
    assert waited_for("admin", safe.acme.ref) == (1, 0)
    assert waited_for("member", owner_ref(safe.member)) == (0, 0)
    text = safe.client("member").get("/orgs/acme/").text
    assert "an admin has to approve it" in text
    assert "an admin has to answer" in text
