"""What webhooks are told: one stored delivery for each endpoint that wants the event, in the transaction of the event.

An event says that something happened and to what: IDs, states, times. Never arguments, results, credentials, what a
provider answered or what people wrote: whoever may read those asks the API for them.
"""

import json
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from django.conf import settings

from accounts.ids import to_text
from integrations.models import ConnectedAccount, ConsentRequest, Execution, Webhook, WebhookDelivery
from integrations.models.status import ConnectionStatus, ConsentStatus
from integrations.models.webhook_words import LISTENING, WIRE_PREFIX, WebhookEvent
from integrations.stamps import stamp
from orgs.addresses import owner_url_if_any
from orgs.permissions import OwnerKind, OwnerRef

ACCOUNT_EVENTS: Final = {
    ConnectionStatus.EXPIRED: WebhookEvent.ACCOUNT_EXPIRED,
    ConnectionStatus.NEEDS_ATTENTION: WebhookEvent.ACCOUNT_NEEDS_ATTENTION,
}
REQUEST_EVENTS: Final = {
    ConsentStatus.OPEN: WebhookEvent.REQUEST_OPENED,
    ConsentStatus.APPROVED: WebhookEvent.REQUEST_DECIDED,
    ConsentStatus.DENIED: WebhookEvent.REQUEST_DECIDED,
    ConsentStatus.BLOCKED: WebhookEvent.REQUEST_DECIDED,
}
# The protocol's words for our states (protocol, 4.3).
PROTOCOL_STATES: Final = {"needs_attention": "ACTIVE", "expired": "EXPIRED"}


def tell_of_account(account: ConnectedAccount, owner: OwnerRef, *, now: datetime) -> None:
    """That it expired or needs attention: the organization's own, or of an application's end user.

    Needs `toolkit` and `auth_config`.
    """
    event, place = ACCOUNT_EVENTS.get(ConnectionStatus(account.status)), _told_at(owner)
    if event is not None and place is not None:
        end_user_id = None if owner.is_organization else owner.id
        _store(place, event, account.text_id, _account_data(account, owner), now, end_user_id=end_user_id)


def tell_of_request(row: ConsentRequest, owner: OwnerRef, *, now: datetime) -> None:
    """That it was opened or decided, as its status says. Needs `toolkit` and `connected_account`."""
    event = REQUEST_EVENTS.get(ConsentStatus(row.status))
    if event is not None:
        _store(owner, event, row.text_id, _request_data(row, owner), now)


def deliveries_of_runs(webhook: Webhook, runs: list[Execution], *, now: datetime) -> list[WebhookDelivery]:
    """That these runs ended, not stored yet. Needs `tool__toolkit` and the owner's names of each."""
    event, made = WebhookEvent.EXECUTION_ENDED.value, []
    for run in runs:
        row = new_delivery(webhook, event, run.text_id, _run_data(run, run.owner.ref), now=now)
        row.run_id, row.end_user_id = run.id, run.owner.end_user_id
        made.append(row)
    return made


def _told_at(owner: OwnerRef) -> OwnerRef | None:
    """The organization whose webhooks hear of this owner's things; what is a person's own, nobody hears of."""
    if owner.organization_id is not None:
        return OwnerRef(OwnerKind.ORGANIZATION, owner.organization_id)
    return owner if owner.is_organization else None


def _store(
    place: OwnerRef,
    event: WebhookEvent,
    subject: str,
    data: dict[str, Any],
    now: datetime,
    *,
    end_user_id: UUID | None = None,
) -> None:
    listening = Webhook.objects.owned_by(place).filter(status__in=LISTENING)
    rows = [new_delivery(one, event.value, subject, data, now=now) for one in listening if event.value in one.events]
    for row in rows:
        row.end_user_id = end_user_id
    WebhookDelivery.objects.get_queryset().bulk_create(rows)


def new_delivery(
    webhook: Webhook,
    event: str,
    subject: str,
    data: dict[str, Any],
    *,
    now: datetime,
) -> WebhookDelivery:
    """Due at once, and not stored yet."""
    return WebhookDelivery(
        owner_id=webhook.owner_id,
        webhook=webhook,
        event=event,
        subject=subject,
        data=data,
        created_at=now,
        due_at=now,
    )


def body_of(delivery: WebhookDelivery, owner: OwnerRef) -> bytes:
    """What is sent, the same to the byte at every attempt (protocol, 7)."""
    message = {
        "id": delivery.text_id,
        "timestamp": stamp(delivery.created_at),
        "type": f"{WIRE_PREFIX}{delivery.event}",
        "metadata": {"project_id": owner.text_id, "org_id": owner.text_id},
        "data": delivery.data,
    }
    return json.dumps(message, separators=(",", ":"), sort_keys=True, ensure_ascii=False).encode()


# --- What each event says


def _run_data(run: Execution, owner: OwnerRef) -> dict[str, Any]:
    return {
        "id": run.text_id,
        "status": run.status,
        "tool": run.tool_slug,
        "toolkit": run.tool.toolkit.slug,
        "effect": run.effect,
        **_whose(owner),
        "submitted_by": to_text("user", run.submitted_by_id) if run.submitted_by_id else None,
        "origin": run.origin,
        "connected_account_id": to_text("ca", run.connected_account_id) if run.connected_account_id else None,
        "tool_session_id": to_text("trs", run.tool_session_id) if run.tool_session_id else None,
        "retry_of": to_text("ex", run.retry_of_id) if run.retry_of_id else None,
        "attempt": run.attempt,
        "http_status": run.http_status,
        "error_code": run.error_code or None,
        "created_at": stamp(run.created_at),
        "started_at": stamp(run.started_at),
        "finished_at": stamp(run.finished_at),
        "url": _page(owner, "run", execution_id=run.text_id),
    }


def _account_data(account: ConnectedAccount, owner: OwnerRef) -> dict[str, Any]:
    """The object of the protocol (4.3), its secrets and free fields empty."""
    state, scheme = PROTOCOL_STATES[account.status], account.scheme.upper()
    return {
        "id": account.text_id,
        **_whose(owner),
        "status": state,
        "state_label": account.word.label,
        "status_reason": account.word.sentence,
        "toolkit": {"slug": account.toolkit.slug},
        "auth_config": {
            "id": account.auth_config.text_id,
            "auth_scheme": scheme,
            "is_composio_managed": account.auth_config.owner_id is None,
            "is_disabled": not account.auth_config.is_enabled,
        },
        "state": {"authScheme": scheme, "val": {"status": state}},
        "data": {},
        "params": {},
        "is_disabled": False,
        "alias": account.alias or None,
        "created_at": stamp(account.connected_at),
        "updated_at": stamp(account.updated_at),
        "url": _page(owner, "connection", account_id=account.text_id),
    }


def _request_data(row: ConsentRequest, owner: OwnerRef) -> dict[str, Any]:
    return {
        "id": row.text_id,
        "status": row.status,
        **_whose(owner),
        "kind": "access" if row.connected_account_id else "connection",
        "toolkit": row.toolkit.slug,
        "connected_account_id": to_text("ca", row.connected_account_id) if row.connected_account_id else None,
        "answered_with": to_text("ca", row.answered_with_id) if row.answered_with_id else None,
        "requesters": row.requesters.asking().count(),
        "decided_by": to_text("user", row.decided_by_id) if row.decided_by_id else None,
        "created_at": stamp(row.created_at),
        "expires_at": stamp(row.expires_at),
        "decided_at": stamp(row.decided_at),
        "url": _page(owner, "request", consent_id=row.text_id),
    }


def _whose(owner: OwnerRef) -> dict[str, Any]:
    """The ID to pass when one asks about it: of an end user what their application calls them."""
    application = to_text("app", owner.application_id) if owner.application_id else None
    return {"user_id": owner.passed_id, "application_id": application}


def _page(owner: OwnerRef, name: str, **parts: Any) -> str | None:
    """Where a person looks at it; end users' things have no page."""
    path = owner_url_if_any(owner, name, **parts)
    return f"{settings.BASE_URL}{path}" if path else None
