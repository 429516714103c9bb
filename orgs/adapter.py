"""Sign-up: a person and their ID container are made together. An invitation leads through it and back."""

from typing import Any

from django.conf import settings
from django.core.exceptions import ValidationError
from django.db import transaction
from django.http import HttpRequest
from django.urls import reverse
from django.utils import timezone

from accounts.adapter import AccountAdapter as PersonAdapter
from accounts.models import User
from orgs.invited_sessions import remembered_invitation
from orgs.queries.invitations import opens_sign_up
from orgs.services.organizations import create_user_owner
from orgs.sign_ins import note_wrong_password


class AccountAdapter(PersonAdapter):
    """allauth's adapter of this product; the accounts app knows nothing of owners."""

    def save_user(self, request: HttpRequest, user: User, form: Any, commit: bool = True) -> User:  # noqa: FBT001, FBT002  # allauth's signature
        with transaction.atomic():
            saved: User = super().save_user(request, user, form, commit=commit)
            if commit:
                create_user_owner(actor=None, user=saved)
        return saved

    def authentication_failed(self, request: HttpRequest, **credentials: Any) -> None:
        super().authentication_failed(request, **credentials)
        note_wrong_password(str(credentials.get("email", "")))

    def is_open_for_signup(self, request: HttpRequest) -> bool:
        """Closed to everybody but the invited."""
        return super().is_open_for_signup(request) or _is_invited(request)

    def clean_email(self, email: str) -> str:
        """Where sign-up is closed, an invitation opens it for the invited address alone."""
        cleaned: str = super().clean_email(email)
        match = self.request.resolver_match
        is_sign_up = match is not None and match.url_name == "account_signup"
        if is_sign_up and not settings.SIGNUP_OPEN and not _is_invited(self.request, cleaned):
            raise ValidationError("Use the address that your invitation was sent to.", code="not_invited")
        return cleaned

    def get_login_redirect_url(self, request: HttpRequest) -> str:
        """Somebody who came with an invitation goes on with it."""
        if remembered_invitation(request):
            return reverse("invitation")
        url: str = super().get_login_redirect_url(request)
        return url


def _is_invited(request: HttpRequest, email: str | None = None) -> bool:
    digest = remembered_invitation(request)
    return bool(digest) and opens_sign_up(actor=None, digest=digest, email=email, now=timezone.now())
