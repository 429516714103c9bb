"""Finds the toolkits' folders, reads them and hands out definitions, or says everything that is wrong with them."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml
from django.conf import settings

from integrations.catalog.definitions import CatalogError, Problem, ToolkitDefinition, toolkit_from
from integrations.catalog.validation import check_document, check_logo, check_uniqueness
from integrations.engine.hooks import HOOKS

TOOLKITS_DIR = Path(__file__).resolve().parent.parent / "toolkits"
BASE_URL_PLACEHOLDER = "${BASE_URL}"


class _StrictLoader(yaml.CSafeLoader):
    """YAML without its two traps here: a key that is written twice, and text that turns into a date."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:  # noqa: FBT001, FBT002  # PyYAML's signature
        seen = set()
        for key_node, _ in node.value:
            if key_node.value in seen:
                raise yaml.constructor.ConstructorError(
                    None, None, f"{key_node.value} is written twice", key_node.start_mark
                )
            seen.add(key_node.value)
        return super().construct_mapping(node, deep=deep)


_StrictLoader.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in resolvers if tag != "tag:yaml.org,2002:timestamp"]
    for first, resolvers in yaml.CSafeLoader.yaml_implicit_resolvers.items()
}


@dataclass(frozen=True)
class _Folder:
    path: Path
    document: dict[str, Any]
    logo: str

    @property
    def file(self) -> str:
        return str(self.path / "toolkit.yaml")


def load_definitions() -> tuple[ToolkitDefinition, ...]:
    """Read what this installation offers: our own toolkits and those of EXTRA_TOOLKITS_DIR."""
    extra = [Path(settings.EXTRA_TOOLKITS_DIR)] if settings.EXTRA_TOOLKITS_DIR else []
    definitions = read_definitions([TOOLKITS_DIR, *extra], base_url=settings.BASE_URL)
    return tuple(each for each in definitions if settings.SANDBOX_ENABLED or not each.sandbox)


def read_definitions(
    directories: Sequence[Path], *, base_url: str, hooks: Collection[str] = HOOKS
) -> tuple[ToolkitDefinition, ...]:
    """Read every toolkit below these directories; raise CatalogError with all faults of all files."""
    folders, problems = _read_folders(directories, base_url)
    for folder in folders:
        problems += check_document(folder.document, file=folder.file, folder=folder.path.name, hooks=hooks)
        problems += check_logo(folder.logo, file=str(folder.path / "logo.svg"))
    if not problems:
        problems += check_uniqueness([(folder.file, folder.document) for folder in folders])
    if problems:
        raise CatalogError(problems)
    return tuple(toolkit_from(folder.document, folder.logo) for folder in folders)


def _read_folders(directories: Iterable[Path], base_url: str) -> tuple[list[_Folder], list[Problem]]:
    folders, problems = [], []
    for directory in directories:
        if not directory.is_dir():
            problems.append(Problem(str(directory), "", "is not a directory"))
            continue
        for path in _toolkit_paths(directory):
            try:
                folders.append(_read_folder(path, base_url))
            except ValueError as error:
                problems.append(Problem(str(path / "toolkit.yaml"), "", str(error)))
    return folders, problems


def _toolkit_paths(directory: Path) -> Iterator[Path]:
    return (path.parent for path in sorted(directory.glob("*/toolkit.yaml")))


def _read_folder(path: Path, base_url: str) -> _Folder:
    logo = path / "logo.svg"
    document = _parse((path / "toolkit.yaml").read_text(encoding="utf-8"))
    if document.get("sandbox") is True:
        document = _with_base_url(document, base_url)
    return _Folder(path, document, logo.read_text(encoding="utf-8").strip() if logo.exists() else "")


def _parse(text: str) -> dict[str, Any]:
    try:
        document = yaml.load(text, Loader=_StrictLoader)  # noqa: S506  # a SafeLoader, only stricter
    except yaml.YAMLError as error:
        raise ValueError(f"is not valid YAML: {' '.join(str(error).split())}") from None
    if not isinstance(document, dict):
        raise ValueError("must hold one mapping, beginning with slug, name and description")  # noqa: TRY004  # a fault of the file, not of the code
    return document


def _with_base_url(document: dict[str, Any], base_url: str) -> dict[str, Any]:
    """The sandbox is served by this installation, wherever that is."""
    escaped = json.dumps(base_url.rstrip("/"))[1:-1]
    replaced: dict[str, Any] = json.loads(json.dumps(document).replace(BASE_URL_PLACEHOLDER, escaped))
    return replaced
