from typing import Any

import pytest

from integrations.catalog import Identity, read_identity
from integrations.catalog.identity import text_at

RULES = {"id": "{team.id}:{user_id}", "label": "{user} @ {team.name}", "email": "email", "link": "sites.0.url"}
ANSWER = {
    "user_id": 7,
    "user": "ada",
    "email": None,
    "team": {"id": "T1", "name": "Acme"},
    "sites": [{"url": "https://acme.example"}],
}


def test_identity_is_read_by_path_and_template() -> None:
    assert read_identity(RULES, ANSWER) == Identity(id="T1:7", label="ada @ Acme", link="https://acme.example")


def test_label_falls_back_to_the_id() -> None:
    assert read_identity({"id": "user_id", "label": "nickname"}, ANSWER) == Identity(id="7", label="7")


@pytest.mark.parametrize("answer", [None, [], "ada", {}, {"user_id": ""}, {"user_id": 7}, {"user_id": True, "team": 1}])
def test_answer_that_names_nobody_is_no_identity(answer: Any) -> None:
    assert read_identity(RULES, answer) is None


@pytest.mark.parametrize(
    ("pointer", "text"), [("sites.0.url", "https://acme.example"), ("sites.1.url", ""), ("team", ""), ("user.name", "")]
)
def test_text_at_a_path_is_empty_where_there_is_none(pointer: str, text: str) -> None:
    assert text_at(ANSWER, pointer) == text
