"""Whoever's place in an organization changes hears of it, in the product and by e-mail."""

import pytest

from accounts.models import User
from orgs.models import Membership, Notice
from orgs.permissions import Role
from orgs.services.members import change_role, lift_suspension, suspend_member
from tests.factories import NOW, actor_of
from tests.world import World

pytestmark = pytest.mark.django_db


def told(user: User) -> list[tuple[str, str]]:
    rows = Notice.objects.filter(user=user).order_by("id")
    assert all(row.mail_due_at == NOW for row in rows)
    return [(row.title, row.text) for row in rows]


def set_role(world: World, by: User, target: User, role: Role) -> None:
    place = Membership.objects.get(user=target)
    change_role(actor=actor_of(by), owner=world.acme.ref, member_id=place.id, role=role, now=NOW)


def test_another_role_is_told_to_whoever_has_it_and_to_nobody_else(world: World) -> None:
    set_role(world, world.admin, world.member, Role.ADMIN)
    set_role(world, world.admin, world.member, Role.ADMIN)  # the same once more

    assert told(world.member) == [
        ("Your role in Acme is admin now", "admin_of_acme changed it. It was member before."),
    ]
    assert Notice.objects.count() == 1


def test_whoever_changes_their_own_role_knows(world: World) -> None:
    set_role(world, world.admin, world.admin, Role.MEMBER)

    assert told(world.admin) == []


def test_a_suspension_is_told_although_the_suspended_see_nothing_of_the_organization(world: World) -> None:
    place = Membership.objects.get(user=world.member)
    doing = {"actor": actor_of(world.admin), "owner": world.acme.ref, "member_id": place.id, "now": NOW}

    suspend_member(**doing)

    [(title, text)] = told(world.member)
    assert title == "You are suspended in Acme"
    assert "admin_of_acme did it" in text
    assert "You are suspended in Acme" in world.client("member").get("/notices/").content.decode()

    lift_suspension(**doing)

    assert told(world.member)[1] == (
        "You are active in Acme again",
        "admin_of_acme lifted the suspension. Your role is member.",
    )
    assert "You are active in Acme again" in world.client("member").get("/notices/").content.decode()
