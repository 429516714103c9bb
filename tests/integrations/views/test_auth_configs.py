"""The pages about an organization's own auth configs: what goes in, what comes out, and what hangs on one."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client
from werkzeug import Response

from integrations.credentials import client_of
from integrations.models import AuthConfig
from integrations.models.encrypted import seal
from orgs.models import AuditEvent
from tests.factories import (
    make_application,
    make_auth_config,
    make_connected_account,
    make_end_user,
    make_tool,
    make_toolkit,
)
from tests.flows.authorization_server import AuthorizationServer
from tests.world import World

pytestmark = pytest.mark.django_db
PAGES = "/orgs/acme/auth-configs/"
SECRET = "a-secret-that-nobody-reads"
ASKED = {
    "toolkit": "github",
    "name": "",
    "client_id": "Iv1.acme",
    "client_secret": SECRET,
    "scopes": "repo\r\nread:user",
}


@pytest.fixture
def admin(world: World) -> Client:
    make_tool(make_toolkit("github", name="GitHub"), "GITHUB_READ")
    return world.client("admin")


def of_acme(world: World) -> AuthConfig:
    found: AuthConfig = AuthConfig.objects.owned_by(world.acme.ref).select_related("toolkit").get()
    return found


def shown(client: Client, path: str = PAGES) -> str:
    answer = client.get(path)
    assert answer.status_code == 200
    return answer.content.decode()


def test_admin_brings_one_and_learns_which_callback_url_to_register(world: World, admin: Client) -> None:
    assert "No OAuth apps of your own" in shown(admin)

    page = admin.post(f"{PAGES}new/", ASKED, follow=True).content.decode()

    row = of_acme(world)
    assert (row.name, row.scopes, client_of(row).client_secret) == ("GitHub", ["repo", "read:user"], SECRET)
    assert f"/oauth/callback/{row.id}/" in page
    assert "Stored, encrypted, and never shown" in page
    for path in (PAGES, f"{PAGES}{row.text_id}/", f"{PAGES}{row.text_id}/change/", f"{PAGES}{row.text_id}/delete/"):
        assert "GitHub" in shown(admin, path)
        assert SECRET not in shown(admin, path)


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"toolkit": ""}, "This field is required"),
        ({"toolkit": "nothing-of-the-kind"}, "Select a valid choice"),
        ({"client_id": ""}, "This field is required"),
        ({"scopes": 'repo "quoted"'}, "scope"),
        ({"client_secret": "x" * 4001}, "at most 4000 characters"),
    ],
)
def test_form_that_does_not_fit_says_why_and_keeps_what_was_typed_but_the_secret(
    world: World, admin: Client, change: dict[str, str], says: str
) -> None:
    answer = admin.post(f"{PAGES}new/", {**ASKED, "name": "What I typed", **change})

    page = answer.content.decode()
    assert answer.status_code == 422
    assert says in page
    assert "What I typed" in page
    assert SECRET not in page
    assert not AuthConfig.objects.owned_by(world.acme.ref).exists()


def test_change_without_a_secret_keeps_the_one_that_is_there(world: World, admin: Client) -> None:
    admin.post(f"{PAGES}new/", ASKED)
    row = of_acme(world)
    page = f"{PAGES}{row.text_id}/"

    admin.post(f"{page}change/", {"name": "Ours", "client_id": "Iv1.two", "client_secret": "", "scopes": ""})

    changed = of_acme(world)
    assert (changed.name, changed.client_id, changed.scopes) == ("Ours", "Iv1.two", [])
    assert client_of(changed).client_secret == SECRET
    [event] = AuditEvent.objects.filter(action="auth_config.change")
    assert SECRET not in str(event.details)


def test_accounts_that_were_connected_with_it_are_named_and_those_of_end_users_counted(
    world: World, admin: Client
) -> None:
    admin.post(f"{PAGES}new/", ASKED)
    row = of_acme(world)
    make_connected_account(row.toolkit, owner=world.acme, auth_config=row, alias="Release bot")
    customer = make_end_user(make_application(world.acme))
    make_connected_account(row.toolkit, owner=customer, auth_config=row, alias="What they call it")
    page = f"{PAGES}{row.text_id}/"

    assert "Release bot" in shown(admin, page)
    assert "1 belongs to an end user" in shown(admin, page)
    assert "What they call it" not in shown(admin, page)

    refused = admin.post(f"{page}change/", {"name": "Ours", "client_id": "Iv1.two"})
    assert refused.status_code == 422
    assert "2 accounts are connected" in refused.content.decode()
    assert "2 accounts are connected" in shown(admin, f"{page}delete/")
    assert "2 accounts are connected" in admin.post(f"{page}delete/", follow=True).content.decode()
    assert client_of(of_acme(world)).client_id == "Iv1.acme"


def test_disable_enable_and_delete(world: World, admin: Client) -> None:
    admin.post(f"{PAGES}new/", ASKED)
    page = f"{PAGES}{of_acme(world).text_id}/"
    consent = "/orgs/acme/connections/new/github/"
    assert "Go on to GitHub" in shown(admin, consent)

    assert "Nobody connects an account with it" in admin.post(f"{page}disable/", follow=True).content.decode()
    assert "cannot be connected yet" in shown(admin, consent)
    assert "Accounts can be connected" in admin.post(f"{page}enable/", follow=True).content.decode()
    assert "is deleted" in admin.post(f"{page}delete/", follow=True).content.decode()

    assert admin.get(page).status_code == 404
    assert of_acme(world).client_secret is None


def test_toolkit_that_nobody_set_up_leads_admins_here_and_nobody_else(world: World, admin: Client) -> None:
    link = f"{PAGES}new/?toolkit=github"

    assert link in shown(admin, "/orgs/acme/connections/new/github/")
    assert link not in shown(world.client("member"), "/orgs/acme/connections/new/github/")
    assert "auth-configs" not in shown(admin, "/me/connections/new/github/")
    assert '<option value="github" selected' in shown(admin, link)


def test_one_for_keys_has_only_a_name(world: World, admin: Client) -> None:
    toolkit = make_toolkit("slack", name="Slack")
    row = make_auth_config(toolkit, owner=world.acme, name="Tokens", scheme="bearer_token", client_id="")
    page = f"{PAGES}{row.text_id}/"

    assert "Callback URL" not in shown(admin, page)
    assert "client_id" not in shown(admin, f"{page}change/")
    admin.post(f"{page}change/", {"name": "Our tokens"})
    assert of_acme(world).name == "Our tokens"
    assert "nothing to check" in admin.post(f"{page}check/", follow=True).content.decode()


@pytest.mark.parametrize(
    ("answer", "says"),
    [
        ({"error": "invalid_grant"}, "knows the client ID and accepts the secret"),
        ({"error": "bad_verification_code"}, "knows the client ID and accepts the secret"),
        ({"error": "invalid_client"}, "does not accept the client ID and secret"),
        ({"ok": False, "error": "bad_client_secret"}, "does not accept the client ID and secret"),
        ({"error": "redirect_uri_mismatch"}, "does not know the callback URL"),
        ({"error": "invalid_request"}, "did not say whether it knows the client"),
        ({"access_token": "handed-out-to-anybody", "token_type": "bearer"}, "were thrown away"),
    ],
)
def test_provider_is_asked_whether_it_knows_the_client(
    world: World,
    admin: Client,
    authorization_server_of: Callable[[], AuthorizationServer],
    answer: dict[str, Any],
    says: str,
) -> None:
    server = authorization_server_of()
    toolkit = make_toolkit("notes", name="Notes", definition=server.definition())
    row = make_auth_config(toolkit, owner=world.acme, name="Ours")
    status = 200 if "ok" in answer or "access_token" in answer else 400
    server.token_answer = lambda: Response(json.dumps(answer), status=status, mimetype="application/json")

    page = admin.post(f"{PAGES}{row.text_id}/check/", follow=True).content.decode()

    assert says in page
    assert "handed-out-to-anybody" not in page
    [asked] = server.token_requests
    assert asked["grant_type"] == "authorization_code"
    assert asked["redirect_uri"].endswith(f"/oauth/callback/{row.id}/")


def test_secret_that_nobody_can_read_any_more_is_asked_for_again(world: World, admin: Client) -> None:
    toolkit = make_toolkit("notes", name="Notes")
    row = make_auth_config(toolkit, owner=world.acme, name="Ours")
    of_another = seal("client-secret", table="auth_config", row=toolkit.id, field="client_secret")
    AuthConfig.objects.owned_by(world.acme.ref).filter(id=row.id).update(client_secret=of_another)

    page = admin.post(f"{PAGES}{row.text_id}/check/", follow=True).content.decode()

    assert "Give the client secret again" in page
