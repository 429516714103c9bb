"""A decision in the third person: each check says what it says about the member, and nothing speaks to "you"."""

from uuid import UUID

import pytest

from orgs.permissions import (
    AccountFacts,
    Actor,
    ActorKind,
    Decision,
    OwnerKind,
    OwnerRef,
    Question,
    Role,
    Standing,
    ToolFacts,
    about,
    about_end_user,
    decide,
    read_owner_id,
)
from tests.permissions.test_oracle import NOW, STATES

ACME, ACCOUNT = UUID(int=11), UUID(int=31)
OWNER = OwnerRef(OwnerKind.ORGANIZATION, ACME, "Acme", "acme")
TOOL = ToolFacts("GITHUB_GET_REPO", "Get a repository", "github", "GitHub")


def seen(role: Role | None = Role.MEMBER, *, label: str = "Ada", standing: Standing = Standing.GOOD) -> Actor:
    """A member as an admin sees them: nothing but their place in the organization."""
    roles = {ACME: role} if role else {}
    return Actor(ActorKind.USER, None, "", label, roles, {ACME: OWNER}, ACME, is_bound=True, standing=standing)


def account(state: str = "ACTIVE", *, label: str = "octocat") -> AccountFacts:
    return AccountFacts(ACCOUNT, OWNER, "github", STATES[state], NOW, label=label)


def told(member: Actor, *, owner: OwnerRef = OWNER, label: str = "octocat", named: bool = False) -> Decision:
    accounts = [account(label=label)]
    question = Question(member, read_owner_id(OWNER.text_id), TOOL, accounts, ACCOUNT if named else None)
    return about(decide(question), member, owner)


def details(decision: Decision) -> dict[str, str]:
    return {check.code: check.detail for check in decision.checks}


def test_what_passed_is_said_of_the_member() -> None:
    found = details(told(seen()))

    assert (found["actor"], found["id_reach"], found["role"]) == ("Ada", "Acting as Acme", "The role is member")
    assert {check.label for check in told(seen()).checks} >= {"Ada may sign in", "Ada's role may run tools"}


@pytest.mark.parametrize(
    ("member", "check", "sentence"),
    [
        (seen(Role.VIEWER), "role", "Ada's role in Acme is viewer. Viewers see what happens; they do not run tools."),
        (seen(standing=Standing.SUSPENDED), "actor", "Ada is suspended in this installation."),
        (seen(None), "membership", "Ada's membership is suspended, so nothing runs in the name of Acme for Ada."),
    ],
)
def test_what_failed_is_said_of_the_member_and_is_the_message(member: Actor, check: str, sentence: str) -> None:
    decision = told(member)

    assert details(decision)[check].startswith(sentence)
    assert decision.message == details(decision)[check]


def test_what_was_not_reached_says_nothing() -> None:
    found = details(told(seen(standing=Standing.SUSPENDED)))

    assert (found["id_reach"], found["role"]) == ("", "")


def test_what_speaks_of_nobody_is_left_as_it_is() -> None:
    working, expired = ([account(state)] for state in ("ACTIVE", "EXPIRED"))
    for accounts in (working, expired, []):
        decision = decide(Question(seen(), read_owner_id(OWNER.text_id), TOOL, accounts))
        same = {check.code: check for check in about(decision, seen(), OWNER).checks}
        for check in decision.checks:
            if check.code in {"account", "state", "toolkit"}:
                assert same[check.code] == check


def test_account_is_named_with_why() -> None:
    assert details(told(seen(), named=True))["account"] == "octocat: it was asked for"
    assert details(told(seen(), named=True, label=""))["account"] == "One account: it was asked for"
    assert "asked for" not in details(told(seen()))["account"]
    assert details(told(seen(), named=True))["actor"] == "Ada"


def test_member_and_organization_without_a_name_are_still_spoken_of() -> None:
    nameless = OwnerRef(OwnerKind.ORGANIZATION, ACME)

    found = details(told(seen(label=""), owner=nameless))

    assert (found["actor"], found["id_reach"]) == ("This member", "Acting as the organization")


def test_who_has_no_role_has_none() -> None:
    assert "none" not in details(told(seen(None))).values()
    assert not told(seen(None)).allowed
    assert told(seen()).allowed


def test_the_message_of_an_allowed_run_stays() -> None:
    question = Question(seen(), read_owner_id(OWNER.text_id), TOOL, [account()])
    decision = decide(question)

    assert about(decision, seen(), OWNER).message == decision.message


def test_what_is_said_of_an_end_user_speaks_of_the_application_and_to_nobody() -> None:
    shop = UUID(int=41)
    somebody = OwnerRef(OwnerKind.END_USER, UUID(int=51), external="of Shop", application_id=shop, organization_id=ACME)
    actor = Actor(
        ActorKind.APPLICATION_KEY,
        label="Shop",
        organizations={ACME: OWNER},
        organization_id=ACME,
        is_bound=True,
        application_id=shop,
        end_users=(somebody,),
    )
    account = AccountFacts(ACCOUNT, somebody, "github", STATES["ACTIVE"], NOW, label="an account of their own")
    decision = decide(Question(actor, read_owner_id(somebody.text_id), TOOL, [account]))

    found = about_end_user(decision, "An end user of Shop")

    assert found.allowed
    assert found.message == "“Get a repository” runs as the end user of Shop, through an account of their own."
    assert details(found)["actor"] == "An end user of Shop"
    assert details(found)["id_reach"] == details(decision)["id_reach"] == "Acting as the end user of Shop"
    assert not [check.label for check in found.checks if "You" in check.label.split()]
    assert [check.label for check in found.checks if check.code == "tool"] == ["The tool is switched on"]
