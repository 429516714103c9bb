"""What the audit log may hold beside who, what and when: a closed list of names, with short texts. Values only."""

from collections.abc import Mapping
from typing import Final

from orgs.audit import Detail

DETAIL_LENGTH: Final = 200
# What may stand in the details. Never arguments, results, credentials, codes or addresses.
DETAIL_NAMES: Final = frozenset(
    {
        "successor",
        "toolkit", "scheme", "effect", "origin", "account", "connected_account_id", "retry_of", "reason", "role",
        "scopes", "expires_at", "factor", "change", "fields", "is_active", "is_enabled", "is_staff", "was_renewed",
        "confirmed", "method", "page", "count", "minutes", "format", "acting_as", "before", "after", "rotated",
        "unreadable", "users", "organizations", "memberships", "auth_configs", "api_keys", "toolkits", "pinned",
        "replaces", "organization_id", "application", "end_user",
        "policy", "was_alone",
        "requesters", "is_own",
        "until", "who", "due_at",
        "host", "events", "delivery",
    }
)  # fmt: skip


def clean_text(text: str, limit: int) -> str:
    """What both databases store unchanged: without NUL and lone surrogates, and not longer than its column."""
    return text.encode("utf-8", "replace").decode().replace("\0", "")[:limit]


def checked_details(details: Mapping[str, Detail]) -> dict[str, Detail]:
    """The details with their texts cut; ValueError for a name that is not on the list."""
    unknown = details.keys() - DETAIL_NAMES
    if unknown:
        raise ValueError(f"These do not belong into the audit log: {', '.join(sorted(unknown))}.")
    return {name: _checked(value) for name, value in details.items() if value is not None}


def _checked(value: Detail) -> Detail:
    if isinstance(value, str):
        return clean_text(value, DETAIL_LENGTH)
    if isinstance(value, list):
        return [clean_text(one, DETAIL_LENGTH) for one in value[:50]]
    return value
