"""Webhook subscriptions as the SDKs manage them (protocol, 7); and beside them what was delivered, a test, a replay."""

from http import HTTPStatus
from typing import Any
from uuid import UUID

from django.utils import timezone
from ninja import Query, Router, Status
from ninja.params import functions

from accounts.ids import from_text
from integrations.api.asking import ApiRequest, owner_from, page_url
from integrations.api.paging import bounded, make_cursor, offset_of, page_numbers, read_cursor
from integrations.api.webhook_shapes import (
    KNOWN,
    PREFIX,
    VERSION,
    ChangedWebhookIn,
    DeliveryListIn,
    DeliveryOut,
    DeliveryPageOut,
    EventTypeOut,
    EventTypesOut,
    NewWebhookIn,
    RemovedOut,
    SecretOut,
    WebhookListIn,
    WebhookOut,
    WebhookPageOut,
)
from integrations.queries.webhooks import (
    CHOSEN_EVENTS,
    DeliveryFilters,
    find_webhook,
    get_delivery,
    list_deliveries,
    list_webhooks,
)
from integrations.services.webhooks import (
    WebhookPlan,
    change_webhook,
    create_webhook,
    delete_webhook,
    pause_webhook,
    replay_delivery,
    resume_webhook,
    rotate_webhook_secret,
    send_test_event,
)
from integrations.stamps import stamp
from orgs.errors import DomainError
from orgs.permissions import Actor, OwnerRef

router = Router(tags=["Webhooks"])
WEBHOOK: Any = functions.Path(..., max_length=80, description="wh_…")
DELIVERY: Any = functions.Path(..., max_length=80, description="msg_…")


@router.get("/webhook_subscriptions/event_types", response=EventTypesOut)
def list_event_types(request: ApiRequest) -> Any:
    """What a webhook can be told of."""
    del request
    items = [
        EventTypeOut(event_type=PREFIX + value, description=label, supported_versions=[VERSION])
        for value, label in CHOSEN_EVENTS
    ]
    return EventTypesOut(items=items)


@router.get("/webhook_subscriptions", response=WebhookPageOut)
def list_subscriptions(request: ApiRequest, asked: Query[WebhookListIn]) -> Any:
    actor = request.auth
    owner = _organization(asked.user_id, actor)
    limit, offset = bounded(asked.limit), offset_of(asked.cursor, actor=actor, what="webhooks")
    rows = list_webhooks(actor=actor, owner=owner)
    items = [_out(row, owner) for row in rows[offset : offset + limit]]
    return WebhookPageOut(items=items, **page_numbers(len(rows), offset, limit, items, actor=actor, what="webhooks"))


@router.post("/webhook_subscriptions", response={201: WebhookOut})
def create_subscription(request: ApiRequest, asked: NewWebhookIn) -> Any:
    """The secret stands in this answer and in no other."""
    owner = _organization(asked.user_id, request.auth)
    _check_version(asked.version)
    plan = WebhookPlan(asked.webhook_url, _events(asked.enabled_events), asked.description)
    row, secret = create_webhook(actor=request.auth, owner=owner, plan=plan, now=timezone.now())
    return Status(HTTPStatus.CREATED, _out(row, owner, secret))


@router.post("/webhook_subscriptions/{webhook_id}/rotate_secret", response=SecretOut)
def rotate_subscription_secret(request: ApiRequest, webhook_id: str = WEBHOOK) -> Any:
    """For 24 hours each message carries both signatures."""
    row = _found(request, webhook_id)
    changed, secret = rotate_webhook_secret(**_which(request, row), now=timezone.now())
    return SecretOut(id=changed.text_id, secret=secret)


@router.post("/webhook_subscriptions/{webhook_id}/test", response={202: DeliveryOut})
def try_subscription(request: ApiRequest, webhook_id: str = WEBHOOK) -> Any:
    row = _found(request, webhook_id)
    delivery = send_test_event(**_which(request, row), now=timezone.now())
    return Status(HTTPStatus.ACCEPTED, _delivery(delivery, row))


@router.get("/webhook_subscriptions/{webhook_id}/deliveries", response=DeliveryPageOut)
def list_subscription_deliveries(request: ApiRequest, asked: Query[DeliveryListIn], webhook_id: str = WEBHOOK) -> Any:
    row, actor = _found(request, webhook_id), request.auth
    filters = DeliveryFilters(asked.status, asked.event.removeprefix(PREFIX))
    before = str(read_cursor(asked.cursor, actor=actor, what=row.text_id) or "")
    place: dict[str, Any] = {"before": before, "limit": bounded(asked.limit)}
    page = list_deliveries(actor=actor, owner=row.owner.ref, webhook=row, filters=filters, **place)
    cursor = make_cursor(page.older, actor=actor, what=row.text_id) if page.older else None
    return DeliveryPageOut(items=[_delivery(one, row) for one in page.rows], next_cursor=cursor)


@router.post("/webhook_subscriptions/{webhook_id}/deliveries/{delivery_id}/replay", response={202: DeliveryOut})
def replay_subscription_delivery(request: ApiRequest, webhook_id: str = WEBHOOK, delivery_id: str = DELIVERY) -> Any:
    """Sent again under the same `webhook-id`."""
    row, wanted = _found(request, webhook_id), from_text("msg", delivery_id)
    replay_delivery(**_which(request, row), delivery_id=wanted, now=timezone.now())
    found = get_delivery(actor=request.auth, owner=row.owner.ref, webhook=row, delivery_id=wanted)
    return Status(HTTPStatus.ACCEPTED, _delivery(found.row, row))


@router.get("/webhook_subscriptions/{webhook_id}", response=WebhookOut)
def get_subscription(request: ApiRequest, webhook_id: str = WEBHOOK) -> Any:
    row = _found(request, webhook_id)
    return _out(row, row.owner.ref)


@router.patch("/webhook_subscriptions/{webhook_id}", response=WebhookOut)
def change_subscription(request: ApiRequest, asked: ChangedWebhookIn, webhook_id: str = WEBHOOK) -> Any:
    row, sent = _found(request, webhook_id), asked.model_fields_set
    _check_version(asked.version or VERSION)
    if sent & {"webhook_url", "enabled_events", "description"}:
        url = row.url if asked.webhook_url is None else asked.webhook_url
        events = row.events if asked.enabled_events is None else _events(asked.enabled_events)
        plan = WebhookPlan(url, events, row.description if asked.description is None else asked.description)
        change_webhook(**_which(request, row), plan=plan, now=timezone.now())
    if asked.status is not None:
        _switch(request, row, asked.status)
    changed = _found(request, webhook_id)
    return _out(changed, changed.owner.ref)


@router.delete("/webhook_subscriptions/{webhook_id}", response=RemovedOut)
def delete_subscription(request: ApiRequest, webhook_id: str = WEBHOOK) -> Any:
    row = _found(request, webhook_id)
    delete_webhook(**_which(request, row), now=timezone.now())
    return RemovedOut(id=row.text_id, deleted=True)


def _organization(text: str, actor: Actor) -> OwnerRef:
    """The one that is named; without a name, the one that the key reaches."""
    if text:
        owner = owner_from(text, actor=actor)
        reached = [owner] if owner.is_organization else []
    else:
        reached = [one for one in actor.reach() if one.is_organization]
    if len(reached) != 1:
        message = "Say which organization: pass its ID as user_id. People have no webhooks of their own."
        raise DomainError(message, code="organization_needed", field="user_id")
    return reached[0]


def _check_version(version: str) -> None:
    if version != VERSION:
        raise DomainError("Messages have the form V3 here, and no other.", code="not_supported", field="version")


def _events(asked: list[str]) -> list[str]:
    plain = [one.removeprefix(PREFIX) for one in asked]
    unknown = [one for one in plain if one not in KNOWN]
    if unknown:
        message = f"There is no event {unknown[0][:60]} here. Choose from {', '.join(KNOWN)}."
        raise DomainError(message, code="unknown_event", field="enabled_events")
    return plain


def _switch(request: ApiRequest, row: Any, status: str) -> None:
    if status not in {"active", "paused"}:
        raise DomainError("The status is active or paused.", code="invalid_status", field="status")
    if status != row.status:
        change = resume_webhook if status == "active" else pause_webhook
        change(**_which(request, row), now=timezone.now())


def _found(request: ApiRequest, text: str) -> Any:
    return find_webhook(actor=request.auth, webhook_id=from_text("wh", text))


def _which(request: ApiRequest, row: Any) -> dict[str, Any]:
    webhook_id: UUID = row.id
    return {"actor": request.auth, "owner": row.owner.ref, "webhook_id": webhook_id}


def _out(row: Any, owner: OwnerRef, secret: str = "") -> WebhookOut:
    return WebhookOut(
        id=row.text_id,
        user_id=owner.text_id,
        webhook_url=row.url,
        version=VERSION,
        enabled_events=[PREFIX + one for one in row.events],
        secret=secret,
        description=row.description,
        status=row.status,
        failing_since=stamp(row.failing_since),
        created_at=stamp(row.created_at),
        updated_at=stamp(row.updated_at),
        url=page_url(owner, "webhook", webhook_id=row.text_id),
    )


def _delivery(row: Any, webhook: Any) -> DeliveryOut:
    return DeliveryOut(
        id=row.text_id,
        event=PREFIX + row.event,
        subject=row.subject,
        status=row.status,
        attempts=row.tries,
        response_status=row.response_status,
        error_code=row.error_code or None,
        created_at=stamp(row.created_at),
        next_attempt_at=stamp(row.due_at),
        finished_at=stamp(row.finished_at),
        url=page_url(webhook.owner.ref, "webhook_delivery", webhook_id=webhook.text_id, delivery_id=row.text_id),
    )
