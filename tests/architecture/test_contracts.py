"""Who may import whom (pyproject.toml, [tool.importlinter])."""

from importlinter.cli import lint_imports

from tests.architecture.code import imports_of, sources


def test_import_contracts_are_kept() -> None:
    assert lint_imports(no_cache=True) == 0


def test_policies_are_read_by_the_rule_alone() -> None:
    """Whoever shows what holds asks `decide`: a page that reads rules its own way says something else one day."""
    readers = [path for path, tree in sources().items() if any("deciding_rule" in name for name in imports_of(tree))]
    assert readers == ["orgs/permissions/decide.py"]
