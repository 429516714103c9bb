"""Approving with an account that is there: whom a policy holds back gets a grant, and the presets of new accounts."""

from datetime import timedelta
from typing import Any

import pytest

from integrations.access import decide_run
from integrations.models import ConnectedAccount, ConsentRequest, Policy, Tool, Toolkit
from integrations.queries.consent_answers import PAUSED, SCOPES, SICK, candidates
from integrations.queries.policies import PolicyTarget
from integrations.services import consent
from integrations.services.connections.presets import apply_preset
from integrations.services.policies import set_policies
from orgs.errors import ConflictError, DomainError, ForbiddenError, NotFoundError
from orgs.models import Membership, Notice
from orgs.models.organizations import MemberStatus
from orgs.permissions import ToolEffect, Verdict
from tests.factories import (
    NOW,
    actor_of,
    make_connected_account,
    make_consent_request,
    make_tool,
    make_toolkit,
    owner_ref,
)
from tests.world import World

pytestmark = pytest.mark.django_db
DAY = timedelta(days=1)


@pytest.fixture
def toolkit(db: None) -> Toolkit:
    toolkit = make_toolkit("github", name="GitHub")
    make_tool(toolkit, "GITHUB_READ")
    make_tool(toolkit, "GITHUB_WRITE", effect="write")
    return toolkit


@pytest.fixture
def account(world: World, toolkit: Toolkit) -> ConnectedAccount:
    return make_connected_account(toolkit, owner=world.acme, identity_label="acme-bot")


@pytest.fixture
def row(world: World, toolkit: Toolkit, account: ConnectedAccount) -> ConsentRequest:
    """The member asks to write through the account."""
    row = make_consent_request(toolkit, owner=world.acme, users=[world.member], connected_account=account)
    row.requesters.update(tools=["GITHUB_WRITE"])
    return row


def hold_back(world: World, account: ConnectedAccount, verdict: Verdict) -> None:
    verdicts = {ToolEffect.WRITE: verdict}
    target = PolicyTarget(account=account)
    set_policies(actor=actor_of(world.owner), owner=world.acme.ref, target=target, verdicts=verdicts, now=NOW)


def give(world: World, row: ConsentRequest, persona: str = "admin", **values: Any) -> ConsentRequest:
    acting = {"actor": actor_of(world.people[persona]), "owner": world.acme.ref, "consent_id": row.id, "now": NOW}
    return consent.give_access(**acting, **values)


def reread(row: ConsentRequest) -> ConsentRequest:
    found: ConsentRequest = ConsentRequest.objects.unscoped("a test looks at what it made").get(id=row.id)
    return found


def writes(world: World, account: ConnectedAccount) -> tuple[bool, bool]:
    """Whether the member may write through the account, and whether somebody must approve each run."""
    tool = Tool.objects.select_related("toolkit").get(slug="GITHUB_WRITE")
    asked = {"requested": world.acme.ref.text_id, "tool": tool, "named_account": account.id}
    decision, _ = decide_run(actor=actor_of(world.member), **asked)
    return decision.allowed, decision.needs_approval


@pytest.mark.parametrize("verdict", [Verdict.DENY, Verdict.ASK])
def test_whom_a_policy_holds_back_may_after_approval(
    world: World, account: ConnectedAccount, row: ConsentRequest, verdict: Verdict
) -> None:
    hold_back(world, account, verdict)
    assert writes(world, account) != (True, False)

    give(world, row)

    after = reread(row)
    assert writes(world, account) == (True, False)
    assert (after.status, after.answered_with, after.granted_until) == ("approved", account, None)
    [policy] = Policy.objects.owned_by(world.acme.ref).exclude(user=None)
    assert (policy.user, policy.effect, policy.connected_account) == (world.member, "write", account)
    assert "use acme-bot under the ID of Acme" in Notice.objects.get(user=world.member).text


def test_a_grant_for_a_time_says_until_when(world: World, account: ConnectedAccount, row: ConsentRequest) -> None:
    hold_back(world, account, Verdict.DENY)

    give(world, row, until=NOW + 7 * DAY)

    [policy] = Policy.objects.owned_by(world.acme.ref).exclude(user=None)
    assert policy.until == reread(row).granted_until == NOW + 7 * DAY


def test_without_a_policy_nothing_is_granted(world: World, account: ConnectedAccount, row: ConsentRequest) -> None:
    give(world, row, until=NOW + 7 * DAY)

    assert (reread(row).status, reread(row).granted_until) == ("approved", None)
    assert not Policy.objects.owned_by(world.acme.ref).exists()


def test_the_desk_says_whom_a_policy_holds_back(world: World, account: ConnectedAccount, row: ConsentRequest) -> None:
    hold_back(world, account, Verdict.ASK)
    row.requesters.create(user=world.ex_member, reason="Gone", asked_at=NOW)
    row.requesters.create(user=world.owner, reason="To read", tools=["GITHUB_READ"], asked_at=NOW)

    [found] = candidates(actor=actor_of(world.admin), owner=world.acme.ref, request=row)

    assert [one.sentence for one in found.held] == ["mia: writing tools"]


def test_who_names_no_tool_asks_for_all_kinds(world: World, account: ConnectedAccount, row: ConsentRequest) -> None:
    target = PolicyTarget(account=account)
    everything = dict.fromkeys(ToolEffect, Verdict.DENY)
    set_policies(actor=actor_of(world.owner), owner=world.acme.ref, target=target, verdicts=everything, now=NOW)
    row.requesters.update(tools=[])

    [found] = candidates(actor=actor_of(world.admin), owner=world.acme.ref, request=row)

    assert [one.sentence for one in found.held] == ["mia: reading tools and writing tools"]


@pytest.mark.parametrize(
    ("values", "obstacle"),
    [
        ({"status": "paused"}, PAUSED),
        ({"status": "expired"}, SICK),
        ({"status": "failed"}, SICK),
        ({"scopes": ["repo:read"]}, SCOPES),
    ],
)
def test_an_account_that_does_not_work_answers_nothing(
    world: World, account: ConnectedAccount, row: ConsentRequest, values: dict[str, Any], obstacle: str
) -> None:
    Tool.objects.filter(slug="GITHUB_WRITE").update(scopes=[["repo:write"]])
    ConnectedAccount.objects.owned_by(world.acme.ref).filter(id=account.id).update(**values)

    [found] = candidates(actor=actor_of(world.admin), owner=world.acme.ref, request=row)

    assert (found.obstacle, found.is_paused) == (obstacle, obstacle == PAUSED)
    with pytest.raises(ConflictError):
        give(world, row)


def test_what_is_granted_already_is_no_obstacle(world: World, account: ConnectedAccount, row: ConsentRequest) -> None:
    Tool.objects.filter(slug="GITHUB_WRITE").update(scopes=[["repo:write"]])
    ConnectedAccount.objects.owned_by(world.acme.ref).filter(id=account.id).update(scopes=["repo:write"])

    assert give(world, row).status == "approved"


def test_a_new_connection_can_be_answered_with_one_that_is_there(
    world: World, toolkit: Toolkit, account: ConnectedAccount
) -> None:
    asked = make_consent_request(toolkit, owner=world.acme, users=[world.member])
    make_connected_account(make_toolkit("slack"), owner=world.acme)

    assert [one.account for one in candidates(actor=actor_of(world.admin), owner=world.acme.ref, request=asked)] == [
        account
    ]
    with pytest.raises(DomainError, match="Say with which account"):
        give(world, asked)
    assert give(world, asked, account_id=account.id).answered_with == account


def test_another_toolkits_account_is_no_answer(world: World, toolkit: Toolkit) -> None:
    asked = make_consent_request(toolkit, owner=world.acme, users=[world.member])
    other = make_connected_account(make_toolkit("slack"), owner=world.acme)

    with pytest.raises(NotFoundError):
        give(world, asked, account_id=other.id)


def test_members_and_those_who_asked_give_nothing(world: World, account: ConnectedAccount, row: ConsentRequest) -> None:
    with pytest.raises(ForbiddenError):
        give(world, row, "member")
    row.requesters.create(user=world.admin, reason="Me too", asked_at=NOW)
    with pytest.raises(ForbiddenError, match="somebody else decides"):
        give(world, row)
    assert give(world, row, "owner").status == "approved"


def test_reconnecting_leaves_open_what_a_policy_still_holds_back(
    world: World, account: ConnectedAccount, row: ConsentRequest
) -> None:
    """The flow through the provider answers what it can; the grant is a decision of its own."""
    hold_back(world, account, Verdict.DENY)
    acting = {"actor": actor_of(world.admin), "owner": world.acme.ref, "consent_id": row.id, "now": NOW}

    assert consent.approve_request(**acting, account=account).status == "open"
    assert not Policy.objects.owned_by(world.acme.ref).exclude(user=None).exists()


def test_who_left_meanwhile_gets_no_grant(world: World, account: ConnectedAccount, row: ConsentRequest) -> None:
    hold_back(world, account, Verdict.DENY)
    Membership.objects.filter(user=world.member).update(status=MemberStatus.LEFT)

    give(world, row)

    assert not Policy.objects.owned_by(world.acme.ref).exclude(user=None).exists()


# --- Presets


@pytest.mark.parametrize(
    ("preset", "rules"),
    [
        ("read", {("read", "allow"), ("write", "deny"), ("destructive", "deny")}),
        ("write", {("read", "allow"), ("write", "allow"), ("destructive", "ask")}),
        ("none", set()),
        ("custom", set()),
        ("", set()),
    ],
)
def test_a_preset_becomes_policies_of_the_account(
    world: World, account: ConnectedAccount, preset: str, rules: set[tuple[str, str]]
) -> None:
    apply_preset(actor=actor_of(world.admin), owner=world.acme.ref, account=account, preset=preset, now=NOW)

    found = Policy.objects.owned_by(world.acme.ref).filter(connected_account=account)
    assert {(row.effect, row.verdict) for row in found} == rules


def test_a_persons_own_account_has_no_preset(world: World, toolkit: Toolkit) -> None:
    account = make_connected_account(toolkit, owner=world.member)
    ref = owner_ref(world.member)

    apply_preset(actor=actor_of(world.member), owner=ref, account=account, preset="read", now=NOW)

    assert not Policy.objects.owned_by(ref).exists()
