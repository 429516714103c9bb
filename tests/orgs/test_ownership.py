"""Handing an organization over, and announcing and stopping its deletion."""

import pytest

from orgs.errors import ConflictError, DomainError, ForbiddenError, NotFoundError, UnauthenticatedError
from orgs.models import AuditEvent, Deletion, Invitation, Membership, Notice, Organization
from orgs.permissions import Role
from orgs.services.deletions import announce_deletion, announce_departure, stop_deletion
from orgs.services.ownership import hand_over_organization
from tests.factories import NOW, actor_of, make_invitation, make_membership, make_second_factor, make_user
from tests.world import World

pytestmark = pytest.mark.django_db


def place(world: World, persona: str) -> Membership:
    return Membership.objects.get(user=world.people[persona], organization=world.acme)


def hand_over(world: World, to: str, by: str = "owner", *, steps_down: bool = False) -> Membership:
    heir = place(world, to)
    actor = actor_of(world.people[by])
    return hand_over_organization(actor=actor, owner=world.acme.ref, member_id=heir.id, steps_down=steps_down, now=NOW)


@pytest.mark.parametrize(("steps_down", "mine"), [(False, "owner"), (True, "admin")])
def test_owner_makes_another_and_may_step_down_at_once(world: World, *, steps_down: bool, mine: str) -> None:
    hand_over(world, "viewer", steps_down=steps_down)

    assert (place(world, "viewer").role, place(world, "owner").role) == ("owner", mine)
    event = AuditEvent.objects.get()
    assert (event.action, event.details["before"], event.details["after"]) == (
        "organization.transfer",
        "viewer",
        "owner",
    )
    assert [notice.user for notice in Notice.objects.all()] == [world.viewer]


@pytest.mark.parametrize(("steps_down", "left"), [(False, {"owner", "admin"}), (True, {"admin"})])
def test_stepping_down_withdraws_what_an_admin_may_not_send(world: World, *, steps_down: bool, left: set[str]) -> None:
    for role in ("owner", "admin"):
        make_invitation(world.acme, by=world.owner, role=role)

    hand_over(world, "admin", steps_down=steps_down)

    assert set(Invitation.objects.pending().values_list("role", flat=True)) == left
    assert AuditEvent.objects.filter(action="invitation.revoke").count() == 2 - len(left)


@pytest.mark.parametrize("persona", ["admin", "member", "viewer"])
def test_smaller_roles_hand_nothing_over(world: World, persona: str) -> None:
    with pytest.raises(ForbiddenError):
        hand_over(world, "viewer", by=persona)


def test_only_to_an_active_member_who_is_somebody_else(world: World) -> None:
    with pytest.raises(NotFoundError):
        hand_over(world, "owner")
    with pytest.raises(NotFoundError):
        hand_over(world, "ex_member")


def test_owner_already_takes_over_only_when_somebody_steps_down(world: World) -> None:
    Membership.objects.filter(user=world.admin).update(role="owner")

    with pytest.raises(ConflictError, match="an owner already"):
        hand_over(world, "admin")
    hand_over(world, "admin", steps_down=True)
    assert place(world, "owner").role == "admin"


def test_nobody_is_left_in_charge_who_would_be_shut_out(world: World) -> None:
    Organization.objects.filter(id=world.acme.id).update(requires_factor=True)
    make_second_factor(world.owner)

    with pytest.raises(ConflictError, match="no second factor"):
        hand_over(world, "admin", steps_down=True)
    make_second_factor(world.admin)
    assert hand_over(world, "admin", steps_down=True).role == Role.OWNER.value


def test_page_hands_over(world: World) -> None:
    client, heir = world.client("owner"), place(world, "member").text_id
    url = "/orgs/acme/settings/ownership/transfer/"

    assert "becomes an owner" in client.get(f"{url}?member={heir}").content.decode()
    done = client.post(url, {"member": heir, "then": "stay"}, follow=True).content.decode()
    assert "mia is an owner of Acme now. You stay one too." in done
    assert client.post(url, {"member": heir, "then": "stay"}).status_code == 409
    done = client.post(url, {"member": heir, "then": "step_down"}, follow=True).content.decode()
    assert "You are an admin from now on." in done
    assert "This needs the role owner." in done


def test_owner_without_a_second_one_is_nudged(world: World) -> None:
    for page in ("/orgs/acme/", "/orgs/acme/settings/ownership/"):
        assert "Acme has one owner: you" in world.client("owner").get(page).content.decode()
        assert "Acme has one owner" not in world.client("admin").get(page).content.decode()

    make_membership(world.acme, make_user(), Role.OWNER)

    assert "Acme has one owner" not in world.client("owner").get("/orgs/acme/").content.decode()


def test_owner_who_is_alone_is_told_to_invite_somebody(world: World) -> None:
    Membership.objects.filter(organization=world.acme).exclude(user=world.owner).delete()

    assert "the only active member" in world.client("owner").get("/orgs/acme/settings/ownership/").content.decode()


# --- Announcing and stopping a deletion


def announce(world: World, persona: str = "owner", typed: str = "Acme") -> Deletion:
    return announce_deletion(actor=actor_of(world.people[persona]), owner=world.acme.ref, typed=typed, now=NOW)


def test_announcing_takes_the_name_and_an_owner(world: World) -> None:
    with pytest.raises(DomainError, match="Type Acme"):
        announce(world, typed="acme")
    with pytest.raises(ForbiddenError):
        announce(world, "admin")
    assert (announce(world).due_at - NOW).days == 7
    with pytest.raises(ConflictError, match="already"):
        announce(world)

    assert [event.action for event in AuditEvent.objects.all()] == ["deletion.announce"]
    assert Notice.objects.count() == 4


def test_every_owner_can_stop_it_and_it_can_be_announced_again(world: World) -> None:
    second = make_user()
    make_membership(world.acme, second, Role.OWNER)
    announce(world)

    with pytest.raises(ForbiddenError):
        stop_deletion(actor=actor_of(world.admin), owner=world.acme.ref, now=NOW)
    assert stop_deletion(actor=actor_of(second), owner=world.acme.ref, now=NOW).status == "stopped"
    with pytest.raises(ConflictError, match="not to be deleted"):
        stop_deletion(actor=actor_of(second), owner=world.acme.ref, now=NOW)
    assert announce(world).status == "counting"


def test_everybody_sees_the_countdown_and_goes_on_working(world: World) -> None:
    client, url = world.client("owner"), "/orgs/acme/settings/ownership/delete/"
    assert client.post(url, {"typed": "wrong"}).status_code == 422
    done = client.post(url, {"typed": "Acme"}, follow=True).content.decode()
    assert "Acme will be deleted in 7 days" in done

    for page in ("", "tools/", "members/", "settings/"):
        assert "Acme will be deleted" in world.client("viewer").get(f"/orgs/acme/{page}").content.decode()
    assert "Acme will be deleted" not in world.client("member").get("/me/").content.decode()
    assert client.get(url).headers["Location"] == "/orgs/acme/settings/ownership/"
    stopped = client.post("/orgs/acme/settings/ownership/delete/stop/", follow=True).content.decode()
    assert "Stopped. Acme stays" in stopped
    assert "Acme will be deleted" not in world.client("viewer").get("/orgs/acme/").content.decode()


def test_nobody_takes_leave_for_somebody_else(world: World) -> None:
    with pytest.raises(UnauthenticatedError):
        announce_departure(actor=actor_of(world.owner), user=world.member, now=NOW)
    assert not Deletion.objects.exists()

    announce_departure(actor=actor_of(world.member), user=world.member, now=NOW)
    assert Deletion.objects.get().label == world.member.display_name
