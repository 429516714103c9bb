"""What the sandbox remembers. Codes and tokens are kept as hashes only."""

import uuid
from typing import Any

from authlib.oauth2.rfc6749 import AuthorizationCodeMixin, TokenMixin
from django.db import models
from django.utils import timezone


class AuthorizationCode(AuthorizationCodeMixin, models.Model):  # type: ignore[misc]  # Authlib has no types
    """Between the consent page and the token call; good once and for a minute."""

    code_hash = models.CharField(max_length=64, unique=True)
    grant_id = models.UUIDField(default=uuid.uuid4)  # ties a code to all tokens that came of it
    client_id = models.CharField(max_length=100)
    identity = models.CharField(max_length=20)
    redirect_uri = models.CharField(max_length=500)
    scope = models.CharField(max_length=200, blank=True)
    code_challenge = models.CharField(max_length=128)
    code_challenge_method = models.CharField(max_length=10)
    expires_at = models.DateTimeField()
    used_at = models.DateTimeField(null=True, blank=True)

    def __str__(self) -> str:
        return f"Code for {self.identity}"

    def get_redirect_uri(self) -> str:
        return self.redirect_uri

    def get_scope(self) -> str:
        return self.scope


class Token(TokenMixin, models.Model):  # type: ignore[misc]  # Authlib has no types
    """One access token with the refresh token that came with it."""

    access_hash = models.CharField(max_length=64, unique=True)
    refresh_hash = models.CharField(max_length=64, unique=True)
    grant_id = models.UUIDField(db_index=True)
    client_id = models.CharField(max_length=100)
    identity = models.CharField(max_length=20)
    scope = models.CharField(max_length=200, blank=True)
    created_at = models.DateTimeField(default=timezone.now)
    expires_at = models.DateTimeField()
    refreshed_at = models.DateTimeField(null=True, blank=True)  # set once: a refresh token is good for one use
    revoked_at = models.DateTimeField(null=True, blank=True)

    def __str__(self) -> str:
        return f"Token of {self.identity}"

    def check_client(self, client: Any) -> bool:
        return bool(self.client_id == client.get_client_id())

    def get_scope(self) -> str:
        return self.scope

    def get_expires_in(self) -> int:
        return max(int((self.expires_at - timezone.now()).total_seconds()), 0)

    def is_expired(self) -> bool:
        return self.expires_at <= timezone.now()

    def is_revoked(self) -> bool:
        return self.revoked_at is not None


class Message(models.Model):
    """One copy of a mail, in one mailbox."""

    class Folder(models.TextChoices):
        INBOX = "inbox", "Inbox"
        SENT = "sent", "Sent"

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    mailbox = models.CharField(max_length=20)  # an identity
    folder = models.CharField(max_length=10, choices=Folder.choices)
    sender = models.CharField(max_length=200)
    recipient = models.CharField(max_length=200)
    subject = models.CharField(max_length=200)
    body = models.TextField()
    sent_at = models.DateTimeField(default=timezone.now)

    class Meta:
        indexes = [models.Index(fields=["mailbox", "folder", "-sent_at"], name="sandbox_message_by_folder")]

    def __str__(self) -> str:
        return self.subject


class ChannelMessage(models.Model):
    """Something that was said in a channel."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    channel = models.CharField(max_length=20)
    author = models.CharField(max_length=20)  # an identity
    text = models.TextField()
    posted_at = models.DateTimeField(default=timezone.now)

    class Meta:
        indexes = [models.Index(fields=["channel", "-posted_at"], name="sandbox_channel_newest")]

    def __str__(self) -> str:
        return f"#{self.channel}: {self.text[:40]}"
