"""What the answers and questions about webhooks hold."""

from typing import Final

from pydantic import Field

from integrations.api.base import In, Out, PageOut
from integrations.api.catalogue_shapes import ListIn
from integrations.queries.webhooks import (
    CHOSEN_EVENTS,
)

PREFIX: Final = "composio."
VERSION: Final = "V3"
KNOWN: Final = tuple(value for value, _label in CHOSEN_EVENTS)
OWNER_ID: Final = "The organization's ID. Not needed when the key reaches one organization only."


class WebhookOut(Out):
    """A webhook. `secret` is empty but in the answer that made it: it is shown once."""

    id: str
    user_id: str
    webhook_url: str
    version: str
    enabled_events: list[str]
    secret: str
    description: str
    status: str
    failing_since: str | None
    created_at: str | None
    updated_at: str | None
    url: str


class WebhookPageOut(PageOut):
    items: list[WebhookOut]


class NewWebhookIn(In):
    """Where to, and what of."""

    webhook_url: str = Field(max_length=2048, description="An https address that is open to everybody.")
    enabled_events: list[str] = Field(max_length=20, description=f"Of {', '.join(KNOWN)}; with or without `composio.`.")
    version: str = Field(VERSION, max_length=10, description="V3 is the only one here.")
    description: str = Field("", max_length=120)
    user_id: str = Field("", max_length=200, description=OWNER_ID)


class ChangedWebhookIn(In):
    """What is to be different. What is left out stays."""

    webhook_url: str | None = Field(None, max_length=2048)
    enabled_events: list[str] | None = Field(None, max_length=20)
    version: str | None = Field(None, max_length=10)
    description: str | None = Field(None, max_length=120)
    status: str | None = Field(None, max_length=10, description="`active` or `paused`.")


class WebhookListIn(ListIn):
    user_id: str = Field("", max_length=200, description=OWNER_ID)


class DeliveryListIn(ListIn):
    """Which deliveries."""

    status: str = Field("", max_length=20, description="waiting, retrying, delivered or given_up.")
    event: str = Field("", max_length=60)


class SecretOut(Out):
    id: str
    secret: str


class RemovedOut(Out):
    id: str
    deleted: bool


class EventTypeOut(Out):
    event_type: str
    description: str
    supported_versions: list[str]


class EventTypesOut(Out):
    items: list[EventTypeOut]


class DeliveryOut(Out):
    """One event on its way. `id` is the `webhook-id` of every attempt."""

    id: str
    event: str
    subject: str
    status: str
    attempts: int
    response_status: int | None
    error_code: str | None
    created_at: str | None
    next_attempt_at: str | None
    finished_at: str | None
    url: str


class DeliveryPageOut(Out):
    """Newest first."""

    items: list[DeliveryOut]
    next_cursor: str | None
