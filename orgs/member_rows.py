"""The lines of the members page: each with what the reader may do with it, and why not."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from uuid import UUID

from orgs.models import Membership
from orgs.permissions import ROLE_LABELS, Actor, OwnerRef, Permission, Role, may_hand_out, may_invite_as, roles_with
from orgs.queries.members import other_owners


@dataclass(frozen=True)
class MemberRow:
    """A member. `reason` is empty when the reader may change their role; else it says who can."""

    member: Membership
    role: str
    is_reader: bool
    reason: str
    roles: Sequence[tuple[str, str]]


def member_rows(actor: Actor, owner: OwnerRef, members: Iterable[Membership]) -> list[MemberRow]:
    mine = actor.role_in(owner)
    roles = roles_to_give(mine)
    return [
        MemberRow(
            member=member,
            role=ROLE_LABELS[Role(member.role)],
            is_reader=member.user_id == actor.user_id,
            reason=reason_against(mine, Role(member.role)),
            roles=roles,
        )
        for member in members
    ]


def roles_to_give(mine: Role | None) -> list[tuple[str, str]]:
    """The roles that somebody may hand out, as choices."""
    return [(role.value, label) for role, label in ROLE_LABELS.items() if may_hand_out(mine, role)]


def roles_to_invite_as(actor: Actor, owner: OwnerRef) -> list[tuple[str, str]]:
    """The roles as which somebody may invite people, as choices."""
    mine, members_too = actor.role_in(owner), owner.id in actor.invites_in
    return [
        (role.value, label) for role, label in ROLE_LABELS.items() if may_invite_as(mine, role, members_too=members_too)
    ]


def reason_against(mine: Role | None, theirs: Role = Role.VIEWER) -> str:
    """Why somebody with the role `mine` cannot change a member with the role `theirs`; empty when they can."""
    if may_hand_out(mine, theirs):
        return ""
    if may_hand_out(mine, Role.VIEWER):
        return "Only an owner can change an owner."
    able = " or ".join(ROLE_LABELS[role].lower() for role in roles_with(Permission.MEMBERS_MANAGE))
    return f"This needs the role {able}."


def why_owner_stays(actor: Actor, owner: OwnerRef, role: Role | None, user_id: UUID) -> str:
    """Why an owner has to stay; empty for everybody else. The service checks again under its lock."""
    if role is not Role.OWNER or other_owners(actor=actor, owner=owner, but=user_id):
        return ""
    return f"{owner.label} needs an active owner. Make somebody else an owner first."
