"""What members ask an organization's admins for: a new connection, or access to one that is there."""

from typing import ClassVar, Self

from django.conf import settings
from django.db import models
from django.db.models import Q

from accounts.ids import new_id, to_text
from integrations.models.catalog import Toolkit
from integrations.models.connected_accounts import ConnectedAccount
from integrations.models.owned import OwnedModel
from integrations.models.same_owner import SameOwner
from integrations.models.status import ConsentStatus, ConsentStep
from orgs.models import Owner
from orgs.permissions import Actor
from orgs.status_words import StatusWord

REASON_LENGTH = 500


class ConsentRequest(OwnedModel):
    """One question to the admins, however many members ask it.

    `connected_account` empty: a new connection of the toolkit; else access to that one. As long as it is
    open or blocked there is no second one for the same target, which two constraints see to: who asks
    at the same moment joins.
    """

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    owner = models.ForeignKey(Owner, models.CASCADE, related_name="consent_requests")
    toolkit = models.ForeignKey(Toolkit, models.PROTECT, related_name="+")
    connected_account = models.ForeignKey(ConnectedAccount, models.CASCADE, null=True, blank=True, related_name="+")
    status = models.CharField(max_length=10, choices=ConsentStatus.choices, default=ConsentStatus.OPEN)
    created_at = models.DateTimeField()
    expires_at = models.DateTimeField()
    reminded_at = models.DateTimeField(null=True, blank=True)

    decided_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.SET_NULL, null=True, blank=True, related_name="+")
    decided_at = models.DateTimeField(null=True, blank=True)
    decision_reason = models.CharField(max_length=REASON_LENGTH, blank=True)
    was_own = models.BooleanField(default=False)  # decided by somebody who had asked, being the only one who could
    answered_with = models.ForeignKey(ConnectedAccount, models.SET_NULL, null=True, blank=True, related_name="+")
    granted_until = models.DateTimeField(null=True, blank=True)  # of access; empty: until somebody ends it

    class Meta(OwnedModel.Meta):
        indexes: ClassVar = [models.Index(fields=["status", "expires_at"], name="consent_by_status")]
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["owner", "toolkit"],
                condition=Q(connected_account__isnull=True, status__in=["open", "blocked"]),
                name="consent_new_connection_once",
            ),
            models.UniqueConstraint(
                fields=["owner", "connected_account"],
                condition=Q(connected_account__isnull=False, status__in=["open", "blocked"]),
                name="consent_access_once",
            ),
            models.CheckConstraint(
                condition=Q(status__in=[status.value for status in ConsentStatus]), name="consent_status_known"
            ),
            SameOwner(field="connected_account", name="consent_account_same_owner"),
            SameOwner(field="answered_with", name="consent_answer_same_owner"),
        ]

    def __str__(self) -> str:
        return self.text_id

    @property
    def text_id(self) -> str:
        return to_text("rq", self.id)

    @property
    def word(self) -> StatusWord:
        return ConsentStatus(self.status).word

    @property
    def is_open(self) -> bool:
        return self.status == ConsentStatus.OPEN

    @property
    def what(self) -> str:
        """What is asked for, as a title. Needs `toolkit` and `connected_account`."""
        if self.connected_account is None:
            return f"Connect {self.toolkit.name}"
        return f"Access to {self.connected_account.label}"


class ConsentRequesterQuerySet(models.QuerySet["ConsentRequester"]):
    def of(self, actor: Actor) -> Self:
        return self.filter(Q(user_id=actor.user_id))

    def asking(self) -> Self:
        """Without those who took their part back."""
        return self.filter(withdrawn_at=None)


class ConsentRequester(models.Model):
    """One member's part in a request. Each may withdraw their own; the last one ends it."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    request = models.ForeignKey(ConsentRequest, models.CASCADE, related_name="requesters")
    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="+")
    reason = models.CharField(max_length=REASON_LENGTH)
    tools: "models.JSONField[list[str], list[str]]" = models.JSONField(default=list)  # slugs of wanted tools
    asked_at = models.DateTimeField()
    withdrawn_at = models.DateTimeField(null=True, blank=True)

    objects = ConsentRequesterQuerySet.as_manager()

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["request", "user"], name="consent_requester_once"),
        ]

    def __str__(self) -> str:
        return f"{self.user_id} in {self.request_id}"


class ConsentEvent(models.Model):
    """One line of a request's timeline. Members cannot read the audit log; this they can."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    request = models.ForeignKey(ConsentRequest, models.CASCADE, related_name="events")
    step = models.CharField(max_length=12, choices=ConsentStep.choices)
    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.SET_NULL, null=True, blank=True, related_name="+")
    at = models.DateTimeField()
    reason = models.CharField(max_length=REASON_LENGTH, blank=True)

    objects: ClassVar[models.Manager["ConsentEvent"]] = models.Manager()

    def __str__(self) -> str:
        return f"{self.step} {self.request_id}"

    @property
    def label(self) -> str:
        return ConsentStep(self.step).label
