"""Pages lead somewhere, and name nothing of the machine they were written on."""

import re
from pathlib import Path

import pytest

from tests.architecture.test_secrets import tracked_files
from tests.docs.pages import PAGES, ROOT

LINK = re.compile(r"\]\((?!https?://|#|mailto:)([^)#\s]+)")
# A home folder, or where an installer found a package: true on one machine only.
NOT_OURS = re.compile(
    r"(?<![\w.])/(?:home|root|Users)/\w|^\s*\"resolved\": |--(?:extra-)?index-url|--find-links", re.MULTILINE
)
GIT = (ROOT / ".git").exists()


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.name)
def test_links_lead_to_files(path: Path) -> None:
    missing = [link for link in LINK.findall(path.read_text(encoding="utf-8")) if not (path.parent / link).exists()]

    assert missing == []


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.name)
def test_commands_exist(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))
    commands = {file.stem for file in ROOT.glob("*/management/commands/*.py")} | {"check", "migrate", "collectstatic"}

    assert set(re.findall(r"`make ([a-z-]+)", text)) - targets == set()
    assert set(re.findall(r"manage\.py ([a-z_]+)", text)) - commands == set()


@pytest.mark.skipif(not GIT, reason="not a git checkout, so nobody knows which files belong to the project")
def test_no_file_names_a_place_that_only_its_author_has() -> None:
    texts = {path: path.read_text(errors="replace") for path in tracked_files() if path != Path(__file__)}

    assert [path.relative_to(ROOT) for path, text in texts.items() if NOT_OURS.search(text)] == []
