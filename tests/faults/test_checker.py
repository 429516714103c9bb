"""The checker must see what a naive design does: losses and doubles."""

from collections import Counter
from typing import Any

import pytest

from tests.faults.checker import violations


def row(tag: str, status: str, effect: str = "write", **more: Any) -> dict[str, Any]:
    return {"tag": tag, "status": status, "effect": effect, "owner": "a", "account_owner": "a", **more}


@pytest.mark.parametrize(
    ("history", "counts", "says"),
    [
        ([row("w", "queued")], {}, "not over"),
        ([row("w", "succeeded")], {"w": 2}, "sent 2 times"),
        ([row("w", "succeeded")], {}, "never saw it"),
        ([row("w", "cancelled")], {"w": 1}, "ended as not sent"),
        ([row("w", "failed")], {"w": 1}, "told as not done"),
        ([row("w", "succeeded", account_owner="b")], {"w": 1}, "another owner's account"),
        ([], {"w": 1}, "no execution tells of it"),
    ],
)
def test_checker_reports_each_kind_of_violation(
    history: list[dict[str, Any]], counts: dict[str, int], says: str
) -> None:
    assert any(says in problem for problem in violations(history, Counter(counts)))


def test_checker_accepts_an_honest_history() -> None:
    history = [row("a", "succeeded"), row("b", "unknown"), row("c", "unknown"), row("d", "succeeded", "read")]

    assert violations(history, Counter({"a": 1, "b": 1, "d": 3})) == []
