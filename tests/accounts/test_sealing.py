"""Secrets at rest: what opens, and what must not."""

import base64
import os
from uuid import UUID

import pytest
from pytest_django import Settings

from accounts.sealing import Sealed, SecretUnreadableError, rotate, seal, unseal

ROW, OTHER_ROW = UUID(int=1), UUID(int=2)
VALUE = {"access_token": "canary-8f31", "n": 1}


def make_key() -> str:
    return base64.urlsafe_b64encode(os.urandom(32)).decode()


def test_sealed_value_opens_in_its_place() -> None:
    sealed = seal(VALUE, table="connected_account", row=ROW, field="credentials")

    assert unseal(sealed, table="connected_account", row=ROW, field="credentials") == VALUE


def test_sealed_value_shows_nothing_of_itself() -> None:
    sealed = seal(VALUE, table="connected_account", row=ROW, field="credentials")

    assert "canary" not in sealed.text
    assert str(sealed) == "***"
    assert repr(sealed) == "Sealed(***)"


@pytest.mark.parametrize(
    "place",
    [
        {"table": "connected_account", "row": OTHER_ROW, "field": "credentials"},
        {"table": "auth_config", "row": ROW, "field": "credentials"},
        {"table": "connected_account", "row": ROW, "field": "client_secret"},
    ],
    ids=["row", "table", "field"],
)
def test_sealed_value_does_not_open_in_another_place(place: dict[str, object]) -> None:
    sealed = seal(VALUE, table="connected_account", row=ROW, field="credentials")

    with pytest.raises(SecretUnreadableError, match="cannot be read"):
        unseal(sealed, **place)  # type: ignore[arg-type]  # a test's shorthand


def test_flipped_bit_makes_a_value_unreadable() -> None:
    raw = bytearray(base64.urlsafe_b64decode(seal(VALUE, table="t", row=ROW, field="f").text))
    raw[40] ^= 1

    with pytest.raises(SecretUnreadableError):
        unseal(Sealed(base64.urlsafe_b64encode(raw).decode()), table="t", row=ROW, field="f")


@pytest.mark.parametrize("text", ["", "plain", "gAAAAA", "ünreadable"])
def test_text_that_was_never_sealed_is_unreadable(text: str) -> None:
    with pytest.raises(SecretUnreadableError):
        unseal(Sealed(text), table="t", row=ROW, field="f")


def test_missing_key_makes_a_value_unreadable(settings: Settings) -> None:
    sealed = seal(VALUE, table="t", row=ROW, field="f")
    settings.FIELD_ENCRYPTION_KEYS = [make_key()]

    with pytest.raises(SecretUnreadableError):
        unseal(sealed, table="t", row=ROW, field="f")
    with pytest.raises(SecretUnreadableError):
        rotate(sealed)


def test_rotation_moves_a_value_to_the_newest_key(settings: Settings) -> None:
    old, new = make_key(), make_key()
    settings.FIELD_ENCRYPTION_KEYS = [old]
    sealed = seal(VALUE, table="t", row=ROW, field="f")

    settings.FIELD_ENCRYPTION_KEYS = [new, old]
    assert unseal(sealed, table="t", row=ROW, field="f") == VALUE
    rotated = rotate(sealed)

    settings.FIELD_ENCRYPTION_KEYS = [new]
    assert unseal(rotated, table="t", row=ROW, field="f") == VALUE
    settings.FIELD_ENCRYPTION_KEYS = [old]
    with pytest.raises(SecretUnreadableError):
        unseal(rotated, table="t", row=ROW, field="f")
