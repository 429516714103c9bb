"""Who may do what. Values and pure functions only: no queries, no models, no clock."""

from orgs.permissions import words
from orgs.permissions.about import about, about_end_user
from orgs.permissions.decide import choose, decide, owner_meant
from orgs.permissions.policies import PolicyRule, ToolEffect, Use, Verdict
from orgs.permissions.powers import POWER_LABELS, Power
from orgs.permissions.question import (
    USABLE,
    AccountFacts,
    AccountState,
    Because,
    Check,
    Decision,
    Fix,
    Outcome,
    Question,
    Remedy,
    ToolFacts,
)
from orgs.permissions.roles import GRANTS, PERMISSION_LABELS, ROLE_LABELS, SCOPE_LABELS, Permission, Role, Scope
from orgs.permissions.rules import can, has_power, require, require_power, require_scope, roles_with
from orgs.permissions.standing import RoleChange, may_hand_out, may_invite_as, role_change
from orgs.permissions.values import (
    ANONYMOUS,
    Actor,
    ActorKind,
    IdProblem,
    OwnerKind,
    OwnerRef,
    RequestedId,
    Standing,
    read_end_user_id,
    read_owner_id,
)

__all__ = [
    "ANONYMOUS",
    "GRANTS",
    "PERMISSION_LABELS",
    "POWER_LABELS",
    "ROLE_LABELS",
    "SCOPE_LABELS",
    "USABLE",
    "AccountFacts",
    "AccountState",
    "Actor",
    "ActorKind",
    "Because",
    "Check",
    "Decision",
    "Fix",
    "IdProblem",
    "Outcome",
    "OwnerKind",
    "OwnerRef",
    "Permission",
    "PolicyRule",
    "Power",
    "Question",
    "Remedy",
    "RequestedId",
    "Role",
    "RoleChange",
    "Scope",
    "Standing",
    "ToolEffect",
    "ToolFacts",
    "Use",
    "Verdict",
    "about",
    "about_end_user",
    "can",
    "choose",
    "decide",
    "has_power",
    "may_hand_out",
    "may_invite_as",
    "owner_meant",
    "read_end_user_id",
    "read_owner_id",
    "require",
    "require_power",
    "require_scope",
    "role_change",
    "roles_with",
    "words",
]
