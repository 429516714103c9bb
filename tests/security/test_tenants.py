"""Two organizations side by side: nothing of one is in what the other reads, also for somebody who is in both.

Checks T8, T10, T29, T30, H13, H14; and T11 and T13, which say what an ID or an answer may be made of.
"""

from collections.abc import Iterator
from typing import Any

import pytest
from django.core.cache import cache
from django.db import transaction
from django.http import HttpResponse
from django.test import Client
from jsonschema import Draft202012Validator

from integrations.access import decide_run
from integrations.api.document import openapi_document
from integrations.forms.arguments import new_nonce
from integrations.models import AuthConfig, ConnectedAccount, ConnectionRequest
from orgs.invitation_tokens import make_token
from orgs.key_text import make_key_text
from orgs.permissions import OwnerKind, Role
from tests.factories import (
    actor_of,
    make_api_key,
    make_connected_account,
    make_membership,
    make_tool,
    make_toolkit,
    owner_ref,
)
from tests.integrations.api.door import Door
from tests.permissions.api_matrix import OPERATIONS
from tests.permissions.test_api_matrix import ask, described, things
from tests.permissions.test_url_matrix import ROWS, expected
from tests.permissions.urls import Furniture
from tests.world import PERSONAS, World

pytestmark = pytest.mark.django_db
CANARY = "Zanzibar"
LISTS = (
    "/orgs/{}/",
    "/orgs/{}/tools/",
    "/orgs/{}/connections/",
    "/orgs/{}/runs/",
    "/orgs/{}/sessions/",
    "/orgs/{}/api-keys/",
    "/orgs/{}/members/",
    "/orgs/{}/requests/?status=all",
    "/orgs/{}/approvals/",
    "/orgs/{}/policies/",
    "/orgs/{}/access/",
    "/orgs/{}/audit/",
    "/search/?q=" + CANARY,
)


@pytest.fixture(autouse=True)
def _answers_at_once(settings: Any) -> None:
    settings.API_WAIT_LIMIT = 0
    cache.clear()


def body_of(answer: HttpResponse) -> str:
    if answer.streaming:
        return b"".join(answer.streaming_content).decode(errors="replace")  # type: ignore[arg-type]  # the sync client gives bytes
    return answer.content.decode(errors="replace")


def mark(world: World) -> None:
    """Whatever of Globex has a name is called after the canary."""
    world.globex.name = f"{CANARY} Ltd"
    world.globex.save()
    world.outsider.name = f"Olga {CANARY}"
    world.outsider.save()
    theirs = ConnectedAccount.objects.owned_by(world.globex.ref)
    theirs.update(identity_label=f"{CANARY}-bot", alias=f"{CANARY} alias", identity_email=f"{CANARY}@x.org")


def pages(persona: str) -> list[str]:
    """Every page that the persona reads in an organization of theirs."""
    place = PERSONAS.index(persona)
    return [name for name in sorted(ROWS) if name.startswith("org:") and expected(name, "GET")[place] == 200]


def test_no_page_list_search_or_export_of_one_tenant_holds_a_name_of_another(
    world: World, furniture: Furniture
) -> None:
    mark(world)
    browser = world.client("owner")
    addresses = [furniture.url(name) for name in pages("owner") if not name.endswith("events")]
    addresses += [one.format("acme") for one in LISTS] + ["/orgs/acme/audit/audit.csv", "/me/", "/notices/"]

    for address in addresses:
        answer = browser.get(address)
        found = body_of(answer).replace(f"q={CANARY}", "").replace(f'value="{CANARY}"', "")
        found = found.replace(f"“{CANARY}”", "")  # what was searched for, said again
        assert CANARY not in found, address


def test_the_canary_is_where_it_belongs(world: World, furniture: Furniture) -> None:
    """The allowed twin: its own people read it on most of these pages."""
    mark(world)
    browser = world.client("outsider")

    holding = [one for one in LISTS if CANARY in body_of(browser.get(one.format("globex")))]

    assert len(holding) >= len(LISTS) - 1


# --- Somebody who is in both


@pytest.fixture
def both(world: World) -> Client:
    make_membership(world.globex, world.admin, Role.ADMIN)
    return world.client("admin")


def test_a_thing_of_one_organization_is_not_found_under_the_other(
    both: Client, world: World, furniture: Furniture
) -> None:
    for name, part in (("connections", "account_id"), ("runs", "execution_id"), ("members", "member_id")):
        tail = "role/" if name == "members" else ""
        theirs = furniture.globex[part]
        assert both.get(f"/orgs/acme/{name}/{theirs}/{tail}").status_code == 404
        assert both.get(f"/orgs/globex/{name}/{theirs}/{tail}").status_code == 200


def test_two_tabs_write_each_into_its_own_organization(both: Client, world: World, furniture: Furniture) -> None:
    """The organization is what the address says: neither the page before nor a header or cookie chooses it."""
    both.cookies["organization"] = world.globex.ref.text_id
    headers = {"X-Organization": world.globex.ref.text_id, "X-Org": "globex"}
    for slug, parts, alias in (("acme", furniture.acme, "One"), ("globex", furniture.globex, "Two")):
        other = "globex" if slug == "acme" else "acme"
        both.get(f"/orgs/{other}/")
        both.post(f"/orgs/{slug}/connections/{parts['account_id']}/rename/", {"alias": alias}, headers=headers)

    assert [row.alias for row in ConnectedAccount.objects.owned_by(world.acme.ref)] == ["One"]
    assert [row.alias for row in ConnectedAccount.objects.owned_by(world.globex.ref)] == ["Two"]


def test_reading_one_organization_then_the_other_and_again_mixes_nothing(
    both: Client, world: World, furniture: Furniture
) -> None:
    """Nothing that was kept for one is shown in the other (check T29)."""
    mark(world)

    seen = [
        [CANARY in body_of(both.get(f"/orgs/{slug}/connections/")) for slug in ("acme", "globex", "acme")]
        for _ in range(2)
    ]

    # the switch of identities names both organizations: what counts are the accounts
    rows = [b"Zanzibar alias" in both.get(f"/orgs/{slug}/connections/").content for slug in ("acme", "globex", "acme")]
    assert rows == [False, True, False]
    assert seen[0] == seen[1]


def test_a_personal_account_runs_under_its_user_id_in_no_organizations_name(world: World, furniture: Furniture) -> None:
    """It is the person's: joining or leaving an organization neither lends nor takes it (check H14)."""
    tool = make_tool(make_toolkit("slack"), "SLACK_READ")
    make_connected_account(tool.toolkit, owner=world.member)

    for organization in (world.acme, world.globex):
        actor = actor_of(world.member, organization)
        assert decide_run(actor=actor, requested=organization.ref.text_id, tool=tool)[0].code == "no_connected_account"
        assert decide_run(actor=actor, requested=world.member.text_id, tool=tool)[0].allowed


def test_an_account_does_not_move_to_another_owner(world: World, furniture: Furniture) -> None:
    """No page, form or operation has a field for it: another owner means another consent (check H13)."""
    door = Door(make_api_key(world.owner)[1])
    account = furniture.acme["account_id"]
    moves = {"owner": owner_ref(world.owner).text_id, "user_id": owner_ref(world.owner).text_id, "owner_id": 1}

    door.patch(f"/connected_accounts/{account}", {"alias": "same", **moves})
    world.client("owner").post(f"/orgs/acme/connections/{account}/rename/", {"alias": "same", **moves})

    [row] = ConnectedAccount.objects.owned_by(world.acme.ref)
    assert (row.text_id, row.alias) == (account, "same")


# --- Caches between us and the reader


def test_nothing_of_a_tenant_may_be_kept_on_the_way(world: World, furniture: Furniture) -> None:
    """Pages, exports and answers of the API (check T30)."""
    browser, key = world.client("owner"), make_api_key(world.owner)[1]
    answers = [browser.get(one.format("acme")) for one in LISTS]
    answers += [browser.get("/orgs/acme/audit/audit.json"), browser.get("/orgs/nobody-has-this/")]
    answers += [Door(key).ask("GET", "/executions"), Door("").ask("GET", "/executions")]

    assert {answer["Cache-Control"] for answer in answers} == {"no-store, private"}


# --- What IDs and answers are made of


def test_what_opens_something_has_at_least_128_bits() -> None:
    """Tokens, keys and nonces are random; an ID, which is a UUID, opens nothing by itself (check T11)."""
    made: dict[str, tuple[Any, int]] = {
        "invitation": (make_token, 32),
        "key": (lambda: make_key_text(OwnerKind.USER).text.split("_")[-1][:48], 24),
        "nonce": (new_nonce, 16),
    }
    for make, size in made.values():
        texts = [make() for _ in range(50)]
        assert len(set(texts)) == 50
        assert size * 8 >= 128
        assert {len(text) for text in texts} <= {size * 2, -(-size * 4 // 3)}


def test_the_state_of_a_flow_has_256_bits_and_is_kept_as_a_digest(world: World, furniture: Furniture) -> None:
    config = AuthConfig.objects.unscoped("a test reads").get(owner=None, toolkit__slug="github")
    answer = world.client("member").post("/me/connections/new/github/", {"way": config.text_id})
    state = answer["Location"].partition("state=")[2].partition("&")[0]

    assert len(state) == 43
    rows = ConnectionRequest.objects.unscoped("a test reads").values_list()
    assert state not in str(list(rows))


def closed(schema: Any) -> Any:
    """The schema, with fields that it does not name forbidden."""
    if isinstance(schema, dict):
        shut = {name: closed(value) for name, value in schema.items()}
        return {**shut, "additionalProperties": False} if "properties" in shut and "allOf" not in shut else shut
    return [closed(one) for one in schema] if isinstance(schema, list) else schema


def answers_of(world: World, furniture: Furniture) -> Iterator[tuple[str, Any, Any]]:
    """Each operation by itself: its answer to an owner, and the schema that the document promises for it."""
    document = openapi_document()
    key = make_api_key(world.owner)[1]
    for name, method, path in described():
        with transaction.atomic():
            answer = ask(OPERATIONS[name], things(world, furniture.acme, world.acme), key)
            transaction.set_rollback(True)
        promised = document["paths"][path][method.lower()]["responses"]
        promised = promised.get(answer.status_code) or promised.get(str(answer.status_code), {})
        schema = promised.get("content", {}).get("application/json", {}).get("schema")
        yield name, answer, schema and closed({**schema, "components": document["components"]})


def test_an_answer_of_the_api_holds_what_its_schema_names_and_nothing_else(world: World, furniture: Furniture) -> None:
    checked = 0
    for name, answer, schema in answers_of(world, furniture):
        assert answer.status_code < 500, name
        if schema is not None and answer.content:
            problems = [error.message for error in Draft202012Validator(schema).iter_errors(answer.json())]
            assert (name, problems) == (name, [])
            checked += 1

    assert checked >= len(OPERATIONS) - 3


def test_members_read_no_address_of_a_colleague(world: World, furniture: Furniture) -> None:
    """Beyond the list of members, which shows addresses to admins only (check T13)."""
    browser = world.client("member")
    addresses = {world.people[one].email for one in ("owner", "viewer", "outsider")}

    for name in pages("member"):
        if not name.endswith("events"):
            shown = body_of(browser.get(furniture.url(name)))
            assert [one for one in addresses if one in shown] == [], name

    assert world.member.email in body_of(browser.get("/orgs/acme/members/"))  # their own, so there is one to find
