"""What happens to connections, for the audit log: which account of which toolkit, never what opens it."""

from datetime import datetime

from integrations.models import ConnectedAccount, ConnectionRequest
from orgs.audit import DONE, AuditAction, Detail, Result, Target
from orgs.permissions import Actor, OwnerRef
from orgs.services.audit import record


def record_account(
    account: ConnectedAccount,
    action: AuditAction,
    *,
    actor: Actor,
    owner: OwnerRef,
    result: Result = DONE,
    now: datetime,
    **details: Detail,
) -> None:
    """Something that was done to a connected account. Needs its `toolkit`."""
    target = Target("connected_account", account.text_id, f"{account.toolkit.name}: {account.label}")
    facts: dict[str, Detail] = {"toolkit": account.toolkit.slug, "scheme": account.scheme, **details}
    record(actor=actor, owner=owner, action=action, target=target, result=result, details=facts, now=now)


def record_request(
    request: ConnectionRequest,
    action: AuditAction,
    *,
    actor: Actor,
    owner: OwnerRef,
    result: Result = DONE,
    now: datetime,
    **details: Detail,
) -> None:
    """Something that was done in a flow that has no account yet. Needs its `auth_config.toolkit`."""
    toolkit = request.auth_config.toolkit
    target = Target("connection_request", request.text_id, toolkit.name)
    facts: dict[str, Detail] = {"toolkit": toolkit.slug, **details}
    record(actor=actor, owner=owner, action=action, target=target, result=result, details=facts, now=now)
