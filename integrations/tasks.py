"""Celery's part: a bell without a message, and who answers it.

`ring` says "there is work" and nothing else; `ring_for_webhooks` says the same of events.
A lost, doubled or forged ring changes nothing: what runs is what the database holds as queued.
"""

import threading
import time
from typing import Any

import structlog
from celery import shared_task
from celery.signals import worker_shutting_down
from django.conf import settings
from django.db import close_old_connections
from kombu import Connection, Producer
from kombu.exceptions import KombuError
from redis.exceptions import RedisError

from integrations.jobs import claim_next, execute, has_due, send_due, sweep

log = structlog.get_logger(__name__)
PUMP_SECONDS = 20
RING_EXPIRES = 60
BREAKER_SECONDS = 5.0
# Measured: with kombu's defaults a publish blocks six seconds while Redis refuses connections.
FAIL_FAST = {
    "max_retries": 1,
    "interval_start": 0,
    "interval_step": 0,
    "interval_max": 0,
    "socket_connect_timeout": settings.REDIS_CONNECT_TIMEOUT,
    "socket_timeout": settings.REDIS_SOCKET_TIMEOUT,
}


class _Bell:
    """A connection per thread, and a breaker: after a failure nobody tries for some seconds."""

    def __init__(self) -> None:
        self._local = threading.local()
        self._silent_until = 0.0
        self.failures = 0

    def ring(self, task: Any = None) -> bool:
        """Without a task: the pump."""
        if time.monotonic() < self._silent_until:
            return False
        try:
            (task or pump).apply_async(producer=self._producer(), retry=False, expires=RING_EXPIRES)
        except (KombuError, RedisError, OSError) as error:
            self._fail(error)
            return False
        return True

    def _producer(self) -> Producer:
        producer: Producer | None = getattr(self._local, "producer", None)
        if producer is None:
            connection = Connection(settings.CELERY_BROKER_URL, transport_options=dict(FAIL_FAST))
            producer = self._local.producer = Producer(connection)
        return producer

    def _fail(self, error: Exception) -> None:
        self._local.producer = None
        self._silent_until = time.monotonic() + BREAKER_SECONDS
        self.failures += 1
        log.warning("bell.not_rung", error=type(error).__name__, failures=self.failures)


_bell = _Bell()


def ring() -> bool:
    """Wake a worker. Never raises and never waits long; False when nobody could be woken: the sweep will."""
    return _bell.ring()


def ring_for_webhooks() -> bool:
    """Wake somebody to deliver events, in the same way."""
    return _bell.ring(deliver)


_stopping = threading.Event()


@worker_shutting_down.connect
def _stop_claiming(**_kwargs: Any) -> None:
    """A warm shutdown finishes the calls under way and leaves the rest to other workers."""
    _stopping.set()


@shared_task(name="integrations.pump", ignore_result=True, acks_late=True, expires=RING_EXPIRES)
def pump(**_ignored: Any) -> None:
    """Claim and execute until nothing is due or the time is up; ring again if work remains."""
    until = time.monotonic() + PUMP_SECONDS
    _sweep_now_and_then()
    has_woken = False
    while time.monotonic() < until and not _stopping.is_set():
        claim = claim_next()
        if claim is None:
            return
        if not has_woken:  # each pump that finds work wakes one more, until every thread is busy
            ring_for_more()
            has_woken = True
        execute(claim)
    ring_for_more()


_next_sweep = 0.0


def _sweep_now_and_then() -> None:
    """So that a dead beat does no harm: any pump sweeps, this process at most once per interval."""
    global _next_sweep  # noqa: PLW0603  # a throttle of this process; a race costs one statement
    if time.monotonic() >= _next_sweep:
        _next_sweep = time.monotonic() + settings.SWEEP_INTERVAL
        if sweep().webhooks_due:
            ring_for_webhooks()


def ring_for_more() -> None:
    """While this pump is busy with a call, another one can take the next execution."""
    if has_due():
        ring()


@shared_task(name="integrations.sweep", ignore_result=True)
def sweep_task(**_ignored: Any) -> None:
    """Beat's turn to sweep; rings when work was left lying."""
    close_old_connections()
    report = sweep()
    if report.work_left:
        ring()
    if report.webhooks_due:
        ring_for_webhooks()


@shared_task(name="integrations.deliver", ignore_result=True, acks_late=True, expires=RING_EXPIRES)
def deliver(**_ignored: Any) -> None:
    """Send events to webhooks until none is due or the time is up. The message says nothing: the rows say what."""
    close_old_connections()
    if send_due(time.monotonic() + PUMP_SECONDS) and not _stopping.is_set():
        ring_for_webhooks()
