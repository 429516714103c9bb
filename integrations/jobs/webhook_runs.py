"""Which runs ended that webhooks were not told of yet: read off the runs themselves.

Runs end at a dozen places, each with one conditional UPDATE. None of them needs to know of webhooks: the row of the
run is the outbox of its own end, so no crash between the two can lose an event.
"""

from datetime import datetime, timedelta
from typing import Any, Final

from django.db.models import Exists, OuterRef, Q

from integrations.models import Execution, Webhook, WebhookDelivery
from integrations.models.owned import OWNER_NAMES
from integrations.models.webhook_words import LISTENING
from integrations.webhook_events import deliveries_of_runs

BATCH: Final = 200
HOOKS: Final = 50
# A run's end carries the moment at which its transaction began: it may be seen a little later than it says.
LATE: Final = timedelta(minutes=10)
STALE: Final = timedelta(hours=1)
EVERYBODYS: Final = "the sweep serves every owner"


def tell_of_ended_runs(now: datetime) -> int:
    """Store a delivery for each; how many. Two sweeps at once store each once: a constraint sees to it."""
    missing = _listening().filter(
        Exists(_untold(OuterRef("owner__organization_id"), OuterRef("runs_from"), OuterRef(OuterRef("pk"))))
    )
    hooks = list(missing.select_related("owner__organization", "owner__user").order_by("runs_from", "id")[:HOOKS])
    told = sum(_tell(hook, now) for hook in hooks)
    if len(hooks) < HOOKS:  # all others have seen everything: they need not look back so far again
        rest = _listening().filter(runs_from__lt=now - STALE).exclude(pk__in=[hook.pk for hook in hooks])
        rest.update(runs_from=now - LATE)
    return told


def _listening() -> Any:
    return Webhook.objects.unscoped(EVERYBODYS).filter(status__in=LISTENING, runs_from__isnull=False)


def _untold(organization_id: Any, since: Any, webhook: Any) -> Any:
    """Runs under the organization's ID and under those of its applications' end users."""
    told = WebhookDelivery.objects.unscoped(EVERYBODYS).filter(webhook=webhook, run_id=OuterRef("pk"))
    its_own = Q(owner__organization_id=organization_id)
    end_users = Q(owner__end_user__application__organization_id=organization_id)
    rows = Execution.objects.unscoped(EVERYBODYS).filter(its_own | end_users, finished_at__gte=since)
    return rows.filter(~Exists(told))


def _tell(hook: Webhook, now: datetime) -> int:
    rows = _untold(hook.owner.organization_id, hook.runs_from, hook.pk).select_related("tool__toolkit", *OWNER_NAMES)
    runs = list(rows.order_by("finished_at", "id")[:BATCH])
    made = deliveries_of_runs(hook, runs, now=now)
    WebhookDelivery.objects.get_queryset().bulk_create(made, ignore_conflicts=True)
    if len(runs) < BATCH and hook.runs_from is not None and hook.runs_from < now - LATE:
        _listening().filter(pk=hook.pk, runs_from=hook.runs_from).update(runs_from=now - LATE)
    return len(made)
