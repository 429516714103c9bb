"""Fixtures for connecting accounts at a provider that listens."""

from collections.abc import Callable, Iterator

import pytest
from pytest_django import Settings
from pytest_httpserver import HTTPServer

from tests.flows.authorization_server import AuthorizationServer
from tests.flows.connecting import ConnectDesk, make_connect_desk
from tests.integrations.engine.servers import forget_client


@pytest.fixture(scope="session")
def idle_servers() -> Iterator[list[HTTPServer]]:
    """Servers that listen and wait for the next test: to stop one takes half a second."""
    servers: list[HTTPServer] = []
    yield servers
    for server in servers:
        server.stop()


@pytest.fixture
def authorization_server_of(
    settings: Settings, idle_servers: list[HTTPServer]
) -> Iterator[Callable[[], AuthorizationServer]]:
    """Start authorization servers that this installation may talk to."""
    settings.EGRESS_REQUIRE_HTTPS = False
    used: list[HTTPServer] = []

    def start() -> AuthorizationServer:
        server = idle_servers.pop() if idle_servers else HTTPServer("127.0.0.1", 0, threaded=True)
        used.append(server)
        if not server.is_running():
            server.start()
        settings.EGRESS_ALLOW = settings.EGRESS_ALLOW | {f"{server.host}:{server.port}"}
        forget_client()
        return AuthorizationServer(server)

    yield start
    forget_client()
    for server in used:
        server.clear()
    idle_servers.extend(one for one in used if one.is_running())


@pytest.fixture
def connect_desk(authorization_server_of: Callable[[], AuthorizationServer], db: None) -> ConnectDesk:
    return make_connect_desk(authorization_server_of())
