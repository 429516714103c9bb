"""Each request has an event loop of its own here, so no subscription may outlive one."""

import asyncio
import contextlib
from collections.abc import Iterator
from typing import Any

import pytest
from django.core.cache import cache


class StillHub:
    """Announces nothing: whoever waits looks for themself."""

    @contextlib.contextmanager
    def watch(self, _execution_id: Any) -> Iterator[asyncio.Event]:
        yield asyncio.Event()


@pytest.fixture(autouse=True)
def still_hub(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("integrations.doors.waiting.hub", StillHub)


@pytest.fixture(autouse=True)
def nothing_counted() -> None:
    """Each test begins a minute of its own, as far as limits go."""
    cache.clear()
