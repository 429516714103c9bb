"""A change that depends on a row's own state must look at that row, not into a subquery that joins.

Where a condition joins, Django writes `UPDATE … WHERE id IN (SELECT … JOIN … WHERE status = …)`. On PostgreSQL, whoever
waited for another's change of the row sees the new row, but the answer of the subquery is the old one: both win. Every
statement that the product sends in a test's own process is looked at, on whichever connection.
"""

import re
import sys
from collections.abc import Iterator
from pathlib import Path
from types import FrameType
from typing import Any, Final

import pytest
from django.db.backends.signals import connection_created

PROJECT: Final = Path(__file__).parents[1]
ASKS_A_SUBQUERY: Final = re.compile(r'(?:UPDATE|DELETE FROM) "(\w+)".* IN \(SELECT .* FROM "\1" U\d', re.DOTALL)

_noted: list[str] = []


def line_of_product(frame: FrameType | None) -> str:
    """The line of the project that is at work; empty when that is a test's."""
    while frame is not None:
        file = Path(frame.f_code.co_filename)
        if file.is_relative_to(PROJECT) and ".venv" not in file.parts and file != Path(__file__):
            is_test = file.is_relative_to(PROJECT / "tests")
            return "" if is_test else f"{file.relative_to(PROJECT)}:{frame.f_lineno}"
        frame = frame.f_back
    return ""


def _look(execute: Any, sql: Any, params: Any, many: bool, context: Any) -> Any:
    if ASKS_A_SUBQUERY.match(str(sql)) and (line := line_of_product(sys._getframe(1))):
        _noted.append(f"{line}: {sql}")
    return execute(sql, params, many, context)


@pytest.fixture(scope="session", autouse=True)
def changes_are_watched() -> Iterator[None]:
    """Look at the statements of every connection that is opened from now on."""

    def watch(connection: Any, **_: Any) -> None:
        if _look not in connection.execute_wrappers:
            connection.execute_wrappers.append(_look)

    connection_created.connect(watch)
    yield
    connection_created.disconnect(watch)


@pytest.fixture(autouse=True)
def changes_look_at_their_row() -> Iterator[list[str]]:
    """Fail the test in which the product changed rows by such a subquery. Yields what was noted."""
    _noted.clear()
    yield _noted
    assert _noted == []
