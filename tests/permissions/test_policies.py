"""Policies as a part of the rule: which one decides, and what it makes of a run."""

from collections.abc import Iterable
from dataclasses import replace
from datetime import timedelta
from itertools import islice
from typing import Any
from uuid import UUID

import pytest

from orgs.permissions import (
    Actor,
    ActorKind,
    Decision,
    Fix,
    Outcome,
    OwnerKind,
    OwnerRef,
    Permission,
    PolicyRule,
    Question,
    Role,
    ToolEffect,
    Use,
    Verdict,
    read_owner_id,
    words,
)
from orgs.permissions.decide import _Case
from orgs.permissions.policies import deciding_rule
from tests.permissions import policy_oracle as oracle
from tests.permissions.test_decide import ACME, ADA, ME, NOW, ORGANIZATION, OTHER, account, actor, ask, tool

EVERY = 97  # of the pairs: enough to notice each changed condition, few enough to ask of every mutant
ACCOUNT = account(1)
SOMEBODY = UUID(int=77)
SHOP = UUID(int=41)
EVE = OwnerRef(OwnerKind.END_USER, UUID(int=51), "eve-1", external="eve-1", application_id=SHOP, organization_id=ACME)
EVES = account(5, EVE)
PLACES: dict[str, dict[str, Any]] = {
    "account": {"account_id": ACCOUNT.id},
    "toolkit": {"toolkit": "github"},
    "everywhere": {},
    "another account": {"account_id": UUID(int=999)},
    "another toolkit": {"toolkit": "slack"},
}
PEOPLE: dict[str, dict[str, Any]] = {
    "person for a time": {"user_id": ADA, "until": NOW + timedelta(hours=1)},
    "person": {"user_id": ADA},
    "role": {"role": Role.MEMBER},
    "everybody": {},
    "another person": {"user_id": SOMEBODY},
    "another role": {"role": Role.ADMIN},
    "application": {"application_id": SHOP},
    "another application": {"application_id": UUID(int=42)},
}
EFFECTS = {"this effect": ToolEffect.WRITE, "any effect": None, "another effect": ToolEffect.READ}
WRITING = tool(effect=ToolEffect.WRITE)


def rule(verdict: Verdict = Verdict.DENY, **values: Any) -> PolicyRule:
    return PolicyRule(values.pop("owner", ORGANIZATION), verdict, **values)


def from_words(place: str, people: str, effect: str, verdict: str) -> PolicyRule:
    return rule(Verdict(verdict), **PLACES[place], **PEOPLE[people], effect=EFFECTS[effect])


def verdict_of(decision: Decision) -> str:
    if decision.code == "policy_denied":
        return "deny"
    return "ask" if decision.needs_approval else "allow"


def key_of_shop(**values: Any) -> Actor:
    values = {"kind": ActorKind.APPLICATION_KEY, "organizations": {ACME: ORGANIZATION}, "end_users": (EVE,), **values}
    return Actor(organization_id=ACME, is_bound=True, application_id=SHOP, **values)


def for_eve(*rules: PolicyRule, **values: Any) -> Decision:
    """What the application runs for its end user."""
    return ask(EVES, **{"under": EVE, "actor": key_of_shop(), "tool": WRITING, "rules": rules, **values})


def asked_by(caller: str, rules: list[PolicyRule]) -> Decision:
    if caller == "end user":
        return for_eve(*rules)
    asking = {"actor": key_of_shop()} if caller == "application" else {}
    return ask(ACCOUNT, tool=WRITING, rules=rules, **asking)


def disagreements(cells: Iterable[tuple[oracle.Rule, ...]], caller: str = "member") -> list[tuple[oracle.Rule, ...]]:
    return [
        cell
        for cell in cells
        if verdict_of(asked_by(caller, [from_words(*one) for one in cell])) != oracle.decide(*cell, caller=caller)
    ]


# --- Which rule decides


@pytest.mark.parametrize("caller", oracle.CALLERS)
def test_single_rules_decide_as_the_oracle_says(caller: str) -> None:
    assert disagreements(((one,) for one in oracle.rules(caller)), caller) == []
    assert {oracle.decide(one) for one in oracle.rules()} == {"allow", "ask", "deny"}


@pytest.mark.parametrize("caller", oracle.CALLERS)
def test_sample_of_pairs_decides_as_the_oracle_says(caller: str) -> None:
    assert disagreements(islice(oracle.pairs(caller), 0, None, EVERY), caller) == []


def test_without_any_rule_it_is_allowed() -> None:
    decision = ask(ACCOUNT, tool=WRITING)

    assert (decision.allowed, decision.code, decision.needs_approval, decision.rule) == (True, "accepted", False, None)


def test_at_a_tie_the_strictest_decides_and_the_same_one_each_time() -> None:
    twins = [rule(Verdict.ASK, id=UUID(int=number)) for number in (1, 2)]
    strict = rule(Verdict.DENY, id=UUID(int=3))

    assert ask(ACCOUNT, rules=twins).rule == ask(ACCOUNT, rules=twins[::-1]).rule
    assert ask(ACCOUNT, rules=[*twins, strict]).rule == strict
    assert ask(ACCOUNT, rules=[strict, *twins]).rule == strict


def test_rule_of_another_organization_has_no_part() -> None:
    assert ask(ACCOUNT, rules=[rule(owner=OTHER)]).allowed
    assert not ask(ACCOUNT, rules=[rule()]).allowed


def test_ones_own_things_have_no_policies() -> None:
    mine = account(2, ME)

    assert ask(mine, under=ME, rules=[rule(), rule(owner=ME)]).rule is None
    assert ask(mine, under=ME, rules=[rule(owner=ME)]).allowed


def test_tool_without_account_answers_to_its_toolkit_and_to_no_account() -> None:
    free = tool(needs_account=False, effect=ToolEffect.READ)

    assert ask(ACCOUNT, tool=free, rules=[rule(account_id=ACCOUNT.id)]).allowed
    assert ask(ACCOUNT, tool=free, rules=[rule(toolkit="github")]).code == "policy_denied"
    assert ask(tool=free, rules=[rule(toolkit="github")]).code == "policy_denied"


def test_rule_about_an_account_holds_for_the_one_that_is_used() -> None:
    second = account(2)
    rules = [rule(account_id=second.id)]

    assert ask(ACCOUNT, second, rules=rules).code == "policy_denied"
    assert ask(ACCOUNT, second, rules=rules, named_account=ACCOUNT.id).allowed


def test_rule_about_a_person_holds_for_their_key_and_for_an_admin_s_question_about_them() -> None:
    rules = [rule(user_id=ADA)]
    key = actor(kind=ActorKind.USER_KEY)
    asked_about = actor(user_id=None, username="", is_bound=True, organization_id=ACME, stands_for=ADA)
    somebody = actor(user_id=None, username="", is_bound=True, organization_id=ACME, stands_for=SOMEBODY)

    assert ask(ACCOUNT, actor=key, rules=rules).code == "policy_denied"
    assert ask(ACCOUNT, actor=asked_about, rules=rules).code == "policy_denied"
    assert ask(ACCOUNT, actor=somebody, rules=rules).allowed
    assert (actor().person_id, asked_about.person_id) == (ADA, ADA)


def test_key_of_the_organization_counts_as_a_member_and_as_no_person() -> None:
    key = Actor(ActorKind.ORGANIZATION_KEY, organizations={ACME: ORGANIZATION}, organization_id=ACME, is_bound=True)

    assert ask(ACCOUNT, actor=key, rules=[rule(role=Role.MEMBER)]).code == "policy_denied"
    assert ask(ACCOUNT, actor=key, rules=[rule(role=Role.ADMIN), rule(user_id=ADA)]).allowed


def test_tool_that_does_not_say_its_effect_is_taken_at_the_worst() -> None:
    assert ask(ACCOUNT, rules=[rule(effect=ToolEffect.DESTRUCTIVE)]).code == "policy_denied"
    assert ask(ACCOUNT, tool=WRITING, rules=[rule(effect=ToolEffect.DESTRUCTIVE)]).allowed


def test_use_can_be_asked_about_without_a_run() -> None:
    use = Use(ORGANIZATION, Role.MEMBER, ADA, "github", None, ToolEffect.READ)

    assert deciding_rule([], use) is None
    assert deciding_rule([rule(role=Role.MEMBER), rule(role=Role.ADMIN)], use) == rule(role=Role.MEMBER)


# --- What it makes of a run


def test_denied_run_names_the_rule_and_who_can_change_it() -> None:
    decision = ask(ACCOUNT, tool=WRITING, rules=[rule(role=Role.MEMBER, toolkit="github", place="GitHub")])

    assert (decision.status, decision.code) == (403, "policy_denied")
    assert decision.message == (
        "A policy does not allow “Get a repository”: Members may not run tools of GitHub. "
        "An admin of Acme can change it."
    )
    assert (decision.checks[-1].code, decision.checks[-1].outcome) == ("policy", Outcome.FAILED)
    [remedy] = decision.remedies
    assert (remedy.fix, remedy.label, remedy.by_actor) == (Fix.ASK, "Ask an admin of Acme to allow it", False)
    assert decision.fixable_by == "an admin of Acme"
    assert decision.rule is not None


def test_admin_who_is_denied_can_change_the_policy() -> None:
    decision = ask(ACCOUNT, actor=actor(Role.ADMIN), rules=[rule()])

    [remedy] = decision.remedies
    assert (remedy.fix, remedy.label, remedy.by_actor) == (Fix.CHANGE_POLICY, "Change the policy", True)
    assert decision.fixable_by == "you"


def test_run_that_needs_approval_is_allowed_and_says_that_it_waits() -> None:
    decision = ask(ACCOUNT, rules=[rule(Verdict.ASK)])

    assert (decision.allowed, decision.status, decision.code) == (True, 202, "approval_needed")
    assert decision.needs_approval
    assert "waits until an admin of Acme approves it" in decision.message
    assert "through login1" in decision.message
    assert decision.fixable_by == "an admin of Acme"
    assert decision.checks[-1].detail == "Needs approval: Everybody needs approval for tools of all toolkits."
    assert ask(ACCOUNT, rules=[]).fixable_by == ""


def test_approved_run_is_not_asked_about_again_and_is_still_denied() -> None:
    approved = ask(ACCOUNT, rules=[rule(Verdict.ASK)], is_approved=True)

    assert (approved.code, approved.needs_approval) == ("accepted", False)
    assert approved.checks[-1].detail.startswith("Approved: ")
    assert ask(ACCOUNT, rules=[rule(Verdict.DENY)], is_approved=True).code == "policy_denied"


def test_refusal_for_another_reason_speaks_of_no_policy() -> None:
    assert ask(rules=[rule(Verdict.ASK)]).rule is None
    assert ask(rules=[rule(Verdict.DENY)]).code == "no_connected_account"
    assert not ask(rules=[rule(Verdict.ASK)]).needs_approval


def test_policy_widens_nothing() -> None:
    allow = [rule(Verdict.ALLOW)]

    assert ask(ACCOUNT, actor=actor(Role.VIEWER), rules=allow).code == "role_cannot_execute"
    assert ask(ACCOUNT, actor=actor(None), rules=allow).code == "user_id_not_found"


# --- Applications and their end users


def test_tool_that_is_forbidden_everywhere_does_not_run_for_an_end_user() -> None:
    decision = for_eve(rule(toolkit="github", place="GitHub"))

    assert (decision.status, decision.code) == (403, "policy_denied")
    assert decision.message == (
        "A policy does not allow “Get a repository”: Nobody may run tools of GitHub. An admin of Acme can change it."
    )
    [remedy] = decision.remedies
    assert (remedy.fix, remedy.owner, remedy.by_actor) == (Fix.ASK, ORGANIZATION, False)
    assert decision.fixable_by == "an admin of Acme"
    assert for_eve().allowed
    assert for_eve(rule(toolkit="slack")).allowed


def test_end_user_has_no_role_and_an_application_under_the_organizations_id_is_a_member() -> None:
    rules = [rule(role=Role.MEMBER)]

    assert for_eve(*rules).allowed
    assert ask(ACCOUNT, actor=key_of_shop(), rules=rules).code == "policy_denied"


def test_rule_about_an_application_holds_for_it_and_its_end_users_and_nobody_else() -> None:
    about_shop, about_another = rule(application_id=SHOP), rule(application_id=UUID(int=42))

    assert for_eve(about_shop).code == "policy_denied"
    assert ask(ACCOUNT, actor=key_of_shop(), rules=[about_shop]).code == "policy_denied"
    assert ask(ACCOUNT, rules=[about_shop]).allowed
    assert for_eve(about_another).allowed
    assert for_eve(rule(), rule(Verdict.ALLOW, application_id=SHOP)).allowed


def test_rules_of_another_organization_and_of_nobody_say_nothing_of_an_end_user() -> None:
    assert for_eve(rule(owner=OTHER), rule(owner=EVE)).allowed
    assert for_eve(rule(), actor=key_of_shop(organizations={})).code == "policy_denied"


def test_nobody_approves_what_runs_for_an_end_user() -> None:
    """What it carries is the application's to read; under the organization's ID somebody can look and decide."""
    asking = rule(Verdict.ASK)
    decision = for_eve(asking)

    assert (decision.allowed, decision.code, decision.needs_approval) == (False, "policy_denied", False)
    assert "for an end user nobody can give it: Everybody needs approval for tools of all toolkits." in decision.message
    assert decision.message.endswith("An admin of Acme can change the policy for this application.")
    assert for_eve(asking, is_approved=True).code == "policy_denied"
    assert ask(ACCOUNT, actor=key_of_shop(), rules=[asking]).needs_approval
    assert ask(ACCOUNT, actor=key_of_shop(), rules=[asking], is_approved=True).code == "accepted"


def test_explanation_of_an_end_users_run_names_the_policy() -> None:
    assert for_eve().checks[-1].detail == "No policy of Acme speaks of it"
    said = "The application Shop may run writing tools of all toolkits."
    allowing = rule(Verdict.ALLOW, application_id=SHOP, application="Shop", effect=ToolEffect.WRITE)
    assert for_eve(allowing).checks[-1].detail == said


# --- In words


@pytest.mark.parametrize(
    ("values", "sentence"),
    [
        ({}, "Nobody may run tools of all toolkits."),
        ({"role": Role.ADMIN, "effect": ToolEffect.READ}, "Admins may not run reading tools of all toolkits."),
        ({"toolkit": "github"}, "Nobody may run tools of github."),
        ({"user_id": ADA}, "One person may not run tools of all toolkits."),
        ({"account_id": ACCOUNT.id}, "Nobody may run tools through one account."),
        ({"application_id": SHOP}, "One application may not run tools of all toolkits."),
        ({"application_id": SHOP, "application": "Shop"}, "The application Shop may not run tools of all toolkits."),
        ({"user_id": ADA, "person": "Nobody"}, "Nobody may not run tools of all toolkits."),
        (
            {"account_id": ACCOUNT.id, "place": "bot (GitHub)", "user_id": ADA, "person": "Ada"},
            "Ada may not run tools through bot (GitHub).",
        ),
    ],
)
def test_rule_is_said_in_words(values: dict[str, Any], sentence: str) -> None:
    assert words.policy_sentence(rule(**values)) == sentence


def test_sentence_fits_one_person() -> None:
    asking = rule(Verdict.ASK, effect=ToolEffect.WRITE)

    assert words.policy_sentence(asking).startswith("Everybody needs approval for writing tools")
    assert words.policy_sentence(replace(asking, user_id=ADA, person="Ada")).startswith("Ada needs approval for")


def test_explanation_says_that_no_policy_speaks_of_it() -> None:
    details = {check.code: check.detail for check in ask(ACCOUNT).checks}
    own = {check.code: check.detail for check in ask(account(2, ME), under=ME).checks}

    assert details["policy"] == "No policy of Acme speaks of it"
    assert own["policy"] == "Policies are for organizations"
    assert ask(ACCOUNT, rules=[rule(Verdict.ALLOW)]).checks[-1].detail == "Everybody may run tools of all toolkits."


def test_waiting_tool_without_account_says_so_too() -> None:
    decision = ask(tool=tool(needs_account=False), rules=[rule(Verdict.ASK)])

    assert "through" not in decision.message
    assert "through the connected account" in ask(account(1, label=""), rules=[rule(Verdict.ASK)]).message


# --- What is worked out before a check has failed


def test_nobody_in_particular_has_no_rule_and_holds_nothing() -> None:
    key = Actor(ActorKind.ORGANIZATION_KEY, organizations={ACME: ORGANIZATION}, organization_id=ACME, is_bound=True)
    for who in (actor(Role.OWNER), key):
        case = _Case(Question(actor=who, requested=read_owner_id("grace"), tool=tool(), rules=[rule(Verdict.ASK)]))
        assert (case.rule, case.needs_approval, case.may_manage()) == (None, False, False)
        assert not case.holds(Permission.POLICIES_MANAGE)


def test_rule_is_known_before_there_is_an_account() -> None:
    asked = Question(actor(), read_owner_id(ORGANIZATION.text_id), tool(), rules=[rule(toolkit="github")])

    assert _Case(asked).rule == rule(toolkit="github")
