"""What people do at allauth's pages, for the audit log: the user's own. `orgs.apps` connects the handlers."""

from typing import Any

from allauth.account import signals as account
from allauth.mfa import signals as mfa
from django.contrib.auth import signals as auth
from django.dispatch import Signal
from django.utils import timezone

from accounts.models import User
from orgs.audit import DONE, AuditAction, Detail, Result, Target, denied
from orgs.permissions import ANONYMOUS, Actor, ActorKind, OwnerKind, OwnerRef
from orgs.services.audit import record


def note(user: Any, action: AuditAction, result: Result = DONE, *, by_user: bool = True, **details: Detail) -> None:
    """Record something about how a user signs in. `by_user` is False when nobody knows who it was."""
    if not isinstance(user, User):
        return
    owner = OwnerRef(OwnerKind.USER, user.id, user.display_name)
    actor = Actor(ActorKind.USER, user_id=user.id, username=user.username, label=user.display_name)
    record(
        actor=actor if by_user else ANONYMOUS,
        owner=owner,
        action=action,
        target=Target("user", user.text_id, user.display_name),
        result=result,
        details=details,
        now=timezone.now(),
    )


def note_wrong_password(email: str) -> None:
    """A failed sign-in stands in the log of the user it was tried for; an unknown address is nobody's."""
    user = User.objects.filter(email__iexact=email).first() if email else None
    note(user, AuditAction.SESSION_SIGN_IN, denied("wrong_password"), by_user=False, factor="password")


def _signed_in(user: Any, **_kwargs: Any) -> None:
    note(user, AuditAction.SESSION_SIGN_IN)


def _signed_out(user: Any, **_kwargs: Any) -> None:
    note(user, AuditAction.SESSION_SIGN_OUT)


def _second_factor_failed(user: Any, authenticator: Any = None, **_kwargs: Any) -> None:
    factor = getattr(authenticator, "type", "")
    note(user, AuditAction.SESSION_SIGN_IN, denied("wrong_second_factor"), by_user=False, factor=str(factor))


def _password_changed(user: Any, **_kwargs: Any) -> None:
    note(user, AuditAction.PASSWORD_CHANGE, change="changed")


def _password_set(user: Any, **_kwargs: Any) -> None:
    note(user, AuditAction.PASSWORD_CHANGE, change="set")


def _password_reset(user: Any, **_kwargs: Any) -> None:
    note(user, AuditAction.PASSWORD_CHANGE, change="reset by e-mail")


def _email_added(user: Any, **_kwargs: Any) -> None:
    note(user, AuditAction.EMAIL_CHANGE, change="added")


def _email_removed(user: Any, **_kwargs: Any) -> None:
    note(user, AuditAction.EMAIL_CHANGE, change="removed")


def _email_changed(user: Any, **_kwargs: Any) -> None:
    note(user, AuditAction.EMAIL_CHANGE, change="another one is the primary one")


def _factor_added(user: Any, authenticator: Any, **_kwargs: Any) -> None:
    note(user, AuditAction.MFA_ADD, factor=str(authenticator.type))


def _factor_removed(user: Any, authenticator: Any, **_kwargs: Any) -> None:
    note(user, AuditAction.MFA_REMOVE, factor=str(authenticator.type))


def _factor_reset(user: Any, authenticator: Any, **_kwargs: Any) -> None:
    note(user, AuditAction.MFA_RESET, factor=str(authenticator.type))


HANDLERS: tuple[tuple[Signal, Any], ...] = (
    (account.user_logged_in, _signed_in),
    (auth.user_logged_out, _signed_out),
    (account.password_changed, _password_changed),
    (account.password_set, _password_set),
    (account.password_reset, _password_reset),
    (account.email_added, _email_added),
    (account.email_removed, _email_removed),
    (account.email_changed, _email_changed),
    (mfa.authenticator_added, _factor_added),
    (mfa.authenticator_removed, _factor_removed),
    (mfa.authenticator_reset, _factor_reset),
    (mfa.authentication_failed, _second_factor_failed),
)


def connect_handlers() -> None:
    for signal, handler in HANDLERS:
        signal.connect(handler, dispatch_uid=f"audit.{handler.__name__}")
