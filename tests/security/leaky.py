"""A provider that gives out secrets and repeats them wherever it can: in bodies, headers, errors and redirects."""

import json
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from urllib.parse import parse_qs, urlsplit

from tests.integrations.webhook_receiver import Received

TOOLKIT = """
slug: leaky
name: Leaky
description: Repeats what it is told.
categories: [Tests]
version: "20260101_00"
base_url: {url}
auth_schemes:
  - scheme: oauth2
    authorize_url: {url}/authorize
    token_url: {url}/token
    revoke: {{style: rfc7009, url: {url}/revoke}}
    scope_separator: " "
    pkce: true
    token_auth: post
    rotates: true
    base_scopes: [all]
  - scheme: bearer_token
    name: Token
    help: Any.
    fields: [{{name: token, label: Token, secret: true}}]
identity: {{method: GET, path: /identity, id: id, label: label}}
scopes: {{all: Everything}}
errors: {{message_pointers: [message]}}
tools:
  - {{slug: LEAKY_READ, name: Read, description: Reads., method: GET, path: /read, effect: read, {rest}}}
  - {{slug: LEAKY_WRITE, name: Write, description: Writes., method: POST, path: /write, effect: write, {rest}}}
"""
TEXT = "{text: {type: string, title: Text, description: Any.}}"
REST = f"scopes: [], parameters: {{properties: {TEXT}, required: [text]}}"
LOGO = '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 24 24"><circle cx="12" cy="12" r="9"/></svg>'


class LeakyProvider:
    """Its tokens are `secrets` by name: access, refresh, renewed. What a tool answers depends on its text."""

    def __init__(self, secrets: dict[str, str]) -> None:
        self.secrets = secrets
        self.seen: Counter[str] = Counter()
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), type("Handler", (_Handler,), {"provider": self}))
        self._server.daemon_threads = True
        self.port = self._server.server_address[1]
        self.url = f"http://127.0.0.1:{self.port}"

    def write_toolkit(self, folder: Path) -> None:
        target = folder / "leaky"
        target.mkdir(parents=True)
        (target / "toolkit.yaml").write_text(TOOLKIT.format(url=self.url, rest=REST))
        (target / "logo.svg").write_text(LOGO)

    @contextmanager
    def running(self) -> Iterator["LeakyProvider"]:
        Thread(target=self._server.serve_forever, daemon=True).start()
        try:
            yield self
        finally:
            self._server.shutdown()
            self._server.server_close()


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    provider: LeakyProvider

    def do_GET(self) -> None:
        self._answer("")

    def do_POST(self) -> None:
        self._answer(self.rfile.read(int(self.headers.get("Content-Length", "0"))).decode())

    def _answer(self, body: str) -> None:
        token = self.headers.get("Authorization", "").removeprefix("Bearer ")
        form = parse_qs(body)
        for name, secret in self.provider.secrets.items():
            self.provider.seen[name] += secret in (token, *form.get("client_secret", []))
        if urlsplit(self.path).path == "/hook":
            self._take_event(body)
            return
        answers = {
            "/token": lambda: self._tokens(form),
            "/identity": lambda: self._json(200, {"id": "1", "label": f"the one with {token}"}),
            "/revoke": lambda: self._json(503, {"message": f"cannot revoke {body}"}),
        }
        answers.get(urlsplit(self.path).path, lambda: self._tool(token, self.path + body))()

    def _take_event(self, body: str) -> None:
        """Says what it was told, where, and with which signature."""
        headers = {name.lower(): value for name, value in self.headers.items()}
        event = Received(self.requestline, headers, body.encode())
        for name, secret in self.provider.secrets.items():
            self.provider.seen[name] += event.is_signed_with(secret) or secret in self.path
        self._json(200, {"you_sent": headers, "to": self.path, "body": body})

    def _tokens(self, form: dict[str, list[str]]) -> None:
        secrets = self.provider.secrets
        if form.get("code") == [secrets["bad_code"]]:
            self._json(400, {"error": "invalid_grant", "error_description": f"{form} is not known"})
            return
        access = secrets["renewed" if form["grant_type"] == ["refresh_token"] else "access"]
        answer = {"access_token": access, "refresh_token": secrets["refresh"], "token_type": "Bearer"}
        self._json(200, {**answer, "expires_in": 3600})

    def _tool(self, token: str, asked: str) -> None:
        secrets = self.provider.secrets
        echo = {"you_sent": dict(self.headers), "token": token, "asked": asked, "result": secrets["result"]}
        if "refuse" in asked:
            self._json(422, {"message": f"Bearer {token} may not do this", **echo})
        elif "expire" in asked and token == secrets["access"]:
            self._json(401, {"message": f"{token} has expired"})
        elif "redirect" in asked:
            self._json(302, echo, Location=f"{self.provider.url}/elsewhere?access_token={token}")
        else:
            self._json(200, echo)

    def _json(self, status: int, value: object, **headers: str) -> None:
        content = json.dumps(value).encode()
        self.send_response(status)
        for name, text in {"Content-Type": "application/json", "X-Request-Id": "abc", **headers}.items():
            self.send_header(name, text)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_args: object) -> None:
        """Its own log is no sink of ours."""
