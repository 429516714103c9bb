"""Leaving the installation: refused for an only owner, else out of everything at once."""

import pytest

from integrations.models import Policy
from integrations.services.departure import leave_installation
from integrations.services.leaving import leave_with_account
from orgs.errors import ConflictError, DomainError, ForbiddenError, NotFoundError, UnauthenticatedError
from orgs.models import AuditEvent, Deletion, Membership, Notice, Organization
from orgs.queries.actors import actor_for_key
from orgs.queries.members import own_places
from orgs.services.deletions import announce_departure
from tests.factories import (
    NOW,
    actor_of,
    make_api_key,
    make_connected_account,
    make_execution,
    make_policy,
    make_tool,
    make_toolkit,
)
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


def test_who_is_suspended_hands_over_what_hangs_on_them(world: World) -> None:
    account = make_connected_account(make_toolkit("github"), owner=world.acme, connected_by=world.admin)
    other = make_connected_account(make_toolkit("slack"), owner=world.acme, connected_by=world.owner)
    run = make_execution(make_tool(account.toolkit), owner=world.acme, user=world.admin)
    make_policy(world.acme, "allow", user=world.admin)
    Membership.objects.filter(user=world.admin).update(status="suspended")
    assert "You leave Acme" in world.client("admin").get("/profile/leave/").content.decode()

    leave(world, "admin")

    for row in (account, other, run):
        row.refresh_from_db()
    assert Membership.objects.get(user=world.admin).status == "left"
    assert (account.successor, account.status, other.successor) == (world.owner, "needs_attention", None)
    assert (run.status, Policy.objects.owned_by(world.acme.ref).exists()) == ("cancelled", False)
    assert Notice.objects.filter(user=world.owner, title="admin_of_acme left Acme").exists()


def test_nobody_leaves_where_they_have_no_place(world: World) -> None:
    for persona in ("outsider", "ex_member"):
        with pytest.raises(NotFoundError):
            leave_with_account(actor=actor_of(world.people[persona]), owner=world.acme.ref, now=NOW)
    key, _text = make_api_key(world.acme)
    with pytest.raises(ForbiddenError):
        leave_with_account(actor=actor_for_key(key, is_live=True), owner=world.acme.ref, now=NOW)
    assert own_places(actor=actor_for_key(key, is_live=True)) == []


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
