"""Nobody comes into the admin site without a second factor, from elsewhere, too fast, or on yesterday's proof (A4)."""

from ipaddress import ip_network

import pytest
from allauth.mfa.totp.internal.auth import format_hotp_value, hotp_value, yield_hotp_counters_from_time
from django.conf import LazySettings
from django.core.cache import cache
from django.core.exceptions import ImproperlyConfigured
from django.test import Client

from accounts import admin_door
from config.env import Environment
from tests.factories import make_user
from tests.staff import SEED, make_superuser, prove, sign_in

pytestmark = pytest.mark.django_db
PAGES = ("/admin/", "/admin/accounts/user/", "/admin/accounts/user/add/", "/admin/jsi18n/", "/admin/no-such-page/")


@pytest.fixture(autouse=True)
def fresh_cache() -> None:
    cache.clear()


def test_staff_with_a_proven_second_factor_comes_in() -> None:
    assert sign_in(make_superuser()).get("/admin/").status_code == 200


@pytest.mark.parametrize("page", PAGES)
@pytest.mark.parametrize("method", ["get", "post"])
def test_staff_without_a_second_factor_is_led_to_set_one_up(client: Client, page: str, method: str) -> None:
    client.force_login(make_superuser())

    response = getattr(client, method)(page)

    assert response.status_code == 403
    assert "/accounts/2fa/totp/activate/?next=/admin/" in response.content.decode()


@pytest.mark.parametrize("page", PAGES)
def test_second_factor_that_was_not_used_in_this_session_is_asked_for(page: str) -> None:
    client = sign_in(make_superuser())
    session = client.session
    del session["account_authentication_methods"]
    session.save()

    response = client.get(page)

    assert response.status_code == 302
    assert response.headers["Location"].startswith("/accounts/2fa/reauthenticate/?next=%2Fadmin%2F")


def test_person_proves_it_and_comes_back() -> None:
    user = make_superuser()
    client = sign_in(user)
    prove(client, user, seconds_ago=9 * 3600)
    asked = client.get("/admin/accounts/user/").headers["Location"]
    code = format_hotp_value(hotp_value(SEED, next(iter(yield_hotp_counters_from_time()))))

    response = client.post(asked, {"code": code})

    assert response.headers["Location"] == "/admin/accounts/user/"
    assert client.get("/admin/accounts/user/").status_code == 200


def test_factor_that_is_a_passkey_is_asked_for_as_one() -> None:
    user = make_superuser()
    client = sign_in(user)
    user.authenticator_set.update(type="webauthn")
    prove(client, user, seconds_ago=9 * 3600)

    assert client.get("/admin/").headers["Location"].startswith("/accounts/2fa/webauthn/reauthenticate/?next=")


@pytest.mark.parametrize(
    ("proven", "seen", "status"),
    [
        (29 * 60, None, 200),
        (31 * 60, None, 302),  # idle since then
        (31 * 60, 29 * 60, 200),  # was here meanwhile
        (7 * 3600, 60, 200),
        (8 * 3600 + 60, 60, 302),  # busy all day, and asked again nevertheless
    ],
)
def test_session_of_the_admin_site_ends_sooner(
    monkeypatch: pytest.MonkeyPatch, proven: int, seen: int | None, status: int
) -> None:
    user = make_superuser()
    client = sign_in(user)
    prove(client, user, seconds_ago=proven)
    if seen is not None:
        session = client.session
        session[admin_door.SEEN] = int(admin_door.time.time()) - seen
        session.save()

    assert client.get("/admin/").status_code == status


def test_being_there_is_noted_once_a_minute() -> None:
    client = sign_in(make_superuser())
    client.get("/admin/")
    first = client.session[admin_door.SEEN]

    client.get("/admin/")

    assert client.session[admin_door.SEEN] == first > 0


def test_pace_is_limited_per_person(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(admin_door, "PER_MINUTE", 3)
    monkeypatch.setattr(admin_door.time, "time", lambda: 1_800_000_000.0)
    client = sign_in(make_superuser())  # proven by that clock

    codes = [client.get("/admin/").status_code for _ in range(5)]

    assert codes == [200, 200, 200, 429, 429]
    assert client.get("/profile/").status_code == 200


def test_pace_of_strangers_is_limited_per_address(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(admin_door, "PER_MINUTE", 2)
    monkeypatch.setattr(admin_door.time, "time", lambda: 1_800_000_000.0)

    codes = [client.get("/admin/", REMOTE_ADDR="192.0.2.1").status_code for _ in range(3)]

    assert codes == [302, 302, 429]
    assert client.get("/admin/", REMOTE_ADDR="192.0.2.2").status_code == 302


def test_cache_that_was_emptied_in_between_locks_nobody_out(monkeypatch: pytest.MonkeyPatch) -> None:
    client = sign_in(make_superuser())
    monkeypatch.setattr(admin_door.cache, "add", lambda *_args, **_options: None)

    assert client.get("/admin/").status_code == 200


@pytest.mark.parametrize(
    ("address", "status"),
    [("192.0.2.7", 200), ("198.51.100.1", 403), ("2001:db8::1", 200), ("2001:db9::1", 403), ("nonsense", 403)],
)
def test_only_named_networks_come_in(settings: LazySettings, address: str, status: int) -> None:
    settings.ADMIN_ALLOWED_NETWORKS = [ip_network("192.0.2.0/24"), ip_network("2001:db8::/32")]
    client = sign_in(make_superuser())

    assert client.get("/admin/", REMOTE_ADDR=address).status_code == status
    assert client.get("/profile/", REMOTE_ADDR="192.0.2.7").status_code == 200


def test_networks_are_read_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NETWORKS", "192.0.2.0/24, 2001:db8::1")
    monkeypatch.setenv("TYPO", "192.0.2.1/24")
    env = Environment()

    assert env.networks("NETWORKS") == [ip_network("192.0.2.0/24"), ip_network("2001:db8::1")]
    assert env.networks("NOT_SET") == []
    with pytest.raises(ImproperlyConfigured, match="TYPO: 192\\.0\\.2\\.1/24 has host bits set"):
        env.networks("TYPO")


def test_somebody_who_is_not_of_the_staff_is_turned_away_by_the_site_itself(client: Client) -> None:
    client.force_login(make_user("mia"))

    assert client.get("/admin/login/").status_code == 403
    assert client.get("/admin/").status_code == 302


def test_password_is_changed_where_everybody_changes_theirs() -> None:
    response = sign_in(make_superuser()).get("/admin/password_change/")

    assert response.headers["Location"] == "/accounts/password/change/"
