from __future__ import annotations

from pathlib import Path

import pytest

from tests import fixtures_emulate as fixtures
from tests.emulate import server


@pytest.fixture
def _nothing_installed(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(server, "CLI", tmp_path / "index.js")


@pytest.mark.usefixtures("_nothing_installed")
def test_missing_parts_skip_with_the_reason_elsewhere(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CI", raising=False)

    with pytest.raises(pytest.skip.Exception, match=r"npm ci|node is not installed"):
        fixtures.require_parts()


@pytest.mark.usefixtures("_nothing_installed")
def test_missing_parts_fail_in_ci(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CI", "true")

    with pytest.raises(pytest.fail.Exception, match="must run in CI"):
        fixtures.require_parts()


def test_the_version_is_exact_and_the_lock_names_no_registry() -> None:
    assert '"emulate": "0.11.2"' in (server.HERE / "package.json").read_text()
    assert '"resolved"' not in (server.HERE / "package-lock.json").read_text()
