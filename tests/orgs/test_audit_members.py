"""What is done to members, invitations and the organization itself leaves one record each, or none."""

from collections.abc import Callable
from typing import Any

import pytest
from django.utils import timezone

from accounts.models import User
from orgs.errors import ConflictError
from orgs.models import AuditEvent, Invitation, Membership
from orgs.permissions import Role
from orgs.services.invitations import invite, resend_invitation, revoke_invitation
from orgs.services.joining import accept_invitation
from orgs.services.members import change_role, leave_organization, lift_suspension, remove_member, suspend_member
from orgs.services.organizations import update_organization
from tests.factories import NOW, actor_of, make_invitation, make_user
from tests.world import World

pytestmark = pytest.mark.django_db


def values(world: World, user: User) -> dict[str, Any]:
    return {"actor": actor_of(user), "owner": world.acme.ref, "now": NOW}


def place_of(user: User) -> Membership:
    return Membership.objects.get(user=user)


def the_only_event() -> AuditEvent:
    return AuditEvent.objects.get()


def test_a_change_of_role_tells_both_roles(world: World) -> None:
    change_role(**values(world, world.admin), member_id=place_of(world.member).id, role=Role.VIEWER)

    event = the_only_event()
    assert (event.action, event.owner_id, event.target_id) == (
        "member.role",
        world.acme.ref.text_id,
        world.member.text_id,
    )
    assert event.details == {"before": "member", "after": "viewer"}


@pytest.mark.parametrize(
    ("change", "action", "status"),
    [
        (suspend_member, "member.suspend", "active"),
        (lift_suspension, "member.lift", "suspended"),
        (remove_member, "member.remove", "active"),
    ],
)
def test_what_is_done_to_a_member(world: World, change: Callable[..., Any], action: str, status: str) -> None:
    Membership.objects.filter(user=world.member).update(status=status)

    change(**values(world, world.admin), member_id=place_of(world.member).id)

    event = the_only_event()
    assert (event.action, event.actor_id, event.target_id) == (action, world.admin.text_id, world.member.text_id)


def test_leaving(world: World) -> None:
    leave_organization(**values(world, world.member))

    event = the_only_event()
    assert (event.action, event.actor_id, event.target_id) == (
        "member.leave",
        world.member.text_id,
        world.member.text_id,
    )


def test_every_invitation_is_one_record_without_the_address(world: World) -> None:
    invite(**values(world, world.admin), text="a@x.org, b@x.org, nonsense", role=Role.VIEWER)

    events = AuditEvent.objects.all()
    assert {event.target_id for event in events} == {row.text_id for row in Invitation.objects.all()}
    assert [(event.action, event.details) for event in events] == [("member.invite", {"role": "viewer"})] * 2
    assert "x.org" not in str([event.facts for event in events])


@pytest.mark.parametrize(
    ("change", "action"), [(resend_invitation, "invitation.resend"), (revoke_invitation, "invitation.revoke")]
)
def test_what_is_done_to_an_invitation(world: World, change: Callable[..., Any], action: str) -> None:
    row, _token = make_invitation(world.acme, by=world.admin)

    change(**values(world, world.admin), invitation_id=row.id)

    event = the_only_event()
    assert (event.action, event.target_kind, event.details) == (action, "invitation", {"role": "member"})


def test_joining(world: World) -> None:
    guest = make_user("guest", email="guest@x.org")
    row, _token = make_invitation(world.acme, by=world.admin, email="guest@x.org", role="viewer")

    accept_invitation(actor=actor_of(guest), user=guest, digest=row.digest, now=timezone.now())

    event = the_only_event()
    assert (event.action, event.owner_id, event.actor_id) == ("member.join", world.acme.ref.text_id, guest.text_id)
    assert event.details == {"role": "viewer"}


def test_new_settings_of_an_organization(world: World) -> None:
    update_organization(**values(world, world.owner), name="Acme Two", slug=world.acme.slug)

    event = the_only_event()
    assert (event.action, event.target_label) == ("organization.change", "Acme Two")
    assert event.details == {"fields": ["name"]}


def test_what_was_refused_leaves_no_record_of_having_been_done(world: World) -> None:
    with pytest.raises(ConflictError):
        leave_organization(**values(world, world.owner))

    assert not AuditEvent.objects.exists()
