"""What support may do: with its own permission and a reason only, once, and in the log of whom it concerns (A1, A7)."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import Permission
from django.core import mail
from django.test import Client
from django.utils import timezone

from accounts.models import User
from integrations.models import ConnectedAccount, Execution, Toolkit
from orgs.models import AuditEvent, Invitation, Notice
from tests.factories import (
    make_application,
    make_connected_account,
    make_end_user,
    make_execution,
    make_invitation,
    make_notice,
    make_tool,
    make_toolkit,
    make_user,
)
from tests.staff import make_superuser, make_supporter, sign_in
from tests.world import World

pytestmark = pytest.mark.django_db
REASON = "Asked for on the phone by olivia"


@dataclass(frozen=True)
class Case:
    """A page on which support does something to a row, and in whose log it stands."""

    url: str
    row: Any
    action: str
    owner_id: str
    permission: str


def a_connection(world: World) -> Case:
    row = make_connected_account(make_toolkit(), owner=world.acme)
    url = f"/admin/integrations/connectedaccount/{row.pk}/pause/"
    return Case(url, row, "connection.pause", world.acme.ref.text_id, "pause_connectedaccount")


def a_personal_connection(world: World) -> Case:
    row = make_connected_account(make_toolkit(), owner=world.member)
    url = f"/admin/integrations/connectedaccount/{row.pk}/pause/"
    return Case(url, row, "connection.pause", world.member.text_id, "pause_connectedaccount")


def a_waiting_run(world: World) -> Case:
    row = make_execution(make_tool(make_toolkit()), owner=world.acme, user=world.member)
    url = f"/admin/integrations/execution/{row.pk}/cancel/"
    return Case(url, row, "execution.cancel", world.acme.ref.text_id, "cancel_execution")


def a_delayed_run(world: World) -> Case:
    later = timezone.now() + timedelta(minutes=30)
    tool = make_tool(make_toolkit(), effect="write")
    times = {"available_at": later, "expires_at": later + timedelta(hours=1)}
    row = make_execution(tool, owner=world.member, **times)
    url = f"/admin/integrations/execution/{row.pk}/requeue/"
    return Case(url, row, "execution.requeue", world.member.text_id, "requeue_execution")


def an_invitation(world: World) -> Case:
    row, _token = make_invitation(world.acme, by=world.admin, created_at=timezone.now() - timedelta(days=2))
    return Case(
        f"/admin/orgs/invitation/{row.pk}/resend/",
        row,
        "invitation.resend",
        world.acme.ref.text_id,
        "resend_invitation",
    )


def a_locked_user(world: World) -> Case:
    User.objects.filter(pk=world.member.pk).update(is_active=False)
    return Case(
        f"/admin/accounts/user/{world.member.pk}/unlock/",
        world.member,
        "user.unlock",
        world.member.text_id,
        "unlock_user",
    )


def a_toolkit(_world: World) -> Case:
    row = make_toolkit()
    return Case(f"/admin/integrations/toolkit/{row.pk}/switch-off/", row, "toolkit.switch", "", "switch_toolkit")


def a_switched_off_toolkit(_world: World) -> Case:
    row = make_toolkit(is_enabled=False)
    return Case(f"/admin/integrations/toolkit/{row.pk}/switch-on/", row, "toolkit.switch", "", "switch_toolkit")


CASES = [
    a_connection,
    a_personal_connection,
    a_waiting_run,
    a_delayed_run,
    an_invitation,
    a_locked_user,
    a_toolkit,
    a_switched_off_toolkit,
]
each = pytest.mark.parametrize("make", CASES, ids=lambda make: make.__name__)
Make = Callable[[World], Case]


@pytest.fixture
def support(db: None) -> Client:
    return sign_in(make_supporter())


def fresh(row: Any) -> Any:
    return type(row)._base_manager.get(pk=row.pk)


def facts(row: Any) -> dict[str, Any]:
    values = type(row)._base_manager.filter(pk=row.pk).values().get()
    return {name: value for name, value in values.items() if name != "last_login"}


def events() -> list[AuditEvent]:
    return [one for one in AuditEvent.objects.order_by("id") if not one.action.startswith(("session.", "mfa."))]


@each
def test_support_does_it_with_a_reason_and_one_record_stands_in_the_right_log(
    world: World, support: Client, make: Make
) -> None:
    case = make(world)
    before = facts(case.row)

    response = support.post(case.url, {"reason": REASON})

    assert response.status_code == 302
    assert facts(case.row) != before
    [event] = events()
    assert (event.action, event.owner_id, event.actor_kind, event.result) == (
        case.action,
        case.owner_id,
        "support",
        "done",
    )
    assert event.details["reason"] == REASON
    assert event.actor_label == "sue"
    assert REASON not in str(LogEntry.objects.values_list())


@each
def test_page_says_what_happens_before_anything_does(world: World, support: Client, make: Make) -> None:
    case = make(world)
    before = facts(case.row)

    page = support.get(case.url)

    assert page.status_code == 200
    assert "What happens" in page.content.decode()
    assert 'name="reason"' in page.content.decode()
    assert (facts(case.row), events()) == (before, [])


@each
@pytest.mark.parametrize("reason", ["", "    ", "abc", "x" * 201])
def test_without_a_good_reason_nothing_happens(world: World, support: Client, make: Make, reason: str) -> None:
    case = make(world)
    before = facts(case.row)

    response = support.post(case.url, {"reason": reason})

    assert response.status_code == 422
    assert (facts(case.row), events()) == (before, [])


@each
def test_each_needs_its_own_permission(world: World, make: Make) -> None:
    """Somebody with every permission but this one: seen, and not done. The denial is on record."""
    case = make(world)
    user = make_supporter()
    others = Permission.objects.filter(group__name="Support").exclude(codename=case.permission)
    user.groups.clear()
    user.user_permissions.set(others)
    client, before = sign_in(user), facts(case.row)

    answers = [client.get(case.url).status_code, client.post(case.url, {"reason": REASON}).status_code]

    assert answers == [403, 403]
    assert facts(case.row) == before
    assert {(one.result, one.code) for one in events()} == {("denied", "support_lacks_power")}
    change = case.url.rsplit("/", 2)[0] + "/change/"
    assert "You do not have the permission for this" in client.get(change).content.decode()


@each
def test_people_who_are_not_of_the_staff_are_turned_away(world: World, make: Make) -> None:
    case = make(world)
    before = facts(case.row)

    for persona in ("owner", "admin", "member", "outsider", "anonymous"):
        assert world.client(persona).post(case.url, {"reason": REASON}).status_code in {302, 403}
    assert sign_in(world.staff).post(case.url, {"reason": REASON}).status_code == 403

    assert (facts(case.row)) == before


@each
def test_done_twice_it_is_done_once(world: World, support: Client, make: Make) -> None:
    """A locked user can be unlocked again; everything else says why not."""
    case = make(world)
    support.post(case.url, {"reason": REASON})
    after = facts(case.row)

    again = support.post(case.url, {"reason": REASON})

    if make is not a_locked_user:
        assert again.status_code == 422
        assert len(events()) == 1
    assert facts(case.row) == after


@each
def test_page_of_the_row_leads_there(world: World, support: Client, make: Make) -> None:
    case = make(world)

    page = support.get(case.url.rsplit("/", 2)[0] + "/change/").content.decode()

    assert f'href="{case.url}"' in page


@each
def test_tenant_sees_it_in_its_own_log(world: World, support: Client, make: Make) -> None:
    case = make(world)
    support.post(case.url, {"reason": REASON})
    User.objects.update(is_active=True)
    place = {world.acme.ref.text_id: ("admin", "/orgs/acme/audit/"), world.member.text_id: ("member", "/me/audit/")}

    for owner_id, (persona, url) in place.items():
        page = world.client(persona).get(url).content.decode()
        assert ("sue" in page) is (owner_id == case.owner_id)
    assert "sue" not in world.client("outsider").get("/orgs/globex/audit/").content.decode()


def test_row_that_is_not_there_is_not_found(support: Client, world: World) -> None:
    url = f"/admin/integrations/connectedaccount/{world.acme.id}/pause/"

    assert support.get(url).status_code == 404
    assert support.get("/admin/integrations/connectedaccount/nonsense/pause/").status_code == 404


# --- Connections


def test_what_support_paused_its_owner_resumes_and_reads_why(world: World, support: Client) -> None:
    case = a_connection(world)
    support.post(case.url, {"reason": REASON})
    page = f"/orgs/acme/connections/{case.row.text_id}/"

    assert f"Paused by support: {REASON}" in world.client("member").get(page).content.decode()
    world.client("admin").post(f"{page}resume/")

    resumed = fresh(case.row)
    assert (resumed.status, resumed.status_reason) == ("active", "")


def test_whoever_looks_after_it_is_told_until_somebody_resumes_it(world: World, support: Client) -> None:
    case = a_connection(world)
    page = f"/orgs/acme/connections/{case.row.text_id}/"
    make_notice(world.admin, title="It needs attention", path=page)

    support.post(case.url, {"reason": REASON})

    unread = Notice.objects.unread()
    assert {row.user for row in unread} == {world.admin, world.owner}
    assert {row.title for row in unread} == {f"Github account {fresh(case.row).label} was paused"}
    assert all(REASON in row.text and row.path == page and row.mail_due_at for row in unread)
    world.client("admin").post(f"{page}resume/")
    assert not Notice.objects.unread().exists()


def test_a_persons_own_account_is_told_to_them_alone(world: World, support: Client) -> None:
    case = a_personal_connection(world)
    support.post(case.url, {"reason": REASON})

    assert [row.user for row in Notice.objects.all()] == [world.member]


def test_of_an_end_users_account_the_application_is_told_and_no_person(world: World, support: Client) -> None:
    end_user = make_end_user(make_application(world.acme))
    row = make_connected_account(make_toolkit(), owner=end_user)
    response = support.post(f"/admin/integrations/connectedaccount/{row.pk}/pause/", {"reason": REASON})

    assert (response.status_code, fresh(row).status) == (302, "paused")
    assert not Notice.objects.exists()


@pytest.mark.parametrize("status", ["expired", "failed", "paused"])
def test_only_a_working_connection_is_paused(world: World, support: Client, status: str) -> None:
    row = make_connected_account(make_toolkit(), owner=world.acme, status=status)

    response = support.post(f"/admin/integrations/connectedaccount/{row.pk}/pause/", {"reason": REASON})

    assert response.status_code == 422
    assert "Only a working connection can be paused" in response.content.decode()
    assert fresh(row).status == status


def test_connection_that_changed_meanwhile_is_left_alone(
    world: World, support: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Between the look and the deed: the service's own condition decides."""
    case = a_connection(world)
    monkeypatch.setattr("integrations.admin_acts._is_not_working", lambda _row: "")
    ConnectedAccount.objects.unscoped("a test").filter(pk=case.row.pk).update(status="expired")

    response = support.post(case.url, {"reason": REASON}, follow=True)

    assert "Only a working connection can be paused" in response.content.decode()
    assert fresh(case.row).status == "expired"
    assert events() == []


# --- Runs


def running(world: World, effect: str = "read", **values: Any) -> Execution:
    tool = make_tool(make_toolkit(), effect=effect)
    past = timezone.now() - timedelta(minutes=5)
    lost = {"lease_until": past, "attempt": 1, "max_attempts": 3, "started_at": past}
    return make_execution(tool, owner=world.acme, user=world.member, status="running", **{**lost, **values})


@pytest.mark.parametrize(
    ("effect", "was_sent", "status"),
    [
        ("read", False, "queued"),
        ("read", True, "queued"),
        ("write", False, "queued"),
        ("write", True, "running"),
        ("destructive", True, "running"),
    ],
)
def test_run_that_a_worker_left_behind_goes_back_unless_it_is_a_sent_write(
    world: World, support: Client, effect: str, was_sent: bool, status: str
) -> None:
    row = running(world, effect, sent_at=timezone.now() if was_sent else None)

    response = support.post(f"/admin/integrations/execution/{row.pk}/requeue/", {"reason": REASON})

    after = fresh(row)
    assert after.status == status
    assert response.status_code == (302 if status == "queued" else 422)
    if status == "queued":
        assert (after.sent_at, after.lease_token, after.attempt) == (None, None, 1)
        assert after.available_at <= timezone.now()
    else:
        assert "a second time might do it twice" in response.content.decode()


@pytest.mark.parametrize("status", ["succeeded", "failed", "denied", "cancelled", "timed_out", "unknown"])
def test_run_that_is_over_stays_over(world: World, support: Client, status: str) -> None:
    """Its end was told: whoever was told may have asked for it again, and it would run twice."""
    row = make_execution(make_tool(make_toolkit()), owner=world.acme, user=world.member, status=status)

    for act in ("requeue", "cancel"):
        response = support.post(f"/admin/integrations/execution/{row.pk}/{act}/", {"reason": REASON})
        assert response.status_code == 422
        assert "over" in response.content.decode()

    assert fresh(row).status == status
    assert events() == []


@pytest.mark.parametrize(
    ("values", "says"),
    [
        ({"lease_until": timezone.now() + timedelta(days=1)}, "A worker is busy with it"),
        (
            {"status": "waiting_for_approval", "lease_until": None, "lease_token": None},
            "the organization&#x27;s to give",
        ),
        ({"status": "queued", "lease_until": None, "lease_token": None}, "It is due already"),
    ],
)
def test_run_goes_back_only_when_that_changes_something(
    world: World, support: Client, values: dict[str, Any], says: str
) -> None:
    row = running(world)
    Execution.objects.unscoped("a test").filter(pk=row.pk).update(**values)

    response = support.post(f"/admin/integrations/execution/{row.pk}/requeue/", {"reason": REASON})

    assert response.status_code == 422
    assert says in response.content.decode()


def test_run_whose_attempts_are_used_up_does_not_go_back(world: World, support: Client) -> None:
    row = running(world, attempt=3)

    response = support.post(f"/admin/integrations/execution/{row.pk}/requeue/", {"reason": REASON}, follow=True)

    assert "A worker has it by now" in response.content.decode()
    assert fresh(row).status == "running"


def test_running_run_is_asked_to_end_while_nothing_was_sent(world: World, support: Client) -> None:
    row = running(world, lease_until=timezone.now() + timedelta(days=1))

    support.post(f"/admin/integrations/execution/{row.pk}/cancel/", {"reason": REASON})
    again = support.post(f"/admin/integrations/execution/{row.pk}/cancel/", {"reason": REASON})

    assert fresh(row).cancel_requested_at is not None
    assert "being called off already" in again.content.decode()


def test_sent_run_is_not_called_off(world: World, support: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    row = running(world, sent_at=timezone.now(), lease_until=timezone.now() + timedelta(days=1))
    url = f"/admin/integrations/execution/{row.pk}/cancel/"

    seen = support.post(url, {"reason": REASON})
    monkeypatch.setattr("integrations.admin_acts._cannot_be_called_off", lambda _row, _actor: "")
    raced = support.post(url, {"reason": REASON}, follow=True)

    for response in (seen, raced):
        assert "that cannot be taken back" in response.content.decode()
    assert fresh(row).cancel_requested_at is None
    assert events() == []


# --- People


def test_unlocked_user_signs_in_at_once_and_others_wait_on(world: World, support: Client) -> None:
    other = make_user("otto")
    for user in (world.member, other):
        user.set_password("the right one 123")
        user.save()
        user.emailaddress_set.get_or_create(email=user.email, defaults={"verified": True, "primary": True})
        for _ in range(6):
            try_to_sign_in(user, "wrong")

    assert try_to_sign_in(world.member, "the right one 123") == 200
    support.post(f"/admin/accounts/user/{world.member.pk}/unlock/", {"reason": REASON})

    assert try_to_sign_in(world.member, "the right one 123") == 302
    assert try_to_sign_in(other, "the right one 123") == 200


def try_to_sign_in(user: User, password: str) -> int:
    """From an address of its own each time, so that only the throttle of the person counts."""
    address = f"10.0.{try_to_sign_in.count // 250}.{try_to_sign_in.count % 250}"  # type: ignore[attr-defined]
    try_to_sign_in.count += 1  # type: ignore[attr-defined]
    data = {"login": user.email, "password": password}
    return Client().post("/accounts/login/", data, REMOTE_ADDR=address).status_code


try_to_sign_in.count = 1  # type: ignore[attr-defined]


def test_suspended_staff_is_not_lifted_by_support(world: World, support: Client) -> None:
    User.objects.filter(pk=world.staff.pk).update(is_active=False)

    response = support.post(f"/admin/accounts/user/{world.staff.pk}/unlock/", {"reason": REASON})

    assert response.status_code == 422
    assert "a superuser decides" in response.content.decode()
    assert not fresh(world.staff).is_active


def test_superuser_lifts_them_on_the_page_of_the_user(world: World) -> None:
    User.objects.filter(pk=world.staff.pk).update(is_active=False)

    sign_in(make_superuser()).post(f"/admin/accounts/user/{world.staff.pk}/change/", {"is_active": "on"})

    assert fresh(world.staff).is_active


def test_link_is_new_and_in_the_name_of_whoever_invited(world: World, support: Client) -> None:
    case = an_invitation(world)

    page = support.post(case.url, {"reason": REASON}, follow=True).content.decode()

    new = Invitation.objects.get(organization=world.acme, revoked_at=None)
    assert (new.invited_by, new.email, new.role) == (world.admin, case.row.email, case.row.role)
    assert new.digest != case.row.digest
    assert fresh(case.row).revoked_at is not None
    [letter] = mail.outbox
    assert letter.to == [case.row.email]
    assert "/invitations/" in letter.body
    token = letter.body.partition("/invitations/")[2].partition("/")[0]
    assert token not in page
    assert new.digest not in page


def test_invitation_whose_inviter_lost_the_right_is_not_sent_again(world: World, support: Client) -> None:
    row, _token = make_invitation(world.acme, by=world.ex_member, created_at=timezone.now() - timedelta(days=2))

    response = support.post(f"/admin/orgs/invitation/{row.pk}/resend/", {"reason": REASON})

    assert response.status_code == 422
    assert "may not do that any more" in response.content.decode()
    assert mail.outbox == []


def test_no_address_is_flooded_with_letters(world: World, support: Client) -> None:
    row, _token = make_invitation(world.acme, by=world.admin)

    response = support.post(f"/admin/orgs/invitation/{row.pk}/resend/", {"reason": REASON})

    assert "a few minutes ago" in response.content.decode()
    assert mail.outbox == []


def test_letter_that_the_mail_server_refuses_is_said(
    world: World, support: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    case = an_invitation(world)
    monkeypatch.setattr("orgs.services.invitations.send_invitations", lambda _made: iter(()))

    page = support.post(case.url, {"reason": REASON}, follow=True).content.decode()

    assert "the mail server did not take the letter" in page


# --- Toolkits


def test_toolkit_is_switched_for_everybody(world: World, support: Client) -> None:
    toolkit = make_toolkit()

    support.post(f"/admin/integrations/toolkit/{toolkit.pk}/switch-off/", {"reason": REASON})
    off = Toolkit.objects.get(pk=toolkit.pk).is_enabled
    support.post(f"/admin/integrations/toolkit/{toolkit.pk}/switch-on/", {"reason": REASON})

    assert (off, Toolkit.objects.get(pk=toolkit.pk).is_enabled) == (False, True)
