"""Changes of an organization's policies: who may make them, what is refused, and what they leave behind."""

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from integrations.access import decide_run
from integrations.models import Policy, Tool, Toolkit
from integrations.queries.policies import (
    PolicyTarget,
    find_target,
    get_policy,
    list_policies,
    people_for,
    places,
    rules_for,
    target_of,
    verdicts_at,
)
from integrations.services.policies import end_grant, grant, set_policies
from orgs.errors import ConflictError, DomainError, ForbiddenError, NotFoundError
from orgs.models import AuditEvent
from orgs.permissions import Role, ToolEffect, Verdict
from tests.factories import (
    actor_of,
    make_connected_account,
    make_membership,
    make_policy,
    make_tool,
    make_toolkit,
    make_user,
    owner_ref,
)
from tests.world import World

READ_ONLY = {ToolEffect.READ: Verdict.ALLOW, ToolEffect.WRITE: Verdict.DENY, ToolEffect.DESTRUCTIVE: Verdict.DENY}
NOTHING: dict[ToolEffect, Verdict | None] = dict.fromkeys(ToolEffect)
MEMBERS = PolicyTarget(role=Role.MEMBER)


@pytest.fixture
def github(world: World) -> Toolkit:
    """A toolkit with an account of Acme's."""
    toolkit = make_toolkit("github", name="GitHub")
    make_connected_account(toolkit, owner=world.acme)
    return toolkit


@pytest.fixture
def write(github: Toolkit) -> Tool:
    return make_tool(github, "GITHUB_MAKE_THING", effect="write")


def doing(world: World, who: str = "admin", **values: Any) -> dict[str, Any]:
    return {"actor": actor_of(world.people[who], world.acme), "owner": world.acme.ref, "now": timezone.now(), **values}


def rules(world: World) -> list[str]:
    return sorted(f"{row.role or row.user_id or '*'} {row.effect or '*'} {row.verdict}" for row in rows(world))


def rows(world: World) -> list[Policy]:
    return list(Policy.objects.owned_by(world.acme.ref))


def code_for(world: World, tool: Tool, who: str = "member") -> str:
    decision, _ = decide_run(actor=actor_of(world.people[who], world.acme), requested=world.acme.ref.text_id, tool=tool)
    return decision.code


def records(world: World, action: str) -> list[AuditEvent]:
    return list(AuditEvent.objects.of_owner(world.acme.ref).filter(action=action))


# --- Lasting rules


def test_saved_rules_hold_at_once(world: World, write: Tool) -> None:
    assert code_for(world, write) == "accepted"

    set_policies(**doing(world), target=MEMBERS, verdicts=READ_ONLY)

    assert rules(world) == ["member destructive deny", "member read allow", "member write deny"]
    assert code_for(world, write) == "policy_denied"
    assert code_for(world, write, "owner") == "accepted"


def test_saving_replaces_what_was_said_about_the_same_and_nothing_else(world: World, github: Toolkit) -> None:
    make_policy(world.acme, "ask")
    make_policy(world.acme, "ask", toolkit=github, role="member")
    set_policies(**doing(world), target=MEMBERS, verdicts=READ_ONLY)

    set_policies(**doing(world), target=MEMBERS, verdicts=dict.fromkeys(ToolEffect, Verdict.DENY))

    assert rules(world) == ["* * ask", "member * ask", "member * deny"]


def test_saving_no_verdict_takes_the_rules_away(world: World) -> None:
    set_policies(**doing(world), target=MEMBERS, verdicts=READ_ONLY)

    assert set_policies(**doing(world), target=MEMBERS, verdicts=NOTHING) == []
    assert rules(world) == []
    [_first, second] = sorted(records(world, "policy.change"), key=lambda one: one.id)
    assert second.details["after"] == []
    assert "Members may run reading tools of all toolkits." in second.details["before"]


def test_change_leaves_one_record_and_no_change_leaves_none(world: World) -> None:
    for _ in range(2):
        set_policies(**doing(world), target=MEMBERS, verdicts=READ_ONLY)

    [event] = records(world, "policy.change")
    assert (event.target_label, event.target_id) == ("Members: All toolkits", "all role:member")
    assert len(event.details["after"]) == 3


@pytest.mark.parametrize("who", ["member", "viewer"])
def test_members_change_no_policy(world: World, who: str) -> None:
    with pytest.raises(ForbiddenError):
        set_policies(**doing(world, who), target=MEMBERS, verdicts=READ_ONLY)
    with pytest.raises(ForbiddenError):
        grant(**doing(world, who), user=world.member)

    assert rules(world) == []


def test_strangers_and_the_past_change_nothing(world: World) -> None:
    for who in ("outsider", "ex_member"):
        with pytest.raises(NotFoundError):
            set_policies(**doing(world, who), target=MEMBERS, verdicts=READ_ONLY)
    demoted = doing(world)
    world.admin.memberships.filter(organization=world.acme).update(role="member")
    with pytest.raises(ForbiddenError):
        set_policies(**demoted, target=MEMBERS, verdicts=READ_ONLY)


def test_a_person_has_no_policies(world: World) -> None:
    own = {"actor": actor_of(world.admin), "owner": owner_ref(world.admin), "now": timezone.now()}

    with pytest.raises(ForbiddenError):
        set_policies(**own, target=MEMBERS, verdicts=READ_ONLY)


def test_rules_of_one_organization_do_not_reach_into_another(world: World, write: Tool) -> None:
    make_connected_account(write.toolkit, owner=world.globex)
    make_membership(world.globex, world.member)
    make_policy(world.globex, "deny")

    assert code_for(world, write) == "accepted"
    there, _ = decide_run(actor=actor_of(world.member), requested=world.globex.ref.text_id, tool=write)
    assert there.code == "policy_denied"


# --- Grants


def test_grant_lets_one_person_through_until_it_ends(world: World, write: Tool) -> None:
    make_policy(world.acme, "deny", role="member", effect="write")
    other = make_user("rita")
    make_membership(world.acme, other)

    row = grant(
        **doing(world), user=world.member, toolkit=write.toolkit, effect="write", reason="Today only", until=later(1)
    )

    assert (row.verdict, row.reason, row.created_by) == ("allow", "Today only", world.admin)
    assert code_for(world, write) == "accepted"
    decision, _ = decide_run(actor=actor_of(other), requested=world.acme.ref.text_id, tool=write)
    assert decision.code == "policy_denied"
    Policy.objects.owned_by(world.acme.ref).filter(id=row.id).update(until=timezone.now())
    assert code_for(world, write) == "policy_denied"


def later(days: int) -> Any:
    return timezone.now() + timedelta(days=days)


def test_grant_with_an_end_wins_over_the_person_s_lasting_rule(world: World, write: Tool) -> None:
    make_policy(world.acme, "deny", user=world.member)

    row = grant(**doing(world), user=world.member, until=later(300))

    assert code_for(world, write) == "accepted"
    end_grant(**doing(world), policy_id=row.id)
    assert code_for(world, write) == "policy_denied"


def test_grant_without_an_end_replaces_the_person_s_lasting_rule(world: World, write: Tool) -> None:
    make_policy(world.acme, "deny", user=world.member)

    grant(**doing(world), user=world.member)

    assert rules(world) == [f"{world.member.id} * allow"]
    assert code_for(world, write) == "accepted"


def test_second_grant_of_the_same_replaces_the_first(world: World) -> None:
    ends = [later(1), later(2)]
    for until in ends:
        grant(**doing(world), user=world.member, until=until)

    assert [row.until for row in rows(world)] == ends[1:]


def test_grant_for_an_account_names_the_account_alone(world: World, github: Toolkit) -> None:
    account = make_connected_account(github, owner=world.acme)

    row = grant(**doing(world), user=world.member, account=account, toolkit=github)

    assert (row.connected_account, row.toolkit) == (account, None)


def test_grant_is_refused_for_strangers_foreign_accounts_and_bad_ends(world: World, github: Toolkit) -> None:
    foreign = make_connected_account(github, owner=world.globex)

    with pytest.raises(NotFoundError, match="member"):
        grant(**doing(world), user=world.outsider)
    with pytest.raises(NotFoundError, match="member"):
        grant(**doing(world), user=world.ex_member)
    with pytest.raises(NotFoundError, match="account"):
        grant(**doing(world), user=world.member, account=foreign)
    for until, code in ((later(0), "until_over"), (later(400), "until_too_late")):
        with pytest.raises(DomainError) as error:
            grant(**doing(world), user=world.member, until=until)
        assert (error.value.code, error.value.field) == (code, "until")
    assert rows(world) == []


def test_grant_and_its_end_leave_a_record_each(world: World) -> None:
    row = grant(**doing(world), user=world.member, until=later(1), effect="write", reason="For the move")
    end_grant(**doing(world, "owner"), policy_id=row.id)

    [granted], [ended] = records(world, "policy.grant"), records(world, "policy.end")
    assert granted.details["reason"] == "For the move"
    assert granted.details["expires_at"] == row.until.isoformat()
    assert granted.details["after"] == ["mia may run writing tools of all toolkits."]
    assert ended.details["before"] == granted.details["after"]


def test_only_rules_about_a_person_are_ended_like_a_grant(world: World) -> None:
    row = make_policy(world.acme, "deny", role="member")

    with pytest.raises(ConflictError):
        end_grant(**doing(world), policy_id=row.id)
    elsewhere = make_policy(world.globex, "deny", user=world.outsider)
    with pytest.raises(NotFoundError):
        end_grant(**doing(world), policy_id=elsewhere.id)
    assert rules(world) == ["member * deny"]


def test_rule_about_an_account_is_read_with_its_names(world: World, github: Toolkit) -> None:
    account = make_connected_account(github, owner=world.acme, alias="Bot")
    row = make_policy(world.acme, "deny", connected_account=account)

    assert get_policy(actor=actor_of(world.viewer), owner=world.acme.ref, policy_id=row.id).rule.place == "Bot (GitHub)"
    assert str(row) == row.text_id


# --- Reading


def test_rules_are_listed_most_specific_first_and_for_every_member(world: World, github: Toolkit) -> None:
    for values in ({}, {"toolkit": github}, {"role": "member"}, {"user": world.member, "until": timezone.now()}):
        make_policy(world.acme, **values)

    reading = {"actor": actor_of(world.viewer), "owner": world.acme.ref}
    assert [bool(row.toolkit) or row.role for row in list_policies(**reading)] == [True, "member", ""]
    with pytest.raises(NotFoundError):
        list_policies(actor=actor_of(world.outsider), owner=world.acme.ref)


def test_places_and_people_can_be_chosen_from_lists(world: World, github: Toolkit) -> None:
    reading: dict[str, Any] = {"actor": actor_of(world.admin), "owner": world.acme.ref}
    account = make_connected_account(github, owner=world.acme, status="revoked", alias="Gone")

    keys = [key for key, _label in places(**reading)]
    assert keys[:2] == ["all", "toolkit:github"]
    assert f"account:{account.text_id}" not in keys
    assert len(keys) == 3
    people = people_for(**reading)
    assert [label for _key, label in people[:4]] == ["Everybody", "Owners", "Admins", "Members"]
    assert world.viewer.display_name not in dict(people).values()
    for place in keys:
        for key, label in people:
            target = find_target(**reading, place=place, people=key)
            assert (target.place_key, target.people_key, target.people) == (place, key, label)


@pytest.mark.parametrize(
    ("place", "people"),
    [
        ("nowhere", "everybody"),
        ("all", "nobody"),
        ("toolkit:nope", "everybody"),
        ("account:ca_1", "everybody"),
        ("all", "role:king"),
        ("all", "person:user_1"),
    ],
)
def test_target_that_does_not_exist_is_not_found(world: World, place: str, people: str) -> None:
    with pytest.raises(NotFoundError):
        find_target(actor=actor_of(world.admin), owner=world.acme.ref, place=place, people=people)


def test_target_of_another_organization_is_not_found(world: World, github: Toolkit) -> None:
    theirs = make_connected_account(github, owner=world.globex)

    for place, people in ((f"account:{theirs.text_id}", "everybody"), ("all", f"person:{world.outsider.text_id}")):
        with pytest.raises(NotFoundError):
            find_target(actor=actor_of(world.admin), owner=world.acme.ref, place=place, people=people)


def test_verdicts_are_read_back_as_they_were_set(world: World, github: Toolkit) -> None:
    actor = actor_of(world.admin)
    everything = PolicyTarget(github)
    for target, verdicts in ((MEMBERS, READ_ONLY), (everything, dict.fromkeys(ToolEffect, Verdict.ASK))):
        set_policies(**doing(world), target=target, verdicts=verdicts)
    make_policy(world.acme, "allow", user=world.member, until=later(300))

    found = [row.rule for row in list_policies(actor=actor, owner=world.acme.ref)]

    assert verdicts_at(found, MEMBERS, actor=actor) == READ_ONLY
    assert set(verdicts_at(found, everything, actor=actor).values()) == {Verdict.ASK}
    assert verdicts_at(found, PolicyTarget(user=world.member), actor=actor) == NOTHING
    assert [target_of(row, actor=actor).people for row in rows(world) if row.role] == ["Members"] * 3


def test_fewest_rules_say_it(world: World) -> None:
    saying: dict[str, Any] = {"actor": actor_of(world.admin), "owner": world.acme.ref}

    assert len(rules_for(MEMBERS, READ_ONLY, **saying)) == 3
    assert len(rules_for(MEMBERS, dict.fromkeys(ToolEffect, Verdict.ASK), **saying)) == 1
    assert len(rules_for(MEMBERS, {ToolEffect.WRITE: Verdict.ASK}, **saying)) == 1
    assert rules_for(MEMBERS, NOTHING, **saying) == []
