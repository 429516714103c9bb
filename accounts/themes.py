"""The chosen theme travels in a cookie, so that the server renders it at once, before anybody is signed in."""

from typing import Final

from django.conf import settings
from django.http import HttpResponse

COOKIE: Final = "theme"
YEAR: Final = 365 * 24 * 3600


def remember_theme(response: HttpResponse, theme: str) -> None:
    """Set the cookie that the frame reads, and that its own switch writes."""
    response.set_cookie(COOKIE, theme, max_age=YEAR, secure=settings.SESSION_COOKIE_SECURE, samesite="Lax")
