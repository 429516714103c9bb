"""The sandbox signs in anybody as anybody. It must never stand on a production site."""

from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage, Error

PRODUCTION = "production"


def sandbox_stays_out_of_production(**_kwargs: Any) -> list[CheckMessage]:
    if not settings.SANDBOX_ENABLED or settings.ENVIRONMENT != PRODUCTION:
        return []
    return [
        Error(
            "The sandbox is switched on in production. It lets anybody sign in as its pretend people.",
            hint="Remove SANDBOX_ENABLED from the environment.",
            id="sandbox.E001",
        )
    ]


def sandbox_has_a_client(**_kwargs: Any) -> list[CheckMessage]:
    if not settings.SANDBOX_ENABLED or (settings.SANDBOX_CLIENT_ID and settings.SANDBOX_CLIENT_SECRET):
        return []
    return [
        Error(
            "The sandbox is switched on, but SANDBOX_CLIENT_ID or SANDBOX_CLIENT_SECRET is empty.",
            hint="Set both to random values; `make run` does it by itself.",
            id="sandbox.E002",
        )
    ]
