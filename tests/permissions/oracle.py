"""The specification of the hybrid rule, written a second time and differently.

`decide` here is a flat list of lines over words; the product's is a pipeline over values. They must
agree in every cell. One difference is intended: a signed-in user may act in each organization they
belong to, so "other own organization" is refused only for a key that is bound to another one.
"""

import itertools
from collections.abc import Iterator

CALLERS = ["anon", "session", "user_key", "org_key", "support", "revoked_key", "suspended_user"]
ROLES = ["owner", "admin", "member", "ex_member"]
REQUESTED = [
    "missing",
    "default",
    "email",
    "malformed",
    "account_id",
    "own_user",
    "own_username",
    "peer_user",
    "own_org",
    "other_own_org",
    "foreign_user",
    "foreign_org",
    "unknown",
]
OWNERS = ["none", "own_user", "peer_user", "own_org", "foreign_user", "foreign_org"]
STATES = ["ACTIVE", "INITIATED", "EXPIRED", "FAILED", "INACTIVE", "DELETED"]
PICKS = ["implicit", "explicit"]

Cell = tuple[str, str, str, str, str, str]
Answer = tuple[int, str]

BEFORE_THE_ID = {
    "missing": (400, "user_id_required"),
    "default": (400, "user_id_default_refused"),
    "email": (400, "user_id_email_refused"),
    "malformed": (400, "user_id_invalid"),
    "account_id": (400, "user_id_invalid"),
}


def decide(cell: Cell, *, scope: bool = True, tool_enabled: bool = True, toolkit_ok: bool = True) -> Answer:  # noqa: C901, PLR0911, PLR0912  # a table
    caller, role, requested, owner, state, pick = cell
    if caller in ("anon", "revoked_key", "suspended_user"):
        return 401, "unauthenticated"
    if caller == "support":
        return 403, "support_cannot_execute"
    if caller != "org_key" and role == "ex_member":
        return 401, "membership_ended"
    if not scope:
        return 403, "insufficient_scope"
    if requested in BEFORE_THE_ID:
        return BEFORE_THE_ID[requested]
    mine = {"own_org": "org"}
    if caller != "org_key":
        mine |= {"own_user": "user", "own_username": "user"}
    if requested not in mine:
        return 404, "user_id_not_found"
    if not tool_enabled:
        return 403, "tool_disabled"
    kind, visible = mine[requested], {"own_org"} | (set() if caller == "org_key" else {"own_user"})
    match = (kind, owner) in (("user", "own_user"), ("org", "own_org"))
    if pick == "explicit":
        if owner not in visible or state == "DELETED":
            return 404, "connected_account_not_found"
        if not match:
            return 403, "id_kind_mismatch"
        if not toolkit_ok:
            return 400, "toolkit_mismatch"
    elif not match or state in ("DELETED", "INITIATED"):
        return 404, "no_connected_account" + ("+hint" if owner in visible and state == "ACTIVE" and not match else "")
    if state == "ACTIVE":
        return 202, "accepted"
    return 409, "connection_" + ("not_ready" if state == "INITIATED" else state.lower())


def cells() -> Iterator[Cell]:
    for cell in itertools.product(CALLERS, ROLES, REQUESTED, OWNERS, STATES, PICKS):
        caller, role, requested, owner, state, _pick = cell
        if caller in ("anon", "org_key", "support") and role != "owner":
            continue  # a role has no meaning there
        if owner == "none" and state != "ACTIVE":
            continue
        if caller == "org_key" and requested == "own_username":
            continue
        yield cell
