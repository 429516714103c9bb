"""The product's own source, for tests that read it."""

import ast
from collections.abc import Iterator
from functools import cache
from importlib import import_module
from pathlib import Path
from types import ModuleType

ROOT = Path(__file__).resolve().parents[2]
APPS = ("accounts", "orgs", "integrations", "config")


@cache
def sources() -> dict[str, ast.Module]:
    """Every module of ours but migrations, by its path from the root."""
    files = sorted(file for app in APPS for file in (ROOT / app).rglob("*.py") if "migrations" not in file.parts)
    return {str(file.relative_to(ROOT)): ast.parse(file.read_text()) for file in files}


def modules_under(*layers: str) -> Iterator[ModuleType]:
    """The imported modules of some layers: `orgs.services` means the module or the package and all in it."""
    for path in sources():
        name = path.removesuffix(".py").replace("/", ".").removesuffix(".__init__")
        if any(name == layer or name.startswith(f"{layer}.") for layer in layers):
            yield import_module(name)


def calls_of(attribute: str) -> Iterator[tuple[str, ast.Call]]:
    """Each call `….attribute(…)` in our source, with the path of its module."""
    for path, tree in sources().items():
        for node in ast.walk(tree):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == attribute:
                yield path, node


def imports_of(tree: ast.Module) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)
