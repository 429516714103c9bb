from __future__ import annotations

import httpx2
import pytest
from django.conf import settings
from django.test import Client as Browser

from integrations.oauth import Client, ProviderSpec, Tokens
from tests.integrations.sandbox.connecting import InProcess, connect, sandbox_spec


@pytest.fixture(autouse=True)
def _sandbox_alone(settings: object) -> None:
    settings.ROOT_URLCONF = "tests.integrations.sandbox.urls"  # type: ignore[attr-defined]


@pytest.fixture
def spec() -> ProviderSpec:
    return sandbox_spec()


@pytest.fixture
def client() -> Client:
    return Client(settings.SANDBOX_CLIENT_ID, settings.SANDBOX_CLIENT_SECRET)


@pytest.fixture
def visitor() -> Browser:
    return Browser(enforce_csrf_checks=True, headers={"host": "127.0.0.1:8000"})


@pytest.fixture
def transport(db: None) -> httpx2.BaseTransport:
    return InProcess()


@pytest.fixture
def ada(visitor: Browser, transport: httpx2.BaseTransport) -> Tokens:
    return connect(visitor, transport, "ada")


@pytest.fixture
def sam(visitor: Browser, transport: httpx2.BaseTransport) -> Tokens:
    return connect(visitor, transport, "sam")
