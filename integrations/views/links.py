"""Connect links: where a program sends its person, and where the person goes on from afterwards."""

from typing import Final
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.http import require_safe

from accounts.ids import from_text
from integrations.queries.connect_links import find_link
from integrations.services.connections import open_link
from orgs.addresses import owner_url
from orgs.decorators import SignedInRequest, signed_in
from orgs.errors import NotFoundError

OVER: Final = {"failed": "failed", "finished": "success"}


@signed_in
@require_safe
def follow(request: SignedInRequest, token: str) -> HttpResponse:
    """On to the consent page, for the very person whose key asked; nothing is stored by opening it."""
    now = timezone.now()
    link = open_link(actor=request.actor, token=token, now=now)
    if not link.is_open(now):
        return redirect("connect_link_done", account_id=link.text_id)
    query = {"way": link.auth_config.text_id, "link": link.text_id}
    if link.reconnects_id:
        query["reconnect"] = f"ca_{link.reconnects_id.hex}"
    page = owner_url(link.owner.ref, "connect_toolkit", toolkit=link.auth_config.toolkit.slug)
    return redirect(f"{page}?{urlencode(query)}")


@signed_in
@require_safe
def done(request: SignedInRequest, account_id: str) -> HttpResponse:
    """How it ended, and the way on to where the program wants its person."""
    link = find_link(actor=request.actor, account_id=from_text("ca", account_id))
    if link is None or link.user_id != request.actor.user_id:
        raise NotFoundError("This link is not one of yours, or it is over.")
    context = {"link": link, "toolkit": link.auth_config.toolkit, "is_open": link.is_open(timezone.now())}
    if link.callback_url and link.status in OVER:
        context["onward"] = _onward(link.callback_url, OVER[link.status], link)
        context["host"] = urlsplit(link.callback_url).netloc
    return render(request, "integrations/connections/link.html", context)


def _onward(url: str, status: str, link: object) -> str:
    """The program's own address, told how it ended and which account it is."""
    account = getattr(link, "connected_account", None)
    parts = urlsplit(url)
    query = [*parse_qsl(parts.query, keep_blank_values=True), ("status", status)]
    if account is not None:
        query.append(("connected_account_id", account.text_id))
    return urlunsplit(parts._replace(query=urlencode(query)))
