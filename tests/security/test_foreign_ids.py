"""IDs that travel in queries and forms: somebody else's reads like one that was never given (checks T6, T7, T9, H12).

Those in paths are swept by tests/permissions. Each row has its twin: an ID of one's own is answered differently.
"""

from dataclasses import dataclass

import pytest
from django.http import HttpResponse
from django.test import Client

from integrations.models import AuthConfig
from tests.factories import make_auth_config, owner_ref
from tests.permissions.urls import Furniture
from tests.security.answers import plain, snapshot
from tests.world import World

pytestmark = pytest.mark.usefixtures("furnished_once")
TOOL = "/orgs/acme/tools/GITHUB_GET_THING/"
CONSENT = "/orgs/acme/connections/new/github/"


@dataclass(frozen=True)
class Place:
    """A parameter that takes an ID of one kind. `{}` is where the ID goes."""

    kind: str
    method: str
    path: str
    data: dict[str, str]

    @property
    def name(self) -> str:
        return f"{self.method} {self.path} {','.join(self.data)}"


PLACES = [
    Place("account", "GET", TOOL, {"account": "{}"}),
    Place("account", "POST", TOOL, {"account": "{}", "acting_as": ""}),
    Place("account", "POST", f"{TOOL}run/", {"account": "{}", "arg-name": "thing"}),
    Place("account", "GET", CONSENT, {"reconnect": "{}"}),
    Place("account", "POST", CONSENT, {"reconnect": "{}"}),
    Place("account", "GET", "/orgs/acme/runs/", {"account": "{}"}),
    Place("account", "GET", "/search/", {"q": "{}", "owner": "acme"}),
    Place("config", "GET", CONSENT, {"way": "{}"}),
    Place("config", "POST", CONSENT, {"way": "{}"}),
    Place("run", "GET", "/orgs/acme/runs/", {"seen": "{}:other"}),
    Place("run", "GET", "/search/", {"q": "{}", "owner": "acme"}),
    Place("owner", "GET", "/search/", {"q": "github", "owner": "{}"}),
    Place("owner", "POST", "again", {"requested": "{}"}),
]


@dataclass(frozen=True)
class Ids:
    """IDs of every kind: Acme's own, Globex's, and those of a colleague's personal things."""

    own: dict[str, str]
    foreign: dict[str, str]
    peer: dict[str, str]


@pytest.fixture
def ids(world: World, furniture: Furniture) -> Ids:
    shared: AuthConfig = AuthConfig.objects.unscoped("a test").select_related("toolkit").get(owner=None)
    theirs = make_auth_config(shared.toolkit, owner=world.globex, name="Globex's own app")
    peers = make_auth_config(shared.toolkit, owner=world.member, name="The member's own app")
    mine = make_auth_config(shared.toolkit, owner=world.acme, name="Acme's second app", scheme="bearer_token")

    def of(parts: dict[str, str], config: AuthConfig, owner: str) -> dict[str, str]:
        found = {"account": parts["account_id"], "run": parts["execution_id"]}
        return {**found, "config": config.text_id, "owner": owner}

    return Ids(
        own=of(furniture.acme, mine, world.acme.ref.text_id),
        foreign=of(furniture.globex, theirs, world.globex.ref.text_id),
        peer=of(furniture.member, peers, owner_ref(world.member).text_id),
    )


def never_given(text_id: str) -> str:
    """The neighbour of an ID: as well formed, of the same moment, and nobody's."""
    return text_id[:-6] + ("000000" if text_id[-6:] != "000000" else "111111")


def ask(browser: Client, place: Place, text_id: str, world: World, furniture: Furniture) -> HttpResponse:
    acme = world.acme.ref.text_id
    data = {name: acme if value == "acme" else value.format(text_id) for name, value in place.data.items()}
    if "acting_as" in data:
        data["acting_as"] = acme
    path = f"/orgs/acme/runs/{furniture.acme['finished_id']}/again/" if place.path == "again" else place.path
    asked = browser.get if place.method == "GET" else browser.post
    answer: HttpResponse = asked(path, data)
    return browser.get(answer["Location"]) if answer.status_code == 302 and _is_ours(answer) else answer


def _is_ours(answer: HttpResponse) -> bool:
    return str(answer["Location"]).startswith("/")


@pytest.mark.parametrize("whose", ["foreign", "peer"])
@pytest.mark.parametrize("place", PLACES, ids=lambda one: one.name)
def test_somebody_elses_id_reads_like_one_that_was_never_given(
    world: World, furniture: Furniture, ids: Ids, place: Place, whose: str
) -> None:
    text_id = getattr(ids, whose)[place.kind]

    real = ask(world.client("admin"), place, text_id, world, furniture)
    other = ask(world.client("admin"), place, never_given(text_id), world, furniture)

    assert real.status_code < 500
    assert b"Globex" not in real.content
    assert f"/{text_id}/".encode() not in real.content  # the page may repeat what was typed, but not lead there
    assert plain(real) == plain(other)


@pytest.mark.parametrize("place", PLACES, ids=lambda one: one.name)
def test_an_id_of_ones_own_is_answered_differently(world: World, furniture: Furniture, ids: Ids, place: Place) -> None:
    """The allowed twin: else the test above compares two answers that say nothing."""
    text_id = ids.own[place.kind]

    real = ask(world.client("admin"), place, text_id, world, furniture)
    other = ask(world.client("admin"), place, never_given(text_id), world, furniture)

    assert plain(real) != plain(other)


def test_fields_that_no_form_has_are_ignored(world: World, furniture: Furniture, ids: Ids) -> None:
    """Mass assignment (check T12)."""
    before = snapshot()
    extra = {
        "owner": ids.foreign["owner"],
        "role": "owner",
        "is_staff": "on",
        "is_superuser": "on",
        "status": "active",
        "scopes": "everything",
        "credentials": "x",
        "connected_by": str(world.admin.id),
    }

    url = f"/orgs/acme/connections/{ids.own['account']}/rename/"
    world.client("admin").post(url, {"alias": "renamed", **extra})
    world.client("admin").post("/profile/", {"name": "Ada", "username": "ada-new", "theme": "dark", **extra})

    after = snapshot()
    changed = {name for name, digest in after.items() if digest != before[name]}
    world.admin.refresh_from_db()
    assert changed == {"integrations.ConnectedAccount", "accounts.User"}
    assert (world.admin.username, world.admin.is_staff, world.admin.is_superuser) == ("ada-new", False, False)
