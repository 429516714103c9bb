"""How an owner's accounts authenticate to a toolkit."""

from typing import Any, ClassVar, Final

from django.db import models

from accounts.ids import new_id, to_text
from integrations.engine.types import AuthScheme
from integrations.models.catalog import Toolkit
from integrations.models.encrypted import EncryptedJSONField
from integrations.models.owned import OwnedModel
from orgs.models import Owner
from orgs.status_words import StatusWord

NAME_LENGTH: Final = 80
CLIENT_ID_LENGTH: Final = 255
ENABLED: Final = StatusWord("enabled", "Enabled", "success", "check-circle", "Accounts can be connected with it.")
DISABLED: Final = StatusWord(
    "disabled", "Disabled", "neutral", "no-symbol", "Nobody connects with it. What is connected goes on working."
)


class AuthConfig(OwnedModel):
    """Scheme, client and scopes for one toolkit.

    The one thing that may have no owner: without one it is the installation's own, which the operator
    switches on per toolkit. An organization's own OAuth app wins over it.
    """

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    owner = models.ForeignKey(Owner, models.CASCADE, null=True, blank=True, related_name="auth_configs")
    toolkit = models.ForeignKey(Toolkit, models.PROTECT, related_name="auth_configs")
    scheme = models.CharField(max_length=12, choices=[(scheme.value, scheme.value) for scheme in AuthScheme])
    name = models.CharField(max_length=NAME_LENGTH)
    client_id = models.CharField(max_length=CLIENT_ID_LENGTH, blank=True)
    client_secret = EncryptedJSONField(null=True, blank=True)
    scopes: "models.JSONField[list[str], list[str]]" = models.JSONField(
        default=list, blank=True
    )  # empty: what the toolkit's tools need
    overrides: "models.JSONField[dict[str, Any], dict[str, Any]]" = models.JSONField(default=dict, blank=True)
    is_enabled = models.BooleanField(default=True)
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)
    deleted_at = models.DateTimeField(null=True, blank=True)  # the row stays: disconnected accounts refer to it

    class Meta(OwnedModel.Meta):
        constraints: ClassVar = [
            # two of them, because SQLite has no NULLS NOT DISTINCT
            models.UniqueConstraint(
                fields=["owner", "toolkit", "name"],
                condition=models.Q(owner__isnull=False, deleted_at__isnull=True),
                name="auth_config_name_once_per_owner",
            ),
            models.UniqueConstraint(
                fields=["toolkit", "name"],
                condition=models.Q(owner__isnull=True),
                name="auth_config_name_once_for_all",
            ),
            models.CheckConstraint(
                condition=models.Q(deleted_at__isnull=True)
                | models.Q(owner__isnull=False, is_enabled=False, client_secret__isnull=True),
                name="auth_config_deleted_is_empty",
            ),
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def text_id(self) -> str:
        return to_text("ac", self.id)

    @property
    def word(self) -> StatusWord:
        return ENABLED if self.is_enabled else DISABLED
