"""E-mail addresses and usernames: one person each, in whatever case, and never readable as an ID."""

from uuid import UUID

import pytest
from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction

from accounts.models import User
from accounts.usernames import validate_username
from tests.factories import make_user

pytestmark = pytest.mark.django_db
SOME_ID = UUID("018f6f2e-5c3a-7a10-9b1e-3f2a4c5d6e7f")


def test_email_is_stored_in_lower_case() -> None:
    user = make_user("ada", email=" Ada@Example.COM ")

    assert user.email == "ada@example.com"
    assert User.objects.get_by_natural_key("ADA@example.com") == user


def test_email_in_upper_case_is_refused_by_the_database() -> None:
    user = make_user("ada")

    with pytest.raises(IntegrityError), transaction.atomic():
        User.objects.filter(id=user.id).update(email="Ada@example.com")


def test_full_clean_folds_the_email() -> None:
    user = User(email="New@Example.com", username="newcomer")
    user.set_unusable_password()

    user.full_clean()

    assert user.email == "new@example.com"


def test_second_user_with_the_same_email_is_refused() -> None:
    make_user("ada", email="ada@example.com")

    with pytest.raises(IntegrityError), transaction.atomic():
        make_user("beth", email="ADA@example.com")


def test_second_user_with_the_same_username_in_another_case_is_refused() -> None:
    make_user("ada")

    with pytest.raises(IntegrityError), transaction.atomic():
        make_user("ADA", email="other@example.com")


def test_display_name_falls_back_to_the_username() -> None:
    assert str(make_user("ada")) == "ada"
    assert make_user("grace", name="Grace Hopper").get_short_name() == "Grace Hopper"
    assert make_user("alan", name="Alan Turing").get_full_name() == "Alan Turing"


def test_user_id_is_the_prefix_and_32_hex_digits() -> None:
    user = make_user("ada")

    assert user.text_id == f"user_{user.id.hex}"


@pytest.mark.parametrize("name", ["ada", "ada.lovelace", "a-b_c", "user_name", "x9z", "a" * 40])
def test_username_accepts_names(name: str) -> None:
    validate_username(name)


@pytest.mark.parametrize(
    ("name", "code"),
    [
        ("ada@example.com", "email"),
        ("ada＠example", "email"),  # noqa: RUF001  # a full-width @
        (str(SOME_ID), "id"),
        (SOME_ID.hex, "id"),
        (f"user_{SOME_ID.hex}", "id"),
        (f"ORG_{SOME_ID.hex}", "id"),
        (f"ca_{SOME_ID.hex}", "id"),
        (f"mem_{SOME_ID.hex}", "id"),
        ("default", "reserved"),
        ("DEFAULT", "reserved"),
        ("ｄｅｆａｕｌｔ", "reserved"),  # noqa: RUF001  # full-width letters
        ("me", "reserved"),
        ("ab", "shape"),
        ("a" * 41, "shape"),
        (".ada", "shape"),
        ("ada-", "shape"),
        ("ada lovelace", "shape"),
        ("аda", "shape"),  # noqa: RUF001  # a Cyrillic first letter
        ("ada\n", "shape"),
    ],
)
def test_username_refuses_what_could_be_taken_for_something_else(name: str, code: str) -> None:
    with pytest.raises(ValidationError) as refused:
        validate_username(name)

    assert refused.value.code == code
