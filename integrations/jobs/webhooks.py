"""Deliver events: the row is the outbox, one sender at a time has an endpoint, no transaction is open on the way.

A try is counted and the next one fixed before the first byte leaves. So a process that dies anywhere loses nothing:
the event goes out again, under the same `webhook-id`.
"""

import random
import time
from dataclasses import dataclass
from datetime import datetime, timedelta
from http import HTTPStatus
from typing import Any, Final
from uuid import UUID, uuid4

import structlog
from django.db import transaction
from django.db.models import Exists, F, OuterRef, Q
from django.db.models.functions import Coalesce
from django.utils import timezone

from integrations.credentials import open_webhook_secrets
from integrations.engine.errors import TransportError
from integrations.engine.signing import signed_headers
from integrations.engine.types import HttpRequest
from integrations.jobs.webhook_ends import switch_off
from integrations.models import Webhook, WebhookAttempt, WebhookDelivery
from integrations.models.encrypted import SecretUnreadableError
from integrations.models.webhook_words import DeliveryStatus, WebhookStatus
from integrations.outbound import outbound
from integrations.webhook_events import body_of

log = structlog.get_logger(__name__)
DEADLINE_SECONDS: Final = 5.0
MOST_BYTES: Final = 16 * 1024  # of an answer, which nobody reads
MOST_SENDERS: Final = 4  # at a time: dead receivers must not use up the worker
PER_TURN: Final = 10
LEASE: Final = timedelta(seconds=30)  # renewed before each send
# After each failed try; together less than a day (check P5). The schedule is the one of Standard Webhooks.
WAITS: Final = tuple(timedelta(seconds=seconds) for seconds in (5, 5 * 60, 30 * 60, 2 * 3600, 5 * 3600, 10 * 3600))
MOST_TRIES: Final = len(WAITS) + 1
EVERYBODYS: Final = "the sender serves every owner"


@dataclass(frozen=True)
class Turn:
    """An endpoint that is ours until the lease ends."""

    webhook: Webhook
    token: UUID


@dataclass(frozen=True)
class Answer:
    """What came of one try. An empty code is success."""

    status: int | None
    code: str
    message: str
    milliseconds: int

    @property
    def is_gone(self) -> bool:
        """The receiver says that nobody is there any more and never will be (RFC 9110 section 15.5.11)."""
        return self.status == HTTPStatus.GONE


def has_due_webhooks(now: datetime) -> bool:
    return bool(_free(now).exists())


def send_due(until: float) -> bool:
    """One turn after the other until nothing is due or the time is up; whether there may be more to do."""
    while time.monotonic() < until:
        if not send_turn(timezone.now()):
            return False
    return has_due_webhooks(timezone.now())


def send_turn(now: datetime) -> bool:
    """A few events of the endpoint that has waited longest; False when none waits or enough are being served."""
    turn = _take_turn(now)
    if turn is None:
        return False
    began = time.monotonic()
    try:
        for delivery in list(_due(now).filter(webhook=turn.webhook).order_by("due_at", "id")[:PER_TURN]):
            at = now + timedelta(seconds=time.monotonic() - began)
            if not _renew(turn, at) or not _deliver(turn, delivery, at):
                break
    finally:
        _mine(turn).update(sender=None, busy_until=now)
    return True


# --- Whose turn it is


def _due(now: datetime) -> Any:
    rows = WebhookDelivery.objects.unscoped(EVERYBODYS).filter(due_at__lte=now)
    return rows.filter(webhook__status=WebhookStatus.ACTIVE)


def _free(now: datetime) -> Any:
    rows = Webhook.objects.unscoped(EVERYBODYS).filter(Exists(_due(now).filter(webhook=OuterRef("pk"))))
    return rows.filter(Q(sender=None) | Q(busy_until__lt=now))


def _take_turn(now: datetime) -> Turn | None:
    """By a conditional UPDATE: of two senders one gets it."""
    if Webhook.objects.unscoped(EVERYBODYS).filter(sender__isnull=False, busy_until__gte=now).count() >= MOST_SENDERS:
        return None
    waiting = _free(now).order_by(F("busy_until").asc(nulls_first=True), "id")
    for webhook in waiting.select_related("owner__organization", "owner__user")[:MOST_SENDERS]:
        token = uuid4()
        if _free(now).filter(pk=webhook.pk).update(sender=token, busy_until=now + LEASE):
            return Turn(webhook, token)
    return None


def _mine(turn: Turn) -> Any:
    return Webhook.objects.unscoped(EVERYBODYS).filter(pk=turn.webhook.pk, sender=turn.token)


def _renew(turn: Turn, now: datetime) -> bool:
    """Still ours, and neither paused nor switched off meanwhile."""
    return bool(_mine(turn).filter(status=WebhookStatus.ACTIVE).update(busy_until=now + LEASE))


# --- One try


def _deliver(turn: Turn, delivery: WebhookDelivery, now: datetime) -> bool:
    """Whether the receiver took it. After a failure the turn is over: others need not wait for a dead one."""
    if delivery.tries >= MOST_TRIES:  # the process died in the last try
        _end(delivery, DeliveryStatus.GIVEN_UP, now)
        return True
    if not _count(delivery, now):
        return True  # somebody was faster
    answer = _send(turn.webhook, delivery, now)
    _record(turn.webhook, delivery, answer, now)
    return not answer.code


def _count(delivery: WebhookDelivery, now: datetime) -> bool:
    """Before anything is sent: should nobody come back from sending, the next try is fixed already."""
    last = delivery.tries >= len(WAITS)
    wait = WAITS[-1 if last else delivery.tries] * random.uniform(0.9, 1.1)  # noqa: S311  # spreads load, protects nothing
    row = _row(delivery).filter(due_at=delivery.due_at, tries=delivery.tries)
    return bool(row.update(tries=F("tries") + 1, due_at=now + wait))


def _row(delivery: WebhookDelivery) -> Any:
    return WebhookDelivery.objects.unscoped(EVERYBODYS).filter(pk=delivery.pk)


def _send(webhook: Webhook, delivery: WebhookDelivery, now: datetime) -> Answer:
    """The guard looks at the address again, name server included: it may lead elsewhere by now (check E7)."""
    began = time.monotonic()
    try:
        request = _request(webhook, delivery, now)
        response = outbound().send(request, deadline_seconds=DEADLINE_SECONDS, max_bytes=MOST_BYTES, reuse=False)
    except TransportError as error:
        return Answer(error.status, error.code, _about_receiver(error.message), _since(began))
    except SecretUnreadableError as error:
        return Answer(None, "secret_unreadable", str(error), _since(began))
    if HTTPStatus.OK <= response.status < HTTPStatus.MULTIPLE_CHOICES:
        return Answer(response.status, "", "", _since(began))
    return Answer(response.status, "not_accepted", _said(response.status), _since(began))


def _request(webhook: Webhook, delivery: WebhookDelivery, now: datetime) -> HttpRequest:
    body = body_of(delivery, webhook.owner.ref)
    signing = open_webhook_secrets(webhook, now)
    headers = signed_headers(signing, message_id=delivery.text_id, timestamp=int(now.timestamp()), body=body)
    return HttpRequest("POST", webhook.url, headers, body)


def _about_receiver(message: str) -> str:
    """The engine speaks of providers; here it is whoever listens."""
    return message.replace("provider", "receiver")[:200]


def _said(status: int) -> str:
    if HTTPStatus.MULTIPLE_CHOICES <= status < HTTPStatus.BAD_REQUEST:
        return f"The receiver answered {status}: redirects are not followed. Give the final address."
    return f"The receiver answered {status}. Only 200 to 299 count as taken."


def _since(began: float) -> int:
    return int((time.monotonic() - began) * 1000)


# --- What came of it


@transaction.atomic
def _record(webhook: Webhook, delivery: WebhookDelivery, answer: Answer, now: datetime) -> None:
    WebhookAttempt.objects.create(
        delivery=delivery,
        at=now,
        response_status=answer.status,
        error_code=answer.code[:40],
        message=answer.message,
        milliseconds=answer.milliseconds,
    )
    row, hook = _row(delivery), Webhook.objects.unscoped(EVERYBODYS).filter(pk=webhook.pk)
    row.update(response_status=answer.status, error_code=answer.code[:40])
    log.info("webhook.tried", webhook=webhook.text_id, delivery=delivery.text_id, error=answer.code or None)
    if not answer.code:
        _end(delivery, DeliveryStatus.DELIVERED, now)
        hook.update(failures=0, failing_since=None, delivered_at=now)
        return
    if delivery.tries + 1 >= MOST_TRIES:
        _end(delivery, DeliveryStatus.GIVEN_UP, now)
    else:
        row.filter(due_at__isnull=False).update(status=DeliveryStatus.RETRYING)
    hook.update(failures=F("failures") + 1, failing_since=Coalesce(F("failing_since"), now))
    switch_off(hook, now, is_gone=answer.is_gone)


def _end(delivery: WebhookDelivery, status: DeliveryStatus, now: datetime) -> None:
    _row(delivery).update(status=status, due_at=None, finished_at=now)
