"""Joins the provider's log with the executions: nothing lost, no write sent twice, every ending plausible."""

from collections import Counter
from collections.abc import Sequence
from typing import Any

UNSENT_ENDINGS = {"cancelled", "timed_out", "denied"}
OVER = {"succeeded", "failed", "unknown", *UNSENT_ENDINGS}


def violations(history: Sequence[dict[str, Any]], counts: Counter[str]) -> list[str]:
    """Every way in which what the product tells cannot be what happened (invariants 1 to 5)."""
    found = [problem for row in history for problem in _of(row, counts[row["tag"]])]
    tags = Counter(row["tag"] for row in history)
    found += [f"{tag}: sent, but no execution tells of it" for tag in counts if tag not in tags]
    return found


def _of(row: dict[str, Any], sent: int) -> list[str]:
    name, status = f"{row['tag']} ({row['status']})", row["status"]
    rules = [
        (status in OVER, "not over"),
        (row["effect"] == "read" or sent <= 1, f"a write was sent {sent} times"),
        (status != "succeeded" or sent >= 1, "succeeded, but the provider never saw it"),
        (status not in UNSENT_ENDINGS or sent == 0, f"ended as not sent, but was sent {sent} times"),
        (row["effect"] == "read" or sent == 0 or status in {"succeeded", "unknown"}, "sent, but told as not done"),
        (row["account_owner"] == row["owner"], "ran with another owner's account"),
    ]
    return [f"{name}: {problem}" for holds, problem in rules if not holds]
