"""Fixtures for what needs a provider that listens."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack

import pytest
from pytest_django import Settings

from tests.factories import make_user
from tests.integrations.desk import Desk, make_desk
from tests.integrations.engine.servers import Provider, Script, forget_client
from tests.world import World


@pytest.fixture
def provider_of(settings: Settings) -> Iterator[Callable[..., Provider]]:
    """Start a provider with scripted answers that this installation may talk to."""
    settings.EGRESS_REQUIRE_HTTPS = False
    with ExitStack() as stack:

        def start(*scripts: Script) -> Provider:
            provider = stack.enter_context(Provider(*scripts))
            settings.EGRESS_ALLOW = settings.EGRESS_ALLOW | {provider.pair}
            forget_client()
            return provider

        yield start
        forget_client()


@pytest.fixture
def desk_of(provider_of: Callable[..., Provider], db: None) -> Callable[..., Desk]:
    """A person's desk with a provider that answers so."""

    def make(*scripts: Script) -> Desk:
        user = make_user("dora")
        return make_desk(provider_of(*scripts), user, user)

    return make


@pytest.fixture
def acme_desk_of(provider_of: Callable[..., Provider], world: World) -> Callable[..., Desk]:
    """A desk of Acme's: its member asks, its account is used."""

    def make(*scripts: Script) -> Desk:
        return make_desk(provider_of(*scripts), world.acme, world.member)

    return make
