"""The snippets of the product that we implement run with its own SDK: only the address and the key are changed."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import time
from pathlib import Path
from typing import Any

import pytest

from integrations.engine.signing import signed_headers
from tests.people import Person
from tests.sdk.conftest import Asking, tool_beside_the_product

HERE = Path(__file__).parent
VERSIONS = ("0.29.0", "0.22.0")
MESSAGE = (
    '{"data":{"id":"ex_1","status":"succeeded"},"id":"msg_1","metadata":{"org_id":"org_1","project_id":"org_1"},'
    '"timestamp":"2026-03-02T10:00:00.000Z","type":"composio.execution.ended"}'
)

pytestmark = pytest.mark.faults  # starts servers of its own


def run(asking: Asking, version: str, part: str, **more: str) -> dict[str, Any]:
    environ = {"PATH": os.environ["PATH"], **asking.environ, **more}
    command = [str(tool_beside_the_product(version, "bin", "python")), str(HERE / "snippets.py"), part]
    done = subprocess.run(command, env=environ, capture_output=True, check=False, text=True, timeout=400)
    assert done.returncode == 0, done.stderr[-3000:]
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found


def approve(asking: Asking, redirect_url: str) -> None:
    """The person follows the link, signs in, agrees on our page and at the provider."""
    with Person(asking.url) as person:
        page = person.browser.get(redirect_url)
        page = person.send(page, login=asking.email, password=asking.password)
        page = person.send(page, button="Go on to Sandbox")
        page = person.send(page, identity="ada", decision="allow")
        assert "Ada Park" in page.text, page.text[:2000]


@pytest.mark.parametrize("version", VERSIONS)
def test_snippets_run_with_the_official_sdk(asking: Asking, version: str) -> None:
    before = run(asking, version, "before")

    assert "GITHUB_GET_REPO" in before["tools"]
    assert version != VERSIONS[0] or before["changes"]["github"] == ["20250909_00"]
    assert before["searched"] > 0
    assert before["one"] == ["HACKERNEWS_GET_USER"]
    assert before["no_version"].startswith("ToolVersionRequiredError")
    assert "No GitHub account is connected" in before["not_connected"]
    assert before["default"].startswith("BadRequestError")
    assert before["session"].startswith("trs_")
    assert before["mcp_headers"] == ["x-api-key"]
    assert "COMPOSIO_SEARCH_TOOLS" in before["session_tools"]
    assert "Hacker News" not in before["toolkits"]  # needs no account: the loop of the snippet would break on it

    approve(asking, before["redirect_url"])
    after = run(asking, version, "after", SDK_ACCOUNT=before["account"])

    assert after["status"] == "ACTIVE"
    assert after["listed"] == [before["account"]]
    assert after["run"]["successful"] is True
    assert after["run"]["data"]["name"] == "Ada Park"
    assert "Run as" in after["wrong_id"] or "use your user ID" in after["wrong_id"]
    assert after["active"] == {"sandbox": before["account"]}
    assert after["paused"] == "INACTIVE"
    assert after["deleted"].startswith("NotFoundError")


@pytest.mark.parametrize("version", VERSIONS[:1])  # the older one knows no subscriptions
def test_webhooks_are_managed_and_verified_by_the_official_sdk(asking: Asking, version: str) -> None:
    """One message of each kind of event; `verify_webhook` knows a message of ours by its type."""
    body, now = MESSAGE.encode(), int(time.time())
    headers = signed_headers(["the secret"], message_id="msg_1", timestamp=now, body=body)
    message = {"SDK_ID": "msg_1", "SDK_PAYLOAD": MESSAGE, "SDK_SECRET": "the secret", "SDK_TIMESTAMP": str(now)}
    signature = {"SDK_SIGNATURE": headers["webhook-signature"], "SDK_KEY": asking.environ["SDK_SHARED_KEY"]}

    found = run(asking, version, "webhooks", **message, **signature)

    assert found["listed"] == [[found["made"], "https://hooks.example.com/in", ["composio.connected_account.expired"]]]
    assert found["got"] == found["made"]
    assert found["changed"] == ["composio.execution.ended"]
    assert found["rotated"] != found["secret"]
    assert "composio.connected_account.expired" in found["types"]
    assert found["verified"] == ["V3", "composio.execution.ended"]
    assert found["forged"].startswith("WebhookSignatureVerificationError")
    assert found["left"] == 0


@pytest.mark.parametrize("version", VERSIONS)
def test_auth_configs_of_an_organization_are_managed_by_the_official_sdk(asking: Asking, version: str) -> None:
    found = run(asking, version, "auth_configs", SDK_KEY=asking.environ["SDK_ADMIN_KEY"])

    made = found["made"][0]
    assert found["made"] == [made, "OAUTH2", False]
    assert made.startswith("ac_")
    assert found["needed"] == ["client_id"]
    assert found["again"].startswith("BadRequestError")
    assert "Give another name" in found["again"]
    assert found["managed"] is True
    assert found["scopes"] == ["repo", "read:user"]
    assert (found["disabled"], found["enabled"]) == ("DISABLED", [[made, "ENABLED"]])
    assert "is disabled" in found["link"]
    assert found["linked"].startswith(asking.url)
    assert found["not_ours"].startswith("PermissionDeniedError")
    assert found["deleted"].startswith("NotFoundError")
    assert found["left"] == 0


def test_auth_configs_are_managed_by_the_official_typescript_sdk(asking: Asking) -> None:
    node = shutil.which("node")
    if node is None or not (HERE / "node_modules").exists():
        pytest.skip("the TypeScript SDK is not installed: run `make sdk`")
    environ = {"PATH": os.environ["PATH"], "COMPOSIO_BASE_URL": asking.url, "TELEMETRY_DISABLED": "true"}
    environ["COMPOSIO_API_KEY"] = asking.environ["SDK_ADMIN_KEY"]
    done = subprocess.run(
        [node, str(HERE / "auth_configs.mjs")], env=environ, capture_output=True, check=False, text=True, timeout=400
    )

    assert done.returncode == 0, done.stderr[-3000:]
    found = json.loads(done.stdout.splitlines()[-1])
    assert found["made"] == [found["id"], "OAUTH2", False]
    assert found["listed"] == [found["id"]]
    assert found["changed"]["success"] is True
    assert found["disabled"] == "DISABLED"
    assert found["enabled"] == "ENABLED"
    assert found["deleted"]["success"] is True
    assert "404" in found["gone"]
