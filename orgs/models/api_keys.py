"""API keys: stored as a digest, shown once."""

from datetime import datetime, timedelta
from typing import ClassVar, Final

from django.conf import settings
from django.db import models
from django.db.models import Q

from accounts.ids import new_id, to_text
from orgs.models.applications import Application
from orgs.models.organizations import Organization
from orgs.models.owners import Owner
from orgs.status_words import StatusWord

NAME_LENGTH = 80
EXPIRES_SOON: Final = timedelta(days=7)
ACTIVE: Final = StatusWord("active", "Active", "success", "check-circle", "Works.")
EXPIRING: Final = StatusWord("expiring", "Expires soon", "warning", "clock", "Works for a few more days. Replace it.")
EXPIRED: Final = StatusWord("expired", "Expired", "neutral", "clock", "Its time is over. It opens nothing.")
REVOKED: Final = StatusWord("revoked", "Revoked", "neutral", "no-symbol", "Somebody revoked it. It opens nothing.")


class ApiKey(models.Model):
    """A bearer secret of a user or an organization.

    `organization` is set on a personal key that is bound to one organization, `application` on an organization's
    key that speaks for the end users of one of its applications. The secret itself is
    never stored: `digest` is its SHA-256, looked up by `public_id` (checks K1, K2). `replaces` is the key
    that this one was made to take over from. `kept_at` says when an admin last looked at a key of the
    organization whose maker is gone, and kept it (check K6).

    A key with `oauth_client` is what a person granted that program: it has no text of its own, short-lived
    secrets stand for it, and it opens nothing but the MCP address `audience` (RFC 8707).
    """

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    owner = models.ForeignKey(Owner, models.CASCADE, related_name="api_keys")
    organization = models.ForeignKey(Organization, models.CASCADE, null=True, blank=True, related_name="+")
    application = models.ForeignKey(Application, models.CASCADE, null=True, blank=True, related_name="api_keys")
    name = models.CharField(max_length=NAME_LENGTH)
    public_id = models.CharField(max_length=24, unique=True)
    digest = models.CharField(max_length=64)
    last_four = models.CharField(max_length=4)
    scopes = models.JSONField(default=list)
    created_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.SET_NULL, null=True, related_name="+")
    created_at = models.DateTimeField()
    expires_at = models.DateTimeField(null=True, blank=True)
    last_used_at = models.DateTimeField(null=True, blank=True)
    revoked_at = models.DateTimeField(null=True, blank=True)
    replaces = models.ForeignKey("self", models.SET_NULL, null=True, blank=True, related_name="replacements")
    warned_at = models.DateTimeField(null=True, blank=True)
    kept_at = models.DateTimeField(null=True, blank=True)
    oauth_client = models.ForeignKey(
        "orgs.OAuthClient", models.PROTECT, null=True, blank=True, related_name="granted_keys"
    )
    audience = models.CharField(max_length=80, blank=True)

    objects: ClassVar[models.Manager["ApiKey"]] = models.Manager()

    class Meta:
        constraints: ClassVar = [
            models.CheckConstraint(
                condition=Q(application__isnull=True) | Q(organization__isnull=True), name="api_key_bound_once"
            ),
            models.CheckConstraint(
                name="key_of_a_client_has_one_audience",
                condition=Q(oauth_client__isnull=True, audience="") | Q(oauth_client__isnull=False) & ~Q(audience=""),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.name} (…{self.last_four})" if self.last_four else self.name

    @property
    def text_id(self) -> str:
        return to_text("key", self.id)

    @property
    def prefix(self) -> str:
        """The part of its text that is no secret: what scanners report and people compare."""
        kind = "app" if self.application_id else "org" if self.owner.organization_id else "user"
        return f"sb_{kind}_{self.public_id}"

    def word_at(self, now: datetime) -> StatusWord:
        if self.revoked_at is not None:
            return REVOKED
        if not self.is_live(now):
            return EXPIRED
        return EXPIRING if self.expires_at and self.expires_at <= now + EXPIRES_SOON else ACTIVE

    def is_live(self, now: datetime) -> bool:
        return self.revoked_at is None and (self.expires_at is None or self.expires_at > now)
