"""Keys that are about to expire: who is told, when, and how often (check K7)."""

from datetime import timedelta
from typing import Any

import pytest

from orgs.models import ApiKey, Notice
from orgs.services import key_warnings
from orgs.services.api_keys import revoke_api_key, rotate_api_key
from orgs.services.key_warnings import warn_about_keys
from tests.factories import NOW, actor_of, make_api_key, owner_ref
from tests.world import World

pytestmark = pytest.mark.django_db


def make(holder: Any, days: int = 30) -> ApiKey:
    return make_api_key(holder, name="Nightly", expires_at=NOW + timedelta(days=days))[0]


def warn(days: float) -> int:
    return warn_about_keys(actor=None, now=NOW + timedelta(days=days))


def test_a_person_is_told_once_a_week_before(world: World) -> None:
    key = make(world.member)

    assert [warn(days) for days in (22, 23.5, 24)] == [0, 1, 0]

    notice = Notice.objects.get()
    assert (notice.user, notice.kind, notice.path) == (world.member, "security", f"/me/api-keys/{key.text_id}/")
    assert notice.title == "The API key Nightly expires on 1 April"
    assert notice.mail_due_at is not None


def test_of_an_organizations_key_those_are_told_who_can_replace_it(world: World) -> None:
    key = make(world.acme)

    assert warn(25) == 1

    assert {one.user for one in Notice.objects.all()} == {world.owner, world.admin}
    assert {one.path for one in Notice.objects.all()} == {f"/orgs/acme/api-keys/{key.text_id}/"}


def test_nothing_is_said_of_keys_that_are_over_replaced_or_short_lived(world: World) -> None:
    wanted = {"actor": actor_of(world.member), "owner": owner_ref(world.member), "now": NOW}
    revoke_api_key(**wanted, key_id=make(world.member).id)
    rotate_api_key(**wanted, key_id=make(world.member).id, expires_at=NOW + timedelta(days=90))
    make(world.member, days=7)

    assert [warn(days) for days in (1, 25, 31)] == [0, 0, 0]


def test_two_sweeps_at_once_tell_it_once(world: World) -> None:
    key = make(world.member)

    assert [key_warnings._warn(key, NOW), key_warnings._warn(key, NOW)] == [1, 0]
