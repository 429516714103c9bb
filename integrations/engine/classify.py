"""What an attempt's outcome means for its execution: done, failed, unknown, or once more.

Pure, and the heart of the promise that a write is never sent twice without being told:
a write is repeated only when it is certain that the provider did not process it.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from integrations.engine.types import Effect, Happening, Outcome

TOO_MANY_REQUESTS = 429
SERVICE_UNAVAILABLE = 503
TOO_EARLY = 425  # RFC 8470: the server did not want to risk processing it
REQUEST_TIMEOUT = 408
CLEAR_SERVER_ERRORS = (500, 501, SERVICE_UNAVAILABLE)  # the provider itself says it failed; other 5xx come from between


class VerdictKind(StrEnum):
    """What to do with the execution now."""

    SUCCEEDED = "succeeded"
    FAILED = "failed"
    UNKNOWN = "unknown"  # the provider may have acted; only a person may run it again
    REQUEUE = "requeue"
    REFRESH = "refresh"  # refresh the credentials once and repeat; else failed, and the account needs reconnecting
    ABANDON = "abandon"  # not ours any more: store nothing


@dataclass(frozen=True)
class Verdict:
    """`delay_seconds` is what the provider asked for; None leaves it to the usual back-off."""

    kind: VerdictKind
    delay_seconds: float | None = None


def classify(outcome: Outcome, effect: Effect, *, idempotent: bool = False) -> Verdict:
    """`idempotent` says that the provider itself makes a repetition harmless (an idempotency key)."""
    repeatable = effect is Effect.READ or idempotent
    match outcome.happening:
        case Happening.FENCED:
            return Verdict(VerdictKind.ABANDON)
        case Happening.REFUSED:
            return Verdict(VerdictKind.FAILED)
        case Happening.NOT_SENT:
            return Verdict(VerdictKind.REQUEUE, outcome.retry_after_seconds)
        case Happening.INTERRUPTED:
            return _ambiguous(outcome, repeatable=repeatable)
    return _answered(outcome, repeatable=repeatable)


def _ambiguous(outcome: Outcome, *, repeatable: bool) -> Verdict:
    if repeatable:
        return Verdict(VerdictKind.REQUEUE, outcome.retry_after_seconds)
    return Verdict(VerdictKind.UNKNOWN)


def _answered(outcome: Outcome, *, repeatable: bool) -> Verdict:
    status = outcome.status or 0
    if outcome.successful:
        return Verdict(VerdictKind.SUCCEEDED)
    if _was_turned_away(outcome, status):
        return Verdict(VerdictKind.REQUEUE, outcome.retry_after_seconds)
    if status == 401 or outcome.needs_reconnect:  # noqa: PLR2004 - unauthorized, so not processed
        return Verdict(VerdictKind.REFRESH)
    return _failed(outcome, status, repeatable=repeatable)


def _was_turned_away(outcome: Outcome, status: int) -> bool:
    """The provider said "later" before it did anything."""
    told_when = status == SERVICE_UNAVAILABLE and outcome.retry_after_seconds is not None
    return outcome.rate_limited or status in (TOO_MANY_REQUESTS, TOO_EARLY) or told_when


def _failed(outcome: Outcome, status: int, *, repeatable: bool) -> Verdict:
    if 200 <= status < 500 and status != REQUEST_TIMEOUT:  # noqa: PLR2004 - a clear answer of the provider
        return Verdict(VerdictKind.FAILED)
    if status in CLEAR_SERVER_ERRORS and not repeatable:
        return Verdict(VerdictKind.FAILED)
    return _ambiguous(outcome, repeatable=repeatable)
