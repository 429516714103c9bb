"""Mutation test of the rule (check H17): drop or invert each condition, one at a time, and the tests must notice.

A mutant is the package `orgs.permissions`, imported anew with one condition of one module changed in memory. The
tests of the rule that need no database are imported anew with it and run until one of them fails. A mutant that
passes all of them survives: a condition that nothing asks about. Each mutant is a test here, so survivors are listed.
"""

import ast
import itertools
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from importlib import import_module
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec
from importlib.util import spec_from_loader
from pathlib import Path
from types import CodeType, ModuleType
from typing import Any, Final

import pytest

import orgs.permissions

PACKAGE: Final = "orgs.permissions"
FOLDER: Final = Path(orgs.permissions.__file__).parent
ROOT: Final = FOLDER.parent.parent
MUTATED: Final = ("about", "decide", "policies", "rules", "values")
SUITE: Final = ("test_decide", "test_rules", "test_conditions", "test_policies", "test_about", "test_applications")
HELP: Final = ("oracle", "application_oracle", "policy_oracle", "test_oracle")  # imported by them
FRESH: Final = (PACKAGE, "orgs.role_table", *(f"tests.permissions.{name}" for name in (*SUITE, *HELP)))
# Conditions whose change nobody could see, each with the reason. By module, function, change and the condition.
_NONE_NEEDED = "an earlier check lets no account through only for a tool that needs none"
EQUIVALENT: Final[dict[str, str]] = {
    "about._detail: drop `decision.account is not None`": "what was asked for by name is there; for the type checker",
    "decide._means: drop `owner == actor.as_owner`": "one's own user ID is the first that is looked at",
    "decide._means: drop `bool(asked.name)`": "an ID without kind, UUID and name has a problem and is refused for it",
    "decide._no_account: drop `hint.owner`": "a hint always names an owner; it is there for the type checker",
    "decide._check_account_kind: drop `account is None`": _NONE_NEEDED,
    "decide._check_account_toolkit: drop `account is None`": _NONE_NEEDED,
    "decide._check_account_state: drop `account is None`": _NONE_NEEDED,
    "decide._check_granted: drop `account is None`": _NONE_NEEDED,
    "decide._check_factor: drop `owner is None`": "an ID without an owner was refused before",
    "decide.elsewhere: drop `one.owner != self.owner`": "it is asked only when the owner has no such account itself",
    "decide._visible_owners: drop `owner is not None`": "accounts are looked at only under an ID of the actor's",
    "decide.rule: drop `ruling is None`": "no rule belongs to nobody; it is there for the type checker",
    "values.read_owner_id: drop `text == ''`": "what has nothing visible is missing as well",
}


@dataclass(frozen=True)
class Mutant:
    """One condition of one module, and what is done to it."""

    module: str
    function: str
    change: str
    condition: str
    number: int  # among the changes to the module

    @property
    def name(self) -> str:
        return f"{self.module}.{self.function}: {self.change} `{self.condition}`"


# --- Making them


@dataclass(frozen=True)
class Spot:
    """A place in a tree where a condition stands: a field of a node, or one entry of a list there."""

    node: ast.AST
    field: str
    index: int | None = None

    @property
    def condition(self) -> ast.expr:
        value = getattr(self.node, self.field)
        return value if self.index is None else value[self.index]  # type: ignore[no-any-return]  # an ast field

    def put(self, value: ast.expr) -> None:
        if self.index is None:
            setattr(self.node, self.field, value)
        else:
            getattr(self.node, self.field)[self.index] = value

    def changes(self) -> Iterator[tuple[str, Callable[[], None]]]:
        """Inverted; and dropped, which in a chain or comprehension leaves the others, and elsewhere makes it fixed."""
        yield "invert", lambda: self.put(ast.UnaryOp(ast.Not(), self.condition))
        if isinstance(self.node, ast.BoolOp):
            yield "drop", lambda: self.put(ast.Constant(isinstance(self.node.op, ast.And)))  # type: ignore[attr-defined]
        elif isinstance(self.node, ast.comprehension):
            yield "drop", lambda: self.put(ast.Constant(value=True))
        elif isinstance(self.node, ast.If):
            yield "drop", lambda: self.put(ast.Constant(value=False))


def spots(function: ast.FunctionDef) -> Iterator[Spot]:
    for node in ast.walk(function):
        if isinstance(node, (ast.If, ast.IfExp)):
            yield Spot(node, "test")
        elif isinstance(node, ast.BoolOp):
            yield from (Spot(node, "values", index) for index in range(len(node.values)))
        elif isinstance(node, ast.comprehension):
            yield from (Spot(node, "ifs", index) for index in range(len(node.ifs)))
        elif isinstance(node, (ast.Return, ast.Lambda)) and is_comparison(getattr(node, "value", None)):
            yield Spot(node, "value")


def is_comparison(value: ast.AST | None) -> bool:
    return isinstance(value, ast.Compare) or (isinstance(value, ast.UnaryOp) and isinstance(value.op, ast.Not))


def changes_of(tree: ast.Module) -> Iterator[tuple[str, str, str, Callable[[], None]]]:
    """Function, kind of change, condition, and how to make the change in this tree: always in the same order."""
    for function in [node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)]:
        for spot in spots(function):
            condition = ast.unparse(spot.condition)
            for change, make in spot.changes():
                yield function.name, change, condition, make


def tree_of(module: str) -> ast.Module:
    return ast.parse((FOLDER / f"{module}.py").read_text(encoding="utf-8"))


def mutants() -> list[Mutant]:
    return [
        Mutant(module, function, change, condition, number)
        for module in MUTATED
        for number, (function, change, condition, _make) in enumerate(changes_of(tree_of(module)))
    ]


def mutated(mutant: Mutant) -> ast.Module:
    tree = tree_of(mutant.module)
    *_, make = next(itertools.islice(changes_of(tree), mutant.number, None))
    make()
    return ast.fix_missing_locations(tree)


# --- Putting one in place


@cache
def code_of(name: str) -> CodeType:
    """The rule and its tests, compiled once and run anew for each mutant."""
    path = ROOT.joinpath(*name.split("."))
    file = path / "__init__.py" if path.is_dir() else path.with_suffix(".py")
    return compile(file.read_text(encoding="utf-8"), str(file), "exec")


class MutantImporter(MetaPathFinder, Loader):
    """Gives fresh ones where the rule or its tests are imported, with the mutated module among them."""

    def __init__(self, mutant: Mutant | None) -> None:
        self.mutated = {f"{PACKAGE}.{mutant.module}": compile(mutated(mutant), mutant.name, "exec")} if mutant else {}

    def find_spec(self, fullname: str, path: Any = None, target: Any = None) -> ModuleSpec | None:
        if not fullname.startswith(FRESH):
            return None
        return spec_from_loader(fullname, self, is_package=fullname == PACKAGE)

    def exec_module(self, module: ModuleType) -> None:
        name = module.__name__
        exec(self.mutated.get(name) or code_of(name), module.__dict__)  # noqa: S102  # our own source


@contextmanager
def in_place(mutant: Mutant | None) -> Iterator[None]:
    """While inside, imports of the rule and its tests are fresh and see the mutant. Nobody else does."""
    importer = MutantImporter(mutant)
    kept = {name: module for name, module in sys.modules.items() if name.startswith(FRESH)}
    package = sys.modules[PACKAGE]
    for name in kept:
        del sys.modules[name]
    sys.meta_path.insert(0, importer)
    try:
        yield
    finally:
        sys.meta_path.remove(importer)
        for name in [name for name in sys.modules if name.startswith(FRESH)]:
            del sys.modules[name]
        sys.modules.update(kept)
        sys.modules["orgs"].permissions = package  # type: ignore[attr-defined]  # importing has set it


# --- Looking at it


def cases_of(test: Any) -> Iterator[dict[str, Any]]:
    """The arguments of each case of a test function, as its `parametrize` marks say."""
    marks = [mark for mark in getattr(test, "pytestmark", []) if mark.name == "parametrize"]
    for chosen in itertools.product(*(_values(mark) for mark in marks)):
        yield {name: value for pairs in chosen for name, value in pairs.items()}


def _values(mark: Any) -> list[dict[str, Any]]:
    names, values = mark.args[:2]
    keys = [one.strip() for one in names.split(",")] if isinstance(names, str) else list(names)
    rows: list[Sequence[Any]] = [one if len(keys) > 1 else (one,) for one in values]
    return [dict(zip(keys, row, strict=True)) for row in rows]


def is_killed() -> bool:
    """Whether the mutant in place breaks the import of the rule, or any of its tests."""
    for name in SUITE:
        try:
            module = import_module(f"tests.permissions.{name}")
            for test in [value for key, value in vars(module).items() if key.startswith("test_")]:
                for case in cases_of(test):
                    test(**case)
        except (Exception, pytest.fail.Exception):  # noqa: BLE001 - whatever it is, it was noticed
            return True
    return False


@pytest.mark.parametrize("mutant", mutants(), ids=lambda mutant: mutant.name)
def test_mutant_is_killed(mutant: Mutant) -> None:
    with in_place(mutant):
        noticed = is_killed()

    assert noticed or mutant.name in EQUIVALENT
    assert not (noticed and mutant.name in EQUIVALENT), "this one is not equivalent: it was noticed"


def test_there_are_mutants_of_each_module_and_each_changes_it() -> None:
    found = mutants()
    originals = {module: ast.unparse(tree_of(module)) for module in MUTATED}

    assert len(found) >= 25
    assert {mutant.module for mutant in found} == set(MUTATED)
    assert all(ast.unparse(mutated(mutant)) != originals[mutant.module] for mutant in found)
    assert [name for name in EQUIVALENT if name not in {mutant.name for mutant in found}] == []


def test_original_passes_in_the_same_place() -> None:
    """Else a mutant could seem killed by the way it is put in place."""
    with in_place(None):
        assert not is_killed()
