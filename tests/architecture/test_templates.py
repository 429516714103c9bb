"""Every template compiles; a fragment stands alone; nothing in them that the content policy forbids."""

import re
from pathlib import Path

import pytest
from django.template.loader import get_template

from tests.architecture.code import ROOT

TEMPLATES = sorted((ROOT / "templates").rglob("*.html"))
NAMES = [str(file.relative_to(ROOT / "templates")) for file in TEMPLATES]
FRAGMENTS = [file for file in TEMPLATES if file.name.startswith("_")]
# The policy of every page is `script-src 'self'; style-src 'self'`, without exceptions.
INLINE = re.compile(
    r"<script(?![^>]*\bsrc=)(?![^>]*application/json)|<style\b|\sstyle=|\son[a-z]+=\"|\shx-on", re.IGNORECASE
)


@pytest.mark.parametrize("name", NAMES)
def test_template_compiles(name: str) -> None:
    get_template(name)


@pytest.mark.parametrize("file", FRAGMENTS, ids=lambda file: file.name)
def test_fragment_extends_nothing(file: Path) -> None:
    assert "{% extends" not in file.read_text()


@pytest.mark.parametrize("file", TEMPLATES, ids=lambda file: str(file.relative_to(ROOT / "templates")))
def test_comment_ends_in_its_line(file: Path) -> None:
    """One that goes on in the next line is no comment: it stands on the page."""
    lines = file.read_text().splitlines()

    assert [line for line in lines if line.count("{#") != line.count("#}")] == []


@pytest.mark.parametrize("file", TEMPLATES, ids=lambda file: str(file.relative_to(ROOT / "templates")))
def test_template_has_no_inline_script_or_style(file: Path) -> None:
    assert INLINE.findall(file.read_text()) == []
