"""Who may do what, written out by hand: the product's table must come to the same answers."""

from uuid import UUID

import pytest

from orgs.errors import ForbiddenError, NotFoundError, UnauthenticatedError
from orgs.permissions import (
    ANONYMOUS,
    GRANTS,
    PERMISSION_LABELS,
    POWER_LABELS,
    ROLE_LABELS,
    Actor,
    ActorKind,
    OwnerKind,
    OwnerRef,
    Permission,
    Power,
    Role,
    Scope,
    Standing,
    can,
    has_power,
    require,
    require_power,
    roles_with,
)
from orgs.permissions.roles import SCOPE_NEEDED
from orgs.role_table import role_table

USER, PEER = UUID(int=1), UUID(int=2)
ACME, GLOBEX = UUID(int=11), UUID(int=12)
ME = OwnerRef(OwnerKind.USER, USER)
SOMEBODY = OwnerRef(OwnerKind.USER, PEER)
OUR_ORGANIZATION = OwnerRef(OwnerKind.ORGANIZATION, ACME, "Acme", "acme")
THEIRS = OwnerRef(OwnerKind.ORGANIZATION, GLOBEX, "Globex", "globex")

# permission: who holds it for the organization (viewer, member, admin, owner)
TABLE = {
    "organization:read": "vmao",
    "organization:manage": "o",
    "members:read": "vmao",
    "members:invite": "ao",
    "members:manage": "ao",
    "connected_accounts:read": "vmao",
    "connected_accounts:manage": "ao",
    "auth_configs:manage": "ao",
    "tools:read": "vmao",
    "tools:execute": "mao",
    "executions:read": "vmao",
    "executions:read_results": "ao",
    "sessions:read": "vmao",
    "sessions:manage": "ao",
    "api_keys:manage": "ao",
    "applications:read": "vmao",
    "applications:manage": "ao",
    "webhooks:manage": "ao",
    "audit:read": "ao",
    "requests:make": "mao",
    "requests:withdraw": "vmao",
    "requests:decide": "ao",
    "support_grants:manage": "o",
    "policies:manage": "ao",
    "approvals:decide": "ao",
}
# what everybody holds for their own things; the rest has no meaning there
OWN = {
    "connected_accounts:read",
    "connected_accounts:manage",
    "tools:read",
    "tools:execute",
    "executions:read",
    "executions:read_results",
    "sessions:read",
    "sessions:manage",
    "api_keys:manage",
    "audit:read",
}


def member(role: Role | None = Role.MEMBER, **values: object) -> Actor:
    roles = {ACME: role} if role else {}
    return Actor(
        ActorKind.USER, user_id=USER, username="ada", roles=roles, organizations={ACME: OUR_ORGANIZATION}, **values
    )


@pytest.mark.parametrize("role", Role)
@pytest.mark.parametrize("permission", Permission)
def test_role_holds_exactly_what_the_table_says(permission: Permission, role: Role) -> None:
    expected = role.value[0] in TABLE[permission.value]

    assert can(member(role), permission, OUR_ORGANIZATION) is expected


@pytest.mark.parametrize("role", [None, *Role])
@pytest.mark.parametrize("permission", Permission)
def test_ones_own_things_are_ones_own_whatever_the_role(permission: Permission, role: Role | None) -> None:
    assert can(member(role), permission, ME) is (permission.value in OWN)
    assert not can(member(role), permission, SOMEBODY)
    assert not can(member(role), permission, THEIRS)


@pytest.mark.parametrize("permission", Permission)
def test_nobody_in_particular_holds_nothing(permission: Permission) -> None:
    strangers = [
        ANONYMOUS,
        Actor(ActorKind.SUPPORT, user_id=USER, roles={ACME: Role.OWNER}),
        member(Role.OWNER, standing=Standing.SUSPENDED),
        member(Role.OWNER, standing=Standing.REVOKED),
    ]

    for actor in strangers:
        for owner in (ME, OUR_ORGANIZATION):
            assert not can(actor, permission, owner)
            with pytest.raises(UnauthenticatedError):
                require(actor, permission, owner)


def test_organization_key_looks_after_accounts_webhooks_and_results_as_far_as_its_scopes_go() -> None:
    def key(*scopes: Scope) -> Actor:
        return Actor(
            ActorKind.ORGANIZATION_KEY, organization_id=ACME, is_bound=True, scopes=frozenset(scopes), roles={}
        )

    manage, read = Permission.CONNECTED_ACCOUNTS_MANAGE, Permission.EXECUTIONS_READ_RESULTS
    assert can(key(Scope.CONNECTIONS_WRITE), manage, OUR_ORGANIZATION)
    assert not can(key(Scope.CONNECTIONS_READ), manage, OUR_ORGANIZATION)
    assert can(key(Scope.EXECUTIONS_READ), read, OUR_ORGANIZATION)
    assert not can(key(Scope.EXECUTIONS_WRITE), read, OUR_ORGANIZATION)
    assert can(key(Scope.ADMIN), Permission.WEBHOOKS_MANAGE, OUR_ORGANIZATION)
    assert not can(key(*set(Scope) - {Scope.ADMIN}), Permission.WEBHOOKS_MANAGE, OUR_ORGANIZATION)
    assert not can(key(*Scope), manage, THEIRS)
    assert not can(key(*Scope), Permission.WEBHOOKS_MANAGE, THEIRS)
    assert not can(member(Role.MEMBER, scopes=frozenset(Scope)), manage, OUR_ORGANIZATION)


def test_organization_key_acts_in_its_organization_alone() -> None:
    key = Actor(ActorKind.ORGANIZATION_KEY, user_id=USER, organization_id=ACME, is_bound=True)

    assert can(key, Permission.TOOLS_EXECUTE, OUR_ORGANIZATION)
    assert not can(key, Permission.MEMBERS_MANAGE, OUR_ORGANIZATION)
    assert not can(key, Permission.API_KEYS_MANAGE, OUR_ORGANIZATION)
    assert not can(key, Permission.TOOLS_EXECUTE, ME)
    assert not can(key, Permission.TOOLS_EXECUTE, THEIRS)
    assert [owner.id for owner in key.reach()] == [ACME]


def test_key_bound_to_one_organization_does_not_reach_another() -> None:
    key = Actor(
        ActorKind.USER_KEY,
        user_id=USER,
        roles={ACME: Role.OWNER, GLOBEX: Role.OWNER},
        organization_id=ACME,
        is_bound=True,
    )

    assert can(key, Permission.MEMBERS_READ, OUR_ORGANIZATION)
    assert not can(key, Permission.MEMBERS_READ, THEIRS)


@pytest.mark.parametrize("permission", Permission)
def test_key_needs_the_scope_for_the_permission(permission: Permission) -> None:
    needed = SCOPE_NEEDED[permission]
    others = frozenset(Scope) - {needed}

    assert can(member(Role.OWNER, scopes=frozenset({needed})), permission, OUR_ORGANIZATION)
    assert not can(member(Role.OWNER, scopes=others), permission, OUR_ORGANIZATION)
    with pytest.raises(ForbiddenError, match=needed) as refused:
        require(member(Role.OWNER, scopes=others), permission, OUR_ORGANIZATION)
    assert refused.value.code == "insufficient_scope"


def test_require_lets_through_what_can_allows() -> None:
    require(member(Role.ADMIN), Permission.MEMBERS_MANAGE, OUR_ORGANIZATION)


def test_require_tells_a_member_whom_to_ask() -> None:
    with pytest.raises(ForbiddenError) as refused:
        require(member(Role.MEMBER), Permission.CONNECTED_ACCOUNTS_MANAGE, OUR_ORGANIZATION)

    assert refused.value.code == "role_insufficient"
    assert refused.value.message == (
        "Your role in Acme is member. This needs the role owner or admin: ask one of them."
    )


def test_require_says_so_when_a_permission_has_no_meaning_for_a_person() -> None:
    with pytest.raises(ForbiddenError, match="this organization is not a member"):
        require(member(), Permission.MEMBERS_READ, ME)


@pytest.mark.parametrize("owner", [SOMEBODY, THEIRS], ids=["another person", "another organization"])
@pytest.mark.parametrize("permission", Permission)
def test_require_answers_a_stranger_as_if_there_were_nothing(permission: Permission, owner: OwnerRef) -> None:
    with pytest.raises(NotFoundError) as real:
        require(member(Role.OWNER), permission, owner)
    with pytest.raises(NotFoundError) as invented:
        require(member(Role.OWNER), permission, OwnerRef(owner.kind, UUID(int=99)))

    assert real.value.message == invented.value.message


def test_roles_are_nested() -> None:
    assert GRANTS[Role.VIEWER] < GRANTS[Role.MEMBER] < GRANTS[Role.ADMIN] < GRANTS[Role.OWNER]


def test_every_permission_and_role_has_a_label_and_is_held_by_the_owner() -> None:
    assert set(PERMISSION_LABELS) == set(Permission) == GRANTS[Role.OWNER] == set(SCOPE_NEEDED)
    assert set(ROLE_LABELS) == set(Role)


def test_roles_with_a_permission_come_highest_first() -> None:
    assert roles_with(Permission.TOOLS_EXECUTE) == [Role.OWNER, Role.ADMIN, Role.MEMBER]


def test_role_table_of_the_members_page_is_the_rule() -> None:
    table = role_table()

    rows = dict(table.rows)
    assert table.roles == ["Owner", "Admin", "Member", "Viewer"]
    assert rows["Run tools as the organization"] == [True, True, True, False]
    assert len(rows) == len(Permission)


# --- Support staff


def support(*organizations: UUID, **values: object) -> Actor:
    """Support whom owners of these organizations let look. A role is left over from somewhere; it must not count."""
    known = {ACME: OUR_ORGANIZATION, GLOBEX: THEIRS}
    roles = {ACME: Role.OWNER, GLOBEX: Role.OWNER}
    return Actor(
        ActorKind.SUPPORT,
        user_id=USER,
        roles=roles,
        organizations=known,
        granted=frozenset(organizations),
        **values,  # type: ignore[arg-type]
    )


SUPPORT_READS = {
    "organization:read",
    "members:read",
    "connected_accounts:read",
    "executions:read",
    "audit:read",
}


@pytest.mark.parametrize("permission", Permission)
def test_support_reads_where_an_owner_lets_it_and_nowhere_else(permission: Permission) -> None:
    allowed = permission.value in SUPPORT_READS

    assert can(support(ACME), permission, OUR_ORGANIZATION) is allowed
    for owner in (THEIRS, ME, SOMEBODY):
        assert not can(support(ACME), permission, owner)
    assert not can(support(), permission, OUR_ORGANIZATION)
    assert not can(support(ACME, standing=Standing.SUSPENDED), permission, OUR_ORGANIZATION)


def test_support_has_nothing_of_its_own() -> None:
    assert support(ACME).as_owner is None
    assert support(GLOBEX, ACME).reach() == [OUR_ORGANIZATION, THEIRS]
    assert [one.label for one in support(GLOBEX, ACME).reach()] == ["Acme", "Globex"]
    assert support().reach() == []
    assert Actor(ActorKind.SUPPORT, granted=frozenset({ACME})).reach() == [OUR_ORGANIZATION]


def test_support_is_told_what_is_open_to_it() -> None:
    with pytest.raises(
        ForbiddenError, match=r"^Support may look at members, .* and change nothing in Acme\.$"
    ) as refused:
        require(support(ACME), Permission.MEMBERS_MANAGE, OUR_ORGANIZATION)

    assert refused.value.code == "support_reads_only"
    require(support(ACME), Permission.MEMBERS_READ, OUR_ORGANIZATION)
    with pytest.raises(NotFoundError):
        require(support(ACME), Permission.MEMBERS_READ, THEIRS)


def test_support_without_a_name_for_the_place_is_told_as_much() -> None:
    with pytest.raises(ForbiddenError, match="in this organization"):
        require(
            Actor(ActorKind.SUPPORT, granted=frozenset({ACME})),
            Permission.MEMBERS_MANAGE,
            OwnerRef(OwnerKind.ORGANIZATION, ACME),
        )


@pytest.mark.parametrize("power", Power)
def test_each_power_is_its_own(power: Power) -> None:
    holder = Actor(ActorKind.SUPPORT, user_id=USER, powers=frozenset({power}))
    others = Actor(ActorKind.SUPPORT, user_id=USER, powers=frozenset(Power) - {power})
    strangers = [
        others,
        Actor(ActorKind.SUPPORT, powers=frozenset({power}), standing=Standing.SUSPENDED),
        Actor(ActorKind.USER, user_id=USER, powers=frozenset({power})),
    ]

    assert has_power(holder, power)
    require_power(holder, power)
    for actor in strangers:
        assert not has_power(actor, power)
        with pytest.raises(ForbiddenError, match=POWER_LABELS[power].removeprefix("Can ")) as refused:
            require_power(actor, power)
        assert refused.value.code == "support_lacks_power"


def test_every_power_has_a_label() -> None:
    assert set(POWER_LABELS) == set(Power)
