"""The cells of the truth table, over the API, MCP and the pages: each door answers as the oracle (checks H1, H2)."""

from collections.abc import Iterator
from itertools import islice
from typing import Any
from uuid import UUID

import pytest
from asgiref.sync import sync_to_async
from django.core.cache import cache
from django.utils import timezone

from integrations.models import Execution
from integrations.models.encrypted import seal
from tests.factories import actor_of, make_api_key
from tests.integrations.api.door import Door
from tests.integrations.mcp.agent import Agent, path_of
from tests.permissions import oracle
from tests.permissions.town import Town, tool_of, town_of_people
from tests.world import World

pytestmark = pytest.mark.django_db


@pytest.fixture
def town(world: World, settings: Any) -> Town:
    settings.API_LIMIT_PER_KEY = settings.API_LIMIT_PER_OWNER = 100_000
    cache.clear()
    return town_of_people(world)


def cells_of(caller: str, role: str) -> Iterator[oracle.Cell]:
    return (cell for cell in oracle.cells() if cell[:2] == (caller, role))


def named(town: Town, cell: oracle.Cell) -> str:
    return town.named(*cell[3:])


def expected(cell: oracle.Cell) -> tuple[int, str]:
    status, code = oracle.decide(cell)
    return status, code.removesuffix("+hint")


# --- Over the API


def key_of(town: Town, caller: str, role: str) -> str:
    """Of the organization; or a personal one that is bound to it, of the member in that role."""
    if caller == "org_key":
        return make_api_key(town.world.acme)[1]
    town.world.acme.memberships.filter(user=town.world.member).update(role=role)
    return make_api_key(town.world.member, organization=town.world.acme.ref)[1]


def over_the_api(town: Town, door: Door, cell: oracle.Cell) -> tuple[int, str]:
    order = {"tool": tool_of(cell[3], cell[4]), "user_id": town.requested(cell[2]), "arguments": {"name": "x"}}
    status, body = door.post("/executions", {**order, "connected_account_id": named(town, cell)})
    return status, "accepted" if status == 202 else body["error"]["slug"]


# With everything that stands around the API: a sample, and always those that may run. `test_every_cell` asks the API
# itself about all of them.
SAMPLES = [("user_key", "member", 31), ("org_key", "owner", 29), ("user_key", "admin", 37), ("user_key", "owner", 41)]


@pytest.mark.parametrize(("caller", "role", "every"), SAMPLES)
def test_the_api_answers_as_the_oracle(town: Town, caller: str, role: str, every: int) -> None:
    door = Door(key_of(town, caller, role))
    accepted = [cell for cell in cells_of(caller, role) if expected(cell)[0] == 202]
    asked = [*accepted, *islice(cells_of(caller, role), 0, None, every)]

    answers = [(cell, expected(cell), over_the_api(town, door, cell)) for cell in asked]

    assert [one for one in answers if one[1] != one[2]] == []
    assert len(accepted) >= 2


# --- Over MCP and the pages, where the address names the acting ID


def placed(caller: str, role: str) -> list[oracle.Cell]:
    return [cell for cell in cells_of(caller, role) if cell[2] in {"own_user", "own_org"}]


@pytest.fixture
def _worker(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever waits for a run finds it done."""

    def finish(execution_id: Any) -> Execution:
        row = Execution.objects.unscoped("the only one there is").get(id=execution_id)
        row.status, row.finished_at = "succeeded", timezone.now()
        row.result = seal({"result": {}}, table="execution", row=row.id, field="result")
        row.save()
        return row

    async def done(actor: Any, execution_id: Any) -> Any:
        return await sync_to_async(finish)(execution_id)

    monkeypatch.setattr("integrations.mcp.running.run_when_over", done)


@pytest.mark.usefixtures("_worker")
@pytest.mark.parametrize(("caller", "role"), [("user_key", "member"), ("org_key", "owner")])
def test_mcp_answers_as_the_oracle(town: Town, caller: str, role: str) -> None:
    key = key_of(town, caller, role)
    disagreements = []
    for cell in placed(caller, role):
        if cell[:3] == ("org_key", role, "own_user"):
            continue  # no address of a person opens for it: tests/integrations/mcp/test_door.py
        given = over_mcp(town, key, cell)
        if given != expected(cell)[1]:
            disagreements.append((cell, expected(cell), given))

    assert disagreements == []


def over_mcp(town: Town, key: str, cell: oracle.Cell) -> str:
    asked = {"tool": tool_of(cell[3], cell[4]), "arguments": {"name": "x"}, "account": named(town, cell)}
    agent = Agent(path_of(town.holders[cell[2]]), key)
    call = {"name": "SWITCHBOARD_RUN_TOOL", "arguments": {part: value for part, value in asked.items() if value}}
    answer = agent.post({"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": call}).json()["result"]
    return str(answer["structuredContent"].get("code", "accepted")) if answer.get("isError") else "accepted"


def test_the_pages_answer_as_the_oracle(town: Town) -> None:
    browser = town.world.client("member")
    disagreements = []
    for cell in placed("session", "member"):
        base = "/orgs/acme" if cell[2] == "own_org" else "/me"
        path = f"{base}/tools/{tool_of(cell[3], cell[4])}/run/"
        answer = browser.post(path, {"arg-name": "thing", "account": named(town, cell)})
        given = outcome(answer)
        if given != expected(cell)[1]:
            disagreements.append((cell, expected(cell), given))

    assert disagreements == []


def outcome(answer: Any) -> str:
    """What stands on the run that the page led to; an account that is not there is said before any run is made."""
    if answer.status_code == 404:
        return "connected_account_not_found"
    [row] = Execution.objects.unscoped("a test reads").filter(id=UUID(answer["Location"].rpartition("/ex_")[2][:32]))
    return "accepted" if row.decision["allowed"] else str(row.decision["code"])


def test_a_run_that_is_accepted_uses_the_account_of_exactly_that_id(town: Town) -> None:
    for word in ("own_user", "own_org"):
        for owner in ("own_user", "own_org"):
            door = Door(key_of(town, "user_key", "member"))
            status, _code = over_the_api(town, door, ("user_key", "member", word, owner, "ACTIVE", "implicit"))
            assert (status == 202) == (word == owner)

    used = Execution.objects.unscoped("a test reads").filter(status="queued").order_by("created_at")
    assert [row.connected_account for row in used] == [
        town.accounts["own_user", "ACTIVE"],
        town.accounts["own_org", "ACTIVE"],
    ]
    assert actor_of(town.world.member).as_owner == used[0].owner.ref
