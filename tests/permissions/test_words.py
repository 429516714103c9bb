"""Explanations name the way out, and nothing that the reader may not know: shown for arbitrary questions."""

import re
from datetime import UTC, datetime
from uuid import UUID

from hypothesis import given, settings
from hypothesis import strategies as st

from orgs.permissions import (
    AccountFacts,
    AccountState,
    Actor,
    ActorKind,
    Decision,
    Fix,
    OwnerKind,
    OwnerRef,
    Question,
    Role,
    Scope,
    Standing,
    ToolFacts,
    decide,
    read_owner_id,
)

NOW = datetime(2026, 1, 2, tzinfo=UTC)
USERS = [OwnerRef(OwnerKind.USER, UUID(int=number), f"Person-{number}") for number in (1, 2, 3)]
NUMBERS = (11, 12, 13)
ORGANIZATIONS = [OwnerRef(OwnerKind.ORGANIZATION, UUID(int=one), f"Company-{one}", f"company-{one}") for one in NUMBERS]
OWNERS = [*USERS, *ORGANIZATIONS]
ME = USERS[0]
OTHER_IDS = ["ada", "grace", "default", "a@b.example", "", "nonsense!", f"org_{99:032x}"]
IDS = [*(owner.text_id for owner in OWNERS), *OTHER_IDS]
ANY_ID = re.compile(r"(?:user|org)_[0-9a-f]{32}")
# A refusal says what to do: sign in, pass another ID, connect, ask, use, choose, reconnect, run as, make, resume …
WAY_OUT = re.compile(
    r"\b(sign in|use|pass|connect|reconnect|choose|ask|say|allow|resume|make|admin|cannot run tools|switched off|ended|"
    r"looks like|set it up|it might be the wrong one|do not run tools)\b",
    re.IGNORECASE,
)

actors = st.builds(
    Actor,
    kind=st.sampled_from(ActorKind),
    user_id=st.just(ME.id),
    username=st.just("ada"),
    label=st.just(ME.label),
    roles=st.dictionaries(st.sampled_from([one.id for one in ORGANIZATIONS]), st.sampled_from(Role)),
    organizations=st.just({one.id: one for one in ORGANIZATIONS}),
    organization_id=st.sampled_from([None, *(one.id for one in ORGANIZATIONS)]),
    is_bound=st.booleans(),
    scopes=st.sampled_from([None, frozenset({Scope.EXECUTIONS_WRITE}), frozenset({Scope.TOOLS_READ})]),
    standing=st.sampled_from(Standing),
    lacks_factor=st.frozensets(st.sampled_from([one.id for one in ORGANIZATIONS])),
)
tools = st.builds(
    ToolFacts,
    slug=st.just("GITHUB_GET_REPO"),
    name=st.just("Get a repository"),
    toolkit=st.sampled_from(["github", "slack"]),
    toolkit_name=st.just("GitHub"),
    is_enabled=st.booleans(),
    needs_account=st.booleans(),
    scopes=st.sampled_from([(), (frozenset({"repo"}),)]),
)


@st.composite
def account_lists(draw: st.DrawFn) -> list[AccountFacts]:
    owners = draw(st.lists(st.sampled_from(OWNERS), max_size=5))
    return [
        AccountFacts(
            UUID(int=100 + number),
            owner,
            draw(st.sampled_from(["github", "slack"])),
            draw(st.sampled_from(AccountState)),
            NOW,
            is_default=draw(st.booleans()),
            label=f"login-of-{owner.label}-{number}",
            scopes=draw(st.sampled_from([None, frozenset[str](), frozenset({"repo"})])),
        )
        for number, owner in enumerate(owners)
    ]


questions = st.builds(
    Question,
    actor=actors,
    requested=st.sampled_from(IDS).map(read_owner_id),
    tool=tools,
    accounts=account_lists(),
    named_account=st.sampled_from([None, None, *(UUID(int=100 + number) for number in range(6))]),
    pinned_account=st.sampled_from([None, *(UUID(int=100 + number) for number in range(6))]),
)


def everything_said(decision: Decision) -> str:
    parts = [decision.message, decision.fixable_by]
    parts += [f"{check.label} {check.detail}" for check in decision.checks]
    parts += [f"{remedy.label} {remedy.owner.text_id if remedy.owner else ''}" for remedy in decision.remedies]
    return "\n".join(parts)


@settings(max_examples=400)
@given(questions)
def test_explanation_names_no_id_and_no_account_out_of_reach(question: Question) -> None:
    decision = decide(question)

    said = everything_said(decision)
    reach = question.actor.reach()
    assert set(ANY_ID.findall(said)) <= {owner.text_id for owner in reach}
    for owner in OWNERS:
        if owner not in reach and owner != ME:
            assert owner.label not in said
    for account in question.accounts:
        if account.owner not in reach:
            assert account.label not in said
            assert f"ca_{account.id.hex}" not in said


@settings(max_examples=400)
@given(questions)
def test_refusal_says_what_to_do_next(question: Question) -> None:
    decision = decide(question)

    if not decision.allowed:
        assert WAY_OUT.search(decision.message), decision.message
        assert decision.message.endswith(".")
        assert decision.fixable_by
    for remedy in decision.remedies:
        assert remedy.by_actor or remedy.label.startswith("Ask ")


@settings(max_examples=400)
@given(questions)
def test_nobody_is_told_to_connect_or_reconnect_what_is_not_theirs_to_connect(question: Question) -> None:
    decision = decide(question)

    if any(remedy.fix in {Fix.CONNECT, Fix.RECONNECT} and not remedy.by_actor for remedy in decision.remedies):
        assert not re.search(r"\b(Connect|Reconnect)\b", decision.message), decision.message


@settings(max_examples=200)
@given(questions)
def test_remedies_lead_to_owners_within_reach_and_accounts_of_theirs(question: Question) -> None:
    accounts = {one.id: one for one in question.accounts}

    for remedy in decide(question).remedies:
        assert remedy.owner is None or remedy.owner in question.actor.reach()
        if remedy.account_id is not None:
            assert accounts[remedy.account_id].owner == remedy.owner


@settings(max_examples=200)
@given(questions)
def test_what_is_out_of_reach_changes_nothing_in_the_answer(question: Question) -> None:
    """Somebody else's accounts might as well not exist (checks T9, H12)."""
    reach = question.actor.reach()
    mine = [one for one in question.accounts if one.owner in reach]
    without = Question(
        question.actor, question.requested, question.tool, mine, question.named_account, question.pinned_account
    )

    assert decide(question) == decide(without)


@settings(max_examples=200)
@given(questions)
def test_an_allowed_run_uses_a_working_account_of_exactly_the_requested_owner(question: Question) -> None:
    decision = decide(question)

    if decision.allowed:
        assert decision.owner in question.actor.reach()
        assert (decision.account is None) is not question.tool.needs_account
        assert decision.account is None or decision.account.owner == decision.owner
