"""The fault tests' provider: real HTTP on loopback. Its own log is the truth that executions are held against."""

import json
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

from tests.integrations.webhook_receiver import Received

HOOK = "/hook"
TOOLKIT = """
slug: faulty
name: Faulty
description: The provider of the fault tests. It counts every request that reaches it.
categories: [Tests]
version: "20260101_00"
base_url: http://127.0.0.1:{port}
auth_schemes:
  - scheme: bearer_token
    name: Token
    help: Any.
    fields: [{{name: token, label: Token, secret: true}}]
identity: {{method: GET, path: /identity, id: id, label: id}}
errors: {{message_pointers: [message]}}
tools:
  - {{slug: FAULTY_READ, name: Read, description: Reads., method: GET, path: /read, effect: read, {rest}}}
  - {{slug: FAULTY_WRITE, name: Write, description: Writes., method: POST, path: /write, effect: write, {rest}}}
"""
TAG = "{tag: {type: string, title: Tag, description: Names the execution.}}"
REST = f"scopes: [], parameters: {{properties: {TAG}, required: [tag]}}"
LOGO = '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 24 24"><circle cx="12" cy="12" r="9"/></svg>'


class Provider:
    """Counts requests by tag; answers after a delay; can hang after it has processed a tag."""

    def __init__(self, delay: float = 0.03) -> None:
        self.delay = delay
        self.hang_after: set[str] = set()
        self.counts: Counter[str] = Counter()
        self.tokens: Counter[str] = Counter()
        self.events: list[Received] = []  # what came to the address that webhooks are sent to
        self.hangs_at_events = False
        self.received = threading.Condition()
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(self))
        self._server.daemon_threads = True
        self.port = self._server.server_address[1]

    @property
    def sent(self) -> int:
        """All requests of executions so far."""
        with self.received:
            return self.counts.total()

    def record(self, tag: str, token: str) -> None:
        with self.received:
            self.counts[tag] += 1
            self.tokens[token] += 1
            self.received.notify_all()

    def take_event(self, event: Received) -> bool:
        """Whether to hang: it is written down before."""
        with self.received:
            self.events.append(event)
            self.received.notify_all()
        return self.hangs_at_events

    def wait_for(self, tag: str, seconds: float) -> None:
        with self.received:
            assert self.received.wait_for(lambda: self.counts[tag] > 0, seconds), f"{tag} never reached the provider"

    def write_toolkit(self, folder: Path) -> None:
        """Write the toolkit's files: what an operator would put into EXTRA_TOOLKITS_DIR."""
        target = folder / "faulty"
        target.mkdir(parents=True)
        (target / "toolkit.yaml").write_text(TOOLKIT.format(port=self.port, rest=REST))
        (target / "logo.svg").write_text(LOGO)

    @contextmanager
    def running(self) -> Iterator["Provider"]:
        thread = threading.Thread(target=self._server.serve_forever, daemon=True)
        thread.start()
        try:
            yield self
        finally:
            self._server.shutdown()
            self._server.server_close()


def _handler(provider: Provider) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        wbufsize = -1  # headers and body in one packet: else each answer waits 40 ms for an acknowledgement
        disable_nagle_algorithm = True

        def do_GET(self) -> None:
            self._answer(parse_qs(urlsplit(self.path).query).get("tag", [""])[0])

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", "0")))
            if self.path == HOOK:
                headers = {name.lower(): value for name, value in self.headers.items()}
                self._say("", hangs=provider.take_event(Received(self.requestline, headers, body)))
            else:
                self._answer(json.loads(body)["tag"])

        def _answer(self, tag: str) -> None:
            provider.record(tag, self.headers.get("Authorization", ""))
            self._say(tag, hangs=tag in provider.hang_after)

        def _say(self, tag: str, *, hangs: bool) -> None:
            time.sleep(60 if hangs else provider.delay)
            content = json.dumps({"tag": tag}).encode()
            try:
                self.send_response(200)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(content)))
                self.end_headers()
                self.wfile.write(content)
                self.wfile.flush()
            except OSError:
                self.close_connection = True  # the worker was killed meanwhile

        def log_message(self, *_args: object) -> None:
            """The log is `counts`."""

    return Handler
