"""Toolkits, auth configs, connections and runs, for support staff: metadata, never a secret, an argument or a result.

The installation's own auth configs can be made and changed here; a client secret goes in and never comes out.
"""

from typing import TYPE_CHECKING, Any, ClassVar

from django import forms
from django.contrib import admin
from django.contrib.auth import get_permission_codename
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils import timezone

from accounts.admin_base import ShownAdmin
from integrations.admin_acts import CANCEL, PAUSE, REQUEUE, SWITCH_OFF, SWITCH_ON, OwnedShownAdmin
from integrations.models import AuthConfig, ConnectedAccount, ConnectionRequest, Execution, Tool, Toolkit
from integrations.models.owned import OWNER_NAMES
from integrations.queries.ways import callback_url
from integrations.services.auth_configs import check_auth_config, keep_client_secret
from integrations.services.operator_records import record_auth_config
from orgs.admin_acts import ActingAdmin, support_actor
from orgs.errors import DomainError

if TYPE_CHECKING:
    ModelForm = forms.ModelForm[AuthConfig]
else:
    ModelForm = forms.ModelForm  # generic to the type checker only

SUPPORT = "support staff look after every tenant"
OWNERS = {"org": "owner__organization_id", "user": "owner__user_id"}
AUTH_CONFIG_FIELDS = ("toolkit", "scheme", "name", "client_id", "scopes", "overrides", "is_enabled")


class OwnedAdmin(OwnedShownAdmin):
    """Rows of every owner, to look at."""

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        del request
        manager: Any = self.model.objects
        rows: QuerySet[Any] = manager.unscoped(SUPPORT)
        return rows.order_by(*(self.ordering or ("-created_at",)))


@admin.register(Toolkit)
class ToolkitAdmin(ActingAdmin):
    for_support = True
    acts = (SWITCH_OFF, SWITCH_ON)
    shown = ("slug", "name", "version", "sandbox", "website", "is_enabled", "created_at", "updated_at")
    list_display = ("name", "slug", "version", "is_enabled")
    list_filter = ("is_enabled",)
    search_fields = ("slug", "name")
    ordering = ("name",)

    def shown_id(self, row: Toolkit) -> str:
        return row.slug


@admin.register(Tool)
class ToolAdmin(ShownAdmin):
    for_support = True
    shown = ("slug", "name", "description", "toolkit", "effect", "scopes", "aliases", "important", "is_deprecated")
    list_display = ("slug", "name", "toolkit", "effect", "is_deprecated")
    list_filter = ("effect", "is_deprecated")
    search_fields = ("slug", "name")
    list_select_related = ("toolkit",)
    ordering = ("slug",)

    def shown_id(self, row: Tool) -> str:
        return row.slug


class AuthConfigForm(ModelForm):
    """An auth config with a secret that is typed in and never shown again."""

    secret = forms.CharField(
        label="Client secret",
        required=False,
        strip=True,
        widget=forms.PasswordInput(attrs={"autocomplete": "off"}),
        help_text="Leave empty to keep the one that is stored. It is sealed and cannot be read back.",
    )

    class Meta:
        model = AuthConfig
        fields = AUTH_CONFIG_FIELDS
        help_texts: ClassVar = {
            "scopes": 'A list such as ["repo"]. Empty: what the toolkit\'s tools need, without the destructive ones.',
            "overrides": "Other addresses, for an enterprise server or another cloud: authorize_url, token_url, "
            "revoke_url, issuer, identity_url, base_url.",
        }

    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = super().clean() or {}
        if not self.errors:
            row = AuthConfig(**{name: cleaned[name] for name in AUTH_CONFIG_FIELDS})
            try:
                check_auth_config(actor=None, row=row)
            except DomainError as error:
                self.add_error(error.field or None, error.message)
        return cleaned


@admin.register(AuthConfig)
class AuthConfigAdmin(OwnedAdmin):
    """The installation's own can be changed; an organization's own are the organization's business."""

    form = AuthConfigForm
    for_support = True
    only_shown: ClassVar = ("owner", "callback", "has_secret", "created_at", "updated_at", "deleted_at")
    shown = (*AUTH_CONFIG_FIELDS, *only_shown)
    changeable = AUTH_CONFIG_FIELDS
    list_display = ("name", "toolkit", "scheme", "owner", "has_secret", "is_enabled")
    list_filter = ("scheme", "is_enabled")
    search_fields = ("name", "toolkit__slug")
    text_ids: ClassVar = {"ac": "id", **OWNERS}
    list_select_related = ("toolkit", *OWNER_NAMES)
    ordering = ("toolkit__name", "name")

    def get_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        changes = obj is None or self.has_change_permission(request, obj)
        shown = super().get_fields(request, obj)
        return [*self.changeable, "secret", *shown[len(self.changeable) :]] if changes else shown

    def has_add_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm(f"integrations.{get_permission_codename('add', self.opts)}")

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return super().has_change_permission(request, obj) and (obj is None or obj.owner_id is None)

    def save_model(self, request: HttpRequest, obj: AuthConfig, form: Any, change: bool) -> None:  # noqa: FBT001  # Django's signature
        keep_client_secret(actor=None, row=obj, secret=form.cleaned_data["secret"])
        super().save_model(request, obj, form, change)
        if form.changed_data or not change:
            actor, fields = support_actor(request), form.changed_data
            record_auth_config(actor=actor, row=obj, is_new=not change, fields=fields, now=timezone.now())

    @admin.display(description="Callback URL to register at the provider")
    def callback(self, row: AuthConfig) -> str:
        is_saved = row.pk and row.created_at
        return callback_url(actor=None, auth_config=row) if is_saved else "Save first; then it stands here."

    @admin.display(description="Has a client secret", boolean=True)
    def has_secret(self, row: AuthConfig) -> bool:
        return row.client_secret is not None


@admin.register(ConnectedAccount)
class ConnectedAccountAdmin(OwnedAdmin):
    for_support = True
    acts = (PAUSE,)
    text_ids: ClassVar = {"ca": "id", **OWNERS}
    shown = (
        "id",
        "owner",
        "toolkit",
        "auth_config",
        "scheme",
        "status",
        "status_reason",
        "is_default",
        "identity_label",
        "scopes",
        "expires_at",
        "refresh_failing_since",
        "connected_by",
        "connected_at",
        "successor",
        "handed_over_at",
        "last_used_at",
        "disconnected_at",
        "updated_at",
    )
    list_display = ("id", "toolkit", "owner", "status", "connected_at", "last_used_at")
    list_filter = ("status", "scheme")
    search_fields = ("id",)
    list_select_related = ("toolkit", *OWNER_NAMES)
    ordering = ("-connected_at",)


@admin.register(ConnectionRequest)
class ConnectionRequestAdmin(OwnedAdmin):
    for_support = True
    text_ids: ClassVar = {"cr": "id", "ca": "connected_account_id", **OWNERS}
    shown = (
        "id",
        "owner",
        "auth_config",
        "user",
        "reconnects",
        "scopes",
        "status",
        "error_code",
        "error_message",
        "connected_account",
        "created_at",
        "expires_at",
        "consumed_at",
    )
    list_display = ("id", "auth_config", "owner", "user", "status", "created_at")
    list_filter = ("status",)
    search_fields = ("id",)
    list_select_related = ("auth_config", "user", *OWNER_NAMES)
    ordering = ("-created_at",)


@admin.register(Execution)
class ExecutionAdmin(OwnedAdmin):
    """That it ran, when and how it ended. Not what was in it."""

    for_support = True
    acts = (CANCEL, REQUEUE)
    text_ids: ClassVar = {"ex": "id", "ca": "connected_account_id", **OWNERS}
    shown = (
        "id",
        "owner",
        "submitted_by",
        "api_key",
        "in_organization",
        "origin",
        "tool",
        "effect",
        "connected_account",
        "tool_session",
        "retry_of",
        "status",
        "attempt",
        "max_attempts",
        "available_at",
        "expires_at",
        "lease_until",
        "sent_at",
        "cancel_requested_at",
        "http_status",
        "error_code",
        "provider_request_id",
        "provider_milliseconds",
        "created_at",
        "started_at",
        "finished_at",
        "purged_at",
    )
    list_display = ("id", "tool", "owner", "submitted_by", "status", "error_code", "created_at", "finished_at")
    list_filter = ("status", "effect", "origin")
    search_fields = ("id",)
    list_select_related = ("tool", "submitted_by", *OWNER_NAMES)
    show_full_result_count = False
    ordering = ("-created_at",)
