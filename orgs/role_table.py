"""What each role may do, as the members page shows it: read off the one table, never written a second time."""

from collections.abc import Sequence
from dataclasses import dataclass

from orgs.permissions import GRANTS, PERMISSION_LABELS, ROLE_LABELS, Role


@dataclass(frozen=True)
class RoleTable:
    """`rows` are (what, and whether each role may), in the order of `roles`."""

    roles: Sequence[str]
    rows: Sequence[tuple[str, Sequence[bool]]]


def role_table() -> RoleTable:
    rows = [(label, [permission in GRANTS[role] for role in Role]) for permission, label in PERMISSION_LABELS.items()]
    return RoleTable(list(ROLE_LABELS.values()), rows)
