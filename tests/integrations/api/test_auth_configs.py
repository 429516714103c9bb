"""Auth configs through the API, as the SDKs manage them. The secret never comes back."""

from typing import Any

import pytest

from integrations.credentials import client_of
from integrations.models import AuthConfig, Toolkit
from orgs.models import AuditEvent
from orgs.permissions import Role, Scope
from tests.factories import (
    make_api_key,
    make_application_key,
    make_auth_config,
    make_connected_account,
    make_membership,
    make_tool,
    make_toolkit,
)
from tests.integrations.api.door import Door, door_of, id_of
from tests.world import World

pytestmark = pytest.mark.django_db
SECRET = "a-secret-that-nobody-reads"
APP = {
    "type": "use_custom_auth",
    "authScheme": "OAUTH2",
    "credentials": {"client_id": "Iv1.acme", "client_secret": SECRET, "scopes": "repo,read:user"},
}
NEW = {"toolkit": {"slug": "GitHub"}, "auth_config": APP}


@pytest.fixture
def toolkit(db: None) -> Toolkit:
    toolkit = make_toolkit("github", name="GitHub")
    make_tool(toolkit, "GITHUB_READ")
    return toolkit


@pytest.fixture
def door(world: World, toolkit: Toolkit) -> Door:
    return door_of(world.admin)


def made_by(door: Door, **more: Any) -> str:
    status, made = door.post("/auth_configs", {**NEW, **more})
    assert status == 201, made
    return str(made["auth_config"]["id"])


def slug_of(answer: tuple[int, Any]) -> tuple[int, str]:
    return answer[0], answer[1]["error"]["slug"]


def test_program_manages_one_as_the_sdks_do(world: World, door: Door) -> None:
    status, made = door.post("/auth_configs", NEW)

    assert status == 201
    config = made["auth_config"]
    assert (made["toolkit"]["slug"], config["auth_scheme"], config["is_composio_managed"]) == (
        "github",
        "OAUTH2",
        False,
    )
    row = AuthConfig.objects.owned_by(world.acme.ref).get()
    assert (config["id"], row.scopes, client_of(row).client_secret) == (row.text_id, ["repo", "read:user"], SECRET)
    assert config["callback_url"].endswith(f"/{row.id}/")
    path = f"/auth_configs/{row.text_id}"
    change = {"type": "custom", "credentials": {"client_secret": "the-next"}, "tool_access_config": {}}
    assert door.patch(path, change) == (200, {"success": True, "message": "GitHub is changed."})
    row.refresh_from_db()
    assert (client_of(row).client_secret, row.client_id) == ("the-next", "Iv1.acme")

    assert door.patch(f"{path}/DISABLED")[1]["success"] is True
    assert door.get(path)[1]["status"] == "DISABLED"
    assert door.get("/auth_configs")[1]["items"] == []
    assert [one["id"] for one in door.get("/auth_configs?show_disabled=true")[1]["items"]] == [row.text_id]
    assert door.patch(f"{path}/ENABLED")[0] == 200
    shown = door.get(path)[1]
    assert (shown["status"], shown["type"], shown["user_id"]) == ("ENABLED", "custom", id_of(world.acme))
    assert shown["credentials"] == {"client_id": "Iv1.acme"}

    assert door.delete(path)[1]["success"] is True
    assert slug_of(door.get(path)) == (404, "auth_config_not_found")


def test_secret_stands_in_no_answer(door: Door) -> None:
    path = f"/auth_configs/{made_by(door)}"
    asked = [("GET", path, None), ("GET", "/auth_configs", None), ("PATCH", path, {"name": "Another"})]
    asked += [("PATCH", path, {"credentials": {"client_secret": SECRET, "nonsense": SECRET}}), ("DELETE", path, None)]

    for method, address, body in asked:
        assert SECRET not in door.ask(method, address, body).content.decode()
    assert AuditEvent.objects.filter(action="auth_config.delete").count() == 1


def test_scopes_come_as_a_list_or_a_text_and_none_means_what_the_tools_need(world: World, door: Door) -> None:
    path = f"/auth_configs/{made_by(door)}"

    for sent, kept in ((["repo"], ["repo"]), ("a b, c", ["a", "b", "c"]), ([], []), ("", [])):
        assert door.patch(path, {"type": "custom", "credentials": {"scopes": sent}})[0] == 200
        assert door.get(path)[1]["scopes"] == kept
    assert door.patch(path, {"type": "default", "scopes": ["repo"]})[0] == 200
    assert door.get(path)[1]["scopes"] == ["repo"]


@pytest.mark.parametrize(
    ("body", "slug", "words"),
    [
        ({"auth_config": {**APP, "authScheme": "BASIC"}}, "invalid_scheme", "It has: "),
        ({"auth_config": {**APP, "credentials": {}}}, "client_id_missing", "client_id"),
        ({"auth_config": {**APP, "credentials": {"api_key": "x"}}}, "invalid_request", "credentials.api_key"),
        ({"auth_config": {**APP, "type": "nonsense"}}, "invalid_request", "use_custom_auth"),
        ({"auth_config": {**APP, "restrict_to_following_tools": ["A"]}}, "not_supported", "policies"),
        (
            {"auth_config": {**APP, "tool_access_config": {"tools_available_for_execution": ["A"]}}},
            "not_supported",
            "tool_access_config",
        ),
        ({"auth_config": {**APP, "proxy_config": {"proxy_url": "https://x"}}}, "not_supported", "proxy_config"),
        ({"auth_config": {**APP, "is_enabled_for_tool_router": False}}, "not_supported", "tool_router"),
        (
            {"auth_config": {"type": "use_composio_managed_auth", "credentials": {"scopes": "x"}}},
            "not_supported",
            "type",
        ),
        ({"user_id": "default"}, "user_id_placeholder", "default"),
    ],
)
def test_what_does_not_fit_is_named(world: World, door: Door, body: dict[str, Any], slug: str, words: str) -> None:
    make_auth_config(Toolkit.objects.get())

    status, answer = door.post("/auth_configs", {**NEW, **body})

    assert status == 400
    assert answer["error"]["slug"].startswith(slug.removesuffix("_placeholder"))
    assert words in answer["error"]["message"]
    assert SECRET not in str(answer)
    assert made_by(door)


def test_which_organization_is_clear_or_must_be_said(world: World, door: Door) -> None:
    make_membership(world.globex, world.admin, Role.ADMIN)

    assert slug_of(door.post("/auth_configs", NEW)) == (400, "organization_needed")
    assert slug_of(door.post("/auth_configs", {**NEW, "user_id": id_of(world.admin)})) == (400, "organization_needed")
    made_by(door, user_id=id_of(world.globex))

    assert AuthConfig.objects.owned_by(world.globex.ref).count() == 1
    assert not AuthConfig.objects.owned_by(world.acme.ref).exists()


@pytest.mark.parametrize(
    ("persona", "codes"),
    [
        ("member", (403, "role_insufficient")),
        ("viewer", (403, "role_insufficient")),
        ("outsider", (404, "user_id_not_found")),
        ("ex_member", (404, "user_id_not_found")),
        ("org_key", (403, "role_insufficient")),
        ("app_key", (403, "insufficient_scope")),
        ("lacking", (403, "insufficient_scope")),
        ("admin", None),
        ("owner", None),
    ],
)
def test_who_may_make_one(world: World, toolkit: Toolkit, persona: str, codes: tuple[int, str] | None) -> None:
    keys = {
        "org_key": lambda: make_api_key(world.acme)[1],
        "app_key": lambda: make_application_key(world.acme)[1],
        "lacking": lambda: make_api_key(world.owner, *(one for one in Scope if one is not Scope.ADMIN))[1],
    }
    key = keys[persona]() if persona in keys else make_api_key(world.people[persona])[1]

    status, answer = Door(key).post("/auth_configs", {**NEW, "user_id": id_of(world.acme)})

    assert (status if codes is None else (status, answer["error"]["slug"])) == (codes or 201)
    assert AuthConfig.objects.owned_by(world.acme.ref).count() == (1 if codes is None else 0)


def test_the_installations_own_are_its_operators(world: World, door: Door, toolkit: Toolkit) -> None:
    row = make_auth_config(toolkit)
    path = f"/auth_configs/{row.text_id}"

    for answer in (door.patch(path, {"name": "Mine"}), door.patch(f"{path}/DISABLED"), door.delete(path)):
        assert slug_of(answer) == (403, "auth_config_of_installation")
        assert "use_custom_auth" in answer[1]["error"]["message"]
    row.refresh_from_db()
    assert (row.is_enabled, row.deleted_at) == (True, None)
    assert door.delete(f"/auth_configs/{made_by(door)}")[0] == 200


def test_one_with_accounts_is_not_deleted(world: World, door: Door, toolkit: Toolkit) -> None:
    path = f"/auth_configs/{made_by(door)}"
    row = AuthConfig.objects.owned_by(world.acme.ref).get()
    account = make_connected_account(toolkit, owner=world.acme, auth_config=row)

    status, answer = door.delete(path)

    assert (status, answer["error"]["slug"]) == (409, "auth_config_in_use")
    assert "1 account is connected with GitHub" in answer["error"]["message"]
    assert door.delete(f"/connected_accounts/{account.text_id}")[0] == 200
    assert door.delete(path)[0] == 200


def test_own_one_connects_under_its_own_id_alone_and_only_while_it_is_enabled(world: World, door: Door) -> None:
    config = made_by(door)
    body = {"auth_config_id": config, "user_id": id_of(world.acme)}

    assert door.post("/connected_accounts/link", body)[0] == 201
    status, answer = door.post("/connected_accounts/link", {**body, "user_id": id_of(world.admin)})
    assert (status, answer["error"]["slug"]) == (400, "auth_config_of_another_id")
    assert id_of(world.acme) in answer["error"]["message"]
    door.patch(f"/auth_configs/{config}/DISABLED")
    assert slug_of(door.post("/connected_accounts/link", body)) == (409, "auth_config_disabled")
    stranger = door_of(world.outsider)
    assert slug_of(stranger.post("/connected_accounts/link", body))[0] == 404


def test_list_begins_with_what_the_keys_own_id_can_use(world: World, door: Door, toolkit: Toolkit) -> None:
    own = made_by(door)
    everybodys = make_auth_config(toolkit).text_id
    application = Door(make_application_key(world.acme)[1])

    def listed(by: Door, more: str = "") -> list[str]:
        return [one["id"] for one in by.get(f"/auth_configs?toolkit_slug=GITHUB{more}")[1]["items"]]

    assert listed(door) == [everybodys, own]
    assert listed(door_of(world.acme)) == listed(application) == [own, everybodys]
    assert listed(door_of(world.outsider)) == [everybodys]
    assert listed(door, "&is_composio_managed=true") == [everybodys]
    assert listed(door, "&is_composio_managed=false") == [own]


def test_session_links_with_its_auth_config_where_that_serves(world: World, door: Door, toolkit: Toolkit) -> None:
    own, everybodys = made_by(door), make_auth_config(toolkit).text_id
    slack = make_auth_config(make_toolkit("slack")).text_id

    def linked(holder: Any, config: str) -> tuple[int, Any]:
        body = {"user_id": id_of(holder), "auth_configs": {"github": config}}
        status, session = door.post("/tool_router/session", body)
        assert status == 201, session
        return door.post(f"/tool_router/session/{session['session_id']}/link", {"toolkit": "github"})

    assert linked(world.acme, own)[0] == linked(world.admin, everybodys)[0] == 201
    assert slug_of(linked(world.admin, own)) == (400, "auth_config_not_open")
    assert slug_of(linked(world.acme, slack)) == (400, "auth_config_not_open")
    door.patch(f"/auth_configs/{own}/DISABLED")
    assert slug_of(linked(world.acme, own)) == (400, "auth_config_not_open")


def test_toolkit_says_what_one_of_your_own_takes(door: Door) -> None:
    ways = {
        one["mode"]: one["fields"]["auth_config_creation"]
        for one in door.get("/toolkits/github")[1]["auth_config_details"]
    }

    told = ways["OAUTH2"]
    assert [one["name"] for one in told["required"]] == ["client_id"]
    assert {one["name"]: one["is_secret"] for one in told["optional"]} == {"client_secret": True, "scopes": False}
    assert ways["BEARER_TOKEN"] == {"required": [], "optional": []}
    body = {one["name"]: "x" for one in [*told["required"], *told["optional"]]}
    assert door.post("/auth_configs", {**NEW, "auth_config": {**APP, "credentials": body}})[0] == 201
