"""The admin site of toolkits, connections and runs: metadata only; client secrets go in and never come out."""

from typing import Any

import pytest
from django.contrib import admin
from django.test import Client

from accounts.admin_base import ShownAdmin
from integrations.credentials import client_of
from integrations.models import AuthConfig
from tests.factories import (
    make_auth_config,
    make_connected_account,
    make_execution,
    make_tool,
    make_toolkit,
)
from tests.staff import make_superuser, sign_in
from tests.world import World

pytestmark = pytest.mark.django_db
SECRET = "client-secret-canary-3f9a"
HIDDEN = {
    "integrations.AuthConfig": {"id", "client_secret"},
    "integrations.ConnectedAccount": {
        "alias",
        "identity_key",
        "identity_email",
        "base_url",
        "credentials",
        "token_version",
        "refresh_lease",
        "refresh_lease_until",
    },
    "integrations.Execution": {
        "tool_slug",
        "decision",
        "arguments",
        "result",
        "idempotency_key",
        "fingerprint",
        "lease_token",
        "error_message",
    },
    "integrations.Tool": {"id", "input_schema", "definition", "search_text"},
    "integrations.Toolkit": {"id", "description", "categories", "definition", "logo"},
}
OURS = [one for one in admin.site._registry if one._meta.label in HIDDEN]


@pytest.fixture
def superuser(db: None) -> Client:
    return sign_in(make_superuser())


def form_data(toolkit: Any, **values: str) -> dict[str, str]:
    return {
        "toolkit": str(toolkit.id),
        "scheme": "oauth2",
        "name": "GitHub",
        "client_id": "client-1",
        "secret": SECRET,
        "scopes": '["repo"]',
        "overrides": "{}",
        "is_enabled": "on",
        **values,
    }


def the_row() -> AuthConfig:
    row: AuthConfig = AuthConfig.objects.unscoped("a test").select_related("toolkit").get()
    return row


@pytest.mark.parametrize("model", OURS, ids=lambda one: one._meta.label)
def test_every_column_is_shown_or_hidden_on_purpose(model: Any) -> None:
    site: Any = admin.site._registry[model]
    columns = {field.name for field in model._meta.fields}

    assert (set(site.shown) | HIDDEN[model._meta.label]) >= columns
    assert not set(site.shown) & HIDDEN[model._meta.label]
    assert isinstance(site, ShownAdmin)


@pytest.mark.parametrize("model", OURS, ids=lambda one: one._meta.label)
def test_hidden_columns_cannot_be_asked_about(superuser: Client, model: Any) -> None:
    for column in HIDDEN[model._meta.label]:
        for lookup in ("", "__startswith", "__regex", "__gt"):
            address = f"/admin/integrations/{model._meta.model_name}/"
            response = superuser.get(address, {f"{column}{lookup}": "a"})
            assert response.status_code in {302, 400}, f"{column}{lookup}"


def test_a_superuser_makes_an_auth_config_and_its_secret_is_sealed(superuser: Client) -> None:
    toolkit = make_toolkit()

    response = superuser.post("/admin/integrations/authconfig/add/", form_data(toolkit))

    assert response.status_code == 302
    assert client_of(the_row()).client_secret == SECRET
    page = superuser.get(f"/admin/integrations/authconfig/{the_row().id}/change/").content.decode()
    assert SECRET not in page
    assert f"/oauth/callback/{the_row().id}/" in page


def test_an_empty_secret_keeps_the_stored_one(superuser: Client) -> None:
    row = make_auth_config(make_toolkit())
    before = client_of(row).client_secret

    data = form_data(row.toolkit, secret="", client_id="client-2")
    response = superuser.post(f"/admin/integrations/authconfig/{row.id}/change/", data)

    assert response.status_code == 302
    assert (client_of(the_row()).client_id, client_of(the_row()).client_secret) == ("client-2", before)


@pytest.mark.parametrize(
    ("values", "says"),
    [
        ({"client_id": ""}, "OAuth needs the client ID"),
        ({"scheme": "basic"}, "does not offer this"),
        ({"overrides": '{"token_url": "https://169.254.169.254/"}'}, "token_url"),
        ({"overrides": '{"no_such": "https://example.com/"}'}, "cannot be overridden"),
    ],
)
def test_an_auth_config_that_cannot_work_is_refused(superuser: Client, values: dict[str, str], says: str) -> None:
    response = superuser.post("/admin/integrations/authconfig/add/", form_data(make_toolkit(), **values))

    assert response.status_code == 200
    assert says in response.content.decode()
    assert not AuthConfig.objects.unscoped("a test").exists()


def test_an_organizations_own_auth_config_is_only_looked_at(superuser: Client, world: World) -> None:
    row = make_auth_config(make_toolkit(), owner=world.acme)

    page = superuser.get(f"/admin/integrations/authconfig/{row.id}/change/")
    changed = superuser.post(f"/admin/integrations/authconfig/{row.id}/change/", form_data(row.toolkit))

    assert page.status_code == 200
    assert changed.status_code == 403


def test_staff_without_the_right_make_no_auth_config(world: World) -> None:
    toolkit = make_toolkit()

    response = sign_in(world.staff).post("/admin/integrations/authconfig/add/", form_data(toolkit))

    assert response.status_code == 403
    assert not AuthConfig.objects.unscoped("a test").exists()


def test_no_page_shows_arguments_or_credentials(superuser: Client, world: World) -> None:
    tool = make_tool(make_toolkit())
    account = make_connected_account(tool.toolkit, owner=world.acme, access_token="token-canary-71c2")
    row = make_execution(tool, owner=world.acme, user=world.member, connected_account=account)

    pages = [
        superuser.get(f"/admin/integrations/execution/{row.id}/change/"),
        superuser.get(f"/admin/integrations/connectedaccount/{account.id}/change/"),
        superuser.get("/admin/integrations/execution/"),
        superuser.get("/admin/integrations/connectedaccount/"),
        superuser.get("/admin/integrations/tool/"),
        superuser.get("/admin/integrations/connectionrequest/"),
    ]

    for page in pages:
        assert page.status_code == 200
        for hidden in ("token-canary-71c2", account.credentials.text, row.arguments.text):
            assert hidden not in page.content.decode()
