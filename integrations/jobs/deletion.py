"""Carry out a deletion whose time has come. Each step can be interrupted anywhere and is taken up by the next sweep.

The order matters: nobody gets in; nothing runs any more; each provider is told, and our copy of the credentials goes in
the transaction that stores its answer; then the rows; last the organization. What is written is the report.
"""

import time
from datetime import datetime
from typing import Any, Final

import structlog
from django.db import transaction
from django.db.models import F, ProtectedError, Q
from django.db.models.functions import Now
from django.utils import timezone

from integrations import oauth
from integrations.jobs.calling_off import call_off_waiting
from integrations.jobs.claim import in_seconds
from integrations.jobs.withdrawal import held_identity, held_tokens, take_back, values_or_none, withdraw
from integrations.models import ConnectedAccount, ConnectionRequest, Execution
from integrations.models.owned import OwnedModel
from integrations.models.status import WAITING, ConnectionStatus, ExecutionStatus, RequestStatus
from orgs.audit import DONE, AuditAction, Detail, Target, failed
from orgs.models import Deletion, RevokedAccount
from orgs.models.deletions import RevocationOutcome
from orgs.models.owners import Holder, held_by
from orgs.services.audit import record
from orgs.services.deletions import close_doors, finish_deletion

log = structlog.get_logger(__name__)
BATCH: Final = 200
SECONDS: Final = 5.0  # of one sweep: it has other things to do
LEASE_SECONDS: Final = 60.0  # longer than the slowest provider is waited for
MOST_TRIES: Final = 3
GIVEN_UP: Final = oauth.Revocation(
    confirmed=False, detail="The provider was asked several times, without an answer. Remove the access there."
)
UNCONFIRMED: Final = "Begun, and not confirmed by anybody"
HELD: Final = [RequestStatus.CONFIRMING, RequestStatus.EXPIRED]  # expired: until the sweep has given them back
ENDING: Final = "organization_deleted"
ENDED: Final = "The organization was deleted before this run could start."


def carry_out_deletions() -> int:
    """Bring every deletion that is due as far as a few seconds allow; return how many are finished."""
    until = time.monotonic() + SECONDS
    due = Deletion.objects.going_on().filter(due_at__lte=Now()).order_by("due_at", "id")
    return sum(_go_on(deletion, until) for deletion in due[:BATCH] if time.monotonic() < until)


def _go_on(deletion: Deletion, until: float) -> bool:
    if deletion.started_at is None and not close_doors(actor=None, deletion=deletion, now=timezone.now()):
        return False  # stopped in the last moment
    owner = deletion.holder
    is_ready = _is_quiet(deletion, owner) and _is_withdrawn(deletion, owner, until) and _is_empty(owner, until)
    if is_ready:
        finish_deletion(actor=None, deletion=deletion, now=timezone.now())
        log.info("deletion.finished", owner=deletion.subject_id)
    return is_ready


# --- Nothing runs any more


def _is_quiet(deletion: Deletion, owner: Holder) -> bool:
    """Call off what has not begun, and ask what has not been sent to end; True when nothing is left."""
    rows = Execution.objects.held_by(owner)
    _call_off(rows)
    in_its_name = Execution.objects.unscoped("runs that came in the organization's name")
    _call_off(in_its_name.filter(in_organization=deletion.owner_uuid))
    return not rows.filter(status__in=[*WAITING, ExecutionStatus.RUNNING]).exists()


def _call_off(rows: Any) -> None:
    call_off_waiting(rows, now=timezone.now(), most=BATCH, error_code=ENDING, error_message=ENDED)
    unsent = rows.filter(status=ExecutionStatus.RUNNING, sent_at=None, cancel_requested_at=None)
    unsent.update(cancel_requested_at=Now())


# --- Every provider is told


def _is_withdrawn(deletion: Deletion, owner: Holder, until: float) -> bool:
    """True when each account's provider has been told and our copy is wiped."""
    _list_accounts(deletion, owner)
    lines = RevokedAccount.objects.filter(deletion=deletion, outcome=RevocationOutcome.WAITING)
    for line in lines.order_by("id")[:BATCH]:
        if time.monotonic() > until:
            return False
        _tell_provider(line, deletion, owner)
    return not lines.exists()


def _live_accounts(owner: Holder) -> Any:
    rows = ConnectedAccount.objects.held_by(owner).exclude(status=ConnectionStatus.REVOKED)
    return rows.select_related("toolkit", "auth_config")


def _unconfirmed(owner: Holder) -> Any:
    """Begun connections for which the provider has given access already: it waits for somebody who looks at it."""
    rows = ConnectionRequest.objects.held_by(owner).filter(status__in=HELD, pending__isnull=False)
    return rows.select_related("auth_config__toolkit")


def _list_accounts(deletion: Deletion, owner: Holder) -> None:
    """The lines of the report. An account that a request under way stored meanwhile comes in at the next sweep."""
    begun = [(row.id, row.auth_config.toolkit, row.alias or UNCONFIRMED) for row in _unconfirmed(owner)]
    connected = [(account.id, account.toolkit, account.label) for account in _live_accounts(owner)]
    lines = [
        RevokedAccount(
            deletion=deletion,
            account_id=account_id,
            toolkit=toolkit.name,
            website=toolkit.website,
            label=label[:255],
        )
        for account_id, toolkit, label in [*connected, *begun]
    ]
    RevokedAccount.objects.bulk_create(lines, ignore_conflicts=True)


def _tell_provider(line: RevokedAccount, deletion: Deletion, owner: Holder) -> None:
    """Claimed by a conditional UPDATE that counts the try: a crash after the call leads to another, a few at most."""
    free = Q(lease_until=None) | Q(lease_until__lt=Now())
    mine = RevokedAccount.objects.filter(free, id=line.id, outcome=RevocationOutcome.WAITING)
    if not mine.update(lease_until=in_seconds(LEASE_SECONDS), tries=F("tries") + 1):
        return
    found = _live_accounts(owner).filter(id=line.account_id).first()
    found = found or _unconfirmed(owner).filter(id=line.account_id).first()
    if found is None:
        answer = oauth.Revocation(confirmed=False, detail="It was disconnected meanwhile.")
    elif line.tries >= MOST_TRIES:
        answer = GIVEN_UP
    elif isinstance(found, ConnectionRequest):
        identity, owner_id = held_identity(found), found.owner_id
        answer = take_back(held_tokens(found), found.auth_config, identity=identity, owner_id=owner_id)
    else:
        answer = withdraw(found, values_or_none(found))
    _store(line, deletion, found, answer, timezone.now())


@transaction.atomic
def _store(
    line: RevokedAccount,
    deletion: Deletion,
    found: ConnectedAccount | ConnectionRequest | None,
    answer: oauth.Revocation,
    now: datetime,
) -> None:
    """What the provider said, and our copy of the credentials gone: both or neither."""
    outcome = RevocationOutcome.CONFIRMED if answer.confirmed else RevocationOutcome.UNCONFIRMED
    RevokedAccount.objects.filter(id=line.id).update(
        outcome=outcome, detail=answer.detail[:300], answered_at=now, lease_until=None
    )
    if isinstance(found, ConnectionRequest):
        _wipe_request(found, deletion.holder)
        target = Target("connection_request", found.text_id, found.auth_config.toolkit.name)
        _record(deletion, AuditAction.CONNECTION_REVOKE, target, found.auth_config.toolkit.slug, answer, now)
    elif found is not None:
        _wipe_account(found, deletion.holder, now)
        target = Target("connected_account", found.text_id, f"{found.toolkit.name}: {found.label}")
        _record(deletion, AuditAction.CONNECTION_DISCONNECT, target, found.toolkit.slug, answer, now)


def _wipe_account(account: ConnectedAccount, owner: Holder, now: datetime) -> None:
    gone = {"credentials": None, "is_default": False, "expires_at": None, "disconnected_at": now}
    rows = ConnectedAccount.objects.held_by(owner).filter(id=account.id)
    rows.update(status=ConnectionStatus.REVOKED, **gone)


def _wipe_request(request: ConnectionRequest, owner: Holder) -> None:
    ended = {"status": RequestStatus.FAILED, "error_code": ENDING, "pending": None, "code_verifier": None}
    ConnectionRequest.objects.held_by(owner).filter(id=request.id).update(**ended)


def _record(  # each is a word of the record
    deletion: Deletion, action: AuditAction, target: Target, toolkit: str, answer: oauth.Revocation, now: datetime
) -> None:
    result = DONE if answer.confirmed else failed("not_confirmed")
    details: dict[str, Detail] = {"toolkit": toolkit, "confirmed": answer.confirmed, "reason": answer.detail}
    record(actor=None, owner=deletion.log_owner, action=action, target=target, result=result, details=details, now=now)


# --- The rows


def _is_empty(owner: Holder, until: float) -> bool:
    """Delete what is owned, batch by batch; True when nothing is left."""
    refused = Execution.objects.unscoped("refused runs of others that named an account of the owner")
    refused = refused.filter(connected_account__in=ConnectedAccount.objects.held_by(owner)).exclude(held_by(owner))
    refused.update(connected_account=None)
    while time.monotonic() < until:
        if not sum(_delete_batch(model, owner) for model in OwnedModel.__subclasses__()):
            break
    return not any(model.objects.held_by(owner).exists() for model in OwnedModel.__subclasses__())


def _delete_batch(model: type[OwnedModel], owner: Holder) -> int:
    """How many went. What others still point to waits for those to go first."""
    rows = model.objects.held_by(owner)
    ids = list(rows.values_list("pk", flat=True)[:BATCH])
    if not ids:
        return 0
    try:
        with transaction.atomic():
            return int(rows.filter(pk__in=ids).delete()[0])
    except ProtectedError:
        return 0
