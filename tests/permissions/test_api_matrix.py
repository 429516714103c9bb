"""Every operation of the API gives each key exactly the answer of its row (checks T1, T2, T3, T6, T9, K4)."""

import json
import re
from collections.abc import Iterator
from typing import Any

import pytest
from django.core.cache import cache
from django.test import Client
from django.urls import URLPattern, get_resolver
from django.utils import timezone

from accounts.models import User
from integrations.api.document import openapi_document
from integrations.models import ConnectedAccount, Execution, Toolkit
from integrations.services.executions import VIA_API
from integrations.services.tool_sessions import SessionPlan, create_session
from orgs.models import Organization
from orgs.permissions import Scope
from tests.factories import actor_of, make_api_key, make_application_key, make_auth_config
from tests.permissions.api_matrix import OPERATIONS, PERSONAS, Operation
from tests.permissions.test_url_matrix import snapshot, undone
from tests.permissions.urls import Furniture
from tests.security.answers import never_given
from tests.world import World

pytestmark = pytest.mark.usefixtures("furnished_once")
ROOT = "/api/v3.1"


@pytest.fixture(autouse=True)
def _answers_at_once(settings: Any) -> None:
    settings.API_WAIT_LIMIT = 0
    cache.clear()


def key_of(world: World, persona: str, scope: str) -> str:
    if persona == "anonymous":
        return ""
    if persona == "org_key":
        return make_api_key(world.acme)[1]
    if persona == "app_key":
        return make_application_key(world.acme)[1]
    if persona == "lacking":
        left = [one for one in Scope if one.value not in scope.split()] if scope else [Scope.CONNECTIONS_READ]
        return make_api_key(world.owner, *left)[1]
    return make_api_key(world.people[persona])[1]


def things(world: World, parts: dict[str, Any], organization: Organization) -> dict[str, str]:
    return {
        "session": session_of(organization, world.member if organization == world.acme else world.outsider),
        "acme": organization.ref.text_id,
        "tool": parts["name"],
        "account": parts["account_id"],
        "run": parts["execution_id"],
        "over": parts["finished_id"],
        "webhook": parts["webhook_id"],
        "delivery": parts["delivery_id"],
        "config": f"ac_{parts['auth_config_id'].hex}",
        "own_config": parts["own_config_id"],
        "consent": parts["consent_id"],
    }


def session_of(organization: Organization, user: User) -> str:
    """A tool session of the organization, made by that user."""
    plan = SessionPlan(takes_all=True)
    actor, moment = actor_of(user, organization), timezone.now()
    session = create_session(actor=actor, owner=organization.ref, plan=plan, origin=VIA_API, now=moment)
    return session.text_id


def filled(value: Any, names: dict[str, str]) -> Any:
    """The same with every {name} replaced."""
    text = json.dumps(value)
    for name, one in names.items():
        text = text.replace(f"{{{name}}}", one)
    return json.loads(text)


def ask(operation: Operation, names: dict[str, str], key: str) -> Any:
    body = None if operation.body is None else json.dumps(filled(operation.body, names))
    headers = {"x-api-key": key} if key else {}
    return Client(raise_request_exception=False).generic(
        operation.method,
        ROOT + filled(operation.path, names),
        body or "",
        "application/json",
        headers=headers,
    )


def described() -> Iterator[tuple[str, str, str]]:
    for path, methods in openapi_document()["paths"].items():
        for method, operation in methods.items():
            yield operation["operationId"], method.upper(), path


def test_every_operation_has_a_row_and_every_row_an_operation() -> None:
    assert sorted(name for name, _, _ in described()) == sorted(OPERATIONS)


def test_every_row_has_a_code_for_each_persona() -> None:
    assert {len(one.codes.split()) for one in OPERATIONS.values()} == {len(PERSONAS)}


def test_every_operation_has_a_route_and_every_route_an_operation() -> None:
    """What is not described does not answer, and the other way round (check T2)."""
    resolver = get_resolver()
    found = {path for path, _ in routes(resolver, "") if path.startswith("api/v3.1/")}
    told = {f"api/v3.1{path}".replace("{", "<").replace("}", ">") for _, _, path in described()}

    assert {path.replace("str:", "") for path in found} == told | {"api/v3.1/openapi.json"}


def routes(resolver: Any, before: str) -> Iterator[tuple[str, Any]]:
    for pattern in resolver.url_patterns:
        path = before + str(pattern.pattern)
        if isinstance(pattern, URLPattern):
            yield path, pattern.callback
        else:
            yield from routes(pattern, path)


@pytest.mark.parametrize("name", sorted(OPERATIONS))
def test_operation_answers_each_key_as_the_table_says(world: World, furniture: Furniture, name: str) -> None:
    operation = OPERATIONS[name]
    names = things(world, furniture.acme, world.acme)
    answers = []
    for persona in PERSONAS:
        key = key_of(world, persona, operation.scope)
        with undone():
            answers.append(ask(operation, names, key).status_code)

    assert dict(zip(PERSONAS, answers, strict=True)) == dict(
        zip(PERSONAS, map(int, operation.codes.split()), strict=True)
    )


@pytest.mark.parametrize("name", sorted(OPERATIONS))
def test_key_that_lacks_the_scope_is_told_which(world: World, furniture: Furniture, name: str) -> None:
    operation = OPERATIONS[name]
    if not operation.scope:
        pytest.skip("needs no scope: a key may always ask whom it acts as")

    for scope in operation.scope.split():
        response = ask(operation, things(world, furniture.acme, world.acme), key_of(world, "lacking", scope))

        error = response.json()["error"]
        assert error["slug"] == "insufficient_scope"
        assert scope in error["message"]


WRITING = sorted(name for name, one in OPERATIONS.items() if one.method != "GET")


@pytest.mark.parametrize("name", WRITING)
def test_refused_call_changes_nothing(world: World, furniture: Furniture, name: str) -> None:
    operation = OPERATIONS[name]
    names = things(world, furniture.acme, world.acme)
    for persona, code in zip(PERSONAS, operation.codes.split(), strict=True):
        if code in {"401", "403", "404"}:
            key = key_of(world, persona, operation.scope)
            ask(OPERATIONS["list_identities"], names, key)  # notes the use of the key
            with undone():
                before = without_own_refusals(snapshot())
                ask(operation, names, key)
                assert without_own_refusals(snapshot()) == before


def without_own_refusals(digests: dict[str, str]) -> dict[str, str]:
    """A refused run is kept as a run that was denied, in the records of whoever may run there."""
    kept = {"integrations.Execution", "integrations.Lane"}
    assert not Execution.objects.unscoped("a test counts").filter(status="queued", origin="api").exists()
    return {name: digest for name, digest in digests.items() if name not in kept}


OWN_IDS = ("account", "run", "over", "session", "webhook", "delivery", "own_config", "consent")
OF_ACME = ("{acme}", *(f"{{{part}}}" for part in OWN_IDS))
NAMING = sorted(name for name, one in OPERATIONS.items() if any(part in f"{one.path}{one.body}" for part in OF_ACME))


@pytest.mark.parametrize("name", NAMING)
def test_another_tenants_things_read_like_nothing(world: World, furniture: Furniture, name: str) -> None:
    """Globex's IDs and invented ones get the same answer, to the letter (check T9)."""
    operation, key = OPERATIONS[name], make_api_key(world.admin)[1]
    theirs = things(world, furniture.globex, world.globex)
    theirs["config"] = things(world, furniture.acme, world.acme)["config"]
    nobodys = {
        **theirs,
        "acme": "org_" + "0" * 31 + "1",
        **{part: f"{theirs[part].partition('_')[0]}_{'0' * 31}1" for part in OWN_IDS},
    }
    before = ConnectedAccount.objects.owned_by(world.globex.ref).values_list().get()

    real, other = (ask(operation, names, key) for names in (theirs, nobodys))

    assert real.status_code == other.status_code == 404
    first, second = real.json()["error"], other.json()["error"]
    assert {**first, "request_id": ""} == {**second, "request_id": ""}
    assert len(real.content) == len(other.content)
    assert ConnectedAccount.objects.owned_by(world.globex.ref).values_list().get() == before


# Acme is named, and in the body something beside it that is somebody else's.
BESIDE: dict[str, tuple[str, str, dict[str, Any]]] = {
    "run": ("/executions", "account", {"tool": "{tool}", "user_id": "{acme}", "arguments": {"name": "x"}}),
    "execute": ("/tools/execute/{tool}", "account", {"user_id": "{acme}", "arguments": {"name": "x"}}),
    "dry run": ("/dry_run", "account", {"tool": "{tool}", "user_id": "{acme}", "arguments": {"name": "x"}}),
    "explain": ("/explain", "account", {"tool": "{tool}", "user_id": "{acme}"}),
    "ask": ("/consent_requests", "account", {"user_id": "{acme}", "toolkit": "github", "reason": "For work"}),
    "approve": ("/consent_requests/{consent}/approve", "account", {}),
    "begin": ("/connected_accounts", "config", {"connection": {"user_id": "{acme}"}}),
    "link": ("/connected_accounts/link", "config_id", {"user_id": "{acme}"}),
    "session": ("/tool_router/session", "pin", {"user_id": "{acme}"}),
}
FIELDS: dict[str, dict[str, Any]] = {
    "account": {"connected_account_id": "{beside}"},
    "pin": {"connected_accounts": {"github": "{beside}"}},
    "config": {"auth_config": {"id": "{beside}"}},
    "config_id": {"auth_config_id": "{beside}"},
}


@pytest.mark.parametrize("whose", ["foreign", "peer"])
@pytest.mark.parametrize("case", BESIDE)
def test_somebody_elses_thing_in_the_body_reads_like_nothing(
    world: World, furniture: Furniture, case: str, whose: str
) -> None:
    """Under the own organization too: the same answer as for an invented one, and nothing is made of it (check T7)."""
    path, kind, body = BESIDE[case]
    key, names = make_api_key(world.admin)[1], things(world, furniture.acme, world.acme)
    parts = furniture.globex if whose == "foreign" else furniture.member
    holder = world.globex if whose == "foreign" else world.member
    of_others = make_auth_config(Toolkit.objects.get(slug="github"), owner=holder, name="Another's").text_id
    is_config = kind in {"config", "config_id"}
    theirs, own = (of_others, names["config"]) if is_config else (parts["account_id"], names["account"])

    def send(beside: str) -> Any:
        return ask(Operation("POST", path, "", "", {**body, **FIELDS[kind]}), {**names, "beside": beside}, key)

    send(never_given(theirs))  # notes the use of the key
    before = without_own_refusals(snapshot())
    real, other = send(theirs), send(never_given(theirs))

    assert without_own_refusals(snapshot()) == before
    assert real.status_code == other.status_code
    assert b"Globex" not in real.content
    assert without_ids(real.json()) == without_ids(other.json())
    assert without_ids(send(own).json()) != without_ids(other.json())  # the allowed twin


def without_ids(answer: Any) -> str:
    return re.sub(r"[0-9a-f]{32}|[0-9a-f-]{36}|\d{4}-\d\d-\d\dT[^\"]+", "~", json.dumps(answer, sort_keys=True))


@pytest.mark.parametrize("kind", ["account_id", "execution_id", "finished_id", "request_id"])
@pytest.mark.parametrize("path", ["/executions/{}", "/connected_accounts/{}", "/auth_configs/{}", "/organizations/{}"])
def test_ids_of_another_kind_and_of_another_tenant_are_refused(
    world: World, furniture: Furniture, path: str, kind: str
) -> None:
    key = make_api_key(world.admin)[1]

    response = ask(Operation("GET", path.format(furniture.globex[kind]), "", ""), {}, key)

    assert response.status_code in {400, 404}
