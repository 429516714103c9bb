"""Connecting from the consent page to the result, at a real authorization server on loopback."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from urllib.parse import parse_qs, urlsplit

import pytest
from django.contrib.messages import get_messages
from django.http import HttpResponse
from django.test import Client
from django.utils import timezone

from integrations.jobs import claim_next, execute
from integrations.models import AuthConfig, ConnectionRequest, Execution
from integrations.models.encrypted import unseal
from integrations.services.executions import Order, submit_execution
from tests.factories import actor_of, make_auth_config, make_connected_account, make_tool
from tests.flows.authorization_server import AuthorizationServer
from tests.flows.connecting import ConnectDesk, path_of
from tests.integrations.desk import reread, stored_result
from tests.world import World


def told(response: HttpResponse) -> str:
    return " ".join(str(message) for message in get_messages(response.wsgi_request))


def secrets_of(account: object) -> dict[str, str]:
    sealed = account.credentials  # type: ignore[attr-defined]
    return unseal(sealed, table="connected_account", row=account.id, field="credentials")  # type: ignore[attr-defined]


@pytest.fixture
def browser(world: World) -> Client:
    return world.client("member")


@pytest.fixture
def admin(world: World) -> Client:
    return world.client("admin")


def test_connect_for_oneself_ends_on_a_page_with_the_identity(
    connect_desk: ConnectDesk, world: World, browser: Client
) -> None:
    answer = connect_desk.connect(browser, "ada")

    page = browser.get(answer["Location"])
    (account,) = connect_desk.accounts
    assert page.status_code == 200
    assert "ada@notes.test" in page.content.decode()
    assert (account.owner.user, account.identity_label, account.status) == (world.member, "ada", "active")
    assert secrets_of(account)["access_token"].startswith("tok-ada")


def test_connect_asks_with_pkce_and_the_redirect_uri_of_this_auth_config(
    connect_desk: ConnectDesk, browser: Client, settings: object
) -> None:
    connect_desk.connect(browser)

    (asked,) = connect_desk.server.token_requests
    assert asked["redirect_uri"] == f"{settings.BASE_URL}{connect_desk.callback}"  # type: ignore[attr-defined]
    assert len(asked["code_verifier"]) == 64


def test_connect_for_the_organization_waits_for_the_admins_word(
    connect_desk: ConnectDesk, world: World, admin: Client
) -> None:
    answer = connect_desk.connect(admin, "acme-bot", world.acme)

    page = admin.get(answer["Location"])
    assert connect_desk.accounts == []
    assert "acme-bot@notes.test" in page.content.decode()
    assert "Confirm and connect" in page.content.decode()


def test_connect_for_the_organization_is_confirmed_once(connect_desk: ConnectDesk, world: World, admin: Client) -> None:
    where = connect_desk.connect(admin, "acme-bot", world.acme)["Location"]

    admin.post(where, {"decision": "confirm"})
    again = admin.post(where, {"decision": "confirm"}, follow=True)

    (account,) = connect_desk.accounts
    assert (account.owner.organization, account.identity_label) == (world.acme, "acme-bot")
    assert again.status_code == 200
    assert connect_desk.requests[0].pending is None


def test_the_wrong_account_is_discarded_and_taken_back(connect_desk: ConnectDesk, world: World, admin: Client) -> None:
    where = connect_desk.connect(admin, "private", world.acme)["Location"]

    admin.post(where, {"decision": "discard"})

    page = admin.get(where)
    assert connect_desk.accounts == []
    assert connect_desk.server.revoked[0] == "ref-private"
    assert "wrong account" in page.content.decode()


def test_the_same_account_once_more_renews_it(connect_desk: ConnectDesk, browser: Client) -> None:
    connect_desk.connect(browser, "ada")
    before = connect_desk.accounts[0]

    answer = connect_desk.connect(browser, "ada")

    (after,) = connect_desk.accounts
    assert (after.id, after.token_version) == (before.id, before.token_version + 1)
    assert "same account as before" in told(answer)


def test_the_same_account_under_two_owners_is_two_rows(connect_desk: ConnectDesk, world: World, admin: Client) -> None:
    connect_desk.connect(admin, "ada")
    where = connect_desk.connect(admin, "ada", world.acme)["Location"]

    admin.post(where, {"decision": "confirm"})

    assert [account.owner.ref.text_id for account in connect_desk.accounts] == [
        world.admin.owner.ref.text_id,
        world.acme.ref.text_id,
    ]


def test_a_second_account_takes_over_as_the_default_and_says_so(connect_desk: ConnectDesk, browser: Client) -> None:
    connect_desk.connect(browser, "ada")

    answer = connect_desk.connect(browser, "sam")

    assert "Runs that name no account now use sam instead of ada" in told(answer)


def test_a_marked_default_stays_and_nothing_is_said(connect_desk: ConnectDesk, world: World, browser: Client) -> None:
    make_connected_account(connect_desk.toolkit, owner=world.member, is_default=True)

    answer = connect_desk.connect(browser, "sam")

    assert "connected as sam" in told(answer)
    assert "instead of" not in told(answer)


def test_reconnect_as_the_same_identity_revives_the_account(
    connect_desk: ConnectDesk, world: World, browser: Client
) -> None:
    connect_desk.connect(browser, "ada", alias="Mine")
    (before,) = connect_desk.accounts
    before.status = "expired"
    before.save()

    connect_desk.connect(browser, "ada", reconnect=before.text_id)

    (after,) = connect_desk.accounts
    assert (after.id, after.status, after.alias) == (before.id, "active", "Mine")


def test_reconnect_as_somebody_else_asks_first_and_makes_another_account(
    connect_desk: ConnectDesk, browser: Client
) -> None:
    connect_desk.connect(browser, "ada")
    (ada,) = connect_desk.accounts
    where = connect_desk.connect(browser, "sam", reconnect=ada.text_id)["Location"]
    page = browser.get(where)
    assert "This is another account" in page.content.decode()
    assert len(connect_desk.accounts) == 1

    browser.post(where, {"decision": "confirm"})

    assert [account.identity_label for account in connect_desk.accounts] == ["ada", "sam"]


def test_fewer_scopes_than_asked_are_stored_and_said(connect_desk: ConnectDesk, browser: Client) -> None:
    connect_desk.server.granted = "notes:read"

    page = browser.get(connect_desk.connect(browser)["Location"])

    assert connect_desk.accounts[0].scopes == ["notes:read"]
    assert "Change your notes" in page.content.decode()


def test_all_scopes_granted_say_nothing(connect_desk: ConnectDesk, browser: Client) -> None:
    page = browser.get(connect_desk.connect(browser)["Location"])

    assert "Not everything was granted" not in page.content.decode()


def test_the_organizations_own_oauth_app_comes_before_the_installations(
    connect_desk: ConnectDesk, world: World, admin: Client
) -> None:
    own = make_auth_config(connect_desk.toolkit, owner=world.acme, name="Acme's app", client_id="acme-client")

    page = admin.get(connect_desk.page(world.acme)).content.decode()
    elsewhere = admin.get(connect_desk.page()).content.decode()

    assert own.text_id in page
    assert own.text_id not in elsewhere


def test_a_token_of_ones_own_is_verified_and_stored(connect_desk: ConnectDesk, browser: Client) -> None:
    way = make_auth_config(connect_desk.toolkit, scheme="bearer_token", name="Personal token")

    answer = browser.post(connect_desk.page(), {"way": way.text_id, "field_token": connect_desk.server.issue("ada")})

    (account,) = connect_desk.accounts
    assert path_of(answer) == f"/me/connections/{account.text_id}/"
    assert (account.identity_label, account.scheme, account.scopes) == ("ada", "bearer_token", None)


@pytest.mark.parametrize(
    ("token", "sentence"),
    [("", "Token is missing"), ("nonsense-1234", "expected form"), ("tok-wrong-canary", "does not accept")],
)
def test_a_bad_token_is_explained_and_never_repeated(
    connect_desk: ConnectDesk, browser: Client, token: str, sentence: str
) -> None:
    way = make_auth_config(connect_desk.toolkit, scheme="bearer_token", name="Personal token")

    answer = browser.post(connect_desk.page(), {"way": way.text_id, "field_token": token})

    text = answer.content.decode()
    assert answer.status_code == 422
    assert sentence in text
    assert not token or token not in text
    assert connect_desk.accounts == []


def test_htmx_is_told_where_to_go(connect_desk: ConnectDesk, browser: Client) -> None:
    answer = browser.post(
        connect_desk.page(), {"way": connect_desk.auth_config.text_id}, headers={"HX-Request": "true"}
    )

    assert answer.status_code == 200
    assert answer["HX-Redirect"].startswith(connect_desk.server.url("/authorize"))


def test_a_changed_base_url_needs_a_fresh_consent_before_old_tokens_go_there(
    connect_desk: ConnectDesk, world: World, browser: Client, authorization_server_of: Callable[[], AuthorizationServer]
) -> None:
    """Check E12: theft of tokens by an edited auth config."""
    elsewhere = authorization_server_of()
    for server in (connect_desk.server, elsewhere):
        server.server.expect_request("/things/one").respond_with_json({"from": server.url()})
    connect_desk.connect(browser, "ada")
    rows = AuthConfig.objects.unscoped("as an operator does").filter(id=connect_desk.auth_config.id)
    rows.update(overrides={"base_url": elsewhere.url()})

    ended = run_reading(world, "one")

    assert stored_result(ended)["result"] == {"from": connect_desk.server.url()}
    assert len(elsewhere.server.log) == 0


def test_a_fresh_consent_makes_another_account_at_the_new_address(connect_desk: ConnectDesk, browser: Client) -> None:
    connect_desk.connect(browser, "ada")
    rows = AuthConfig.objects.unscoped("as an operator does").filter(id=connect_desk.auth_config.id)
    rows.update(
        overrides={"base_url": connect_desk.server.url("/v2"), "identity_url": connect_desk.server.url("/user")}
    )

    connect_desk.connect(browser, "ada")

    assert [account.base_url for account in connect_desk.accounts] == [
        connect_desk.server.url(),
        connect_desk.server.url("/v2"),
    ]


def run_reading(world: World, name: str) -> Execution:
    order = Order(requested=world.member.text_id, tool="NOTES_READ", arguments={"name": name})
    submitted = submit_execution(actor=actor_of(world.member), order=order, now=timezone.now())
    claim = claim_next()
    assert claim is not None
    execute(claim)
    return reread(submitted.id)


def test_a_token_of_somebody_else_does_not_renew_an_account(connect_desk: ConnectDesk, browser: Client) -> None:
    way = make_auth_config(connect_desk.toolkit, scheme="bearer_token", name="Personal token")
    issue = connect_desk.server.issue
    browser.post(connect_desk.page(), {"way": way.text_id, "field_token": issue("ada")})
    (ada,) = connect_desk.accounts
    again = {"way": way.text_id, "reconnect": ada.text_id}

    refused = browser.post(connect_desk.page(), {**again, "field_token": issue("sam")})
    renewed = browser.post(connect_desk.page(), {**again, "field_token": issue("ada")})

    assert "This belongs to sam, and you are reconnecting ada" in refused.content.decode()
    assert (refused.status_code, renewed.status_code) == (422, 302)
    assert [account.identity_label for account in connect_desk.accounts] == ["ada"]


def test_an_identity_that_nobody_confirms_in_time_is_not_connected(
    connect_desk: ConnectDesk, world: World, admin: Client
) -> None:
    where = connect_desk.connect(admin, "acme-bot", world.acme)["Location"]
    rows = ConnectionRequest.objects.unscoped("a test moves time")
    rows.update(expires_at=timezone.now() - timedelta(seconds=1))

    page = admin.get(where).content.decode()
    admin.post(where, {"decision": "confirm"})

    assert "This sign-in is over" in page
    assert connect_desk.accounts == []


def test_waiting_for_the_confirmation_counts_as_life_of_the_token(
    connect_desk: ConnectDesk, world: World, admin: Client
) -> None:
    connect_desk.server.life = 300
    where = connect_desk.connect(admin, "acme-bot", world.acme)["Location"]
    received = timezone.now()

    admin.post(where, {"decision": "confirm"})

    assert connect_desk.accounts[0].expires_at <= received + timedelta(seconds=301)


def scopes_of(url: str) -> set[str]:
    return set(parse_qs(urlsplit(url).query)["scope"][0].split())


def test_what_only_a_destructive_tool_needs_is_not_asked_by_itself(connect_desk: ConnectDesk, browser: Client) -> None:
    make_tool(connect_desk.toolkit, "NOTES_DELETE", effect="destructive", scopes=[["notes:delete"]])

    assert scopes_of(connect_desk.begin(browser)) == {"notes:read", "notes:write"}


def test_who_comes_from_a_destructive_tool_is_asked_for_what_it_needs(
    connect_desk: ConnectDesk, browser: Client
) -> None:
    make_tool(connect_desk.toolkit, "NOTES_DELETE", effect="destructive", scopes=[["notes:delete"]])

    page = browser.get(connect_desk.page(), {"tool": "NOTES_DELETE"}).content.decode()

    assert "notes:delete" in page
    assert scopes_of(connect_desk.begin(browser, tool="NOTES_DELETE")) == {"notes:read", "notes:write", "notes:delete"}


def test_an_auth_config_with_scopes_of_its_own_asks_for_those_alone(connect_desk: ConnectDesk, browser: Client) -> None:
    make_tool(connect_desk.toolkit, "NOTES_DELETE", effect="destructive", scopes=[["notes:delete"]])
    connect_desk.auth_config.scopes = ["notes:read"]
    connect_desk.auth_config.save()

    assert scopes_of(connect_desk.begin(browser, tool="NOTES_DELETE")) == {"notes:read"}
