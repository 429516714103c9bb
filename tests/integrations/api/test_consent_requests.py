"""Consent requests through the API: a program asks, withdraws and decides as a person does in the pages."""

from typing import Any

import pytest

from integrations.models import ConsentRequest, Toolkit
from integrations.models.policies import Policy
from orgs.permissions import Scope
from tests.factories import make_connected_account, make_consent_request, make_policy, make_tool, make_toolkit
from tests.integrations.api.door import Door, door_of, id_of
from tests.world import World

pytestmark = pytest.mark.django_db
PATH = "/consent_requests"


@pytest.fixture
def toolkit(db: None) -> Toolkit:
    toolkit = make_toolkit("github", name="GitHub")
    make_tool(toolkit, "GITHUB_READ")
    make_tool(toolkit, "GITHUB_WRITE", effect="write", name="Write a thing")
    return toolkit


@pytest.fixture
def wish(world: World, toolkit: Toolkit) -> dict[str, Any]:
    return {"user_id": id_of(world.acme), "toolkit": "GitHub", "reason": "For the notes", "tools": ["github_write"]}


def slug_of(answer: tuple[int, Any]) -> tuple[int, str]:
    return answer[0], answer[1]["error"]["slug"]


def asked(door: Door, wish: dict[str, Any]) -> str:
    status, made = door.post(PATH, wish)
    assert status == 201, made
    return f"{PATH}/{made['id']}"


def test_member_asks_sees_it_and_takes_it_back(world: World, wish: dict[str, Any]) -> None:
    door = door_of(world.member)

    status, made = door.post(PATH, wish)

    assert status == 201
    assert (made["status"], made["what"], made["asking"], made["is_mine"]) == ("open", "Connect GitHub", 1, True)
    assert (made["user_id"], made["wanted_tools"]) == (id_of(world.acme), ["GITHUB_WRITE"])
    assert [one["reason"] for one in made["requesters"]] == ["For the notes"]
    assert (made["may_decide"], made["may_approve"], made["candidates"]) == (False, False, [])
    assert "admin" in made["why_not"]
    assert made["url"].endswith(f"/orgs/acme/requests/{made['id']}/")
    path = f"{PATH}/{made['id']}"
    assert door.get(path)[1] == made
    assert [one["id"] for one in door.get(PATH)[1]["items"]] == [made["id"]]
    assert door.post(PATH, wish)[0] == 200
    assert door.post(f"{path}/withdraw")[1]["status"] == "withdrawn"
    assert slug_of(door.post(f"{path}/withdraw"))[0] == 404


def test_second_member_joins_and_sees_only_their_own_part(world: World, wish: dict[str, Any]) -> None:
    path = asked(door_of(world.member), wish)
    second = door_of(world.owner)

    status, joined = second.post(PATH, {**wish, "reason": "Me too"})

    assert (status, joined["asking"], f"{PATH}/{joined['id']}") == (200, 2, path)
    mine = door_of(world.member).get(path)[1]
    assert [one["reason"] for one in mine["requesters"]] == ["For the notes"]
    assert "Me too" not in str(mine)
    seen = door_of(world.admin).get(path)[1]
    assert [one["reason"] for one in seen["requesters"]] == ["For the notes", "Me too"]
    assert [one["step"] for one in seen["timeline"]] == ["asked", "asked"]


def test_admin_is_sent_to_the_page_where_a_person_connects(world: World, wish: dict[str, Any]) -> None:
    path, admin = asked(door_of(world.member), wish), door_of(world.admin)

    status, answer = admin.post(f"{path}/approve", {})

    assert (status, answer["error"]["slug"]) == (409, "connection_needed")
    assert admin.get(path)[1]["url"] in answer["error"]["message"]
    assert "candidates" in answer["error"]["suggested_fix"]
    assert admin.get(path)[1]["status"] == "open"


def test_admin_approves_with_an_account_that_is_there(world: World, toolkit: Toolkit, wish: dict[str, Any]) -> None:
    path, admin = asked(door_of(world.member), wish), door_of(world.admin)
    account = make_connected_account(toolkit, owner=world.acme)
    paused = make_connected_account(toolkit, owner=world.acme, status="paused", identity_key="2")

    found = admin.get(path)[1]
    refused = admin.post(f"{path}/approve", {"connected_account_id": paused.text_id})
    done = admin.post(f"{path}/approve", {"connected_account_id": account.text_id})

    assert found["may_approve"] is True
    assert {one["connected_account_id"]: one["obstacle"] for one in found["candidates"]} == {
        account.text_id: None,
        paused.text_id: "It is paused. Resume it first.",
    }
    assert slug_of(refused) == (409, "account_not_ready")
    assert (done[0], done[1]["status"], done[1]["answered_with"]) == (200, "approved", account.text_id)
    assert (done[1]["decided_by"], done[1]["may_approve"]) == (world.admin.display_name, False)
    assert slug_of(admin.post(f"{path}/approve", {"connected_account_id": account.text_id})) == (409, "request_over")


def test_access_is_given_for_a_time_to_whom_a_policy_holds_back(
    world: World, toolkit: Toolkit, wish: dict[str, Any]
) -> None:
    account = make_connected_account(toolkit, owner=world.acme)
    make_policy(world.acme, "deny", effect="write")
    path = asked(door_of(world.member), {**wish, "connected_account_id": account.text_id})
    admin = door_of(world.admin)

    [candidate] = admin.get(path)[1]["candidates"]
    done = admin.post(f"{path}/approve", {"days": 7})[1]

    assert world.member.display_name in candidate["held_back"][0]
    assert (done["status"], done["granted_until"] is not None) == ("approved", True)
    assert Policy.objects.owned_by(world.acme.ref).filter(user=world.member).exists()


def test_own_request_is_decided_by_somebody_else(world: World, toolkit: Toolkit, wish: dict[str, Any]) -> None:
    account = make_connected_account(toolkit, owner=world.acme)
    path, answer = asked(door_of(world.admin), wish), {"connected_account_id": account.text_id}

    status, refused = door_of(world.admin).post(f"{path}/approve", answer)

    assert (status, refused["error"]["slug"]) == (403, "own_request")
    assert world.owner.display_name in refused["error"]["message"]
    assert door_of(world.admin).get(path)[1]["why_not"] == refused["error"]["message"]
    assert door_of(world.owner).post(f"{path}/approve", answer)[1]["status"] == "approved"


def test_deny_block_lift_and_reopen(world: World, wish: dict[str, Any]) -> None:
    member, admin = door_of(world.member), door_of(world.admin)
    path = asked(member, wish)

    assert admin.post(f"{path}/deny", {"reason": "Not now"})[1]["decision_reason"] == "Not now"
    assert admin.post(f"{path}/reopen")[1]["status"] == "open"
    assert admin.post(f"{path}/block", {"reason": "Never"})[1]["status"] == "blocked"
    status, answer = member.post(PATH, wish)
    assert (status, answer["error"]["slug"]) == (409, "request_blocked")
    assert "Never" in answer["error"]["message"]
    assert admin.post(f"{path}/lift")[1]["status"] == "denied"
    assert slug_of(admin.post(f"{path}/lift")) == (409, "request_over")
    assert member.post(PATH, wish)[0] == 201


@pytest.mark.parametrize(
    ("change", "slug"),
    [
        ({"reason": " "}, "reason_missing"),
        ({"reason": ""}, "invalid_request"),
        ({"toolkit": "nonsense"}, "not_found"),
        ({"connected_account_id": "ca_nonsense"}, "not_found"),
        ({"user_id": "default"}, "user_id_"),
        ({"something": 1}, "invalid_request"),
    ],
)
def test_what_does_not_fit_is_named(world: World, wish: dict[str, Any], change: dict[str, Any], slug: str) -> None:
    door = door_of(world.member)

    status, answer = door.post(PATH, {**wish, **change})

    assert status in {400, 404}
    assert answer["error"]["slug"].startswith(slug)
    assert not ConsentRequest.objects.owned_by(world.acme.ref).exists()
    assert door.post(PATH, wish)[0] == 201


def test_nobody_asks_themself(world: World, wish: dict[str, Any]) -> None:
    status, answer = door_of(world.member).post(PATH, {**wish, "user_id": id_of(world.member)})

    assert (status, answer["error"]["slug"]) == (400, "organization_needed")
    assert door_of(world.member).post(PATH, wish)[0] == 201


def test_list_is_narrowed_down_and_turned_page_by_page(world: World, toolkit: Toolkit) -> None:
    kits = [make_toolkit(slug) for slug in ("slack", "jira")]
    rows = [make_consent_request(kit, owner=world.acme, users=[world.member]) for kit in (toolkit, *kits)]
    make_consent_request(make_toolkit("gmail"), owner=world.acme, users=[world.owner], status="denied")
    admin, place = door_of(world.admin), f"{PATH}?user_id={id_of(world.acme)}"

    first = admin.get(f"{place}&status=open&limit=2")[1]
    second = admin.get(f"{place}&status=open&limit=2&cursor={first['next_cursor']}")[1]

    listed = [one["id"] for page in (first, second) for one in page["items"]]
    assert listed == [row.text_id for row in reversed(rows)]
    assert second["next_cursor"] is None
    assert len(admin.get(place)[1]["items"]) == 4
    assert admin.get(f"{place}&mine=true")[1]["items"] == []
    assert len(door_of(world.member).get(place)[1]["items"]) == 3
    assert door_of(world.viewer).get(place)[1]["items"] == []
    assert slug_of(admin.get(f"{place}&status=nonsense")) == (400, "invalid_status")
    assert slug_of(door_of(world.outsider).get(f"{place}&cursor={first['next_cursor']}"))[0] == 404


def test_key_without_admin_is_told_what_it_lacks_and_strangers_are_told_nothing(
    world: World, wish: dict[str, Any]
) -> None:
    path = asked(door_of(world.member), wish)
    small = door_of(world.admin, Scope.CONNECTIONS_READ)

    assert slug_of(small.get(path)) == (403, "insufficient_scope")
    assert door_of(world.admin, Scope.CONNECTIONS_READ, Scope.ADMIN).get(path)[0] == 200
    real, invented = (door_of(world.viewer).get(one) for one in (path, f"{PATH}/rq_{'0' * 31}1"))
    assert slug_of(real) == slug_of(invented) == (404, "not_found")
    assert real[1]["error"]["message"] == invented[1]["error"]["message"]
