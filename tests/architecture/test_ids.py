"""Every kind of ID that the source writes or reads is on the list that names are checked against (check H3)."""

import ast
from collections.abc import Iterator

from accounts.ids import PREFIXES, from_text, new_id, to_text
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


def test_id_has_one_way_to_be_written() -> None:
    """UUID() takes signs, spaces and underscores between the digits, too (check T14)."""
    text = to_text("ca", new_id())
    digits = text.removeprefix("ca_")
    others = [
        text.upper(),
        f"ca_{digits.upper()}" if digits.upper() != digits else "ca_F",
        f"ca_+{digits[1:]}",
        f"ca_ {digits[1:]}",
        f"ca_{digits[1:]}\n",
        f"ca_{digits[1:3]}_{digits[3:]}",
        f"ca_{{{digits[2:]}}}",
        f"ac_{digits}",
        digits,
    ]

    assert from_text("ca", text) is not None
    assert [one for one in others if from_text("ca", one)] == []
