"""The code that the pages offer to copy: taken from the pages of a running installation, and run as it stands."""

from __future__ import annotations

import html
import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import httpx2
import pytest

from tests.people import Person
from tests.sdk.conftest import Asking
from tests.sdk.test_python import approve

HERE = Path(__file__).parent
BLOCK: Final = re.compile(r'<pre tabindex="0" aria-label="([^"]*)"><code>(.*?)</code></pre>', re.DOTALL)
TOOL = "SANDBOX_SEND_MESSAGE"

pytestmark = pytest.mark.faults  # starts servers of its own


def command_for(language: str, code: str) -> list[str]:
    if language == "Python":
        return [sys.executable, "-c", code]
    if language == "TypeScript":
        if not shutil.which("node") or not (HERE / "node_modules" / "esbuild").exists():
            missing = "the compiler for TypeScript is not installed: run `make sdk`"
            pytest.fail(missing, pytrace=False) if os.environ.get("CI") == "true" else pytest.skip(missing)
        return ["node", str(HERE / "run_sample.mjs"), code]
    if not shutil.which("curl"):
        pytest.skip("curl is not installed")
    return ["sh", "-c", code.replace("curl ", "curl --silent --show-error ", 1)]


def run(language: str, code: str, key: str) -> Any:
    environ = {"PATH": os.environ["PATH"], "SWITCHBOARD_API_KEY": key, "NO_PROXY": "localhost"}
    done = subprocess.run(
        command_for(language, code), env=environ, capture_output=True, check=False, text=True, timeout=120
    )
    assert done.returncode == 0, f"{code}\n{done.stderr}"
    return done.stdout


def samples_on(page: str) -> list[tuple[str, str]]:
    return [(html.unescape(title), html.unescape(code)) for title, code in BLOCK.findall(page)]


@pytest.fixture
def person(asking: Asking) -> Iterator[Person]:
    """Bob at his browser, with an account of the sandbox."""
    headers = {"x-api-key": asking.environ["SDK_KEY"]}
    root = f"{asking.url}/api/v3.1"
    with httpx2.Client(headers=headers, timeout=60, trust_env=False) as client, Person(asking.url) as bob:
        session = client.post(f"{root}/tool_router/session", json={"user_id": asking.environ["SDK_USER"]}).json()
        link = client.post(f"{root}/tool_router/session/{session['session_id']}/link", json={"toolkit": "sandbox"})
        approve(asking, link.json()["redirect_url"])
        bob.sign_in(asking.email, asking.password)
        yield bob
        client.delete(f"{root}/connected_accounts/{link.json()['connected_account_id']}")


def test_the_code_on_the_page_of_a_tool_runs_it(asking: Asking, person: Person) -> None:
    key = asking.environ["SDK_KEY"]
    found = dict(samples_on(person.browser.get(f"/me/tools/{TOOL}/").text))

    assert [*found] == ["curl", "Python", "TypeScript", "MCP: configuration of a client", "MCP: tools/call"]
    assert json.loads(run("curl", found["curl"], key))["successful"] is True
    assert "'successful': True" in run("Python", found["Python"], key)
    assert "successful: true" in run("TypeScript", found["TypeScript"], key)
    called = json.loads(run("curl", found["MCP: tools/call"], key))["result"]
    assert (called["isError"], called["structuredContent"]["successful"]) == (False, True)
    server = json.loads(found["MCP: configuration of a client"])["mcpServers"]["switchboard"]
    assert server["url"] in found["MCP: tools/call"]
    assert [*server["headers"]] == ["x-api-key"]


def test_the_code_on_the_page_of_the_api_runs(asking: Asking, person: Person) -> None:
    """What has no place left for the reader to fill in. It may be refused for a right, and for nothing else."""
    key = asking.environ["SDK_KEY"]
    found = [one for one in samples_on(person.browser.get("/docs/api/").text) if "…" not in one[1]]
    operations = [dict(found[start : start + 3]) for start in range(0, len(found), 3)]

    answers = [json.loads(run("curl", one["curl"], key)) for one in operations]

    errors = [one["error"] if isinstance(one.get("error"), dict) else None for one in answers]
    assert {error["slug"] for error in errors if error} <= {"role_insufficient"}
    allowed = [one["Python"] for one, error in zip(operations, errors, strict=True) if error is None]
    assert len(allowed) >= len(operations) - 2 > 15
    assert all(run("Python", code, key) for code in allowed)
    for language in ("Python", "TypeScript"):
        assert asking.environ["SDK_USER"] in run(language, operations[0][language], key)
