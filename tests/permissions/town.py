"""Everybody whom a cell of the truth tables can name, with an account of each kind of owner in each state.

Each account stands in a toolkit of its own, so that a cell is asked about by naming the tool.
"""

from dataclasses import dataclass
from itertools import product
from typing import Any
from uuid import UUID

from integrations.models import ConnectedAccount
from orgs.models import Application, Organization
from orgs.permissions import Role
from tests.factories import (
    make_application,
    make_connected_account,
    make_end_user,
    make_membership,
    make_organization,
    make_tool,
    make_toolkit,
    owner_ref,
)
from tests.permissions import application_oracle, oracle
from tests.permissions.test_oracle import STATES
from tests.world import World

NOBODY = UUID(int=99)
TEXTS = {
    "missing": "",
    "default": " Default ",
    "email": "ada@example.com",
    "malformed": "org-no-such-form!",
    "account_id": f"ca_{NOBODY.hex}",
    "unknown": f"org_{NOBODY.hex}",
    "unknown_user": f"USER_{NOBODY.hex}",
}


@dataclass(frozen=True)
class Town:
    """A world, whoever else the words of a table mean, and the accounts by owner and state."""

    world: World
    holders: dict[str, Any]
    texts: dict[str, str]
    accounts: dict[tuple[str, str], ConnectedAccount]

    def requested(self, word: str) -> str:
        return self.texts[word] if word in self.texts else owner_ref(self.holders[word]).text_id

    def named(self, owner: str, state: str, pick: str) -> str:
        """The account that the call names: one that nobody has where there is none."""
        if pick == "implicit":
            return ""
        return self.accounts[owner, state].text_id if owner != "none" else f"ca_{NOBODY.hex}"


def tool_of(owner: str, state: str) -> str:
    return f"{owner}_{state}_READ".upper()


def town_of_people(world: World) -> Town:
    """For `oracle`: a member of Acme and of Initech, and everybody around them."""
    other: Organization = make_organization("initech", name="Initech")
    make_membership(other, world.member, Role.MEMBER)
    holders = {
        "own_user": world.member,
        "peer_user": world.admin,
        "own_org": world.acme,
        "other_own_org": other,
        "foreign_user": world.outsider,
        "foreign_org": world.globex,
    }
    return _furnish(world, holders, {**TEXTS, "own_username": world.member.username}, oracle.OWNERS)


def town_of_applications(world: World) -> tuple[Town, Application]:
    """For `application_oracle`: the application whose key asks, with two end users, and two other applications."""
    shop, second = make_application(world.acme, "Shop"), make_application(world.acme, "Second")
    alice = make_end_user(shop, "alice-8472")
    holders = {
        "own_org": world.acme,
        "foreign_org": world.globex,
        "member": world.member,
        "end_user": alice,
        "other_end_user": make_end_user(shop, "bob"),
        "second_app": make_end_user(second, "carol"),
        "foreign_app": make_end_user(make_application(world.globex, "Foreign"), "carol"),
    }
    texts = {
        **TEXTS,
        "malformed": "alice 8472!",
        "end_user": "alice-8472",
        "end_user_eu": owner_ref(alice).text_id,
        "stranger": "carol",
        "second_app_eu": owner_ref(holders["second_app"]).text_id,
        "foreign_app_eu": owner_ref(holders["foreign_app"]).text_id,
    }
    return _furnish(world, holders, texts, application_oracle.OWNERS), shop


def _furnish(world: World, holders: dict[str, Any], texts: dict[str, str], owners: list[str]) -> Town:
    found = Town(world, holders, texts, {})
    make_tool(make_toolkit("nothing"), tool_of("none", "ACTIVE"))
    for owner, state in product(owners[1:], oracle.STATES):
        toolkit = make_toolkit(f"{owner}-{state}".lower().replace("_", "-"))
        make_tool(toolkit, tool_of(owner, state))
        found.accounts[owner, state] = make_connected_account(toolkit, owner=holders[owner], status=STATES[state].value)
    return found
