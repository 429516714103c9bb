"""What an MCP address stands for: the acting ID, fixed by the address and the credentials and by nothing else."""

import asyncio
import re
from dataclasses import dataclass, field
from typing import Any, Final

from django.conf import settings

from integrations.queries.tool_sessions import find_session
from orgs.addresses import owner_url_if_any
from orgs.errors import NotFoundError, OutOfReachError
from orgs.permissions import Actor, OwnerRef, owner_meant, read_owner_id
from orgs.queries.end_users import naming

PREFIX: Final = "/mcp/"
PATH: Final = re.compile(r"/mcp/(?:sessions/(?P<session>trs_[0-9a-f]{32})|(?P<owner>(?:user|org|eu)_[0-9a-f]{32}))/?\Z")
ENDED: Final = "This session has ended. Make a new one, and give its address to the agent."
NOBODYS: Final = "No such session or ID within your reach. Copy the address from the page of the session."
SCOPE_KEY: Final = "switchboard.place"  # where the place travels in the ASGI scope


@dataclass(frozen=True)
class Place:
    """Who acts, under which ID, and in which session, if any. `gone` is set when the client has hung up.

    `opens_links`: the client said that it leads its person to a page; set when it says so, or did in its handshake.
    """

    actor: Actor
    owner: OwnerRef
    session: Any = None
    gone: asyncio.Event = field(default_factory=asyncio.Event)
    opens_links: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def mark(self) -> str:
        """Whose key it is, and at which address."""
        where = self.session.text_id if self.session is not None else self.owner.text_id
        return f"{self.actor.key_id}:{where}"

    @property
    def page(self) -> str:
        """Where a person looks after it."""
        if self.session is None:
            return page_url(self.owner, "connections")
        return page_url(self.owner, "session", session_id=self.session.text_id)


def place_in(context: Any) -> Place:
    """The place of the request that the server is answering."""
    place: Place = context.request.scope[SCOPE_KEY]
    return place


def page_url(owner: OwnerRef, name: str, **parts: Any) -> str:
    """The whole address of one of our pages."""
    page = owner_url_if_any(owner, name, **parts)  # an end user has none
    return str(settings.BASE_URL) + page if page else ""


def mcp_url(owner: OwnerRef) -> str:
    return f"{settings.BASE_URL}{PREFIX}{owner.text_id}/"


def audience_of(path: str) -> str:
    """The one way to write an MCP address: what tokens are issued for. Empty when it is none."""
    return path.rstrip("/") if PATH.match(path) else ""


def audience_asked(resource: str) -> str:
    """The same for a whole address, as clients name it (RFC 8707 section 2); empty when it is none of ours."""
    base = str(settings.BASE_URL)
    return audience_of(resource.removeprefix(base)) if resource.startswith(base) else ""


def place_of(path: str, actor: Actor) -> Place:
    """The place behind an address, for an actor within whose reach it is; the same NotFoundError for all others."""
    match = PATH.match(path)
    if match is None:
        raise NotFoundError(NOBODYS)
    if match["session"]:
        return _session_place(match["session"], actor)
    asked = read_owner_id(match["owner"])
    actor = naming(actor=actor, asked=asked)
    owner = owner_meant(actor, asked)
    if owner is None:
        raise OutOfReachError(NOBODYS)
    return Place(actor, owner)


def _session_place(text: str, actor: Actor) -> Place:
    try:
        session = find_session(actor=actor, text=text)
    except NotFoundError:
        raise OutOfReachError(NOBODYS) from None
    if session.has_ended:
        raise NotFoundError(ENDED, code="session_ended")
    return Place(actor, session.owner.ref, session)
