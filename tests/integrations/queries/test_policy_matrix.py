"""The policies at a glance."""

import pytest

from integrations.queries.policy_matrix import CUSTOM, NO_RULE, PRESETS, MatrixRow, columns, policy_matrix, preset_of
from orgs.errors import NotFoundError
from orgs.permissions import ToolEffect, Verdict
from tests.factories import actor_of, make_connected_account, make_policy, make_toolkit
from tests.world import World


def matrix(world: World, who: str = "member") -> list[MatrixRow]:
    return policy_matrix(actor=actor_of(world.people[who], world.acme), owner=world.acme.ref)


def labels(row: MatrixRow) -> list[str]:
    return [cell.label for cell in row.cells]


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
    assert [cell.is_own for cell in github.cells] == [False, True, False]
    assert [cell.is_own for cell in everywhere.cells] == [True, False, True]
    assert everywhere.cells[2].verdicts[ToolEffect.WRITE] is Verdict.ASK


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


def test_strangers_see_nothing(world: World) -> None:
    with pytest.raises(NotFoundError):
        matrix(world, "outsider")
