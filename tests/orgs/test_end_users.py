"""End users are made on first use: once, however many requests come at the same moment."""

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from django.db import connection
from django.utils import timezone

from orgs.errors import ConflictError, OutOfReachError
from orgs.models import AuditEvent, EndUser, Owner
from orgs.permissions import Actor, OwnerRef, owner_meant
from orgs.queries.api_keys import actor_from_key
from orgs.queries.end_users import naming, read_id
from orgs.services.end_users import row_to_own
from tests.factories import make_application, make_application_key, make_end_user
from tests.world import World, make_world

AT_ONCE = 8


def named(actor: Actor, text: str) -> OwnerRef:
    asked = read_id(text, actor=actor)
    owner = owner_meant(naming(actor=actor, asked=asked), asked)
    assert owner is not None
    return owner


@pytest.mark.django_db(transaction=True)
def test_first_uses_at_the_same_moment_make_one() -> None:
    text = make_application_key(make_world().acme)[1]
    barrier = threading.Barrier(AT_ONCE)

    def use(_number: int) -> str:
        try:
            actor = actor_from_key(secret=text, now=timezone.now())
            owner = named(actor, "alice")
            barrier.wait()
            return str(row_to_own(actor=actor, owner=owner).id)
        finally:
            connection.close()

    with ThreadPoolExecutor(AT_ONCE) as pool:
        rows = set(pool.map(use, range(AT_ONCE)))

    assert len(rows) == EndUser.objects.count() == Owner.objects.filter(kind="end_user").count() == 1
    assert AuditEvent.objects.filter(action="end_user.create").count() == 1


def test_end_user_of_another_application_is_not_stored_under(world: World) -> None:
    mine = actor_from_key(secret=make_application_key(world.acme)[1], now=timezone.now())
    theirs = make_end_user(make_application(world.acme), "alice").ref

    with pytest.raises(OutOfReachError):
        row_to_own(actor=mine, owner=theirs)
    assert row_to_own(actor=mine, owner=named(mine, "alice")).ref != theirs


def test_nothing_new_is_stored_for_somebody_who_is_being_deleted(world: World) -> None:
    shop = make_application(world.acme)
    actor = actor_from_key(secret=make_application_key(shop)[1], now=timezone.now())
    row = make_end_user(shop, "alice")
    assert row_to_own(actor=actor, owner=row.ref).end_user == row

    EndUser.objects.update(deleting_since=timezone.now())
    with pytest.raises(ConflictError):
        row_to_own(actor=actor, owner=row.ref)
