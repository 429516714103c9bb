"""Accepting an invitation: by the right person, once, while whoever invited still may (checks T17, T18, W13)."""

import re
from datetime import timedelta

import pytest
from allauth.account.models import EmailAddress
from django.core import mail
from django.core.cache import cache
from django.test import Client
from django.utils import timezone
from pytest_django import Settings

from accounts.models import User
from orgs.errors import ConflictError, ForbiddenError, NotFoundError
from orgs.invitation_tokens import digest_of
from orgs.models import Invitation, Membership, Organization
from orgs.permissions import Actor, Role
from orgs.services.joining import accept_invitation
from orgs.services.members import add_member, change_role, remove_member, suspend_member
from tests.factories import NOW, PASSWORD, actor_of, make_invitation, make_membership, make_user
from tests.world import World

pytestmark = pytest.mark.django_db
GUEST = "guest@x.org"


@pytest.fixture(autouse=True)
def _no_throttle_from_another_test() -> None:
    cache.clear()


@pytest.fixture
def guest(db: None) -> User:
    return make_user("guest", email=GUEST)


def accept(user: User, token: str) -> None:
    accept_invitation(actor=actor_of(user), user=user, digest=digest_of(token), now=timezone.now())


def place_of(user: User, organization: Organization) -> Membership | None:
    return Membership.objects.filter(user=user, organization=organization).first()


def follow(client: Client, token: str) -> str:
    return client.get(f"/invitations/{token}/", follow=True).content.decode()


# --- The rule


def test_invited_user_becomes_a_member_with_the_role(world: World, guest: User) -> None:
    row, token = make_invitation(world.acme, by=world.admin, email=GUEST, role="viewer")

    accept(guest, token)

    place = place_of(guest, world.acme)
    row.refresh_from_db()
    assert place is not None
    assert (place.role, place.status) == ("viewer", "active")
    assert row.accepted_by == guest
    assert row.accepted_at is not None


def test_link_works_once(world: World, guest: User) -> None:
    _row, token = make_invitation(world.acme, by=world.admin, email=GUEST)
    accept(guest, token)
    Membership.objects.filter(user=guest).delete()

    with pytest.raises(NotFoundError):
        accept(guest, token)


def test_link_that_is_withdrawn_at_that_very_moment_lets_nobody_in(
    world: World, guest: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    _row, token = make_invitation(world.acme, by=world.admin, email=GUEST)

    def withdrawn_meanwhile(_invitation: Invitation, *, actor: Actor) -> bool:
        assert actor.user_id == guest.id
        Invitation.objects.update(revoked_at=timezone.now())
        return True

    monkeypatch.setattr("orgs.services.joining.may_still_invite", withdrawn_meanwhile)
    with pytest.raises(NotFoundError):
        accept(guest, token)

    assert place_of(guest, world.acme) is None


def test_second_verified_address_is_good_and_an_unverified_one_is_not(world: World, guest: User) -> None:
    _row, token = make_invitation(world.acme, by=world.admin, email="work@x.org")
    address = EmailAddress.objects.create(user=guest, email="work@x.org", verified=False)

    with pytest.raises(NotFoundError):
        accept(guest, token)
    address.verified = True
    address.save()
    accept(guest, token)

    assert place_of(guest, world.acme)


@pytest.mark.parametrize("change", [{"email": "other@x.org"}, {"revoked_at": NOW}, {"expires_at": NOW}])
def test_not_for_this_person_withdrawn_or_expired_reads_like_nothing(
    world: World, guest: User, change: dict[str, object]
) -> None:
    _row, token = make_invitation(world.acme, by=world.admin, **{"email": GUEST, **change})

    with pytest.raises(NotFoundError) as real:
        accept(guest, token)
    with pytest.raises(NotFoundError) as invented:
        accept(guest, "x" * 43)

    assert real.value.message == invented.value.message
    assert place_of(guest, world.acme) is None


def test_nobody_accepts_in_somebody_elses_place(world: World, guest: User) -> None:
    _row, token = make_invitation(world.acme, by=world.admin, email=GUEST)

    with pytest.raises(NotFoundError):
        accept_invitation(actor=actor_of(world.outsider), user=guest, digest=digest_of(token), now=timezone.now())


def test_invitation_by_somebody_who_was_removed_is_refused(world: World, guest: User) -> None:
    _row, token = make_invitation(world.acme, by=world.admin, email=GUEST)
    Membership.objects.filter(user=world.admin).update(status="left")

    with pytest.raises(ForbiddenError, match="may not do that any more"):
        accept(guest, token)

    assert place_of(guest, world.acme) is None


def test_invitation_by_somebody_who_was_demoted_is_refused(world: World, guest: User) -> None:
    _row, token = make_invitation(world.acme, by=world.admin, email=GUEST)
    Membership.objects.filter(user=world.admin).update(role="member")

    with pytest.raises(ForbiddenError):
        accept(guest, token)


def test_invitation_as_owner_by_somebody_who_is_admin_now_is_refused(world: World, guest: User) -> None:
    _row, token = make_invitation(world.acme, by=world.owner, email=GUEST, role="owner")
    Membership.objects.filter(user=world.owner).update(role="admin")

    with pytest.raises(ForbiddenError):
        accept(guest, token)


def test_invitation_by_somebody_who_came_back_or_was_deleted_is_refused(world: World, guest: User) -> None:
    row, token = make_invitation(world.acme, by=world.admin, email=GUEST)
    Membership.objects.filter(user=world.admin).update(joined_at=timezone.now() + timedelta(minutes=1))
    with pytest.raises(ForbiddenError):
        accept(guest, token)

    row.invited_by = None
    row.save()
    with pytest.raises(ForbiddenError):
        accept(guest, token)


@pytest.mark.parametrize("what", ["remove", "suspend", "demote"])
def test_losing_the_right_withdraws_the_links(world: World, what: str) -> None:
    row, _token = make_invitation(world.acme, by=world.admin, email=GUEST)
    elsewhere, _token = make_invitation(world.globex, by=world.admin, email=GUEST)
    member = Membership.objects.get(user=world.admin)
    asked = {"actor": actor_of(world.owner), "owner": world.acme.ref, "member_id": member.id, "now": NOW}
    {
        "remove": lambda: remove_member(**asked),
        "suspend": lambda: suspend_member(**asked),
        "demote": lambda: change_role(role=Role.MEMBER, **asked),
    }[what]()

    assert list(Invitation.objects.pending()) == [elsewhere]
    assert row not in Invitation.objects.pending()


def test_owner_who_becomes_admin_keeps_the_links_that_an_admin_may_send(world: World) -> None:
    make_membership(world.acme, make_user(), Role.OWNER)
    kept, _token = make_invitation(world.acme, by=world.owner, role="member")
    make_invitation(world.acme, by=world.owner, role="owner")
    member = Membership.objects.get(user=world.owner)

    change_role(actor=actor_of(world.owner), owner=world.acme.ref, member_id=member.id, role=Role.ADMIN, now=NOW)

    assert list(Invitation.objects.pending()) == [kept]


def test_somebody_who_left_comes_back_with_the_new_role(world: World) -> None:
    _row, token = make_invitation(world.acme, by=world.admin, email="eve@example.com", role="viewer")

    accept(world.ex_member, token)

    place = place_of(world.ex_member, world.acme)
    assert place is not None
    assert (place.role, place.status) == ("viewer", "active")  # an admin before
    assert place.joined_at > NOW


def test_invitation_does_not_lift_a_suspension_and_is_not_used_up(world: World) -> None:
    row, token = make_invitation(world.acme, by=world.admin, email="mia@example.com", role="admin")
    Membership.objects.filter(user=world.member).update(status="suspended")

    with pytest.raises(ConflictError, match="suspended"):
        accept(world.member, token)

    row.refresh_from_db()
    assert row.accepted_at is None
    assert Membership.objects.get(user=world.member).role == "member"


def test_member_gets_no_other_role_by_an_invitation(world: World) -> None:
    _row, token = make_invitation(world.acme, by=world.owner, email="mia@example.com", role="owner")

    with pytest.raises(ConflictError, match="already"):
        accept(world.member, token)

    assert Membership.objects.get(user=world.member).role == "member"


# --- The pages


def test_link_takes_the_token_out_of_the_address_and_sends_no_referrer(world: World) -> None:
    _row, token = make_invitation(world.acme, by=world.admin)

    response = Client().get(f"/invitations/{token}/")

    assert response.headers["Location"] == "/invitation/"
    assert response.headers["Referrer-Policy"] == "no-referrer"


def test_session_keeps_the_digest_and_not_the_token(world: World) -> None:
    _row, token = make_invitation(world.acme, by=world.admin)
    client = Client()
    client.get(f"/invitations/{token}/")

    assert token not in str(dict(client.session))
    assert client.session["invitation"] == digest_of(token)


def test_strangers_read_the_same_for_a_real_and_an_invented_link(world: World) -> None:
    _row, token = make_invitation(world.acme, by=world.admin)
    secret = re.compile(r'"[A-Za-z0-9]{64}"')

    pages = [secret.sub("", follow(Client(), one)) for one in (token, "x" * 43, "nonsense")]

    assert pages[0] == pages[1] == pages[2]
    assert "Acme" not in pages[0]


def test_other_signed_in_people_read_the_same_for_a_real_and_an_invented_link(world: World) -> None:
    _row, token = make_invitation(world.acme, by=world.admin)
    csrf = re.compile(r"[A-Za-z0-9]{64}")

    pages = [csrf.sub("", follow(world.client("outsider"), one)) for one in (token, "x" * 43)]

    assert pages[0] == pages[1]
    assert "No invitation for you here" in pages[0]
    assert "olga@example.com" in pages[0]
    assert "Acme" not in pages[0]


def test_other_signed_in_people_cannot_accept(world: World) -> None:
    _row, token = make_invitation(world.acme, by=world.admin)
    client = world.client("outsider")
    follow(client, token)

    refused = client.post("/invitation/accept/")

    assert refused.status_code == 404
    assert "No invitation for you here" in refused.content.decode()
    assert place_of(world.outsider, world.acme) is None


def test_signed_in_user_looks_and_joins(world: World, guest: User) -> None:
    _row, token = make_invitation(world.acme, by=world.admin, email=GUEST)
    client = Client()
    client.force_login(guest)

    page = follow(client, token)
    joined = client.post("/invitation/accept/")

    assert "Join Acme?" in page
    assert "admin_of_acme invites you as member" in page
    assert joined.headers["Location"] == "/orgs/acme/"
    assert "Welcome to Acme" in client.get("/orgs/acme/").content.decode()
    assert "invitation" not in client.session


def test_looking_at_the_link_does_not_use_it_up(world: World, guest: User) -> None:
    _row, token = make_invitation(world.acme, by=world.admin, email=GUEST)
    follow(Client(), token)

    accept(guest, token)

    assert place_of(guest, world.acme)


def test_page_says_why_an_invitation_of_ones_own_cannot_be_accepted(world: World, guest: User) -> None:
    _row, token = make_invitation(world.acme, by=world.admin, email=GUEST)
    Membership.objects.filter(user=world.admin).update(role="member")
    client = Client()
    client.force_login(guest)
    follow(client, token)

    refused = client.post("/invitation/accept/")

    assert refused.status_code == 403
    assert "may not do that any more" in refused.content.decode()


def test_signing_in_leads_back_to_the_invitation(world: World, guest: User, client: Client) -> None:
    _row, token = make_invitation(world.acme, by=world.admin, email=GUEST)
    assert "You have followed an invitation" in follow(client, token)

    signed_in = client.post("/accounts/login/", {"login": GUEST, "password": PASSWORD})

    assert signed_in.headers["Location"] == "/invitation/"
    assert "Join Acme?" in client.get("/invitation/").content.decode()


def test_signing_in_without_an_invitation_leads_home(guest: User, client: Client) -> None:
    assert client.post("/accounts/login/", {"login": GUEST, "password": PASSWORD}).headers["Location"] == "/"


@pytest.mark.parametrize("is_open", [True, False])
def test_signing_up_leads_back_to_the_invitation(
    world: World,
    client: Client,
    settings: Settings,
    is_open: bool,  # a parameter of the test
) -> None:
    """Also where sign-up is closed: an invited address may."""
    settings.SIGNUP_OPEN = is_open
    _row, token = make_invitation(world.acme, by=world.admin, email="new@x.org")
    follow(client, token)

    client.post(
        "/accounts/signup/?next=/invitation/", {"email": "new@x.org", "username": "newcomer", "password1": PASSWORD}
    )
    confirmation = re.search(r"(/accounts/confirm-email/\S+)", str(mail.outbox[-1].body))
    assert confirmation is not None
    client.post(confirmation[1])
    client.post("/accounts/login/", {"login": "new@x.org", "password": PASSWORD})
    joined = client.post("/invitation/accept/")

    assert joined.headers["Location"] == "/orgs/acme/"
    assert place_of(User.objects.get(username="newcomer"), world.acme)


@pytest.mark.parametrize("with_link", [True, False])
def test_closed_sign_up_stays_closed_to_everybody_else(
    world: World,
    client: Client,
    settings: Settings,
    with_link: bool,  # a parameter of the test
) -> None:
    settings.SIGNUP_OPEN = False
    _row, token = make_invitation(world.acme, by=world.admin, email="new@x.org")
    follow(client, token if with_link else "x" * 43)

    client.post("/accounts/signup/", {"email": "other@x.org", "username": "other", "password1": PASSWORD})

    assert not User.objects.filter(username="other").exists()


@pytest.mark.parametrize(("role", "rotated"), [("admin", True), ("owner", True), ("member", False)])
def test_whoever_becomes_an_admin_gets_other_session_keys(
    world: World, guest: User, monkeypatch: pytest.MonkeyPatch, role: str, *, rotated: bool
) -> None:
    """Check W7; tests/accounts/test_sessions.py looks at the sessions themselves."""
    of: list[object] = []
    for module in ("joining", "members"):
        monkeypatch.setattr(f"orgs.services.{module}.rotate_sessions", of.append)
    _row, token = make_invitation(world.acme, by=world.owner, email=GUEST, role=role)

    accept(guest, token)
    add_member(actor=None, owner=world.globex.ref, user=guest, role=Role(role), now=NOW)

    assert of == ([guest.id] * 2 if rotated else [])
