"""Explanation and enforcement never differ: what the explainer says is what submitting and the worker do.

First over worlds of values, drawn by Hypothesis; then over a sample of worlds in the database, through the very
queries, services and jobs.
"""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from accounts.models import User
from integrations.access import decide_again, decide_run
from integrations.jobs.claim import claim_next
from integrations.jobs.execute import _load
from integrations.models import ConnectedAccount, Execution, Tool
from integrations.queries.explanations import explain, explain_member
from integrations.services.dry_runs import dry_run
from integrations.services.executions import Order, submit_execution
from orgs.models import Membership, Organization
from orgs.models.organizations import MemberStatus
from orgs.permissions import (
    AccountFacts,
    AccountState,
    Actor,
    ActorKind,
    Decision,
    OwnerKind,
    OwnerRef,
    Permission,
    Question,
    Role,
    Scope,
    Standing,
    ToolFacts,
    about,
    can,
    decide,
    read_owner_id,
)
from tests.factories import (
    actor_of,
    make_connected_account,
    make_membership,
    make_tool,
    make_toolkit,
    owner_ref,
)
from tests.world import World

NOW = datetime(2026, 1, 2, tzinfo=UTC)
ADA, EVE, ACME, GLOBEX = UUID(int=1), UUID(int=2), UUID(int=11), UUID(int=12)
ORGANIZATIONS = {ACME: OwnerRef(OwnerKind.ORGANIZATION, ACME, "Acme", "acme")}
ORGANIZATIONS[GLOBEX] = OwnerRef(OwnerKind.ORGANIZATION, GLOBEX, "Globex", "globex")
OWNERS = [OwnerRef(OwnerKind.USER, ADA, "Ada"), OwnerRef(OwnerKind.USER, EVE, "Eve"), *ORGANIZATIONS.values()]
SCOPES = [frozenset[str](), frozenset({"repo"}), frozenset({"repo", "user"})]

accounts = st.builds(
    AccountFacts,
    id=st.integers(100, 104).map(lambda number: UUID(int=number)),
    owner=st.sampled_from(OWNERS),
    toolkit=st.sampled_from(["github", "slack"]),
    state=st.sampled_from(AccountState),
    connected_at=st.integers(0, 3).map(lambda days: NOW + timedelta(days=days)),
    is_default=st.booleans(),
    label=st.sampled_from(["", "octocat"]),
    scopes=st.sampled_from([None, *SCOPES]),
)
tools = st.builds(
    ToolFacts,
    slug=st.just("GITHUB_GET_REPO"),
    name=st.just("Get a repository"),
    toolkit=st.just("github"),
    toolkit_name=st.just("GitHub"),
    is_enabled=st.booleans(),
    needs_account=st.booleans(),
    scopes=st.sampled_from([(), (SCOPES[1],), (SCOPES[1], SCOPES[2])]),
)
actors = st.builds(
    Actor,
    kind=st.sampled_from(ActorKind),
    user_id=st.just(ADA),
    username=st.just("ada"),
    label=st.just("Ada"),
    roles=st.dictionaries(st.sampled_from([ACME, GLOBEX]), st.sampled_from(Role)),
    organizations=st.just(ORGANIZATIONS),
    organization_id=st.sampled_from([None, ACME, GLOBEX]),
    is_bound=st.booleans(),
    scopes=st.sampled_from([None, frozenset(Scope), frozenset({Scope.TOOLS_READ})]),
    standing=st.sampled_from(Standing),
    lacks_factor=st.frozensets(st.sampled_from([ACME, GLOBEX])),
)
ids = st.one_of(st.none(), st.integers(100, 105).map(lambda number: UUID(int=number)))
questions = st.builds(
    Question,
    actor=actors,
    requested=st.sampled_from([*(one.text_id for one in OWNERS), "ada", "default", "", "x@example.com"]).map(
        read_owner_id
    ),
    tool=tools,
    accounts=st.lists(accounts, max_size=5, unique_by=lambda one: one.id),
    named_account=ids,
    pinned_account=ids,
)


def gist(decision: Decision) -> tuple[Any, ...]:
    """What is enforced: everything but the words."""
    account = decision.account.id if decision.account else None
    outcomes = tuple((check.code, check.outcome) for check in decision.checks)
    return decision.allowed, decision.status, decision.code, account, decision.because, outcomes


# --- Over values


@given(questions)
@settings(max_examples=300)
def test_checks_shown_are_the_decision_made(question: Question) -> None:
    decision = decide(question)
    outcomes = [check.outcome.value for check in decision.checks]
    first = next((place for place, outcome in enumerate(outcomes) if outcome != "passed"), len(outcomes))

    assert decision.allowed == (first == len(outcomes))
    assert outcomes[first + 1 :] == ["not_reached"] * len(outcomes[first + 1 :])
    if not decision.allowed:
        assert (outcomes[first], decision.checks[first].detail) == ("failed", decision.message)
    else:
        owner = decision.owner
        assert owner is not None
        assert can(question.actor, Permission.TOOLS_EXECUTE, owner)
        assert decision.account is None or decision.account.owner == owner


@given(questions, st.randoms())
@settings(max_examples=200)
def test_order_in_which_facts_are_read_changes_nothing(question: Question, random: Random) -> None:
    """The explainer, submitting and the worker read the accounts with different queries."""
    defaults = [one for one in question.accounts if one.is_default]
    once = [replace(one, is_default=one in defaults[:1]) for one in question.accounts]  # as the database has it
    shuffled = random.sample(once, len(once))

    assert gist(decide(replace(question, accounts=once))) == gist(decide(replace(question, accounts=shuffled)))


@given(questions)
@settings(max_examples=200)
def test_the_worker_allows_what_was_accepted_and_names_the_same_account(question: Question) -> None:
    """It asks again with the chosen account by name: as long as nothing changes, the answer is the same."""
    decision = decide(question)
    if decision.allowed and decision.owner is not None:
        named = decision.account.id if decision.account else None
        again = decide(
            replace(
                question,
                requested=read_owner_id(decision.owner.text_id),
                named_account=named,
                pinned_account=None,
            )
        )
        assert (again.allowed, again.code, again.account) == (True, decision.code, decision.account)


@given(questions, st.sampled_from(Role), st.booleans())
@settings(max_examples=300)
def test_admin_is_told_of_a_member_what_the_member_meets_under_that_id(
    question: Question, role: Role, is_active: bool
) -> None:
    acme = ORGANIZATIONS[ACME]
    roles = {ACME: role} if is_active else {}
    own = Actor(ActorKind.USER, ADA, "ada", "Ada", {**roles, GLOBEX: Role.OWNER}, ORGANIZATIONS, ACME)
    seen = Actor(ActorKind.USER, None, "", "Ada", roles, {ACME: acme}, ACME, is_bound=True)
    under = replace(question, requested=read_owner_id(acme.text_id))
    personal = {one.id for one in question.accounts if one.owner != acme}

    met = decide(replace(under, actor=own))
    told = about(decide(replace(under, actor=seen)), seen, acme)

    if question.named_account not in personal:
        assert gist(told) == gist(met)
    assert told.allowed == met.allowed
    without = replace(under, actor=seen, accounts=[one for one in question.accounts if one.owner == acme])
    assert told == about(decide(without), seen, acme)  # nothing personal has any part in it


def test_a_member_is_not_spoken_to_as_you() -> None:
    acme = ORGANIZATIONS[ACME]
    for role in (None, *Role):
        seen = Actor(ActorKind.USER, None, "", "Ada", {ACME: role} if role else {}, {ACME: acme}, ACME, is_bound=True)
        tool = ToolFacts("X", "X", "github", "GitHub")
        account = AccountFacts(UUID(int=100), acme, "github", AccountState.ACTIVE, NOW)
        named = Question(seen, read_owner_id(acme.text_id), tool, [account], account.id)
        told = about(decide(named), seen, acme)
        text = " ".join([told.message, *(f"{check.label} {check.detail}" for check in told.checks)]).lower()
        assert " you" not in f" {text}"


# --- Over worlds in the database


def furnish(world: World, random: Random) -> list[Tool]:
    """Accounts in random states under random owners, one more organization, and now and then somebody suspended."""
    toolkits = [make_toolkit(slug, is_enabled=random.random() > 0.15) for slug in ("github", "slack")]
    found = [
        make_tool(toolkit, f"{toolkit.slug.upper()}_GET_THING", scopes=random.choice([[], [["repo"]]]))
        for toolkit in toolkits
    ]
    make_membership(world.globex, world.member, random.choice(list(Role)))
    for holder in random.choices([world.acme, world.globex, world.member, world.admin], k=6):
        status = random.choice(["active", "active", "needs_attention", "expired", "paused", "failed", "waiting"])
        scopes = random.choice([None, [], ["repo"]])
        make_connected_account(random.choice(toolkits), owner=holder, status=status, scopes=scopes)
    if random.random() < 0.2:
        Membership.objects.filter(user=world.viewer).update(status=MemberStatus.SUSPENDED)
    return found


def anything_named(random: Random) -> ConnectedAccount | None:
    rows = list(ConnectedAccount.objects.unscoped("a test picks one").order_by("id"))
    return random.choice([None, None, *rows])


@pytest.mark.parametrize("seed", range(20))
def test_explainer_submission_dry_run_and_worker_agree(world: World, seed: int) -> None:
    random = Random(seed)
    [tool, _other] = furnish(world, random)
    for who in ("member", "viewer", "admin"):
        for holder in (world.people[who], world.acme):
            check_agreement(world.people[who], holder, tool, anything_named(random))
    check_admin_s_view(world, tool, anything_named(random))


def check_agreement(user: User, holder: User | Organization, tool: Tool, named: ConnectedAccount | None) -> None:
    owner = owner_ref(holder)
    actor = actor_of(user, holder if isinstance(holder, Organization) else None)
    order = Order(owner.text_id, tool.slug, {"name": "x"}, named.text_id if named else "")
    enforced, _ = decide_run(actor=actor, requested=owner.text_id, tool=tool, named_account=named.id if named else None)
    if not actor.role_in(owner) and owner != actor.as_owner:
        return  # suspended: no page of that organization opens, and no run is stored

    shown = explain(actor=actor, owner=owner, tool=tool.slug, named_account=named.id if named else None)
    row = submit_execution(actor=actor, order=order, now=datetime.now(UTC))

    assert gist(shown.decision) == gist(enforced)
    assert shown.decision.checks == enforced.checks
    assert gist(dry_run(actor=actor, order=order).decision) == gist(enforced)
    assert (row.decision["allowed"], row.decision["code"]) == (enforced.allowed, enforced.code)
    assert [one["outcome"] for one in row.decision["checks"]] == [one.outcome for one in enforced.checks]
    for other, there in shown.elsewhere:
        again = decide_run(actor=actor, requested=other.text_id, tool=tool, named_account=named.id if named else None)
        assert there == again[0]
    if enforced.allowed:
        check_worker(actor, owner, row)


def check_worker(actor: Actor, owner: OwnerRef, row: Execution) -> None:
    """At the claim, before and after the account changes: the worker decides as the explainer then explains."""
    claim = claim_next()
    assert claim is not None
    assert claim.execution_id == row.id
    for status in ("active", "paused", "expired"):
        ConnectedAccount.objects.owned_by(owner).filter(id=row.connected_account_id).update(status=status)
        running = _load(claim)
        assert running is not None
        decided, _ = decide_again(running, now=datetime.now(UTC))
        shown = explain(actor=actor, owner=owner, tool=row.tool_slug, named_account=row.connected_account_id)
        assert gist(decided) == gist(shown.decision)
    Execution.objects.owned_by(owner).filter(id=row.id).delete()


def check_admin_s_view(world: World, tool: Tool, named: ConnectedAccount | None) -> None:
    """What an admin is told about a member is what happens to the member under the organization's ID."""
    acme = world.acme.ref
    asked = named.id if named and named.owner.organization_id == world.acme.id else None
    for who in ("member", "viewer", "owner"):
        user = world.people[who]
        told = explain_member(
            actor=actor_of(world.admin, world.acme), owner=acme, user_id=user.id, tool=tool.slug, named_account=asked
        )
        met, _ = decide_run(actor=actor_of(user, world.acme), requested=acme.text_id, tool=tool, named_account=asked)
        assert gist(told.decision) == gist(met)
        assert told.elsewhere == ()
