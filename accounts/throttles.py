"""The throttles of signing in, as allauth keeps them, and how they are lifted for one person."""

from allauth.account.models import EmailAddress
from allauth.core import ratelimit
from django.http import HttpRequest

from accounts.models import User


def forget_failed_sign_ins(user: User, *, host: str) -> None:
    """Let a person try again at once: password and second factor. `host` is the name of the site, as allauth counts.

    Throttles of an address on the network stay: nobody gets rid of their own by unlocking somebody else.
    """
    nowhere = HttpRequest()
    nowhere.META["REMOTE_ADDR"] = "0.0.0.0"  # noqa: S104  # nobody's address; nothing listens there
    addresses = {user.email, *EmailAddress.objects.filter(user=user).values_list("email", flat=True)}
    for key in (*(f"{host}:{address}" for address in addresses), f"mfa-auth-user-{user.pk}"):
        ratelimit.clear(nowhere, action="login_failed", key=key)
