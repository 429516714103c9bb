"""Support's access to an organization: given by an owner of it, for hours, to look."""

from datetime import datetime
from typing import ClassVar, Self

from django.conf import settings
from django.db import models
from django.db.models import F, Q

from accounts.ids import new_id, to_text
from orgs.models.organizations import Organization
from orgs.status_words import StatusWord

REASON_LENGTH = 200
RUNNING = StatusWord("running", "Running", "warning", "eye", "Support may look at this organization.")
OVER = StatusWord("over", "Over", "neutral", "clock", "Its time is over. Support sees nothing any more.")
ENDED = StatusWord("ended", "Ended", "neutral", "stop-circle", "Ended before its time. Support sees nothing any more.")


class SupportGrantQuerySet(models.QuerySet["SupportGrant"]):
    def of_organization(self, organization_id: object) -> Self:
        return self.filter(organization_id=organization_id)

    def running(self, now: datetime) -> Self:
        return self.filter(ended_at=None, until__gt=now)

    def for_person(self, user_id: object) -> Self:
        """Those that name this member of the support team, or the team."""
        return self.filter(Q(person=None) | Q(person_id=user_id))


class SupportGrant(models.Model):
    """Support may look at an organization until then. `person` empty: everybody of the support team."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    organization = models.ForeignKey(Organization, models.CASCADE, related_name="support_grants")
    person = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, null=True, blank=True, related_name="+")
    reason = models.CharField(max_length=REASON_LENGTH)
    given_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.SET_NULL, null=True, related_name="+")
    given_at = models.DateTimeField()
    until = models.DateTimeField()
    ended_at = models.DateTimeField(null=True, blank=True)
    ended_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.SET_NULL, null=True, blank=True, related_name="+")

    objects = SupportGrantQuerySet.as_manager()

    class Meta:
        indexes: ClassVar = [models.Index(fields=["organization", "-until"], name="support_grant_running")]
        constraints: ClassVar = [
            models.CheckConstraint(condition=Q(until__gt=F("given_at")), name="support_grant_ends_later"),
        ]

    def __str__(self) -> str:
        return self.text_id

    @property
    def text_id(self) -> str:
        return to_text("sup", self.id)

    @property
    def who(self) -> str:
        """Needs `person`."""
        return self.person.display_name if self.person else "the support team"

    def is_running(self, now: datetime) -> bool:
        return self.ended_at is None and self.until > now

    def word_at(self, now: datetime) -> StatusWord:
        if self.ended_at is not None:
            return ENDED
        return RUNNING if self.until > now else OVER
