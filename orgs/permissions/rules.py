"""May this actor do this for that owner? Three lines, asked by every service and query."""

from orgs.errors import ForbiddenError, OutOfReachError, UnauthenticatedError
from orgs.permissions import words
from orgs.permissions.powers import POWER_LABELS, Power
from orgs.permissions.roles import GRANTS, ROLE_LABELS, SCOPE_NEEDED, Permission, Role
from orgs.permissions.values import Actor, ActorKind, OwnerRef, Standing

OWN_THINGS = frozenset(
    {
        Permission.CONNECTED_ACCOUNTS_READ,
        Permission.CONNECTED_ACCOUNTS_MANAGE,
        Permission.TOOLS_READ,
        Permission.TOOLS_EXECUTE,
        Permission.EXECUTIONS_READ,
        Permission.EXECUTIONS_READ_RESULTS,
        Permission.SESSIONS_READ,
        Permission.SESSIONS_MANAGE,
        Permission.API_KEYS_MANAGE,
        Permission.AUDIT_READ,
    }
)

# What an application's key may do for its end users: what they could do for themselves, but for keys and logs.
FOR_END_USERS = OWN_THINGS - {Permission.API_KEYS_MANAGE, Permission.AUDIT_READ}

# What an organization's key may do beyond a member, as far as its scopes go. Connecting is not among it: consent
# needs a person, and the use cases ask for one.
BY_SCOPE = frozenset(
    {Permission.CONNECTED_ACCOUNTS_MANAGE, Permission.EXECUTIONS_READ_RESULTS, Permission.WEBHOOKS_MANAGE}
)

# What an owner opens to support for some hours: that things are there and how they are doing, never what is in them.
SUPPORT_LOOKS = "may look at members, connections, runs and the audit log, and change nothing in"
SUPPORT_READS = frozenset(
    {
        Permission.ORGANIZATION_READ,
        Permission.MEMBERS_READ,
        Permission.CONNECTED_ACCOUNTS_READ,
        Permission.EXECUTIONS_READ,
        Permission.AUDIT_READ,
    }
)


def can(actor: Actor, permission: Permission, owner: OwnerRef) -> bool:
    """Whether the actor holds the permission for that owner.

    A user's things answer to that user alone, whatever role somebody has in an organization of
    theirs. An end user's things answer to the key of the application, and to nobody else's. An
    organization's things answer to the actor's role there, or, for support, to what an owner of it has granted.
    """
    if not _may_act(actor) or not _has_scope(actor, permission):
        return False
    if actor.kind is ActorKind.SUPPORT:
        return owner in actor.reach() and permission in SUPPORT_READS
    if actor.speaks_for(owner):
        return permission in FOR_END_USERS
    if not owner.is_organization:
        return actor.as_owner == owner and permission in OWN_THINGS
    role = actor.role_in(owner)
    if role is None or owner.id in actor.lacks_factor:
        return False
    return (
        permission in GRANTS[role]
        or _is_open_to_members(actor, permission, owner)
        or (actor.kind is ActorKind.ORGANIZATION_KEY and permission in BY_SCOPE)
    )


def _is_open_to_members(actor: Actor, permission: Permission, owner: OwnerRef) -> bool:
    """What an organization may open to its members: inviting people."""
    is_member = actor.role_in(owner) is Role.MEMBER
    return is_member and permission is Permission.MEMBERS_INVITE and owner.id in actor.invites_in


def require(actor: Actor, permission: Permission, owner: OwnerRef) -> None:
    """Raise unless `can`: 401 for nobody, 404 for a stranger, 403 for a role or key that is too small."""
    if can(actor, permission, owner):
        return
    if not _may_act(actor):
        raise UnauthenticatedError("Sign in to go on.")
    if not actor.reaches(owner):
        raise OutOfReachError
    if actor.kind is ActorKind.SUPPORT:
        raise ForbiddenError(
            f"Support {SUPPORT_LOOKS} {owner.label or 'this organization'}.", code="support_reads_only"
        )
    if owner.id in actor.lacks_factor:
        raise ForbiddenError(words.factor_missing(owner), code="mfa_required")
    require_scope(actor, permission)
    raise ForbiddenError(_role_too_small(actor, permission, owner), code="role_insufficient")


def require_scope(actor: Actor, permission: Permission) -> None:
    """Raise unless the key may be used for it, whatever its role allows. A browser session always may (check K4)."""
    if not _has_scope(actor, permission):
        needed = SCOPE_NEEDED[permission]
        message = f"This API key lacks the scope {needed}. Use a key that has it."
        raise ForbiddenError(message, code="insufficient_scope")


def roles_with(permission: Permission) -> list[Role]:
    """The roles that hold a permission, highest first."""
    return [role for role in Role if permission in GRANTS[role]]


def has_power(actor: Actor, power: Power) -> bool:
    """Whether somebody of the support team may do this in the admin site."""
    return actor.kind is ActorKind.SUPPORT and actor.standing is Standing.GOOD and power in actor.powers


def require_power(actor: Actor, power: Power) -> None:
    """Raise unless `has_power`."""
    if not has_power(actor, power):
        what = POWER_LABELS[power].removeprefix("Can ")
        message = f"This needs the permission to {what}. Whoever runs this installation can give it to you."
        raise ForbiddenError(message, code="support_lacks_power")


def _may_act(actor: Actor) -> bool:
    if actor.kind is ActorKind.SUPPORT and not actor.granted:
        return False
    return actor.standing is Standing.GOOD and actor.kind is not ActorKind.ANONYMOUS


def _has_scope(actor: Actor, permission: Permission) -> bool:
    return actor.scopes is None or SCOPE_NEEDED[permission] in actor.scopes


def _role_too_small(actor: Actor, permission: Permission, owner: OwnerRef) -> str:
    role = actor.role_in(owner)
    able = " or ".join(ROLE_LABELS[one].lower() for one in roles_with(permission))
    have = ROLE_LABELS[role].lower() if role else "not a member"
    return f"Your role in {owner.label or 'this organization'} is {have}. This needs the role {able}: ask one of them."
