"""The rule and the lists agree: what `can` allows is what the querysets show, for every persona."""

import pytest

from integrations.models import AuthConfig, ConnectedAccount, Execution
from orgs.models import Membership, Owner
from orgs.permissions import Actor, Permission, Scope, can
from orgs.queries.api_keys import actor_from_key
from orgs.queries.members import list_members
from orgs.queries.owners import owner_row
from tests.factories import (
    NOW,
    actor_of,
    make_api_key,
    make_auth_config,
    make_connected_account,
    make_execution,
    make_membership,
    make_tool,
    make_toolkit,
)
from tests.world import World

PEOPLE = ("member", "viewer", "admin", "owner", "ex_member", "outsider", "staff")
KEYS = ("key of a member", "key of Acme", "key of Globex")
ROWS = {
    ConnectedAccount: Permission.CONNECTED_ACCOUNTS_READ,
    Execution: Permission.EXECUTIONS_READ,
}


@pytest.fixture
def furnished(world: World) -> World:
    """One account, execution and auth config under every user and organization; one person in both organizations."""
    make_membership(world.globex, world.admin)
    toolkit = make_toolkit()
    tool = make_tool(toolkit)
    for holder in (*world.people.values(), world.acme, world.globex):
        make_connected_account(toolkit, owner=holder)
        make_execution(tool, owner=holder)
        make_auth_config(toolkit, owner=holder, name="own")
    return world


def acting(world: World, who: str) -> Actor:
    if who in PEOPLE:
        return actor_of(world.people[who])
    holder = {"key of a member": world.member, "key of Acme": world.acme, "key of Globex": world.globex}[who]
    _key, secret = make_api_key(holder, *Scope)
    return actor_from_key(secret=secret, now=NOW)


@pytest.mark.parametrize("model", ROWS, ids=lambda model: model.__name__)
@pytest.mark.parametrize("who", [*PEOPLE, *KEYS])
def test_visible_rows_are_those_that_can_allows(furnished: World, who: str, model: type[ConnectedAccount]) -> None:
    actor = acting(furnished, who)
    rows = model.objects.unscoped("all of them, to compare").select_related("owner__user", "owner__organization")

    allowed = {row.id for row in rows if can(actor, ROWS[model], row.owner.ref)}

    assert set(model.objects.visible_to(actor).values_list("id", flat=True)) == allowed


@pytest.mark.parametrize("who", [*PEOPLE, *KEYS])
def test_reach_is_exactly_the_owners_whose_tools_one_may_read(furnished: World, who: str) -> None:
    actor = acting(furnished, who)
    owners = [row.ref for row in Owner.objects.select_related("user", "organization")]

    assert {owner for owner in owners if can(actor, Permission.TOOLS_READ, owner)} == set(actor.reach())
    for owner in actor.reach():
        assert owner_row(actor=actor, owner=owner).ref == owner


def test_rows_by_owner_are_that_owners_alone(furnished: World) -> None:
    for model in (ConnectedAccount, Execution, AuthConfig):
        for row in Owner.objects.select_related("user", "organization"):
            owners = {one.owner_id for one in model.objects.owned_by(row.ref)}
            assert owners == {row.id}


@pytest.mark.parametrize("who", PEOPLE)
def test_members_are_listed_for_those_who_may_read_them(furnished: World, who: str) -> None:
    actor = acting(furnished, who)
    memberships = Membership.objects.filter(organization=furnished.acme).exclude(status="left")

    if can(actor, Permission.MEMBERS_READ, furnished.acme.ref):
        listed = list_members(actor=actor, owner=furnished.acme.ref)
        assert {one.id for one in listed} == {one.id for one in memberships}
    else:
        assert furnished.acme.ref not in actor.reach()


def test_everybody_sees_something_and_strangers_do_not_see_acme(furnished: World) -> None:
    """So that the comparisons above cannot pass on empty lists."""
    for who in PEOPLE:
        actor = acting(furnished, who)
        seen = {row.owner_id for row in ConnectedAccount.objects.visible_to(actor)}
        assert furnished.people[who].owner.id in seen
        assert (furnished.acme.owner.id in seen) is (who in {"member", "viewer", "admin", "owner"})
