"""Tool sessions: what an agent works with."""

from typing import Any, ClassVar

from django.conf import settings
from django.db import models
from django.db.models import Q

from accounts.ids import new_id, to_text
from integrations.models.catalog import Toolkit
from integrations.models.connected_accounts import ConnectedAccount
from integrations.models.owned import OwnedModel
from integrations.models.status import SessionStatus
from orgs.models import ApiKey, Owner
from orgs.status_words import StatusWord

NAME_LENGTH = 80


class Origin(models.TextChoices):
    """The door that something came through."""

    DASHBOARD = "dashboard", "Dashboard"
    API = "api", "API"
    MCP = "mcp", "MCP"


class ToolSession(OwnedModel):
    """An owner, a set of toolkits and one connected account per toolkit. It grants nothing: the rule decides each run.

    `takes_all` means every toolkit of the catalogue but the excluded ones; else those of `choices` alone. A
    toolkit without an account in `choices` follows the owner's default account as it is at each run. `config`
    is what the API was given beyond that; it is kept and given back.
    """

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    owner = models.ForeignKey(Owner, models.PROTECT, related_name="tool_sessions")
    name = models.CharField(max_length=NAME_LENGTH)
    created_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.SET_NULL, null=True, blank=True, related_name="+")
    api_key = models.ForeignKey(ApiKey, models.SET_NULL, null=True, blank=True, related_name="+")
    origin = models.CharField(max_length=10, choices=Origin.choices)
    takes_all = models.BooleanField(default=False)
    config: "models.JSONField[dict[str, Any], dict[str, Any]]" = models.JSONField(default=dict)
    config_version = models.PositiveIntegerField(default=1)

    created_at = models.DateTimeField()
    changed_at = models.DateTimeField()
    last_used_at = models.DateTimeField(null=True, blank=True)
    ended_at = models.DateTimeField(null=True, blank=True)

    class Meta(OwnedModel.Meta):
        indexes: ClassVar = [
            models.Index(fields=["owner", "-id"], name="session_by_owner"),
            models.Index(fields=["created_by", "owner"], condition=Q(ended_at=None), name="session_live_by_user"),
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def text_id(self) -> str:
        return to_text("trs", self.id)

    @property
    def has_ended(self) -> bool:
        return self.ended_at is not None

    @property
    def word(self) -> StatusWord:
        return (SessionStatus.ENDED if self.has_ended else SessionStatus.ACTIVE).word


class SessionToolkit(models.Model):
    """What a tool session says about one toolkit: this account for good, the one in use then, or not at all."""

    session = models.ForeignKey(ToolSession, models.CASCADE, related_name="choices")
    toolkit = models.ForeignKey(Toolkit, models.PROTECT, related_name="+")
    connected_account = models.ForeignKey(
        ConnectedAccount, models.PROTECT, null=True, blank=True, related_name="session_pins"
    )
    is_excluded = models.BooleanField(default=False)

    objects: ClassVar[models.Manager["SessionToolkit"]] = models.Manager()

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["session", "toolkit"], name="session_one_choice_per_toolkit"),
            models.CheckConstraint(
                condition=Q(is_excluded=False) | Q(connected_account__isnull=True), name="session_excluded_has_no_pin"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.session_id}: {self.toolkit_id}"
