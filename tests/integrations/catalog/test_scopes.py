import pytest

from integrations.catalog import default_scopes, missing_scopes, scope_words

TOOLKIT = {
    "auth_schemes": [{"scheme": "oauth2", "base_scopes": ["openid"]}, {"scheme": "bearer_token"}],
    "scopes": {"read": "Read your notes"},
}
READ = {"effect": "read", "scopes": [["read"], ["all"]]}
WRITE = {"effect": "write", "scopes": [["openid", "write"]]}
OPEN = {"effect": "read", "scopes": []}
DELETE = {"effect": "destructive", "scopes": [["all"]]}


def test_default_scopes_suffice_for_all_but_destructive_tools() -> None:
    assert default_scopes(TOOLKIT, [READ, WRITE, OPEN, DELETE]) == ["openid", "read", "write"]


@pytest.mark.parametrize(
    ("tool", "granted", "missing"),
    [
        (READ, {"read"}, []),
        (READ, {"all"}, []),
        (READ, {"write"}, ["read"]),
        (WRITE, {"openid"}, ["write"]),
        (OPEN, set(), []),
    ],
)
def test_missing_scopes_are_the_fewest_that_would_do(tool: dict, granted: set[str], missing: list[str]) -> None:
    assert missing_scopes(tool["scopes"], granted) == missing


def test_scope_without_words_stands_for_itself() -> None:
    assert scope_words(TOOLKIT, "read") == "Read your notes"
    assert scope_words(TOOLKIT, "write") == "write"
