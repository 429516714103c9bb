"""The examples that stand in the comments of the documents' TypeScript. They run as they stand, but for the user's ID.

`default`, which they all pass, is refused: the documents themselves say never to use it.
"""

from __future__ import annotations

import json
from typing import Any

ISSUES = "GITHUB_GET_ISSUES"


def comments(runner: Any, user_id: str) -> None:
    """`user_id` has connected GitHub."""
    mine = {"'default'": json.dumps(user_id)}
    tool_comments(runner, mine)
    assert "default" in runner.fails("chosen_version")
    for snippet in ("chosen_version", "configured_version"):
        repositories(runner.run(snippet, mine))
    latest_version(runner, mine)
    modifiers(runner, mine)
    named_account(runner, mine, user_id)


def tool_comments(runner: Any, mine: dict[str, str]) -> None:
    """The SDK hands one object to the function that gets three here, so of the tool only the description is left."""
    left = runner.run("tool_comments", mine)

    assert len(left["tools"]) == 10
    assert all(name.startswith("GITHUB_") for name in left["tools"])
    assert 0 < len(left["searchTools"]) <= 10
    assert all("USER" in name for name in left["searchTools"][:1])
    assert left["hackerNewsUserTool"] == ["HACKERNEWS_GET_USER"]
    [changed] = left["tool"]
    assert changed["function"]["description"] == "Custom description"


def repositories(left: dict[str, Any]) -> None:
    assert left["result"]["successful"] is True, left["result"]
    assert "composio/sdk" in json.dumps(left["result"]["data"])


def latest_version(runner: Any, mine: dict[str, str]) -> None:
    """The provider is the real one, so how it ends is not ours to say; what was asked for is."""
    result = runner.run("latest_version", mine)["result"]

    run = runner.ask("GET", f"/executions/{result['logId']}")
    assert (run["tool"], run["arguments"]) == ("HACKERNEWS_GET_USER", {"username": "pg"})


def modifiers(runner: Any, mine: dict[str, str]) -> None:
    left = runner.run("modifiers", mine)

    assert left["printed"] == [f"Executing {ISSUES} from github", f"Completed {ISSUES}"]
    assert left["result"]["successful"] is True, left["result"]


def named_account(runner: Any, mine: dict[str, str], user_id: str) -> None:
    listed = runner.ask("GET", f"/connected_accounts?user_ids={user_id}&toolkit_slugs=github")["items"]
    repositories(runner.run("named_account", {**mine, "ca_specific_account_id": listed[0]["id"]}))
    assert "ComposioToolExecutionError" in runner.fails("named_account")  # as it stands it names no account at all
