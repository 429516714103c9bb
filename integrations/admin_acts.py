"""What support may do to connections, runs and toolkits, and how the admin site calls what they belong to."""

from collections.abc import Sequence
from typing import Any, ClassVar

from django.contrib import admin
from django.contrib.admin.utils import quote
from django.urls import reverse
from django.utils.html import format_html

from integrations.models import ConnectedAccount, Execution, Toolkit
from integrations.models.status import WORKING
from integrations.services.executions import too_late
from integrations.services.support import (
    cancel_run,
    pause_connection,
    requeue_run,
    switch_toolkit,
    why_not_requeued,
)
from orgs.admin_acts import Act, ActingAdmin, Order, owner_facts, owner_link
from orgs.permissions import Power

Effects = Sequence[tuple[str, str]]


class OwnedShownAdmin(ActingAdmin):
    """Rows that belong to an owner, found by its ID too. An account goes by its ID: its name is its owner's own."""

    presented: ClassVar = {
        "id": "shown_id",
        "owner": "shown_owner",
        "connected_account": "shown_account",
        "reconnects": "shown_old",
        "tool_session": "shown_session",
    }
    presented_in_lists: ClassVar = {"owner": "listed_owner"}

    @admin.display(description="Owner")
    def shown_owner(self, row: Any) -> str:
        return owner_facts(row.owner)

    @admin.display(description="Owner")
    def listed_owner(self, row: Any) -> str:
        return owner_link(row.owner)

    @admin.display(description="Connected account")
    def shown_account(self, row: Any) -> str:
        return _account_link(row.connected_account)

    @admin.display(description="Reconnects")
    def shown_old(self, row: Any) -> str:
        return _account_link(row.reconnects)

    @admin.display(description="Session")
    def shown_session(self, row: Any) -> str:
        return row.tool_session.text_id if row.tool_session else "none"


def _account_link(account: ConnectedAccount | None) -> str:
    if account is None:
        return "none"
    url = reverse("admin:integrations_connectedaccount_change", args=[quote(account.pk)])
    return format_html('<a href="{}">{}</a>', url, account.text_id)


# --- Pause a connection


def _pausing(row: ConnectedAccount) -> Effects:
    return [
        (
            "At once",
            "No tool can use this account any more. Runs that wait for it are refused; nothing of them is sent.",
        ),
        ("Who resumes it", "Only whoever it belongs to. Support cannot."),
        ("They read", "“Paused by support”, with your reason, on the page of the connection and in their audit log."),
        ("Stays", f"its credentials, sealed; its owner, {row.owner.ref.label}; what the provider granted"),
    ]


def _pause(order: Order) -> str:
    pause_connection(actor=order.actor, account_id=order.row.id, reason=order.reason, now=order.now)
    return "It is paused. Whoever it belongs to can resume it."


def _is_not_working(row: ConnectedAccount) -> str:
    if row.status in WORKING:
        return ""
    return f"Only a working connection can be paused; this one is {row.word.label.lower()}."


PAUSE = Act(
    "pause",
    Power.PAUSE_CONNECTION,
    "Pause",
    effects=_pausing,
    blocked=lambda _actor, row, _now: _is_not_working(row),
    do=_pause,
)

# --- Call a run off, or put it back into the queue


def _cancelling(row: Execution) -> Effects:
    return [
        ("At once", "The run ends as cancelled, unless a worker sends it in this very moment."),
        ("At the provider", "Nothing. What was sent already cannot be called off."),
        ("They read", f"in the audit log of {row.owner.ref.label} that support did it, and your reason"),
    ]


def _cancel(order: Order) -> str:
    row = cancel_run(actor=order.actor, execution_id=order.row.id, reason=order.reason, now=order.now)
    return (
        "Called off. Nothing was sent."
        if row.is_over
        else "It is being called off. If it was not sent yet, it will not be."
    )


def _cannot_be_called_off(row: Execution, actor: Any) -> str:
    if row.may_still_be_cancelled:
        return ""
    return "It is being called off already." if row.cancel_requested_at else too_late(row, actor=actor).message


CANCEL = Act(
    "cancel",
    Power.CANCEL_EXECUTION,
    "Cancel",
    effects=_cancelling,
    blocked=lambda actor, row, _now: _cannot_be_called_off(row, actor),
    do=_cancel,
)


def _requeuing(row: Execution) -> Effects:
    return [
        ("At once", "It is due, and the next free worker takes it."),
        ("Before it is sent", "Rights, policy and connection are checked again, as for every run."),
        ("Never", "a write that may have been sent, and a run that is over"),
        ("They read", f"in the audit log of {row.owner.ref.label} that support did it, and your reason"),
    ]


def _requeue(order: Order) -> str:
    requeue_run(actor=order.actor, execution_id=order.row.id, reason=order.reason, now=order.now)
    return "It is due now."


REQUEUE = Act(
    "requeue",
    Power.REQUEUE_EXECUTION,
    "Re-queue",
    effects=_requeuing,
    blocked=lambda actor, row, now: why_not_requeued(row, actor=actor, now=now),
    do=_requeue,
)

# --- Switch a toolkit on or off


def _switching_off(row: Toolkit) -> Effects:
    return [
        ("At once", f"Nobody in this installation runs a tool of {row.name} or connects an account there."),
        ("Waiting runs", "are refused when a worker takes them. Nothing of them is sent."),
        ("Stays", "every connection, with its credentials"),
        ("The record", "stands in the log of the installation, with your reason."),
    ]


def _switching_on(row: Toolkit) -> Effects:
    return [
        ("At once", f"Tools of {row.name} run again, for whoever may run them."),
        ("The record", "stands in the log of the installation, with your reason."),
    ]


def _switch_off(order: Order) -> str:
    _switch(order, is_enabled=False)
    return f"{order.row.name} is switched off for everybody."


def _switch_on(order: Order) -> str:
    _switch(order, is_enabled=True)
    return f"{order.row.name} is switched on."


def _switch(order: Order, *, is_enabled: bool) -> None:
    row: Toolkit = order.row
    switch_toolkit(actor=order.actor, toolkit_id=row.id, is_enabled=is_enabled, reason=order.reason, now=order.now)


SWITCH_OFF = Act(
    "switch-off",
    Power.SWITCH_TOOLKIT,
    "Switch off",
    effects=_switching_off,
    blocked=lambda _actor, row, _now: "" if row.is_enabled else "It is switched off already.",
    do=_switch_off,
)
SWITCH_ON = Act(
    "switch-on",
    Power.SWITCH_TOOLKIT,
    "Switch on",
    effects=_switching_on,
    blocked=lambda _actor, row, _now: "It is switched on already." if row.is_enabled else "",
    do=_switch_on,
)
