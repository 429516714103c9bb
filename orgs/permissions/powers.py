"""What the support team may do, each a permission of its own. A value is the permission's name in the database."""

from enum import StrEnum
from typing import Final


class Power(StrEnum):
    """`app.verb_model`. None of them opens a secret, an argument or a result, and none runs a tool."""

    PAUSE_CONNECTION = "integrations.pause_connectedaccount"
    CANCEL_EXECUTION = "integrations.cancel_execution"
    REQUEUE_EXECUTION = "integrations.requeue_execution"
    SWITCH_TOOLKIT = "integrations.switch_toolkit"
    RESEND_INVITATION = "orgs.resend_invitation"
    LOOK = "orgs.look_organization"
    UNLOCK_USER = "accounts.unlock_user"


POWER_LABELS: Final[dict[Power, str]] = {
    Power.PAUSE_CONNECTION: "Can pause a connection",
    Power.CANCEL_EXECUTION: "Can call off a run",
    Power.REQUEUE_EXECUTION: "Can put a run back into the queue",
    Power.SWITCH_TOOLKIT: "Can switch a toolkit on or off",
    Power.RESEND_INVITATION: "Can send an invitation again",
    Power.LOOK: "Can look into an organization whose owner allows it",
    Power.UNLOCK_USER: "Can unlock a user",
}
