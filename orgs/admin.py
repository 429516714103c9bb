"""Organizations, their members, invitations and API keys, for support staff: to look at, and the few things to do."""

from collections.abc import Sequence
from typing import Any, ClassVar

from django.contrib import admin
from django.http import HttpRequest
from django.utils import timezone

from accounts.admin import UserAdmin
from accounts.admin_base import ShownAdmin
from accounts.models import User
from orgs.admin_acts import Act, ActingAdmin, Order, owner_facts, owner_link, support_actor
from orgs.audit import AuditAction, Target
from orgs.models import ApiKey, AuditEvent, Invitation, Membership, Organization
from orgs.permissions import OwnerKind, OwnerRef, Power
from orgs.services.audit import record
from orgs.services.invitations import resend_for_support, why_not_resent
from orgs.services.support import unlock_user, why_not_unlocked

admin.site.unregister(User)  # the accounts app knows nothing of the audit log


def _unlocking(row: User) -> Sequence[tuple[str, str]]:
    return [
        ("Failed sign-ins", "are forgotten, of the password and of the second factor. They can try again at once."),
        ("Suspension", "there is none" if row.is_active else "is lifted: they may sign in again"),
        ("Stays", "their password, their second factors, their sessions and what they may do"),
    ]


def _unlock(order: Order) -> str:
    host = order.request.get_host()
    user = unlock_user(actor=order.actor, user_id=order.row.id, host=host, reason=order.reason, now=order.now)
    return f"{user.display_name} can sign in again at once."


UNLOCK = Act(
    "unlock",
    Power.UNLOCK_USER,
    "Unlock",
    effects=_unlocking,
    blocked=lambda actor, row, _now: why_not_unlocked(row, actor=actor),
    do=_unlock,
)


@admin.register(User)
class AuditedUserAdmin(UserAdmin, ActingAdmin):
    """What support changes about a user stands in that user's own log (check A7)."""

    acts = (UNLOCK,)

    def save_related(self, request: HttpRequest, form: Any, formsets: Any, change: bool) -> None:  # noqa: FBT001  # Django's signature
        super().save_related(request, form, formsets, change)
        user = form.instance
        if form.changed_data:
            record(
                actor=support_actor(request),
                owner=OwnerRef(OwnerKind.USER, user.id, user.display_name),
                action=AuditAction.USER_CHANGE,
                target=Target("user", user.text_id, user.display_name),
                details={
                    "fields": sorted(form.changed_data),
                    "is_active": user.is_active,
                    "is_staff": user.is_staff,
                },
                now=timezone.now(),
            )


@admin.register(AuditEvent)
class AuditEventAdmin(ShownAdmin):
    """The log of the installation and of everybody on it, for superusers. Support needs an owner's grant for it."""

    shown = (
        "id",
        "at",
        "owner_id",
        "action",
        "result",
        "code",
        "actor_kind",
        "actor_id",
        "actor_label",
        "acting_as",
        "target_kind",
        "target_id",
        "target_label",
        "request_id",
        "details",
    )
    list_display = ("at", "owner_id", "action", "result", "code", "actor_kind", "actor_label", "target_label")
    list_filter = ("result", "actor_kind")
    search_fields = ("=owner_id", "=actor_id", "=request_id")
    text_ids: ClassVar = {"ev": "id"}
    show_full_result_count = False
    ordering = ("-id",)


@admin.register(Organization)
class OrganizationAdmin(ShownAdmin):
    for_support = True
    shown = (
        "id",
        "name",
        "slug",
        "requires_factor",
        "members_may_invite",
        "retention_days",
        "created_at",
        "updated_at",
    )
    list_display = ("name", "slug", "id", "created_at")
    search_fields = ("name", "slug")
    text_ids: ClassVar = {"org": "id"}
    ordering = ("name",)

    @admin.display(description="ID", ordering="pk")
    def shown_id(self, row: Organization) -> str:
        return row.ref.text_id


@admin.register(Membership)
class MembershipAdmin(ShownAdmin):
    for_support = True
    shown = ("organization", "user", "role", "status", "joined_at", "updated_at")
    list_display = ("organization", "user", "role", "status", "joined_at")
    list_filter = ("role", "status")
    search_fields = ("organization__slug", "user__email")
    text_ids: ClassVar = {"mem": "id", "org": "organization_id", "user": "user_id"}
    list_select_related = ("organization", "user")
    ordering = ("organization__name", "joined_at")


def _resending(row: Invitation) -> Sequence[tuple[str, str]]:
    return [
        ("Letter", f"goes to {row.email} in the name of whoever invited, with a new link for seven days"),
        ("Old link", "stops working"),
        ("Role", f"stays {row.get_role_display().lower()}"),
    ]


def _resend(order: Order) -> str:
    sent = resend_for_support(actor=order.actor, invitation_id=order.row.id, reason=order.reason, now=order.now)
    return (
        "The letter is on its way."
        if sent.sent
        else "There is a new link, but the mail server did not take the letter."
    )


RESEND = Act(
    "resend",
    Power.RESEND_INVITATION,
    "Send again",
    effects=_resending,
    blocked=lambda actor, row, now: why_not_resent(row, actor=actor, now=now),
    do=_resend,
)


@admin.register(Invitation)
class InvitationAdmin(ActingAdmin):
    """Whom an organization invited, and what became of it. Never the link, nor the digest of its token."""

    for_support = True
    acts = (RESEND,)
    shown = (
        "id",
        "organization",
        "email",
        "role",
        "invited_by",
        "created_at",
        "expires_at",
        "sent_at",
        "accepted_at",
        "accepted_by",
        "revoked_at",
    )
    list_display = ("id", "organization", "email", "role", "created_at", "sent_at", "accepted_at", "revoked_at")
    list_filter = ("role",)
    search_fields = ("email", "organization__slug")
    text_ids: ClassVar = {"inv": "id", "org": "organization_id", "user": "invited_by_id"}
    list_select_related = ("organization",)
    ordering = ("-created_at",)


@admin.register(ApiKey)
class ApiKeyAdmin(ShownAdmin):
    """The digest is not shown: whoever has it can tell whether a guessed key is right."""

    for_support = True
    shown = (
        "name",
        "owner",
        "organization",
        "application",
        "public_id",
        "last_four",
        "scopes",
        "created_by",
        "created_at",
        "expires_at",
        "last_used_at",
        "replaces",
        "kept_at",
        "warned_at",
        "oauth_client",
        "audience",
        "revoked_at",
    )
    list_display = ("name", "owner", "public_id", "last_four", "created_at", "last_used_at", "revoked_at")
    search_fields = ("name", "public_id")
    text_ids: ClassVar = {"key": "id", "org": "owner__organization_id", "user": "owner__user_id"}
    presented: ClassVar = {"id": "shown_id", "owner": "shown_owner"}
    presented_in_lists: ClassVar = {"owner": "listed_owner"}
    list_select_related = ("owner__user", "owner__organization")
    ordering = ("-created_at",)

    @admin.display(description="Owner")
    def shown_owner(self, row: ApiKey) -> str:
        return owner_facts(row.owner)

    @admin.display(description="Owner")
    def listed_owner(self, row: ApiKey) -> str:
        return owner_link(row.owner)
