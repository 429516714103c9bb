"""Invitations: an address, a role, a link that works once."""

from datetime import datetime
from typing import ClassVar, Final, Self
from uuid import UUID

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.db.models.functions import Lower

from accounts.ids import new_id, to_text
from orgs.models.organizations import Organization
from orgs.permissions import ROLE_LABELS, Role
from orgs.status_words import StatusWord

INVITED: Final = StatusWord("invited", "Invited", "info", "envelope", "Has a link by e-mail that was not used yet.")
EXPIRED: Final = StatusWord("expired", "Expired", "warning", "clock", "The link has expired. Send a new one.")
UNSENT: Final = StatusWord(
    "unsent", "Not sent", "error", "exclamation-triangle", "The e-mail could not be sent. Send it again."
)


class InvitationQuerySet(models.QuerySet["Invitation"]):
    def of_organization(self, organization_id: UUID) -> Self:
        return self.filter(organization_id=organization_id)

    def pending(self) -> Self:
        """Neither used nor withdrawn; perhaps expired, which sending again repairs."""
        return self.filter(accepted_at=None, revoked_at=None)

    def usable(self, now: datetime) -> Self:
        return self.pending().filter(expires_at__gt=now)


class Invitation(models.Model):
    """Somebody with this address may become a member. The link's token is stored as `digest` alone (check T17)."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    organization = models.ForeignKey(Organization, models.CASCADE, related_name="invitations")
    email = models.EmailField()
    role = models.CharField(max_length=10, choices=[(role.value, label) for role, label in ROLE_LABELS.items()])
    digest = models.CharField(max_length=64, unique=True)
    invited_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.SET_NULL, null=True, related_name="+")
    created_at = models.DateTimeField()
    expires_at = models.DateTimeField()
    sent_at = models.DateTimeField(null=True, blank=True)  # empty: the e-mail did not get out
    accepted_at = models.DateTimeField(null=True, blank=True)
    accepted_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.SET_NULL, null=True, blank=True, related_name="+")
    revoked_at = models.DateTimeField(null=True, blank=True)

    objects = InvitationQuerySet.as_manager()

    class Meta:
        indexes: ClassVar = [models.Index(fields=["invited_by", "created_at"], name="invitation_by_and_when")]
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["organization", "email"],
                condition=Q(accepted_at=None, revoked_at=None),
                name="invitation_pending_once",
            ),
            models.CheckConstraint(condition=Q(email=Lower("email")), name="invitation_email_lower_case"),
            models.CheckConstraint(condition=Q(role__in=[role.value for role in Role]), name="invitation_role_known"),
        ]

    def __str__(self) -> str:
        return f"{self.text_id}: {self.role}"

    @property
    def text_id(self) -> str:
        return to_text("inv", self.id)

    def word_at(self, now: datetime) -> StatusWord:
        """How a pending invitation stands."""
        if self.sent_at is None:
            return UNSENT
        return INVITED if self.expires_at > now else EXPIRED
