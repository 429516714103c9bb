"""`/healthz`: this process answers. `/readyz`: what it stands on answers too.

Only the database decides about readiness. Without Redis people can still sign in, submit and look:
it is reported, not fatal. A late sweep means that worker or beat are missing.
"""

from collections.abc import Callable
from datetime import timedelta
from typing import Any, Final

import redis
from django.conf import settings
from django.db import DatabaseError, connection
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.utils import timezone

from config.migrations import waiting_migrations
from integrations.models import Sweep
from orgs.decorators import public

OK: Final = "ok"
Finding = dict[str, Any]
SWEEPS_MISSED: Final = 6  # as many intervals may pass before a sweep counts as late


@public
def healthz(_request: HttpRequest) -> HttpResponse:
    return JsonResponse({"status": OK})


@public
def readyz(_request: HttpRequest) -> HttpResponse:
    findings = {"database": _database(), "redis": _redis()}
    if findings["database"]["status"] == OK:
        findings |= {"migrations": _migrations(), "sweep": _sweep()}
    ready = all(findings.get(name, {}).get("status") == OK for name in ("database", "migrations"))
    healthy = all(finding["status"] == OK for finding in findings.values())
    status = "unavailable" if not ready else OK if healthy else "degraded"
    return JsonResponse({"status": status, "checks": findings}, status=200 if ready else 503)


def _finding(check: Callable[[], object], *failures: type[Exception]) -> Finding:
    """The kind of error only: an address or a user name in its text is nobody's business."""
    try:
        check()
    except failures as error:
        return {"status": "unreachable", "error": type(error).__name__}
    return {"status": OK}


def _database() -> Finding:
    return _finding(_select_one, DatabaseError, OSError)


def _select_one() -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")


def _redis() -> Finding:
    client = redis.Redis.from_url(
        settings.REDIS_URL,
        socket_connect_timeout=settings.REDIS_CONNECT_TIMEOUT,
        socket_timeout=settings.REDIS_SOCKET_TIMEOUT,
    )
    with client:
        return _finding(client.ping, redis.RedisError, OSError)


def _migrations() -> Finding:
    waiting = waiting_migrations()
    return {"status": "waiting", "count": waiting} if waiting else {"status": OK}


def _sweep() -> Finding:
    last = Sweep.objects.order_by("-taken_at").first()
    if last is None:
        return {"status": "never"}
    age = timezone.now() - last.taken_at
    late = age > timedelta(seconds=SWEEPS_MISSED * settings.SWEEP_INTERVAL)
    return {"status": "late" if late else OK, "age_seconds": round(age.total_seconds(), 1)}
