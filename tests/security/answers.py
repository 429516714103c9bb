"""What an answer gives away, without what differs between any two requests; and what stands in the database."""

import hashlib
import re

from django.apps import apps
from django.http import HttpResponse

# Nonces and tokens, IDs, times of day, durations.
CHANGING = re.compile(
    rb"[A-Za-z0-9_-]{64}|[0-9a-f]{32}|value=\"[\w-]{22}\"|\d\d:\d\d:\d\d(?:\.\d+)?|\d+ ms|[0-9a-f-]{36}"
)
OF_THE_MOMENT = {"X-Request-ID", "Set-Cookie", "Expires", "Content-Length"}
OURS = {"accounts", "orgs", "integrations", "account", "mfa"}
# The audit log tells of what was done and of what was refused, reading included: it changes on purpose.
AUDIT_LOG = {"orgs.AuditEvent", "orgs.AuditLink", "orgs.AuditChain"}


def plain(response: HttpResponse) -> tuple[int, bytes, set[tuple[str, str]]]:
    """Status, text and headers."""
    headers = {
        (name, CHANGING.sub(b"~", value.encode()).decode())
        for name, value in response.headers.items()
        if name not in OF_THE_MOMENT
    }
    return response.status_code, CHANGING.sub(b"~", response.content), headers


def snapshot() -> dict[str, str]:
    """A digest of every table of ours but the audit log."""
    digests = {}
    for model in apps.get_models():
        if model._meta.app_label in OURS and model._meta.label not in AUDIT_LOG:
            columns = [field.name for field in model._meta.fields if field.name != "last_login"]
            rows = sorted(str(row) for row in model._base_manager.values_list(*columns))
            digests[model._meta.label] = hashlib.sha256("\n".join(rows).encode()).hexdigest()
    return digests


def never_given(text_id: str) -> str:
    """The neighbour of an ID: as well formed, of the same moment, and nobody's."""
    return text_id[:-6] + ("000000" if text_id[-6:] != "000000" else "111111")
