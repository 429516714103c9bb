"""What happens around every request of somebody who is signed in."""

import hashlib
import time
from collections.abc import Callable
from typing import Any, Final

from allauth.usersessions.middleware import UserSessionsMiddleware
from django.contrib import messages
from django.contrib.admin import site
from django.contrib.auth import logout
from django.contrib.auth.middleware import LoginRequiredMiddleware
from django.contrib.auth.views import redirect_to_login
from django.core.cache import cache
from django.http import HttpRequest, HttpResponse
from django.shortcuts import resolve_url

from accounts.admin_door import turned_away
from accounts.htmx import lead_to, page_around, wants_fragment
from accounts.sessions import has_expired, is_signed_in, note_use, rotate_if_asked

PAUSE: Final = 60  # seconds
REFRESHING: Final = ("/status/", "/events/")  # addresses that a page asks by itself while it is open
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
            elif not _asks_by_itself(request):
                note_use(request.session, now)
                rotate_if_asked(request)
        return self.get_response(request)


def _asks_by_itself(request: HttpRequest) -> bool:
    """An open page that looks for news is no use by a person. It says what it has shown already, as `seen`."""
    return request.path.endswith(REFRESHING) or "seen" in request.GET


class SignInMiddleware(LoginRequiredMiddleware):
    """htmx would put the sign-in page into the page that asks: that page makes room for it, and is come back to."""

    def handle_no_permission(self, request: HttpRequest, view_func: Any) -> HttpResponse:  # type: ignore[override]  # htmx is led by a header
        if not wants_fragment(request):
            return super().handle_no_permission(request, view_func)
        there = redirect_to_login(page_around(request), resolve_url(self.get_login_url(view_func)))
        return lead_to(request, there.url)


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
