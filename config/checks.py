"""What `manage.py check --deploy` says about an installation beyond Django's own list."""

from collections.abc import Callable
from ipaddress import ip_address
from typing import Any, Final
from urllib.parse import urlsplit

from django.conf import settings
from django.core.checks import CheckMessage, Warning  # noqa: A004  # Django's own name

PRODUCTION = "production"
NOT_REAL_MAIL = ("console", "locmem", "dummy", "filebased")


def is_loopback(host: str) -> bool:
    """Whether only this machine can reach that host."""
    if host in {"", "localhost"}:
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False


def production_is_the_environment(**_kwargs: Any) -> list[CheckMessage]:
    if settings.ENVIRONMENT == PRODUCTION:
        return []
    return [
        Warning(
            f"ENVIRONMENT is {settings.ENVIRONMENT}: weak keys are accepted and demo parts are switched on.",
            hint="Remove ENVIRONMENT, or set it to production.",
            id="switchboard.W001",
        )
    ]


def people_come_by_https(**_kwargs: Any) -> list[CheckMessage]:
    address = urlsplit(settings.BASE_URL)
    if address.scheme == "https" or is_loopback(address.hostname or ""):
        return []
    return [
        Warning(
            "BASE_URL is plain http: passwords and session cookies can be read on the way.",
            hint="Put a proxy with a certificate in front and set BASE_URL to its https address.",
            id="switchboard.W002",
        )
    ]


def database_is_a_server(**_kwargs: Any) -> list[CheckMessage]:
    if settings.DATABASES["default"]["ENGINE"] != "django.db.backends.sqlite3":
        return []
    return [
        Warning(
            "The database is one SQLite file: one machine, one writer at a time, no backup while running.",
            hint="Set DATABASE_URL to a PostgreSQL database.",
            id="switchboard.W003",
        )
    ]


def mail_is_delivered(**_kwargs: Any) -> list[CheckMessage]:
    if not any(kind in settings.EMAIL_BACKEND for kind in NOT_REAL_MAIL):
        return []
    return [
        Warning(
            "E-mail goes nowhere, so nobody can confirm an address or reset a password.",
            hint="Set EMAIL_URL, for example smtp+tls://user:password@mail.example.com:587.",
            id="switchboard.W004",
        )
    ]


def mail_has_a_sender(**_kwargs: Any) -> list[CheckMessage]:
    if "@localhost" not in settings.DEFAULT_FROM_EMAIL:
        return []
    return [
        Warning(
            "DEFAULT_FROM_EMAIL ends in @localhost; most mail servers refuse such a sender.",
            hint="Set DEFAULT_FROM_EMAIL to an address of your own domain.",
            id="switchboard.W005",
        )
    ]


def egress_is_closed(**_kwargs: Any) -> list[CheckMessage]:
    if not settings.EGRESS_ALLOW:
        return []
    return [
        Warning(
            f"Tools may reach private or plain-http addresses: {', '.join(sorted(settings.EGRESS_ALLOW))}.",
            hint="Leave EGRESS_ALLOW empty unless a provider really lives inside your network.",
            id="switchboard.W006",
        )
    ]


def egress_is_encrypted(**_kwargs: Any) -> list[CheckMessage]:
    if settings.EGRESS_REQUIRE_HTTPS:
        return []
    return [
        Warning(
            "EGRESS_REQUIRE_HTTPS is off: credentials may leave this machine unencrypted.",
            hint="Remove EGRESS_REQUIRE_HTTPS from the environment.",
            id="switchboard.W007",
        )
    ]


DEPLOYMENT_CHECKS: Final[tuple[Callable[..., list[CheckMessage]], ...]] = (
    production_is_the_environment,
    people_come_by_https,
    database_is_a_server,
    mail_is_delivered,
    mail_has_a_sender,
    egress_is_closed,
    egress_is_encrypted,
)
