"""The policies at a glance."""

from itertools import product
from random import Random
from typing import Any

import pytest

from integrations.access import decide_run
from integrations.models import Tool
from integrations.queries.policy_matrix import CUSTOM, NO_RULE, PRESETS, MatrixRow, columns, policy_matrix, preset_of
from orgs.errors import NotFoundError
from orgs.permissions import ToolEffect, Verdict
from tests.factories import (
    actor_of,
    make_application,
    make_connected_account,
    make_policy,
    make_tool,
    make_toolkit,
)
from tests.world import World


def matrix(world: World, who: str = "member") -> list[MatrixRow]:
    return policy_matrix(actor=actor_of(world.people[who], world.acme), owner=world.acme.ref)


def labels(row: MatrixRow) -> list[str]:
    return [cell.label for _people, cell in row.cells if cell]


def test_without_rules_everything_runs(world: World) -> None:
    [row] = matrix(world)

    assert (row.place, labels(row)) == ("All toolkits", ["Everything"] * 3)
    assert columns(actor=actor_of(world.viewer), owner=world.acme.ref) == ["Owners", "Admins", "Members"]


def test_toolkits_in_use_with_rules_or_without_accounts_have_a_row(world: World) -> None:
    used, ruled, open_one, _idle = (make_toolkit(slug) for slug in ("aa", "bb", "cc", "dd"))
    make_connected_account(used, owner=world.acme)
    make_policy(world.acme, "deny", toolkit=ruled)
    open_one.definition["auth_schemes"] = [{"scheme": "none"}]
    open_one.save()

    assert [row.place_key for row in matrix(world)] == ["all", "toolkit:aa", "toolkit:bb", "toolkit:cc"]


def test_cell_says_what_holds_and_whether_it_was_set_there(world: World) -> None:
    toolkit = make_toolkit("github")
    make_policy(world.acme, "deny", role="member", effect="destructive")
    make_policy(world.acme, "ask", role="member", effect="write")
    make_policy(world.acme, "deny", role="admin", toolkit=toolkit)
    make_policy(world.acme, "ask", role="owner", effect="read")

    [everywhere, github] = matrix(world)

    assert labels(everywhere) == ["", "Everything", ""]
    assert labels(github) == ["", "Nothing", ""]
    assert [cell.is_own for _people, cell in github.cells if cell] == [False, True, False]
    assert [cell.is_own for _people, cell in everywhere.cells if cell] == [True, False, True]
    [*_others, (_people, members)] = everywhere.cells
    assert members is not None
    assert members.verdicts[ToolEffect.WRITE] is Verdict.ASK


def test_preset_is_recognized(world: World) -> None:
    actor = actor_of(world.admin)
    for preset in PRESETS:
        assert preset_of(preset.verdicts, actor=actor) == preset.key
    assert preset_of({}, actor=actor) == NO_RULE
    assert preset_of(dict.fromkeys(ToolEffect, Verdict.DENY), actor=actor) == CUSTOM
    for effect, verdict in PRESETS[1].verdicts.items():
        make_policy(world.acme, str(verdict), role="member", effect=effect.value)
    assert labels(matrix(world)[0])[2] == "Read only"


def test_reader_sees_what_holds_for_them_alone(world: World) -> None:
    toolkit = make_toolkit("github")
    make_policy(world.acme, "deny", toolkit=toolkit)
    make_policy(world.acme, "allow", toolkit=toolkit, user=world.member)

    [everywhere, github] = matrix(world)
    assert github.mine is not None
    assert everywhere.mine is not None
    assert (github.mine.label, github.mine.is_own, everywhere.mine.is_own) == ("Everything", True, False)
    [_everywhere, seen_by_admin] = matrix(world, "admin")
    assert seen_by_admin.mine is not None
    assert (seen_by_admin.mine.label, seen_by_admin.mine.is_own) == ("Nothing", False)
    assert [row.mine for row in matrix(world, "viewer")] == [None, None]


def test_rules_of_an_account_are_seen_at_its_toolkit_and_have_a_row_of_their_own(world: World) -> None:
    toolkit = make_toolkit("github", name="GitHub")
    bot = make_connected_account(toolkit, owner=world.acme, alias="Deploy bot", is_default=True)
    make_connected_account(toolkit, owner=world.acme, alias="Other bot")
    make_application(world.acme, "Shop")
    make_policy(world.acme, "deny", connected_account=bot, effect="write")

    everywhere, github, own = matrix(world)

    assert (labels(everywhere), everywhere.through) == (["Everything"] * 4, "")
    assert (labels(github), github.through) == (["", "", "", "Everything"], "Deploy bot")
    assert (own.place, own.place_key) == ("Deploy bot (GitHub)", f"account:{bot.text_id}")
    assert (labels(own), own.through, own.cells[-1]) == ([""] * 3, "", ("End users of Shop", None))
    page = world.client("admin").get("/orgs/acme/policies/").content.decode()
    assert "through Deploy bot, unless another is named" in page
    assert "They use accounts of their own" in page


@pytest.mark.parametrize("seed", range(6))
def test_table_says_what_the_rule_does(world: World, seed: int) -> None:
    """For every role, effect, place and account, whatever rules there are."""
    toolkit = make_toolkit("github")
    tools = [make_tool(toolkit, f"GITHUB_{effect.name}", effect=effect.value) for effect in ToolEffect]
    accounts = [make_connected_account(toolkit, owner=world.acme, is_default=first) for first in (False, True)]
    _random_rules(world, Random(seed), [{}, {"toolkit": toolkit}, *({"connected_account": one} for one in accounts)])
    for account in accounts:
        make_policy(world.acme, "ask", connected_account=account, role="owner", effect="destructive")

    rows = {row.place_key: row for row in matrix(world)}

    named = {"toolkit:github": None, **{f"account:{one.text_id}": one.id for one in accounts}}
    roles = ("owner", "admin", "member")
    for (place, account), tool in product(named.items(), tools):
        shown = [cell.verdicts[ToolEffect(tool.effect)] for _people, cell in rows[place].cells if cell]
        assert shown == [_decided(world, role, tool, account) for role in roles]
        mine = rows[place].mine
        assert mine is not None
        assert mine.verdicts[ToolEffect(tool.effect)] is _decided(world, "member", tool, account)


def _random_rules(world: World, random: Random, places: list[dict[str, Any]]) -> None:
    """About roles and everybody: the columns of the roles say nothing about single people."""
    for place, role, effect in product(places, ("", "owner", "admin", "member"), ("", "read", "write")):
        if random.random() < 0.3:
            make_policy(world.acme, random.choice(list(Verdict)).value, **place, role=role, effect=effect)


def _decided(world: World, who: str, tool: Tool, account: Any) -> Verdict:
    actor = actor_of(world.people[who], world.acme)
    found, _row = decide_run(actor=actor, requested=world.acme.ref.text_id, tool=tool, named_account=account)
    assert found.allowed or found.code == "policy_denied"
    if not found.allowed:
        return Verdict.DENY
    return Verdict.ASK if found.needs_approval else Verdict.ALLOW


def test_strangers_see_nothing(world: World) -> None:
    with pytest.raises(NotFoundError):
        matrix(world, "outsider")
