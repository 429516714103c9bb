"""What every page's frame needs: the chosen theme, who the page is acting as, and the number at the bell."""

from functools import cache
from typing import Any

from django.conf import settings
from django.http import HttpRequest

from accounts.models import Theme
from accounts.themes import COOKIE
from orgs.identities import banners_of, countdown_of, frame_of, unread_of
from orgs.support_looks import is_support, support_banner_of

PRODUCT = "Switchboard"
CONSOLE = "django.core.mail.backends.console.EmailBackend"
TAGLINE = "Connected accounts for people and organizations. One rule, every run explained."


def ui(request: HttpRequest) -> dict[str, Any]:
    """The theme is in a cookie, so that the server renders it at once: no flash and no inline script."""
    return {"theme": _theme(request), "product": PRODUCT, "tagline": TAGLINE, "mail_log": _mail_log()}


def _mail_log() -> str:
    """Where a trial installation writes the letters that it does not send; empty where a mail server is set."""
    is_trial = settings.ENVIRONMENT != "production" and settings.EMAIL_BACKEND == CONSOLE
    return f"{settings.DATA_DIR.name}/logs/web.log" if is_trial else ""


def _theme(request: HttpRequest) -> str:
    """What this browser chose, else what the person chose in their profile; empty means: as the device does."""
    chosen = request.COOKIES.get(COOKIE, "")
    if chosen not in Theme.values:
        chosen = getattr(getattr(request, "user", None), "theme", "")
    return "" if chosen == Theme.SYSTEM else chosen


def identity(request: HttpRequest) -> dict[str, Any]:
    """Whose page this is, as whom else one could see it, and the sections; worked out when a template asks."""
    identities, nav = frame_of(request)
    return {
        "owner": getattr(request, "owner", None),
        "identities": identities,
        "nav": nav,
        "is_support": is_support(request),
    }


def banners(request: HttpRequest) -> dict[str, Any]:
    """What stands above the pages of an organization; looked up when a template asks, mostly with one query."""
    above = cache(lambda: banners_of(request))
    return {
        "support_banner": lambda: support_banner_of(request) if above().support_may_look else None,
        "deletion_countdown": lambda: countdown_of(request) if above().is_to_be_deleted else None,
    }


def notices(request: HttpRequest) -> dict[str, Any]:
    """The number at the bell; counted when a template asks."""
    return {"unread_notices": lambda: unread_of(request)}
