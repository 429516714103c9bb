"""Credentials at rest, and their renewal: once, under a lease, never an older answer over a newer one."""

from __future__ import annotations

import json
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any
from urllib.parse import parse_qsl
from uuid import uuid4

import pytest
from django.db import connection
from django.utils import timezone
from pytest_django import Settings
from werkzeug import Request, Response

from integrations import credentials
from integrations.alarms import NOT_RENEWED
from integrations.credentials import CredentialsError, Trouble, credentials_for, open_values, seal_credentials
from integrations.models import AuthConfig, ConnectedAccount
from tests.factories import make_auth_config, make_connected_account, make_toolkit, make_user
from tests.flows.authorization_server import AuthorizationServer

THREADS = 8


class Renewals:
    """A token endpoint that gives new tokens for the newest refresh token alone, and ends the family on reuse."""

    def __init__(self, server: AuthorizationServer) -> None:
        self.server = server
        self.good = "ref-1"
        self.asked: list[str] = []
        self.rotates = True
        self.life = 3600
        self.answer: Response | None = None
        self.meanwhile: Callable[[], None] = lambda: None
        server.server.clear_all_handlers()
        server.server.expect_request("/token").respond_with_handler(self._token)
        server.server.expect_request("/revoke").respond_with_handler(server._revoke)

    def _token(self, request: Request) -> Response:
        form = dict(parse_qsl(request.get_data(as_text=True)))
        self.asked.append(form["refresh_token"])
        self.meanwhile()
        if self.answer is not None:
            return self.answer
        if form["refresh_token"] != self.good:
            self.good = ""
            return reply({"error": "invalid_grant"}, 400)
        number = len(self.asked) + 1
        tokens = {"access_token": f"tok-{number}", "token_type": "Bearer", "expires_in": self.life}
        if self.rotates:
            self.good = f"ref-{number}"
            tokens["refresh_token"] = self.good
        return reply(tokens)


def reply(value: dict[str, Any], status: int = 200) -> Response:
    return Response(json.dumps(value), status=status, content_type="application/json")


@pytest.fixture
def server(authorization_server_of: Callable[[], AuthorizationServer]) -> AuthorizationServer:
    return authorization_server_of()


@pytest.fixture
def renewals(server: AuthorizationServer) -> Renewals:
    return Renewals(server)


def expired_account(server: AuthorizationServer, seconds_left: float = -1, **values: Any) -> ConnectedAccount:
    """An account whose access token has so many seconds left, with a refresh token."""
    account = make_connected_account(make_toolkit("notes", definition=server.definition()), owner=make_user())
    tokens = {"access_token": "tok-1", "refresh_token": "ref-1", **credentials._addresses(account.auth_config)}
    account.credentials = seal_credentials(account.id, tokens)
    account.expires_at = timezone.now() + timedelta(seconds=seconds_left)
    for name, value in values.items():
        setattr(account, name, value)
    account.save()
    return account


def reread(account: ConnectedAccount) -> ConnectedAccount:
    rows = ConnectedAccount.objects.unscoped("a test looks").select_related("auth_config__toolkit")
    found: ConnectedAccount = rows.get(id=account.id)
    return found


def change(account: ConnectedAccount, **values: Any) -> None:
    """As another process does, in the middle of something; from the server's thread."""
    ConnectedAccount.objects.unscoped("another process").filter(id=account.id).update(**values)
    connection.close()


# --- At rest


@pytest.mark.django_db
def test_sealed_credentials_open_in_their_own_row() -> None:
    account = make_connected_account(make_toolkit(), owner=make_user(), access_token="secret-canary")

    assert open_values(account)["access_token"] == "secret-canary"
    assert "secret-canary" not in account.credentials.text
    assert "secret-canary" not in repr(account.credentials)


@pytest.mark.django_db
def test_sealed_credentials_do_not_open_in_another_row() -> None:
    toolkit = make_toolkit()
    mine, theirs = (make_connected_account(toolkit, owner=make_user()) for _ in range(2))
    theirs.credentials = mine.credentials

    with pytest.raises(CredentialsError) as caught:
        open_values(theirs)

    assert caught.value.trouble is Trouble.UNREADABLE


@pytest.mark.django_db
def test_a_client_secret_does_not_open_as_another_auth_configs() -> None:
    toolkit = make_toolkit()
    mine, theirs = (make_auth_config(toolkit, name=name) for name in ("Mine", "Theirs"))
    theirs.client_secret = mine.client_secret

    assert credentials.client_of(mine).client_secret == "client-secret"
    with pytest.raises(credentials.SecretUnreadableError):
        credentials.client_of(theirs)


@pytest.mark.django_db
def test_the_addresses_kept_with_tokens_are_not_given_to_a_call(renewals: Renewals) -> None:
    account = expired_account(renewals.server, seconds_left=3600)

    opened = credentials_for(account.id)

    assert dict(opened.credentials.values) == {"access_token": "tok-1", "refresh_token": "ref-1"}
    assert "tok-1" not in repr(opened)


# --- When: R2, R11


@pytest.mark.django_db
@pytest.mark.parametrize(("seconds_left", "asked"), [(59, 1), (90, 0), (-1000, 1)])
def test_a_token_is_renewed_below_the_margin_only(renewals: Renewals, seconds_left: int, asked: int) -> None:
    account = expired_account(renewals.server, seconds_left)

    credentials_for(account.id)

    assert len(renewals.asked) == asked


@pytest.mark.django_db
def test_the_margin_is_a_setting(renewals: Renewals, settings: Settings) -> None:
    settings.REFRESH_MARGIN = 120
    account = expired_account(renewals.server, 90)

    credentials_for(account.id)

    assert len(renewals.asked) == 1


@pytest.mark.django_db
def test_a_token_of_unknown_life_is_renewed_when_it_was_turned_down_and_not_before(renewals: Renewals) -> None:
    account = expired_account(renewals.server, expires_at=None)
    opened = credentials_for(account.id)
    assert renewals.asked == []

    newer = credentials_for(account.id, not_version=opened.version)

    assert (newer.version, newer.credentials.values["access_token"]) == (opened.version + 1, "tok-2")


# --- Once: R1, R3, R5, R6


@pytest.mark.django_db(transaction=True)
def test_many_threads_on_an_expired_token_renew_it_once(renewals: Renewals) -> None:
    account = expired_account(renewals.server)

    def open_them(_number: int) -> str:
        try:
            return credentials_for(account.id).credentials.values["access_token"]
        finally:
            connection.close()

    with ThreadPoolExecutor(THREADS) as pool:
        tokens = list(pool.map(open_them, range(THREADS)))

    assert renewals.asked == ["ref-1"]
    assert tokens == ["tok-2"] * THREADS
    assert open_values(reread(account))["refresh_token"] == "ref-2"


@pytest.mark.django_db
def test_a_lease_left_by_a_dead_process_is_taken_over_when_it_ends(renewals: Renewals) -> None:
    dead = {"refresh_lease": uuid4(), "refresh_lease_until": timezone.now() + timedelta(seconds=1)}
    account = expired_account(renewals.server, **dead)

    opened = credentials_for(account.id)

    assert opened.credentials.values["access_token"] == "tok-2"
    assert renewals.asked == ["ref-1"]


@pytest.mark.django_db
def test_a_lease_that_is_held_is_waited_for_and_then_said(renewals: Renewals, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(credentials, "WAIT_SECONDS", 0.3)
    held = {"refresh_lease": uuid4(), "refresh_lease_until": timezone.now() + timedelta(seconds=30)}
    account = expired_account(renewals.server, **held)

    with pytest.raises(CredentialsError) as caught:
        credentials_for(account.id)

    assert caught.value.trouble is Trouble.LATER
    assert renewals.asked == []


@pytest.mark.django_db
def test_a_dead_process_that_spent_the_refresh_token_ends_in_expired_and_not_in_a_loop(renewals: Renewals) -> None:
    renewals.good = "ref-that-was-lost-with-the-process"
    account = expired_account(renewals.server)

    with pytest.raises(CredentialsError) as caught:
        credentials_for(account.id)

    assert caught.value.trouble is Trouble.RECONNECT
    assert reread(account).status == "expired"
    assert renewals.asked == ["ref-1"]


@pytest.mark.django_db(transaction=True)
def test_a_late_answer_is_kept_although_the_lease_is_over(renewals: Renewals) -> None:
    account = expired_account(renewals.server)
    renewals.meanwhile = lambda: change(account, refresh_lease=None, refresh_lease_until=None)

    opened = credentials_for(account.id)

    assert opened.credentials.values["access_token"] == "tok-2"


@pytest.mark.django_db(transaction=True)
def test_an_older_answer_never_overwrites_newer_tokens(renewals: Renewals) -> None:
    account = expired_account(renewals.server)
    newer = {"access_token": "tok-new", "refresh_token": "ref-new", **credentials._addresses(account.auth_config)}
    values = {"credentials": seal_credentials(account.id, newer), "token_version": 7}
    renewals.meanwhile = lambda: change(account, **values, expires_at=timezone.now() + timedelta(hours=1))

    opened = credentials_for(account.id)

    assert (opened.version, opened.credentials.values["access_token"]) == (7, "tok-new")
    assert renewals.server.revoked == []  # to revoke the late ones could end the new ones too


@pytest.mark.django_db
def test_a_refresh_token_stays_when_no_other_comes(renewals: Renewals) -> None:
    renewals.rotates = False
    account = expired_account(renewals.server)

    credentials_for(account.id)

    assert open_values(reread(account)) | {"access_token": "tok-2", "refresh_token": "ref-1"} == open_values(
        reread(account)
    )


@pytest.mark.django_db
def test_a_new_refresh_token_comes_with_its_access_token_expiry_and_version(renewals: Renewals) -> None:
    account = expired_account(renewals.server)

    credentials_for(account.id)

    after = reread(account)
    values = open_values(after)
    assert (values["access_token"], values["refresh_token"], after.token_version) == ("tok-2", "ref-2", 1)
    assert after.expires_at > timezone.now() + timedelta(minutes=50)
    assert (after.refresh_lease, after.refresh_lease_until) == (None, None)


@pytest.mark.django_db
def test_a_renewal_does_not_move_the_moment_of_connecting(renewals: Renewals) -> None:
    account = expired_account(renewals.server)

    credentials_for(account.id)

    assert reread(account).connected_at == account.connected_at


# --- When it fails: R7, R8


@pytest.mark.django_db
@pytest.mark.parametrize("code", ["invalid_grant", "unauthorized_client"])
def test_a_grant_that_is_gone_expires_the_account_at_once(renewals: Renewals, code: str) -> None:
    renewals.answer = reply({"error": code}, 400)
    account = expired_account(renewals.server)

    with pytest.raises(CredentialsError) as caught:
        credentials_for(account.id)

    after = reread(account)
    assert (caught.value.trouble, after.status) == (Trouble.RECONNECT, "expired")
    assert after.status_reason
    assert "ref-1" not in caught.value.message


@pytest.mark.django_db
def test_no_refresh_token_expires_the_account(renewals: Renewals) -> None:
    account = expired_account(renewals.server)
    account.credentials = seal_credentials(account.id, {"access_token": "tok-1", "refresh_token": ""})
    account.save()

    with pytest.raises(CredentialsError) as caught:
        credentials_for(account.id)

    assert caught.value.trouble is Trouble.RECONNECT
    assert renewals.asked == []


@pytest.mark.django_db
@pytest.mark.parametrize("status", [429, 500, 503])
def test_a_provider_that_is_away_leaves_the_account_active(renewals: Renewals, status: int) -> None:
    renewals.answer = Response("", status=status)
    account = expired_account(renewals.server)

    with pytest.raises(CredentialsError) as caught:
        credentials_for(account.id)

    after = reread(account)
    assert (caught.value.trouble, after.status, after.refresh_lease) == (Trouble.LATER, "active", None)
    assert after.refresh_failing_since is not None


@pytest.mark.django_db
def test_the_next_try_after_an_outage_works_and_forgets_it(renewals: Renewals) -> None:
    renewals.answer = Response("", status=503)
    account = expired_account(renewals.server)
    with pytest.raises(CredentialsError):
        credentials_for(account.id)
    renewals.answer = None

    opened = credentials_for(account.id)

    assert opened.version == 1
    assert reread(account).refresh_failing_since is None


@pytest.mark.django_db
@pytest.mark.parametrize(("days", "status"), [(0.02, "active"), (3.9, "needs_attention"), (4.1, "expired")])
def test_an_outage_needs_attention_after_an_hour_and_expires_the_account_after_four_days(
    renewals: Renewals, days: float, status: str
) -> None:
    renewals.answer = Response("", status=503)
    account = expired_account(renewals.server, refresh_failing_since=timezone.now() - timedelta(days=days))

    with pytest.raises(CredentialsError):
        credentials_for(account.id)

    assert reread(account).status == status


@pytest.mark.django_db
def test_a_renewal_that_succeeds_at_last_ends_the_worry(renewals: Renewals) -> None:
    trouble = {"status": "needs_attention", "status_reason": NOT_RENEWED}
    account = expired_account(renewals.server, **trouble)

    credentials_for(account.id)

    assert (reread(account).status, reread(account).status_reason) == ("active", "")


# --- Disconnected, paused or moved meanwhile: R13, E12


@pytest.mark.django_db(transaction=True)
def test_an_account_disconnected_during_the_renewal_stays_so_and_the_late_tokens_are_revoked(
    renewals: Renewals,
) -> None:
    account = expired_account(renewals.server)
    renewals.meanwhile = lambda: change(account, status="revoked", credentials=None)

    with pytest.raises(CredentialsError):
        credentials_for(account.id)

    after = reread(account)
    assert (after.status, after.credentials) == ("revoked", None)
    assert renewals.server.revoked[0] == "ref-2"


@pytest.mark.django_db(transaction=True)
def test_an_account_paused_during_the_renewal_stays_paused(renewals: Renewals) -> None:
    account = expired_account(renewals.server)
    renewals.meanwhile = lambda: change(account, status="paused")

    credentials_for(account.id)

    assert reread(account).status == "paused"


@pytest.mark.django_db
def test_a_refresh_token_does_not_travel_to_a_server_that_was_named_later(renewals: Renewals) -> None:
    account = expired_account(renewals.server)
    configs = AuthConfig.objects.unscoped("as an operator does").filter(id=account.auth_config_id)
    configs.update(overrides={"token_url": renewals.server.url("/elsewhere")})

    with pytest.raises(CredentialsError) as caught:
        credentials_for(account.id)

    assert caught.value.trouble is Trouble.RECONNECT
    assert "names another server" in reread(account).status_reason
    assert len(renewals.server.server.log) == 0


@pytest.mark.django_db
def test_a_changed_name_of_the_auth_config_stops_nothing(renewals: Renewals) -> None:
    account = expired_account(renewals.server)
    AuthConfig.objects.unscoped("as an operator does").filter(id=account.auth_config_id).update(name="Another name")

    assert credentials_for(account.id).version == 1


# --- A toolkit that was changed


@pytest.mark.django_db
def test_a_toolkit_that_dropped_the_sign_in_renews_nothing_and_keeps_the_account(
    server: AuthorizationServer, renewals: Renewals
) -> None:
    """An operator can put it right: nobody has to connect anew."""
    account = expired_account(server)
    toolkit = account.toolkit
    toolkit.definition["auth_schemes"] = [
        one for one in toolkit.definition["auth_schemes"] if one["scheme"] != "oauth2"
    ]
    toolkit.save()

    with pytest.raises(CredentialsError, match="Its auth config cannot be used: notes does not offer oauth2") as caught:
        credentials_for(account.id)

    left = reread(account)
    assert caught.value.trouble is Trouble.LATER
    assert (left.status, left.refresh_lease) == ("active", None)
    assert renewals.asked == []
