"""The newcomer's round trip: our consent page, the sandbox's, back again, a run with a visible effect, disconnect."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any
from urllib.parse import urlsplit

import pytest
from django.db import connection
from django.test import Client
from django.utils import timezone
from pytest_django import Settings
from pytest_django.live_server_helper import LiveServer

from accounts.models import User
from integrations.catalog import load_definitions, sync
from integrations.credentials import credentials_for, open_values, seal_client_secret
from integrations.jobs import claim_next, execute
from integrations.models import AuthConfig, ConnectedAccount, Execution, Toolkit
from integrations.sandbox.models import Token
from integrations.services.executions import Order, submit_execution
from orgs.models import Organization
from tests.factories import actor_of, make_auth_config, owner_ref
from tests.fixtures_connect import forget_client
from tests.flows.connecting import pages_of
from tests.integrations.desk import reread, stored_result
from tests.world import World, make_world

pytestmark = pytest.mark.django_db(transaction=True)
THREADS = 8


@pytest.fixture
def sandbox(live_server: LiveServer, settings: Settings) -> Iterator[AuthConfig]:
    """The sandbox on a live server, and the installation's auth config for it."""
    settings.BASE_URL = live_server.url
    settings.EGRESS_REQUIRE_HTTPS = False
    settings.EGRESS_ALLOW = frozenset({urlsplit(live_server.url).netloc})
    forget_client()
    definitions = [definition for definition in load_definitions() if definition.slug == "sandbox"]
    sync(definitions, now=timezone.now())
    config = make_auth_config(Toolkit.objects.get(slug="sandbox"), client_id=settings.SANDBOX_CLIENT_ID)
    config.client_secret = seal_client_secret(config.id, settings.SANDBOX_CLIENT_SECRET)
    config.save()
    yield config
    forget_client()


@pytest.fixture
def people(sandbox: AuthConfig) -> World:
    return make_world()


def connect(browser: Client, config: AuthConfig, identity: str, holder: User | Organization | None = None) -> Any:
    """Through both consent pages; the page on which it ends."""
    begun = browser.post(f"{pages_of(holder)}/connections/new/sandbox/", {"way": config.text_id})
    page = urlsplit(begun["Location"])
    decided = Client().post(f"{page.path}?{page.query}", {"identity": identity, "decision": "allow"})
    back = urlsplit(decided["Location"])
    return browser.get(f"{back.path}?{back.query}", follow=True)


def accounts() -> list[ConnectedAccount]:
    rows = ConnectedAccount.objects.unscoped("a test looks at what it made")
    return list(rows.select_related("toolkit", "auth_config__toolkit").order_by("id"))


def run(user: User, holder: User | Organization, tool: str, **arguments: Any) -> Execution:
    order = Order(requested=owner_ref(holder).text_id, tool=tool, arguments=arguments)
    organization = holder if isinstance(holder, Organization) else None
    submitted = submit_execution(actor=actor_of(user, organization), order=order, now=timezone.now())
    claim = claim_next()
    assert claim is not None
    execute(claim)
    return reread(submitted.id)


def test_a_person_connects_the_sandbox_and_reads_their_own_mail(people: World, sandbox: AuthConfig) -> None:
    page = connect(people.client("member"), sandbox, "ada")

    ended = run(people.member, people.member, "SANDBOX_GET_PROFILE")

    assert "ada.park@sandbox.example" in page.content.decode()
    assert (ended.status, stored_result(ended)["result"]["email"]) == ("succeeded", "ada.park@sandbox.example")


def test_an_admin_connects_it_for_the_organization_and_a_member_posts(people: World, sandbox: AuthConfig) -> None:
    admin = people.client("admin")
    page = connect(admin, sandbox, "acme", people.acme)
    assert accounts() == []
    admin.post(page.request["PATH_INFO"], {"decision": "confirm"})

    ended = run(people.member, people.acme, "SANDBOX_POST_TO_CHANNEL", channel="general", text="Hello from the team!")

    assert ended.status == "succeeded"
    assert "Hello from the team!" in Client().get("/sandbox/").content.decode()


def test_an_expired_token_is_renewed_on_the_way(people: World, sandbox: AuthConfig) -> None:
    connect(people.client("member"), sandbox, "sam")
    age_everything()

    ended = run(people.member, people.member, "SANDBOX_GET_PROFILE")

    assert ended.status == "succeeded"
    assert accounts()[0].token_version == 1


def age_everything() -> None:
    past = timezone.now() - timedelta(seconds=5)
    ConnectedAccount.objects.unscoped("a test moves time").update(expires_at=past)
    Token.objects.update(expires_at=past)


def test_many_workers_renew_the_sandboxs_rotating_token_once(people: World, sandbox: AuthConfig) -> None:
    """The sandbox ends the whole grant when a refresh token comes twice: a second renewal would show."""
    connect(people.client("member"), sandbox, "sam")
    (account,) = accounts()
    age_everything()
    together = threading.Barrier(THREADS)

    def open_them(_number: int) -> str:
        together.wait()
        try:
            return credentials_for(account.id).credentials.values["access_token"]
        finally:
            connection.close()

    with ThreadPoolExecutor(THREADS) as pool:
        tokens = set(pool.map(open_them, range(THREADS)))

    assert len(tokens) == 1
    assert Token.objects.count() == 2
    assert run(people.member, people.member, "SANDBOX_GET_PROFILE").status == "succeeded"


def test_disconnecting_ends_the_grant_at_the_sandbox(people: World, sandbox: AuthConfig) -> None:
    browser = people.client("member")
    connect(browser, sandbox, "sam")
    (account,) = accounts()
    assert open_values(account)["refresh_token"].startswith("sbx_rt")

    page = browser.post(f"/me/connections/{account.text_id}/disconnect/", follow=True)

    assert "The provider confirmed" in page.content.decode()
    assert not Token.objects.filter(revoked_at=None).exists()


def test_denied_at_the_sandbox_is_a_friendly_page(people: World, sandbox: AuthConfig) -> None:
    browser = people.client("member")
    begun = browser.post("/me/connections/new/sandbox/", {"way": sandbox.text_id})
    page = urlsplit(begun["Location"])
    back = urlsplit(Client().post(f"{page.path}?{page.query}", {"decision": "deny"})["Location"])

    ended = browser.get(f"{back.path}?{back.query}", follow=True)

    assert "without giving consent" in ended.content.decode()
    assert accounts() == []
