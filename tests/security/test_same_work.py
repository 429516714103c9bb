"""Known and unknown cost the same work: no clock tells what the answer does not say (checks T9, W13).

No times are measured. What takes time is counted instead: hashed passwords, letters, statements in the database.
"""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any

import pytest
from allauth.mfa.totp.internal.auth import TOTP
from django.contrib.auth.hashers import MD5PasswordHasher
from django.core import mail
from django.core.cache import cache
from django.db import connection
from django.http import HttpResponse
from django.test import Client
from django.test.utils import CaptureQueriesContext

from accounts.models import User
from integrations.models import Toolkit
from tests.factories import PASSWORD, make_api_key, make_auth_config, make_invitation, make_user
from tests.integrations.api.door import Door
from tests.permissions.test_url_matrix import WITH_AN_ID, highest
from tests.permissions.urls import Furniture, invented
from tests.security.answers import plain
from tests.world import World

pytestmark = pytest.mark.django_db
SEED = "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP"


@pytest.fixture(autouse=True)
def _no_throttle_from_another_test() -> None:
    cache.clear()


@dataclass
class Work:
    """What one request costs, and what it says."""

    hashed: int
    letters: int
    said: tuple[Any, ...]


@pytest.fixture
def hashed(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Every password that goes through the hasher."""
    seen: list[str] = []
    real = MD5PasswordHasher.encode

    def encode(self: Any, password: str, salt: str, *args: Any) -> str:
        seen.append(password)
        return real(self, password, salt, *args)

    monkeypatch.setattr(MD5PasswordHasher, "encode", encode)
    return seen


def work_of(hashed: list[str], ask: Callable[[], HttpResponse], *, without: str) -> Work:
    """`without`: what was typed, which a form shows again."""
    cache.clear()
    hashed.clear()
    mail.outbox.clear()
    answer = ask()
    status, body, headers = plain(answer)
    return Work(len(hashed), len(mail.outbox), (status, body.replace(without.encode(), b"~"), headers))


def ada() -> User:
    return make_user("ada", email="ada@example.com")


# --- Signing in, up, and asking for a new password


def test_signing_in_hashes_once_for_known_and_unknown(hashed: list[str]) -> None:
    ada()

    def sign_in(email: str) -> Work:
        data = {"login": email, "password": "wrong-password-1"}
        return work_of(hashed, lambda: Client().post("/accounts/login/", data), without=email)

    known, unknown = sign_in("ada@example.com"), sign_in("nobody@example.com")

    assert known == unknown
    assert known.hashed == 1


def test_signing_in_of_somebody_suspended_is_that_of_a_wrong_password(hashed: list[str]) -> None:
    """Who does not know the password learns nothing of a suspension; who knows it is told."""
    User.objects.filter(id=ada().id).update(is_active=False)

    def sign_in(email: str) -> Work:
        data = {"login": email, "password": "wrong-password-1"}
        return work_of(hashed, lambda: Client().post("/accounts/login/", data), without=email)

    assert sign_in("ada@example.com") == sign_in("nobody@example.com")


def test_signing_up_with_a_known_address_is_like_with_a_new_one(hashed: list[str]) -> None:
    ada()

    def sign_up(email: str, username: str) -> Work:
        data = {"email": email, "username": username, "password1": PASSWORD}
        return work_of(hashed, lambda: Client().post("/accounts/signup/", data), without=email)

    known, unknown = sign_up("ada@example.com", "newcomer"), sign_up("nobody@example.com", "another-one")

    assert (known.hashed, known.letters) == (unknown.hashed, unknown.letters) == (1, 1)
    assert known.said == unknown.said
    assert User.objects.filter(email="ada@example.com").get().username == "ada"


def test_a_new_password_is_asked_for_alike(hashed: list[str]) -> None:
    ada()

    def reset(email: str) -> Work:
        return work_of(hashed, lambda: Client().post("/accounts/password/reset/", {"email": email}), without=email)

    known, unknown = reset("ada@example.com"), reset("nobody@example.com")

    assert known == unknown
    assert known.letters == 1


def test_who_has_a_second_factor_shows_only_after_the_password(hashed: list[str]) -> None:
    TOTP.activate(ada(), SEED)

    def sign_in(email: str, password: str) -> Work:
        data = {"login": email, "password": password}
        return work_of(hashed, lambda: Client().post("/accounts/login/", data), without=email)

    assert sign_in("ada@example.com", "wrong-password-1") == sign_in("nobody@example.com", "wrong-password-1")
    assert sign_in("ada@example.com", PASSWORD).said[0] == 302


# --- Links, keys and IDs: the same statements


VALUES = re.compile(r"'[^']*'|\"s\d+_x\d+\"|\b[0-9a-f]{32}\b|\b\d+\b|%s")


def statements(ask: Callable[[], Any]) -> list[str]:
    """What the database is asked, without the values."""
    cache.clear()
    with CaptureQueriesContext(connection) as asked:
        ask()
    return [VALUES.sub("?", query["sql"]) for query in asked.captured_queries]


def test_an_invitation_for_somebody_else_costs_what_an_invented_one_costs(world: World) -> None:
    _row, token = make_invitation(world.acme, by=world.admin, email="guest@x.org")

    def look(text: str) -> Callable[[], Any]:
        return lambda: world.client("outsider").get(f"/invitations/{text}/", follow=True)

    assert statements(look(token)) == statements(look("x" * len(token)))


def test_a_key_with_a_wrong_secret_costs_what_an_unknown_one_costs(world: World) -> None:
    """The key is found by its public ID and its digest at once, or not."""
    _key, text = make_api_key(world.member)
    _other, unknown = make_api_key(world.member)
    wrong = text[:24] + unknown[24:]

    def ask(key: str) -> tuple[int, list[str]]:
        statuses = []
        asked = statements(lambda: statuses.append(Door(key).get("/identities")[0]))
        return statuses[0], asked

    assert ask(wrong) == ask("sb_user_" + "0" * 16 + text[24:])
    assert ask(text)[0] == 200
    assert ask(wrong)[0] == 401


@pytest.fixture
def nothing(furniture: Furniture) -> Iterator[Furniture]:
    return Furniture(*(invented(parts) for parts in (furniture.member, furniture.acme, furniture.globex)))


def test_somebody_elses_id_costs_what_an_invented_one_costs(
    world: World, furniture: Furniture, nothing: Furniture
) -> None:
    """Every address with an ID in it, asked by an admin of Acme with a thing of Globex behind it."""
    assert len(WITH_AN_ID) > 40
    for name in WITH_AN_ID:
        browser = world.client(highest(name))
        browser.get(nothing.url(name))  # the first request of a session notes things once

        real = statements(partial(browser.get, furniture.url(name, things="globex")))
        other = statements(partial(browser.get, nothing.url(name, things="globex")))

        assert (name, real) == (name, other)


@pytest.mark.parametrize("path", ["/executions/{}", "/connected_accounts/{}", "/auth_configs/{}", "/organizations/{}"])
def test_the_api_asks_the_same_of_the_database(world: World, furniture: Furniture, path: str) -> None:
    door = Door(make_api_key(world.admin)[1])
    theirs = make_auth_config(Toolkit.objects.get(slug="github"), owner=world.globex, name="Globex's own app")
    kinds = {
        "/executions/{}": furniture.globex["execution_id"],
        "/connected_accounts/{}": furniture.globex["account_id"],
        "/auth_configs/{}": theirs.text_id,
        "/organizations/{}": world.globex.ref.text_id,
    }
    text_id = kinds[path]
    door.get("/identities")

    real = statements(lambda: door.get(path.format(text_id)))
    other = statements(lambda: door.get(path.format(text_id[:-6] + "000000")))

    assert real == other
