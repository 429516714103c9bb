"""Connected accounts over the API: filters that say what they did not find, names, and links that nobody used yet."""

from typing import Any

import pytest

from integrations.models import ConnectedAccount, ConnectLink
from orgs.models import AuditEvent
from orgs.permissions import Scope
from tests.factories import (
    make_application,
    make_application_key,
    make_auth_config,
    make_connected_account,
    make_end_user,
    make_toolkit,
)
from tests.integrations.api.door import Door, door_of, id_of
from tests.world import World

ROOT = "/connected_accounts"


@pytest.fixture
def config(world: World) -> Any:
    return make_auth_config(make_toolkit("github"))


@pytest.fixture
def door(world: World) -> Door:
    return door_of(world.member)


def link(door: Door, config: Any, holder: Any, **more: Any) -> Any:
    status, body = door.post(f"{ROOT}/link", {"auth_config_id": config.text_id, "user_id": id_of(holder), **more})
    assert status == 201, body
    return body["connected_account_id"]


def ids(door: Door, query: str = "") -> list[str]:
    status, body = door.get(f"{ROOT}?{query}")
    assert status == 200, body
    assert body["total_items"] == len(body["items"])
    return [one["id"] for one in body["items"]]


# --- Lists


@pytest.mark.parametrize("query", ["statuses=BROKEN", "account_type=MINE", "order_by=size", "order_direction=up"])
def test_filter_that_there_is_not_is_refused(door: Door, config: Any, query: str) -> None:
    status, body = door.get(f"{ROOT}?{query}")

    assert (status, body["error"]["slug"]) == (400, "invalid_request")


def test_private_ones_are_a_persons_and_an_end_users(world: World, config: Any, door: Door) -> None:
    shop = make_application(world.acme)
    own, shared, guests = (
        make_connected_account(config.toolkit, owner=holder).text_id
        for holder in (world.member, world.acme, make_end_user(shop))
    )
    program = Door(make_application_key(shop)[1])

    assert (ids(door, "account_type=PRIVATE"), ids(door, "account_type=SHARED")) == ([own], [shared])
    assert (ids(program, "account_type=PRIVATE"), ids(program, "account_type=SHARED")) == ([guests], [shared])


def test_auth_configs_are_counted_at_once(world: World, door: Door, django_assert_max_num_queries: Any) -> None:
    github = make_toolkit("github")
    configs = [make_auth_config(github, name=f"App {n}") for n in range(6)]
    for config in configs[:3]:
        make_connected_account(github, owner=world.member, auth_config=config)

    with django_assert_max_num_queries(14):
        _, body = door.get("/auth_configs?limit=50")

    counted = {one["id"]: one["no_of_connections"] for one in body["items"]}
    assert [counted[config.text_id] for config in configs] == [1, 1, 1, 0, 0, 0]


# --- Links that nobody used yet


def test_accounts_to_come_are_listed_when_they_are_asked_for(world: World, config: Any, door: Door) -> None:
    account = make_connected_account(config.toolkit, owner=world.member, auth_config=config).text_id
    first, second = link(door, config, world.member), link(door, config, world.member)
    link(door_of(world.admin), config, world.admin)

    assert ids(door) == [account]
    assert ids(door, "statuses=INITIATED") == [second, first]
    assert ids(door, "statuses=INITIATED,ACTIVE") == [second, first, account]
    assert ids(door, f"statuses=INITIATED&connected_account_ids={first}&toolkit_slugs=GitHub") == [first]
    assert ids(door, f"statuses=INITIATED&auth_config_ids={config.text_id}&account_type=PRIVATE") == [second, first]
    assert ids(door, "statuses=INITIATED&toolkit_slugs=slack") == []
    assert ids(door, "statuses=INITIATED&account_type=SHARED") == []


def test_pages_go_on_from_links_to_accounts(world: World, config: Any, door: Door) -> None:
    accounts = [make_connected_account(config.toolkit, owner=world.member).text_id for _ in range(2)]
    links = [link(door, config, world.member) for _ in range(2)]
    seen, cursor = [], ""

    while True:
        _, body = door.get(f"{ROOT}?statuses=INITIATED,ACTIVE&limit=3&cursor={cursor}")
        seen.append([one["id"] for one in body["items"]])
        cursor = body["next_cursor"]
        if not cursor:
            break

    assert (body["total_items"], body["total_pages"]) == (4, 2)
    assert [len(page) for page in seen] == [3, 1]
    assert sorted(seen[0] + seen[1]) == sorted(accounts + links)
    assert set(seen[0][:2]) == set(links)


def test_link_that_was_sent_in_error_is_taken_back(world: World, config: Any, door: Door) -> None:
    wrong = link(door, config, world.member)

    assert door.delete(f"{ROOT}/{wrong}") == (200, {"success": True})

    status, body = door.get(f"{ROOT}/{wrong}")
    assert (status, body["status"]) == (200, "FAILED")  # whoever waits for it stops waiting
    assert "taken the link back" in body["status_reason"]
    assert ids(door, "statuses=INITIATED") == []
    assert door.delete(f"{ROOT}/{wrong}")[0] == 404
    assert AuditEvent.objects.filter(action="connection.link_withdraw").count() == 1


def test_link_of_others_and_of_a_small_key_stays(world: World, config: Any, door: Door) -> None:
    mine = link(door, config, world.member)
    small = door_of(world.member, Scope.CONNECTIONS_READ)

    assert door_of(world.outsider).delete(f"{ROOT}/{mine}")[0] == 404
    assert small.delete(f"{ROOT}/{mine}")[1]["error"]["slug"] == "insufficient_scope"
    assert ConnectLink.objects.unscoped("a test looks").get().status == "open"


# --- Names and other changes


def test_name_is_given_once_for_each_toolkit_and_id(world: World, config: Any, door: Door) -> None:
    first, second = (make_connected_account(config.toolkit, owner=world.member) for _ in range(2))
    elsewhere = make_connected_account(make_toolkit("slack"), owner=world.member)
    assert door.patch(f"{ROOT}/{first.text_id}", {"alias": " Work "})[0] == 200

    taken = door.patch(f"{ROOT}/{second.text_id}", {"alias": "Work"})
    asked = {"auth_config_id": config.text_id, "user_id": id_of(world.member), "alias": "Work"}

    assert (taken[0], taken[1]["error"]["slug"]) == (400, "alias_taken")
    assert door.post(f"{ROOT}/link", asked)[1]["error"]["slug"] == "alias_taken"
    assert door.patch(f"{ROOT}/{elsewhere.text_id}", {"alias": "Work"})[0] == 200
    assert door.patch(f"{ROOT}/{first.text_id}", {"alias": "Work"})[0] == 200  # its own
    ConnectedAccount.objects.unscoped("a test").filter(id=first.id).update(status="revoked", credentials=None)
    assert door.patch(f"{ROOT}/{second.text_id}", {"alias": "Work"})[0] == 200  # free again


@pytest.mark.parametrize(
    "change",
    [
        {"experimental": {"acl_config_for_shared": {"not_allowed_user_ids": ["x"]}}},
        {"connection": {"state": {"val": {"token": "tok-canary"}}}},
    ],
)
def test_change_that_is_not_made_is_not_called_a_success(
    world: World, config: Any, door: Door, change: dict[str, Any]
) -> None:
    account = make_connected_account(config.toolkit, owner=world.member)

    status, body = door.patch(f"{ROOT}/{account.text_id}", {"alias": "New", **change})

    account.refresh_from_db()
    assert (status, body["error"]["slug"], account.alias) == (400, "not_supported", "")
    assert "tok-canary" not in str(body)
