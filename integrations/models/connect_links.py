"""Links that a program hands to a person, so that the person connects an account."""

import hashlib
from datetime import datetime
from typing import ClassVar
from urllib.parse import urlsplit

from django.conf import settings
from django.db import models

from accounts.ids import new_id, to_text
from integrations.models.auth_configs import AuthConfig
from integrations.models.connected_accounts import ConnectedAccount
from integrations.models.owned import OwnedModel
from integrations.models.status import RequestStatus
from orgs.callback_urls import CALLBACK_LENGTH
from orgs.models import ApiKey, Owner


def hash_of(token: str) -> str:
    """The token is random and long, so a plain hash hides it."""
    return hashlib.sha256(token.encode("utf-8", "replace")).hexdigest()


class ConnectLink(OwnedModel):
    """One link to our consent page, for exactly one person, one owner and one auth config.

    An end user's link has no `user`, who could sign in here: it belongs to the browser that first agreed to it, which
    `browser_hash` remembers. Its ID becomes that of the connected account, so that a program can wait for the account
    before there is one. The token in the address is random and stored as a hash.
    """

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    owner = models.ForeignKey(Owner, models.CASCADE, related_name="connect_links")
    auth_config = models.ForeignKey(AuthConfig, models.CASCADE, related_name="+")
    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, null=True, blank=True, related_name="+")
    browser_hash = models.CharField(max_length=64, blank=True)
    api_key = models.ForeignKey(ApiKey, models.SET_NULL, null=True, blank=True, related_name="+")
    token_hash = models.CharField(max_length=64, unique=True)
    alias = models.CharField(max_length=80, blank=True)
    callback_url = models.CharField(max_length=CALLBACK_LENGTH, blank=True)
    reconnects = models.ForeignKey(ConnectedAccount, models.CASCADE, null=True, blank=True, related_name="+")

    status = models.CharField(max_length=12, choices=RequestStatus.choices, default=RequestStatus.OPEN)
    reason = models.CharField(max_length=300, blank=True)
    connected_account = models.ForeignKey(ConnectedAccount, models.CASCADE, null=True, blank=True, related_name="+")
    created_at = models.DateTimeField()
    expires_at = models.DateTimeField()
    finished_at = models.DateTimeField(null=True, blank=True)

    class Meta(OwnedModel.Meta):
        indexes: ClassVar = [models.Index(fields=["user", "status", "expires_at"], name="link_by_user")]
        constraints: ClassVar = [
            models.CheckConstraint(
                condition=models.Q(user__isnull=False, browser_hash="") | models.Q(user__isnull=True),
                name="link_of_a_person_or_a_browser",
            ),
        ]

    def __str__(self) -> str:
        return self.text_id

    @property
    def text_id(self) -> str:
        """The ID that the account is going to have."""
        return to_text("ca", self.id)

    @property
    def callback_host(self) -> str:
        return urlsplit(self.callback_url).netloc

    def is_open(self, now: datetime) -> bool:
        return self.status == RequestStatus.OPEN and self.expires_at > now
