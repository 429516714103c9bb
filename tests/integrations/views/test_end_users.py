"""The pages about applications and their end users: who sees what, and deleting everything of somebody."""

import re
from typing import Any

import pytest

from integrations import oauth
from integrations.jobs import deletion as steps
from integrations.jobs.deletion import carry_out_deletions
from integrations.models import ConnectedAccount, Execution
from orgs.models import ApiKey, Application, AuditEvent, Deletion, EndUser, Organization, Owner
from orgs.services.deletions import announce_deletion
from tests.factories import (
    actor_of,
    make_application,
    make_application_key,
    make_connected_account,
    make_end_user,
    make_finished_execution,
    make_session,
    make_tool,
    make_toolkit,
)
from tests.integrations.api.door import Door
from tests.world import World

pytestmark = pytest.mark.django_db
PAGES = "/orgs/acme/applications/"
KEY = re.compile(r"sb_app_[0-9a-f]{16}_[0-9a-f]{56}")


@pytest.fixture
def shop(world: World) -> Application:
    return make_application(world.acme, "Shop", callback_urls=["https://shop.example.com/back"])


@pytest.fixture
def alice(shop: Application) -> EndUser:
    """With an account, a run and a session."""
    toolkit, row = make_toolkit(), make_end_user(shop, "alice-8472")
    account = make_connected_account(toolkit, owner=row, identity_label="alice-at-github")
    key = make_application_key(shop)[0]
    make_finished_execution(make_tool(toolkit), owner=row, user=None, connected_account=account, api_key=key)
    make_session(toolkit, owner=row, user=None)
    return row


@pytest.fixture
def told(monkeypatch: pytest.MonkeyPatch) -> list[ConnectedAccount]:
    found: list[ConnectedAccount] = []

    def withdraw(account: ConnectedAccount, values: dict[str, str] | None) -> oauth.Revocation:
        del values
        found.append(account)
        return oauth.Revocation(confirmed=True, detail="The provider confirmed it.")

    monkeypatch.setattr(steps, "withdraw", withdraw)
    return found


def page_of(shop: Application, row: EndUser) -> str:
    return f"{PAGES}{shop.text_id}/end-users/{row.text_id}/"


def test_admin_registers_an_application_and_makes_a_key_that_works(world: World) -> None:
    admin = world.client("admin")
    form = {"name": "Shop", "callback_urls": "https://shop.example.com/back\nhttp://localhost:3000/back"}

    made = admin.post(f"{PAGES}new/", form)
    shop = Application.objects.get()
    scopes = ["tools:read", "executions:write", "connections:write"]
    shown = admin.post(f"{made['Location']}keys/new/", {"name": "Server", "scopes": scopes, "days": "30"})

    [text] = set(KEY.findall(shown.content.decode()))
    assert shop.callback_urls == ["https://shop.example.com/back", "http://localhost:3000/back"]
    assert Door(text).get("/identities")[1]["key"] == "application_key"
    assert text not in admin.get(made["Location"]).content.decode()
    assert AuditEvent.objects.of_owner(world.acme.ref).filter(action="application.create").count() == 1


def test_key_of_an_application_manages_nothing(world: World, shop: Application) -> None:
    response = world.client("admin").post(
        f"{PAGES}{shop.text_id}/keys/new/", {"name": "Server", "scopes": ["admin"], "days": "30"}
    )

    assert response.status_code == 422
    assert not ApiKey.objects.filter(application=shop).exists()


@pytest.mark.parametrize("url", ["http://shop.example.com/", "javascript:alert(1)", "https://a:b@shop.example.com/"])
def test_callback_url_that_could_mislead_is_not_registered(world: World, url: str) -> None:
    response = world.client("admin").post(f"{PAGES}new/", {"name": "Shop", "callback_urls": url})

    assert (response.status_code, Application.objects.count()) == (422, 0)
    assert "begins with https://" in response.content.decode()


def test_name_is_taken_once(world: World, shop: Application) -> None:
    again = world.client("admin").post(f"{PAGES}new/", {"name": shop.name, "callback_urls": ""})

    assert (again.status_code, Application.objects.count()) == (422, 1)


def test_members_see_that_it_is_there_and_nobody_in_it(world: World, shop: Application, alice: EndUser) -> None:
    for persona, sees in (("member", False), ("viewer", False), ("admin", True), ("owner", True)):
        page = world.client(persona).get(f"{PAGES}{shop.text_id}/").content.decode()
        assert "Shop" in page
        assert (alice.external in page) is sees
    assert world.client("member").get(page_of(shop, alice)).status_code == 403
    assert world.client("outsider").get(page_of(shop, alice)).status_code == 404


def test_admin_sees_states_and_identities_and_no_result(world: World, shop: Application, alice: EndUser) -> None:
    page = world.client("admin").get(page_of(shop, alice)).content.decode()

    assert "alice-at-github" in page
    assert "GITHUB_GET_THING" in page
    run = Execution.objects.owned_by(alice.ref).get()
    account = ConnectedAccount.objects.owned_by(alice.ref).get()
    for address in (f"runs/{run.text_id}/", f"runs/{run.text_id}/result.json", f"connections/{account.text_id}/"):
        assert world.client("owner").get(f"/orgs/acme/{address}").status_code == 404


def test_end_user_of_another_application_is_not_on_its_page(world: World, shop: Application) -> None:
    stranger = make_end_user(make_application(world.globex), "stranger")

    assert world.client("admin").get(page_of(shop, stranger)).status_code == 404


def test_ending_an_application_ends_its_keys(world: World, shop: Application) -> None:
    door = Door(make_application_key(shop)[1])
    assert door.get("/identities")[0] == 200

    world.client("admin").post(f"{PAGES}{shop.text_id}/end/")

    assert door.get("/identities")[0] == 401
    assert world.client("admin").post(f"{PAGES}{shop.text_id}/keys/new/", {"name": "x"}).status_code == 422


def test_end_user_is_deleted_with_everything_and_may_come_again(
    world: World, shop: Application, alice: EndUser, told: list[ConnectedAccount]
) -> None:
    other = make_connected_account(ConnectedAccount.objects.owned_by(alice.ref).get().toolkit, owner=world.acme)
    admin, door = world.client("admin"), Door(make_application_key(shop)[1])
    path = f"{page_of(shop, alice)}delete/"
    assert "alice-at-github" in admin.get(path).content.decode()

    assert admin.post(path, {"typed": "alice"}).status_code == 422
    assert admin.post(path, {"typed": "alice-8472"}).status_code == 302
    assert door.post("/tool_router/session", {"user_id": "alice-8472"})[0] == 409
    assert carry_out_deletions() == 1

    assert [one.identity_label for one in told] == ["alice-at-github"]
    assert not EndUser.objects.exists()
    assert not Owner.objects.filter(kind="end_user").exists()
    assert not Execution.objects.unscoped("a test looks").exists()
    assert ConnectedAccount.objects.unscoped("a test looks").get() == other
    report = Deletion.objects.get()
    assert admin.get(f"/me/reports/{report.text_id}/").status_code == 200
    assert alice.external not in str(list(AuditEvent.objects.values())) + str(Deletion.objects.values())
    assert AuditEvent.objects.of_owner(world.acme.ref).filter(action="end_user.delete").exists()
    assert door.post("/tool_router/session", {"user_id": "alice-8472"})[0] == 201
    assert EndUser.objects.get().id != alice.id


def test_organization_goes_with_its_applications_and_their_end_users(
    world: World, shop: Application, alice: EndUser, told: list[ConnectedAccount]
) -> None:
    actor: Any = actor_of(world.owner, world.acme)
    deletion = announce_deletion(
        actor=actor, owner=world.acme.ref, typed=world.acme.name, now=Organization.objects.get(slug="acme").created_at
    )
    Deletion.objects.filter(id=deletion.id).update(due_at=deletion.asked_at)

    assert carry_out_deletions() == 1

    assert len(told) == 1
    assert not EndUser.objects.filter(id=alice.id).exists()
    assert not Application.objects.exists()
    assert not Organization.objects.filter(slug="acme").exists()
