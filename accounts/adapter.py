"""Where allauth meets our model of a person. What concerns owners is added in `orgs.adapter`."""

import secrets
from types import SimpleNamespace
from typing import Any, Final
from urllib.parse import urlsplit
from uuid import UUID

from allauth.account.adapter import DefaultAccountAdapter
from allauth.mfa.adapter import DefaultMFAAdapter
from django.conf import settings
from django.contrib.auth.hashers import make_password
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse

from accounts.reauthentication import is_freshly_signed_in
from accounts.sealing import Sealed, SecretUnreadableError, seal, unseal
from accounts.themes import remember_theme

# allauth hands over the text alone, not the row it belongs to: these secrets are bound to table and field.
MFA_PLACE: Final[dict[str, Any]] = {"table": "mfa_authenticator", "row": UUID(int=0), "field": "data"}

# What mail calls this installation.
SITE: Final = SimpleNamespace(name="Switchboard", domain=urlsplit(settings.BASE_URL).netloc)


class AccountAdapter(DefaultAccountAdapter):  # type: ignore[misc]  # allauth ships no types
    """Sign-up may be closed by the operator; a sign-in brings the person's theme along."""

    def is_open_for_signup(self, request: HttpRequest) -> bool:
        del request
        return bool(settings.SIGNUP_OPEN)

    def is_reauthentication_required(self, *, app: str, **kwargs: Any) -> bool:
        """A fresh sign-in counts, as everywhere here."""
        return bool(super().is_reauthentication_required(app=app, **kwargs)) and not is_freshly_signed_in(self.request)

    def post_login(self, request: HttpRequest, user: Any, **kwargs: Any) -> HttpResponse:
        response: HttpResponse = super().post_login(request, user, **kwargs)
        remember_theme(response, user.theme)
        return response

    def send_account_already_exists_mail(self, email: str) -> None:
        """Takes as long as making the user would have: a sign-up does not tell whether the address is known (W13)."""
        make_password(secrets.token_urlsafe())
        super().send_account_already_exists_mail(email)

    def send_mail(self, template_prefix: str, email: str, context: dict[str, Any]) -> None:
        links = {name: _on_base_url(value, self.request) for name, value in context.items()}
        super().send_mail(template_prefix, email, {"current_site": SITE, **links})


def _on_base_url(value: Any, request: HttpRequest) -> Any:
    """Links in mail lead to BASE_URL, whatever name the request came in under (check W16)."""
    parts = urlsplit(value) if isinstance(value, str) and value.startswith(("http://", "https://")) else None
    if parts is None or parts.netloc != request.get_host():
        return value
    return f"{settings.BASE_URL}{parts._replace(scheme='', netloc='').geturl()}"


class MFAAdapter(DefaultMFAAdapter):  # type: ignore[misc]  # allauth ships no types
    """TOTP seeds and the seed of the recovery codes are sealed at rest (check S1)."""

    def encrypt(self, text: str) -> str:
        return seal(text, **MFA_PLACE).text

    def decrypt(self, encrypted_text: str) -> str:
        try:
            return str(unseal(Sealed(encrypted_text), **MFA_PLACE))
        except SecretUnreadableError as error:
            raise ValidationError(
                "Codes cannot be checked, because the encryption keys of this installation have changed. "
                "Use a passkey, or ask whoever runs it."
            ) from error
