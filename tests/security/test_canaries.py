"""Marked secrets go through the whole product; then every place where something is kept is searched (S1-S3, S5, S6).

Real processes: web, worker, Redis, database, mail. Each sink has its proof that the search would have found something.
"""

import json
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from uuid import uuid4

import psycopg
import pytest
from redis import Redis

from tests.databases import own_database
from tests.faults.stack import ROOT, Stack, wait_until
from tests.security.leaky import LeakyProvider
from tests.security.sinks import files_of, find, monitored, shapes, zipped

pytestmark = pytest.mark.faults
CLIENTS = ("client secret", "own client secret")
NAMES = ("access", "refresh", "renewed", "typed", *CLIENTS, "password", "code", "bad_code", "argument", "result")
SIGNING = ("webhook secret", "new webhook secret")
ADDRESS = "webhook address"  # the part of it that may be a secret of the receiver's
PRIVATE = {"argument", "result", ADDRESS}  # not for everybody, but for who ran it, or set it up
SINKS = ("database", "redis commands", "redis content", "logs", "pages", "mails")


@dataclass
class Traces:
    """What the journey left behind, by place."""

    secrets: dict[str, str]
    sinks: dict[str, bytes] = field(repr=False)
    seen: dict[str, int] = field(repr=False)
    shown: bytes = field(repr=False)  # the answers that show a secret, once and on purpose


@pytest.fixture(scope="module")
def traces(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Traces]:
    folder = tmp_path_factory.mktemp("canaries")
    secrets = {name: f"cnry-{name.replace(' ', '_')}-{uuid4().hex}~+/x" for name in NAMES}
    secrets |= {name: f"sb_hook_cnry{uuid4().hex}~+/x" for name in SIGNING}
    secrets |= {name: f"cnry{uuid4().hex}" for name in (ADDRESS,)}
    secrets["code"], secrets["bad_code"] = f"cnrycode{uuid4().hex}", f"cnrybadcode{uuid4().hex}"  # travel in an address
    (folder / "secrets.json").write_text(json.dumps(secrets))
    settings = {"LOG_LEVEL": "DEBUG", "EMAIL_URL": f"filemail:///{folder / 'mails'}", "SIGNUP_OPEN": "1"}
    with LeakyProvider(secrets).running() as provider, own_database(folder) as database_url:
        provider.write_toolkit(folder / "toolkits")
        stack = Stack(folder, provider, database_url, settings)
        try:
            yield go(stack, provider, secrets)
        finally:
            for name in list(stack.processes):
                stack.kill(name)


def go(stack: Stack, provider: LeakyProvider, secrets: dict[str, str]) -> Traces:
    stack.start_redis()
    stack.manage("migrate", "--verbosity", "0")
    stack.manage("sync_catalog")
    with monitored(stack.redis_port) as commands:
        stack.start_worker()
        wait_until(stack.worker_is_up, 90, "the worker is up")
        with (stack.folder / "web.log").open("wb") as log:
            told = subprocess.run(
                [sys.executable, "-m", "tests.security.journey", str(stack.folder)],
                cwd=ROOT,
                env=stack.env,
                stdout=subprocess.PIPE,
                stderr=log,
                timeout=400,
                check=False,
            )
        assert told.returncode == 0, (stack.folder / "web.log").read_text()[-3000:]
        secrets |= json.loads(told.stdout.splitlines()[-1])
        database = database_of(stack)
        content = content_of(stack.redis_port)
    sinks = {
        "database": database,
        "redis commands": bytes(commands),
        "redis content": content,
        "logs": files_of(stack.folder, "*.log"),
        "pages": files_of(stack.folder, "pages/*"),
        "mails": files_of(stack.folder, "mails/*"),
    }
    return Traces(secrets, sinks, dict(provider.seen), files_of(stack.folder, "shown/*"))


def database_of(stack: Stack) -> bytes:
    """The raw files of SQLite with the write-ahead log; of PostgreSQL every row as text."""
    if stack.database_url.startswith("sqlite"):
        return files_of(stack.folder, "own.sqlite3*")
    with psycopg.connect(stack.database_url) as server:
        tables = server.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'public'").fetchall()
        rows = [row for (name,) in tables for row in server.execute(f'SELECT t::text FROM "{name}" t').fetchall()]  # noqa: S608  # names from the catalogue
    return "\n".join(text for (text,) in rows).encode()


def content_of(port: int) -> bytes:
    with Redis(port=port) as redis:
        keys = list(redis.scan_iter())
        return b"\n".join(key + b" " + (redis.dump(key) or b"") for key in keys)


# --- The search finds what is there


@pytest.mark.parametrize("shape", shapes("x"))
def test_search_finds_a_secret_in_each_shape(shape: str) -> None:
    secret = f"cnry-{uuid4().hex}~+/x"

    assert shape in find(secret, b"noise " + shapes(secret)[shape] + b" noise")
    assert find(secret, b"noise noise") == []


def test_search_finds_a_secret_in_what_is_compressed() -> None:
    secret = f"cnry-{uuid4().hex}~+/x"

    assert "raw compressed" in find(secret, b"noise" + zipped(f'{{"token": "{secret}"}}') + b"noise")


def test_every_sink_holds_what_it_should(traces: Traces) -> None:
    """The positive control: an empty sink leaks nothing, and proves nothing."""
    marks = {
        "database": b"ada@example.com",
        "redis commands": b"integrations.pump",
        "redis content": b"_kombu",
        "logs": b"execution.ended",
        "pages": traces.secrets["argument"].encode(),  # who ran it may read what they typed
        "mails": b"ada@example.com",
    }

    assert set(marks) == set(SINKS)
    assert [name for name, mark in marks.items() if mark not in traces.sinks[name]] == []
    assert b"broken on purpose" in traces.sinks["logs"]


def test_every_secret_was_at_work(traces: Traces) -> None:
    """The same from the other side: the provider got them."""
    used = {name for name, count in traces.seen.items() if count}

    assert used >= {"access", "renewed", *CLIENTS, ADDRESS, *SIGNING}


def test_webhook_secret_is_shown_in_the_answer_that_made_it(traces: Traces) -> None:
    """What the search below would find, if another page or a record held it."""
    for name in SIGNING:
        assert "raw" in find(traces.secrets[name], traces.shown)
    assert traces.sinks["logs"].count(b"webhook.broken") == 1


# --- And nothing that should not be


@pytest.mark.parametrize("sink", SINKS)
def test_no_secret_is_left_lying(traces: Traces, sink: str) -> None:
    allowed = {"pages": PRIVATE, "database": {ADDRESS}}.get(sink, set())

    found = {
        name: where
        for name, secret in traces.secrets.items()
        if name not in allowed and (where := find(secret, traces.sinks[sink]))
    }

    assert found == {}


def test_redis_is_told_ids_and_nothing_else_of_a_run(traces: Traces) -> None:
    for word in (b"LEAKY", b"leaky", b"ada@example.com", b"arg-text"):
        assert word not in traces.sinks["redis commands"]
        assert word not in traces.sinks["redis content"]
