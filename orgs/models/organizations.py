"""Organizations and who belongs to them."""

from datetime import datetime
from typing import ClassVar, Self
from uuid import UUID

from django.conf import settings
from django.core.validators import RegexValidator
from django.db import models

from accounts.factors import has_second_factor
from accounts.ids import new_id, to_text
from orgs.permissions import ROLE_LABELS, OwnerKind, OwnerRef, Role
from orgs.status_words import StatusWord, word_table

NAME_LENGTH = 80
# Names that would collide with a page or read like one.
RESERVED_SLUGS = frozenset({"new", "me", "admin", "api", "default", "settings", "static", "join", "accounts"})
validate_slug_shape = RegexValidator(
    r"^[a-z0-9](?:[a-z0-9-]{0,46}[a-z0-9])?$",
    "Use 1 to 48 lower-case letters, digits and hyphens, and begin and end with a letter or digit.",
)


class Organization(models.Model):
    """A tenant: users who share accounts. `slug` is its address, `owner` its ID container."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    name = models.CharField(max_length=NAME_LENGTH)
    slug = models.CharField(max_length=48, unique=True, validators=[validate_slug_shape])
    requires_factor = models.BooleanField(default=False)  # members without a second factor can do nothing here
    members_may_invite = models.BooleanField(default=False)
    retention_days = models.PositiveSmallIntegerField(null=True, blank=True)  # empty: as long as the installation does
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)

    objects: ClassVar[models.Manager["Organization"]] = models.Manager()

    def __str__(self) -> str:
        return self.name

    @property
    def ref(self) -> OwnerRef:
        return OwnerRef(OwnerKind.ORGANIZATION, self.id, self.name, self.slug)


class MemberStatus(models.TextChoices):
    """Where a member stands. Invitations are a table of their own."""

    ACTIVE = "active", "Active"
    SUSPENDED = "suspended", "Suspended"
    LEFT = "left", "Left"

    @property
    def word(self) -> StatusWord:
        return MEMBER_WORDS[self]


MEMBER_WORDS = word_table(
    MemberStatus,
    [
        ("active", "success", "check-circle", "May do what the role allows."),
        ("suspended", "warning", "pause-circle", "May do nothing here until an admin lifts the suspension."),
        ("left", "neutral", "arrow-right-start-on-rectangle", "No longer belongs to the organization."),
    ],
)


class MembershipQuerySet(models.QuerySet["Membership"]):
    def active(self) -> Self:
        return self.filter(status=MemberStatus.ACTIVE, user__is_active=True)

    def of_user(self, user_id: UUID) -> Self:
        return self.filter(user_id=user_id)

    def of_organization(self, organization_id: UUID) -> Self:
        return self.filter(organization_id=organization_id)

    def with_factor(self) -> Self:
        """With `has_factor`: whether the user has a second factor."""
        return self.annotate(has_factor=has_second_factor("user_id"))

    def let_in(self) -> Self:
        """Without those whom the organization shuts out for want of a second factor."""
        return self.filter(models.Q(organization__requires_factor=False) | has_second_factor("user_id"))

    def without_factor(self) -> Self:
        return self.filter(~has_second_factor("user_id"))


class Membership(models.Model):
    """A user's place in an organization."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    organization = models.ForeignKey(Organization, models.CASCADE, related_name="memberships")
    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="memberships")
    role = models.CharField(max_length=10, choices=[(role.value, label) for role, label in ROLE_LABELS.items()])
    status = models.CharField(max_length=10, choices=MemberStatus.choices, default=MemberStatus.ACTIVE)
    joined_at = models.DateTimeField()
    updated_at = models.DateTimeField(auto_now=True)
    last_seen: datetime | None = None  # no column: the list of members fills it in

    objects = MembershipQuerySet.as_manager()

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["organization", "user"], name="membership_once"),
            models.CheckConstraint(
                condition=models.Q(role__in=[role.value for role in Role]), name="membership_role_known"
            ),
            models.CheckConstraint(
                condition=models.Q(status__in=[status.value for status in MemberStatus]), name="membership_status_known"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.user_id} in {self.organization_id}: {self.role}"

    @property
    def text_id(self) -> str:
        return to_text("mem", self.id)

    @property
    def word(self) -> StatusWord:
        return MemberStatus(self.status).word
