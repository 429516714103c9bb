"""Run a claimed execution: decide again, open credentials, mark as sent, call, classify, store."""

from datetime import datetime
from typing import Any

from django.db import transaction
from django.utils import timezone

from integrations.access import actor_behind, decide_again, remember
from integrations.calls import make_call, placement_of, spec_of
from integrations.credentials import CredentialsError, OpenCredentials, Trouble, credentials_for, mark_expired
from integrations.engine.classify import Verdict, VerdictKind, classify
from integrations.engine.run import run
from integrations.engine.types import AuthScheme, Credentials, Effect, Outcome, ToolCall
from integrations.jobs.approvals import hold
from integrations.jobs.claim import Claim
from integrations.jobs.endings import cancel_unsent, finish, mark_sent, ours, renew, requeue
from integrations.models import ConnectedAccount, Execution
from integrations.models.encrypted import SecretUnreadableError, unseal
from integrations.models.owned import OWNER_NAMES
from integrations.models.status import ExecutionStatus
from integrations.outbound import outbound
from orgs.audit import AuditAction, Target, denied
from orgs.permissions import Decision
from orgs.services.audit import record

NO_CREDENTIALS = OpenCredentials(Credentials(AuthScheme.NONE), version=0)
REJECTED = "The provider does not accept this account's credentials any more. Reconnect it."
ENDED_BY = {
    "membership_ended": "The membership ended before this run could start.",
    "connected_account_not_found": "The account was disconnected before this run could start.",
}


def execute(claim: Claim) -> None:
    """Bring a claimed execution to its end, or back into the queue. Never raises for what a provider does."""
    execution = _load(claim)
    if execution is None:
        return  # the lease was over before we began
    now = timezone.now()
    decision, account = decide_again(execution, now=now)
    if not decision.allowed:
        _deny(claim, execution, decision)
        return
    if decision.needs_approval:
        _hold(claim, execution, decision, now)
        return
    try:
        opened = credentials_for(account.id) if account else NO_CREDENTIALS
        call = _call_of(execution, account, opened)
    except CredentialsError as error:
        _without_credentials(claim, error)
    except SecretUnreadableError as error:
        finish(claim, ExecutionStatus.FAILED, error_code="secrets_unreadable", error_message=str(error))
    else:
        _attempt(claim, execution, account, opened, call)


def _load(claim: Claim) -> Execution | None:
    row: Execution | None = (
        ours(claim)
        .select_related("tool__toolkit", *OWNER_NAMES, "submitted_by")
        .select_related("api_key__owner__user", "api_key__owner__organization", "api_key__application", "approval")
        .first()
    )
    return row


def _deny(claim: Claim, execution: Execution, decision: Decision) -> None:
    message = ENDED_BY.get(decision.code, decision.message)
    stored, now = remember(decision), timezone.now()
    with transaction.atomic():
        record(
            actor=actor_behind(execution, now=now),
            owner=execution.owner.ref,
            action=AuditAction.EXECUTION_START,
            target=Target("execution", execution.text_id, execution.tool_slug),
            result=denied(decision.code),
            now=now,
        )
        finish(claim, ExecutionStatus.DENIED, error_code=decision.code, error_message=message, decision=stored)


def _hold(claim: Claim, execution: Execution, decision: Decision, now: datetime) -> None:
    with transaction.atomic():
        if not hold(claim, execution, decision, now):
            cancel_unsent(claim)


def _call_of(execution: Execution, account: ConnectedAccount | None, opened: OpenCredentials) -> ToolCall:
    arguments: dict[str, Any] = {}
    if execution.arguments is not None:
        arguments = unseal(execution.arguments, table="execution", row=execution.id, field="arguments")
    placement = placement_of(execution.tool.toolkit, account.scheme) if account else None
    return make_call(spec_of(execution.tool, account), arguments, opened.credentials, placement)


def _attempt(
    claim: Claim, execution: Execution, account: ConnectedAccount | None, opened: OpenCredentials, call: ToolCall
) -> None:
    outcome, verdict = _send(claim, call)
    if verdict.kind is VerdictKind.REFRESH:
        outcome, verdict = _send_refreshed(claim, execution, account, opened, outcome)
    _store(claim, outcome, verdict)
    if account is not None:
        _touch(account)


def _send(claim: Claim, call: ToolCall) -> tuple[Outcome, Verdict]:
    outcome = run(call, outbound(), lambda: mark_sent(claim, call.deadline_seconds))
    return outcome, classify(outcome, Effect(call.spec.effect))


def _send_refreshed(
    claim: Claim, execution: Execution, account: ConnectedAccount | None, opened: OpenCredentials, refused: Outcome
) -> tuple[Outcome, Verdict]:
    """The provider said 401, so it did nothing: get newer credentials and send once more (check R9)."""
    if account is None or not renew(claim):
        return refused, Verdict(VerdictKind.FAILED)
    try:
        newer = credentials_for(account.id, not_version=opened.version)
    except CredentialsError as error:
        kind = VerdictKind.REQUEUE if error.trouble is Trouble.LATER else VerdictKind.FAILED
        return refused, Verdict(kind)
    outcome, verdict = _send(claim, _call_of(execution, account, newer))
    if verdict.kind is VerdictKind.REFRESH:
        mark_expired(account.id, version=newer.version, reason=REJECTED)
        return outcome, Verdict(VerdictKind.FAILED)
    return outcome, verdict


def _store(claim: Claim, outcome: Outcome, verdict: Verdict) -> None:
    match verdict.kind:
        case VerdictKind.SUCCEEDED:
            finish(claim, ExecutionStatus.SUCCEEDED, outcome=outcome)
        case VerdictKind.UNKNOWN:
            finish(claim, ExecutionStatus.UNKNOWN, outcome=outcome)
        case VerdictKind.REQUEUE:
            _requeue_or_fail(claim, outcome, verdict)
        case VerdictKind.ABANDON:
            _fenced(claim)
        case _:
            finish(claim, ExecutionStatus.FAILED, outcome=outcome)


def _requeue_or_fail(claim: Claim, outcome: Outcome, verdict: Verdict) -> None:
    message = outcome.error_message
    if not requeue(claim, delay_seconds=verdict.delay_seconds, code=outcome.error_code, message=message):
        finish(claim, ExecutionStatus.FAILED, outcome=outcome, error_message=f"{message} Given up after several tries.")


def _fenced(claim: Claim) -> None:
    """Cancelled, or too little lease left to be sure: then back into the queue. Nothing was sent either way."""
    if not cancel_unsent(claim):
        requeue(claim, delay_seconds=0, code="lease_short", message="The worker was too slow; another one takes it.")


def _without_credentials(claim: Claim, error: CredentialsError) -> None:
    if error.trouble is Trouble.LATER and requeue(
        claim, delay_seconds=None, code="refresh_later", message=error.message
    ):
        return
    finish(claim, ExecutionStatus.FAILED, error_code=f"credentials_{error.trouble.value}", error_message=error.message)


def _touch(account: ConnectedAccount) -> None:
    """Remember the use, at most once a minute."""
    now = timezone.now()
    if account.last_used_at is None or (now - account.last_used_at).total_seconds() > 60:  # noqa: PLR2004  # seconds
        rows = ConnectedAccount.objects.unscoped("its own last use")
        rows.filter(id=account.id).update(last_used_at=now)
