"""What members ask admins for: ask, withdraw, decide."""

from integrations.services.consent.answers import (
    answer_standing_request,
    approve_request,
    check_approval,
    give_access,
    note_begun,
)
from integrations.services.consent.asking import Ask, Asked, ask_for, withdraw_all, withdraw_request
from integrations.services.consent.deciding import block_request, deny_request, lift_block, reopen_request

__all__ = [
    "Ask",
    "Asked",
    "answer_standing_request",
    "approve_request",
    "ask_for",
    "block_request",
    "check_approval",
    "deny_request",
    "give_access",
    "lift_block",
    "note_begun",
    "reopen_request",
    "withdraw_all",
    "withdraw_request",
]
