"""Leaving the installation: refused for an only owner, else out of everything at once."""

import pytest

from integrations.services.departure import leave_installation
from orgs.errors import ConflictError, DomainError, UnauthenticatedError
from orgs.models import AuditEvent, Deletion, Membership, Organization
from orgs.services.deletions import announce_departure
from tests.factories import NOW, actor_of, make_connected_account, make_toolkit
from tests.world import World

pytestmark = pytest.mark.django_db


def leave(world: World, persona: str, typed: str = "") -> Deletion:
    user = world.people[persona]
    return leave_installation(actor=actor_of(user), user=user, typed=typed or user.username, now=NOW)


def test_only_owner_is_held_back(world: World) -> None:
    with pytest.raises(ConflictError, match="only active owner of Acme"):
        leave(world, "owner")

    page = world.client("owner").get("/profile/leave/").content.decode()
    assert "You are the only active owner of Acme" in page
    assert world.client("owner").post("/profile/leave/", {"typed": "owner_of_acme"}).status_code == 422
    assert not Deletion.objects.exists()


def test_member_is_out_of_every_organization_and_cannot_sign_in(world: World) -> None:
    deletion = leave(world, "admin")

    world.admin.refresh_from_db()
    assert (world.admin.is_active, deletion.kind, deletion.mail_to) == (False, "user", world.admin.email)
    assert Membership.objects.get(user=world.admin).status == "left"
    assert set(AuditEvent.objects.values_list("action", flat=True)) >= {"member.leave", "deletion.announce"}


def test_who_is_shut_out_for_want_of_a_factor_can_leave(world: World) -> None:
    Organization.objects.filter(id=world.acme.id).update(requires_factor=True)

    leave(world, "member")

    assert Membership.objects.get(user=world.member).status == "left"


def test_name_must_be_typed_and_nobody_leaves_for_somebody_else(world: World) -> None:
    with pytest.raises(DomainError, match="Type mia"):
        leave(world, "member", "Mia")
    with pytest.raises(UnauthenticatedError):
        leave_installation(actor=actor_of(world.admin), user=world.member, typed="mia", now=NOW)
    with pytest.raises(UnauthenticatedError):
        announce_departure(actor=actor_of(world.admin), user=world.member, now=NOW)


def test_page_shows_what_ends_and_says_goodbye(world: World) -> None:
    make_connected_account(make_toolkit(), owner=world.member, identity_label="mias-login")
    client = world.client("member")

    page = client.get("/profile/leave/").content.decode()
    assert "mias-login" in page
    assert "You leave Acme" in page
    assert client.post("/profile/leave/", {"typed": "wrong"}).status_code == 422
    assert "You have left" in client.post("/profile/leave/", {"typed": "mia"}).content.decode()
    assert client.get("/me/").status_code == 302
