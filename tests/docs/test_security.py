"""docs/security.md names a test for each check, and the tests are there."""

import ast
from pathlib import Path

import pytest

from tests.docs.pages import ROOT, page, rows

CHECKS = rows(page("security"), "### One by one")
NAMED = sorted({name.strip(" `") for row in CHECKS for name in row[2].split(",")})


def numbers(letter: str) -> list[int]:
    return [int(row[0][1:]) for row in CHECKS if row[0][0] == letter]


def test_every_check_of_tenancy_rule_and_support_is_listed_in_order() -> None:
    """How many there are is the specification's; W has those that concern people and organizations."""
    assert numbers("T") == list(range(1, 33))
    assert numbers("H") == list(range(1, 18))
    assert numbers("A") == list(range(1, 10))
    assert numbers("W") == [7, 8, 9, 13]


def functions_in(file: Path) -> set[str]:
    return {node.name for node in ast.parse(file.read_text(encoding="utf-8")).body if isinstance(node, ast.FunctionDef)}


@pytest.mark.parametrize("name", NAMED)
def test_test_that_is_named_is_there(name: str) -> None:
    path, _, function = name.partition("::")
    file = ROOT / "tests" / path

    assert file.is_file()
    assert not function or function in functions_in(file)
