"""How much the queue adds to a call: `make bench`.

Starts the product's own processes (worker with 16 threads, beat, Valkey or a Redis of its own, SQLite or
the server that DATABASE_URL names) and a provider on loopback that answers after a fixed delay. In the
same run the provider is called directly. Read the ratios: absolute numbers belong to the machine.
"""

import argparse
import json
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx2

from tests.faults.stack import Stack, running_stack, wait_until

WARM_UP = 10
THREADS = 16


def main() -> None:
    options = _options()
    with tempfile.TemporaryDirectory() as folder, running_stack(Path(folder)) as stack:
        stack.provider.delay = options.delay / 1000
        stack.start_beat()
        stack.start_worker(threads=THREADS)
        wait_until(stack.worker_is_up, 30, "the worker is up")
        stack.drive("submit", "warm-up", WARM_UP)
        wait_until(stack.all_over, 60, "warmed up")
        direct = _direct(stack, options.count)
        one = stack.drive("one_by_one", options.count)
        many = _burst(stack, options.burst)
    _report(options, direct, one, many)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=100, help="executions one after the other")
    parser.add_argument("--burst", type=int, default=500, help="executions submitted at once")
    parser.add_argument("--delay", type=float, default=50, help="milliseconds the provider takes")
    return parser.parse_args()


def _direct(stack: Stack, count: int) -> list[float]:
    """The provider without us, one call after the other over one connection; milliseconds each."""
    url = f"http://127.0.0.1:{stack.provider.port}/read?tag=direct"
    with httpx2.Client(trust_env=False) as client:
        return [_timed(lambda: client.get(url)) for _ in range(count)]


def _timed(call: Callable[[], Any]) -> float:
    began = time.perf_counter()
    call()
    return (time.perf_counter() - began) * 1000


def _burst(stack: Stack, count: int) -> dict[str, float]:
    """Everything at once: how many are submitted, and how many are worked off, per second."""
    began = time.perf_counter()
    submitted = stack.drive("submit_timed", "burst", count)["seconds"]
    wait_until(stack.all_over, 600, "the burst is worked off")
    done = stack.drive("span", count)["seconds"]
    return {"submitted_per_s": count / submitted, "done_per_s": count / done, "wall": time.perf_counter() - began}


def _report(options: argparse.Namespace, direct: list[float], one: dict[str, Any], many: dict[str, float]) -> None:
    p50 = statistics.median(direct)
    added = one["p50"] - p50
    lines = {
        "provider delay": f"{options.delay:.0f} ms",
        "direct call, p50": f"{p50:.1f} ms",
        "through the queue, submit to stored, p50": f"{one['p50']:.1f} ms ({one['p50'] / p50:.2f} x direct)",
        "through the queue, p95": f"{one['p95']:.1f} ms",
        "added by the product, p50": f"{added:.1f} ms",
        "burst submitted": f"{many['submitted_per_s']:.0f} a second",
        "burst worked off": f"{many['done_per_s']:.0f} a second",
    }
    print("\n".join(f"{name:<45}{value}" for name, value in lines.items()))
    print(json.dumps({"direct_p50": p50, **one, **many}))


if __name__ == "__main__":
    main()
