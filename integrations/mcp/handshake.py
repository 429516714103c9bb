"""What a client of the older generation said of itself, carried by its session ID: nothing is kept here (check M6).

Clients of 2025-11-25 say what they can do once, in `initialize`, and send the session ID of the answer with each later
request. Ours says one thing, which is why nobody else gets one: this client leads its person to a page. It is good with
the key and at the address that it was made for, and it opens nothing.
"""

from collections.abc import Mapping
from typing import Any, Final

from django.core.signing import BadSignature, Signer
from mcp.server.context import CallNext, HandlerResult, ServerRequestContext
from mcp_types.version import HANDSHAKE_PROTOCOL_VERSIONS, is_version_at_least

from accounts.ids import new_id
from integrations.mcp.place import Place, place_in
from orgs.errors import NotFoundError

HEADER: Final = "mcp-session-id"
VERSION_HEADER: Final = "mcp-protocol-version"
LINKS_SINCE: Final = "2025-11-25"
UNKNOWN: Final = "There is no such session of the protocol with this key at this address. Connect again."


def recall(place: Place, headers: Mapping[str, str]) -> None:
    """Note what the session ID of the request says; NotFoundError for one that is not this key's at this address."""
    text, version = headers.get(HEADER, ""), headers.get(VERSION_HEADER, LINKS_SINCE)
    if not text or version not in HANDSHAKE_PROTOCOL_VERSIONS:
        return
    try:
        _signer(place).unsign(text)
    except BadSignature:
        raise NotFoundError(UNKNOWN, code="mcp_session_unknown") from None
    place.opens_links.set()


async def note_handshake(ctx: ServerRequestContext[Any, Any], call_next: CallNext) -> HandlerResult:
    """Middleware of the server: reads `initialize` on its way."""
    if ctx.method == "initialize" and _agrees_on_links(ctx.params or {}):
        place_in(ctx).opens_links.set()
    return await call_next(ctx)


def session_header(place: Place) -> tuple[bytes, bytes]:
    return HEADER.encode(), _signer(place).sign(new_id().hex).encode()


def opens_links(capabilities: object) -> bool:
    """Whether it declares the URL mode of elicitation. An empty `elicitation` means forms alone."""
    modes = capabilities.get("elicitation") if isinstance(capabilities, Mapping) else None
    return isinstance(modes, Mapping) and isinstance(modes.get("url"), Mapping)


def _agrees_on_links(params: Mapping[str, Any]) -> bool:
    version = params.get("protocolVersion")
    known = isinstance(version, str) and is_version_at_least(version, LINKS_SINCE)
    return known and opens_links(params.get("capabilities"))


def _signer(place: Place) -> Signer:
    return Signer(salt=f"integrations.mcp.session:{place.mark}")
