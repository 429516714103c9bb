"""The end of an organization, of a user's account here, or of end users: announced, carried out in steps, reported."""

from typing import ClassVar, Final, Self
from uuid import UUID

from django.conf import settings
from django.db import models
from django.db.models import Q

from accounts.ids import new_id, to_text
from orgs.models.organizations import NAME_LENGTH
from orgs.models.owners import EndUsersOf, Holder
from orgs.permissions import OwnerKind, OwnerRef
from orgs.status_words import StatusWord, word_table


class DeletionKind(models.TextChoices):
    """What goes: what one owner holds, or what all end users of an application hold."""

    USER = "user", "User"
    ORGANIZATION = "organization", "Organization"
    END_USER = "end_user", "End user"
    APPLICATION = "application", "All end users of an application"


class DeletionStatus(models.TextChoices):
    """How far it has come."""

    COUNTING = "counting", "Announced"
    RUNNING = "running", "Under way"
    STOPPED = "stopped", "Stopped"
    DONE = "done", "Deleted"

    @property
    def word(self) -> StatusWord:
        return DELETION_WORDS[self]


DELETION_WORDS: Final = word_table(
    DeletionStatus,
    [
        ("counting", "warning", "clock", "It will be deleted when the time is over. Until then an owner can stop it."),
        ("running", "info", "arrow-path", "Nobody gets in any more. The rest is done step by step."),
        ("stopped", "neutral", "stop-circle", "An owner stopped it. Nothing was deleted."),
        ("done", "neutral", "trash", "Everything is gone but the audit log and this report."),
    ],
)
GOING_ON: Final = [DeletionStatus.COUNTING.value, DeletionStatus.RUNNING.value]


class RevocationOutcome(models.TextChoices):
    """What the provider said when it was told that the access is over."""

    WAITING = "waiting", "Not asked yet"
    CONFIRMED = "confirmed", "Confirmed"
    UNCONFIRMED = "unconfirmed", "Not confirmed"

    @property
    def word(self) -> StatusWord:
        return REVOCATION_WORDS[self]


REVOCATION_WORDS: Final = word_table(
    RevocationOutcome,
    [
        ("waiting", "info", "clock", "The provider will be told."),
        ("confirmed", "success", "check-circle", "The provider confirmed that the access is withdrawn."),
        ("unconfirmed", "warning", "exclamation-triangle", "Look at the provider yourself: the access may still work."),
    ],
)


class DeletionQuerySet(models.QuerySet["Deletion"]):
    def of_owner(self, owner: OwnerRef) -> Self:
        return self.filter(kind=owner.kind.value, owner_uuid=owner.id)

    def going_on(self) -> Self:
        return self.filter(status__in=GOING_ON)

    def counting(self) -> Self:
        return self.filter(status=DeletionStatus.COUNTING)


class Deletion(models.Model):
    """It names what it deletes by value, because it outlives it.

    `owner_uuid` is the owner's, or the application's whose end users all go; `organization_uuid` is the application's
    organization. What the application calls its end users is not kept. `readers` may read the report.
    """

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    kind = models.CharField(max_length=12, choices=DeletionKind.choices)
    owner_uuid = models.UUIDField()
    label = models.CharField(max_length=120)
    slug = models.CharField(max_length=48, blank=True)
    organization_uuid: "models.UUIDField[UUID | None, UUID | None]" = models.UUIDField(null=True, blank=True)
    status = models.CharField(max_length=10, choices=DeletionStatus.choices, default=DeletionStatus.COUNTING)
    asked_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.SET_NULL, null=True, related_name="+")
    asked_by_label = models.CharField(max_length=120)
    asked_at = models.DateTimeField()
    due_at = models.DateTimeField()
    reminded_at = models.DateTimeField(null=True, blank=True)  # its owners, shortly before
    stopped_at = models.DateTimeField(null=True, blank=True)
    stopped_by_label = models.CharField(max_length=120, blank=True)
    started_at = models.DateTimeField(null=True, blank=True)
    finished_at = models.DateTimeField(null=True, blank=True)
    mail_to = models.EmailField(blank=True)  # of a user who has left: where the report goes, until it has gone

    readers: "models.ManyToManyField[models.Model, models.Model]" = models.ManyToManyField(
        settings.AUTH_USER_MODEL, related_name="deletion_reports"
    )

    objects = DeletionQuerySet.as_manager()

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["kind", "owner_uuid"], condition=Q(status__in=GOING_ON), name="deletion_once_at_a_time"
            ),
            models.CheckConstraint(condition=Q(kind__in=DeletionKind.values), name="deletion_kind_known"),
            models.CheckConstraint(
                condition=Q(status__in=[status.value for status in DeletionStatus]), name="deletion_status_known"
            ),
        ]
        indexes: ClassVar = [models.Index(fields=["due_at"], condition=Q(status__in=GOING_ON), name="deletion_due")]

    def __str__(self) -> str:
        return f"{self.label}: {self.status}"

    @property
    def text_id(self) -> str:
        return to_text("del", self.id)

    @property
    def subject_id(self) -> str:
        """The ID of what goes, as it stands in the log and the report."""
        return to_text("app", self.owner_uuid) if self._is_of_application else self.ref.text_id

    @property
    def holder(self) -> Holder:
        """Whose things go."""
        return EndUsersOf(self.owner_uuid) if self._is_of_application else self.ref

    @property
    def log_owner(self) -> OwnerRef:
        """In whose log it stands: of an application's end users in that of the organization."""
        if self._is_of_application and self.organization_uuid is not None:
            return OwnerRef(OwnerKind.ORGANIZATION, self.organization_uuid)
        return self.ref

    @property
    def _is_of_application(self) -> bool:
        return self.kind == DeletionKind.APPLICATION

    @property
    def ref(self) -> OwnerRef:
        """The owner that goes; ValueError for an application, whose end users are many."""
        return OwnerRef(
            OwnerKind(self.kind),
            self.owner_uuid,
            self.label[:NAME_LENGTH],
            self.slug,
            organization_id=self.organization_uuid,
        )

    @property
    def word(self) -> StatusWord:
        return DeletionStatus(self.status).word


class RevokedAccount(models.Model):
    """One line of the report: a connected account, and what its provider said. The row is the step's lease too."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    deletion = models.ForeignKey(Deletion, models.CASCADE, related_name="accounts")
    account_id: "models.UUIDField[UUID, UUID]" = models.UUIDField()
    toolkit = models.CharField(max_length=80)
    website = models.CharField(max_length=200, blank=True)
    label = models.CharField(max_length=255)
    outcome = models.CharField(max_length=12, choices=RevocationOutcome.choices, default=RevocationOutcome.WAITING)
    detail = models.CharField(max_length=300, blank=True)
    tries = models.PositiveSmallIntegerField(default=0)
    lease_until = models.DateTimeField(null=True, blank=True)
    answered_at = models.DateTimeField(null=True, blank=True)

    objects: ClassVar[models.Manager["RevokedAccount"]] = models.Manager()

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["deletion", "account_id"], name="revoked_account_once"),
        ]

    def __str__(self) -> str:
        return f"{self.toolkit} {self.label}: {self.outcome}"

    @property
    def word(self) -> StatusWord:
        return RevocationOutcome(self.outcome).word
