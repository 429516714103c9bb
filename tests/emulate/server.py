"""Starts and stops emulate (an npm package): GitHub, Google and Slack with real OAuth pages, on loopback."""

from __future__ import annotations

import json
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from html.parser import HTMLParser
from pathlib import Path
from typing import Any
from urllib.parse import urljoin

import httpx2
import yaml

HERE = Path(__file__).resolve().parent
CLI = HERE / "node_modules" / "emulate" / "dist" / "index.js"
SERVICES = ("github", "slack", "google")
PERSONAL_TOKEN = "github_pat_of_sam_for_tests"  # a token that Sam made by hand, without any OAuth flow
START_LIMIT = 90.0
STOP_LIMIT = 20.0
# Where a toolkit's auth config must point so that emulate stands in for the provider.
_PATHS: Mapping[str, Mapping[str, str]] = {
    "github": {
        "base_url": "",
        "authorize_url": "/login/oauth/authorize",
        "token_url": "/login/oauth/access_token",
        "revoke_url": "/applications/{client_id}/token",
        "identity_url": "/user",
    },
    "slack": {
        "base_url": "/api",
        "authorize_url": "/oauth/v2/authorize",
        "token_url": "/api/oauth.v2.access",
        "revoke_url": "/api/auth.revoke",
        "identity_url": "/api/auth.test",
    },
    "google": {
        "base_url": "",
        "authorize_url": "/o/oauth2/v2/auth",
        "token_url": "/oauth2/token",
        "revoke_url": "/oauth2/revoke",
        "identity_url": "/oauth2/v2/userinfo",
    },
}


def missing_part() -> str:
    """What this machine lacks to run emulate, in words; empty if nothing."""
    if shutil.which("node") is None:
        return "node is not installed"
    if not CLI.exists():
        return "emulate is not installed: run `npm ci` in tests/emulate"
    return ""


@dataclass
class Emulate:
    """Three providers on three loopback ports. The ports are known before the start: configure first, then start."""

    ports: Mapping[str, int] = field(
        default_factory=lambda: dict(zip(SERVICES, _free_ports(len(SERVICES)), strict=True))
    )
    _process: subprocess.Popen[bytes] | None = None
    _folder: tempfile.TemporaryDirectory[str] | None = None

    def url(self, service: str, path: str = "") -> str:
        return f"http://127.0.0.1:{self.ports[service]}{path}"

    def hosts(self) -> frozenset[str]:
        """The `host:port` pairs that the egress guard must let through."""
        return frozenset(f"127.0.0.1:{port}" for port in self.ports.values())

    def overrides(self, service: str) -> dict[str, str]:
        """The URL overrides of an auth config for this service."""
        return {name: self.url(service, path) for name, path in _PATHS[service].items()}

    def client(self, service: str) -> tuple[str, str]:
        """Client ID and secret of the app that is registered there."""
        app = _apps(_seed()[service])[0]
        return app["client_id"], app["client_secret"]

    def start(self, redirect_uris: Sequence[str]) -> None:
        """emulate compares a redirect URI's origin and path with these."""
        self._folder = tempfile.TemporaryDirectory(prefix="emulate-")
        folder = Path(self._folder.name)
        seed = folder / "seed.json"
        seed.write_text(json.dumps(self._seed_with(redirect_uris)))
        command = ["node", "--import", str(HERE / "loopback.mjs"), str(CLI), "start", "--service", ",".join(SERVICES)]
        with (folder / "output.log").open("wb") as log:
            self._process = subprocess.Popen(  # the process outlives this call; `stop` ends it
                [*command, "--seed", str(seed)], stdin=subprocess.PIPE, stdout=log, stderr=log, cwd=folder
            )
        self._wait_until_ready(folder / "output.log")

    def stop(self) -> None:
        if self._process is not None:
            self._process.terminate()
            try:
                self._process.wait(STOP_LIMIT)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()
            if self._process.stdin is not None:
                self._process.stdin.close()
        if self._folder is not None:
            self._folder.cleanup()
        self._process = self._folder = None

    def approve(self, authorize_url: str, login: str) -> str:
        """Press the button with this name on emulate's page, and say where it sends the browser."""
        with httpx2.Client(trust_env=False) as browser:
            page = browser.get(authorize_url)
            form = _form_of(page.text, login)
            answer = browser.post(urljoin(authorize_url, form.action), data=form.fields)
        return answer.headers["Location"]

    def _seed_with(self, redirect_uris: Sequence[str]) -> dict[str, Any]:
        seed = _seed()
        for service, part in seed.items():
            part |= {"port": self.ports[service], "baseUrl": self.url(service)}
            for app in _apps(part):
                app["redirect_uris"] = list(redirect_uris)
        return {"tokens": {PERSONAL_TOKEN: {"login": "sam", "scopes": ["repo", "read:user"]}}, **seed}

    def _wait_until_ready(self, log: Path) -> None:
        ends_at = time.monotonic() + START_LIMIT
        while not all(_answers(port) for port in self.ports.values()):
            ended = self._process is None or self._process.poll() is not None
            if ended or time.monotonic() > ends_at:
                said = log.read_text(errors="replace")
                self.stop()
                raise RuntimeError(f"emulate did not start:\n{said}")
            time.sleep(0.05)


@dataclass
class _Form:
    action: str
    fields: dict[str, str] = field(default_factory=dict)
    text: str = ""


class _Forms(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.forms: list[_Form] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = dict(attrs)
        if tag == "form":
            self.forms.append(_Form(values.get("action") or ""))
        elif tag == "input" and self.forms:
            self.forms[-1].fields[values.get("name") or ""] = values.get("value") or ""

    def handle_data(self, data: str) -> None:
        if self.forms:
            self.forms[-1].text += data


def _form_of(html: str, login: str) -> _Form:
    """emulate's page has one form per user; the user's name or address is one of its hidden fields or its text."""
    parser = _Forms()
    parser.feed(html)
    for form in parser.forms:
        if login in form.text.split():
            return form
    raise LookupError(f"emulate's page offers no user {login}: {html[:500]}")


def _seed() -> dict[str, Any]:
    seed: dict[str, Any] = yaml.safe_load((HERE / "seed.yaml").read_text())
    return seed


def _apps(part: Mapping[str, Any]) -> list[dict[str, Any]]:
    return part.get("oauth_apps") or part["oauth_clients"]


def _free_ports(count: int) -> list[int]:
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [item.getsockname()[1] for item in sockets]
    for item in sockets:
        item.close()
    return ports


def _answers(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), timeout=1).close()
    except OSError:
        return False
    return True
