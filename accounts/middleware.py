"""What happens around every request of somebody who is signed in."""

import hashlib
import time
from collections.abc import Callable
from typing import Final

from allauth.usersessions.middleware import UserSessionsMiddleware
from django.contrib import messages
from django.contrib.admin import site
from django.contrib.auth import logout
from django.core.cache import cache
from django.http import HttpRequest, HttpResponse

from accounts.admin_door import turned_away
from accounts.sessions import has_expired, is_signed_in, note_use, rotate_if_asked

PAUSE: Final = 60  # seconds
REFRESHING: Final = ("/status/", "/events/")  # pages that ask by themselves while they are open
ENDED: Final = "You were signed out because you were away for a while. Sign in to go on."


class SessionLimitsMiddleware:
    """A sign-in ends after hours without use, and after days in any case (check W8)."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        now = time.time()
        if is_signed_in(request.session):
            if has_expired(request.session, now):
                logout(request)
                messages.info(request, ENDED)
            elif not request.path.endswith(REFRESHING):
                note_use(request.session, now)
                rotate_if_asked(request)
        return self.get_response(request)


class SessionActivityMiddleware(UserSessionsMiddleware):  # type: ignore[misc]  # allauth ships no types
    """allauth notes on every request when a browser session was last seen: a write per page view.

    Once a minute is as good for the list of sessions, and leaves reading to be reading.
    """

    def __call__(self, request: HttpRequest) -> HttpResponse:
        key = request.session.session_key
        if key and not cache.add(_cache_key(key), 1, timeout=PAUSE):
            return self.get_response(request)  # type: ignore[no-any-return]  # allauth ships no types
        response: HttpResponse = super().__call__(request)
        return response


def _cache_key(session_key: str) -> str:
    """A session key is as good as a password, so the cache gets its hash."""
    return f"session-seen:{hashlib.sha256(session_key.encode()).hexdigest()}"


class AdminDoorMiddleware:
    """Nobody reaches a page of the admin site without passing its door (check A4)."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        return self.get_response(request)

    def process_view(self, request: HttpRequest, *_view: object) -> HttpResponse | None:
        """Django calls this once it knows whose page it is, wherever the admin site is mounted."""
        match = request.resolver_match
        return turned_away(request) if match and site.name in match.namespaces else None
