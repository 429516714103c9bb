"""What the oracle does not spell out: which of several accounts, what is granted, viewers, and the way out."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest

from orgs.permissions import (
    AccountFacts,
    AccountState,
    Actor,
    ActorKind,
    Because,
    Decision,
    Fix,
    Outcome,
    OwnerKind,
    OwnerRef,
    Question,
    Role,
    Scope,
    ToolFacts,
    decide,
    read_owner_id,
    words,
)
from orgs.permissions.decide import _Case

NOW = datetime(2026, 1, 2, tzinfo=UTC)
ADA, ACME, GLOBEX = UUID(int=1), UUID(int=11), UUID(int=12)
ME = OwnerRef(OwnerKind.USER, ADA, "Ada")
ORGANIZATION = OwnerRef(OwnerKind.ORGANIZATION, ACME, "Acme", "acme")
OTHER = OwnerRef(OwnerKind.ORGANIZATION, GLOBEX, "Globex", "globex")
REPO = frozenset({"repo"})


def actor(role: Role | None = Role.MEMBER, **values: Any) -> Actor:
    values = {
        "user_id": ADA,
        "username": "ada",
        "label": "Ada",
        "roles": {ACME: role} if role else {},
        "organizations": {ACME: ORGANIZATION, GLOBEX: OTHER},
        **values,
    }
    return Actor(values.pop("kind", ActorKind.USER), **values)


def tool(**values: Any) -> ToolFacts:
    return ToolFacts(
        **{
            "slug": "GITHUB_GET_REPO",
            "name": "Get a repository",
            "toolkit": "github",
            "toolkit_name": "GitHub",
            **values,
        }
    )


def account(number: int = 1, owner: OwnerRef = ORGANIZATION, **values: Any) -> AccountFacts:
    values = {
        "state": AccountState.ACTIVE,
        "connected_at": NOW + timedelta(days=number),
        "label": f"login{number}",
        **values,
    }
    return AccountFacts(UUID(int=100 + number), owner, values.pop("toolkit", "github"), **values)


def ask(*accounts: AccountFacts, under: str | OwnerRef = ORGANIZATION, **values: Any) -> Decision:
    text = under if isinstance(under, str) else under.text_id
    asking = {"actor": actor(), "tool": tool(), **values}
    return decide(Question(requested=read_owner_id(text), accounts=accounts, **asking))


def chosen(decision: Decision) -> tuple[str, Because | None]:
    assert decision.account is not None
    return decision.account.label, decision.because


# --- Which account (checks H6, H7)


def test_most_recently_connected_account_is_used() -> None:
    assert chosen(ask(account(1), account(3), account(2))) == ("login3", Because.NEWEST)


def test_two_connected_at_the_same_moment_are_told_apart_by_id() -> None:
    accounts = [account(number, connected_at=NOW) for number in (2, 3, 1)]

    assert chosen(ask(*accounts)) == ("login3", Because.NEWEST)


def test_account_marked_as_default_wins_over_a_newer_one() -> None:
    assert chosen(ask(account(1, is_default=True), account(2))) == ("login1", Because.DEFAULT)


def test_pin_of_a_session_wins_over_the_default() -> None:
    accounts = [account(1), account(2, is_default=True), account(3)]

    assert chosen(ask(*accounts, pinned_account=accounts[0].id)) == ("login1", Because.PINNED)


def test_named_account_wins_over_the_pin() -> None:
    accounts = [account(1), account(2), account(3)]

    decision = ask(*accounts, named_account=accounts[0].id, pinned_account=accounts[1].id)

    assert chosen(decision) == ("login1", Because.NAMED)


def test_nothing_is_used_in_place_of_a_pin_that_is_gone() -> None:
    decision = ask(account(1), pinned_account=UUID(int=999))

    assert (decision.allowed, decision.status, decision.code) == (False, 404, "pinned_account_gone")
    assert "Change the session" in decision.message


def test_pin_of_another_owner_is_refused_like_one_that_is_gone() -> None:
    mine = account(2, ME)

    assert ask(account(1), mine, pinned_account=mine.id).code == "pinned_account_gone"


@pytest.mark.parametrize(
    ("state", "code"),
    [
        (AccountState.EXPIRED, "connection_expired"),
        (AccountState.FAILED, "connection_failed"),
    ],
)
def test_newest_that_does_not_work_is_not_passed_over(state: AccountState, code: str) -> None:
    decision = ask(account(1), account(2, state=state))

    assert (decision.status, decision.code) == (409, code)
    assert "login2" in decision.message
    assert "No other account is used in its place" in decision.message


def test_paused_account_is_passed_over_unless_it_is_the_default_or_the_only_one() -> None:
    paused = account(2, state=AccountState.PAUSED)

    assert chosen(ask(account(1), paused)) == ("login1", Because.NEWEST)
    assert ask(paused).code == "connection_inactive"
    assert ask(account(1), account(3, state=AccountState.PAUSED, is_default=True)).code == "connection_inactive"


def test_account_that_needs_attention_works() -> None:
    assert ask(account(1, state=AccountState.NEEDS_ATTENTION)).allowed


def test_account_of_another_toolkit_is_no_candidate() -> None:
    decision = ask(account(1, toolkit="slack"))

    assert decision.code == "no_connected_account"


def test_named_account_of_another_toolkit_is_a_mismatch() -> None:
    slack = account(1, toolkit="slack")

    assert ask(slack, named_account=slack.id).code == "toolkit_mismatch"


# --- No fallback, and the hint (check H8)


def test_one_toolkit_under_both_ids_never_crosses() -> None:
    accounts = [account(1, ME), account(2, ORGANIZATION)]

    for _ in range(100):
        assert chosen(ask(*accounts, under=ME))[0] == "login1"
        assert chosen(ask(*accounts, under=ORGANIZATION))[0] == "login2"


def test_refusal_under_ones_own_id_offers_the_organization() -> None:
    decision = ask(account(1, ORGANIZATION), under=ME)

    assert (decision.status, decision.code, decision.has_hint) == (404, "no_connected_account", True)
    assert [one.label for one in decision.remedies] == ["Run as Acme", "Connect GitHub for yourself"]
    assert f"use the organization ID {ORGANIZATION.text_id}" in decision.message


def test_refusal_under_the_organization_offers_oneself() -> None:
    decision = ask(account(1, ME), under=ORGANIZATION)

    assert [one.fix for one in decision.remedies] == [Fix.RUN_AS, Fix.CONNECT]
    assert decision.remedies[0].label == "Run as yourself"
    assert f"use your user ID {ME.text_id}" in decision.message


def test_refusal_under_an_organization_says_nothing_of_another_one() -> None:
    both = actor(roles={ACME: Role.MEMBER, GLOBEX: Role.MEMBER})

    decision = ask(account(1, OTHER), under=ORGANIZATION, actor=both)

    assert not decision.has_hint
    assert "Globex" not in repr(decision)


def test_refusal_under_ones_own_id_names_every_organization_that_would_do_once() -> None:
    both = actor(roles={ACME: Role.MEMBER, GLOBEX: Role.MEMBER})

    decision = ask(account(1, ORGANIZATION), account(2, ORGANIZATION), account(3, OTHER), under=ME, actor=both)

    assert [one.label for one in decision.remedies][:2] == ["Run as Acme", "Run as Globex"]
    assert len(decision.remedies) == 3


def test_account_that_does_not_work_is_no_hint() -> None:
    assert not ask(account(1, ORGANIZATION, state=AccountState.EXPIRED), under=ME).has_hint


@pytest.mark.parametrize(("role", "may"), [(Role.MEMBER, False), (Role.ADMIN, True), (Role.OWNER, True)])
def test_member_is_told_to_ask_and_an_admin_to_connect(role: Role, may: bool) -> None:
    decision = ask(actor=actor(role))

    [remedy] = decision.remedies
    assert (remedy.fix, remedy.by_actor) == (Fix.CONNECT, may)
    assert remedy.label == ("Connect GitHub for Acme" if may else "Ask an admin of Acme to connect GitHub")
    assert decision.fixable_by == ("you" if may else "an admin of Acme")


@pytest.mark.parametrize(
    ("state", "role", "fix", "label"),
    [
        (AccountState.EXPIRED, Role.ADMIN, Fix.RECONNECT, "Reconnect login1"),
        (AccountState.EXPIRED, Role.MEMBER, Fix.RECONNECT, "Ask an admin of Acme to reconnect login1"),
        (AccountState.PAUSED, Role.ADMIN, Fix.RESUME, "Resume login1"),
        (AccountState.PAUSED, Role.MEMBER, Fix.RESUME, "Ask an admin of Acme to resume login1"),
    ],
)
def test_account_that_does_not_work_names_who_repairs_it(state: AccountState, role: Role, fix: Fix, label: str) -> None:
    [remedy] = ask(account(1, state=state), actor=actor(role)).remedies

    assert (remedy.fix, remedy.label, remedy.by_actor) == (fix, label, role is Role.ADMIN)


def test_account_without_a_label_is_still_spoken_of() -> None:
    decision = ask(account(1, ME, state=AccountState.EXPIRED, label=""), under=ME)

    assert decision.message.startswith("The account has expired")
    assert decision.remedies[0].label == "Reconnect the account"
    assert "the connected account" in ask(account(1, label="")).message
    assert ask(account(1, ME, label="", scopes=frozenset()), under=ME, tool=tool(scopes=(REPO,))).message.startswith(
        "The account was not granted repo"
    )


def test_named_account_that_waits_for_sign_in_says_so() -> None:
    waiting = account(1, state=AccountState.WAITING)

    assert ask(waiting, named_account=waiting.id).code == "connection_not_ready"
    assert ask(waiting).code == "no_connected_account"


# --- What the provider granted


def test_account_without_a_scope_that_the_tool_needs_is_refused() -> None:
    decision = ask(account(1, scopes=frozenset({"read:user"})), tool=tool(scopes=(REPO,)))

    assert (decision.status, decision.code, decision.fixable_by) == (409, "missing_scope", "an admin of Acme")
    assert "was not granted repo" in decision.message


@pytest.mark.parametrize(
    ("role", "connect", "reconnect"),
    [
        (Role.ADMIN, "Connect one first.", "Reconnect it and allow that."),
        (
            Role.MEMBER,
            "Ask an admin of Acme to connect one.",
            "Ask an admin of Acme to reconnect it and allow that.",
        ),
    ],
)
def test_sentence_tells_each_what_they_themselves_can_do(role: Role, connect: str, reconnect: str) -> None:
    nothing = ask(actor=actor(role))
    too_little = ask(account(1, scopes=frozenset()), actor=actor(role), tool=tool(scopes=(REPO,)))

    assert nothing.message == f"No GitHub account is connected under Acme. {connect}"
    assert too_little.message == f"login1 was not granted repo, which this tool needs. {reconnect}"


def test_any_one_alternative_of_scopes_suffices() -> None:
    alternatives = (frozenset({"repo", "admin"}), frozenset({"public_repo"}))

    assert ask(account(1, scopes=frozenset({"public_repo"})), tool=tool(scopes=alternatives)).allowed
    assert "public_repo" in ask(account(1, scopes=frozenset()), tool=tool(scopes=alternatives)).message


def test_provider_that_does_not_tell_its_scopes_is_believed() -> None:
    assert ask(account(1, scopes=None), tool=tool(scopes=(REPO,))).allowed


def test_missing_scope_of_ones_own_account_is_ones_own_to_repair() -> None:
    decision = ask(account(1, ME, scopes=frozenset()), under=ME, tool=tool(scopes=(REPO,)))

    assert (decision.fixable_by, decision.remedies[0].by_actor) == ("you", True)


# --- Roles, keys, tools


def test_viewer_never_runs() -> None:
    decision = ask(account(1), actor=actor(Role.VIEWER))

    assert (decision.status, decision.code) == (403, "role_cannot_execute")
    assert decision.remedies[0].label == "Ask an admin of Acme for the role member"
    assert not decision.remedies[0].by_actor


def test_viewer_runs_as_themself() -> None:
    assert ask(account(1, ME), under=ME, actor=actor(Role.VIEWER)).allowed


def test_tool_that_is_switched_off_is_refused_for_everybody() -> None:
    decision = ask(account(1), tool=tool(is_enabled=False), actor=actor(Role.OWNER))

    assert (decision.code, decision.fixable_by) == ("tool_disabled", "whoever runs this installation")


def test_tool_without_accounts_runs_under_either_id_with_none() -> None:
    free = tool(needs_account=False)

    for owner in (ME, ORGANIZATION):
        decision = ask(account(1, state=AccountState.EXPIRED), under=owner, tool=free)
        assert (decision.allowed, decision.account, decision.because) == (True, None, Because.NOT_NEEDED)
        assert "needs no account" in decision.message


def test_tool_without_accounts_is_still_not_for_viewers_or_strangers() -> None:
    free = tool(needs_account=False)

    assert ask(tool=free, actor=actor(Role.VIEWER)).code == "role_cannot_execute"
    assert ask(tool=free, actor=actor(None)).code == "user_id_not_found"


def test_key_without_the_scope_for_runs_is_refused() -> None:
    key = actor(kind=ActorKind.USER_KEY, scopes=frozenset({Scope.TOOLS_READ}))

    assert ask(account(1), actor=key).code == "insufficient_scope"
    assert ask(account(1), actor=actor(kind=ActorKind.USER_KEY, scopes=frozenset({Scope.EXECUTIONS_WRITE}))).allowed


# --- IDs


@pytest.mark.parametrize("text", ["ada", "ADA", str(ADA), ADA.hex, f"user_{ADA.hex}", f"USER_{ADA.hex}"])
def test_ones_own_id_in_every_form_is_ones_own(text: str) -> None:
    assert ask(account(1, ME), under=text).owner == ME


def test_bare_uuid_of_an_organization_of_ones_own_means_it() -> None:
    assert ask(account(1), under=str(ACME)).owner == ORGANIZATION


def test_id_with_the_wrong_kind_means_nobody() -> None:
    assert ask(account(1), under=f"user_{ACME.hex}").code == "user_id_not_found"
    assert ask(account(1), under=f"org_{ADA.hex}").code == "user_id_not_found"


def test_username_of_somebody_else_means_nobody() -> None:
    assert ask(account(1), under="grace").code == "user_id_not_found"


@pytest.mark.parametrize(
    ("value", "code"),
    [
        (None, "user_id_required"),
        ("  \u200b", "user_id_required"),
        (" \uff24\uff25\uff26ault\u200b", "user_id_default_refused"),
        ("a@b", "user_id_email_refused"),
        ("12345", "user_id_invalid"),
        ({"$ne": ""}, "user_id_invalid"),
        (["ada"], "user_id_invalid"),
        (7, "user_id_invalid"),
        ("x" * 10_000, "user_id_invalid"),
    ],
)
def test_what_is_no_id_is_told_apart_before_any_look_up(value: object, code: str) -> None:
    decision = decide(Question(actor=actor(), requested=read_owner_id(value), tool=tool()))

    assert (decision.status, decision.code) == (400, code)
    assert decision.remedies[0].label == f"Use {ME.text_id}"


# --- The explanation


def test_explanation_lists_every_check_in_order() -> None:
    decision = ask(account(1, state=AccountState.EXPIRED))

    outcomes = [(check.code, check.outcome) for check in decision.checks]
    assert outcomes[-3:] == [
        ("account_state", Outcome.FAILED),
        ("granted", Outcome.NOT_REACHED),
        ("policy", Outcome.NOT_REACHED),
    ]
    assert {outcome for _code, outcome in outcomes[:-3]} == {Outcome.PASSED}
    assert len({check.code for check in decision.checks}) == len(decision.checks) == 14


def test_explanation_says_who_acts_in_which_role_and_why_this_account() -> None:
    details = {check.code: check.detail for check in ask(account(1, is_default=True)).checks}

    assert details["actor"] == "Ada"
    assert details["id_reach"] == "Acting as Acme"
    assert details["role"] == "Your role is member"
    assert details["account"] == "login1: it is marked as the default"


def test_explanation_for_oneself_and_for_keys() -> None:
    key = actor(kind=ActorKind.USER_KEY, label="")
    details = {check.code: check.detail for check in ask(under=ME, actor=key, tool=tool(needs_account=False)).checks}

    assert details["actor"] == "ada (API key)"
    assert details["role"] == "You act as yourself, so no role is needed"
    assert details["account"] == "“Get a repository” needs no account"


def test_refusal_before_the_account_shows_no_account() -> None:
    decision = ask(account(1), actor=actor(Role.VIEWER))

    assert (decision.account, decision.because) == (None, None)


def test_nobody_in_particular_manages_nothing() -> None:
    case = _Case(Question(actor=actor(Role.OWNER), requested=read_owner_id("grace"), tool=tool()))

    assert case.owner is None
    assert not case.may_manage()
    assert words.name_of(case.owner) == "this ID"


def test_nameless_organization_is_still_spoken_of() -> None:
    bare = OwnerRef(OwnerKind.ORGANIZATION, ACME)
    nameless = actor(organizations={ACME: bare})

    assert "the organization" in ask(actor=nameless, under=bare).message
    assert "your organization: use" in ask(account(1, bare), under=ME, actor=nameless).message
