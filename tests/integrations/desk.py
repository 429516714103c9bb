"""A worker's desk: a provider that listens, two tools of it, an account, and executions that are due now."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any
from uuid import UUID

from django.utils import timezone

from accounts.models import User
from integrations.jobs import Claim, claim_next, execute
from integrations.models import ConnectedAccount, Execution, Lane, Tool, Toolkit
from integrations.models.encrypted import seal, unseal
from orgs.models import Organization
from tests.factories import make_connected_account, make_execution, make_tool, make_toolkit
from tests.integrations.engine.servers import Provider

TOKEN = "the-access-token-1"
NOTHING = {
    "type": "object",
    "properties": {"name": {"type": "string"}},
    "required": ["name"],
    "additionalProperties": False,
}


@dataclass
class Desk:
    """What a job needs, with a provider whose answers the test scripts."""

    provider: Provider
    toolkit: Toolkit
    read: Tool
    write: Tool
    holder: User | Organization
    account: ConnectedAccount
    user: User = field(repr=False)

    def queue(self, tool: Tool | None = None, **values: Any) -> Execution:
        """An accepted execution that is due now."""
        now = timezone.now()
        defaults = {
            "owner": self.holder,
            "user": self.user,
            "connected_account": self.account,
            "max_attempts": 3,
            "created_at": now,
            "available_at": now - timedelta(seconds=1),
            "expires_at": now + timedelta(hours=1),
            "decision": {"allowed": True, "because": "newest", "checks": []},
        }
        row = make_execution(tool or self.read, **{**defaults, **values})
        Lane.objects.get_or_create(owner=row.owner, defaults={"last_served_at": now})
        return row

    def work(self) -> Execution:
        """Claim the next execution and bring it to where it gets."""
        claim = self.claim()
        execute(claim)
        return reread(claim.execution_id)

    def claim(self) -> Claim:
        claim = claim_next()
        assert claim is not None
        return claim


def make_desk(provider: Provider, holder: User | Organization, user: User) -> Desk:
    toolkit = make_toolkit("deskkit")
    toolkit.definition = {**toolkit.definition, "base_url": provider.url}
    for scheme in toolkit.definition["auth_schemes"]:
        if scheme["scheme"] == "oauth2":
            scheme["token_url"] = f"{provider.url}/token"
    toolkit.save()
    return Desk(
        provider,
        toolkit,
        read=_tool(toolkit, "DESKKIT_GET_THING", "GET", "read"),
        write=_tool(toolkit, "DESKKIT_MAKE_THING", "POST", "write"),
        holder=holder,
        account=make_connected_account(toolkit, owner=holder, access_token=TOKEN),
        user=user,
    )


def _tool(toolkit: Toolkit, slug: str, method: str, effect: str) -> Tool:
    definition = {
        "slug": slug,
        "method": method,
        "path": "/things/{name}" if method == "GET" else "/things",
        "effect": effect,
        "parameters": NOTHING,
        "in": {},
        "fixed": {},
        "argument_aliases": {},
        "argument_order": ["name"],
        "body": "none" if method == "GET" else "json",
        "response": {},
        "hook": "",
    }
    return make_tool(toolkit, slug, name=f"{method.title()} a thing", effect=effect, definition=definition)


def reread(execution_id: UUID) -> Execution:
    row: Execution = Execution.objects.unscoped("a test looks at what it made").get(id=execution_id)
    return row


def stored_result(row: Execution) -> Any:
    """What stands in the sealed result; None when nothing does."""
    return None if row.result is None else unseal(row.result, table="execution", row=row.id, field="result")


def give_credentials(account: ConnectedAccount, **values: str) -> None:
    """Other credentials for an account, sealed as the product seals them."""
    account.credentials = seal(values, table="connected_account", row=account.id, field="credentials")
    account.save()
