"""Every pair of policies, asked of the product's own decision."""

from collections import Counter

import pytest

from integrations.engine.types import Effect
from orgs.permissions import ToolEffect
from tests.permissions import policy_oracle as oracle
from tests.permissions.test_policies import disagreements


def test_table_has_its_size_and_every_verdict() -> None:
    answers = Counter(oracle.decide(*pair) for pair in oracle.pairs())

    assert sum(answers.values()) == 36_315
    assert set(answers) == {"allow", "ask", "deny"}


def test_every_pair_decides_as_the_oracle_says() -> None:
    assert disagreements(oracle.pairs()) == []


@pytest.mark.parametrize("caller", ["application", "end user"])
def test_every_pair_decides_for_applications_as_the_oracle_says(caller: str) -> None:
    answers = Counter(oracle.decide(*pair, caller=caller) for pair in oracle.pairs(caller))

    assert sum(answers.values()) == 36_315
    assert set(answers) == ({"allow", "ask", "deny"} if caller == "application" else {"allow", "deny"})
    assert disagreements(oracle.pairs(caller), caller) == []


def test_effects_of_the_rule_are_those_of_the_engine() -> None:
    assert [one.value for one in ToolEffect] == [one.value for one in Effect]
