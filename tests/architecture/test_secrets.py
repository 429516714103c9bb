"""Nothing in the tree looks like a secret that somebody could use (check S15)."""

import re
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
TEXT = {".py", ".yaml", ".yml", ".toml", ".md", ".html", ".js", ".json", ".txt", ".in", ".example", ".css", ".mjs", ""}
# What the providers of the catalogue and common tools give out; made-up ones in tests are shorter or say so.
REAL = re.compile(
    r"\b(gh[pousr]_[A-Za-z0-9]{36}|github_pat_\w{60,}|xox[abprs]-\d{10,}-\d{10,}-\w{20,}|ya29\.[\w-]{60,}|AKIA[0-9A-Z]{16}"
    r"|AIza[\w-]{35}|ATATT3[\w-]{100,})\b|-----BEGIN [A-Z ]*PRIVATE KEY-----\n[A-Za-z0-9+/]{60}"
)


def tracked_files() -> list[Path]:
    names = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    paths = [ROOT / name for name in names.split("\0") if name]
    return [path for path in paths if path.suffix in TEXT and path.is_file()]


def test_tracked_files_hold_no_secret() -> None:
    if not (ROOT / ".git").exists():
        pytest.skip("not a git checkout, so nobody knows which files belong to the project")

    found = [str(path.relative_to(ROOT)) for path in tracked_files() if REAL.search(path.read_text(errors="replace"))]

    assert found == []


def test_the_pattern_finds_what_a_provider_gives_out() -> None:
    assert REAL.search("token: ghp_" + "a1B2" * 9)
    assert not REAL.search("token: ghp_example")
