"""What `decide` is told and by whom a run was asked for: integrations/access.py, read off the database."""

from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries

from integrations.access import (
    actor_behind,
    decide_again,
    decide_each,
    decide_many,
    decide_run,
    policy_rules,
    read_account_id,
    remember,
    remember_again,
)
from integrations.models import Policy, Tool
from orgs.errors import DomainError
from orgs.models import ApiKey, Membership
from orgs.models.organizations import MemberStatus
from orgs.permissions import ActorKind, Role, Scope, Standing, read_owner_id
from orgs.queries.api_keys import actor_from_key
from tests.factories import (
    NOW,
    actor_of,
    make_api_key,
    make_application,
    make_application_key,
    make_connected_account,
    make_end_user,
    make_execution,
    make_membership,
    make_policy,
    make_tool,
    make_toolkit,
    owner_ref,
)
from tests.world import World

pytestmark = pytest.mark.django_db


@pytest.fixture
def tool(world: World) -> Tool:
    return make_tool(make_toolkit("github"), "GITHUB_GET_THING")


# --- The question


def test_one_run_is_decided_with_its_account(world: World, tool: Tool) -> None:
    mine = make_connected_account(tool.toolkit, owner=world.member)
    make_connected_account(tool.toolkit, owner=world.acme)

    decision, row = decide_run(actor=actor_of(world.member), requested=world.member.text_id, tool=tool)

    assert (decision.allowed, row) == (True, mine)
    assert decide_run(actor=actor_of(world.member), requested=read_owner_id("default"), tool=tool)[1] is None


def test_each_id_gets_its_own_answer(world: World, tool: Tool) -> None:
    named = make_connected_account(tool.toolkit, owner=world.acme)
    owners = [owner_ref(world.member), world.acme.ref, world.globex.ref]
    actor = actor_of(world.member)

    found = [(owner, decision.code) for owner, decision in decide_each(actor=actor, owners=owners, tool=tool)]
    of_the_named = decide_each(actor=actor, owners=owners[:2], tool=tool, named_account=named.id)

    assert found == list(zip(owners, ["no_connected_account", "accepted", "user_id_not_found"], strict=True))
    assert [decision.code for _owner, decision in of_the_named] == ["id_kind_mismatch", "accepted"]


def test_many_tools_are_decided_by_the_accounts_of_that_id_and_its_pins(
    world: World, tool: Tool, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    other = make_tool(make_toolkit("slack"), "SLACK_GET_THING")
    first = make_connected_account(tool.toolkit, owner=world.acme)
    make_connected_account(tool.toolkit, owner=world.acme)
    make_connected_account(other.toolkit, owner=world.member)
    make_policy(world.acme, "deny", toolkit=other.toolkit)

    actor = actor_of(world.member)

    def asked(owner: Any, **pins: Any) -> dict[UUID, Any]:
        with django_assert_max_num_queries(2):
            return decide_many(actor=actor, owner=owner, tools=[tool, other], **pins)

    here, mine = asked(world.acme.ref, pins={tool.toolkit_id: first.id}), asked(owner_ref(world.member))

    assert here[tool.id].account is not None
    assert here[tool.id].account.id == first.id
    assert not here[other.id].allowed
    assert (mine[tool.id].allowed, mine[other.id].allowed) == (False, True)


def test_a_policy_counts_until_its_time_is_over(world: World) -> None:
    now = timezone.now()
    make_policy(world.acme, "deny", user=world.member, until=now - timedelta(seconds=1))
    make_policy(world.acme, "ask", user=world.member, until=now + timedelta(hours=1))
    make_policy(world.acme, "allow")

    rules = policy_rules(Policy.objects.owned_by(world.acme.ref))

    assert sorted(rule.verdict.value for rule in rules) == ["allow", "ask"]


# --- Who is behind a run, with the rights of now


def test_the_person_who_asked_is_behind_a_run_with_the_role_of_now(world: World, tool: Tool) -> None:
    row = make_execution(tool, owner=world.acme, user=world.member)
    Membership.objects.filter(user=world.member).update(role=Role.VIEWER.value)

    actor = actor_behind(row, now=timezone.now())

    assert (actor.kind, actor.user_id) == (ActorKind.USER, world.member.id)
    assert actor.role_in(world.acme.ref) is Role.VIEWER
    assert decide_again(row, now=timezone.now())[0].code == "role_cannot_execute"


def test_who_left_and_came_back_is_nobody_there_for_what_they_asked_before(world: World, tool: Tool) -> None:
    row = make_execution(tool, owner=world.acme, user=world.member)
    Membership.objects.filter(user=world.member).update(status=MemberStatus.LEFT)
    left = actor_behind(row, now=timezone.now())
    Membership.objects.filter(user=world.member).delete()
    make_membership(world.acme, world.member, joined_at=row.created_at + timedelta(seconds=1))
    back = actor_behind(row, now=timezone.now())

    assert [actor.role_in(world.acme.ref) for actor in (left, back)] == [None, None]


def test_a_key_is_behind_its_run_and_acts_where_it_was_used(world: World, tool: Tool) -> None:
    personal, _ = make_api_key(world.member)
    bound, _ = make_api_key(world.member)
    ApiKey.objects.filter(id=bound.id).update(organization=world.acme)
    bound = ApiKey.objects.select_related("owner__user", "owner__organization").get(id=bound.id)
    organizations, _ = make_api_key(world.acme, Scope.EXECUTIONS_WRITE)
    now = timezone.now()

    def behind(key: ApiKey) -> Any:
        user = world.member if key.owner.user_id else None
        return actor_behind(make_execution(tool, owner=world.acme, user=user, api_key=key), now=now)

    assert [behind(key).organization_id for key in (personal, bound, organizations)] == [world.acme.id] * 3
    assert [behind(key).is_bound for key in (personal, bound, organizations)] == [False, True, True]
    assert behind(organizations).kind is ActorKind.ORGANIZATION_KEY
    ApiKey.objects.filter(id=organizations.id).update(revoked_at=now)
    organizations.refresh_from_db()
    assert behind(organizations).standing is Standing.REVOKED


def test_nobody_is_behind_a_run_whose_person_is_gone(world: World, tool: Tool) -> None:
    make_connected_account(tool.toolkit, owner=world.acme)
    row = make_execution(tool, owner=world.acme, user=None)

    assert actor_behind(row, now=timezone.now()).kind is ActorKind.ANONYMOUS
    assert decide_again(row, now=timezone.now())[0].status == 401


def test_an_approval_is_taken_from_the_run_unless_it_is_given_now(world: World, tool: Tool) -> None:
    account = make_connected_account(tool.toolkit, owner=world.acme)
    make_policy(world.acme, "ask")
    row = make_execution(tool, owner=world.acme, user=world.member, connected_account=account)

    decided = [decide_again(row, now=timezone.now(), is_approved=given)[0] for given in (None, True)]

    assert [one.needs_approval for one in decided] == [True, False]


# --- Reading and remembering


def test_an_account_is_named_by_its_id_or_not_at_all() -> None:
    account_id = UUID(int=7)

    assert read_account_id(f"ca_{account_id.hex}") == account_id
    assert read_account_id("") is None
    for text in ("ca_7", f"org_{account_id.hex}", "default"):
        with pytest.raises(DomainError, match="ca_ and 32 hex digits") as caught:
            read_account_id(text)
        assert (caught.value.code, caught.value.field) == ("connected_account_id_invalid", "connected_account_id")


def test_a_receipt_says_what_was_decided_by_which_policy_and_who_can_change_it(world: World, tool: Tool) -> None:
    account = make_connected_account(tool.toolkit, owner=world.acme)
    policy = make_policy(world.acme, "deny", toolkit=tool.toolkit)
    actor, acme = actor_of(world.member), world.acme.ref

    denied, _ = decide_run(actor=actor, requested=acme.text_id, tool=tool)
    policy.delete()
    allowed, _ = decide_run(actor=actor, requested=acme.text_id, tool=tool, named_account=account.id)
    nowhere, _ = decide_run(actor=actor, requested="default", tool=tool)
    kept, missing = remember(allowed), remember(denied)

    assert (kept["allowed"], kept["because"], kept["policy"]) == (True, "named", None)
    assert missing["policy"]["id"].startswith("pol_")
    assert missing["policy"]["verdict"] == "deny"
    assert (missing["because"], missing["status"]) == ("newest", 403)
    assert remember(nowhere)["because"] is None


def test_a_way_out_names_its_place_and_account(world: World, tool: Tool) -> None:
    expired = make_connected_account(tool.toolkit, owner=world.member, status="expired")

    decision, _ = decide_run(actor=actor_of(world.member), requested=world.member.text_id, tool=tool)
    [first, *_] = remember(decision)["remedies"]

    assert (first["owner"], first["owner_kind"]) == (world.member.text_id, "user")
    assert first["account"] == expired.text_id


def test_a_way_out_without_a_place_names_none(world: World, tool: Tool) -> None:
    key, _ = make_api_key(world.member, Scope.TOOLS_READ)
    row = make_execution(tool, owner=world.member, user=world.member, api_key=key)

    remedies = remember(decide_again(row, now=timezone.now())[0])["remedies"]

    assert all(one["account"] is None for one in remedies)


def test_asking_again_keeps_why_the_account_was_chosen(world: World, tool: Tool) -> None:
    account = make_connected_account(tool.toolkit, owner=world.member)
    actor, mine = actor_of(world.member), world.member.text_id
    stored = remember(decide_run(actor=actor, requested=mine, tool=tool)[0])

    again, _ = decide_run(actor=actor, requested=mine, tool=tool, named_account=account.id)
    kept = remember_again(stored, again)

    assert kept["because"] == stored["because"] == "newest"
    assert next(one for one in kept["checks"] if one["code"] == "account") in stored["checks"]
    assert remember_again({}, again)["because"] is None


# --- An application and its end users


def test_an_application_is_told_of_the_organization_and_that_others_have_accounts(world: World, tool: Tool) -> None:
    """It may have very many end users: what the request does not name is read as far as the hint needs it."""
    shop = make_application(world.acme)
    for number in range(5):
        make_connected_account(tool.toolkit, owner=make_end_user(shop, f"customer-{number}"))
    shared = make_connected_account(tool.toolkit, owner=world.acme)
    actor = actor_from_key(secret=make_application_key(shop)[1], now=NOW)
    acme = world.acme.ref

    _, row = decide_run(actor=actor, requested=acme.text_id, tool=tool)
    [(_, each)] = decide_each(actor=actor, owners=[acme], tool=tool)
    many = decide_many(actor=actor, owner=acme, tools=[tool])

    assert row == shared
    assert each.allowed
    assert many[tool.id].allowed
