"""The seeds' own two calls against servers that others wrote: GitHub for a person, Slack for the organization."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx2
import pytest
from django.test import Client
from django.utils import timezone
from pytest_django import Settings

from accounts.models import User
from integrations.catalog import load_definitions, sync
from integrations.credentials import open_values, seal_client_secret
from integrations.jobs import claim_next, execute
from integrations.models import AuthConfig, ConnectedAccount, Execution, Toolkit
from integrations.services.executions import Order, submit_execution
from orgs.models import Organization
from tests.emulate.server import PERSONAL_TOKEN, Emulate
from tests.factories import actor_of, make_auth_config, owner_ref
from tests.fixtures_connect import forget_client
from tests.flows.connecting import pages_of
from tests.integrations.desk import reread, stored_result
from tests.world import World

pytestmark = pytest.mark.emulate
SLACK_SCOPES = ["chat:write", "channels:read", "channels:history", "users:read"]


class Providers:
    """emulate, with an auth config for its GitHub and one for its Slack."""

    def __init__(self, emulate: Emulate) -> None:
        self.emulate = emulate
        self.configs = {slug: self._config(slug) for slug in ("github", "slack")}

    def _config(self, slug: str) -> AuthConfig:
        toolkit = Toolkit.objects.get(slug=slug)
        client_id, secret = self.emulate.client(slug)
        config = make_auth_config(toolkit, client_id=client_id, overrides=self.emulate.overrides(slug))
        config.client_secret = seal_client_secret(config.id, secret)
        config.scopes = SLACK_SCOPES if slug == "slack" else []
        config.save()
        return config

    def connect(self, browser: Client, slug: str, login: str, holder: User | Organization | None = None) -> str:
        """From our consent page over emulate's to where our callback leads."""
        config = self.configs[slug]
        begun = browser.post(f"{pages_of(holder)}/connections/new/{slug}/", {"way": config.text_id})
        back = urlsplit(self.emulate.approve(begun["Location"], login))
        assert back.path == f"/oauth/callback/{config.id}/"
        answer = browser.get(back.path, {name: values[0] for name, values in parse_qs(back.query).items()})
        return str(answer["Location"])


@pytest.fixture
def providers(emulate_to_start: Emulate, world: World, settings: Settings) -> Iterator[Providers]:
    settings.EGRESS_REQUIRE_HTTPS = False
    settings.EGRESS_ALLOW = settings.EGRESS_ALLOW | emulate_to_start.hosts()
    forget_client()
    sync(load_definitions(), now=timezone.now())
    made = Providers(emulate_to_start)
    emulate_to_start.start([f"{settings.BASE_URL}/oauth/callback/{config.id}/" for config in made.configs.values()])
    yield made
    forget_client()


def accounts() -> list[ConnectedAccount]:
    rows = ConnectedAccount.objects.unscoped("a test looks at what it made")
    return list(rows.select_related("toolkit", "owner__user", "owner__organization").order_by("id"))


def run(user: User, holder: User | Organization, tool: str, **arguments: Any) -> Execution:
    order = Order(requested=owner_ref(holder).text_id, tool=tool, arguments=arguments)
    organization = holder if isinstance(holder, Organization) else None
    submitted = submit_execution(actor=actor_of(user, organization), order=order, now=timezone.now())
    if submitted.status == "queued":
        claim = claim_next()
        assert claim is not None
        execute(claim)
    return reread(submitted.id)


def ask_slack(providers: Providers, account: ConnectedAccount, method: str, **form: str) -> Any:
    token = open_values(account)["access_token"]
    with httpx2.Client(trust_env=False) as caller:
        url = providers.emulate.url("slack", f"/api/{method}")
        return caller.post(url, headers={"Authorization": f"Bearer {token}"}, data=form).json()


def test_a_person_connects_github_and_reads_a_repository(providers: Providers, world: World) -> None:
    browser = world.client("member")

    page = browser.get(providers.connect(browser, "github", "ada"))
    ended = run(world.member, world.member, "GITHUB_GET_REPO", owner="acme", repo="widgets")

    (account,) = accounts()
    assert "ada" in page.content.decode()
    assert account.identity_label == "ada"  # and not the decoy, whom emulate takes every unknown token for
    assert (ended.status, ended.connected_account_id) == ("succeeded", account.id)
    assert stored_result(ended)["result"]["full_name"] == "acme/widgets"


def test_a_person_connects_github_by_a_token_of_their_own(providers: Providers, world: World) -> None:
    browser = world.client("member")
    github = providers.configs["github"]
    overrides = {name: github.overrides[name] for name in ("base_url", "identity_url")}
    way = make_auth_config(github.toolkit, scheme="bearer_token", name="Token", client_id="", overrides=overrides)
    page = "/me/connections/new/github/"

    answer = browser.post(page, {"way": way.text_id, "field_token": PERSONAL_TOKEN})
    ended = run(world.member, world.member, "GITHUB_GET_THE_AUTHENTICATED_USER")

    (account,) = accounts()
    assert answer["Location"] == f"/me/connections/{account.text_id}/"
    assert (account.scheme, account.identity_label, account.scopes) == ("bearer_token", "sam", None)
    assert (ended.status, ended.connected_account_id) == ("succeeded", account.id)
    assert stored_result(ended)["result"]["login"] == "sam"
    for shown in (browser.get(answer["Location"]), browser.get(f"/me/runs/{ended.text_id}/")):
        assert (shown.status_code, PERSONAL_TOKEN in shown.text) == (200, False)


def test_two_people_are_two_identities(providers: Providers, world: World) -> None:
    for persona, login in (("member", "ada"), ("admin", "sam")):
        providers.connect(world.client(persona), "github", login)

    profiles = [
        stored_result(run(user, user, "GITHUB_GET_THE_AUTHENTICATED_USER"))["result"]["login"]
        for user in (world.member, world.admin)
    ]

    assert [account.identity_label for account in accounts()] == ["ada", "sam"]
    assert profiles == ["ada", "sam"]


def test_an_admin_connects_slack_and_a_member_posts_as_the_organization(providers: Providers, world: World) -> None:
    admin = world.client("admin")
    where = providers.connect(admin, "slack", "ada", world.acme)
    assert accounts() == []
    admin.post(where, {"decision": "confirm"})
    (account,) = accounts()

    ended = run(world.member, world.acme, "SLACK_SEND_MESSAGE", channel="#general", text="Hello from the team!")

    assert account.owner.organization == world.acme
    assert "Acme" in account.identity_label
    assert (ended.status, ended.connected_account_id) == ("succeeded", account.id)
    channel = stored_result(ended)["result"]["channel"]
    history = ask_slack(providers, account, "conversations.history", channel=channel)
    assert [message["text"] for message in history["messages"]][:1] == ["Hello from the team!"]


def test_the_organizations_slack_does_not_answer_to_a_members_own_id(providers: Providers, world: World) -> None:
    admin = world.client("admin")
    admin.post(providers.connect(admin, "slack", "ada", world.acme), {"decision": "confirm"})

    ended = run(world.member, world.member, "SLACK_SEND_MESSAGE", channel="#general", text="Hello")

    assert (ended.status, ended.error_code) == ("denied", "no_connected_account")
    assert f"use the organization ID {world.acme.ref.text_id}" in ended.error_message


def test_disconnecting_says_honestly_that_emulate_has_no_call_for_it(providers: Providers, world: World) -> None:
    browser = world.client("member")
    providers.connect(browser, "github", "ada")
    (account,) = accounts()

    answer = browser.post(f"/me/connections/{account.text_id}/disconnect/", follow=True)

    assert accounts()[0].credentials is None
    assert "did not confirm the withdrawal" in answer.content.decode()
