"""People, for support staff: who they are and how they sign in. Never a password, a seed or a session key."""

from typing import ClassVar

from allauth.account import admin as account_admin
from allauth.account.models import EmailAddress
from allauth.mfa import admin as mfa_admin
from allauth.mfa.models import Authenticator
from allauth.usersessions import admin as sessions_admin
from allauth.usersessions.models import UserSession
from django.contrib import admin

from accounts.admin_base import ShownAdmin
from accounts.models import User

# allauth's own pages show seeds, confirmation keys and session keys, so they go. They are imported first,
# because a module that the admin site finds later would register them again.
_REPLACED = (account_admin, mfa_admin, sessions_admin)
admin.site.unregister([EmailAddress, Authenticator, UserSession])


@admin.register(User)
class UserAdmin(ShownAdmin):
    """New people sign up, or come from `manage.py bootstrap`."""

    shown = (
        "id",
        "email",
        "username",
        "name",
        "is_active",
        "is_staff",
        "is_superuser",
        "groups",
        "last_login",
        "date_joined",
    )
    for_support = True
    changeable = ("is_active", "is_staff", "groups")
    list_display = ("email", "username", "name", "id", "is_active", "is_staff", "last_login")
    list_filter = ("is_active", "is_staff")
    search_fields = ("email", "username", "name")
    text_ids: ClassVar = {"user": "id"}
    ordering = ("email",)


@admin.register(EmailAddress)
class EmailAddressAdmin(ShownAdmin):
    for_support = True
    shown = ("user", "email", "verified", "primary")
    text_ids: ClassVar = {"user": "user_id"}
    list_display = ("email", "user", "verified", "primary")
    list_filter = ("verified", "primary")
    search_fields = ("email",)
    list_select_related = ("user",)
    ordering = ("email",)


@admin.register(Authenticator)
class AuthenticatorAdmin(ShownAdmin):
    """That somebody has a second factor, and when it was last used."""

    for_support = True
    shown = ("user", "type", "created_at", "last_used_at")
    text_ids: ClassVar = {"user": "user_id"}
    list_display = ("user", "type", "created_at", "last_used_at")
    list_filter = ("type",)
    search_fields = ("user__email",)
    list_select_related = ("user",)
    ordering = ("-created_at",)
