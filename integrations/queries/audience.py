"""Who may use an owner's accounts, and who may change them."""

from collections.abc import Sequence
from dataclasses import dataclass

from orgs.models.organizations import MemberStatus
from orgs.permissions import Actor, OwnerRef, Permission, Role, can, require, roles_with
from orgs.queries.members import list_members

NAMES_SHOWN = 8


@dataclass(frozen=True)
class Audience:
    """The people who may run tools through an owner's accounts, and those who may change the accounts."""

    names: Sequence[str]
    managers: Sequence[str]
    may_manage: bool
    reason: str = ""  # why the actor may not, and whom to ask
    may_ask: bool = False  # whether the actor can have that asked in a request

    @property
    def count(self) -> int:
        return len(self.names)

    @property
    def first_names(self) -> Sequence[str]:
        return self.names[:NAMES_SHOWN]

    @property
    def others(self) -> int:
        return max(0, len(self.names) - NAMES_SHOWN)


def audience_of(*, actor: Actor, owner: OwnerRef) -> Audience:
    """For a person it is that person alone, whatever role others have anywhere."""
    require(actor, Permission.CONNECTED_ACCOUNTS_READ, owner)
    may_manage = can(actor, Permission.CONNECTED_ACCOUNTS_MANAGE, owner)
    if not owner.is_organization:
        return Audience([owner.label], [owner.label], may_manage)
    names = _members_with(actor, owner)
    managers = names[Permission.CONNECTED_ACCOUNTS_MANAGE]
    reason = "" if may_manage else reason_for(owner, managers)
    may_ask = not may_manage and can(actor, Permission.REQUESTS_MAKE, owner)
    return Audience(names[Permission.TOOLS_EXECUTE], managers, may_manage, reason, may_ask)


def reason_for(owner: OwnerRef, managers: Sequence[str]) -> str:
    whom = " or ".join(managers[:3])
    return f"Only an owner or admin of {owner.label} can change its connections. Ask {whom}."


def _members_with(actor: Actor, owner: OwnerRef) -> dict[Permission, list[str]]:
    asked = (Permission.TOOLS_EXECUTE, Permission.CONNECTED_ACCOUNTS_MANAGE)
    found: dict[Permission, list[str]] = {permission: [] for permission in asked}
    for member in list_members(actor=actor, owner=owner).filter(status=MemberStatus.ACTIVE, user__is_active=True):
        for permission in asked:
            if Role(member.role) in roles_with(permission):
                found[permission].append(member.user.display_name)
    return found
