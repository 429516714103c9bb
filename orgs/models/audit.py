"""The audit log: what happened to whose things, and the chain that shows when somebody has tampered with it.

An event is written by one INSERT in the transaction of what it tells about. Its place in the chain is given
to it by the next sweep: no action waits for a lock that the whole organization would share.
"""

from typing import Any, ClassVar

from django.db import models
from django.db.models import Q

from accounts.ids import new_id
from orgs.audit import ACTION_LABELS, LABEL_LENGTH, NO_HASH, AuditAction, AuditActor, AuditResult, event_text_id
from orgs.models.append_only import AppendOnly, AppendOnlyModel, AppendOnlyQuerySet
from orgs.permissions import OwnerRef
from orgs.status_words import StatusWord, word_table

ID_LENGTH = 40
RESULT_WORDS = word_table(
    AuditResult,
    [
        ("done", "success", "check-circle", "It happened."),
        ("denied", "error", "no-symbol", "The rules refused it, and nothing happened."),
        ("failed", "warning", "exclamation-triangle", "It was allowed and did not work."),
    ],
)


class AuditEventQuerySet(AppendOnlyQuerySet):
    def of_owner(self, owner: OwnerRef) -> "AuditEventQuerySet":
        return self.filter(owner_id=owner.text_id)

    def of_installation(self) -> "AuditEventQuerySet":
        return self.filter(owner_id="")


class AuditEvent(AppendOnlyModel):
    """One thing that somebody did, or was refused.

    It names owner and actor as values, without foreign keys: the log outlives both. `owner_id` is
    `user_…` or `org_…`; it is empty for what concerns the installation as a whole.
    """

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    owner_id = models.CharField(max_length=ID_LENGTH, blank=True)
    at = models.DateTimeField()
    action = models.CharField(max_length=40)  # an AuditAction; no list in the database, which grows with every feature
    actor_kind = models.CharField(max_length=10, choices=[(one.value, one.value) for one in AuditActor])
    actor_id = models.CharField(max_length=ID_LENGTH, blank=True)
    actor_label = models.CharField(max_length=LABEL_LENGTH, blank=True)
    acting_as = models.CharField(max_length=ID_LENGTH, blank=True)
    target_kind = models.CharField(max_length=40, blank=True)
    target_id = models.CharField(max_length=80, blank=True)
    target_label = models.CharField(max_length=LABEL_LENGTH, blank=True)
    result = models.CharField(max_length=10, choices=AuditResult.choices)
    code = models.CharField(max_length=80, blank=True)
    request_id = models.CharField(max_length=64, blank=True)
    details = models.JSONField(default=dict)

    objects: ClassVar[Any] = AuditEventQuerySet.as_manager()

    class Meta:
        constraints: ClassVar = [
            AppendOnly(name="audit_event_only_grows"),
            models.CheckConstraint(condition=Q(result__in=AuditResult.values), name="audit_result_known"),
        ]
        indexes: ClassVar = [
            models.Index(fields=["owner_id", "-id"], name="audit_by_owner"),
            models.Index(fields=["actor_id", "result", "at"], name="audit_by_actor"),
            models.Index(fields=["owner_id", "target_id", "-id"], name="audit_by_target"),
        ]

    def __str__(self) -> str:
        return f"{self.action} {self.result}"

    @property
    def text_id(self) -> str:
        return event_text_id(self.id)

    @property
    def label(self) -> str:
        return ACTION_LABELS[AuditAction(self.action)]

    @property
    def word(self) -> StatusWord:
        return RESULT_WORDS[AuditResult(self.result)]

    @property
    def facts(self) -> dict[str, Any]:
        """Everything that it says, as it is hashed and exported. Times are UTC."""
        return {
            "id": self.text_id,
            "at": self.at.isoformat(timespec="microseconds"),
            "owner": self.owner_id,
            "action": self.action,
            "actor": {"kind": self.actor_kind, "id": self.actor_id, "label": self.actor_label},
            "acting_as": self.acting_as,
            "target": {"kind": self.target_kind, "id": self.target_id, "label": self.target_label},
            "result": self.result,
            "code": self.code,
            "request_id": self.request_id,
            "details": self.details,
        }


class AuditLink(AppendOnlyModel):
    """An event's place in its owner's chain. It stays when somebody removes the event, and so tells of it."""

    event_id = models.UUIDField(primary_key=True)
    owner_id = models.CharField(max_length=ID_LENGTH, blank=True)
    number = models.PositiveBigIntegerField()
    hash = models.CharField(max_length=64)

    class Meta:
        constraints: ClassVar = [
            AppendOnly(name="audit_link_only_grows"),
            models.UniqueConstraint(fields=["owner_id", "number"], name="audit_link_once"),
        ]

    def __str__(self) -> str:
        return f"{self.owner_id} {self.number}"


class AuditChain(models.Model):
    """The end of an owner's chain: how long it is, and its last hash. Its row is the lock of the chain."""

    owner_id = models.CharField(primary_key=True, max_length=ID_LENGTH, blank=True)
    length = models.PositiveBigIntegerField(default=0)
    hash = models.CharField(max_length=64, default=NO_HASH)

    objects: ClassVar[models.Manager["AuditChain"]] = models.Manager()

    def __str__(self) -> str:
        return f"{self.owner_id} {self.length}"
