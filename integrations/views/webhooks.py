"""Webhooks of an organization: set up, look after, delete. A secret is shown once, in the answer that made it."""

from http import HTTPStatus
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts.htmx import wants_fragment
from accounts.ids import from_text
from integrations.forms.webhooks import DeliveryFilterForm, WebhookForm
from integrations.queries.webhooks import (
    EVENT_CHOICES,
    STATUS_CHOICES,
    get_webhook,
    has_deliveries,
    list_deliveries,
    list_webhooks,
)
from integrations.services.webhooks import (
    change_webhook,
    create_webhook,
    delete_webhook,
    pause_webhook,
    resume_webhook,
    rotate_webhook_secret,
)
from orgs.addresses import owner_url
from orgs.decorators import OwnedRequest, for_owner, freshly_signed_in
from orgs.errors import ConflictError, DomainError, NotFoundError
from orgs.forms import show_error
from orgs.paging import page_url
from orgs.permissions import Permission

FILTERS = ("status", "event")


@for_owner(Permission.WEBHOOKS_MANAGE)
@require_safe
def index(request: OwnedRequest) -> HttpResponse:
    rows = list_webhooks(actor=request.actor, owner=request.owner)
    return render(request, "integrations/webhooks/list.html", {"rows": rows})


@for_owner(Permission.WEBHOOKS_MANAGE)
@require_http_methods(["GET", "HEAD", "POST"])
@freshly_signed_in
def new(request: OwnedRequest) -> HttpResponse:
    form = WebhookForm(request.POST if request.method == "POST" else None)
    if request.method == "POST" and form.is_valid() and (done := _make(request, form)):
        return done
    status = HTTPStatus.UNPROCESSABLE_ENTITY if form.errors else HTTPStatus.OK
    return render(request, "integrations/webhooks/new.html", {"form": form}, status=status)


def _make(request: OwnedRequest, form: WebhookForm) -> HttpResponse | None:
    try:
        row, secret = create_webhook(actor=request.actor, owner=request.owner, plan=form.plan, now=timezone.now())
    except DomainError as error:
        show_error(form, error)
        return None
    return _shown_once(request, row, secret)


def _shown_once(request: OwnedRequest, row: Any, secret: str) -> HttpResponse:
    """The answer to the POST itself: the secret is in no session, no address and no message."""
    return render(request, "integrations/webhooks/made.html", {"webhook": row, "secret": secret})


@for_owner(Permission.WEBHOOKS_MANAGE)
@require_safe
def detail(request: OwnedRequest, webhook_id: str) -> HttpResponse:
    reading: dict[str, Any] = {"actor": request.actor, "owner": request.owner}
    row = get_webhook(**reading, webhook_id=read_id(webhook_id))
    form = DeliveryFilterForm(request.GET)
    before, after = request.GET.get("before", ""), request.GET.get("after", "")
    page = list_deliveries(**reading, webhook=row, filters=form.filters, before=before, after=after)
    context = {
        "webhook": row,
        "both_sign": row.old_secret_signs(timezone.now()),
        "page": page,
        "filters": form.filters,
        "ignored": form.ignored,
        "choices": {"status": STATUS_CHOICES, "event": EVENT_CHOICES},
        "has_any": bool(page.rows) or has_deliveries(**reading, webhook=row),
        "older_url": page_url(request.GET, FILTERS, before=page.older),
        "newer_url": page_url(request.GET, FILTERS, after=page.newer),
    }
    name = "_deliveries" if wants_fragment(request) else "webhook"
    return render(request, f"integrations/webhooks/{name}.html", context)


@for_owner(Permission.WEBHOOKS_MANAGE)
@require_http_methods(["GET", "HEAD", "POST"])
def change(request: OwnedRequest, webhook_id: str) -> HttpResponse:
    row = get_webhook(actor=request.actor, owner=request.owner, webhook_id=read_id(webhook_id))
    now_set = {"url": row.url, "description": row.description, "events": row.events}
    form = WebhookForm(request.POST if request.method == "POST" else None, initial=now_set)
    if request.method == "POST" and form.is_valid():
        try:
            change_webhook(**which(request, webhook_id), plan=form.plan, now=timezone.now())
        except DomainError as error:
            show_error(form, error)
        else:
            messages.success(request, "Changed. Events go out like this from now on.")
            return redirect(owner_url(request.owner, "webhook", webhook_id=webhook_id))
    status = HTTPStatus.UNPROCESSABLE_ENTITY if form.errors else HTTPStatus.OK
    return render(request, "integrations/webhooks/change.html", {"form": form, "webhook": row}, status=status)


@for_owner(Permission.WEBHOOKS_MANAGE)
@require_http_methods(["GET", "HEAD", "POST"])
@freshly_signed_in
def rotate(request: OwnedRequest, webhook_id: str) -> HttpResponse:
    """What it means, then the new secret. For a day the old one signs too."""
    row = get_webhook(actor=request.actor, owner=request.owner, webhook_id=read_id(webhook_id))
    if request.method == "POST":
        return _shown_once(request, *rotate_webhook_secret(**which(request, webhook_id), now=timezone.now()))
    context = {"webhook": row, "both_sign": row.old_secret_signs(timezone.now())}
    return render(request, "integrations/webhooks/rotate.html", context)


@for_owner(Permission.WEBHOOKS_MANAGE)
@require_POST
def pause(request: OwnedRequest, webhook_id: str) -> HttpResponse:
    return _try(request, webhook_id, pause_webhook, "Paused. Events wait here until you resume it.")


@for_owner(Permission.WEBHOOKS_MANAGE)
@require_POST
def resume(request: OwnedRequest, webhook_id: str) -> HttpResponse:
    return _try(request, webhook_id, resume_webhook, "It is active. What waited goes out now.")


def _try(request: OwnedRequest, webhook_id: str, service: Any, done: str) -> HttpResponse:
    try:
        service(**which(request, webhook_id), now=timezone.now())
    except ConflictError as error:
        messages.warning(request, error.message)
    else:
        messages.success(request, done)
    return redirect(owner_url(request.owner, "webhook", webhook_id=webhook_id))


@for_owner(Permission.WEBHOOKS_MANAGE)
@require_http_methods(["GET", "HEAD", "POST"])
def delete(request: OwnedRequest, webhook_id: str) -> HttpResponse:
    row = get_webhook(actor=request.actor, owner=request.owner, webhook_id=read_id(webhook_id))
    if request.method == "POST":
        delete_webhook(**which(request, webhook_id), now=timezone.now())
        messages.success(request, f"{row.name} is deleted. Nothing is sent to it any more.")
        return redirect(owner_url(request.owner, "webhooks"))
    return render(request, "integrations/webhooks/delete.html", {"webhook": row})


def which(request: OwnedRequest, webhook_id: str) -> dict[str, Any]:
    return {"actor": request.actor, "owner": request.owner, "webhook_id": read_id(webhook_id)}


def read_id(webhook_id: str) -> UUID:
    found = from_text("wh", webhook_id)
    if found is None:
        raise NotFoundError("There is no such webhook here.")
    return found
