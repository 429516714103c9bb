"""Connect, look after and disconnect accounts."""

from integrations.services.connections.answers import keep_answer, kept_answer
from integrations.services.connections.care import (
    disconnect,
    make_default,
    pause_account,
    rename_account,
    resume_account,
    unmark_default,
)
from integrations.services.connections.fields import connect_with_fields
from integrations.services.connections.flow import finish_connection, start_connection
from integrations.services.connections.held import (
    Finished,
    confirm_connection,
    discard_connection,
    pending_identity,
    tools_that_stop,
)
from integrations.services.connections.links import LinkPlan, MadeLink, create_link, open_link, withdraw_link
from integrations.services.connections.names import NameTakenError
from integrations.services.connections.plan import ConnectionPlan
from integrations.services.connections.store import Stored
from integrations.services.connections.takeover import take_over

__all__ = [
    "ConnectionPlan",
    "Finished",
    "LinkPlan",
    "MadeLink",
    "NameTakenError",
    "Stored",
    "confirm_connection",
    "connect_with_fields",
    "create_link",
    "discard_connection",
    "disconnect",
    "finish_connection",
    "keep_answer",
    "kept_answer",
    "make_default",
    "open_link",
    "pause_account",
    "pending_identity",
    "rename_account",
    "resume_account",
    "start_connection",
    "take_over",
    "tools_that_stop",
    "unmark_default",
    "withdraw_link",
]
