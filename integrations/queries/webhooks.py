"""Read webhooks and what was sent to them: for those who may set them up."""

from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

from django.utils import timezone

from integrations.engine.signing import signed_headers
from integrations.models import Webhook, WebhookAttempt, WebhookDelivery
from integrations.models.webhook_words import DELIVERED_EVENTS, DeliveryStatus, WebhookEvent
from integrations.webhook_events import body_of
from orgs.errors import NotFoundError
from orgs.paging import Page, page_of
from orgs.permissions import Actor, OwnerRef, Permission, require

PAGE_SIZE: Final = 25
STATUS_CHOICES: Final = DeliveryStatus.choices
EVENT_CHOICES: Final = DELIVERED_EVENTS
CHOSEN_EVENTS: Final = WebhookEvent.choices
STRUCK_OUT: Final = "v1,••••••••"


@dataclass(frozen=True)
class DeliveryFilters:
    """What the list of deliveries can be narrowed down by. Empty text: not at all."""

    status: str = ""
    event: str = ""

    @property
    def is_set(self) -> bool:
        return bool(self.status or self.event)


@dataclass(frozen=True)
class DeliveryDetail:
    """One delivery as it goes over the wire, its signature struck out: it would verify for whoever copies it."""

    row: WebhookDelivery
    attempts: list[WebhookAttempt]
    headers: dict[str, str]
    body: str


def list_webhooks(*, actor: Actor, owner: OwnerRef) -> list[Webhook]:
    """The organization's, in the order in which they were made."""
    require(actor, Permission.WEBHOOKS_MANAGE, owner)
    return list(Webhook.objects.owned_by(owner).select_related("created_by").order_by("id"))


def get_webhook(*, actor: Actor, owner: OwnerRef, webhook_id: UUID | None) -> Webhook:
    """One of the organization's; NotFoundError for everybody else's."""
    require(actor, Permission.WEBHOOKS_MANAGE, owner)
    rows = Webhook.objects.owned_by(owner).select_related("created_by", "owner__organization", "owner__user")
    row: Webhook | None = rows.filter(id=webhook_id).first()
    if row is None:
        raise NotFoundError("There is no such webhook here.")
    return row


def find_webhook(*, actor: Actor, webhook_id: UUID | None) -> Webhook:
    """The one of whichever organization within reach it is; NotFoundError for everybody else's."""
    rows = Webhook.objects.visible_to(actor).select_related("owner__organization", "owner__user")
    row: Webhook | None = rows.filter(id=webhook_id).first()
    if row is None:
        raise NotFoundError("There is no such webhook here.")
    require(actor, Permission.WEBHOOKS_MANAGE, row.owner.ref)
    return row


def list_deliveries(
    *,
    actor: Actor,
    owner: OwnerRef,
    webhook: Webhook,
    filters: DeliveryFilters,
    before: str = "",
    after: str = "",
    limit: int = PAGE_SIZE,
) -> Page[WebhookDelivery]:
    """Newest first: those `before` an ID, those `after` one, or the newest."""
    require(actor, Permission.WEBHOOKS_MANAGE, owner)
    rows = _narrowed(WebhookDelivery.objects.owned_by(owner).filter(webhook=webhook), filters)
    return page_of(rows, "msg", before=before, after=after, limit=limit)


def _narrowed(rows: Any, filters: DeliveryFilters) -> Any:
    if filters.status:
        rows = rows.filter(status=filters.status)
    return rows.filter(event=filters.event) if filters.event else rows


def has_deliveries(*, actor: Actor, owner: OwnerRef, webhook: Webhook) -> bool:
    require(actor, Permission.WEBHOOKS_MANAGE, owner)
    return bool(WebhookDelivery.objects.owned_by(owner).filter(webhook=webhook).exists())


def get_delivery(*, actor: Actor, owner: OwnerRef, webhook: Webhook, delivery_id: UUID | None) -> DeliveryDetail:
    """With its attempts, the headers and the body."""
    require(actor, Permission.WEBHOOKS_MANAGE, owner)
    row: WebhookDelivery | None = (
        WebhookDelivery.objects.owned_by(owner).filter(webhook=webhook, id=delivery_id).first()
    )
    if row is None:
        raise NotFoundError("There is no such delivery here.")
    attempts = list(row.attempts.order_by("-id"))
    body = body_of(row, owner)
    return DeliveryDetail(row, attempts, _headers(webhook, row, attempts, body), body.decode())


def _headers(webhook: Webhook, row: WebhookDelivery, attempts: list[WebhookAttempt], body: bytes) -> dict[str, str]:
    """Of the latest attempt, else of the one that is about to come. No secret is opened for it."""
    at = attempts[0].at if attempts else row.created_at
    headers = signed_headers([], message_id=row.text_id, timestamp=int(at.timestamp()), body=body)
    signatures = 2 if webhook.old_secret_signs(timezone.now()) else 1
    return {**headers, "webhook-signature": " ".join([STRUCK_OUT] * signatures)}
