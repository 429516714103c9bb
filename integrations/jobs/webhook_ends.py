"""An endpoint that failed for long is switched off, and whoever can mend it is told; old deliveries are forgotten."""

from datetime import datetime, timedelta
from typing import Any, Final

from django.db import transaction

from integrations.models import Webhook, WebhookDelivery
from integrations.models.webhook_words import ON_THE_WAY, DeliveryStatus, WebhookStatus
from orgs.addresses import owner_url
from orgs.audit import AuditAction, Target
from orgs.notices import NoticeKind
from orgs.permissions import Permission
from orgs.queries.people import holders
from orgs.services.audit import record
from orgs.services.notices import notify

OFF_AFTER: Final = timedelta(days=3)
OFF_FAILURES: Final = 10  # in a row: one event in three days says little
GIVE_UP_AFTER: Final = timedelta(days=3)  # what waited that long at a paused endpoint is old news
KEEP: Final = timedelta(days=30)
BATCH: Final = 500
FAILED: Final = "Every attempt failed for three days."
ADVICE: Final = "Nothing is sent to it any more. Mend the receiver, then switch it on again and send what it missed."
GONE: Final = "The receiver answered 410: it is gone for good."


def switch_off(hook: Any, now: datetime, *, is_gone: bool) -> bool:
    """Inside the transaction that stores the failure. `hook` is the row; whether it was switched off now."""
    long_failing = hook.filter(failing_since__lte=now - OFF_AFTER, failures__gte=OFF_FAILURES)
    rows = (hook if is_gone else long_failing).filter(status=WebhookStatus.ACTIVE)
    if not rows.update(status=WebhookStatus.OFF, runs_from=None):
        return False
    webhook = hook.select_related("owner__organization", "owner__user").get()
    waiting = WebhookDelivery.objects.owned_by(webhook.owner.ref).filter(webhook=webhook, status__in=ON_THE_WAY)
    waiting.update(status=DeliveryStatus.GIVEN_UP, due_at=None, finished_at=now)
    _say(webhook, GONE if is_gone else FAILED, now)
    return True


def _say(webhook: Webhook, why: str, now: datetime) -> None:
    owner = webhook.owner.ref
    target = Target("webhook", webhook.text_id, webhook.name)
    details = {"host": webhook.host, "reason": why}
    record(actor=None, owner=owner, action=AuditAction.WEBHOOK_OFF, target=target, details=details, now=now)
    notify(
        actor=None,
        users=holders(actor=None, owner=owner, permission=Permission.WEBHOOKS_MANAGE),
        kind=NoticeKind.WEBHOOK,
        title=f"Webhook {webhook.name} was switched off",
        text=f"{why} {ADVICE}",
        path=owner_url(owner, "webhook", webhook_id=webhook.text_id),
        owner=owner,
        now=now,
    )


@transaction.atomic
def forget_old_deliveries(now: datetime) -> int:
    """What is over goes after a month; what is still on its way after days is given up first."""
    rows = WebhookDelivery.objects.unscoped("the sweep serves every owner")
    late = rows.filter(status__in=ON_THE_WAY, due_at__lt=now - GIVE_UP_AFTER)
    late.update(status=DeliveryStatus.GIVEN_UP, due_at=None, finished_at=now)
    old = rows.filter(due_at=None, created_at__lt=now - KEEP).values_list("id", flat=True)[:BATCH]
    return int(rows.filter(id__in=list(old)).delete()[0])
