"""The ASGI app in front of the MCP server: address, host, origin and credentials, before anything else is read."""

import asyncio
import json
from collections.abc import Awaitable, Callable
from http import HTTPStatus
from io import BytesIO
from typing import Any, Final
from urllib.parse import urlsplit

import structlog
from asgiref.sync import ThreadSensitiveContext
from django.conf import settings
from django.core.exceptions import DisallowedHost
from django.core.handlers.asgi import ASGIRequest
from django.utils import timezone

from accounts.ids import new_id
from integrations.doors.keys import identify, refuse_misplaced
from integrations.mcp.handshake import recall, session_header
from integrations.mcp.place import PREFIX, SCOPE_KEY, Place, audience_of, place_of
from integrations.mcp.running import in_database
from integrations.mcp.scopes import GRANTABLE, NEEDED
from integrations.mcp.server import answer_request
from orgs.audit import AuditAction, Target, denied
from orgs.errors import DomainError, ForbiddenError, TooManyError, UnauthenticatedError
from orgs.permissions import Actor
from orgs.services.audit import log_of, record

Message = dict[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]

METADATA: Final = "/.well-known/oauth-protected-resource"
KEY_MISSING: Final = "Sign in by OAuth, or send an API key in the header x-api-key or as Authorization: Bearer."
IN_ADDRESS: Final = "Credentials do not belong into the address: it ends up in logs. Send them in a header."
SUSPICIOUS: Final = frozenset({"access_token", "token", "api_key", "apikey", "key", "x-api-key", "authorization"})
log = structlog.get_logger(__name__)


def is_for_mcp(scope: Any) -> bool:
    return scope["type"] == "http" and str(scope["path"]).startswith((PREFIX, f"{METADATA}{PREFIX}"))


async def mcp_app(scope: Any, receive: Receive, send: Send) -> None:
    """Answer one request under `/mcp/`."""
    structlog.contextvars.bind_contextvars(request_id=new_id().hex)
    async with ThreadSensitiveContext():
        try:
            await _answer(scope, receive, send)
        except DomainError as error:
            log.info("mcp.refused", code=error.code, status=int(error.status))
            await _refuse(error, scope, send)
        finally:
            structlog.contextvars.unbind_contextvars("request_id")


async def _answer(scope: Any, receive: Receive, send: Send) -> None:
    request = ASGIRequest(scope, BytesIO())
    _check_host(request)
    if scope["path"].startswith(METADATA):
        await _send_json(send, HTTPStatus.OK, _metadata(scope["path"].removeprefix(METADATA)))
    elif scope["method"] != "POST":  # no stream stands open here, and there is no session of the protocol to delete
        await _send_json(send, HTTPStatus.METHOD_NOT_ALLOWED, _error("Send JSON-RPC by POST."), allow="POST")
    else:
        place = await in_database(lambda: _place(request))
        await _serve(place, scope, receive, send)


def _check_host(request: ASGIRequest) -> None:
    """A page in somebody's browser that was led here by DNS has another origin or host than ours (check M3)."""
    try:
        request.get_host()
    except DisallowedHost:
        error = DomainError("This is not the address of this installation.", code="host_not_allowed")
        error.status = HTTPStatus.MISDIRECTED_REQUEST
        raise error from None
    origin = request.headers.get("Origin")
    if origin is not None and origin != _origin():
        raise ForbiddenError("Requests from web pages of other sites are not answered.", code="origin_not_allowed")


def _origin() -> str:
    base = urlsplit(settings.BASE_URL)
    return f"{base.scheme}://{base.netloc}"


def _place(request: ASGIRequest) -> Place:
    """Who asks, and where: 401, then 403 for what the key lacks, then 404 for what is not theirs."""
    actor = _actor(request)
    missing = [scope for scope in NEEDED if actor.scopes is not None and scope not in actor.scopes]
    if missing:
        needed = " ".join(NEEDED)
        raise ForbiddenError(f"This key lacks {', '.join(missing)}. MCP needs {needed}.", code="insufficient_scope")
    try:
        place = place_of(request.path, actor)
    except DomainError as error:
        _note(actor, error)
        raise
    recall(place, request.headers)
    return place


def _actor(request: ASGIRequest) -> Actor:
    if SUSPICIOUS & {name.casefold() for name in request.GET}:
        raise UnauthenticatedError(IN_ADDRESS, code="api_key_misplaced")
    refuse_misplaced(request)
    text = request.headers.get("x-api-key", "")
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    if not text and scheme.casefold() == "bearer":
        text = token.strip()
    if not text:
        raise UnauthenticatedError(KEY_MISSING, code="api_key_missing")
    return identify(request, text, audience=audience_of(request.path))


def _note(actor: Actor, error: DomainError) -> None:
    """A refusal that the rules made stands in the actor's own log (check T32)."""
    owner = log_of(actor=actor, owner=None)
    if error.is_denial and owner is not None:
        target, result = Target("page", label="/mcp/"), denied(error.code)
        record(
            actor=actor, owner=owner, action=AuditAction.ACCESS_CHECK, target=target, result=result, now=timezone.now()
        )


async def _serve(place: Place, scope: Any, receive: Receive, send: Send) -> None:
    """Hand the request over, and listen for the client hanging up meanwhile."""
    messages: asyncio.Queue[Message] = asyncio.Queue()

    async def listen() -> None:
        while True:
            message = await receive()
            if message["type"] == "http.disconnect":
                place.gone.set()
            await messages.put(message)
            if message["type"] == "http.disconnect":
                return

    said_before = place.opens_links.is_set()

    async def send_named(message: Message) -> None:
        if message["type"] == "http.response.start" and place.opens_links.is_set() and not said_before:
            message = {**message, "headers": [*message["headers"], session_header(place)]}
        await send(message)

    listener = asyncio.ensure_future(listen())
    try:
        await answer_request({**scope, SCOPE_KEY: place}, messages.get, send_named)
    finally:
        listener.cancel()


def _metadata(path: str) -> dict[str, Any]:
    """Of the protected resource (RFC 9728)."""
    return {
        "resource": f"{settings.BASE_URL}{path}",
        "resource_name": "Switchboard",
        "authorization_servers": [settings.BASE_URL],
        "bearer_methods_supported": ["header"],
        "scopes_supported": list(GRANTABLE),
    }


async def _refuse(error: DomainError, scope: Any, send: Send) -> None:
    headers: dict[str, str] = {}
    metadata = f'resource_metadata="{settings.BASE_URL}{METADATA}{scope["path"]}"'
    if error.status == HTTPStatus.UNAUTHORIZED:
        sent = "" if error.code == "api_key_missing" else 'error="invalid_token", '  # RFC 6750 section 3.1
        headers["www_authenticate"] = f'Bearer {sent}{metadata}, scope="{" ".join(GRANTABLE)}"'
    elif error.code == "insufficient_scope":
        headers["www_authenticate"] = f'Bearer error="insufficient_scope", scope="{" ".join(NEEDED)}", {metadata}'
    elif isinstance(error, TooManyError):
        headers["retry_after"] = str(error.details)
    await _send_json(send, HTTPStatus(error.status), _error(error.message, error.code), **headers)


def _error(message: str, slug: str = "") -> dict[str, Any]:
    """A JSON-RPC error without a request, for what is refused before one was read."""
    return {"jsonrpc": "2.0", "id": None, "error": {"code": -32001, "message": message, "data": {"slug": slug}}}


async def _send_json(send: Send, status: HTTPStatus, body: dict[str, Any], **headers: str) -> None:
    named = {"content-type": "application/json", "cache-control": "no-store", **headers}
    lines = [(name.replace("_", "-").encode(), value.encode()) for name, value in named.items()]
    await send({"type": "http.response.start", "status": int(status), "headers": lines})
    await send({"type": "http.response.body", "body": json.dumps(body).encode()})
