"""One delivery of a webhook: look at it, send it again; and send a test."""

import json
from typing import Any

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.http import require_POST, require_safe

from accounts.ids import from_text
from integrations.queries.webhooks import get_delivery, get_webhook
from integrations.services.webhooks import replay_delivery, send_test_event
from integrations.views.webhooks import read_id, which
from orgs.addresses import owner_url
from orgs.decorators import OwnedRequest, for_owner
from orgs.errors import ConflictError
from orgs.permissions import Permission


@for_owner(Permission.WEBHOOKS_MANAGE)
@require_safe
def detail(request: OwnedRequest, webhook_id: str, delivery_id: str) -> HttpResponse:
    reading: dict[str, Any] = {"actor": request.actor, "owner": request.owner}
    row = get_webhook(**reading, webhook_id=read_id(webhook_id))
    found = get_delivery(**reading, webhook=row, delivery_id=from_text("msg", delivery_id))
    context = {
        "webhook": row,
        "detail": found,
        "row": found.row,
        "headers": "\n".join(f"{name}: {value}" for name, value in found.headers.items()),
        "message": json.loads(found.body),
    }
    return render(request, "integrations/webhooks/delivery.html", context)


@for_owner(Permission.WEBHOOKS_MANAGE)
@require_POST
def test(request: OwnedRequest, webhook_id: str) -> HttpResponse:
    try:
        row = send_test_event(**which(request, webhook_id), now=timezone.now())
    except ConflictError as error:
        messages.warning(request, error.message)
        return redirect(owner_url(request.owner, "webhook", webhook_id=webhook_id))
    messages.success(request, "A test is on its way. Reload this page to see what the receiver answered.")
    return _to(request, webhook_id, row.text_id)


@for_owner(Permission.WEBHOOKS_MANAGE)
@require_POST
def replay(request: OwnedRequest, webhook_id: str, delivery_id: str) -> HttpResponse:
    wanted = from_text("msg", delivery_id)
    try:
        replay_delivery(**which(request, webhook_id), delivery_id=wanted, now=timezone.now())
    except ConflictError as error:
        messages.warning(request, error.message)
    else:
        messages.success(request, "It is on its way again, under the same ID. Reload this page to see the answer.")
    return _to(request, webhook_id, delivery_id)


def _to(request: OwnedRequest, webhook_id: str, delivery_id: str) -> HttpResponse:
    return redirect(owner_url(request.owner, "webhook_delivery", webhook_id=webhook_id, delivery_id=delivery_id))
