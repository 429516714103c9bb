"""The words of webhooks: what they tell of, and how they and their deliveries are doing."""

from typing import Final

from django.db import models

from orgs.status_words import StatusWord, word_table

# The SDKs know an event of theirs by the beginning of its type (protocol, 7), so every type begins so on the wire.
WIRE_PREFIX: Final = "composio."


class WebhookEvent(models.TextChoices):
    """What an endpoint can be told of. The label says when."""

    EXECUTION_ENDED = "execution.ended", "A run ended"
    ACCOUNT_EXPIRED = "connected_account.expired", "A connected account expired"
    ACCOUNT_NEEDS_ATTENTION = "connected_account.needs_attention", "A connected account needs attention"
    REQUEST_OPENED = "request.opened", "A request was opened"
    REQUEST_DECIDED = "request.decided", "A request was decided"

    @property
    def wire(self) -> str:
        return f"{WIRE_PREFIX}{self.value}"


TEST_EVENT: Final = "webhook.test"  # sent when somebody asks for it, whatever was chosen
DELIVERED_EVENTS: Final = [*WebhookEvent.choices, (TEST_EVENT, "A test")]


class WebhookStatus(models.TextChoices):
    """Of a webhook. Failing is not stored: it is an active one whose latest attempt failed."""

    ACTIVE = "active", "Active"
    PAUSED = "paused", "Paused"
    OFF = "off", "Switched off"


ACTIVE: Final = StatusWord("active", "Active", "success", "check-circle", "Events are sent as they happen.")
FAILING: Final = StatusWord(
    "failing", "Failing", "warning", "exclamation-triangle", "The latest attempts failed. They are tried again."
)
PAUSED: Final = StatusWord(
    "paused", "Paused", "neutral", "pause-circle", "Somebody paused it. Events wait until it is resumed."
)
OFF: Final = StatusWord(
    "off", "Switched off", "error", "no-symbol", "It failed for too long. Events are not kept for it."
)


class DeliveryStatus(models.TextChoices):
    """Of one event on its way to one endpoint."""

    WAITING = "waiting", "Waiting"
    RETRYING = "retrying", "Will be tried again"
    DELIVERED = "delivered", "Delivered"
    GIVEN_UP = "given_up", "Given up"

    @property
    def word(self) -> StatusWord:
        return DELIVERY_WORDS[self]


DELIVERY_WORDS: Final = word_table(
    DeliveryStatus,
    [
        ("waiting", "info", "clock", "Stored, and sent within seconds unless the webhook is paused."),
        ("retrying", "warning", "arrow-path", "The receiver did not accept it. It is sent again later."),
        ("delivered", "success", "check-circle", "The receiver answered with a status of 200 to 299."),
        ("given_up", "error", "x-circle", "Nobody accepted it in time. It can be sent again by hand."),
    ],
)
ON_THE_WAY: Final = (DeliveryStatus.WAITING, DeliveryStatus.RETRYING)
LISTENING: Final = (WebhookStatus.ACTIVE, WebhookStatus.PAUSED)
