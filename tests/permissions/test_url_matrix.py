"""Every address, by every method, gives each persona exactly the answer of the matrix (checks T1, T3, T4, T5, T9)."""

import hashlib
import re
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from django.apps import apps
from django.core.cache import cache
from django.db import transaction
from django.http import HttpResponse
from django.urls import reverse

from integrations.models import Execution
from orgs.decorators import PUBLIC
from orgs.models import AuditEvent
from tests.permissions.matrix import AREAS, GROUPS, OPEN_TO_ALL, OTHER, OTHER_METHODS, PERSONAS, SIGNED_IN_ONLY
from tests.permissions.urls import Address, Furniture, addresses, invented
from tests.world import PERSONAS as PEOPLE
from tests.world import World

pytestmark = pytest.mark.usefixtures("furnished_once")
METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")
ROWS = {name: row for area in AREAS for name, row in area.items()}
ALL = addresses()
OURS = [one for one in ALL if not one.path.startswith(tuple(GROUPS))]
THEIRS = [one for one in ALL if one.path.startswith(tuple(GROUPS))]
TURNED_AWAY = {302, 401, 403, 404}
# What a page shows of the visitor and the moment, which differs between two requests that are otherwise alike.
CHANGING = re.compile(rb"[A-Za-z0-9]{64}|[0-9a-f]{32}")

OF_THE_MOMENT = {"X-Request-ID", "Set-Cookie", "Expires"}


@contextmanager
def undone() -> Iterator[None]:
    """Whatever happens inside leaves no trace in the database."""
    point = transaction.savepoint()
    try:
        yield
    finally:
        transaction.savepoint_rollback(point)


def ask(world: World, persona: str, method: str, url: str, **headers: str) -> HttpResponse:
    return world.client(persona).generic(method, url, headers=headers)


def expected(name: str, method: str) -> list[int]:
    row = ROWS[name]
    looked_up = "GET" if method == "HEAD" and method not in row else method
    if looked_up in row:
        return [int(code) for code in row[looked_up].split()]
    usual = OTHER_METHODS.get(name.partition(":")[0], SIGNED_IN_ONLY)
    return [int(code) for code in row.get(OTHER, usual).split()]


# --- The table is complete


def test_every_address_has_a_row_or_a_group_with_a_reason() -> None:
    assert sorted(one.name for one in OURS if one.name not in ROWS) == []
    assert all(GROUPS.values())


def test_every_row_has_an_address() -> None:
    assert sorted(ROWS.keys() - {one.name for one in OURS}) == []
    assert [prefix for prefix in GROUPS if not any(one.path.startswith(prefix) for one in ALL)] == []


def test_no_name_is_in_two_areas_and_every_row_has_a_code_per_persona() -> None:
    assert sum(len(area) for area in AREAS) == len(ROWS)
    assert PERSONAS == PEOPLE
    for name, row in ROWS.items():
        for codes in row.values():
            assert len(codes.split()) == len(PERSONAS), name


def test_every_view_of_ours_declares_its_permission() -> None:
    assert [one.name for one in OURS if not getattr(one.view, "required_permission", "")] == []


def test_public_views_are_those_that_a_stranger_gets_an_answer_from() -> None:
    public = {one.name for one in OURS if one.view.required_permission == PUBLIC}

    assert public == {
        "healthz",
        "readyz",
        "oauth_callback",  # sends to the sign-in page itself, and keeps the answer of the provider
        "toolkit_logo",
        "oauth_metadata",
        "oauth_exchange",  # these three are asked by programs: what they send speaks for them, no session
        "oauth_revoke",
        "oauth_register",
        "end_user_link",  # an end user of an application has no account here: the link and the browser speak for them
        "end_user_identity",
        "invitation_link",  # shows nothing: it remembers the link and leads on
        "invitation",  # tells a stranger to sign in, whatever link they came with
        "styleguide",
    }


# --- The table is true


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("name", sorted(ROWS))
def test_address_answers_each_persona_as_the_table_says(
    world: World, furniture: Furniture, name: str, method: str
) -> None:
    url = furniture.url(name)
    answers = []
    for persona in PERSONAS:
        with undone():
            answers.append(ask(world, persona, method, url).status_code)

    assert dict(zip(PERSONAS, answers, strict=True)) == dict(zip(PERSONAS, expected(name, method), strict=True))


@pytest.mark.parametrize("name", sorted(name for name in ROWS if name.startswith(("me:", "org:"))))
def test_stranger_is_sent_to_the_sign_in_page_and_back(world: World, furniture: Furniture, name: str) -> None:
    url = furniture.url(name)

    response = ask(world, "anonymous", "GET", url)

    assert response.headers["Location"] == f"/accounts/login/?next={url}"


@pytest.mark.parametrize("name", sorted(name for name, row in ROWS.items() if "POST" in row and ":" in name))
def test_refused_post_changes_nothing(world: World, furniture: Furniture, name: str) -> None:
    url = furniture.url(name)
    for persona, code in zip(PERSONAS, expected(name, "POST"), strict=True):
        if persona == "anonymous" or code in {403, 404}:
            with undone():
                client = world.client(persona)
                before = snapshot()
                client.post(url, {"alias": "mine now", "requested": world.acme.ref.text_id, "confirm": "on"})
                assert snapshot() == before


def snapshot() -> dict[str, str]:
    """A digest of every table of ours but the log, in which the refusal itself stands."""
    digests = {}
    for model in apps.get_models():
        if model._meta.app_label in {"accounts", "orgs", "integrations"} and model is not AuditEvent:
            columns = [field.name for field in model._meta.fields if field.name != "last_login"]
            rows = sorted(str(row) for row in model._base_manager.values_list(*columns))
            digests[model._meta.label] = hashlib.sha256("\n".join(rows).encode()).hexdigest()
    return digests


def test_viewer_cannot_call_off_or_repeat_somebodys_run(world: World, furniture: Furniture) -> None:
    client = world.client("viewer")
    before = snapshot()

    client.post(furniture.url("org:run_cancel"))
    client.post(furniture.url("org:run_again"), {"requested": world.acme.ref.text_id, "idempotency_key": "k" * 32})

    assert snapshot() == before


def test_member_calls_off_their_own_run(world: World, furniture: Furniture) -> None:
    """The allowed twin of the test above."""
    world.client("member").post(furniture.url("org:run_cancel"))

    assert Execution.objects.owned_by(world.acme.ref).get(status="cancelled").submitted_by == world.member


# --- Another tenant's things read like nothing


def plain(response: HttpResponse, *, without: str = "\0") -> tuple[int, bytes, set[tuple[str, str]]]:
    """What a response gives away: status, headers and text, without what differs between any two requests."""
    headers = {(name, value) for name, value in response.headers.items() if name not in OF_THE_MOMENT}
    return response.status_code, CHANGING.sub(b"~", response.content.replace(without.encode(), b"~")), headers


@pytest.mark.parametrize("persona", ["outsider", "ex_member", "staff"])
@pytest.mark.parametrize("method", ["GET", "POST"])
@pytest.mark.parametrize("name", sorted(name for name in ROWS if name.startswith("org:")))
def test_another_tenants_address_reads_like_an_invented_one(
    world: World, furniture: Furniture, name: str, method: str, persona: str
) -> None:
    real = ask(world, persona, method, furniture.url(name))
    other = ask(world, persona, method, furniture.url(name, org="nobody-has-this"))

    assert real.status_code in {403, 404}
    assert plain(real, without="acme") == plain(other, without="nobody-has-this")


WITH_AN_ID = sorted(one.name for one in OURS if re.search(r"<str:\w+_id>", one.path))


def highest(name: str) -> str:
    """An admin; where admins are turned away, an owner."""
    return "owner" if expected(name, "POST")[PERSONAS.index("admin")] == 403 else "admin"


@pytest.mark.parametrize("things", ["member", "globex"])
@pytest.mark.parametrize("method", ["GET", "POST"])
@pytest.mark.parametrize("name", WITH_AN_ID)
def test_ids_of_other_owners_read_like_invented_ones(
    world: World, furniture: Furniture, name: str, method: str, things: str
) -> None:
    """The right address with somebody else's thing behind it: an admin of Acme, and that admin as themself."""
    nothing = Furniture(invented(furniture.member), invented(furniture.acme), invented(furniture.globex))
    before = snapshot()

    real = ask(world, highest(name), method, furniture.url(name, things=things))
    other = ask(world, highest(name), method, nothing.url(name, things=things))

    assert real.status_code in {404, 405}
    assert plain(real) == plain(other)
    assert snapshot() == before


@pytest.mark.parametrize("bad", ["default", "1", "ca_", "ca_zz", "a@b", "ex_" + "0" * 32, "..", "x" * 2000])
@pytest.mark.parametrize("name", WITH_AN_ID)
def test_malformed_ids_are_not_found(world: World, name: str, bad: str) -> None:
    address = next(one for one in OURS if one.name == name)
    path = "/" + re.sub(r"<str:\w+_id>", bad, address.path).replace("<slug:org>", "acme")

    assert ask(world, highest(name), "GET", path).status_code in {301, 404, 405}


# --- Addresses that are not ours


def _grouped_url(address: Address) -> str:
    parts = {"key": "x", "uidb36": "1", "app_label": "orgs", "object_id": "1", "content_type_id": "1"}
    parts |= {"pk": "1", "message_id": "1", "channel": "general", "url": "x"}
    wanted = set(re.findall(r"\(\?P<(\w+)>", address.path)) | set(re.findall(r"<(?:\w+:)?(\w+)>", address.path))
    return reverse(address.name, kwargs={part: parts[part] for part in wanted})


@pytest.mark.parametrize(
    "address", [one for one in THEIRS if one.path.startswith("accounts/")], ids=lambda one: one.name
)
def test_allauths_pages_are_closed_to_strangers_unless_listed(world: World, address: Address) -> None:
    for method in METHODS:
        status = ask(world, "anonymous", method, _grouped_url(address)).status_code
        assert status < 500
        if address.name not in OPEN_TO_ALL:
            assert status in TURNED_AWAY | {405}, (method, status)


@pytest.mark.parametrize("persona", ["anonymous", "member", "owner", "outsider"])
def test_admin_site_is_closed_to_everybody_but_staff(world: World, persona: str) -> None:
    for address in THEIRS:
        if address.path.startswith("admin/") and "/" not in address.name:
            cache.clear()  # the door counts requests
            for method in ("GET", "POST"):
                status = ask(world, persona, method, _grouped_url(address)).status_code
                assert status in TURNED_AWAY, (address.name, method, status)
