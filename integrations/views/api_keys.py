"""API keys of a person or an organization: make, rotate, revoke. The text of a key is shown once."""

from datetime import datetime
from http import HTTPStatus
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts.ids import from_text
from integrations.forms.api_keys import KeyForm, LifetimeForm
from integrations.queries.key_usage import usage_of_key
from orgs.addresses import owner_url
from orgs.decorators import OwnedRequest, for_owner, freshly_signed_in
from orgs.errors import ConflictError, DomainError, NotFoundError
from orgs.forms import show_error
from orgs.permissions import Permission
from orgs.queries.api_keys import list_keys, listed_key
from orgs.services.api_keys import create_api_key, keep_api_key, revoke_api_key, rotate_api_key


@for_owner(Permission.API_KEYS_MANAGE)
@require_safe
def index(request: OwnedRequest) -> HttpResponse:
    rows = list_keys(actor=request.actor, owner=request.owner, now=timezone.now())
    review = [row for row in rows if row.needs_review]
    return render(request, "integrations/api_keys/list.html", {"rows": rows, "review": review})


@for_owner(Permission.API_KEYS_MANAGE)
@require_http_methods(["GET", "HEAD", "POST"])
@freshly_signed_in
def new(request: OwnedRequest) -> HttpResponse:
    places = [] if request.owner.is_organization else [one for one in request.actor.reach() if one.is_organization]
    form = KeyForm(request.POST if request.method == "POST" else None, places=places)
    if request.method == "POST" and form.is_valid() and (done := _make(request, form, timezone.now())):
        return done
    status = HTTPStatus.UNPROCESSABLE_ENTITY if form.errors else HTTPStatus.OK
    return render(request, "integrations/api_keys/new.html", {"form": form}, status=status)


def _make(request: OwnedRequest, form: KeyForm, now: datetime) -> HttpResponse | None:
    try:
        key, text = create_api_key(
            actor=request.actor,
            owner=request.owner,
            name=form.cleaned_data["name"],
            scopes=form.chosen_scopes,
            expires_at=form.expires_at(now),
            organization=form.place,
            now=now,
        )
    except DomainError as error:
        show_error(form, error)
        return None
    return _shown_once(request, key, text)


def _shown_once(request: OwnedRequest, key: Any, text: str) -> HttpResponse:
    """The answer to the POST itself: the text is in no session, no address and no message."""
    return render(request, "integrations/api_keys/made.html", {"key": key, "text": text})


@for_owner(Permission.API_KEYS_MANAGE)
@require_safe
def detail(request: OwnedRequest, key_id: str) -> HttpResponse:
    return render(request, "integrations/api_keys/key.html", _context(request, key_id))


@for_owner(Permission.API_KEYS_MANAGE)
@require_http_methods(["GET", "HEAD", "POST"])
@freshly_signed_in
def rotate(request: OwnedRequest, key_id: str) -> HttpResponse:
    """A second key that may do the same. Both work until the first is revoked."""
    context = _context(request, key_id)
    form = LifetimeForm(request.POST if request.method == "POST" else None)
    if request.method == "POST" and form.is_valid() and (done := _second(request, key_id, form)):
        return done
    status = HTTPStatus.UNPROCESSABLE_ENTITY if form.errors else HTTPStatus.OK
    return render(request, "integrations/api_keys/rotate.html", {**context, "form": form}, status=status)


def _second(request: OwnedRequest, key_id: str, form: LifetimeForm) -> HttpResponse | None:
    now = timezone.now()
    try:
        key, text = rotate_api_key(**_which(request, key_id), expires_at=form.expires_at(now), now=now)
    except DomainError as error:
        form.add_error("days" if error.field else None, error.message)
        return None
    return _shown_once(request, key, text)


@for_owner(Permission.API_KEYS_MANAGE)
@require_http_methods(["GET", "HEAD", "POST"])
def revoke(request: OwnedRequest, key_id: str) -> HttpResponse:
    """What used it first, then the deed."""
    context = _context(request, key_id)
    if request.method == "POST":
        _try(request, "is revoked. It opens nothing any more.", revoke_api_key, key_id)
        return redirect(owner_url(request.owner, "api_keys"))
    return render(request, "integrations/api_keys/revoke.html", context)


@for_owner(Permission.API_KEYS_MANAGE)
@require_POST
def keep(request: OwnedRequest, key_id: str) -> HttpResponse:
    _try(request, "stays. You are not asked about it again.", keep_api_key, key_id)
    return redirect(owner_url(request.owner, "api_keys"))


def _try(request: OwnedRequest, done: str, service: Any, key_id: str) -> None:
    try:
        key = service(**_which(request, key_id), now=timezone.now())
    except ConflictError as error:
        messages.warning(request, error.message)
    else:
        messages.success(request, f"{key.name} {done}")


def _context(request: OwnedRequest, key_id: str) -> dict[str, Any]:
    now = timezone.now()
    row = listed_key(**_which(request, key_id), now=now)
    usage = usage_of_key(actor=request.actor, owner=request.owner, key=row.key, now=now)
    return {"row": row, "key": row.key, "usage": usage}


def _which(request: OwnedRequest, key_id: str) -> dict[str, Any]:
    return {"actor": request.actor, "owner": request.owner, "key_id": _read_id(key_id)}


def _read_id(key_id: str) -> UUID:
    found = from_text("key", key_id)
    if found is None:
        raise NotFoundError("There is no such API key here.")
    return found
