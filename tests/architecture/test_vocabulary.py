"""One word per thing: the synonyms that the glossary rules out do not appear as names in our source."""

import ast
import re
from collections.abc import Iterator

import pytest

from tests.architecture.code import sources

# What we say instead stands in the glossary of docs and README.
FORBIDDEN = {
    "linked_account": "connected account",
    "entity_id": "user ID or organization ID",
    "account_holder": "owner",
    "tenant": "organization",
    "team": "organization",
    "company": "organization",
    "current_user": "actor",
    "caller": "actor",
    "principal": "actor",
    "connector": "toolkit",
    "app_name": "toolkit",
    "auth_mode": "auth scheme",
    "app_configuration": "auth config",
    "pending_account": "connection request",
    "invocation": "execution",
    "access_key": "API key",
}
PATTERN = re.compile(r"(?:^|_)(" + "|".join(FORBIDDEN) + r")s?(?:_|$)")
# Words of other people's protocols, in the places that speak them.
ELSEWHERE = ("integrations/sandbox/",)


def names_in(tree: ast.Module) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
            yield node.name
        elif isinstance(node, ast.arg):
            yield node.arg
        elif isinstance(node, ast.Name):
            yield node.id
        elif isinstance(node, ast.Attribute):
            yield node.attr


def snake(name: str) -> str:
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name).lower()


def test_no_name_uses_a_forbidden_synonym() -> None:
    found = {
        f"{path}: {name} (say {FORBIDDEN[match[1]]})"
        for path, tree in sources().items()
        if not path.startswith(ELSEWHERE)
        for name in names_in(tree)
        if (match := PATTERN.search(snake(name)))
    }

    assert sorted(found) == []


@pytest.mark.parametrize("name", ["LinkedAccount", "entity_id", "list_teams", "current_user", "caller"])
def test_the_check_finds_what_it_looks_for(name: str) -> None:
    assert PATTERN.search(snake(name))


@pytest.mark.parametrize("name", ["connected_account", "identity", "steam", "actor"])
def test_the_check_leaves_our_own_words_alone(name: str) -> None:
    assert not PATTERN.search(snake(name))
