"""What the product runs on is pinned, and each part of it has its reason."""

import re

import pytest

from tests.docs.pages import ROOT, page

WANTED = [
    line for line in (ROOT / "requirements.in").read_text(encoding="utf-8").splitlines() if line and line[0] not in "#-"
]
NAMES = [re.split(r"[\[=~<>; ]", line)[0] for line in WANTED]


def test_something_is_asked_for() -> None:
    assert len(NAMES) > 15


@pytest.mark.parametrize("line", WANTED)
def test_requirement_names_its_version(line: str) -> None:
    assert re.match(r"[\w.-]+(\[[\w,]+\])?(==|~=)\d", line)


@pytest.mark.parametrize("name", NAMES)
def test_requirement_has_its_reason(name: str) -> None:
    assert re.search(rf"\b{re.escape(name)}\b", page("dependencies"), re.IGNORECASE)


@pytest.mark.parametrize("file", ["requirements.txt", "requirements-dev.txt"])
def test_lock_pins_and_hashes_everything_and_names_no_address(file: str) -> None:
    text = (ROOT / file).read_text(encoding="utf-8")
    entries = [entry for entry in re.split(r"\n(?=[A-Za-z0-9])", text) if re.match(r"[A-Za-z0-9]", entry)]

    assert len(entries) > 15
    assert [entry for entry in entries if not re.match(r"[\w.-]+(\[[\w,]+\])?==\S+", entry)] == []
    assert [entry for entry in entries if "--hash=sha256:" not in entry] == []
    assert not re.search("https?://", text)
