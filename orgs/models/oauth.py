"""Programs that people let act for them over OAuth: MCP clients, and the secrets that they were given."""

from typing import ClassVar

from django.db import models

from accounts.ids import new_id
from orgs.models.api_keys import NAME_LENGTH, ApiKey


class OAuthClient(models.Model):
    """A program that registered itself (RFC 7591). It is a public client: it has no secret, and opens nothing.

    What a person grants it is a key of theirs, `ApiKey.oauth_client`.
    """

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    client_id = models.CharField(max_length=40, unique=True)
    name = models.CharField(max_length=NAME_LENGTH)
    redirect_uris: "models.JSONField[list[str], list[str]]" = models.JSONField(default=list)
    created_at = models.DateTimeField()

    objects: ClassVar[models.Manager["OAuthClient"]] = models.Manager()

    def __str__(self) -> str:
        return self.name


class SecretKind(models.TextChoices):
    """What a secret is good for."""

    CODE = "code", "Authorization code"
    ACCESS = "access", "Access token"
    REFRESH = "refresh", "Refresh token"


class OAuthSecret(models.Model):
    """One secret of a granted key; stored as a digest. `spent_at`: codes and refresh tokens are good once.

    A spent one is kept until its time is over, so that it is known when it comes back (RFC 9700 section 4.14).
    `redirect_uri` and `challenge` (RFC 7636) are set on codes alone.
    """

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    key = models.ForeignKey(ApiKey, models.CASCADE, related_name="oauth_secrets")
    kind = models.CharField(max_length=8, choices=SecretKind.choices)
    digest = models.CharField(max_length=64, unique=True)
    redirect_uri = models.TextField(blank=True)
    challenge = models.CharField(max_length=128, blank=True)
    created_at = models.DateTimeField()
    expires_at = models.DateTimeField(db_index=True)
    spent_at = models.DateTimeField(null=True, blank=True)

    objects: ClassVar[models.Manager["OAuthSecret"]] = models.Manager()

    def __str__(self) -> str:
        return f"{self.kind} of {self.key_id}"
