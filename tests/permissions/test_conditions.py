"""Single conditions of the rule that the scenes do not reach, and a sample of the oracle's table: quick enough to
run against every mutant."""

from dataclasses import replace
from itertools import islice
from uuid import UUID

import pytest

from orgs.errors import ForbiddenError, NotFoundError
from orgs.permissions import (
    AccountState,
    Actor,
    ActorKind,
    Fix,
    OwnerKind,
    OwnerRef,
    Permission,
    Role,
    Scope,
    can,
    require,
)
from tests.permissions import oracle
from tests.permissions.test_decide import ACME, GLOBEX, ME, ORGANIZATION, OTHER, account, actor, ask, chosen, tool
from tests.permissions.test_oracle import answer, is_intended_difference
from tests.permissions.test_oracle import ask as ask_cell

EVERY = 23  # no divisor of a period of the table


def test_sample_of_the_oracle_agrees() -> None:
    for cell in islice(oracle.cells(), 0, None, EVERY):
        if not is_intended_difference(cell):
            assert answer(ask_cell(cell)) == oracle.decide(cell)


def test_who_has_an_account_elsewhere_can_help_themself() -> None:
    assert ask(account(1, ME)).fixable_by == "you"
    assert ask().fixable_by == "an admin of Acme"


def test_account_of_another_toolkit_elsewhere_is_no_hint() -> None:
    assert not ask(account(1, ME, toolkit="slack")).has_hint
    assert ask(account(1, ME)).has_hint


def test_tool_without_account_does_not_care_which_one_is_named() -> None:
    open_tool = tool(needs_account=False)
    mine, slack, paused = account(1, ME), account(2, toolkit="slack"), account(3, state=AccountState.PAUSED)
    narrow = account(4, scopes=frozenset())
    scopes = (frozenset({"repo"}),)

    for named in (mine, slack, paused, narrow):
        assert ask(named, tool=replace(open_tool, scopes=scopes), named_account=named.id).allowed
        assert not ask(named, tool=tool(scopes=scopes), named_account=named.id).allowed


def test_second_account_can_be_named_too() -> None:
    accounts = [account(1), account(2), account(3)]

    assert chosen(ask(*accounts, named_account=accounts[1].id))[0] == "login2"


def test_tool_that_needs_no_scope_runs_with_an_account_that_was_granted_none() -> None:
    nothing = account(1, scopes=frozenset())

    assert ask(nothing).allowed
    assert ask(nothing, tool=tool(scopes=(frozenset({"repo"}),))).code == "missing_scope"


@pytest.mark.parametrize(("role", "who"), [(Role.MEMBER, "an admin of Acme"), (Role.ADMIN, "you")])
@pytest.mark.parametrize("state", [AccountState.EXPIRED, AccountState.PAUSED])
def test_who_can_repair_an_account_is_named(state: AccountState, role: Role, who: str) -> None:
    assert ask(account(1, state=state), actor=actor(role)).fixable_by == who


def test_actor_without_a_user_owns_nothing() -> None:
    nobody = Actor(ActorKind.USER)

    assert nobody.as_owner is None
    assert nobody.reach() == []
    assert Actor(ActorKind.USER, user_id=UUID(int=1)).reach() != []
    assert Actor(ActorKind.ORGANIZATION_KEY).reach() == []
    assert Actor(ActorKind.ORGANIZATION_KEY, organization_id=ACME).reach() == [ORGANIZATION]


def test_role_is_held_in_organizations_only() -> None:
    assert actor().role_in(ORGANIZATION) is Role.MEMBER
    assert actor().role_in(OwnerRef(OwnerKind.USER, ACME)) is None


def test_request_in_one_organization_does_not_bind_a_user_to_it() -> None:
    both = actor(roles={ACME: Role.MEMBER, GLOBEX: Role.VIEWER}, organization_id=ACME)

    assert both.reach() == [ME, ORGANIZATION, OTHER]
    assert actor(roles=dict(both.roles), organization_id=ACME, is_bound=True).reach() == [ME, ORGANIZATION]


# --- A second factor, where one is required


LOCKED_OUT = {"lacks_factor": frozenset({ACME})}


def test_member_without_the_required_factor_runs_nothing_there() -> None:
    decision = ask(account(1), actor=actor(**LOCKED_OUT))

    assert (decision.status, decision.code, decision.fixable_by) == (403, "mfa_required", "you")
    assert [(one.fix, one.owner, one.by_actor) for one in decision.remedies] == [(Fix.ADD_FACTOR, ORGANIZATION, True)]
    assert "Acme requires two-factor sign-in" in decision.message
    assert ask(account(1), actor=actor(lacks_factor=frozenset({GLOBEX}))).allowed


def test_factor_is_asked_for_before_the_role_and_after_the_id() -> None:
    assert ask(actor=actor(Role.VIEWER, **LOCKED_OUT)).code == "mfa_required"
    assert ask(actor=actor(None, **LOCKED_OUT)).code == "user_id_not_found"


def test_factor_is_not_asked_for_under_ones_own_id() -> None:
    assert ask(account(1, ME), under=ME, actor=actor(**LOCKED_OUT)).allowed


def test_account_behind_a_missing_factor_is_no_hint() -> None:
    assert ask(account(1), under=ME).has_hint
    assert not ask(account(1), under=ME, actor=actor(**LOCKED_OUT)).has_hint


def test_missing_factor_takes_every_permission_there_and_no_other() -> None:
    shut_out = actor(Role.OWNER, **LOCKED_OUT)

    for permission in Permission:
        assert not can(shut_out, permission, ORGANIZATION)
        assert can(shut_out, permission, ME) is can(actor(), permission, ME)
    with pytest.raises(ForbiddenError, match="Acme requires two-factor sign-in") as refused:
        require(shut_out, Permission.ORGANIZATION_READ, ORGANIZATION)
    assert refused.value.code == "mfa_required"
    with pytest.raises(NotFoundError):
        require(shut_out, Permission.ORGANIZATION_READ, OTHER)


def test_who_is_shut_out_still_sees_that_they_belong_there() -> None:
    assert actor(**LOCKED_OUT).reach() == [ME, ORGANIZATION]
    assert actor(**LOCKED_OUT).admitted() == [ME]
    assert actor().admitted() == [ME, ORGANIZATION]


# --- Inviting, where members may too


@pytest.mark.parametrize(("role", "may"), [(Role.VIEWER, False), (Role.MEMBER, True), (Role.ADMIN, True)])
def test_members_invite_where_the_organization_lets_them(role: Role, may: bool) -> None:
    here = {"invites_in": frozenset({ACME})}

    assert can(actor(role, **here), Permission.MEMBERS_INVITE, ORGANIZATION) is may
    assert can(actor(role), Permission.MEMBERS_INVITE, ORGANIZATION) is (role is Role.ADMIN)
    assert not can(actor(Role.MEMBER, **here), Permission.MEMBERS_MANAGE, ORGANIZATION)
    assert not can(actor(Role.MEMBER, invites_in=frozenset({GLOBEX})), Permission.MEMBERS_INVITE, ORGANIZATION)
    key = actor(kind=ActorKind.USER_KEY, scopes=frozenset({Scope.TOOLS_READ}), **here)
    assert not can(key, Permission.MEMBERS_INVITE, ORGANIZATION)
