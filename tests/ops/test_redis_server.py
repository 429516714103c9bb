import asyncio
import subprocess
import time
from pathlib import Path

import pytest

from config.run import redis_server
from config.run.claims import free_port
from config.run.errors import StartError
from config.run.probes import redis_at

EXECUTABLE = 0o755


def test_bundled_server_runs_and_demands_its_password(tmp_path: Path) -> None:
    port = free_port()
    text = redis_server.configuration(tmp_path / "valkey", port, "the-password")
    command = [redis_server.server_binary(), "-"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, text=True) as server:
        assert server.stdin is not None
        server.stdin.write(text)
        server.stdin.close()
        try:
            assert answers(redis_server.url(port, "the-password"))
            assert not answers(redis_server.url(port, "another"), tries=1)
        finally:
            server.terminate()


def answers(url: str, tries: int = 50) -> bool:
    probe = redis_at(url)
    for _ in range(tries):
        if asyncio.run(probe()):
            return True
        time.sleep(0.1)
    return False


def fake_server(path: Path, status: int) -> str:
    path.write_text(f"#!/bin/sh\nexit {status}\n")
    path.chmod(EXECUTABLE)
    return str(path)


def test_server_on_path_is_used_where_the_bundled_one_does_not_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    bundled = fake_server(tmp_path / "bundled", status=127)
    on_path = fake_server(tmp_path / "redis-server", status=0)
    monkeypatch.setattr(redis_server, "_bundled", lambda: bundled)
    monkeypatch.setenv("PATH", str(tmp_path))

    assert redis_server.server_binary() == on_path


def test_no_server_at_all_says_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(redis_server, "_bundled", None)
    monkeypatch.setenv("PATH", str(tmp_path))

    with pytest.raises(StartError, match=r"(?s)apt install redis-server.*REDIS_URL="):
        redis_server.server_binary()
