"""Runs of somebody who lost their place are not sent, also when they come back before a worker is there (T22, T24)."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from django.utils import timezone

from orgs.models import Membership
from orgs.permissions import Role, Scope
from orgs.services.members import change_role, lift_suspension, remove_member, suspend_member
from tests.factories import actor_of, make_api_key
from tests.integrations.desk import Desk
from tests.integrations.engine.servers import answer
from tests.world import World

pytestmark = pytest.mark.django_db
Desks = Callable[..., Desk]
THING = b'{"name": "thing"}'


def place(world: World) -> Membership:
    return Membership.objects.get(user=world.member)


def end(world: World) -> None:
    row = place(world)
    remove_member(actor=actor_of(world.admin), owner=world.acme.ref, member_id=row.id, now=timezone.now())


def test_queued_runs_of_a_removed_member_are_denied_and_never_sent(acme_desk_of: Desks, world: World) -> None:
    desk = acme_desk_of(answer(THING))
    for _ in range(3):
        desk.queue()

    end(world)
    ended = [desk.work() for _ in range(3)]

    assert {(row.status, row.error_code) for row in ended} == {("denied", "membership_ended")}
    assert {row.error_message for row in ended} == {"The membership ended before this run could start."}
    assert desk.provider.requests == []


def test_queued_run_of_a_member_who_stays_is_sent(acme_desk_of: Desks, world: World) -> None:
    desk = acme_desk_of(answer(THING))
    desk.queue()

    assert desk.work().status == "succeeded"


def test_coming_back_does_not_revive_queued_runs(acme_desk_of: Desks, world: World) -> None:
    desk = acme_desk_of(answer(THING))
    desk.queue()
    end(world)
    back = timezone.now() + timedelta(seconds=1)
    Membership.objects.filter(user=world.member).update(status="active", joined_at=back)

    row = desk.work()

    assert (row.status, row.error_code) == ("denied", "membership_ended")
    assert desk.provider.requests == []


def test_run_asked_for_after_coming_back_is_sent(acme_desk_of: Desks, world: World) -> None:
    desk = acme_desk_of(answer(THING))
    end(world)
    back = timezone.now()
    Membership.objects.filter(user=world.member).update(status="active", joined_at=back)
    desk.queue(created_at=back + timedelta(milliseconds=1))

    assert desk.work().status == "succeeded"


def test_run_by_a_key_of_a_removed_member_is_denied(acme_desk_of: Desks, world: World) -> None:
    desk = acme_desk_of(answer(THING))
    key, _secret = make_api_key(world.member, *Scope)
    desk.queue(api_key=key)

    end(world)
    row = desk.work()

    assert (row.status, row.error_code, desk.provider.requests) == ("denied", "membership_ended", [])


def test_suspended_members_run_is_denied_and_after_the_lift_they_run_again(acme_desk_of: Desks, world: World) -> None:
    desk = acme_desk_of(answer(THING))
    desk.queue()
    asked = {"actor": actor_of(world.admin), "owner": world.acme.ref, "member_id": place(world).id}
    suspend_member(**asked, now=timezone.now())
    assert desk.work().error_code == "membership_ended"

    lift_suspension(**asked, now=timezone.now())
    desk.queue()

    assert desk.work().status == "succeeded"


def test_run_of_a_member_who_became_viewer_is_denied(acme_desk_of: Desks, world: World) -> None:
    desk = acme_desk_of(answer(THING))
    desk.queue()
    asked = {"actor": actor_of(world.admin), "owner": world.acme.ref, "member_id": place(world).id}
    change_role(**asked, role=Role.VIEWER, now=timezone.now())

    row = desk.work()

    assert (row.status, row.error_code, desk.provider.requests) == ("denied", "role_cannot_execute", [])
