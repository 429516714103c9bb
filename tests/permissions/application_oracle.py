"""The rule for applications, written a second time and differently: a flat list of lines over words.

The cells of `oracle` stay as they are. Here an application's key asks, and the keys that are no application's ask with
what an application calls its end users. `stranger` is a string that is in use in another application: to this one it
is just somebody new.
"""

import itertools
from collections.abc import Iterator

CALLERS = ["app_key", "ended_app_key", "org_key", "user_key"]
REQUESTED = [
    "missing",
    "default",
    "email",
    "malformed",
    "account_id",
    "member",
    "unknown_user",
    "own_org",
    "foreign_org",
    "end_user",
    "end_user_eu",
    "stranger",
    "second_app_eu",
    "foreign_app_eu",
]
OWNERS = [
    "none",
    "own_org",
    "foreign_org",
    "member",
    "end_user",
    "other_end_user",
    "second_app",
    "foreign_app",
]
STATES = ["ACTIVE", "INITIATED", "EXPIRED", "FAILED", "INACTIVE", "DELETED"]
PICKS = ["implicit", "explicit"]

Cell = tuple[str, str, str, str, str]
Answer = tuple[int, str]

BEFORE_THE_ID = {
    "missing": (400, "user_id_required"),
    "default": (400, "user_id_default_refused"),
    "email": (400, "user_id_email_refused"),
    "malformed": (400, "user_id_invalid"),
    "account_id": (400, "user_id_invalid"),
}
END_USERS = ("end_user", "end_user_eu", "stranger", "second_app_eu", "foreign_app_eu")


def decide(cell: Cell, *, scope: bool = True, tool_enabled: bool = True, toolkit_ok: bool = True) -> Answer:  # noqa: C901, PLR0911, PLR0912  # a table
    caller, requested, owner, state, pick = cell
    if caller == "ended_app_key":
        return 401, "unauthenticated"
    if not scope:
        return 403, "insufficient_scope"
    if requested in BEFORE_THE_ID:
        return BEFORE_THE_ID[requested]
    if caller != "app_key":
        assert requested in END_USERS
        return 404, "user_id_not_found"
    if requested in ("member", "unknown_user", "foreign_org", "second_app_eu", "foreign_app_eu"):
        return 404, "user_id_not_found"
    if not tool_enabled:
        return 403, "tool_disabled"
    if requested == "own_org":
        own, known = "own_org", {"own_org", "end_user", "other_end_user"}
    elif requested == "stranger":
        own, known = "nobody", {"own_org"}
    else:
        own, known = "end_user", {"own_org", "end_user"}
    if pick == "explicit":
        if owner not in known or state == "DELETED":
            return 404, "connected_account_not_found"
        if owner != own:
            return 403, "id_kind_mismatch"
        if not toolkit_ok:
            return 400, "toolkit_mismatch"
    elif owner != own or state in ("DELETED", "INITIATED"):
        return 404, "no_connected_account" + ("+hint" if owner != own and owner in known and state == "ACTIVE" else "")
    if state == "ACTIVE":
        return 202, "accepted"
    return 409, "connection_" + ("not_ready" if state == "INITIATED" else state.lower())


def cells() -> Iterator[Cell]:
    for cell in itertools.product(CALLERS, REQUESTED, OWNERS, STATES, PICKS):
        caller, requested, owner, state, _pick = cell
        if caller in ("org_key", "user_key") and requested not in END_USERS:
            continue  # those stand in the other table
        if owner == "none" and state != "ACTIVE":
            continue
        yield cell
