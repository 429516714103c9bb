"""Connecting without OAuth: the shipped Jira by user name and token, a toolkit of ours by an API key.

The network is replaced where a request would leave for it: everything before that is the product's own.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from integrations.catalog import load_definitions, sync
from integrations.engine.http import OutboundClient
from integrations.engine.types import HttpRequest, HttpResponse
from integrations.jobs import claim_next, execute
from integrations.models import AuthConfig, ConnectedAccount, Execution, Toolkit
from integrations.services.executions import Order, submit_execution
from tests.factories import actor_of, make_auth_config, make_tool, make_toolkit, owner_ref
from tests.integrations.desk import reread, stored_result
from tests.world import World

SITE, USERNAME, SECRET = "acme.atlassian.net", "ada@example.com", "jira-token-canary"
ADA = {"accountId": "712020:ada", "displayName": "Ada Park", "emailAddress": USERNAME}
TYPED = {"field_site": SITE, "field_username": USERNAME, "field_password": SECRET}
PAIR = base64.b64encode(f"{USERNAME}:{SECRET}".encode()).decode()


@dataclass
class Network:
    """Answers by address, and keeps what was sent. What it does not know is refused as a wrong password is."""

    answers: dict[str, Any] = field(default_factory=dict)
    sent: list[HttpRequest] = field(default_factory=list)

    def send(
        self, request: HttpRequest, *, before_first_byte: Callable[[], bool] | None = None, **_limits: Any
    ) -> HttpResponse:
        assert before_first_byte is None or before_first_byte()
        self.sent.append(request)
        body = json.dumps(self.answers.get(request.url, {"message": "Wrong credentials."})).encode()
        status = 200 if request.url in self.answers else 401
        return HttpResponse(status, {"content-type": "application/json"}, body)


@pytest.fixture
def network(monkeypatch: pytest.MonkeyPatch) -> Network:
    made = Network()
    monkeypatch.setattr(OutboundClient, "send", lambda _client, request, **limits: made.send(request, **limits))
    return made


@pytest.fixture
def jira(world: World) -> AuthConfig:
    sync(load_definitions(), now=timezone.now())
    return make_auth_config(Toolkit.objects.get(slug="jira"), scheme="basic", name="API token", client_id="")


def connect(browser: Client, way: AuthConfig, **typed: str) -> Any:
    return browser.post(f"/me/connections/new/{way.toolkit.slug}/", {"way": way.text_id, **typed})


def accounts() -> list[ConnectedAccount]:
    return list(ConnectedAccount.objects.unscoped("a test looks at what it made").order_by("id"))


def run(world: World, tool: str, **arguments: Any) -> Execution:
    order = Order(requested=owner_ref(world.member).text_id, tool=tool, arguments=arguments)
    submitted = submit_execution(actor=actor_of(world.member), order=order, now=timezone.now())
    claim = claim_next()
    assert claim is not None
    execute(claim)
    return reread(submitted.id)


def test_a_person_connects_jira_by_a_token_and_runs_a_tool(world: World, jira: AuthConfig, network: Network) -> None:
    network.answers[f"https://{SITE}/rest/api/3/myself"] = ADA
    browser = world.client("member")

    answer = connect(browser, jira, **TYPED)
    ended = run(world, "JIRA_GET_CURRENT_USER")

    (account,) = accounts()
    assert answer["Location"] == f"/me/connections/{account.text_id}/"
    assert (account.scheme, account.identity_label, account.identity_email) == ("basic", "Ada Park", USERNAME)
    assert account.base_url == f"https://{SITE}/rest/api/3"
    assert (ended.status, ended.connected_account_id) == ("succeeded", account.id)
    assert [one.headers["Authorization"] for one in network.sent] == [f"Basic {PAIR}"] * 2
    assert stored_result(ended)["result"]["displayName"] == "Ada Park"
    for page in (answer["Location"], f"/me/runs/{ended.text_id}/"):
        shown = browser.get(page).text
        assert SECRET not in shown
        assert PAIR not in shown


@pytest.mark.parametrize("site", ["evil.example", "acme.atlassian.net.evil.example", "acme.atlassian.net/x", ""])
def test_the_secret_never_leaves_for_another_site(world: World, jira: AuthConfig, network: Network, site: str) -> None:
    answer = connect(world.client("member"), jira, **{**TYPED, "field_site": site})

    assert answer.status_code == 422
    assert (network.sent, accounts()) == ([], [])
    assert SECRET not in answer.text


def test_what_jira_does_not_accept_is_not_connected(world: World, jira: AuthConfig, network: Network) -> None:
    answer = connect(world.client("member"), jira, **TYPED)

    assert answer.status_code == 422
    assert "Jira does not accept these credentials" in answer.text
    assert (len(network.sent), accounts()) == (1, [])
    assert SECRET not in answer.text


@pytest.mark.parametrize(
    ("placement", "there"),
    [
        (None, ("https://api.weather.test/user", {"X-API-Key": "key-canary-1"})),
        (
            {"where": "query", "name": "appid", "template": "{api_key}"},
            ("https://api.weather.test/user?appid=key-canary-1", {}),
        ),
    ],
)
def test_an_api_key_goes_where_its_provider_wants_it(
    world: World, network: Network, placement: dict[str, str] | None, there: tuple[str, dict[str, str]]
) -> None:
    url, headers = there
    way = make_auth_config(weather(placement), scheme="api_key", name="Key", client_id="")
    network.answers |= {url: {"id": 7, "login": "ada"}, url.replace("/user", "/things/rain"): {"rain": True}}

    answer = connect(world.client("member"), way, field_api_key="key-canary-1")
    ended = run(world, "WEATHER_GET_THING", name="rain")

    (account,) = accounts()
    assert answer["Location"] == f"/me/connections/{account.text_id}/"
    assert (account.scheme, account.identity_label) == ("api_key", "ada")
    assert (ended.status, stored_result(ended)["result"]) == ("succeeded", {"rain": True})
    assert all(headers.items() <= request.headers.items() for request in network.sent)
    assert "key-canary-1" not in json.dumps(stored_result(ended))


def weather(placement: dict[str, str] | None) -> Toolkit:
    toolkit = make_toolkit("weather")
    entry: dict[str, Any] = {
        "scheme": "api_key",
        "name": "API key",
        "fields": [{"name": "api_key", "label": "API key", "secret": True}],
    }
    toolkit.definition["auth_schemes"] = [{**entry, "placement": placement} if placement else entry]
    toolkit.save()
    make_tool(toolkit)
    return toolkit
