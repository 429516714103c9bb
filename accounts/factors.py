"""Who has a second factor: an authenticator app, a passkey or a security key. Recovery codes alone are none."""

from typing import Final
from uuid import UUID

from allauth.mfa.models import Authenticator
from django.db.models import Exists, OuterRef

SECOND_FACTORS: Final = (Authenticator.Type.TOTP, Authenticator.Type.WEBAUTHN)


def has_second_factor(user: str) -> Exists:
    """The condition that a row's user has one; `user` names the column of the row that holds the user's ID."""
    return Exists(Authenticator.objects.filter(user_id=OuterRef(user), type__in=SECOND_FACTORS))


def user_has_second_factor(user_id: UUID) -> bool:
    return bool(Authenticator.objects.filter(user_id=user_id, type__in=SECOND_FACTORS).exists())
