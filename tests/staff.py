"""Staff who may come into the admin site: a second factor, proven in this very session."""

import time
from typing import Any

from allauth.mfa.models import Authenticator
from allauth.mfa.totp.internal.auth import TOTP
from django.core.cache import cache
from django.core.management import call_command
from django.test import Client

from accounts.models import User
from tests.factories import make_user

SEED = "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP"
RECORDS, RECORDS_OF = "account_authentication_methods", "account_authentication_methods_user"  # allauth's names


def sign_in(user: User, **options: Any) -> Client:
    """A browser in which a member of staff is signed in with a second factor."""
    cache.clear()
    client = Client(**options)
    client.force_login(user)
    if not Authenticator.objects.filter(user=user).exists():
        TOTP.activate(user, SEED)
    prove(client, user)
    return client


def prove(client: Client, user: User, *, seconds_ago: float = 0) -> None:
    """As if the second factor had been used then."""
    session = client.session
    session[RECORDS] = [{"method": "mfa", "at": time.time() - seconds_ago}]
    session[RECORDS_OF] = str(user.pk)
    session.save()


def make_superuser() -> User:
    return make_user("root_of_all", is_staff=True, is_superuser=True)


def make_supporter(username: str = "sue", group: str = "Support") -> User:
    """Somebody of the support team."""
    call_command("sync_groups", verbosity=0)
    user = make_user(username, is_staff=True)
    user.groups.add(type(user).groups.rel.model.objects.get(name=group))
    return User.objects.get(pk=user.pk)  # without remembered permissions
