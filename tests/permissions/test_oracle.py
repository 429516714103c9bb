"""Every cell of the truth table, asked of the product's own decision."""

from collections import Counter
from datetime import UTC, datetime
from uuid import UUID

import pytest

from orgs.permissions import (
    AccountFacts,
    AccountState,
    Actor,
    ActorKind,
    Decision,
    OwnerKind,
    OwnerRef,
    Question,
    RequestedId,
    Role,
    Scope,
    Standing,
    ToolFacts,
    decide,
    read_owner_id,
)
from tests.permissions import oracle

NOW = datetime(2026, 1, 2, tzinfo=UTC)
USER, PEER, FOREIGN_USER = UUID(int=11), UUID(int=12), UUID(int=13)
ORG, OTHER_ORG, FOREIGN_ORG = UUID(int=21), UUID(int=22), UUID(int=23)
ACCOUNT = UUID(int=31)

OWNERS = {
    "own_user": OwnerRef(OwnerKind.USER, USER),
    "peer_user": OwnerRef(OwnerKind.USER, PEER),
    "own_org": OwnerRef(OwnerKind.ORGANIZATION, ORG, "Acme"),
    "foreign_user": OwnerRef(OwnerKind.USER, FOREIGN_USER),
    "foreign_org": OwnerRef(OwnerKind.ORGANIZATION, FOREIGN_ORG),
}
REQUESTED = {
    "missing": "",
    "default": " Default ",
    "email": "ada@example.com",
    "malformed": "org-no-such-form!",
    "account_id": f"ca_{ACCOUNT.hex}",
    "own_user": f"user_{USER.hex}",
    "own_username": "ada",
    "peer_user": f"user_{PEER.hex}",
    "own_org": f"org_{ORG.hex}",
    "other_own_org": f"org_{OTHER_ORG.hex}",
    "foreign_user": f"user_{FOREIGN_USER.hex}",
    "foreign_org": f"org_{FOREIGN_ORG.hex}",
    "unknown": f"org_{UUID(int=99).hex}",
}
STATES = {
    "ACTIVE": AccountState.ACTIVE,
    "INITIATED": AccountState.WAITING,
    "EXPIRED": AccountState.EXPIRED,
    "FAILED": AccountState.FAILED,
    "INACTIVE": AccountState.PAUSED,
    "DELETED": AccountState.REVOKED,
}
KINDS = {
    "anon": ActorKind.ANONYMOUS,
    "session": ActorKind.USER,
    "user_key": ActorKind.USER_KEY,
    "org_key": ActorKind.ORGANIZATION_KEY,
    "support": ActorKind.SUPPORT,
    "revoked_key": ActorKind.USER_KEY,
    "suspended_user": ActorKind.USER,
}


def make_actor(caller: str, role: str, scopes: frozenset[Scope] | None = None) -> Actor:
    standing = {"revoked_key": Standing.REVOKED, "suspended_user": Standing.SUSPENDED}.get(caller, Standing.GOOD)
    if caller == "anon":
        return Actor(KINDS[caller])
    if caller == "org_key":
        return Actor(KINDS[caller], organization_id=ORG, is_bound=True, scopes=scopes)
    roles = {} if role == "ex_member" else {ORG: Role(role)}
    return Actor(
        KINDS[caller],
        user_id=USER,
        username="ada",
        roles={**roles, OTHER_ORG: Role.MEMBER},
        organization_id=ORG,
        is_bound=caller != "session",
        standing=standing,
        scopes=scopes,
    )


def make_accounts(owner: str, state: str, toolkit: str = "github") -> list[AccountFacts]:
    if owner == "none":
        return []
    return [AccountFacts(ACCOUNT, OWNERS[owner], toolkit, STATES[state], NOW)]


def ask(cell: oracle.Cell, *, scope: bool = True, tool_enabled: bool = True, toolkit_ok: bool = True) -> Decision:
    caller, role, requested, owner, state, pick = cell
    tool = ToolFacts("GITHUB_GET_REPO", "Get a repository", "github", "GitHub", is_enabled=tool_enabled)
    return decide(
        Question(
            actor=make_actor(caller, role, None if scope else frozenset({Scope.TOOLS_READ})),
            requested=read_owner_id(REQUESTED[requested]),
            tool=tool,
            accounts=make_accounts(owner, state, "github" if toolkit_ok else "slack"),
            named_account=ACCOUNT if pick == "explicit" else None,
        )
    )


def answer(decision: Decision) -> oracle.Answer:
    hint = "+hint" if decision.code == "no_connected_account" and decision.has_hint else ""
    return int(decision.status), decision.code + hint


def is_intended_difference(cell: oracle.Cell) -> bool:
    caller, role, requested = cell[:3]
    return caller == "session" and role != "ex_member" and requested == "other_own_org"


def test_oracle_has_the_size_and_the_acceptances_of_the_specification() -> None:
    answers = Counter(oracle.decide(cell) for cell in oracle.cells())

    assert sum(answers.values()) == 15_252
    assert answers[202, "accepted"] == 38


def test_decide_agrees_with_the_oracle_in_every_cell() -> None:
    disagreements = [
        (cell, oracle.decide(cell), answer(ask(cell)))
        for cell in oracle.cells()
        if not is_intended_difference(cell) and answer(ask(cell)) != oracle.decide(cell)
    ]

    assert disagreements == []


@pytest.mark.parametrize(
    "condition", [{"scope": False}, {"tool_enabled": False}, {"toolkit_ok": False}], ids=lambda one: next(iter(one))
)
def test_decide_agrees_with_the_oracle_when_scope_tool_or_toolkit_is_wrong(condition: dict[str, bool]) -> None:
    disagreements = []
    for cell in oracle.cells():
        if is_intended_difference(cell) or (condition == {"toolkit_ok": False} and cell[5] == "implicit"):
            continue  # without a named account, one of another toolkit is not an account for this tool at all
        if answer(ask(cell, **condition)) != oracle.decide(cell, **condition):
            disagreements.append((cell, oracle.decide(cell, **condition), answer(ask(cell, **condition))))

    assert disagreements == []


def test_a_signed_in_user_acts_in_each_of_their_organizations() -> None:
    cell = ("session", "owner", "other_own_org", "none", "ACTIVE", "implicit")

    assert answer(ask(cell)) == (404, "no_connected_account")


def test_a_key_bound_to_one_organization_does_not_reach_another_of_its_user() -> None:
    cell = ("user_key", "owner", "other_own_org", "none", "ACTIVE", "implicit")

    assert answer(ask(cell)) == (404, "user_id_not_found")


def test_a_refusal_never_tells_of_somebody_elses_account() -> None:
    for cell in oracle.cells():
        decision = ask(cell)
        if cell[3] in {"peer_user", "foreign_user", "foreign_org"}:
            assert decision.account is None
            assert OWNERS[cell[3]].text_id not in repr(decision.remedies) + decision.message


def test_an_accepted_run_uses_an_account_of_exactly_the_requested_owner() -> None:
    accepted = [ask(cell) for cell in oracle.cells() if oracle.decide(cell)[0] == 202]

    assert len(accepted) == 38
    assert all(one.account is not None and one.account.owner == one.owner for one in accepted)


def test_requested_id_has_exactly_one_part() -> None:
    for text in REQUESTED.values():
        read = read_owner_id(text)
        assert isinstance(read, RequestedId)
        assert sum([read.problem is not None, read.uuid is not None, bool(read.name)]) == 1
