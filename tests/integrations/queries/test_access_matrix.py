"""The access matrix says of every member what the rule does, and nothing that it does not."""

from typing import Any

import pytest
from allauth.mfa.models import Authenticator
from pytest_django import DjangoAssertNumQueries

from integrations.access import decide_run
from integrations.models import ConnectedAccount, Policy, Tool
from integrations.queries.access_matrix import BY_ROLE, Access, Line, access_matrix, access_to, own_access
from orgs.errors import ForbiddenError, NotFoundError
from orgs.queries.actors import actors_for_members
from tests.factories import (
    NOW,
    actor_of,
    make_connected_account,
    make_membership,
    make_tool,
    make_toolkit,
    make_user,
    owner_ref,
    owner_row,
)
from tests.world import World

pytestmark = pytest.mark.django_db
EFFECTS = ("read", "write", "destructive")


@pytest.fixture
def account(world: World) -> ConnectedAccount:
    """Acme's, of a toolkit with a tool of each effect."""
    toolkit = make_toolkit()
    for effect in EFFECTS:
        make_tool(toolkit, f"GITHUB_{effect.upper()}", effect=effect)
    return make_connected_account(toolkit, owner=world.acme, identity_label="octocat")


def make_policy(world: World, verdict: str, **values: Any) -> None:
    Policy(owner=owner_row(world.acme), verdict=verdict, created_at=NOW, **values).save()


def matrix(world: World, text: str = "") -> dict[str, Line]:
    _toolkits, lines = access_matrix(actor=actor_of(world.admin), owner=world.acme.ref, text=text)
    return {line.person.label: line for line in lines}


def marks(line: Line) -> list[str]:
    [(_toolkit, cell)] = line.cells
    return [one.access.value for one in cell.effects]


def test_each_member_has_a_line_and_strangers_have_none(world: World, account: ConnectedAccount) -> None:
    found = matrix(world)

    people = [world.owner, world.admin, world.member, world.viewer]
    assert list(found) == sorted(one.display_name for one in people)
    assert marks(found[world.member.display_name]) == ["runs", "runs", "runs"]
    assert marks(found[world.viewer.display_name]) == ["refused", "refused", "refused"]
    [(_toolkit, cell)] = found[world.member.display_name].cells
    assert (cell.account_text_id, cell.effects[0].why) == (account.text_id, BY_ROLE)


def test_policies_are_in_it_with_their_words(world: World, account: ConnectedAccount) -> None:
    make_policy(world, "ask", role="member", effect="write")
    make_policy(world, "deny", toolkit=account.toolkit, effect="destructive")

    found = matrix(world)

    assert marks(found[world.member.display_name]) == ["runs", "asks", "refused"]
    assert marks(found[world.admin.display_name]) == ["runs", "runs", "refused"]
    [(_toolkit, cell)] = found[world.member.display_name].cells
    assert cell.effects[1].why == "Members need approval for writing tools of all toolkits."


@pytest.mark.parametrize("status", ["active", "paused", "expired", "needs_attention"])
@pytest.mark.parametrize("persona", ["owner", "member", "viewer"])
def test_matrix_and_enforcement_agree(world: World, account: ConnectedAccount, persona: str, status: str) -> None:
    ConnectedAccount.objects.unscoped("a test").filter(id=account.id).update(status=status)
    make_policy(world, "ask", effect="write")
    make_policy(world, "deny", role="member", effect="destructive")
    person = world.people[persona]
    expected = []
    for effect in EFFECTS:
        tool = Tool.objects.select_related("toolkit").get(effect=effect)
        decision, _row = decide_run(actor=actor_of(person), requested=world.acme.ref.text_id, tool=tool)
        asks = Access.ASKS if decision.needs_approval else Access.RUNS
        expected.append((asks if decision.allowed else Access.REFUSED).value)

    assert marks(matrix(world)[person.display_name]) == expected


def test_personal_accounts_and_other_organizations_are_not_in_it(world: World, account: ConnectedAccount) -> None:
    other = make_toolkit("slack")
    make_connected_account(other, owner=world.member)
    make_connected_account(other, owner=world.globex)

    toolkits, _lines = access_matrix(actor=actor_of(world.admin), owner=world.acme.ref)

    assert [one.slug for one in toolkits] == ["github"]


def test_who_lacks_a_required_second_factor_is_refused_and_it_says_so(world: World, account: ConnectedAccount) -> None:
    world.acme.requires_factor = True
    world.acme.save()
    Authenticator.objects.create(user=world.admin, type=Authenticator.Type.TOTP, data={})

    found = matrix(world)

    assert marks(found[world.admin.display_name]) == ["runs", "runs", "runs"]
    assert marks(found[world.member.display_name]) == ["refused", "refused", "refused"]
    [(_toolkit, cell)] = found[world.member.display_name].cells
    assert cell.effects[0].why.startswith("Acme requires two-factor sign-in")


def test_members_are_found_by_name(world: World, account: ConnectedAccount) -> None:
    assert list(matrix(world, world.member.username[:3])) == [world.member.display_name]
    assert matrix(world, "nobody") == {}


@pytest.mark.parametrize(("persona", "error"), [("member", ForbiddenError), ("outsider", NotFoundError)])
def test_the_matrix_is_for_admins(world: World, persona: str, error: type[Exception]) -> None:
    with pytest.raises(error):
        access_matrix(actor=actor_of(world.people[persona]), owner=world.acme.ref)
    with pytest.raises(error):
        actors_for_members(actor=actor_of(world.people[persona]), owner=world.acme.ref)


@pytest.mark.parametrize("people", [1, 20])
def test_the_page_costs_the_same_however_many_people(
    world: World, account: ConnectedAccount, people: int, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    for _ in range(people):
        make_membership(world.acme, make_user())
    client = world.client("admin")
    client.get("/orgs/acme/access/")

    with django_assert_max_num_queries(10):
        client.get("/orgs/acme/access/")


# --- One account


def test_admins_see_who_and_through_which_rule(world: World, account: ConnectedAccount) -> None:
    make_policy(world, "ask", connected_account=account, user=world.member, effect="write")

    found = dict(access_to(actor=actor_of(world.admin), owner=world.acme.ref, account=account))

    write = {(group.access.value, group.why): group.names for group in found["write"]}  # type: ignore[index]
    assert write["runs", BY_ROLE] == sorted([world.admin.display_name, world.owner.display_name])
    [(names)] = [names for (access, _why), names in write.items() if access == "asks"]
    assert names == [world.member.display_name]


def test_members_see_what_they_may_do_themselves_and_nobody_else(world: World, account: ConnectedAccount) -> None:
    make_policy(world, "deny", user=world.member, effect="destructive")

    found = access_to(actor=actor_of(world.member), owner=world.acme.ref, account=account)

    assert [[(group.access.value, list(group.names)) for group in groups] for _effect, groups in found] == [
        [("runs", [world.member.display_name])],
        [("runs", [world.member.display_name])],
        [("refused", [world.member.display_name])],
    ]


def test_ones_own_account_has_no_rules_to_show(world: World) -> None:
    account = make_connected_account(make_toolkit(), owner=world.member)
    own = owner_ref(world.member)

    assert access_to(actor=actor_of(world.member), owner=own, account=account) == []


def test_members_see_on_the_list_what_they_may_do_with_each_account(world: World, account: ConnectedAccount) -> None:
    make_policy(world, "ask", connected_account=account, effect="write")
    other = make_connected_account(account.toolkit, owner=world.acme, identity_key="2", status="paused")
    member = actor_of(world.member)

    found = own_access(actor=member, owner=world.acme.ref, accounts=[account, other])

    assert [one.access.value for one in found[account.id]] == ["runs", "asks", "runs"]
    assert {one.access.value for one in found[other.id]} == {"refused"}
    assert own_access(actor=member, owner=world.acme.ref, accounts=[]) == {}
    assert own_access(actor=member, owner=owner_ref(world.member), accounts=[account]) == {}
    with pytest.raises(NotFoundError):
        own_access(actor=actor_of(world.outsider), owner=world.acme.ref, accounts=[account])


def test_an_account_in_trouble_is_shown_as_such(world: World, account: ConnectedAccount) -> None:
    [(_toolkit, cell)] = matrix(world)[world.member.display_name].cells
    assert cell.trouble is None
    ConnectedAccount.objects.unscoped("a test").filter(id=account.id).update(status="expired")

    [(_toolkit, cell)] = matrix(world)[world.member.display_name].cells

    assert cell.trouble is not None
    assert cell.trouble.label == "Expired"


# --- The pages


def test_the_pages_show_it(world: World, account: ConnectedAccount) -> None:
    make_policy(world, "deny", role="member", effect="destructive")
    admin, member = world.client("admin"), world.client("member")
    page = f"/orgs/acme/connections/{account.text_id}/"

    text = admin.get("/orgs/acme/access/").text
    assert "octocat" in text
    assert "Members may not run destructive tools of all toolkits." in text
    assert "No active member is called that" in admin.get("/orgs/acme/access/?q=nobody").text
    assert "Through which rule" in admin.get(page).text
    assert "What you may do with it" in member.get(page).text
    assert "/orgs/acme/access/" not in member.get(page).text
    assert "You may:" in member.get("/orgs/acme/connections/").text
    assert "/orgs/acme/requests/new/" in member.get(page).text
    assert "/orgs/acme/requests/new/" not in world.client("viewer").get(page).text


def test_the_page_says_when_nothing_is_connected(world: World) -> None:
    assert "Nothing is connected yet" in world.client("admin").get("/orgs/acme/access/").text
