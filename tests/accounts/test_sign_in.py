"""Sign-up, sign-in and second factors, through allauth's own pages."""

import re

import pytest
from allauth.account.models import EmailAddress
from allauth.mfa.models import Authenticator
from allauth.mfa.recovery_codes.internal.auth import RecoveryCodes
from allauth.mfa.totp.internal.auth import TOTP, format_hotp_value, hotp_value, yield_hotp_counters_from_time
from django.core import mail
from django.core.cache import cache
from django.db import DatabaseError
from django.test import Client
from pytest_django import Settings

from accounts.models import User
from orgs.models import Owner
from orgs.services import organizations
from tests.factories import PASSWORD, make_user

pytestmark = pytest.mark.django_db
SIGN_UP = {"email": "Ada@Example.com", "username": "Ada", "password1": PASSWORD}
SEED = "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP"


@pytest.fixture(autouse=True)
def _no_throttle_from_another_test() -> None:
    cache.clear()


def sign_in(client: Client, email: str, password: str = PASSWORD) -> int:
    return client.post("/accounts/login/", {"login": email, "password": password}).status_code


def test_sign_up_makes_the_user_and_their_id_container(client: Client) -> None:
    response = client.post("/accounts/signup/", SIGN_UP)

    user = User.objects.get()
    assert response.status_code == 302
    assert (user.email, user.username) == ("ada@example.com", "ada")
    assert Owner.objects.get(user=user).ref.text_id == user.text_id


def test_sign_up_asks_for_the_email_to_be_verified(client: Client) -> None:
    client.post("/accounts/signup/", SIGN_UP)

    link = re.search(r"http://127\.0\.0\.1:8000(/accounts/confirm-email/\S+)", str(mail.outbox[0].body))
    assert sign_in(client, "ada@example.com") == 302
    assert "_auth_user_id" not in client.session
    assert link is not None
    client.post(link[1])
    assert EmailAddress.objects.get().verified
    sign_in(client, "ADA@example.com")
    assert client.session["_auth_user_id"] == str(User.objects.get().pk)


def test_links_in_mail_lead_to_the_base_url_under_whatever_name_the_request_came(client: Client) -> None:
    make_user("ada")

    client.post("/accounts/password/reset/", {"email": "ada@example.com"}, headers={"host": "testserver"})

    body = str(mail.outbox[0].body)
    assert "http://127.0.0.1:8000/accounts/password/reset/key/" in body
    assert "testserver" not in body + mail.outbox[0].subject


def test_sign_up_leaves_no_user_behind_without_an_id_container(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(**_: object) -> None:
        raise DatabaseError

    monkeypatch.setattr("orgs.adapter.create_user_owner", fail)
    client.raise_request_exception = False

    assert client.post("/accounts/signup/", SIGN_UP).status_code == 500
    assert not User.objects.exists()


@pytest.mark.parametrize("username", ["default", "x@example.com", "user_0123456789abcdef", "0" * 32])
def test_sign_up_refuses_a_username_that_reads_like_an_id(client: Client, username: str) -> None:
    client.post("/accounts/signup/", {**SIGN_UP, "username": username})

    assert not User.objects.exists()


def test_sign_up_refuses_a_taken_username_in_another_case(client: Client) -> None:
    make_user("ada", email="first@example.com")

    client.post("/accounts/signup/", {**SIGN_UP, "username": "ADA"})

    assert User.objects.count() == 1


def test_sign_up_can_be_closed_by_the_operator(client: Client, settings: Settings) -> None:
    settings.SIGNUP_OPEN = False

    response = client.post("/accounts/signup/", SIGN_UP)

    assert response.status_code == 200
    assert not User.objects.exists()


def test_sign_in_brings_the_theme_along(client: Client) -> None:
    make_user("ada", theme="dark")

    sign_in(client, "ada@example.com")

    assert client.cookies["theme"].value == "dark"


def test_suspended_user_cannot_sign_in(client: Client) -> None:
    make_user("ada", is_active=False)

    sign_in(client, "ada@example.com")

    assert "_auth_user_id" not in client.session


def test_creating_the_id_container_twice_makes_one() -> None:
    user = make_user("ada")

    organizations.create_user_owner(actor=None, user=user)

    assert Owner.objects.filter(user=user).count() == 1


def current_code() -> str:
    counters = list(yield_hotp_counters_from_time())
    return str(format_hotp_value(hotp_value(SEED, counters[len(counters) // 2])))


def test_totp_seed_is_sealed_and_works(client: Client) -> None:
    user = make_user("ada")
    TOTP.activate(user, SEED)

    sign_in(client, "ada@example.com")
    client.post("/accounts/2fa/authenticate/", {"code": current_code()})

    assert SEED not in str(Authenticator.objects.get().data)
    assert client.session["_auth_user_id"] == str(user.pk)


def test_wrong_totp_code_does_not_sign_in(client: Client) -> None:
    TOTP.activate(make_user("ada"), SEED)

    sign_in(client, "ada@example.com")
    client.post("/accounts/2fa/authenticate/", {"code": "000000" if current_code() != "000000" else "111111"})

    assert "_auth_user_id" not in client.session


def test_seed_of_the_recovery_codes_is_sealed(client: Client) -> None:
    codes = RecoveryCodes.activate(make_user("ada"))

    stored = str(codes.instance.data["seed"])
    assert stored.startswith("gAAAA")
    assert codes.validate_code(codes.get_unused_codes()[0])


def test_seed_from_lost_keys_is_a_sentence_on_the_page(client: Client, settings: Settings) -> None:
    TOTP.activate(make_user("ada"), SEED)
    sign_in(client, "ada@example.com")
    settings.FIELD_ENCRYPTION_KEYS = ["YW5vdGhlci1maWVsZC1lbmNyeXB0aW9uLWtleSEhISE="]

    response = client.post("/accounts/2fa/authenticate/", {"code": current_code()})

    assert response.status_code == 200
    assert "encryption keys of this installation have changed" in response.content.decode()
    assert "_auth_user_id" not in client.session
