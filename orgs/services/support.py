"""What support and whoever runs the installation do for people who cannot get in."""

from datetime import datetime
from uuid import UUID

from allauth.mfa.models import Authenticator
from django.db import transaction

from accounts.models import User
from accounts.throttles import forget_failed_sign_ins
from orgs.audit import AuditAction, Target
from orgs.errors import ForbiddenError, NotFoundError
from orgs.permissions import Actor, OwnerKind, OwnerRef, Power, require_power
from orgs.services.audit import record


@transaction.atomic
def unlock_user(*, actor: Actor, user_id: UUID, host: str, reason: str, now: datetime) -> User:
    """Forget the failed sign-ins of a user, and lift their suspension. Staff are lifted by a superuser only."""
    require_power(actor, Power.UNLOCK_USER)
    user = User.objects.select_for_update().filter(id=user_id).first()
    if user is None:
        raise NotFoundError("There is no such user.")
    if blocked := why_not_unlocked(user, actor=actor):
        raise ForbiddenError(blocked)
    was_suspended = not user.is_active
    if was_suspended:
        User.objects.filter(id=user.id).update(is_active=True)
    forget_failed_sign_ins(user, host=host)
    record(
        actor=actor,
        owner=OwnerRef(OwnerKind.USER, user.id, user.display_name),
        action=AuditAction.USER_UNLOCK,
        target=Target("user", user.text_id, user.display_name),
        details={"reason": reason, "fields": ["is_active"] if was_suspended else []},
        now=now,
    )
    return user


def why_not_unlocked(user: User, *, actor: Actor) -> str:
    """Why support leaves this user as they are; empty when they can be unlocked."""
    del actor
    if user.is_staff and not user.is_active:
        return "They are of the staff and suspended: a superuser decides about them, on the page of the user."
    return ""


@transaction.atomic
def remove_factors(*, actor: None, email: str, now: datetime) -> int:
    """Remove all second factors of a user: at the command line alone, by whoever runs the installation."""
    user = User.objects.filter(email=User.objects.normalize_email(email)).first()
    if user is None:
        raise NotFoundError(f"Nobody signs in with {email}.")
    types = list(Authenticator.objects.filter(user=user).order_by("type").values_list("type", flat=True))
    Authenticator.objects.filter(user=user).delete()
    if types:
        record(
            actor=actor,
            owner=OwnerRef(OwnerKind.USER, user.id, user.display_name),
            action=AuditAction.MFA_REMOVE,
            target=Target("user", user.text_id, user.display_name),
            details={"factor": ", ".join(types)},
            now=now,
        )
    return len(types)
