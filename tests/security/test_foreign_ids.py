"""IDs that travel in queries and forms: somebody else's reads like one that was never given (checks T6, T7, T9, H12).

Those in paths are swept by tests/permissions. Each row has its twin: an ID of one's own is answered differently.
"""

from dataclasses import dataclass

import pytest
from django.http import HttpResponse
from django.test import Client

from accounts.ids import from_text
from accounts.models import User
from integrations.models import AuthConfig, ConnectedAccount
from orgs.permissions import Role
from tests.factories import (
    NOW,
    make_application,
    make_auth_config,
    make_connected_account,
    make_membership,
    make_organization,
    make_user,
    owner_ref,
)
from tests.permissions.urls import Furniture
from tests.security.answers import never_given, plain, snapshot
from tests.staff import make_supporter
from tests.world import World

pytestmark = pytest.mark.usefixtures("furnished_once")
TOOL = "/orgs/acme/tools/GITHUB_GET_THING/"
CONSENT = "/orgs/acme/connections/new/github/"


@dataclass(frozen=True)
class Place:
    """A parameter that takes an ID of one kind. `{}` is where the ID goes; other names stand for Acme's own things."""

    kind: str
    method: str
    path: str
    data: dict[str, str]
    who: str = "admin"

    @property
    def name(self) -> str:
        return f"{self.method} {self.path} {','.join(self.data)}"


POLICY = "/orgs/acme/policies/change/"
GRANT = "/orgs/acme/policies/grants/new/"
ASK = "/orgs/acme/requests/new/"
EXPLAIN = "/orgs/acme/explain/"
TRANSFER = "/orgs/acme/settings/ownership/transfer/"
EVERYBODY = {"people": "everybody", "preset": "read"}
EVERYWHERE = {"place": "all", "preset": "read"}
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
    *(Place("account", method, POLICY, {"place": "account:{}", **EVERYBODY}) for method in ("GET", "POST")),
    *(Place("person", method, POLICY, {"people": "person:{}", **EVERYWHERE}) for method in ("GET", "POST")),
    *(Place("application", method, POLICY, {"people": "application:{}", **EVERYWHERE}) for method in ("GET", "POST")),
    Place("account", "POST", GRANT, {"place": "account:{}", "person": "person:{mia}", "duration": "day"}),
    Place("person", "POST", GRANT, {"place": "all", "person": "person:{}", "duration": "day"}),
    Place("account", "GET", ASK, {"toolkit": "github", "account": "{}"}),
    Place("account", "POST", ASK, {"toolkit": "github", "account": "{}", "reason": "For work"}),
    Place("account", "POST", "/orgs/acme/requests/{consent}/", {"decision": "approve", "account": "{}"}),
    Place("account", "POST", "/orgs/acme/members/handed-over/{old}/", {"successor": "{}"}),
    Place("account", "GET", EXPLAIN, {"tool": "GITHUB_GET_THING", "account": "{}"}),
    Place("person", "GET", EXPLAIN, {"tool": "GITHUB_GET_THING", "member": "{}"}),
    Place("application", "GET", EXPLAIN, {"tool": "GITHUB_GET_THING", "member": "{}"}),
    *(Place("membership", method, TRANSFER, {"member": "{}", "then": "stay"}, "owner") for method in ("GET", "POST")),
    Place(
        "supporter",
        "POST",
        "/orgs/acme/settings/support/",
        {"person": "{}", "hours": "4", "reason": "A run hangs"},
        "owner",
    ),
]

# Where a list goes on. An ID is only a moment here, so there is no twin: everybody's own is answered alike.
CURSORS = [
    (kind, path, name)
    for kind, path in [
        ("run", "/orgs/acme/runs/"),
        ("event", "/orgs/acme/audit/"),
        ("notice", "/notices/"),
        ("consent", "/orgs/acme/requests/"),
    ]
    for name in ("before", "after")
]
# A run that is refused is kept as one that was denied, in the records of whoever asked for it.
KEPT = {"integrations.Execution", "integrations.Lane"}


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

    def of(parts: dict[str, str], config: AuthConfig, owner: str, person: User, supporter: User) -> dict[str, str]:
        found = {"account": parts["account_id"], "run": parts["execution_id"], "config": config.text_id, "owner": owner}
        found |= {
            "application": parts["application_id"],
            "membership": parts["member_id"],
            "consent": parts["consent_id"],
        }
        found |= {"event": parts["event_id"], "notice": parts["notice_id"]}
        return {**found, "person": person.text_id, "supporter": supporter.text_id}

    stranger, helper = make_user(), make_supporter("helper")
    make_connected_account(shared.toolkit, owner=world.acme, handed_over_at=NOW, status="needs_attention")
    return Ids(
        own=of(furniture.acme, mine, world.acme.ref.text_id, world.member, helper),
        foreign=of(furniture.globex, theirs, world.globex.ref.text_id, world.outsider, world.outsider),
        peer={
            **of(furniture.member, peers, owner_ref(world.member).text_id, world.ex_member, world.member),
            "application": make_application(make_organization("initech", owner=stranger)).text_id,
        },
    )


def ask(browser: Client, place: Place, text_id: str, world: World, furniture: Furniture) -> HttpResponse:
    acme = world.acme.ref.text_id
    own = {
        "mia": world.member.text_id,
        "consent": furniture.acme["consent_id"],
        "old": _handed_over(world),
    }
    data = {name: acme if value == "acme" else value.format(text_id, **own) for name, value in place.data.items()}
    if "acting_as" in data:
        data["acting_as"] = acme
    path = f"/orgs/acme/runs/{furniture.acme['finished_id']}/again/" if place.path == "again" else place.path
    path = path.format(**own)
    asked = browser.get if place.method == "GET" else browser.post
    answer: HttpResponse = asked(path, data)
    return browser.get(answer["Location"]) if answer.status_code == 302 and _is_ours(answer) else answer


def _handed_over(world: World) -> str:
    """An account of Acme's to which somebody should consent anew; another one could take its place."""
    row = ConnectedAccount.objects.owned_by(world.acme.ref).filter(handed_over_at__isnull=False).get()
    return str(row.text_id)


def _is_ours(answer: HttpResponse) -> bool:
    return str(answer["Location"]).startswith("/")


@pytest.mark.parametrize("whose", ["foreign", "peer"])
@pytest.mark.parametrize("place", PLACES, ids=lambda one: one.name)
def test_somebody_elses_id_reads_like_one_that_was_never_given(
    world: World, furniture: Furniture, ids: Ids, place: Place, whose: str
) -> None:
    text_id = getattr(ids, whose)[place.kind]
    before = kept_out(snapshot())

    real = ask(world.client(place.who), place, text_id, world, furniture)
    other = ask(world.client(place.who), place, never_given(text_id), world, furniture)

    assert real.status_code < 500
    assert kept_out(snapshot()) == before
    assert b"Globex" not in real.content
    assert f"/{text_id}/".encode() not in real.content  # the page may repeat what was typed, but not lead there
    assert plain(real) == plain(other)


@pytest.mark.parametrize("place", PLACES, ids=lambda one: one.name)
def test_an_id_of_ones_own_is_answered_differently(world: World, furniture: Furniture, ids: Ids, place: Place) -> None:
    """The allowed twin: else the test above compares two answers that say nothing."""
    text_id = ids.own[place.kind]

    other = ask(world.client(place.who), place, never_given(text_id), world, furniture)
    real = ask(world.client(place.who), place, text_id, world, furniture)

    assert plain(real) != plain(other)


def kept_out(digests: dict[str, str]) -> dict[str, str]:
    return {name: digest for name, digest in digests.items() if name not in KEPT}


@pytest.mark.parametrize("whose", ["foreign", "peer"])
@pytest.mark.parametrize(("kind", "path", "name"), CURSORS)
def test_a_list_goes_on_from_somebody_elses_id_as_from_one_that_was_never_given(
    world: World, ids: Ids, kind: str, path: str, name: str, whose: str
) -> None:
    text_id = getattr(ids, whose)[kind]

    real, other = (world.client("admin").get(path, {name: one}) for one in (text_id, never_given(text_id)))

    assert real.status_code == 200
    assert plain(real) == plain(other)


@pytest.mark.parametrize("whose", ["foreign", "peer"])
def test_nobody_else_consents_anew_when_somebody_is_removed(
    world: World, furniture: Furniture, ids: Ids, whose: str
) -> None:
    """The field's name holds the account, its value the person."""
    account = furniture.acme["account_id"]
    rows = ConnectedAccount.objects.unscoped("a test").filter(id=from_text("ca", account))
    leaver = make_membership(world.acme, make_user("leaver"), Role.ADMIN)
    rows.update(connected_by=leaver.user, handed_over_at=None)
    page, client = f"/orgs/acme/members/{leaver.text_id}/remove/", world.client("owner")
    before = snapshot()

    for successor in (getattr(ids, whose)["person"], world.viewer.text_id):
        sent = {"typed": "leaver", f"successor-{account}": successor}
        assert client.post(page, sent).status_code == 422
    assert snapshot() == before

    sent = {"typed": "leaver", f"successor-{account}": world.admin.text_id}
    assert client.post(page, sent).status_code == 302
    assert rows.get().successor == world.admin


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
