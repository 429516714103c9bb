"""Sign-in sessions: how long they last, when their keys change, and which end when a factor changes."""

import time
from importlib import import_module
from typing import Any, Final
from uuid import UUID

from allauth.account import signals as account
from allauth.mfa import signals as mfa
from allauth.usersessions.models import UserSession
from django.conf import settings
from django.contrib.auth import SESSION_KEY
from django.contrib.sessions.backends.base import SessionBase
from django.http import HttpRequest

BEGAN: Final = "signed_in_at"
SEEN: Final = "last_seen_at"
ROTATE: Final = "needs_new_key"
PAUSE: Final = 60  # seconds between two notes of when it was seen


def is_signed_in(session: SessionBase) -> bool:
    return SESSION_KEY in session


def has_expired(session: SessionBase, now: float) -> bool:
    """Whether it was left alone for too long, or is too old in any case (check W8)."""
    idle = now - session.get(SEEN, now)
    age = now - session.get(BEGAN, now)
    return bool(idle > settings.SESSION_IDLE_HOURS * 3600 or age > settings.SESSION_MAX_DAYS * 86400)


def note_use(session: SessionBase, now: float) -> None:
    """At most once a minute: reading pages is no writing."""
    session.setdefault(BEGAN, now)
    if now - session.get(SEEN, 0) > PAUSE:
        session[SEEN] = now


def rotate_if_asked(request: HttpRequest) -> None:
    """Give the session another key when something has happened that it must not survive with the old one."""
    if request.session.pop(ROTATE, False):
        change_key(request)


def change_key(request: HttpRequest) -> None:
    old = request.session.session_key
    request.session.cycle_key()
    UserSession.objects.filter(session_key=old).update(session_key=request.session.session_key)


def rotate_sessions(user_id: UUID) -> None:
    """Each session of the user gets another key with its next request: they may do more now than before (check W7)."""
    store = import_module(settings.SESSION_ENGINE).SessionStore
    for key in UserSession.objects.filter(user_id=user_id).values_list("session_key", flat=True):
        session = store(key)
        if session.exists(key):
            session[ROTATE] = True
            session.save()


def end_sessions(user_id: UUID, *, but: str | None = None) -> None:
    for session in UserSession.objects.filter(user_id=user_id).exclude(session_key=but or ""):
        session.end()


def _signed_in(request: HttpRequest, **_kwargs: Any) -> None:
    request.session[BEGAN] = request.session[SEEN] = time.time()


def _factor_changed(request: HttpRequest, user: Any, **_kwargs: Any) -> None:
    """Whoever else is signed in as this person must show the new factor (check W8)."""
    end_sessions(user.pk, but=request.session.session_key)
    change_key(request)


def _password_changed(request: HttpRequest, user: Any, **_kwargs: Any) -> None:
    """Django has given this session another key and made the others worthless; here they leave the list too."""
    end_sessions(user.pk, but=request.session.session_key)


def connect_handlers() -> None:
    account.user_logged_in.connect(_signed_in, dispatch_uid="sessions.signed_in")
    for signal in (account.password_changed, account.password_set):
        signal.connect(_password_changed, dispatch_uid=f"sessions.{id(signal)}")
    for signal in (mfa.authenticator_added, mfa.authenticator_removed, mfa.authenticator_reset):
        signal.connect(_factor_changed, dispatch_uid=f"sessions.{id(signal)}")
