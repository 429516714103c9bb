"""The rule for applications: every cell of its truth table, and the single conditions. No database."""

from collections import Counter
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import pytest

from orgs.errors import ForbiddenError, NotFoundError
from orgs.permissions import (
    AccountFacts,
    Actor,
    ActorKind,
    Decision,
    Fix,
    IdProblem,
    OwnerKind,
    OwnerRef,
    Permission,
    Question,
    RequestedId,
    Role,
    Scope,
    Standing,
    ToolFacts,
    can,
    decide,
    owner_meant,
    read_end_user_id,
    read_owner_id,
    require,
    words,
)
from tests.permissions import application_oracle as oracle
from tests.permissions.test_oracle import STATES

NOW = datetime(2026, 1, 2, tzinfo=UTC)
MEMBER, ACME, GLOBEX = UUID(int=11), UUID(int=21), UUID(int=22)
SHOP, SECOND, FOREIGN = UUID(int=41), UUID(int=42), UUID(int=43)
ACCOUNT = UUID(int=31)
ORGANIZATION = OwnerRef(OwnerKind.ORGANIZATION, ACME, "Acme", "acme")


def end_user(number: int, external: str, application: UUID = SHOP, organization: UUID = ACME) -> OwnerRef:
    return OwnerRef(
        OwnerKind.END_USER,
        UUID(int=number),
        external,
        external=external,
        application_id=application,
        organization_id=organization,
    )


ALICE, BOB, NEW = end_user(51, "alice-8472"), end_user(52, "bob"), end_user(53, "carol")
OWNERS = {
    "own_org": ORGANIZATION,
    "foreign_org": OwnerRef(OwnerKind.ORGANIZATION, GLOBEX),
    "member": OwnerRef(OwnerKind.USER, MEMBER),
    "end_user": ALICE,
    "other_end_user": BOB,
    "second_app": end_user(54, "carol", SECOND),
    "foreign_app": end_user(55, "carol", FOREIGN, GLOBEX),
}
REQUESTED = {
    "missing": "",
    "default": " Default ",
    "email": "alice@example.com",
    "malformed": "alice 8472!",
    "account_id": f"ca_{ACCOUNT.hex}",
    "member": f"user_{MEMBER.hex}",
    "unknown_user": f"USER_{UUID(int=99).hex}",
    "own_org": ORGANIZATION.text_id,
    "foreign_org": f"org_{GLOBEX.hex}",
    "end_user": "alice-8472",
    "end_user_eu": ALICE.text_id,
    "stranger": "carol",
    "second_app_eu": OWNERS["second_app"].text_id,
    "foreign_app_eu": OWNERS["foreign_app"].text_id,
}
NAMED = {"end_user": (ALICE,), "end_user_eu": (ALICE,), "stranger": (NEW,)}


def key(*, scopes: frozenset[Scope] | None = None, **values: Any) -> Actor:
    values = {"kind": ActorKind.APPLICATION_KEY, "application_id": SHOP, **values}
    return Actor(
        label="Shop",
        organizations={ACME: ORGANIZATION},
        organization_id=ACME,
        is_bound=True,
        scopes=scopes,
        **values,
    )


def make_actor(caller: str, requested: str, scopes: frozenset[Scope] | None) -> Actor:
    if caller == "org_key":
        return key(scopes=scopes, kind=ActorKind.ORGANIZATION_KEY, application_id=None)
    if caller == "user_key":
        return Actor(ActorKind.USER_KEY, user_id=MEMBER, username="mia", roles={ACME: Role.OWNER}, scopes=scopes)
    standing = Standing.REVOKED if caller == "ended_app_key" else Standing.GOOD
    return key(scopes=scopes, standing=standing, end_users=NAMED.get(requested, ()))


def ask(cell: oracle.Cell, *, scope: bool = True, tool_enabled: bool = True, toolkit_ok: bool = True) -> Decision:
    caller, requested, owner, state, pick = cell
    toolkit = "github" if toolkit_ok else "slack"
    facts = [] if owner == "none" else [AccountFacts(ACCOUNT, OWNERS[owner], toolkit, STATES[state], NOW)]
    read = read_end_user_id if caller.endswith("app_key") else read_owner_id
    return decide(
        Question(
            actor=make_actor(caller, requested, None if scope else frozenset({Scope.TOOLS_READ})),
            requested=read(REQUESTED[requested]),
            tool=ToolFacts("GITHUB_GET_REPO", "Get a repository", "github", "GitHub", is_enabled=tool_enabled),
            accounts=facts,
            named_account=ACCOUNT if pick == "explicit" else None,
        )
    )


def answer(decision: Decision) -> oracle.Answer:
    hint = "+hint" if decision.code == "no_connected_account" and decision.has_hint else ""
    return int(decision.status), decision.code + hint


def test_table_has_this_size_and_these_acceptances() -> None:
    answers = Counter(oracle.decide(cell) for cell in oracle.cells())

    assert sum(answers.values()) == 3_268
    assert answers[202, "accepted"] == 6  # own_org, end_user and end_user_eu, with and without a named account


def test_decide_agrees_with_the_table_in_every_cell() -> None:
    wrong = [(cell, oracle.decide(cell), answer(ask(cell))) for cell in oracle.cells()]

    assert [one for one in wrong if one[1] != one[2]] == []


@pytest.mark.parametrize("condition", [{"scope": False}, {"tool_enabled": False}, {"toolkit_ok": False}])
def test_decide_agrees_when_scope_tool_or_toolkit_is_wrong(condition: dict[str, bool]) -> None:
    for cell in oracle.cells():
        if condition == {"toolkit_ok": False} and cell[4] == "implicit":
            continue
        assert answer(ask(cell, **condition)) == oracle.decide(cell, **condition), cell


def test_nothing_is_told_of_whoever_is_out_of_reach() -> None:
    """Another end user's string and ID, another application's, a member's: in no sentence and no remedy."""
    for cell in oracle.cells():
        _caller, requested, owner, _state, _pick = cell
        if owner in {"member", "second_app", "foreign_app", "foreign_org"} or (
            owner == "other_end_user" and requested != "own_org"
        ):
            decision = ask(cell)
            assert decision.account is None
            assert OWNERS[owner].text_id not in repr(decision.remedies) + decision.message
            assert not (owner == "other_end_user" and "bob" in repr(decision.remedies) + decision.message)


def test_hint_names_the_id_that_would_work_as_the_application_passes_it() -> None:
    under_alice = ask(("app_key", "end_user", "own_org", "ACTIVE", "implicit"))
    under_acme = ask(("app_key", "own_org", "end_user", "ACTIVE", "implicit"))

    assert f"use the organization ID {ORGANIZATION.text_id}" in under_alice.message
    assert "the end user alice-8472: use the user ID alice-8472" in under_acme.message
    assert [one.owner for one in under_acme.remedies if one.fix is Fix.RUN_AS] == [ALICE]
    named = ask(("app_key", "end_user", "own_org", "ACTIVE", "explicit"))
    assert f"does not answer to the ID of the end user alice-8472. Use the organization ID {ORGANIZATION.text_id}" in (
        named.message
    )


def test_application_connects_for_its_end_users_and_asks_an_admin_for_the_organization() -> None:
    under_alice = ask(("app_key", "end_user", "none", "ACTIVE", "implicit"))
    under_acme = ask(("app_key", "own_org", "none", "ACTIVE", "implicit"))

    assert (under_alice.fixable_by, under_alice.remedies[-1].by_actor) == ("you", True)
    assert (under_acme.fixable_by, under_acme.remedies[-1].by_actor) == ("an admin of Acme", False)


def test_an_accepted_run_says_for_whom() -> None:
    decision = ask(("app_key", "end_user", "end_user", "ACTIVE", "implicit"))

    assert decision.message.startswith("“Get a repository” runs as the end user alice-8472")
    details = {check.code: check.detail for check in decision.checks}
    assert details["actor"] == "Shop (API key)"
    assert details["id_reach"] == "Acting as the end user alice-8472"
    assert "no role is needed" in details["role"]


# --- Reading IDs


@pytest.mark.parametrize("text", ["4711", "user_123", "a", "B", "acct|9", "x" * 128, "u:1/2+3=~4.5-6", "org_acme"])
def test_string_of_the_applications_own_is_taken_as_it_is(text: str) -> None:
    assert read_end_user_id(text) == RequestedId(external=text)


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        (None, IdProblem.MISSING),
        ("", IdProblem.MISSING),
        ("\u200b", IdProblem.MISSING),
        (7, IdProblem.INVALID),
        ("default", IdProblem.DEFAULT),
        ("\uff24EFAULT", IdProblem.DEFAULT),
        ("a@b.example", IdProblem.EMAIL),
        ("x" * 129, IdProblem.INVALID),
        ("two words", IdProblem.INVALID),
        ("-dash", IdProblem.INVALID),
        ("zoë", IdProblem.INVALID),
        ("line\n", IdProblem.INVALID),
        (f"trs_{'0' * 32}", IdProblem.INVALID),
        (f"CA_{'0' * 32}", IdProblem.INVALID),
    ],
)
def test_what_cannot_name_an_end_user_is_refused_with_what_a_good_id_looks_like(text: Any, problem: IdProblem) -> None:
    assert read_end_user_id(text) == RequestedId(problem=problem)
    said = words.id_problem(problem, key())
    assert said.endswith(words.GOOD_END_USER_ID)
    assert words.GOOD_ID not in said


def test_ids_of_our_own_form_never_name_an_end_user() -> None:
    for prefix, kind in (("user", OwnerKind.USER), ("org", OwnerKind.ORGANIZATION), ("eu", OwnerKind.END_USER)):
        text = f"{prefix}_{UUID(int=7).hex}"
        assert read_end_user_id(text) == read_end_user_id(text.upper()) == RequestedId(kind=kind, uuid=UUID(int=7))


def test_capital_letters_make_another_end_user() -> None:
    actor = key(end_users=(ALICE,))

    assert owner_meant(actor, read_end_user_id("alice-8472")) == ALICE
    assert owner_meant(actor, read_end_user_id("Alice-8472")) is None


def test_string_of_an_end_user_of_another_application_is_not_meant() -> None:
    """Even if it were put within reach by mistake."""
    assert owner_meant(key(end_users=(OWNERS["second_app"],)), read_end_user_id("carol")) is None
    assert owner_meant(key(end_users=(NEW,)), read_end_user_id("carol")) == NEW


# --- What an application's key may do


FOR_END_USERS = {
    "connected_accounts:read",
    "connected_accounts:manage",
    "tools:read",
    "tools:execute",
    "executions:read",
    "executions:read_results",
    "sessions:read",
    "sessions:manage",
}


@pytest.mark.parametrize("permission", Permission)
def test_key_may_do_this_for_its_end_users_and_nothing_for_others(permission: Permission) -> None:
    assert can(key(), permission, ALICE) is (permission.value in FOR_END_USERS)
    for owner in (OWNERS["second_app"], OWNERS["foreign_app"], OWNERS["member"], OWNERS["foreign_org"]):
        assert not can(key(), permission, owner)


@pytest.mark.parametrize("permission", Permission)
def test_key_is_a_member_in_its_organization_and_never_more(permission: Permission) -> None:
    member = Actor(ActorKind.USER, user_id=MEMBER, roles={ACME: Role.MEMBER})

    assert can(key(), permission, ORGANIZATION) is can(member, permission, ORGANIZATION)


@pytest.mark.parametrize("permission", Permission)
@pytest.mark.parametrize("role", Role)
def test_no_member_and_no_other_key_reaches_an_end_user(permission: Permission, role: Role) -> None:
    others = [
        Actor(ActorKind.USER, user_id=MEMBER, roles={ACME: role}, organizations={ACME: ORGANIZATION}),
        key(kind=ActorKind.ORGANIZATION_KEY, application_id=None),
        key(application_id=SECOND),
    ]

    for actor in others:
        assert not can(actor, permission, ALICE)
        with pytest.raises(NotFoundError):
            require(actor, permission, ALICE)


def test_scope_that_is_missing_is_said_and_not_that_there_is_nobody() -> None:
    narrow = key(scopes=frozenset({Scope.TOOLS_READ}))

    with pytest.raises(ForbiddenError) as caught:
        require(narrow, Permission.TOOLS_EXECUTE, ALICE)
    assert caught.value.code == "insufficient_scope"
    require(key(), Permission.TOOLS_EXECUTE, ALICE)


def test_reach_is_the_organization_and_the_end_users_that_are_named() -> None:
    assert key().reach() == [ORGANIZATION]
    assert key(end_users=(ALICE,)).reach() == [ORGANIZATION, ALICE]
    assert key().reaches(ALICE)
    assert key().reaches(ORGANIZATION)
    assert not key().reaches(OWNERS["second_app"])
    assert not key().reaches(OWNERS["member"])
    assert key().as_owner is None
    assert replace(key(), user_id=MEMBER).as_owner is None


def test_somebody_without_an_application_speaks_for_nobody() -> None:
    """Two that have none are not of the same application."""
    person = Actor(ActorKind.USER, user_id=MEMBER)

    assert not person.speaks_for(OWNERS["member"])
    assert not key(application_id=None).speaks_for(ALICE)
    assert not key().speaks_for(ORGANIZATION)
    assert key().speaks_for(ALICE)


def test_end_users_that_one_request_names_are_still_apart() -> None:
    bobs = AccountFacts(ACCOUNT, BOB, "github", STATES["ACTIVE"], NOW)
    asked = Question(
        actor=key(end_users=(ALICE, BOB)),
        requested=read_end_user_id("alice-8472"),
        tool=ToolFacts("GITHUB_GET_REPO", "Get a repository", "github", "GitHub"),
        accounts=[bobs],
    )

    assert answer(decide(asked)) == (404, "no_connected_account")
    assert decide(replace(asked, named_account=ACCOUNT)).code == "connected_account_not_found"
    assert decide(replace(asked, requested=read_end_user_id("bob"))).allowed
