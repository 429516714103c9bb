"""A page that a person has to open before a tool runs: asked for through the client, where it can (check M13).

The link is the same as in text. It names nobody: whoever opens it signs in, and acts for themself (check O6).
That of an end user is for them alone, and for the first browser that agrees there.
"""

from dataclasses import dataclass
from typing import Any, Final

from mcp.shared.exceptions import UrlElicitationRequiredError
from mcp_types import CallToolRequestParams, ElicitRequest, ElicitRequestURLParams, InputRequiredResult
from mcp_types.version import HANDSHAKE_PROTOCOL_VERSIONS

from integrations.mcp.answers import page_to_open
from integrations.mcp.place import Place
from integrations.queries.executions import get_execution

KEY: Final = "open_page"
HOW_TO_GO_ON: Final = "Open the page, do what it asks for, and then call the tool again."


@dataclass(frozen=True)
class Client:
    """What the client that calls can do for its person, and whether it did."""

    opens_links: bool = False
    is_older: bool = False  # it is told by an error; the generation of 2026-07-28 by a result
    has_asked: bool = False  # it comes back with what its person said


def client_of(context: Any, params: CallToolRequestParams, place: Place) -> Client:
    found = context.session.client_capabilities
    declared = found is not None and found.elicitation is not None and found.elicitation.url is not None
    return Client(
        opens_links=declared or place.opens_links.is_set(),
        is_older=context.protocol_version in HANDSHAKE_PROTOCOL_VERSIONS,
        has_asked=KEY in (params.input_responses or {}),
    )


def ask_to_open(place: Place, row: Any, client: Client, link: str = "") -> InputRequiredResult | None:
    """None where the answer has to do: the client cannot, the person was asked, or no page of theirs would help.

    Raises UrlElicitationRequiredError in the older generation.
    """
    if not client.opens_links or client.has_asked or row.status != "denied":
        return None
    decision = get_execution(actor=place.actor, owner=row.owner.ref, execution_id=row.id).decision_now
    url = page_to_open(place, decision, link) if decision else ""
    if not url:
        return None
    message = f"{row.error_message} {HOW_TO_GO_ON}"
    if client.is_older:  # the ID is that of the refused run: as unique, and it opens nothing either
        wanted = ElicitRequestURLParams(message=message, url=url, elicitation_id=row.text_id)
        raise UrlElicitationRequiredError([wanted], message)
    request = ElicitRequest(params=ElicitRequestURLParams(message=message, url=url))
    return InputRequiredResult(input_requests={KEY: request})
