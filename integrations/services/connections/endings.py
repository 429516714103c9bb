"""Begun connections that end before somebody finished them: first here, then at the provider.

The two halves are apart because nobody is asked over the network while a transaction is open.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from integrations import oauth
from integrations.jobs.withdrawal import held_identity, held_tokens
from integrations.models import ConnectionRequest
from integrations.services.connections.held import abandon, revoke_recorded
from integrations.services.connections.records import record_request
from orgs.audit import AuditAction
from orgs.permissions import Actor


@dataclass(frozen=True)
class EndedFlow:
    """A begun connection that was ended, with the tokens that nobody is going to use."""

    request: ConnectionRequest
    tokens: oauth.Tokens | None
    identity: str  # what the provider calls whoever signed in


def end_flows(
    requests: Iterable[ConnectionRequest], *, actor: Actor, code: str, message: str, now: datetime
) -> list[EndedFlow]:
    """End them, inside the caller's transaction: a callback that comes later finds nothing to finish (check T21).

    Needs their `owner` and `auth_config.toolkit`. `code` and `message` say why, to whoever comes back.
    """
    ended = []
    for request in requests:
        tokens, identity = held_tokens(request), held_identity(request)
        if not abandon(request, actor=actor, code=code, message=message):
            continue
        owner = request.owner.ref
        record_request(request, AuditAction.CONNECTION_DISCARD, actor=actor, owner=owner, now=now, reason=code)
        ended.append(EndedFlow(request, tokens, identity))
    return ended


def give_back(flows: Iterable[EndedFlow], *, actor: Actor, now: datetime) -> None:
    """Withdraw at the provider what waited for a confirmation, with no transaction open."""
    for flow in flows:
        if flow.tokens is not None:
            owner = flow.request.owner.ref
            revoke_recorded(flow.request, flow.tokens, flow.identity, actor=actor, owner=owner, now=now)
