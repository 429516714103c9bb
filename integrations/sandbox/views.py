"""The sandbox's pages and OAuth endpoints."""

from collections.abc import Callable
from functools import partial
from typing import Any

from authlib.oauth2 import OAuth2Error
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from integrations.sandbox import contents
from integrations.sandbox.doors import for_programs, public
from integrations.sandbox.identities import CHANNELS, IDENTITIES, SCOPES, Identity
from integrations.sandbox.models import Message
from integrations.sandbox.server import Revocation, server

SHOWN = 10
ALLOW = "allow"


@public
@never_cache
@require_GET
def index(request: HttpRequest) -> HttpResponse:
    """Everything at a glance, so that a person sees what a tool did."""
    mailboxes = [
        {
            "identity": identity,
            "inbox": contents.messages_of(identity, Message.Folder.INBOX)[:SHOWN],
            "sent": contents.messages_of(identity, Message.Folder.SENT)[:SHOWN],
        }
        for identity in IDENTITIES.values()
    ]
    return render(request, "sandbox/index.html", {"mailboxes": mailboxes, "channels": _channels()})


@public
@never_cache
@require_http_methods(["GET", "POST"])
def authorize(request: HttpRequest) -> HttpResponse:
    """The consent page. Whoever opens it chooses which of the pretend people to be."""
    try:
        grant = server.get_consent_grant(request)
    except OAuth2Error as error:
        return _refusal(request, error)
    if request.method == "POST":
        identity = _chosen(request)
        if identity is not None or request.POST.get("decision") != ALLOW:
            response: HttpResponse = server.create_authorization_response(request, identity, grant)
            return response
    return _consent_page(request, grant)


@for_programs
@require_POST
def token(request: HttpRequest) -> HttpResponse:
    return _answer(request, server.create_token_response)


@for_programs
@require_POST
def revoke(request: HttpRequest) -> HttpResponse:
    return _answer(request, partial(server.create_endpoint_response, Revocation.ENDPOINT_NAME))


def _answer(request: HttpRequest, respond: Callable[[HttpRequest], HttpResponse]) -> HttpResponse:
    try:
        return respond(request)
    except OAuth2Error as error:
        response: HttpResponse = server.handle_error_response(None, error)
        return response


def _chosen(request: HttpRequest) -> Identity | None:
    if request.POST.get("decision") != ALLOW:
        return None
    return IDENTITIES.get(request.POST.get("identity", ""))


def _consent_page(request: HttpRequest, grant: Any) -> HttpResponse:
    asked = [(name, SCOPES[name]) for name in grant.request.scope.split()]
    context = {"identities": IDENTITIES.values(), "scopes": asked, "needs_choice": request.method == "POST"}
    return render(request, "sandbox/authorize.html", context, status=422 if context["needs_choice"] else 200)


def _refusal(request: HttpRequest, error: OAuth2Error) -> HttpResponse:
    """Back to the client only where its redirect URI is known to be good (RFC 6749 section 4.1.2.1)."""
    if getattr(error, "redirect_uri", None):
        response: HttpResponse = server.handle_error_response(None, error)
        return response
    return render(request, "sandbox/refused.html", {"code": error.error}, status=400)


def _channels() -> list[dict[str, Any]]:
    return [
        {
            "channel": channel,
            "posts": [(IDENTITIES[item.author], item) for item in contents.posts_in(channel.slug)[:SHOWN]],
        }
        for channel in CHANNELS.values()
    ]
