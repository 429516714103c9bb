"""Webhooks: endpoints of an organization, and what is on its way to them."""

from datetime import datetime
from typing import Any, ClassVar, Final
from urllib.parse import urlsplit

from django.conf import settings
from django.db import models
from django.db.models import Q

from accounts.ids import new_id, to_text
from integrations.models.encrypted import EncryptedJSONField
from integrations.models.owned import OwnedModel
from integrations.models.same_owner import SameOwner
from integrations.models.webhook_words import (
    ACTIVE,
    DELIVERED_EVENTS,
    FAILING,
    OFF,
    ON_THE_WAY,
    PAUSED,
    DeliveryStatus,
    WebhookEvent,
    WebhookStatus,
)
from orgs.models import EndUser, Owner
from orgs.status_words import StatusWord

URL_LENGTH: Final = 500
DESCRIPTION_LENGTH: Final = 120


class Webhook(OwnedModel):
    """An endpoint that an organization wants to be told at.

    `runs_from` is how far ended runs were looked through for it; None: it does not want them. `sender` has it to itself
    until `busy_until`; afterwards that says when it had its last turn.
    """

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    owner = models.ForeignKey(Owner, models.PROTECT, related_name="webhooks")
    url = models.CharField(max_length=URL_LENGTH)
    description = models.CharField(max_length=DESCRIPTION_LENGTH, blank=True)
    events: "models.JSONField[list[str], list[str]]" = models.JSONField(default=list)
    status = models.CharField(max_length=10, choices=WebhookStatus.choices, default=WebhookStatus.ACTIVE)

    secret = EncryptedJSONField()
    old_secret = EncryptedJSONField(null=True, blank=True)
    old_secret_until = models.DateTimeField(null=True, blank=True)

    created_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.SET_NULL, null=True, related_name="+")
    created_at = models.DateTimeField()
    updated_at = models.DateTimeField(auto_now=True)  # by a person, that is
    runs_from = models.DateTimeField(null=True, blank=True)
    failures = models.PositiveIntegerField(default=0)  # in a row
    failing_since = models.DateTimeField(null=True, blank=True)
    delivered_at = models.DateTimeField(null=True, blank=True)
    sender = models.UUIDField(null=True, blank=True)
    busy_until = models.DateTimeField(null=True, blank=True)

    class Meta(OwnedModel.Meta):
        indexes: ClassVar = [models.Index(fields=["owner"], name="webhook_by_owner")]
        constraints: ClassVar = [
            models.CheckConstraint(
                condition=Q(status__in=[status.value for status in WebhookStatus]), name="webhook_status_known"
            ),
            models.CheckConstraint(
                condition=Q(old_secret__isnull=True) | Q(old_secret_until__isnull=False), name="webhook_old_secret_ends"
            ),
        ]

    def __str__(self) -> str:
        return self.text_id

    @property
    def text_id(self) -> str:
        return to_text("wh", self.id)

    @property
    def host(self) -> str:
        """What may stand in logs and records: the rest of the address may be a secret of the receiver's."""
        return urlsplit(self.url).netloc

    @property
    def name(self) -> str:
        return self.description or self.host

    @property
    def word(self) -> StatusWord:
        if self.status == WebhookStatus.PAUSED:
            return PAUSED
        if self.status == WebhookStatus.OFF:
            return OFF
        return FAILING if self.failing_since else ACTIVE

    @property
    def event_labels(self) -> list[str]:
        return [event.label for event in WebhookEvent if event.value in self.events]

    def old_secret_signs(self, now: datetime) -> bool:
        return self.old_secret is not None and self.old_secret_until is not None and self.old_secret_until > now


class WebhookDelivery(OwnedModel):
    """One event on its way to one endpoint. The row is the outbox: while `due_at` is set, it is still to be sent.

    `data` is what the event says: states and IDs, never a secret, an argument or a result. The text ID is the
    `webhook-id` of every attempt, so that a receiver knows a repetition. What is about an end user goes with them.
    """

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    owner = models.ForeignKey(Owner, models.PROTECT, related_name="+")
    webhook = models.ForeignKey(Webhook, models.CASCADE, related_name="deliveries")
    event = models.CharField(max_length=60)
    subject = models.CharField(max_length=80)  # the text ID of what it is about
    run_id = models.UUIDField(null=True, blank=True)  # of an ended run: each is told of once
    end_user = models.ForeignKey(EndUser, models.CASCADE, null=True, blank=True, related_name="+")  # whose it was
    data: "models.JSONField[dict[str, Any], dict[str, Any]]" = models.JSONField(default=dict)
    status = models.CharField(max_length=10, choices=DeliveryStatus.choices, default=DeliveryStatus.WAITING)
    tries = models.PositiveSmallIntegerField(default=0)  # of this round: sending again by hand begins a new one
    due_at = models.DateTimeField(null=True, blank=True)
    response_status = models.PositiveSmallIntegerField(null=True, blank=True)
    error_code = models.CharField(max_length=40, blank=True)
    created_at = models.DateTimeField()
    finished_at = models.DateTimeField(null=True, blank=True)

    class Meta(OwnedModel.Meta):
        indexes: ClassVar = [
            models.Index(fields=["webhook", "-id"], name="delivery_by_webhook"),
            models.Index(fields=["webhook", "due_at"], condition=Q(due_at__isnull=False), name="delivery_due"),
            models.Index(fields=["created_at"], name="delivery_by_age"),
        ]
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["webhook", "run_id"], condition=Q(run_id__isnull=False), name="delivery_run_once"
            ),
            models.CheckConstraint(
                condition=Q(status__in=[one.value for one in ON_THE_WAY], due_at__isnull=False)
                | Q(status__in=["delivered", "given_up"], due_at__isnull=True, finished_at__isnull=False),
                name="delivery_due_or_over",
            ),
            SameOwner(field="webhook", name="delivery_webhook_same_owner"),
        ]

    def __str__(self) -> str:
        return self.text_id

    @property
    def text_id(self) -> str:
        return to_text("msg", self.id)

    @property
    def word(self) -> StatusWord:
        return DeliveryStatus(self.status).word

    @property
    def event_label(self) -> str:
        return dict(DELIVERED_EVENTS).get(self.event, self.event)

    @property
    def is_over(self) -> bool:
        return self.due_at is None


class WebhookAttempt(models.Model):
    """One try to deliver: what the receiver answered, or why there is no answer. Its body is not kept."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    delivery = models.ForeignKey(WebhookDelivery, models.CASCADE, related_name="attempts")
    at = models.DateTimeField()
    response_status = models.PositiveSmallIntegerField(null=True, blank=True)
    error_code = models.CharField(max_length=40, blank=True)
    message = models.CharField(max_length=200, blank=True)
    milliseconds = models.PositiveIntegerField()

    objects: ClassVar[models.Manager["WebhookAttempt"]] = models.Manager()

    def __str__(self) -> str:
        return f"{self.delivery_id}: {self.response_status or self.error_code}"

    @property
    def is_good(self) -> bool:
        return not self.error_code
