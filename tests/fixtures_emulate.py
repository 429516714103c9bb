"""The `emulate` fixtures. Skipped with the reason where Node is missing; in CI a missing part is a failure."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest

from tests.emulate.server import Emulate, missing_part

REDIRECT_URI = "http://127.0.0.1:8000/callback"


def require_parts() -> None:
    reason = missing_part()
    if reason and os.environ.get("CI") == "true":
        pytest.fail(f"emulate must run in CI: {reason}", pytrace=False)
    if reason:
        pytest.skip(f"emulate cannot run: {reason}")


@pytest.fixture(scope="session")
def emulate() -> Iterator[Emulate]:
    """A started emulate whose apps accept `REDIRECT_URI`. State lasts for the whole run."""
    require_parts()
    server = Emulate()
    server.start([REDIRECT_URI])
    yield server
    server.stop()


@pytest.fixture
def emulate_to_start() -> Iterator[Emulate]:
    """An emulate with ports but not started: for tests that learn their redirect URIs only after configuring."""
    require_parts()
    server = Emulate()
    yield server
    server.stop()
