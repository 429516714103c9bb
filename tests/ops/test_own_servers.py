"""No two installations that tests start share a Redis database: they would answer each other's bell."""

import contextlib
import subprocess
import sys
from urllib.parse import urlsplit

from tests.databases import REDIS_NUMBERS, own_redis
from tests.faults.stack import ROOT, free_port

HOLD = "import sys, tests.databases as d\nwith d.own_redis(sys.argv[1]) as url: print(url, flush=True); input()"


def test_each_gets_a_number_of_its_own_also_across_processes() -> None:
    server = f"redis://127.0.0.1:{free_port()}/9"
    command = [sys.executable, "-c", HOLD, server]
    with subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as other:
        assert other.stdout is not None
        theirs = other.stdout.readline().strip()
        with own_redis(server) as first, own_redis(server) as second:
            assert len({theirs, first, second}) == 3
            assert {urlsplit(url).netloc for url in (theirs, first, second)} == {urlsplit(server).netloc}
        other.kill()
    with own_redis(server) as again:
        assert again == theirs, "what a killed process held is free again"


def test_without_a_server_or_a_free_number_the_embedded_server_is_used() -> None:
    with own_redis("") as none_named:
        assert none_named == ""
    server = f"redis://127.0.0.1:{free_port()}/9"
    with contextlib.ExitStack() as held:
        taken = [held.enter_context(own_redis(server)) for _number in REDIS_NUMBERS]
        assert "" not in taken
        with own_redis(server) as one_too_many:
            assert one_too_many == ""
