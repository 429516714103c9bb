"""The keys of an installation changed while a connection waits to be confirmed (checks S8, S13)."""

import pytest
from cryptography.fernet import Fernet
from django.test import Client
from pytest_django import Settings

from tests.flows.connecting import ConnectDesk
from tests.world import World

pytestmark = pytest.mark.django_db


@pytest.fixture
def admin(world: World) -> Client:
    return world.client("admin")


def waiting(desk: ConnectDesk, admin: Client, world: World) -> str:
    """The page that asks whether it is the right account."""
    return str(desk.connect(admin, holder=world.acme)["Location"])


def test_what_no_key_opens_is_over_and_says_so(
    connect_desk: ConnectDesk, admin: Client, world: World, settings: Settings
) -> None:
    page = waiting(connect_desk, admin, world)
    settings.FIELD_ENCRYPTION_KEYS = [Fernet.generate_key().decode()]

    shown = admin.get(page)
    pressed = admin.post(page, {"decision": "confirm"}, follow=True)

    assert (shown.status_code, pressed.status_code) == (200, 200)
    assert "cannot be read with this installation&#x27;s keys. Begin again." in shown.content.decode()
    assert connect_desk.accounts == []


def test_with_the_right_keys_it_is_confirmed(connect_desk: ConnectDesk, admin: Client, world: World) -> None:
    page = waiting(connect_desk, admin, world)

    assert admin.get(page).status_code == 200
    admin.post(page, {"decision": "confirm"})

    assert [account.owner for account in connect_desk.accounts] == [world.acme.owner]
