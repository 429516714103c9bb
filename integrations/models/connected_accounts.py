"""Finished connections."""

from typing import ClassVar

from django.conf import settings
from django.db import models
from django.db.models import Q

from accounts.ids import new_id, to_text
from integrations.models.auth_configs import AuthConfig
from integrations.models.catalog import Toolkit
from integrations.models.encrypted import EncryptedJSONField
from integrations.models.owned import OwnedModel
from integrations.models.status import ConnectionStatus
from orgs.models import Owner
from orgs.permissions import AccountFacts, AccountState
from orgs.status_words import StatusWord

NAME_LENGTH = 80


def as_name(text: str) -> str:
    """A name of one's own for an account, as it is stored."""
    return text.strip()[:NAME_LENGTH]


class ConnectedAccount(OwnedModel):
    """An account at an outside service, connected under exactly one owner, for good.

    `base_url` is where its credentials may travel: fixed when it was connected, so that a changed
    auth config cannot send old tokens to a new host (check E12). `connected_at` is the moment of the
    last consent; a token refresh does not move it (check H6).
    """

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    owner = models.ForeignKey(Owner, models.PROTECT, related_name="connected_accounts")
    toolkit = models.ForeignKey(Toolkit, models.PROTECT, related_name="connected_accounts")
    auth_config = models.ForeignKey(AuthConfig, models.PROTECT, related_name="connected_accounts")
    scheme = models.CharField(max_length=12)
    status = models.CharField(max_length=16, choices=ConnectionStatus.choices, default=ConnectionStatus.ACTIVE)
    status_reason = models.CharField(max_length=300, blank=True)
    is_default = models.BooleanField(default=False)
    alias = models.CharField(max_length=NAME_LENGTH, blank=True)

    identity_key = models.CharField(max_length=255, blank=True)  # the provider's stable ID
    identity_label = models.CharField(max_length=255, blank=True)  # what people know it by: login, address, workspace
    identity_email = models.CharField(max_length=255, blank=True)

    base_url = models.CharField(max_length=300)
    credentials = EncryptedJSONField(null=True, blank=True)
    scopes: "models.JSONField[list[str] | None, list[str] | None]" = models.JSONField(null=True, blank=True)
    expires_at = models.DateTimeField(null=True, blank=True)
    token_version = models.PositiveIntegerField(default=0)
    refresh_lease = models.UUIDField(null=True, blank=True)
    refresh_lease_until = models.DateTimeField(null=True, blank=True)
    refresh_failing_since = models.DateTimeField(null=True, blank=True)

    connected_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.SET_NULL, null=True, related_name="+")
    connected_at = models.DateTimeField()
    # Whoever granted it has left: the one who should consent anew, and since when that is open.
    successor = models.ForeignKey(settings.AUTH_USER_MODEL, models.SET_NULL, null=True, blank=True, related_name="+")
    handed_over_at = models.DateTimeField(null=True, blank=True)
    last_used_at = models.DateTimeField(null=True, blank=True)
    disconnected_at = models.DateTimeField(null=True, blank=True)
    updated_at = models.DateTimeField(auto_now=True)

    class Meta(OwnedModel.Meta):
        indexes: ClassVar = [
            models.Index(fields=["owner", "toolkit", "-connected_at"], name="account_by_owner_toolkit"),
        ]
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["owner", "toolkit"], condition=Q(is_default=True), name="account_one_default_per_toolkit"
            ),
            models.CheckConstraint(
                condition=Q(status__in=[status.value for status in ConnectionStatus]), name="account_status_known"
            ),
            models.CheckConstraint(
                condition=~Q(status=ConnectionStatus.REVOKED.value) | Q(credentials__isnull=True, is_default=False),
                name="account_revoked_has_no_credentials",
            ),
        ]

    def __str__(self) -> str:
        return self.label

    @property
    def text_id(self) -> str:
        return to_text("ca", self.id)

    @property
    def label(self) -> str:
        """What people call it: their own name for it, else the identity that the provider reports."""
        return self.alias or self.identity_label or self.text_id

    @property
    def handover(self) -> str:
        """Who should consent anew; empty when nobody has to. Needs `connected_by` and `successor`."""
        if self.handed_over_at is None:
            return ""
        before = self.connected_by.display_name if self.connected_by else "somebody"
        after = self.successor.display_name if self.successor else "an admin"
        return f"Granted by {before}, who left; {after} should consent anew."

    @property
    def word(self) -> StatusWord:
        return ConnectionStatus(self.status).word

    @property
    def facts(self) -> AccountFacts:
        """The account as the rule sees it. Needs `owner` with user and organization, and `toolkit`."""
        return AccountFacts(
            id=self.id,
            owner=self.owner.ref,
            toolkit=self.toolkit.slug,
            state=AccountState(self.status),
            connected_at=self.connected_at,
            is_default=self.is_default,
            label=self.label,
            scopes=None if self.scopes is None else frozenset(self.scopes),
        )
