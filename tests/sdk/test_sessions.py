"""A tool session from its first call to its last, with each official SDK: what came, not only that something came."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx2
import pytest

from tests.people import Person
from tests.sdk.conftest import Asking, tool_beside_the_product

HERE = Path(__file__).parent
RUNNERS = ("0.29.0", "0.22.0", "typescript")
MAILBOX = "SANDBOX_LIST_MESSAGES"

pytestmark = pytest.mark.faults  # starts servers of its own


def command_of(runner: str) -> list[str]:
    if runner != "typescript":
        return [str(tool_beside_the_product(runner, "bin", "python")), str(HERE / "sessions.py")]
    node = shutil.which("node")
    if node is None or not (HERE / "node_modules" / "@composio" / "core").exists():
        missing = "the TypeScript SDK is not installed: run `make sdk`"
        pytest.fail(missing, pytrace=False) if os.environ.get("CI") == "true" else pytest.skip(missing)
    return [node, str(HERE / "sessions.mjs")]


def run(asking: Asking, runner: str, part: str, **more: str) -> dict[str, Any]:
    environ = {"PATH": os.environ["PATH"], "TELEMETRY_DISABLED": "true", **asking.environ, **more}
    done = subprocess.run(
        [*command_of(runner), part], env=environ, capture_output=True, check=False, text=True, timeout=400
    )
    assert done.returncode == 0, done.stderr[-3000:]
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found


def approve(asking: Asking, link: str, identity: str) -> None:
    with Person(asking.url) as person:
        page = person.browser.get(link)
        page = person.send(page, login=asking.email, password=asking.password)
        page = person.send(page, button="Go on to Sandbox")
        page = person.send(page, identity=identity, decision="allow")
        assert page.status_code == 200, page.text[:2000]


@pytest.fixture(params=RUNNERS)
def runner(request: pytest.FixtureRequest, asking: Asking) -> Iterator[str]:
    """One SDK; what it connected is gone afterwards, so that the next begins with nothing."""
    command_of(request.param)
    yield request.param
    headers = {"x-api-key": asking.environ["SDK_KEY"]}
    url = f"{asking.url}/api/v3.1/connected_accounts"
    with httpx2.Client(headers=headers, timeout=60, trust_env=False) as client:
        listed = client.get(url, params={"user_ids": asking.environ["SDK_USER"], "toolkit_slugs": "sandbox"}).json()
        for one in listed["items"]:
            client.delete(f"{url}/{one['id']}")


def test_a_session_does_all_that_the_sdk_offers(asking: Asking, runner: str) -> None:
    begun = run(asking, runner, "begin")
    check_begun(asking, begun)
    work, link = begun["work"]
    approve(asking, link, "ada")
    approve(asking, begun["connections"]["results"]["sandbox"]["redirect_url"], "sam")

    used = run(asking, runner, "use", SDK_SESSION=begun["session"], SDK_WORK=work)

    check_search(used)
    check_runs(used, has_result_type=runner == "0.29.0")
    check_several(used, work)
    check_lists(used, work)
    check_changes(used, work)


def check_begun(asking: Asking, begun: dict[str, Any]) -> None:
    assert sorted(begun["config"]["enabled"]) == ["hackernews", "sandbox"]
    told = begun["connections"]["results"]
    assert {name: one["status"] for name, one in told.items()} == {
        "sandbox": "initiated",
        "hackernews": "failed",
        "nothing": "failed",
    }
    assert begun["work"][1].startswith(asking.url)
    assert told["sandbox"]["redirect_url"] != begun["work"][1]
    assert "needs no account" in told["hackernews"]["error"]


def check_search(used: dict[str, Any]) -> None:
    searched = used["searched"]
    assert (searched["success"], searched["error"]) == (True, None)
    [line] = searched["results"]
    assert MAILBOX in line["primary_tool_slugs"]
    assert line["use_case"] == "read the messages of my mailbox"
    assert MAILBOX in searched["tool_schemas"]
    states = {one["toolkit"]: one["has_active_connection"] for one in searched["toolkit_connection_statuses"]}
    assert states["sandbox"] is True
    through = used["through_execute"]["data"]["results"][0]["primary_tool_slugs"]
    assert "SANDBOX_POST_TO_CHANNEL" in through


def check_runs(used: dict[str, Any], *, has_result_type: bool) -> None:
    names = {key: used[key]["data"].get("name") for key in ("newest", "by_name", "by_id", "as_pinned")}
    assert names == {"newest": "Sam Rivera", "by_name": "Ada Park", "by_id": "Ada Park", "as_pinned": "Ada Park"}
    assert used["newest"]["error"] is None
    assert used["newest"]["log_id"].startswith("ex_")
    assert used["failed"]["error"]
    assert used["failed"]["log_id"].startswith("ex_")
    assert "is called Nobody's here" in used["unknown_name"]
    if has_result_type:
        assert [used[key]["result_type"] for key in ("newest", "failed")] == ["completed", "failed"]


def check_several(used: dict[str, Any], work: str) -> None:
    several = used["several"]
    assert (several["total_count"], several["success_count"], several["error_count"]) == (3, 2, 1)
    first, unknown, last = several["results"]
    assert [one["index"] for one in several["results"]] == [0, 1, 2]
    assert (first["response"]["data"]["name"], last["response"]["data"]["name"]) == ("Ada Park", "Sam Rivera")
    assert unknown["response"]["successful"] is False
    assert "There is no tool NO_SUCH_TOOL" in unknown["error"]
    schema = used["schemas"]["tool_schemas"]["SANDBOX_SEND_MESSAGE"]
    assert schema["input_schema"]["required"] == ["to", "subject", "body"]
    sandbox = used["connections"]["results"]["sandbox"]
    assert sandbox["status"] == "active"
    assert {one["alias"] for one in sandbox["accounts"] if one["id"] == work} == {"Work"}
    assert len(sandbox["accounts"]) == 2


def check_lists(used: dict[str, Any], work: str) -> None:
    assert [len(page) for page in used["tools"]] == [3, 3, 2]
    assert len({slug for page in used["tools"] for slug in page}) == 8
    assert [len(page) for page in used["accounts"]] == [1, 1]
    assert used["accounts"][1] == [work]  # newest first


def check_changes(used: dict[str, Any], work: str) -> None:
    assert used["pinned"] == {"sandbox": [work]}
    assert used["narrowed"] == used["read_again"]
    assert used["narrowed"]["enabled"] == ["hackernews"]
    assert "is not in this session" in used["left_out"]
    assert used["deleted"]["deleted"] is True
    assert not used["gone"].startswith("no error")
