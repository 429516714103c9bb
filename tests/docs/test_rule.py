"""docs/rule.md says what the rule does."""

import re
from datetime import UTC, datetime
from pathlib import Path
from uuid import UUID

import pytest

from orgs.permissions import (
    AccountFacts,
    AccountState,
    Actor,
    ActorKind,
    IdProblem,
    OwnerKind,
    OwnerRef,
    Question,
    Role,
    ToolFacts,
    decide,
    read_owner_id,
)
from orgs.permissions.decide import CHECKS, STATE_CODES
from tests.docs.pages import ROOT, page, rows

RULE = page("rule")
USER, ACME, OTHER, STRANGER = UUID(int=1), UUID(int=2), UUID(int=3), UUID(int=4)
ACCOUNT = UUID(int=9)
COLUMNS = [
    OwnerRef(OwnerKind.USER, USER),
    OwnerRef(OwnerKind.ORGANIZATION, ACME),
    OwnerRef(OwnerKind.ORGANIZATION, OTHER),
    OwnerRef(OwnerKind.USER, STRANGER),
]
ME = Actor(ActorKind.USER, user_id=USER, username="ada", roles={ACME: Role.MEMBER, OTHER: Role.MEMBER})
ACTING = {"yourself": f"user_{USER.hex}", "Acme": f"org_{ACME.hex}"}
TABLE = [
    (row[0], owner, cell.strip("`"))
    for row in rows(RULE, "## The table")
    for owner, cell in zip(COLUMNS, row[1:], strict=True)
]


@pytest.mark.parametrize(("acting", "owner", "code"), TABLE)
def test_table_says_what_the_rule_decides(acting: str, owner: OwnerRef, code: str) -> None:
    name, _, naming = acting.partition(", ")
    account = AccountFacts(ACCOUNT, owner, "notes", AccountState.ACTIVE, datetime(2026, 1, 1, tzinfo=UTC))
    tool = ToolFacts("NOTES_LIST", "List notes", "notes", "Notes")

    decision = decide(
        Question(ME, read_owner_id(ACTING[name]), tool, [account], named_account=ACCOUNT if naming else None)
    )

    assert decision.code == code


def test_checks_are_listed_in_their_order() -> None:
    assert rows(RULE, "## How to read an explanation") == [[f"`{code}`", label] for code, label, _check in CHECKS]


def codes_in_the_source() -> set[str]:
    source = Path(ROOT / "orgs/permissions/decide.py").read_text(encoding="utf-8")
    literal = re.findall(r'HTTPStatus\.\w+, "(\w+)"', source)
    literal += re.findall(r'code="(\w+)" if \S+ else "(\w+)"', source)[0]
    return {*literal, *STATE_CODES.values(), *(problem.value for problem in IdProblem)}


def test_every_outcome_code_is_listed_and_no_other() -> None:
    assert {row[0].strip("`") for row in rows(RULE, "## Outcome codes")} == codes_in_the_source()
