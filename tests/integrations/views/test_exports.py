"""Taking data along: all that may be taken, no secret, and nothing that a spreadsheet runs."""

import io
import json
import zipfile
from hashlib import sha256

import pytest

from integrations.models import ConnectedAccount, Execution
from integrations.queries.exports import organization_files, own_files
from orgs.errors import ForbiddenError
from orgs.models import AuditEvent
from orgs.permissions import Actor, ActorKind
from orgs.zips import zipped
from tests.factories import (
    actor_of,
    make_api_key,
    make_application,
    make_connected_account,
    make_end_user,
    make_finished_execution,
    make_tool,
    make_toolkit,
    make_webhook,
)
from tests.world import World

pytestmark = pytest.mark.django_db
SECRET = "token-that-nobody-may-see"


@pytest.fixture
def furnished(world: World) -> World:
    toolkit = make_toolkit()
    tool = make_tool(toolkit)
    for holder in (world.acme, world.globex, world.member):
        account = make_connected_account(
            toolkit, owner=holder, access_token=SECRET, alias="=cmd|calc", identity_label=f"of-{holder}"
        )
        make_finished_execution(tool, owner=holder, user=world.member, connected_account=account)
    make_api_key(world.acme)
    make_webhook(world.acme, secret=SECRET, description="=cmd|calc")
    return world


def unzipped(content: bytes) -> dict[str, str]:
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        assert archive.testzip() is None
        return {name: archive.read(name).decode() for name in archive.namelist()}


def download(world: World, persona: str, url: str) -> dict[str, str]:
    answer = world.client(persona).get(url)
    assert answer.headers["Content-Type"] == "application/zip"
    return unzipped(b"".join(answer))


def test_owner_takes_the_organization_along(furnished: World) -> None:
    files = download(furnished, "owner", "/orgs/acme/settings/ownership/data.zip")

    assert list(files) == [
        "README.txt", "people.csv", "connections.csv", "runs.csv", "runs.jsonl", "api_keys.csv", "audit.jsonl",
        "end_users.csv", "webhooks.csv",
    ]  # fmt: skip
    assert "mia" in files["people.csv"]
    assert "of-Acme" in files["connections.csv"]
    assert "https://hooks.example.com/in" in files["webhooks.csv"]
    [run] = [json.loads(line) for line in files["runs.jsonl"].splitlines()]
    assert (run["tool"], run["arguments"], run["result"]) == (
        "GITHUB_GET_THING",
        {"name": "thing"},
        {"login": "octocat"},
    )
    assert json.loads(files["audit.jsonl"].splitlines()[0])["action"] == "organization.export"
    assert AuditEvent.objects.filter(action="organization.export").count() == 1


def test_end_users_are_listed_with_counts_and_without_what_their_runs_returned(furnished: World) -> None:
    row = make_end_user(make_application(furnished.acme, "Shop"), "alice-8472")
    make_end_user(make_application(furnished.globex), "somebody-elses")
    toolkit = make_toolkit("slack")
    account = make_connected_account(toolkit, owner=row, identity_label="alice-at-slack")
    make_finished_execution(make_tool(toolkit, "SLACK_GET_THING"), owner=row, connected_account=account)

    files = download(furnished, "owner", "/orgs/acme/settings/ownership/data.zip")

    [_, line] = files["end_users.csv"].splitlines()
    assert line.startswith(f'"Shop","{row.text_id}","alice-8472",')
    assert line.endswith(',"1","1"')
    assert "SLACK_GET_THING" not in files["runs.jsonl"]


def test_no_secret_and_nothing_of_others_is_in_it(furnished: World) -> None:
    _, key = make_api_key(furnished.acme)
    for persona, url in (("owner", "/orgs/acme/settings/ownership/data.zip"), ("member", "/me/data.zip")):
        everything = "\n".join(download(furnished, persona, url).values())
        assert SECRET not in everything
        assert key not in everything
        assert "of-Globex" not in everything


def test_no_cell_begins_a_formula(furnished: World) -> None:
    files = download(furnished, "owner", "/orgs/acme/settings/ownership/data.zip")

    assert '"\'=cmd|calc"' in files["connections.csv"]
    assert '"=cmd' not in "".join(files.values())


def test_person_takes_their_own_along_and_no_organizations(furnished: World) -> None:
    files = download(furnished, "member", "/me/data.zip")

    profile = json.loads(files["profile.json"])
    assert (profile["username"], [one["name"] for one in profile["organizations"]]) == ("mia", ["Acme"])
    assert profile["emails"][0]["email"] == "mia@example.com"
    assert "of-mia" in files["connections.csv"]
    assert "of-Acme" not in "".join(files.values())


@pytest.mark.parametrize("persona", ["admin", "member", "viewer"])
def test_smaller_roles_take_nothing(furnished: World, persona: str) -> None:
    with pytest.raises(ForbiddenError):
        list(organization_files(actor=actor_of(furnished.people[persona]), owner=furnished.acme.ref))


def test_key_without_a_person_has_nothing_of_its_own() -> None:
    with pytest.raises(ValueError, match="no things of its own"):
        list(own_files(actor=Actor(ActorKind.ORGANIZATION_KEY)))


def test_damaged_contents_are_left_out(furnished: World) -> None:
    rows = Execution.objects.owned_by(furnished.acme.ref)
    foreign = Execution.objects.owned_by(furnished.globex.ref).get()
    rows.update(result=foreign.result, submitted_by=None, connected_account=None)
    ConnectedAccount.objects.owned_by(furnished.acme.ref).update(connected_by=None)

    files = download(furnished, "owner", "/orgs/acme/settings/ownership/data.zip")

    assert json.loads(files["runs.jsonl"])["result"] is None


def test_archive_comes_in_pieces() -> None:
    noise = [sha256(str(number).encode()).hexdigest() for number in range(8000)]

    pieces = list(zipped([("a.txt", noise), ("b.txt", ["b"])]))

    assert len(pieces) > 1
    assert unzipped(b"".join(pieces)) == {"a.txt": "".join(noise), "b.txt": "b"}
