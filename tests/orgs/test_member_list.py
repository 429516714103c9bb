"""The list of members: searched, narrowed down, page by page, and with when each was here last."""

from datetime import timedelta

import pytest
from allauth.usersessions.models import UserSession
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries

from accounts.models import User
from orgs.models import Membership
from orgs.permissions import Role
from orgs.queries import member_list
from orgs.queries.member_list import browse_members
from tests.factories import actor_of, make_membership, make_user
from tests.world import World

pytestmark = pytest.mark.django_db
PAGE = "/orgs/acme/members/"


def names(world: World, **asked: object) -> list[str]:
    found = browse_members(actor=actor_of(world.viewer), owner=world.acme.ref, **asked)  # type: ignore[arg-type]
    return [row.user.username for row in found.rows]


def test_it_is_searched_by_name_and_narrowed_down_by_role(world: World) -> None:
    make_membership(world.acme, make_user("x1", name="Mia the second"), Role.ADMIN)

    assert names(world, text="MIA") == ["x1", "mia"]
    assert names(world, text="mia", role="member") == ["mia"]
    assert names(world, text="example.com") == []  # addresses are not everybody's to search
    assert names(world, text="eve") == []  # has left


def test_it_has_pages(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(member_list, "PAGE_SIZE", 3)

    assert names(world) == ["owner_of_acme", "admin_of_acme", "mia"]
    assert names(world, number=2) == ["vera"]
    client = world.client("viewer")
    first, second = (client.get(PAGE, {"page": number, "role": ""}).content.decode() for number in (1, 2))
    assert ('href="?role=&amp;page=2"' in first, ">Previous" in first) == (True, False)
    assert ('href="?role=&amp;page=1"' in second, ">Next" in second) == (True, False)
    assert client.get(PAGE, {"page": "many", "role": "king"}).status_code == 200


def test_who_searches_in_vain_finds_the_way_back(world: World) -> None:
    page = world.client("member").get(PAGE, {"q": "nobody-like-this"}).content.decode()

    assert "Nobody fits." in page
    assert f'href="{PAGE}"' in page


def seen(world: World, who: str) -> object:
    rows = browse_members(actor=actor_of(world.people[who]), owner=world.acme.ref).rows
    return {row.user: row.last_seen for row in rows}[world.member]


def test_last_seen_is_the_newest_session_else_the_last_sign_in_and_for_admins_alone(world: World) -> None:
    now = timezone.now()
    assert seen(world, "admin") is None

    User.objects.filter(id=world.member.id).update(last_login=now - timedelta(days=9))
    assert seen(world, "admin") == now - timedelta(days=9)

    for key, days in (("a", 3), ("b", 2)):
        row = UserSession.objects.create(user=world.member, ip="127.0.0.1", session_key=key, user_agent="")
        UserSession.objects.filter(id=row.id).update(last_seen_at=now - timedelta(days=days))
    assert seen(world, "admin") == now - timedelta(days=2)
    assert seen(world, "viewer") is None
    shown = [world.client(who).get(PAGE).content.decode() for who in ("admin", "viewer")]
    assert ["Last seen" in page for page in shown] == [True, False]


def test_queries_do_not_grow_with_members(world: World, django_assert_num_queries: DjangoAssertNumQueries) -> None:
    actor = actor_of(world.admin)
    for _ in range(5):
        make_membership(world.acme, make_user())

    with django_assert_num_queries(2):
        browse_members(actor=actor, owner=world.acme.ref)
    assert Membership.objects.count() > 5
