"""Every kind of ID that the source writes or reads is on the list that names are checked against (check H3)."""

import ast
from collections.abc import Iterator

from accounts.ids import PREFIXES
from tests.architecture.code import sources

READERS = {"to_text", "from_text"}


def prefixes_in_use() -> Iterator[str]:
    for tree in sources().values():
        for node in ast.walk(tree):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in READERS:
                first = node.args[0]
                if isinstance(first, ast.Constant):
                    yield first.value


def test_every_prefix_is_on_the_list_and_no_other() -> None:
    assert set(prefixes_in_use()) | {"org", "eu"} == set(PREFIXES)  # an owner's comes from its kind


def test_no_prefix_is_listed_twice() -> None:
    assert len(PREFIXES) == len(set(PREFIXES))
