"""Set up webhooks, change, pause and delete them; make a new secret; send a test, or an event once more."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

from django.db import transaction

from integrations.credentials import open_webhook_secrets, seal_webhook_secret
from integrations.engine.errors import TransportError
from integrations.engine.signing import make_secret
from integrations.models import Webhook, WebhookDelivery
from integrations.models.webhook_words import ON_THE_WAY, TEST_EVENT, DeliveryStatus, WebhookEvent, WebhookStatus
from integrations.models.webhooks import DESCRIPTION_LENGTH, URL_LENGTH
from integrations.outbound import outbound
from integrations.tasks import ring_for_webhooks
from integrations.webhook_events import new_delivery
from orgs.audit import AuditAction, Detail, Target
from orgs.errors import ConflictError, DomainError, NotFoundError
from orgs.permissions import Actor, OwnerRef, Permission, require
from orgs.queries.owners import owner_row
from orgs.services.audit import record
from orgs.services.fresh_rights import with_fresh_rights

MOST_WEBHOOKS: Final = 10  # of one organization: every event is stored once for each
OVERLAP: Final = timedelta(hours=24)


@dataclass(frozen=True)
class WebhookPlan:
    """Where to, and what of."""

    url: str
    events: Iterable[str]
    description: str = ""


@transaction.atomic
def create_webhook(*, actor: Actor, owner: OwnerRef, plan: WebhookPlan, now: datetime) -> tuple[Webhook, str]:
    """Set one up; return it with its secret, which cannot be shown again."""
    _check_right(actor, owner)
    if Webhook.objects.owned_by(owner).count() >= MOST_WEBHOOKS:
        message = f"{owner.label} has {MOST_WEBHOOKS} webhooks already. Delete one that is not needed any more."
        raise ConflictError(message, code="too_many_webhooks")
    url, events = _checked(plan)
    row = Webhook(owner=owner_row(actor=actor, owner=owner), url=url, events=events, created_at=now)
    row.description, row.created_by_id = plan.description.strip(), actor.user_id
    row.runs_from = _runs_from(row, now)
    secret = make_secret()
    row.secret = seal_webhook_secret(row.id, secret)
    row.save(force_insert=True)
    _record(row, AuditAction.WEBHOOK_CREATE, actor=actor, owner=owner, now=now, events=events)
    return row, secret


@transaction.atomic
def change_webhook(*, actor: Actor, owner: OwnerRef, webhook_id: UUID, plan: WebhookPlan, now: datetime) -> Webhook:
    """Another address, other events, another description. What is on its way goes to the new address."""
    row = _locked(actor, owner, webhook_id)
    row.url, row.events = _checked(plan)
    row.description = plan.description.strip()
    row.runs_from = row.runs_from if row.runs_from and _wants_runs(row) else _runs_from(row, now)
    row.save(update_fields=["url", "events", "description", "runs_from", "updated_at"])
    _record(row, AuditAction.WEBHOOK_CHANGE, actor=actor, owner=owner, now=now, events=row.events)
    return row


@transaction.atomic
def rotate_webhook_secret(*, actor: Actor, owner: OwnerRef, webhook_id: UUID, now: datetime) -> tuple[Webhook, str]:
    """A new secret, shown once. For a day both sign, so that the receiver can change over when it suits."""
    row = _locked(actor, owner, webhook_id)
    current, secret = open_webhook_secrets(row, now)[0], make_secret()
    row.old_secret = seal_webhook_secret(row.id, current, field_name="old_secret")
    row.old_secret_until = now + OVERLAP
    row.secret = seal_webhook_secret(row.id, secret)
    row.save(update_fields=["secret", "old_secret", "old_secret_until", "updated_at"])
    until = row.old_secret_until.isoformat()
    _record(row, AuditAction.WEBHOOK_ROTATE, actor=actor, owner=owner, now=now, until=until)
    return row, secret


@transaction.atomic
def pause_webhook(*, actor: Actor, owner: OwnerRef, webhook_id: UUID, now: datetime) -> Webhook:
    """Nothing is sent until it is resumed; events of that time wait."""
    row = _locked(actor, owner, webhook_id)
    if row.status != WebhookStatus.ACTIVE:
        raise ConflictError(f"This webhook is {row.word.label.lower()} already.", code="webhook_not_active")
    row.status = WebhookStatus.PAUSED
    row.save(update_fields=["status", "updated_at"])
    _record(row, AuditAction.WEBHOOK_PAUSE, actor=actor, owner=owner, now=now)
    return row


@transaction.atomic
def resume_webhook(*, actor: Actor, owner: OwnerRef, webhook_id: UUID, now: datetime) -> Webhook:
    """What waited at a paused one goes out now. One that was switched off is told of what happens from now on."""
    row = _locked(actor, owner, webhook_id)
    if row.status == WebhookStatus.ACTIVE:
        raise ConflictError("This webhook is active already.", code="webhook_active")
    was_off = row.status == WebhookStatus.OFF
    row.status, row.failures, row.failing_since = WebhookStatus.ACTIVE, 0, None
    row.runs_from = _runs_from(row, now) if was_off else row.runs_from
    row.save(update_fields=["status", "failures", "failing_since", "runs_from", "updated_at"])
    _record(row, AuditAction.WEBHOOK_RESUME, actor=actor, owner=owner, now=now)
    transaction.on_commit(ring_for_webhooks)
    return row


@transaction.atomic
def delete_webhook(*, actor: Actor, owner: OwnerRef, webhook_id: UUID, now: datetime) -> Webhook:
    """With its secret, its deliveries and what is still on its way."""
    row = _locked(actor, owner, webhook_id)
    _record(row, AuditAction.WEBHOOK_DELETE, actor=actor, owner=owner, now=now)
    Webhook.objects.owned_by(owner).filter(id=webhook_id).delete()
    return row


@transaction.atomic
def send_test_event(*, actor: Actor, owner: OwnerRef, webhook_id: UUID, now: datetime) -> WebhookDelivery:
    """Signed and delivered like every other event, so that a receiver can be tried out before anything happens."""
    row = _locked(actor, owner, webhook_id)
    _must_send(row)
    data = {"message": "A test that somebody asked for. Nothing happened.", "webhook_id": row.text_id}
    delivery = new_delivery(row, TEST_EVENT, row.text_id, data, now=now)
    delivery.save(force_insert=True)
    _record(row, AuditAction.WEBHOOK_TEST, actor=actor, owner=owner, now=now, delivery=delivery.text_id)
    transaction.on_commit(ring_for_webhooks)
    return delivery


@transaction.atomic
def replay_delivery(
    *, actor: Actor, owner: OwnerRef, webhook_id: UUID, delivery_id: UUID | None, now: datetime
) -> WebhookDelivery:
    """Send it again, under the same `webhook-id`: a receiver that has it already can leave it alone."""
    row = _locked(actor, owner, webhook_id)
    _must_send(row)
    found = WebhookDelivery.objects.owned_by(owner).filter(webhook=row, id=delivery_id)
    delivery: WebhookDelivery | None = found.first()
    if delivery is None:
        raise NotFoundError("There is no such delivery here.")
    anew: dict[str, Any] = {"status": DeliveryStatus.WAITING, "tries": 0, "due_at": now, "finished_at": None}
    if not found.exclude(status__in=ON_THE_WAY, due_at__lte=now).update(**anew):
        raise ConflictError("It is being sent just now.", code="delivery_under_way")
    _record(row, AuditAction.WEBHOOK_REPLAY, actor=actor, owner=owner, now=now, delivery=delivery.text_id)
    transaction.on_commit(ring_for_webhooks)
    return delivery


def _check_right(actor: Actor, owner: OwnerRef) -> None:
    require(actor, Permission.WEBHOOKS_MANAGE, owner)
    require(with_fresh_rights(actor=actor, owner=owner), Permission.WEBHOOKS_MANAGE, owner)


def _locked(actor: Actor, owner: OwnerRef, webhook_id: UUID) -> Webhook:
    """The row, nobody else's until the transaction ends."""
    _check_right(actor, owner)
    rows = Webhook.objects.owned_by(owner).select_for_update(of=("self",))
    row: Webhook | None = rows.filter(id=webhook_id).first()
    if row is None:
        raise NotFoundError("There is no such webhook here.")
    return row


def _must_send(row: Webhook) -> None:
    if row.status != WebhookStatus.ACTIVE:
        message = f"This webhook is {row.word.label.lower()}. Resume it first."
        raise ConflictError(message, code="webhook_not_active")


def _checked(plan: WebhookPlan) -> tuple[str, list[str]]:
    url = plan.url.strip()
    if not url or len(url) > URL_LENGTH:
        raise DomainError(f"Give an address of 1 to {URL_LENGTH} characters.", code="invalid_url", field="url")
    try:
        outbound().check_url(url)
    except TransportError as error:
        message = f"{error.message} Give an address that is open to everybody, beginning with https://."
        raise DomainError(message, code="url_refused", field="url") from None
    events = [event.value for event in WebhookEvent if event.value in set(plan.events)]
    if not events:
        raise DomainError("Choose at least one event.", code="events_missing", field="events")
    if len(plan.description.strip()) > DESCRIPTION_LENGTH:
        message = f"The description has at most {DESCRIPTION_LENGTH} characters."
        raise DomainError(message, code="description_too_long", field="description")
    return url, events


def _wants_runs(row: Webhook) -> bool:
    return WebhookEvent.EXECUTION_ENDED.value in row.events


def _runs_from(row: Webhook, now: datetime) -> datetime | None:
    """Of runs it is told from now on, where it wants to be at all and is not switched off."""
    return now if _wants_runs(row) and row.status != WebhookStatus.OFF else None


def _record(
    row: Webhook, action: AuditAction, *, actor: Actor, owner: OwnerRef, now: datetime, **details: Detail
) -> None:
    """Of the address only the host: the rest may be a secret of the receiver's."""
    target = Target("webhook", row.text_id, row.name)
    facts: dict[str, Detail] = {"host": row.host, **details}
    record(actor=actor, owner=owner, action=action, target=target, details=facts, now=now)
