"""Who may change whose place in an organization, and what a change of role means. Values only."""

from dataclasses import dataclass

from orgs.permissions.roles import GRANTS, PERMISSION_LABELS, Permission, Role


def may_hand_out(mine: Role | None, role: Role) -> bool:
    """Whether somebody with the role `mine` may give or take the role `role`: only owners make owners (T15, T16)."""
    if mine is None or Permission.MEMBERS_MANAGE not in GRANTS[mine]:
        return False
    return role is not Role.OWNER or mine is Role.OWNER


def may_invite_as(mine: Role | None, role: Role, *, members_too: bool) -> bool:
    """Whether somebody with the role `mine` may invite people as `role`; `members_too` is the organization's choice.

    Members hand out no more than they have themselves.
    """
    if may_hand_out(mine, role):
        return True
    return members_too and mine is Role.MEMBER and role in {Role.MEMBER, Role.VIEWER}


@dataclass(frozen=True)
class RoleChange:
    """What somebody gains and loses with another role, in words, read off the one table."""

    before: Role
    after: Role
    gained: tuple[str, ...]
    lost: tuple[str, ...]


def role_change(before: Role, after: Role) -> RoleChange:
    return RoleChange(before, after, _labels(GRANTS[after] - GRANTS[before]), _labels(GRANTS[before] - GRANTS[after]))


def _labels(permissions: frozenset[Permission]) -> tuple[str, ...]:
    return tuple(label for permission, label in PERMISSION_LABELS.items() if permission in permissions)
