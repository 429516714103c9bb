"""What whoever runs the installation, or supports it, changes for everybody: for the installation's audit log."""

from collections.abc import Iterable
from datetime import datetime

from integrations.models import AuthConfig, Toolkit
from orgs.audit import AuditAction, Target
from orgs.permissions import Actor
from orgs.services.audit import record


def record_auth_config(
    *, actor: Actor | None, row: AuthConfig, is_new: bool, fields: Iterable[str] = (), now: datetime
) -> None:
    """That an auth config of the installation was made or changed, and which of its fields; never their values."""
    record(
        actor=actor,
        owner=None,
        action=AuditAction.AUTH_CONFIG_CREATE if is_new else AuditAction.AUTH_CONFIG_CHANGE,
        target=Target("auth_config", row.text_id, row.name),
        details={"toolkit": row.toolkit.slug, "fields": sorted(fields), "is_enabled": row.is_enabled},
        now=now,
    )


def record_toolkit(*, actor: Actor | None, row: Toolkit, reason: str = "", now: datetime) -> None:
    """That a toolkit was switched on or off for everybody."""
    record(
        actor=actor,
        owner=None,
        action=AuditAction.TOOLKIT_SWITCH,
        target=Target("toolkit", row.slug, row.name),
        details={"is_enabled": row.is_enabled, "reason": reason or None},
        now=now,
    )
