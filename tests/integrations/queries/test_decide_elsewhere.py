"""What a tool's page says about the actor's other IDs, with as few statements for many of them as for one."""

from django.db import connection
from django.test.utils import CaptureQueriesContext

from integrations.access import decide_many
from integrations.models import Tool
from integrations.queries.tools import decide_elsewhere
from orgs.permissions import Role
from tests.factories import (
    actor_of,
    make_connected_account,
    make_membership,
    make_organization,
    make_policy,
    make_tool,
    make_toolkit,
    owner_ref,
)
from tests.world import World


def statements_for(world: World, tool: Tool) -> int:
    with CaptureQueriesContext(connection) as captured:
        decide_elsewhere(actor=actor_of(world.member), tool=tool, owner=owner_ref(world.member))
    return len(captured)


def test_each_other_id_gets_the_decision_that_stands_on_its_own_page(world: World) -> None:
    tool = make_tool(make_toolkit())
    make_connected_account(tool.toolkit, owner=world.acme)
    make_connected_account(tool.toolkit, owner=world.member)
    initech = make_organization("initech")
    make_membership(initech, world.member, Role.VIEWER)
    make_policy(initech, verdict="deny")
    actor = actor_of(world.member)

    for owner in (owner_ref(world.member), owner_ref(world.acme)):
        others = [one for one in actor.reach() if one != owner]
        expected = [(one, decide_many(actor=actor, owner=one, tools=[tool])[tool.id]) for one in others]
        assert decide_elsewhere(actor=actor, tool=tool, owner=owner) == expected
        assert len(expected) == 2


def test_many_organizations_cost_no_more_than_one(world: World) -> None:
    tool = make_tool(make_toolkit())
    before = statements_for(world, tool)

    for number in range(3):
        make_membership(make_organization(f"company-{number}"), world.member)

    assert statements_for(world, tool) == before


def test_who_has_no_other_id_costs_nothing(world: World) -> None:
    tool = make_tool(make_toolkit())
    actor = actor_of(world.ex_member)

    with CaptureQueriesContext(connection) as captured:
        assert decide_elsewhere(actor=actor, tool=tool, owner=owner_ref(world.ex_member)) == []

    assert len(captured) == 0
