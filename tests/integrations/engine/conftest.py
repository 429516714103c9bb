from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack

import pytest

from integrations.engine.http import OutboundClient
from tests.integrations.engine.servers import Provider, Script


@pytest.fixture
def serve() -> Iterator[Callable[..., Provider]]:
    """Starts a provider with the scripts given and stops it after the test."""
    with ExitStack() as stack:

        def start(*scripts: Script) -> Provider:
            return stack.enter_context(Provider(*scripts))

        yield start


@pytest.fixture
def client_for() -> Iterator[Callable[..., OutboundClient]]:
    """A client whose allow-list opens exactly the providers given."""
    with ExitStack() as stack:

        def make(*providers: Provider, **options: object) -> OutboundClient:
            pairs = frozenset(provider.pair for provider in providers)
            client = OutboundClient(pairs, **{"require_https": False, **options})  # type: ignore[arg-type]
            stack.callback(client.close)
            return client

        yield make
