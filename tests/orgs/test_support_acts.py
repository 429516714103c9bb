"""Support's acts on people and invitations, asked of the services themselves: their own power, then the state."""

from datetime import timedelta
from uuid import uuid4

import pytest
from django.core import mail
from django.utils import timezone

from accounts.models import User
from orgs.errors import ConflictError, ForbiddenError, NotFoundError
from orgs.models import AuditEvent, Invitation, Membership
from orgs.models.organizations import MemberStatus
from orgs.permissions import Actor
from orgs.queries.actors import actor_for_support
from orgs.services.invitations import resend_for_support
from orgs.services.support import unlock_user
from tests.factories import make_invitation
from tests.staff import make_supporter
from tests.world import World

pytestmark = pytest.mark.django_db
REASON = "Asked for on the phone"
NOW = timezone.now()
LONG_AGO = NOW - timedelta(days=2)


@pytest.fixture
def support(db: None) -> Actor:
    return actor_for_support(make_supporter("sue"))


def unlock(actor: Actor, user: User) -> User:
    return unlock_user(actor=actor, user_id=user.id, host="testserver", reason=REASON, now=NOW)


def resend(actor: Actor, row: Invitation) -> Invitation:
    resend_for_support(actor=actor, invitation_id=row.id, reason=REASON, now=NOW)
    return Invitation.objects.order_by("created_at").last()  # type: ignore[return-value]  # there is one


def test_somebody_who_is_suspended_is_let_in_again_on_record(world: World, support: Actor) -> None:
    User.objects.filter(id=world.member.id).update(is_active=False)

    unlock(support, world.member)

    world.member.refresh_from_db()
    event = AuditEvent.objects.get()
    assert world.member.is_active
    assert event.details == {"reason": REASON, "fields": ["is_active"]}


def test_of_somebody_who_is_not_suspended_failed_sign_ins_are_forgotten(world: World, support: Actor) -> None:
    unlock(support, world.member)

    assert AuditEvent.objects.get().details == {"reason": REASON, "fields": []}


def test_staff_who_are_suspended_stay_so(world: World, support: Actor) -> None:
    User.objects.filter(id=world.staff.id).update(is_active=False)

    with pytest.raises(ForbiddenError, match="a superuser decides"):
        unlock(support, world.staff)

    world.staff.refresh_from_db()
    assert not world.staff.is_active
    assert not AuditEvent.objects.exists()


def test_nobody_else_unlocks(world: World) -> None:
    with pytest.raises(ForbiddenError):
        unlock(actor_for_support(world.staff), world.member)


def test_who_is_not_there_is_not_unlocked(support: Actor) -> None:
    with pytest.raises(NotFoundError, match="no such user"):
        unlock(support, User(username="nobody"))


def test_a_fresh_link_is_sent_in_the_inviters_name(world: World, support: Actor) -> None:
    row, _token = make_invitation(world.acme, by=world.admin, created_at=LONG_AGO)

    fresh = resend(support, row)

    assert (fresh.invited_by, fresh.email, len(mail.outbox)) == (world.admin, row.email, 1)
    assert fresh.digest != row.digest


@pytest.mark.parametrize(
    ("state", "reason"),
    [
        ({"revoked_at": NOW}, "used, withdrawn or replaced"),
        ({"accepted_at": NOW}, "used, withdrawn or replaced"),
        ({"created_at": NOW, "sent_at": NOW}, "a few minutes ago"),
    ],
)
def test_what_cannot_be_sent_again_says_why(
    world: World, support: Actor, state: dict[str, object], reason: str
) -> None:
    row, _token = make_invitation(world.acme, by=world.admin, created_at=LONG_AGO)
    Invitation.objects.filter(id=row.id).update(**state)

    with pytest.raises(ConflictError, match=reason):
        resend(support, row)

    assert mail.outbox == []


def test_a_link_of_somebody_who_may_not_invite_any_more_is_not_sent(world: World, support: Actor) -> None:
    row, _token = make_invitation(world.acme, by=world.admin, created_at=LONG_AGO)
    Membership.objects.filter(user=world.admin).update(status=MemberStatus.LEFT)

    with pytest.raises(ConflictError, match="may not do that any more"):
        resend(support, row)


def test_an_invitation_that_is_not_there_is_not_sent(support: Actor) -> None:
    with pytest.raises(NotFoundError, match="no such invitation"):
        resend_for_support(actor=support, invitation_id=uuid4(), reason=REASON, now=NOW)


def test_nobody_else_sends_it_again(world: World) -> None:
    row, _token = make_invitation(world.acme, by=world.admin, created_at=LONG_AGO)

    with pytest.raises(ForbiddenError):
        resend(actor_for_support(world.staff), row)
