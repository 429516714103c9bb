"""Every cell of both truth tables that a key can ask, asked of the HTTP API (goal G3, check H1).

As a program asks: the key, the JSON, the rule, the run that is stored or refused, and the answer. What stands around
the API for browsers is left out, since it takes as long as all of that; `test_doors_agree` asks with it. What does not
depend on the cell is read once. Nothing is kept: each caller's cells are asked in a savepoint.
"""

import gc
import json
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import pytest
from django.core.cache import cache as shared_cache
from django.db import transaction
from django.test import RequestFactory
from django.urls import resolve
from django.utils import timezone
from django.utils.module_loading import import_string

from integrations.api.middleware import ApiMiddleware
from orgs.models import Application, Membership
from orgs.models.organizations import MemberStatus
from orgs.permissions import Actor
from orgs.services.applications import end_application
from tests.factories import actor_of, make_api_key, make_application_key
from tests.permissions import application_oracle, oracle
from tests.permissions.town import Town, tool_of, town_of_applications, town_of_people
from tests.world import World

pytestmark = pytest.mark.django_db
PATH = "/api/v3.1/executions"
# Callers of the table who cannot ask the API at all, each with the reason. Other tests ask for them.
NOT_BY_KEY = {
    "session": "Cookies are ignored: whoever is signed in in a browser is nobody here.",
    "support": "Support looks in the admin site; there is no key that acts as support.",
}
READ_ONCE = (
    "integrations.doors.keys.actor_from_key",
    "integrations.queries.catalogue.find_tool",
    "integrations.services.executions.find_tool",
    "integrations.access._rules_within_reach",
    "integrations.access._candidates",
)
Answer = tuple[int, str]
Asked = tuple[Any, Answer, Answer]


class Api:
    """The API with the one middleware that belongs to it."""

    def __init__(self) -> None:
        view: Any = resolve(PATH).func
        self.answer = ApiMiddleware(view)
        self.factory = RequestFactory()

    def run(self, key: str, tool: str, user_id: str, account: str) -> Answer:
        order = {"tool": tool, "user_id": user_id, "arguments": {"name": "x"}, "connected_account_id": account}
        headers = {"x-api-key": key} if key else {}
        response = self.answer(
            self.factory.generic("POST", PATH, json.dumps(order), "application/json", headers=headers)
        )
        body = json.loads(response.content)
        return response.status_code, "accepted" if response.status_code == 202 else _said(body["error"])


def _said(error: dict[str, Any]) -> str:
    names_another_id = "as user_id: the account is connected under that ID" in error["suggested_fix"]
    return error["slug"] + ("+hint" if error["slug"] == "no_connected_account" and names_another_id else "")


@pytest.fixture(autouse=True)
def _without_limits(settings: Any) -> None:
    settings.API_LIMIT_PER_KEY = settings.API_LIMIT_PER_OWNER = 1_000_000
    shared_cache.clear()


@pytest.fixture(autouse=True)
def _read_once(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Who a key is, what a tool is, which policies there are, and the accounts beside a tool: many cells share them."""
    for place in READ_ONCE:
        monkeypatch.setattr(place, remembered(import_string(place)))
    monkeypatch.setattr("orgs.services.audit._alert_if_many", lambda *_given: None)  # they are many, and on purpose
    gc.disable()
    yield
    gc.enable()


def remembered(read: Callable[..., Any]) -> Callable[..., Any]:
    """What was read for the same key, tool and account."""
    known: dict[Any, Any] = {}

    def again(*given: Any, now: Any = None, **named: Any) -> Any:
        mark = tuple(_mark(one) for one in (*given, *named.values()))
        if mark not in known:
            known[mark] = read(*given, **named, **({"now": now} if now else {}))
        return known[mark]

    return again


def _mark(value: Any) -> Any:
    return (value.key_id, value.end_users) if isinstance(value, Actor) else value


class rolled_back:  # noqa: N801  # reads like `transaction.atomic`
    """Whatever is written is gone afterwards."""

    def __enter__(self) -> None:
        self.atomic = transaction.atomic()
        self.atomic.__enter__()

    def __exit__(self, *error: object) -> None:
        transaction.set_rollback(True)
        self.atomic.__exit__(*error)


def ask(town: Town, key: str, cells: list[Any], decide: Callable[[Any], Answer]) -> list[Asked]:
    """The cells that were answered otherwise than the oracle says."""
    api = Api()
    found = []
    for cell in cells:
        requested, owner, state, pick = cell[-4:]
        given = api.run(key, tool_of(owner, state), town.requested(requested), town.named(owner, state, pick))
        found.append((cell, decide(cell), given))
    return [one for one in found if one[1] != one[2]]


def grouped(cells: Iterable[Any], words: int) -> dict[Any, list[Any]]:
    """By who asks, which the first words of a cell say."""
    found: dict[Any, list[Any]] = {}
    for cell in cells:
        found.setdefault(cell[:words], []).append(cell)
    return found


# --- People and organizations


def key_in(town: Town, caller: str, role: str) -> str:
    """The key with which this caller comes; what the cell says of them holds in the database."""
    world, now = town.world, timezone.now()
    if caller == "anon":
        return ""
    if caller == "org_key":
        return make_api_key(world.acme)[1]
    row, text = make_api_key(world.member, organization=world.acme.ref)
    if caller == "revoked_key":
        type(row).objects.filter(id=row.id).update(revoked_at=now)
    if caller == "suspended_user":
        type(world.member).objects.filter(id=world.member.id).update(is_active=False)
    change = {"status": MemberStatus.LEFT} if role == "ex_member" else {"role": role}
    Membership.objects.filter(organization=world.acme, user=world.member).update(**change)
    return text


def test_every_cell_of_people_and_organizations(world: World) -> None:
    town, wrong, asked = town_of_people(world), [], Counter[str]()
    for (caller, role), cells in grouped(oracle.cells(), 2).items():
        asked[caller] += len(cells)
        if caller not in NOT_BY_KEY:
            with rolled_back():
                wrong += ask(town, key_in(town, caller, role), cells, oracle.decide)

    assert wrong == []
    left_out = {caller: asked.pop(caller) for caller in NOT_BY_KEY}
    assert left_out == {"session": 3224, "support": 806}
    assert asked == {"anon": 806, "user_key": 3224, "org_key": 744, "revoked_key": 3224, "suspended_user": 3224}


# --- Applications


def key_for(town: Town, caller: str, shop: Application) -> str:
    if caller == "org_key":
        return make_api_key(town.world.acme)[1]
    if caller == "user_key":
        return make_api_key(town.world.owner)[1]
    text = make_application_key(shop)[1]
    if caller == "ended_app_key":
        ending: dict[str, Any] = {"owner": town.world.acme.ref, "application_id": shop.id, "now": timezone.now()}
        end_application(actor=actor_of(town.world.owner), **ending)
    return text


def test_every_cell_of_applications(world: World) -> None:
    (town, shop), wrong, asked = town_of_applications(world), [], Counter[str]()
    for (caller,), cells in grouped(application_oracle.cells(), 1).items():
        asked[caller] += len(cells)
        with rolled_back():
            wrong += ask(town, key_for(town, caller, shop), cells, application_oracle.decide)

    assert wrong == []
    assert asked == {"app_key": 1204, "ended_app_key": 1204, "org_key": 430, "user_key": 430}


def test_an_answer_that_is_not_the_oracles_is_noticed(world: World) -> None:
    town = town_of_people(world)
    refused = ("user_key", "member", "own_user", "own_org", "ACTIVE", "implicit")
    key = key_in(town, "user_key", "member")

    found = ask(town, key, [refused], lambda _cell: (202, "accepted"))

    assert found == [(refused, (202, "accepted"), (404, "no_connected_account+hint"))]
    assert ask(town, key, [refused], oracle.decide) == []
