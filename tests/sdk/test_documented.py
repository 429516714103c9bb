"""Every snippet of the documents that the product implements, as it stands there, with the official SDKs.

Only the address and the key are ours, by environment variables; where a snippet has a placeholder for an ID of a
connected account, that is filled in. GitHub, Gmail and Slack are real OAuth servers that others wrote (emulate).
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import httpx2
import pytest

from tests.emulate.server import Emulate, missing_part
from tests.ops.installation import RunningInstallation
from tests.people import Person
from tests.sdk import own_document
from tests.sdk.comments import comments
from tests.sdk.conftest import tool_beside_the_product
from tests.sdk.with_mcp import runs_by_mcp

HERE = Path(__file__).parent
USER = "550e8400-e29b-41d4-a716-446655440000"  # the example of the documents
RUNNERS = ("python 0.29.0", "python 0.22.0", "typescript")
SCOPES = {"github": ["repo", "read:user"], "slack": ["chat:write", "channels:read"], "gmail": []}
SERVICES = {"github": "github", "slack": "slack", "gmail": "google"}
MAKE_KEY = """
import json
from django.utils import timezone
from accounts.models import User
from orgs.models import Application, Organization
from orgs.permissions import OwnerKind, OwnerRef, Scope
from orgs.services.api_keys import create_api_key
organization, now = Organization.objects.get(slug="acme"), timezone.now()
application = Application.objects.create(organization=organization, name=NAME, created_at=now)
wanted = [one for one in Scope if one is not Scope.ADMIN]
_, key = create_api_key(
    actor=None, owner=organization.ref, name=NAME, scopes=wanted, expires_at=None, now=now, application=application
)
alice = User.objects.get(username="alice")
owner = OwnerRef(OwnerKind.USER, alice.id)
_, admin_key = create_api_key(actor=None, owner=owner, name=NAME, scopes=list(Scope), expires_at=None, now=now)
made = {"key": key, "admin_key": admin_key, "organization": organization.ref.text_id, "admin": owner.text_id}
print("KEY " + json.dumps(made))
"""
CALLBACKS = (
    "import json; from integrations.models import AuthConfig; "
    "rows = AuthConfig.objects.unscoped('test').filter(name='Emulated'); "
    "print('KEY ' + json.dumps([str(row.id) for row in rows]))"
)

pytestmark = [pytest.mark.faults, pytest.mark.emulate]


@dataclass(frozen=True)
class Place:
    """The running product with the providers beside it."""

    running: RunningInstallation
    emulate: Emulate

    @property
    def url(self) -> str:
        return f"http://localhost:{self.running.port}"


@dataclass(frozen=True)
class Runner:
    """One SDK with the key of an application of its own."""

    place: Place
    name: str
    environ: dict[str, str] = field(repr=False)
    organization: str
    admin_key: str = field(repr=False)

    def start(self, snippet: str, replaced: dict[str, str] | None = None, *calls: Any) -> subprocess.Popen[str]:
        language, _, version = self.name.partition(" ")
        if language == "python":
            command = [str(tool_beside_the_product(version, "bin", "python")), str(HERE / "run_snippet.py"), snippet]
            replaced = {**(replaced or {})}
            more = []
        else:
            command = ["node", str(HERE / "run_snippet.mjs"), snippet]
            replaced = {"'your_api_key'": json.dumps(self.environ["COMPOSIO_API_KEY"]), **(replaced or {})}
            more = [json.dumps(calls)]
        return subprocess.Popen(
            [*command, json.dumps(replaced), *more],
            env=self.environ,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    def run(self, snippet: str, replaced: dict[str, str] | None = None, *calls: Any) -> dict[str, Any]:
        """What the snippet left behind, and as `printed` the lines that it printed."""
        said, _ = self.start(snippet, replaced, *calls).communicate(timeout=400)
        return read_left(said)

    def fails(self, snippet: str) -> str:
        process = self.start(snippet)
        said, _ = process.communicate(timeout=400)
        assert process.returncode != 0, said
        return said

    def ask(self, method: str, path: str, **body: Any) -> Any:
        headers = {"x-api-key": self.environ["COMPOSIO_API_KEY"]}
        url = f"{self.place.url}/api/v3.1{path}"
        return httpx2.request(method, url, json=body or None, headers=headers, timeout=60, trust_env=False).json()


def read_left(said: str) -> dict[str, Any]:
    printed, mark, left = said.partition("LEFT ")
    assert mark, said[-4000:]
    return {**json.loads(left), "printed": printed.splitlines()}


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    """The product with auth configs for emulate's GitHub, Slack and Google; Slack is connected for Acme."""
    if missing := missing_part():
        pytest.fail(missing) if os.environ.get("CI") else pytest.skip(missing)
    folder, emulate = tmp_path_factory.mktemp("documented"), Emulate()
    running = RunningInstallation(folder / "data", EGRESS_ALLOW=",".join(sorted(emulate.hosts())))
    place = Place(running, emulate)
    try:
        running.wait_until_ready()
        emulate.start(_provision(place, folder))
        with Person(place.url) as admin:
            admin.sign_in(*running.demo_login())
            page = admin.browser.get("/orgs/acme/connections/new/slack/")
            approve(place, admin, page, button="Go on to Slack", then="Confirm and connect")
        yield place
    finally:
        emulate.stop()
        running.end()


def _provision(place: Place, folder: Path) -> list[str]:
    """The installation's own OAuth apps; return their callback URLs."""
    document = folder / "apps.yaml"
    document.write_text(json.dumps({"auth_configs": [_entry(place.emulate, kit) for kit in SERVICES]}))
    place.running.manage("bootstrap", str(document))
    ids = json.loads(place.running.manage("shell", "-v0", "-c", CALLBACKS).partition("KEY ")[2])
    return [f"{place.url}/oauth/callback/{one}/" for one in ids]


def _entry(emulate: Emulate, toolkit: str) -> dict[str, Any]:
    client_id, secret = emulate.client(SERVICES[toolkit])
    entry = {
        "toolkit": toolkit,
        "scheme": "oauth2",
        "name": "Emulated",
        "client_id": client_id,
        "client_secret": secret,
    }
    scopes = {"scopes": SCOPES[toolkit]} if SCOPES[toolkit] else {}
    return {**entry, **scopes, "overrides": emulate.overrides(SERVICES[toolkit])}


def approve(
    place: Place, person: Person, page: httpx2.Response, *, button: str, then: str, login: str = "ada"
) -> httpx2.Response:
    """From our page to the provider's, where the account is chosen, and back to the question whether it is right."""
    there = person.send(page, button=button, follow=False).headers["Location"]
    back = person.browser.get(place.emulate.approve(there, login))
    return person.send(back, button=then, decision="confirm")


def approve_as_end_user(place: Place, link: str, toolkit: str, login: str = "ada") -> None:
    """Somebody without a login here: the link, the provider, the identity, the end."""
    with Person(place.url) as person:
        page = person.browser.get(link)
        ended = approve(place, person, page, button=f"Go on to {toolkit}", then="Connect it", login=login)
        assert ended.status_code == 200, ended.text[:2000]


@pytest.fixture(params=RUNNERS)
def runner(place: Place, request: pytest.FixtureRequest) -> Runner:
    language, _, version = request.param.partition(" ")
    if language == "python":
        tool_beside_the_product(version, "bin", "python")
    elif not (HERE / "node_modules" / "@composio" / "core").exists() or not shutil.which("node"):
        missing = "the TypeScript SDK is not installed: run `make sdk`"
        pytest.fail(missing, pytrace=False) if os.environ.get("CI") == "true" else pytest.skip(missing)
    said = place.running.manage("shell", "-v0", "-c", f"NAME = {request.param!r}\n{MAKE_KEY}")
    made = json.loads(said.partition("KEY ")[2])
    environ = {
        "PATH": os.environ["PATH"],
        "HOME": str(place.running.data_dir),  # the SDKs keep a file of their own there
        "COMPOSIO_API_KEY": made["key"],
        "COMPOSIO_BASE_URL": place.url,
        # Without a version the SDKs refuse to run a tool; this is their own way to give one, outside the snippet.
        "COMPOSIO_TOOLKIT_VERSION_GITHUB": "20250909_00",
        "COMPOSIO_TOOLKIT_VERSION_SLACK": "20250909_00",
        # The SDKs report to their makers. The Python one cannot be told not to from outside the snippet; where no
        # answer comes from outside, each process would wait for it. Nothing listens at this proxy.
        "TELEMETRY_DISABLED": "true",
        "HTTPS_PROXY": "http://127.0.0.1:9",
        "NO_PROXY": "localhost,127.0.0.1",
        "PYTHONUNBUFFERED": "1",
        "SDK_USER": USER,
        "SDK_ORGANIZATION": made["organization"],
    }
    return Runner(place, request.param, environ, made["organization"], made["admin_key"])


def test_every_snippet_runs_to_its_end(runner: Runner) -> None:
    user_ids(runner)
    organization_ids(runner)
    hybrid(runner)
    accounts = several_accounts(runner)
    active_account(runner, accounts[1])
    chosen_account(runner, accounts)
    listed_accounts(runner, accounts)
    native_tools(runner)
    runs_by_mcp(runner.run("mcp_client", {"user_123": USER}), runner.place.url, runner.environ["COMPOSIO_API_KEY"])
    if runner.name == "typescript":
        comments(runner, USER)


def user_ids(runner: Runner) -> None:
    """A user of the application connects GitHub, and gets a repository."""
    if runner.name == "typescript":
        left = runner.run("multi_user_application", {}, {"call": "connectUserToGitHub", "args": [USER]})
        [link] = left["answered"]
    else:
        link = link_for(runner, USER, "github")
    approve_as_end_user(runner.place, link, "GitHub")

    left = runner.run("user_ids")

    assert "GITHUB_GET_REPO" in left["tools"]
    assert left["result"]["successful"] is True, left["result"]
    assert left["result"]["data"]["full_name"] == "example/repo"
    if runner.name == "typescript":
        request = {"user": {"id": USER}}
        left = runner.run(
            "multi_user_application",
            {},
            {"call": "getUserGitHubTools", "args": [USER]},
            {"call": "get /api/github/repos", "request": request},
        )
        assert "GITHUB_LIST_REPOS" in left["answered"][0]
        assert left["answered"][1]["code"] == 200
        assert "notes" in json.dumps(left["answered"][1]["body"])  # Ada's own


def link_for(runner: Runner, user_id: str, toolkit: str) -> str:
    session = runner.ask("POST", "/tool_router/session", user_id=user_id)["session_id"]
    return str(runner.ask("POST", f"/tool_router/session/{session}/link", toolkit=toolkit)["redirect_url"])


def organization_ids(runner: Runner) -> None:
    left = runner.run("organization_ids")

    assert "SLACK_SEND_MESSAGE" in left["tools"]
    assert left["result"]["successful"] is True, left["result"]
    assert "Hello from the team!" in json.dumps(left["result"]["data"])
    if runner.name == "typescript":
        organization_application(runner)


def organization_application(runner: Runner) -> None:
    """An admin connects, with a key of their own: an organization's account needs a person. Then everybody sends."""
    admins = replace(runner, environ={**runner.environ, "COMPOSIO_API_KEY": runner.admin_key})
    left = admins.run(
        "organization_application",
        {},
        {"call": "connectOrganizationToSlack", "args": [runner.organization, "admin_1"]},
        {"call": "getOrganizationTools", "args": [runner.organization]},
    )
    link, tools = left["answered"]
    assert {"SLACK_SEND_MESSAGE", "GITHUB_GET_REPO"} <= set(tools)
    with Person(runner.place.url) as admin:
        admin.sign_in(*runner.place.running.demo_login())
        page = admin.browser.get(link)
        approve(runner.place, admin, page, button="Go on to Slack", then="onnect", login="sam")

    said = {"channel": "#general", "message": "From the endpoint"}
    request = {"body": said, "user": {"id": "u1", "organizationId": runner.organization}}
    left = runner.run("organization_application", {}, {"call": "post /api/slack/message", "request": request})

    assert left["answered"][0]["code"] == 200
    assert "From the endpoint" in json.dumps(left["answered"][0]["body"])


def hybrid(runner: Runner) -> None:
    """The tools are listed for anybody; under the user's ID the organization's account does not run them."""
    left = runner.run("hybrid")

    listed = {name: left[name] for name in left if name.lower().endswith("tools")}
    wrong, personal, shared = (set(listed[name]) for name in sorted(listed, key=_as_in_the_snippet))
    assert "SLACK_SEND_MESSAGE" in wrong
    assert all(name.startswith("GMAIL_") for name in personal)
    assert {name.partition("_")[0] for name in shared} == {"SLACK", "JIRA"}
    arguments = {"channel": "#general", "text": "Under the wrong ID"}
    said = {"user_id": "user_123", "version": "20250909_00", "arguments": arguments}
    refused = runner.ask("POST", "/tools/execute/SLACK_SEND_MESSAGE", **said)["error"]
    assert runner.organization in json.dumps(refused)  # the ID that would work
    said["user_id"] = runner.organization
    assert runner.ask("POST", "/tools/execute/SLACK_SEND_MESSAGE", **said)["successful"] is True


def _as_in_the_snippet(name: str) -> int:
    return ("usertools", "userpersonaltools", "orgsharedtools").index(name.replace("_", "").lower())


def several_accounts(runner: Runner) -> list[str]:
    """The snippet waits for each of two people's approvals; return the IDs of the accounts in their order."""
    said, people = "", iter(("ada@example.com", "sam@example.com"))
    with runner.start("several_accounts") as process:
        assert process.stdout is not None
        for line in process.stdout:
            said += line
            if " Gmail: " in line:
                approve_as_end_user(runner.place, line.partition(" Gmail: ")[2].strip(), "Gmail", next(people))

    connected = [line.rpartition(" ")[2] for line in read_left(said)["printed"] if " account connected: " in line]
    assert len(set(connected)) == 2, said
    return connected


def active_account(runner: Runner, newest: str) -> None:
    assert f"Gmail: {newest}" in runner.run("active_account")["printed"]


def chosen_account(runner: Runner, accounts: list[str]) -> None:
    assert "ID looks like ca_" in runner.fails("chosen_account")  # as it stands it names no account at all

    left = runner.run("chosen_account", {"ca_specific_account_id": accounts[0], "ca_different_account_id": accounts[1]})

    for name, account in zip(("session", "session2"), accounts, strict=True):
        toolkits = runner.ask("GET", f"/tool_router/session/{left[name]}/toolkits")["items"]
        [gmail] = [one for one in toolkits if one["slug"] == "gmail"]
        assert gmail["connected_account"]["id"] == account


def listed_accounts(runner: Runner, accounts: list[str]) -> None:
    """All that are connected, not only the one in use; the newest first."""
    assert runner.run("listed_accounts")["listed"] == accounts[::-1]


def native_tools(runner: Runner) -> None:
    assert "COMPOSIO_SEARCH_TOOLS" in runner.run("native_tools")["tools"]


# --- Our own document


CALLBACK = "https://shop.example.com/connected"
LEFT = ["result", "repository", "message", "readme", "news", "tools", "found", "looked", "again"]
MAKE_READER = """
Application.objects.filter(id=application.id).update(callback_urls=["https://shop.example.com/connected"])
"""


@pytest.mark.parametrize("version", ["0.29.0", "0.22.0"])
def test_the_code_of_our_own_document_runs(place: Place, version: str) -> None:
    """All Python of docs/api.md: each pattern to its end, and a tool session from its beginning to its."""
    python = str(tool_beside_the_product(version, "bin", "python"))
    said = place.running.manage("shell", "-v0", "-c", f"NAME = 'Reader {version}'\n{MAKE_KEY}{MAKE_READER}")
    made = json.loads(said.partition("KEY ")[2])
    replaced = {
        "https://switchboard.example.com": place.url,
        "sb_user_…": made["admin_key"],
        "sb_app_…": made["key"],
        "user_…": made["admin"],
        "org_…": made["organization"],
        "ac_…": connect_admin(place, made),
    }
    running: dict[str, Any] = {"replaced": replaced, "environ": environ_of(place)}

    patterns = own_document.code_of("Which ID to pass", "Tool sessions")
    left = own_document.run_code(python, patterns, names=LEFT, on_link=lambda link: come_back(place, link), **running)
    configs = own_document.HEAD + own_document.code_of("Auth configs")
    changed = own_document.run_code(python, configs, names=["made"], on_link=str, **running)

    assert own_document.sections_with_code() == {"Which ID to pass", "Tool sessions", "Auth configs"}
    check_patterns(left)
    check_session(left)
    assert changed["made"]["id"].startswith("ac_")


def environ_of(place: Place) -> dict[str, str]:
    """Nothing is told to the makers of the SDK: nothing listens at this proxy."""
    proxies = {"HTTPS_PROXY": "http://127.0.0.1:9", "NO_PROXY": "localhost,127.0.0.1"}
    return {"PATH": os.environ["PATH"], "HOME": str(place.running.data_dir), "PYTHONUNBUFFERED": "1", **proxies}


def connect_admin(place: Place, made: dict[str, str]) -> str:
    """The person whose key it is has a GitHub account of their own; return the auth config."""
    with httpx2.Client(headers={"x-api-key": made["admin_key"]}, timeout=60, trust_env=False) as client:
        root = f"{place.url}/api/v3.1"
        session = client.post(f"{root}/tool_router/session", json={"user_id": made["admin"]}).json()
        link = f"{root}/tool_router/session/{session['session_id']}/link"
        redirect = client.post(link, json={"toolkit": "github"}).json()["redirect_url"]
        with Person(place.url) as admin:
            admin.sign_in(*place.running.demo_login())
            page = admin.browser.get(redirect)
            there = admin.send(page, button="Go on to GitHub", follow=False).headers["Location"]
            assert admin.browser.get(place.emulate.approve(there, "ada")).status_code == 200
        configs = client.get(f"{root}/auth_configs", params={"toolkit_slug": "github"}).json()["items"]
    return str(configs[0]["id"])


def come_back(place: Place, link: str) -> None:
    """The end user agrees, and is sent on to where the application said."""
    with Person(place.url) as person:
        page = person.browser.get(link)
        there = person.send(page, button="Go on to GitHub", follow=False).headers["Location"]
        back = person.browser.get(place.emulate.approve(there, "ada"))
        person.send(back, button="Connect it", decision="confirm", follow=False)
        onward = person.browser.get(str(back.url), follow_redirects=False).headers["Location"]
        assert onward.startswith(f"{CALLBACK}?status=success&connected_account_id=ca_")


def check_patterns(left: dict[str, Any]) -> None:
    for name in ("result", "repository", "readme"):
        assert left[name]["successful"] is True, left[name]
        assert left[name]["data"]["full_name"] == "example/repo"
    assert "Hello from all of us" in json.dumps(left["message"]["data"])
    assert "Somebody looked at the repository" in json.dumps(left["news"]["data"])


def check_session(left: dict[str, Any]) -> None:
    assert "COMPOSIO_SEARCH_TOOLS" in [one["function"]["name"] for one in left["tools"]]
    assert "GITHUB_GET_REPO" in left["found"]["results"][0]["primary_tool_slugs"]
    assert [left[name]["data"]["full_name"] for name in ("looked", "again")] == ["example/repo"] * 2
