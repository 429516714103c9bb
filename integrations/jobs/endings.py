"""How an attempt ends. Every write names the lease token: whoever lost the lease writes nothing."""

import random
from typing import Any
from uuid import UUID

import structlog
from django.db import DatabaseError
from django.db.models import F
from django.db.models.functions import Now

from integrations import live
from integrations.engine.types import Outcome
from integrations.jobs.claim import Claim, in_seconds, lease_seconds
from integrations.models import Execution
from integrations.models.encrypted import Sealed, seal
from integrations.models.status import ExecutionStatus

log = structlog.get_logger(__name__)
FREE: dict[str, None] = {"lease_token": None, "lease_until": None}


def ours(claim: Claim) -> Any:
    rows = Execution.objects.unscoped("written by its lease token alone")
    return rows.filter(id=claim.execution_id, lease_token=claim.lease_token, status=ExecutionStatus.RUNNING)


def mark_sent(claim: Claim, deadline_seconds: float) -> bool:
    """The send mark, committed before the first byte. False: cancelled, swept, or too little lease is left."""
    rows = ours(claim).filter(cancel_requested_at__isnull=True, lease_until__gt=in_seconds(deadline_seconds))
    return bool(rows.update(sent_at=Now()))


def renew(claim: Claim) -> bool:
    """Begin the attempt anew after a 401, which says that nothing was processed."""
    return bool(ours(claim).update(sent_at=None, lease_until=in_seconds(lease_seconds())))


def finish(claim: Claim, status: ExecutionStatus, *, outcome: Outcome | None = None, **fields: Any) -> None:
    """Store the end of an execution. Storing must not be able to fail: without the body, if need be."""
    values = {**FREE, **_from_outcome(outcome), **fields, "status": status, "finished_at": Now()}
    values["error_message"] = values.get("error_message", "")[:500]
    try:
        done = ours(claim).update(**values, result=_sealed(claim.execution_id, outcome))
    except (DatabaseError, ValueError, RecursionError):
        log.exception("execution.result_not_stored", execution=claim.execution_id.hex)
        done = ours(claim).update(**values)
    if done:
        live.announce(claim.execution_id)
        log.info(
            "execution.ended", execution=claim.execution_id.hex, status=status.value, error=values.get("error_code")
        )


def cancel_unsent(claim: Claim) -> bool:
    """The fence refused: if that was because somebody cancelled, end it so. Nothing was sent."""
    rows = ours(claim).filter(cancel_requested_at__isnull=False)
    done = bool(rows.update(**FREE, status=ExecutionStatus.CANCELLED, sent_at=None, finished_at=Now()))
    if done:
        live.announce(claim.execution_id)
    return done


def requeue(claim: Claim, *, delay_seconds: float | None, code: str, message: str) -> bool:
    """Once more, later: in the row, not in a sleeping worker. False when the attempts are used up.

    Whoever asked for it to be called off meanwhile gets that: it can only have been asked while it was unsent.
    """
    if cancel_unsent(claim):
        return True
    rows = ours(claim).filter(attempt__lt=F("max_attempts"))
    attempt = rows.values_list("attempt", flat=True).first()
    if attempt is None:
        return False
    wait = delay_seconds if delay_seconds is not None else back_off(attempt)
    done = rows.update(
        **FREE,
        status=ExecutionStatus.QUEUED,
        sent_at=None,
        available_at=in_seconds(wait),
        error_code=code[:80],
        error_message=message[:500],
    )
    live.announce(claim.execution_id)
    return bool(done)


def back_off(attempt: int) -> float:
    """Seconds before the next attempt: 1, 4, 9 … with jitter, so that many do not come back at once."""
    return attempt**2 * random.uniform(0.75, 1.25)  # noqa: S311  # spreads load, protects nothing


def _from_outcome(outcome: Outcome | None) -> dict[str, Any]:
    if outcome is None:
        return {}
    return {
        "http_status": outcome.status,
        "error_code": outcome.error_code[:80],
        "error_message": outcome.error_message,
        "provider_request_id": outcome.provider_request_id[:120],
        "provider_milliseconds": outcome.provider_milliseconds,
    }


def _sealed(execution_id: UUID, outcome: Outcome | None) -> Sealed | None:
    if outcome is None:
        return None
    stored = {"result": outcome.result, "truncated": outcome.truncated, "request": dict(outcome.request_summary)}
    return seal(stored, table="execution", row=execution_id, field="result")
