"""How long a sign-in lasts, when its key changes, which others end, and what asks for it again (checks W7, W8, W9)."""

import time

import pytest
from allauth.mfa import signals as mfa
from allauth.usersessions.models import UserSession
from django.test import Client
from pytest_django import Settings

from accounts import sessions
from accounts.models import User
from orgs.models import ApiKey, Invitation, Membership
from orgs.permissions import Role
from orgs.services.members import add_member, change_role
from tests.factories import (
    NOW,
    PASSWORD,
    actor_of,
    make_api_key,
    make_application,
    make_auth_config,
    make_invitation,
    make_second_factor,
    make_toolkit,
    make_user,
)
from tests.world import World, sign_in

pytestmark = pytest.mark.django_db
HOUR = 3600


def signed_in(user: User) -> Client:
    """Through the sign-in page."""
    client = Client()
    client.post("/accounts/login/", {"login": user.email, "password": PASSWORD})
    assert client.get("/me/").status_code == 200
    return client


def shift(client: Client, **seconds: float) -> None:
    session = client.session
    for name, by in seconds.items():
        session[getattr(sessions, name)] = time.time() - by
    session.save()


@pytest.mark.parametrize(
    ("seen", "began", "status"),
    [(11 * HOUR, 20 * HOUR, 200), (13 * HOUR, 20 * HOUR, 302), (60, 13 * 24 * HOUR, 200), (60, 15 * 24 * HOUR, 302)],
)
def test_sign_in_ends_when_left_alone_or_too_old(seen: float, began: float, status: int) -> None:
    client = signed_in(make_user())
    shift(client, SEEN=seen, BEGAN=began)

    answer = client.get("/me/", follow=False)

    assert answer.status_code == status
    if status == 302:
        assert answer.headers["Location"] == "/accounts/login/?next=/me/"
        assert "You were signed out" in client.get("/accounts/login/").content.decode()


def test_limits_are_settings(settings: Settings) -> None:
    settings.SESSION_IDLE_HOURS = 1
    client = signed_in(make_user())
    shift(client, SEEN=2 * HOUR)

    assert client.get("/me/").status_code == 302


def test_use_keeps_it_alive_and_pages_that_refresh_themselves_do_not() -> None:
    client = signed_in(make_user())
    shift(client, SEEN=HOUR)

    client.get("/me/runs/ex_0/status/")
    assert time.time() - client.session[sessions.SEEN] > HOUR - 60
    client.get("/me/")
    assert time.time() - client.session[sessions.SEEN] < 60

    shift(client, SEEN=HOUR)
    for page in ("/me/runs/?seen=ex_0:1", "/me/runs/?status=failed&seen=ex_0:1&seen=ex_1:1"):
        client.get(page, headers={"HX-Request": "true"})
        assert time.time() - client.session[sessions.SEEN] > HOUR - 60
    client.get("/me/runs/?status=failed", headers={"HX-Request": "true"})
    assert time.time() - client.session[sessions.SEEN] < 60


POLLED = "/me/runs/ex_0/status/"
SIGN_IN = "/accounts/login/?next="


@pytest.mark.parametrize(
    ("around", "back"),
    [
        ("http://testserver/me/runs/ex_0/?tab=1", "/me/runs/ex_0/%3Ftab%3D1"),
        ("https://evil.example/me/", "/"),
        ("http://testserver//evil.example/", "/"),
        ("", "/"),
    ],
)
def test_page_that_asks_after_the_sign_in_has_ended_makes_room_for_the_sign_in_page(around: str, back: str) -> None:
    client = signed_in(make_user())
    shift(client, SEEN=13 * HOUR)

    answer = client.get(POLLED, headers={"HX-Request": "true", "HX-Current-URL": around})

    assert (answer.status_code, answer.headers["HX-Redirect"]) == (200, f"{SIGN_IN}{back}")
    assert answer.content == b""
    assert "You were signed out" in client.get(answer.headers["HX-Redirect"]).content.decode()


@pytest.mark.parametrize(
    "headers",
    [{}, {"HX-Request": "true", "HX-Boosted": "true"}, {"HX-Request": "true", "HX-History-Restore-Request": "true"}],
)
def test_stranger_who_asks_for_a_whole_page_is_redirected(headers: dict[str, str]) -> None:
    answer = Client().get(POLLED, headers={"HX-Current-URL": "http://testserver/me/", **headers})

    assert (answer.status_code, answer.headers["Location"]) == (302, f"{SIGN_IN}{POLLED}")
    assert "HX-Redirect" not in answer.headers


def test_who_is_signed_in_gets_the_fragment() -> None:
    answer = signed_in(make_user()).get("/search/", headers={"HX-Request": "true"})

    assert answer.status_code == 200
    assert "HX-Redirect" not in answer.headers


def test_sign_in_and_password_change_give_another_key_and_the_old_one_is_dead() -> None:
    user = make_user()
    other, client = signed_in(user), signed_in(user)
    before = client.session.session_key

    client.post(
        "/accounts/password/change/",
        {"oldpassword": PASSWORD, "password1": "another-horse-42", "password2": "another-horse-42"},
    )

    assert client.session.session_key != before
    assert client.get("/me/").status_code == 200
    assert other.get("/me/").status_code == 302
    assert UserSession.objects.get(user=user).session_key == client.session.session_key


@pytest.mark.parametrize("signal", [mfa.authenticator_added, mfa.authenticator_removed, mfa.authenticator_reset])
def test_change_of_a_factor_gives_another_key_and_ends_the_others(signal: object) -> None:
    user = make_user()
    other, client = signed_in(user), signed_in(user)
    before = client.session.session_key
    request = client.get("/me/").wsgi_request

    signal.send(  # type: ignore[attr-defined]
        sender=type(user), request=request, user=user, authenticator=make_second_factor(user)
    )

    assert request.session.session_key != before
    assert other.get("/me/").status_code == 302


def test_member_who_becomes_an_admin_gets_another_key(world: World) -> None:
    client = signed_in(world.member)
    before = client.session.session_key
    place = Membership.objects.get(user=world.member)

    change_role(actor=actor_of(world.owner), owner=world.acme.ref, member_id=place.id, role=Role.VIEWER, now=NOW)
    client.get("/me/")
    assert client.session.session_key == before

    change_role(actor=actor_of(world.owner), owner=world.acme.ref, member_id=place.id, role=Role.ADMIN, now=NOW)
    assert client.get("/orgs/acme/audit/").status_code == 200
    assert client.session.session_key != before
    assert UserSession.objects.get(user=world.member).session_key == client.session.session_key
    old = Client()
    old.cookies["session"] = before
    assert old.get("/me/").status_code == 302


@pytest.mark.parametrize(("role", "others_too"), [(Role.OWNER, True), (Role.ADMIN, True), (Role.MEMBER, False)])
def test_who_becomes_an_admin_by_an_invitation_gets_another_key(world: World, role: Role, *, others_too: bool) -> None:
    other, client = signed_in(world.outsider), signed_in(world.outsider)
    before, others = client.session.session_key, other.session.session_key
    _row, token = make_invitation(world.acme, by=world.owner, role=role.value, email=world.outsider.email)

    client.get(f"/invitations/{token}/", follow=True)
    client.post("/invitation/accept/")

    assert client.get("/orgs/acme/").status_code == 200
    assert client.session.session_key != before
    old = Client()
    old.cookies["session"] = before
    assert old.get("/me/").status_code == 302
    assert other.get("/orgs/acme/").status_code == 200
    assert (other.session.session_key != others) is others_too


def test_who_is_added_as_an_admin_gets_another_key(world: World) -> None:
    client = signed_in(world.outsider)
    before = client.session.session_key

    add_member(actor=None, owner=world.acme.ref, user=world.outsider, role=Role.ADMIN, now=NOW)

    assert client.get("/orgs/acme/").status_code == 200
    assert client.session.session_key != before


def test_session_that_is_gone_already_needs_no_new_key() -> None:
    user = make_user()
    UserSession.objects.create(user=user, ip="127.0.0.1", session_key="gone", user_agent="")

    sessions.rotate_sessions(user.id)


# --- Asked again before what matters


PAGES = [
    "/orgs/acme/settings/two-factor/",
    "/orgs/acme/settings/ownership/delete/",
    "/orgs/acme/settings/ownership/transfer/",
    "/orgs/acme/settings/ownership/data.zip",
    "/orgs/acme/api-keys/new/",
    "/me/api-keys/new/",
    "/profile/leave/",
    "/me/data.zip",
    "/orgs/acme/connections/new/github/",
]


@pytest.mark.parametrize("page", PAGES)
def test_stale_sign_in_is_asked_again_and_led_back(world: World, page: str) -> None:
    make_auth_config(make_toolkit("github"))
    client = Client()
    sign_in(client, world.owner, seconds_ago=700)

    answer = client.get(page)

    assert answer.headers["Location"].startswith("/accounts/reauthenticate/?next=%2F")
    client.post("/accounts/reauthenticate/", {"password": PASSWORD, "next": page})
    assert client.get(page).status_code in {200, 404}


def test_what_was_sent_is_not_done_and_not_kept(world: World) -> None:
    client = Client()
    sign_in(client, world.owner, seconds_ago=700)

    answer = client.post("/orgs/acme/settings/ownership/delete/", {"typed": "Acme"})

    assert answer.status_code == 302
    assert "account_reauthentication_state" not in client.session
    page = client.get(answer.headers["Location"]).content.decode()
    assert "Nothing was done yet" in page


def test_making_an_owner_asks_again_and_another_role_does_not(world: World) -> None:
    client = Client()
    sign_in(client, world.owner, seconds_ago=700)
    url = f"/orgs/acme/members/{Membership.objects.get(user=world.member).text_id}/role/"

    assert "role%3Downer" in client.post(url, {"role": "owner"}).headers["Location"]
    assert client.post(url, {"role": "viewer"}).headers["Location"] == "/orgs/acme/members/"
    assert Membership.objects.get(user=world.member).role == "viewer"


def test_inviting_an_owner_asks_again_and_another_role_does_not(world: World) -> None:
    client = Client()
    sign_in(client, world.owner, seconds_ago=700)
    url, sent = "/orgs/acme/members/invite/", {"addresses": "new@example.org", "step": "send"}

    asked = client.post(url, {**sent, "role": "owner"})
    assert asked.headers["Location"].endswith("invite%2F%3Frole%3Downer")
    assert '<option value="owner" selected' in client.get(f"{url}?role=owner").content.decode()
    assert not Invitation.objects.exists()

    assert client.post(url, {**sent, "role": "admin"}).headers["Location"] == "/orgs/acme/members/invitations/"
    assert world.client("owner").post(url, {**sent, "role": "owner"}).status_code == 302
    assert Invitation.objects.pending().get().role == "owner"


def test_sending_an_owners_invitation_again_asks_again(world: World) -> None:
    client = Client()
    sign_in(client, world.owner, seconds_ago=700)
    rows = [make_invitation(world.acme, by=world.owner, role=role)[0] for role in ("owner", "admin")]

    first, second = (client.post(f"/orgs/acme/members/invitations/{row.text_id}/resend/") for row in rows)

    assert first.headers["Location"] == "/accounts/reauthenticate/?next=%2Forgs%2Facme%2Fmembers%2Finvitations%2F"
    assert second.headers["Location"] == "/orgs/acme/members/invitations/"
    assert Invitation.objects.pending().filter(id=rows[0].id).exists()
    assert world.client("owner").post(f"/orgs/acme/members/invitations/{rows[0].text_id}/resend/").status_code == 302
    assert not Invitation.objects.pending().filter(id=rows[0].id).exists()


def test_a_stale_sign_in_makes_no_key_for_an_application(world: World) -> None:
    page = f"/orgs/acme/applications/{make_application(world.acme).text_id}/keys/new/"
    client = Client()
    sign_in(client, world.owner, seconds_ago=700)
    sent = {"name": "Server", "scopes": ["tools:read"], "days": "30"}

    assert client.post(page, sent).headers["Location"].startswith("/accounts/reauthenticate/")
    assert not ApiKey.objects.exists()
    assert world.client("owner").post(page, sent).status_code == 200
    assert ApiKey.objects.count() == 1


def test_a_stale_sign_in_makes_no_key_and_and_no_second_one(world: World) -> None:
    key, _text = make_api_key(world.acme)
    client = Client()
    sign_in(client, world.owner, seconds_ago=700)
    rotate = f"/orgs/acme/api-keys/{key.text_id}/rotate/"
    sent = {"name": "Nightly", "scopes": ["tools:read"], "days": "30"}

    for page in ("/orgs/acme/api-keys/new/", rotate):
        assert client.post(page, sent).headers["Location"].startswith("/accounts/reauthenticate/")
    assert ApiKey.objects.count() == 1

    fresh = world.client("owner")
    assert [fresh.post(page, sent).status_code for page in ("/orgs/acme/api-keys/new/", rotate)] == [200, 200]
    assert ApiKey.objects.count() == 3


def test_email_change_asks_again(world: World) -> None:
    client = Client()
    sign_in(client, world.member, seconds_ago=700)
    stale = client.post("/accounts/email/", {"action_add": "", "email": "new@example.com"})
    fresh = world.client("member").post("/accounts/email/", {"action_add": "", "email": "new@example.com"})

    assert stale.headers["Location"].startswith("/accounts/reauthenticate/")
    assert fresh.headers["Location"] == "/accounts/email/"


def test_who_cannot_confirm_is_let_through() -> None:
    """Without a password and a factor there is no way to ask."""
    user = make_user()
    user.set_unusable_password()
    user.save()
    client = Client()
    sign_in(client, user, seconds_ago=700)

    assert client.get("/profile/leave/").status_code == 200


def test_page_of_ours_that_htmx_asks_for_is_led_by_header(world: World) -> None:
    client = Client()
    sign_in(client, world.owner, seconds_ago=700)

    answer = client.get("/profile/leave/", headers={"HX-Request": "true"})

    assert answer.headers["HX-Redirect"].startswith("/accounts/reauthenticate/")
