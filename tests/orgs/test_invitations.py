"""Inviting: what will happen with each address, the letters, and the list of who is invited (checks T15-T18, I14)."""

import re
from datetime import timedelta
from unittest.mock import patch

import pytest
from allauth.account.models import EmailAddress
from django.core import mail
from django.db import IntegrityError
from pytest_django import DjangoAssertNumQueries

from orgs.address_lists import addresses_in
from orgs.errors import ForbiddenError, NotFoundError, TooManyError
from orgs.invitation_tokens import digest_of
from orgs.models import Invitation, Membership
from orgs.permissions import Role
from orgs.queries.invitations import list_invitations
from orgs.services.invitations import (
    PER_DAY,
    Invited,
    LineKind,
    invite,
    plan_invitations,
    resend_invitation,
    revoke_invitation,
)
from tests.factories import NOW, actor_of, make_invitation
from tests.world import World

pytestmark = pytest.mark.django_db


def invite_as(world: World, persona: str, text: str, role: Role = Role.MEMBER) -> Invited:
    return invite(actor=actor_of(world.people[persona]), owner=world.acme.ref, text=text, role=role, now=NOW)


def token_in(body: object) -> str:
    found = re.search(r"http://127\.0\.0\.1:8000/invitations/([A-Za-z0-9_-]{43})/", str(body))
    assert found is not None
    return found[1]


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("", []),
        ("a@x.org", ["a@x.org"]),
        ("A@X.org, b@x.org;c@x.org\nd@x.org e@x.org", ["a@x.org", "b@x.org", "c@x.org", "d@x.org", "e@x.org"]),
        ("Ada Park <ada@x.org>, <b@x.org>", ["ada@x.org", "b@x.org"]),
        ("nobody\r\na@x.org", ["nobody", "a@x.org"]),
    ],
)
def test_addresses_are_read_as_people_paste_them(text: str, found: list[str]) -> None:
    assert addresses_in(text) == found


def test_plan_says_for_each_address_what_will_happen_and_does_nothing(world: World) -> None:
    make_invitation(world.acme, by=world.owner, email="again@x.org", role="viewer")
    text = "new@x.org not-an-address NEW@x.org mia@example.com again@x.org eve@example.com"

    lines = plan_invitations(actor=actor_of(world.admin), owner=world.acme.ref, text=text, role=Role.MEMBER, now=NOW)

    assert [(line.address, line.kind) for line in lines] == [
        ("new@x.org", LineKind.INVITE),
        ("not-an-address", LineKind.INVALID),
        ("new@x.org", LineKind.REPEATED),
        ("mia@example.com", LineKind.MEMBER),
        ("again@x.org", LineKind.AGAIN),
        ("eve@example.com", LineKind.INVITE),  # has left, and may come back
    ]
    assert lines[4].sentence == "Was invited as viewer. Gets a new link, as member; the old one ends."
    assert Invitation.objects.count() == 1
    assert mail.outbox == []


def test_plan_tells_nothing_about_people_who_are_not_members(world: World) -> None:
    """An address of a user of this installation reads like one of nobody's."""
    lines = plan_invitations(
        actor=actor_of(world.admin),
        owner=world.acme.ref,
        text="olga@example.com nobody@example.com",
        role=Role.MEMBER,
        now=NOW,
    )

    assert lines[0].sentence == lines[1].sentence


def test_invite_sends_a_link_of_which_only_the_hash_is_kept(world: World) -> None:
    done = invite_as(world, "admin", "new@x.org, other@x.org", Role.VIEWER)

    row = Invitation.objects.get(email="new@x.org")
    letter = next(one for one in mail.outbox if one.to == ["new@x.org"])
    token = token_in(letter.body)
    assert (done.sent, done.unsent, len(mail.outbox)) == (2, [], 2)
    assert (row.role, row.invited_by, row.sent_at) == ("viewer", world.admin, NOW)
    assert row.digest == digest_of(token)
    assert row.expires_at - row.created_at == timedelta(days=7)
    assert "admin_of_acme invites you to Acme" in letter.subject
    assert "as viewer" in str(letter.body)
    stored = [str(value) for one in Invitation.objects.values() for value in one.values()]
    assert not any(token in value for value in stored)
    assert str(row) == f"{row.text_id}: viewer"


def test_names_with_line_breaks_put_nothing_into_the_letter(world: World) -> None:
    world.acme.name = "Acme\r\nBcc: victim@x.org\r\n\r\nhello"
    world.acme.save()
    world.admin.name = "Ada\nSubject: other"
    world.admin.save()

    invite_as(world, "admin", "new@x.org")

    [letter] = mail.outbox
    assert letter.recipients() == ["new@x.org"]
    assert letter.subject == "Switchboard: Ada Subject: other invites you to Acme Bcc: victim@x.org hello"
    assert "Bcc" not in letter.message()


def test_letter_that_the_server_refused_is_marked_and_said(world: World) -> None:
    with patch("django.core.mail.backends.locmem.EmailBackend.send_messages", side_effect=OSError):
        done = invite_as(world, "admin", "new@x.org")

    assert (done.sent, list(done.unsent)) == (0, ["new@x.org"])
    assert Invitation.objects.get().word_at(NOW).label == "Not sent"


def test_admin_cannot_invite_an_owner(world: World) -> None:
    with pytest.raises(ForbiddenError) as refused:
        invite_as(world, "admin", "admin.two@x.org", Role.OWNER)

    assert refused.value.field == "role"
    assert not Invitation.objects.exists()


def test_owner_invites_an_owner(world: World) -> None:
    invite_as(world, "owner", "second@x.org", Role.OWNER)

    assert Invitation.objects.get().role == "owner"


@pytest.mark.parametrize("persona", ["member", "viewer"])
def test_smaller_roles_cannot_invite(world: World, persona: str) -> None:
    with pytest.raises(ForbiddenError):
        invite_as(world, persona, "new@x.org", Role.VIEWER)


def test_strangers_cannot_invite(world: World) -> None:
    for persona in ("outsider", "ex_member", "staff"):
        with pytest.raises(NotFoundError):
            invite_as(world, persona, "new@x.org", Role.VIEWER)


def test_admin_who_was_demoted_a_moment_ago_cannot_invite(world: World) -> None:
    actor = actor_of(world.admin)
    Membership.objects.filter(user=world.admin).update(role="member")

    with pytest.raises(ForbiddenError):
        invite(actor=actor, owner=world.acme.ref, text="new@x.org", role=Role.MEMBER, now=NOW)


def test_twenty_invitations_a_day_over_all_organizations(world: World) -> None:
    for number in range(PER_DAY - 1):
        make_invitation(world.globex, by=world.admin, created_at=NOW, email=f"n{number}@x.org")

    done = invite_as(world, "admin", "one@x.org two@x.org")
    plan = plan_invitations(
        actor=actor_of(world.admin), owner=world.acme.ref, text="three@x.org", role=Role.MEMBER, now=NOW
    )

    assert done.sent == 1
    assert [line.kind for line in plan] == [LineKind.OVER_LIMIT]
    with pytest.raises(TooManyError, match="within 24 hours"):
        resend_invitation(
            actor=actor_of(world.admin), owner=world.acme.ref, invitation_id=Invitation.objects.latest("id").id, now=NOW
        )


def test_limit_is_over_a_day_later(world: World) -> None:
    for number in range(PER_DAY):
        make_invitation(world.acme, by=world.admin, created_at=NOW - timedelta(days=1), email=f"n{number}@x.org")

    assert invite_as(world, "admin", "one@x.org").sent == 1


def test_inviting_again_ends_the_first_link(world: World) -> None:
    old, _token = make_invitation(world.acme, by=world.owner, email="new@x.org", role="viewer")

    invite_as(world, "admin", "new@x.org")

    old.refresh_from_db()
    assert old.revoked_at == NOW
    assert Invitation.objects.pending().get().role == "member"


def test_one_address_has_one_pending_invitation(world: World) -> None:
    make_invitation(world.acme, by=world.owner, email="new@x.org")

    with pytest.raises(IntegrityError):
        make_invitation(world.acme, by=world.owner, email="new@x.org")


def test_resend_makes_a_fresh_link_in_the_name_of_who_resends(world: World) -> None:
    old, token = make_invitation(world.acme, by=world.owner, email="new@x.org", expires_at=NOW - timedelta(days=9))

    resend_invitation(actor=actor_of(world.admin), owner=world.acme.ref, invitation_id=old.id, now=NOW)

    fresh = Invitation.objects.pending().get()
    assert (fresh.invited_by, fresh.expires_at) == (world.admin, NOW + timedelta(days=7))
    assert token_in(mail.outbox[0].body) != token


def test_admin_cannot_resend_an_invitation_as_owner_but_can_withdraw_it(world: World) -> None:
    row, _token = make_invitation(world.acme, by=world.owner, role="owner")
    actor = actor_of(world.admin)

    with pytest.raises(ForbiddenError):
        resend_invitation(actor=actor, owner=world.acme.ref, invitation_id=row.id, now=NOW)
    revoke_invitation(actor=actor, owner=world.acme.ref, invitation_id=row.id, now=NOW)

    assert not Invitation.objects.pending().exists()


def test_invitation_that_is_over_cannot_be_sent_again_or_withdrawn(world: World) -> None:
    row, _token = make_invitation(world.acme, by=world.owner, accepted_at=NOW)

    for change in (resend_invitation, revoke_invitation):
        with pytest.raises(NotFoundError):
            change(actor=actor_of(world.admin), owner=world.acme.ref, invitation_id=row.id, now=NOW)


def test_list_is_for_those_who_invite(world: World) -> None:
    row, _token = make_invitation(world.acme, by=world.owner)
    make_invitation(world.globex, by=world.outsider)
    make_invitation(world.acme, by=world.owner, revoked_at=NOW)

    assert list(list_invitations(actor=actor_of(world.admin), owner=world.acme.ref)) == [row]
    with pytest.raises(ForbiddenError):
        list_invitations(actor=actor_of(world.member), owner=world.acme.ref)


# --- The pages


def test_page_shows_what_will_happen_and_sends_on_the_second_click(world: World) -> None:
    client = world.client("admin")
    asked = {"addresses": "new@x.org\nmia@example.com", "role": "member"}

    shown = client.post("/orgs/acme/members/invite/", {**asked, "step": "preview"})
    assert (shown.status_code, len(mail.outbox)) == (200, 0)
    assert "Gets an invitation as member." in shown.content.decode()
    assert "Is a member already: mia." in shown.content.decode()
    assert "Send 1 invitation<" in shown.content.decode()

    sent = client.post("/orgs/acme/members/invite/", {**asked, "step": "send"})
    assert sent.headers["Location"] == "/orgs/acme/members/invitations/"
    assert [one.to for one in mail.outbox] == [["new@x.org"]]
    listed = client.get(sent.headers["Location"]).content.decode()
    assert "The invitation is on the way" in listed
    assert "new@x.org" in listed
    assert "Invited" in listed


def test_page_refuses_an_admin_who_invites_an_owner_at_the_field(world: World) -> None:
    asked = {"addresses": "new@x.org", "role": "owner", "step": "send"}

    refused = world.client("admin").post("/orgs/acme/members/invite/", asked)
    allowed = world.client("owner").post("/orgs/acme/members/invite/", asked)

    assert (refused.status_code, allowed.status_code) == (422, 302)
    assert "Only an owner of Acme can invite somebody as owner" in refused.content.decode()


def test_page_sends_nothing_when_nobody_on_the_list_can_be_invited(world: World) -> None:
    asked = {"addresses": "mia@example.com", "role": "member", "step": "send"}

    assert world.client("admin").post("/orgs/acme/members/invite/", asked).status_code == 422
    assert mail.outbox == []


def test_page_says_when_no_letter_got_out(world: World) -> None:
    client = world.client("admin")
    asked = {"addresses": "new@x.org other@x.org", "role": "member", "step": "send"}

    with patch("django.core.mail.backends.locmem.EmailBackend.send_messages", side_effect=OSError):
        page = client.post("/orgs/acme/members/invite/", asked, follow=True).content.decode()

    assert "took no letter for new@x.org, other@x.org" in page


def test_page_sends_again_and_withdraws(world: World) -> None:
    row, _token = make_invitation(world.acme, by=world.owner, email="new@x.org")
    client = world.client("admin")

    client.post(f"/orgs/acme/members/invitations/{row.text_id}/resend/")
    fresh = Invitation.objects.pending().get()
    page = client.post(f"/orgs/acme/members/invitations/{fresh.text_id}/revoke/", follow=True).content.decode()

    assert len(mail.outbox) == 1
    assert "The invitation of new@x.org is withdrawn" in page
    assert "Nobody is invited at the moment" in page


def test_page_of_many_says_how_many(world: World) -> None:
    asked = {"addresses": "new@x.org other@x.org", "role": "member", "step": "send"}

    page = world.client("admin").post("/orgs/acme/members/invite/", asked, follow=True).content.decode()

    assert "2 invitations are on the way" in page


def test_expired_invitation_says_so(world: World) -> None:
    make_invitation(world.acme, by=world.owner, expires_at=NOW)

    assert "Expired" in world.client("admin").get("/orgs/acme/members/invitations/").content.decode()


@pytest.mark.parametrize("count", [1, 10])
def test_list_costs_the_same_for_many(
    world: World, django_assert_num_queries: DjangoAssertNumQueries, count: int
) -> None:
    for _ in range(count):
        make_invitation(world.acme, by=world.owner)
    client = world.client("admin")
    client.get("/orgs/acme/members/invitations/")

    with django_assert_num_queries(7):  # session, user, places, invitations, bell, banners, what waits for an answer
        client.get("/orgs/acme/members/invitations/")


def test_unverified_address_of_a_member_is_not_taken_for_theirs(world: World) -> None:
    EmailAddress.objects.create(user=world.member, email="claimed@x.org", verified=False)

    assert invite_as(world, "admin", "claimed@x.org").sent == 1


# --- Members who may invite


def test_a_member_who_may_invite_sees_and_changes_their_own_alone(world: World) -> None:
    world.acme.members_may_invite = True
    world.acme.save()
    mine, _token = make_invitation(world.acme, by=world.member, email="mine@x.org")
    other, _token = make_invitation(world.acme, by=world.admin, email="other@x.org")
    client, page = world.client("member"), "/orgs/acme/members/invitations/"

    shown = client.get(page).content.decode()
    assert ("mine@x.org" in shown, "other@x.org" in shown) == (True, False)
    assert "Invitations (1)" in client.get("/orgs/acme/members/").content.decode()
    assert "Handed over" not in shown
    assert [client.post(f"{page}{other.text_id}/{act}/").status_code for act in ("resend", "revoke")] == [404, 404]
    assert list(Invitation.objects.pending().order_by("id")) == [mine, other]

    client.post(f"{page}{mine.text_id}/resend/")
    again = Invitation.objects.pending().get(email="mine@x.org")
    assert (again.invited_by, again.id != mine.id, len(mail.outbox)) == (world.member, True, 1)
    client.post(f"{page}{again.text_id}/revoke/")
    assert list(Invitation.objects.pending()) == [other]


def test_a_member_who_may_not_invite_any_more_sees_none(world: World) -> None:
    make_invitation(world.acme, by=world.member)

    assert world.client("member").get("/orgs/acme/members/invitations/").status_code == 403
    assert world.client("admin").get("/orgs/acme/members/invitations/").status_code == 200
