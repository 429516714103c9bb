"""Status words: each has one label, one colour, one icon and one sentence that explains it."""

from typing import Final

from django.db import models

from orgs.permissions import AccountState
from orgs.status_words import StatusWord, word_table


class ConnectionStatus(models.TextChoices):
    """Of a connected account."""

    WAITING = AccountState.WAITING.value, "Waiting for sign-in"
    ACTIVE = AccountState.ACTIVE.value, "Active"
    NEEDS_ATTENTION = AccountState.NEEDS_ATTENTION.value, "Needs attention"
    EXPIRED = AccountState.EXPIRED.value, "Expired"
    PAUSED = AccountState.PAUSED.value, "Paused"
    REVOKED = AccountState.REVOKED.value, "Revoked"
    FAILED = AccountState.FAILED.value, "Failed"

    @property
    def word(self) -> StatusWord:
        return CONNECTION_WORDS[self]


CONNECTION_WORDS = word_table(
    ConnectionStatus,
    [
        ("waiting", "info", "clock", "Somebody still has to sign in at the provider."),
        ("active", "success", "check-circle", "Works. Tools can use it."),
        ("needs_attention", "warning", "exclamation-triangle", "Works for now, but somebody should look at it."),
        ("expired", "error", "x-circle", "The provider no longer accepts it. Reconnect it."),
        ("paused", "neutral", "pause-circle", "Switched off by a person. Tools cannot use it until it is resumed."),
        ("revoked", "neutral", "no-symbol", "Disconnected. Its credentials are gone."),
        ("failed", "error", "x-circle", "It could not be connected, or its credentials cannot be read. Reconnect it."),
    ],
)


WORKING: Final = (ConnectionStatus.ACTIVE, ConnectionStatus.NEEDS_ATTENTION)
CONNECTED: Final = tuple(one for one in ConnectionStatus if one is not ConnectionStatus.REVOKED)


class ExecutionStatus(models.TextChoices):
    """Of an execution, which the pages call a run."""

    QUEUED = "queued", "Queued"
    WAITING_FOR_APPROVAL = "waiting_for_approval", "Waiting for approval"
    RUNNING = "running", "Running"
    SUCCEEDED = "succeeded", "Succeeded"
    FAILED = "failed", "Failed"
    DENIED = "denied", "Denied"
    CANCELLED = "cancelled", "Cancelled"
    TIMED_OUT = "timed_out", "Timed out"
    UNKNOWN = "unknown", "Outcome unknown"

    @property
    def word(self) -> StatusWord:
        return EXECUTION_WORDS[self]

    @property
    def is_over(self) -> bool:
        return self not in {*WAITING, ExecutionStatus.RUNNING}


WAITING: Final = (ExecutionStatus.QUEUED, ExecutionStatus.WAITING_FOR_APPROVAL)  # not begun

EXECUTION_WORDS = word_table(
    ExecutionStatus,
    [
        ("queued", "info", "clock", "Accepted and stored. A worker takes it as soon as one is free."),
        ("waiting_for_approval", "warning", "hand-raised", "A policy asks for an admin's approval first."),
        ("running", "info", "arrow-path", "A worker is talking to the provider."),
        ("succeeded", "success", "check-circle", "The provider did it."),
        (
            "failed",
            "error",
            "x-circle",
            "The provider refused it, or it could not be sent. Nothing was left half done by us.",
        ),
        ("denied", "error", "no-symbol", "The rule did not allow it. Nothing was sent to the provider."),
        ("cancelled", "neutral", "stop-circle", "Stopped by a person before anything was sent."),
        ("timed_out", "neutral", "clock", "It never started in time. Nothing was sent to the provider."),
        (
            "unknown",
            "warning",
            "question-mark-circle",
            "It was sent, but the answer was lost. Check at the provider before you run it again.",
        ),
    ],
)
OVER = [status for status in ExecutionStatus if status.is_over]


class RequestStatus(models.TextChoices):
    """Of a connection request."""

    OPEN = "open", "Waiting for sign-in"
    CONFIRMING = "confirming", "Waiting for confirmation"
    FINISHED = "finished", "Connected"
    DENIED = "denied", "Declined at the provider"
    FAILED = "failed", "Failed"
    EXPIRED = "expired", "Expired"


class ConsentStatus(models.TextChoices):
    """Of what members ask admins for, which the pages call a request."""

    OPEN = "open", "Open"
    APPROVED = "approved", "Approved"
    DENIED = "denied", "Denied"
    BLOCKED = "blocked", "Blocked"
    EXPIRED = "expired", "Expired"
    WITHDRAWN = "withdrawn", "Withdrawn"

    @property
    def word(self) -> StatusWord:
        return CONSENT_WORDS[self]


CONSENT_WORDS = word_table(
    ConsentStatus,
    [
        ("open", "info", "clock", "Waits for an admin to decide."),
        ("approved", "success", "check-circle", "An admin agreed, and it is done."),
        ("denied", "error", "x-circle", "An admin said no. It can be asked for again."),
        (
            "blocked",
            "error",
            "no-symbol",
            "An admin said no, and it cannot be asked for until an admin lifts the block.",
        ),
        ("expired", "neutral", "clock", "Nobody decided in time. It can be asked for again."),
        ("withdrawn", "neutral", "arrow-uturn-left", "Everybody who asked took it back."),
    ],
)


class ConsentStep(models.TextChoices):
    """Of the timeline of a request."""

    ASKED = "asked", "Asked"
    WITHDREW = "withdrew", "Took it back"
    REMINDED = "reminded", "The admins were reminded"
    BEGAN = "began", "Went to the provider to connect it"
    APPROVED = "approved", "Approved"
    DENIED = "denied", "Denied"
    BLOCKED = "blocked", "Blocked"
    LIFTED = "lifted", "Lifted the block"
    REOPENED = "reopened", "Opened it again"
    EXPIRED = "expired", "Expired: nobody decided in time"


class SessionStatus(models.TextChoices):
    """Of a tool session."""

    ACTIVE = "active", "Active"
    ENDED = "ended", "Ended"

    @property
    def word(self) -> StatusWord:
        return SESSION_WORDS[self]


SESSION_WORDS = {
    SessionStatus.ACTIVE: StatusWord("active", "Active", "success", "check-circle", "Agents can use it."),
    SessionStatus.ENDED: StatusWord("ended", "Ended", "neutral", "stop-circle", "Over for good. Nothing runs in it."),
}
