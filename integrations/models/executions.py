"""The execution: the record of one run of a tool, and the queue itself."""

from datetime import datetime
from typing import Any, ClassVar

from django.conf import settings
from django.db import models
from django.db.models import Q

from accounts.ids import new_id, to_text
from integrations.engine.types import Effect
from integrations.models.catalog import Tool
from integrations.models.connected_accounts import ConnectedAccount
from integrations.models.encrypted import EncryptedJSONField
from integrations.models.owned import OwnedModel
from integrations.models.same_owner import SameOwner
from integrations.models.status import OVER, ExecutionStatus
from integrations.models.tool_sessions import Origin, ToolSession
from orgs.models import ApiKey, Organization, Owner
from orgs.status_words import StatusWord


class Execution(OwnedModel):
    """One run of a tool. This row is the queue: what is not here does not run, what is here is not lost.

    `submitted_by` and `api_key` say who is behind it; `owner` is the acting ID; `connected_account` was
    pinned when it was submitted. Arguments and result are sealed. `sent_at` is the send mark: set and
    committed before the first byte leaves for the provider.
    """

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    owner = models.ForeignKey(Owner, models.PROTECT, related_name="executions")
    submitted_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.SET_NULL, null=True, related_name="+")
    api_key = models.ForeignKey(ApiKey, models.SET_NULL, null=True, blank=True, related_name="+")
    in_organization = models.ForeignKey(Organization, models.SET_NULL, null=True, blank=True, related_name="+")
    origin = models.CharField(max_length=10, choices=Origin.choices)
    tool_session = models.ForeignKey(ToolSession, models.SET_NULL, null=True, blank=True, related_name="executions")

    tool = models.ForeignKey(Tool, models.PROTECT, related_name="executions")
    tool_slug = models.CharField(max_length=100)
    effect = models.CharField(max_length=12, choices=[(effect.value, effect.value) for effect in Effect])
    connected_account = models.ForeignKey(
        ConnectedAccount, models.PROTECT, null=True, blank=True, related_name="executions"
    )
    decision: "models.JSONField[dict[str, Any], dict[str, Any]]" = models.JSONField(default=dict)
    arguments = EncryptedJSONField(null=True, blank=True)
    idempotency_key = models.CharField(max_length=255, null=True, blank=True)  # noqa: DJ001  # NULL is "none given": unique ignores it
    fingerprint = models.CharField(max_length=64, blank=True)
    retry_of = models.ForeignKey("self", models.SET_NULL, null=True, blank=True, related_name="retries")

    status = models.CharField(max_length=20, choices=ExecutionStatus.choices)
    attempt = models.PositiveSmallIntegerField(default=0)
    max_attempts = models.PositiveSmallIntegerField(default=1)
    available_at = models.DateTimeField()
    expires_at = models.DateTimeField()
    lease_token = models.UUIDField(null=True, blank=True)
    lease_until = models.DateTimeField(null=True, blank=True)
    sent_at = models.DateTimeField(null=True, blank=True)
    cancel_requested_at = models.DateTimeField(null=True, blank=True)

    result = EncryptedJSONField(null=True, blank=True)
    http_status = models.PositiveSmallIntegerField(null=True, blank=True)
    error_code = models.CharField(max_length=80, blank=True)
    error_message = models.CharField(max_length=500, blank=True)
    provider_request_id = models.CharField(max_length=120, blank=True)
    provider_milliseconds = models.PositiveIntegerField(null=True, blank=True)

    created_at = models.DateTimeField()
    started_at = models.DateTimeField(null=True, blank=True)
    finished_at = models.DateTimeField(null=True, blank=True)
    purged_at = models.DateTimeField(null=True, blank=True)

    class Meta(OwnedModel.Meta):
        indexes: ClassVar = [
            # the claim: an owner's oldest due row
            models.Index(
                fields=["owner", "available_at", "created_at"],
                condition=Q(status="queued"),
                name="execution_due_by_owner",
            ),
            # the cap and the sweep
            models.Index(fields=["owner", "lease_until"], condition=Q(status="running"), name="execution_running"),
            # the runs page
            models.Index(fields=["owner", "-created_at", "-id"], name="execution_by_owner"),
            models.Index(fields=["connected_account", "-created_at"], name="execution_by_account"),
            # what webhooks are told of
            models.Index(fields=["finished_at"], condition=Q(finished_at__isnull=False), name="execution_ended"),
        ]
        constraints: ClassVar = [
            models.CheckConstraint(
                condition=Q(status__in=[status.value for status in ExecutionStatus]), name="execution_status_known"
            ),
            models.CheckConstraint(
                condition=Q(status__in=[status.value for status in OVER], finished_at__isnull=False)
                | (~Q(status__in=[status.value for status in OVER]) & Q(finished_at__isnull=True)),
                name="execution_over_has_an_end",
            ),
            models.CheckConstraint(
                condition=~Q(status="running") | Q(lease_token__isnull=False, lease_until__isnull=False),
                name="execution_running_has_a_lease",
            ),
            # nothing that was refused, called off or never started may have been sent
            models.CheckConstraint(
                condition=~Q(status__in=["cancelled", "timed_out", "denied"]) | Q(sent_at__isnull=True),
                name="execution_unsent_when_not_run",
            ),
            # a refusal may name the account that would have worked under another ID of the actor's
            SameOwner(field="connected_account", name="execution_account_same_owner", unless_status="denied"),
            SameOwner(field="tool_session", name="execution_session_same_owner"),
            # one execution per key and caller (fault F34); two of them, because SQLite has no NULLS NOT DISTINCT
            models.UniqueConstraint(
                fields=["owner", "submitted_by", "idempotency_key"],
                condition=Q(idempotency_key__isnull=False, api_key__isnull=True),
                name="execution_idempotent_for_user",
            ),
            models.UniqueConstraint(
                fields=["owner", "api_key", "idempotency_key"],
                condition=Q(idempotency_key__isnull=False, api_key__isnull=False),
                name="execution_idempotent_for_key",
            ),
        ]

    def __str__(self) -> str:
        return self.text_id

    @property
    def text_id(self) -> str:
        return to_text("ex", self.id)

    @property
    def word(self) -> StatusWord:
        return ExecutionStatus(self.status).word

    @property
    def is_over(self) -> bool:
        return ExecutionStatus(self.status).is_over

    @property
    def is_read(self) -> bool:
        return self.effect == Effect.READ.value

    @property
    def is_approved(self) -> bool:
        """Whether somebody approved this very run. Costs a query unless `approval` was selected."""
        approval = getattr(self, "approval", None)
        return approval is not None and bool(approval.is_approved)

    @property
    def may_still_be_cancelled(self) -> bool:
        """Until the first byte has left: what a provider was told cannot be taken back."""
        return not self.is_over and self.sent_at is None and self.cancel_requested_at is None

    @property
    def mark(self) -> str:
        """Changes whenever the pages show something else: who has seen this mark needs nothing new."""
        sent = "sent" if self.sent_at else "unsent"
        return f"{self.status}.{self.attempt}.{sent}{'.cancelling' if self.cancel_requested_at else ''}"

    @property
    def total_milliseconds(self) -> float | None:
        """From the moment it was asked for until its end; None while it goes on."""
        return None if self.finished_at is None else self.milliseconds_until(self.finished_at)

    def milliseconds_until(self, moment: datetime) -> float:
        """Since it was asked for. Never below zero: the clocks of the database and of this machine may differ."""
        return max((moment - self.created_at).total_seconds() * 1000, 0.0)
