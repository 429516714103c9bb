"""Started, unfinished connections."""

from datetime import datetime
from typing import ClassVar

from django.conf import settings
from django.db import models

from accounts.ids import new_id, to_text
from integrations.models.auth_configs import AuthConfig
from integrations.models.connect_links import ConnectLink
from integrations.models.connected_accounts import ConnectedAccount
from integrations.models.encrypted import EncryptedJSONField
from integrations.models.owned import OwnedModel
from integrations.models.same_owner import SameOwner
from integrations.models.status import RequestStatus
from orgs.models import Owner


class ConnectionRequest(OwnedModel):
    """One OAuth flow, from our consent page to the callback.

    The state that travels through the browser is random and stored as a hash; the PKCE verifier is sealed. Only the
    very user who began it can finish it, in a browser session of theirs; an end user, who has no account here, only
    in the very browser that began it. It is consumed once, by a conditional UPDATE (checks O1-O5).
    """

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    owner = models.ForeignKey(Owner, models.CASCADE, related_name="connection_requests")
    auth_config = models.ForeignKey(AuthConfig, models.CASCADE, related_name="+")
    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, null=True, blank=True, related_name="+")
    browser_session_hash = models.CharField(max_length=64)
    reconnects = models.ForeignKey(ConnectedAccount, models.CASCADE, null=True, blank=True, related_name="+")
    state_hash = models.CharField(max_length=64, unique=True)
    code_verifier = EncryptedJSONField(null=True, blank=True)
    redirect_uri = models.CharField(max_length=300)
    scopes: "models.JSONField[list[str], list[str]]" = models.JSONField(default=list)
    return_path = models.CharField(max_length=300, blank=True)
    alias = models.CharField(max_length=80, blank=True)
    link = models.ForeignKey(ConnectLink, models.SET_NULL, null=True, blank=True, related_name="requests")

    consent_request = models.ForeignKey(  # what members asked for, and this flow is to answer
        "integrations.ConsentRequest", models.SET_NULL, null=True, blank=True, related_name="+"
    )

    preset = models.CharField(max_length=12, blank=True)  # the policies that the account begins with

    status = models.CharField(max_length=12, choices=RequestStatus.choices, default=RequestStatus.OPEN)
    error_code = models.CharField(max_length=60, blank=True)
    error_message = models.CharField(max_length=300, blank=True)
    connected_account = models.ForeignKey(ConnectedAccount, models.SET_NULL, null=True, blank=True, related_name="+")
    pending: "EncryptedJSONField" = EncryptedJSONField(null=True, blank=True)  # tokens and identity until confirmed

    created_at = models.DateTimeField()
    expires_at = models.DateTimeField()
    consumed_at = models.DateTimeField(null=True, blank=True)

    class Meta(OwnedModel.Meta):
        indexes: ClassVar = [models.Index(fields=["user", "status", "expires_at"], name="request_by_user")]
        constraints: ClassVar = [
            SameOwner(field="reconnects", name="request_reconnects_same_owner"),
            SameOwner(field="connected_account", name="request_account_same_owner"),
        ]

    def __str__(self) -> str:
        return self.text_id

    @property
    def text_id(self) -> str:
        return to_text("cr", self.id)

    def is_open(self, now: datetime) -> bool:
        return self.status == RequestStatus.OPEN and self.expires_at > now
