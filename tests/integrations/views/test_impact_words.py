"""The sentences of a preview: numbers agree with their nouns, and long lists are cut."""

import pytest
from django.utils import timezone

from integrations.models import ConnectedAccount
from integrations.queries.impact import Change, impact_of_account, impact_of_member, impact_of_organization
from integrations.queries.lost_tools import ScopeImpact
from integrations.views.impact_words import (
    Line,
    account_lines,
    member_lines,
    organization_lines,
    role_lines,
    scope_lines,
)
from orgs.models import Membership
from orgs.permissions import Role
from tests.factories import actor_of, make_connected_account, make_execution, make_session, make_tool, make_toolkit
from tests.world import World

pytestmark = pytest.mark.django_db


def test_an_organization_is_told_in_numbers_and_names(world: World) -> None:
    toolkit = make_toolkit("github", name="GitHub")
    account = make_connected_account(toolkit, owner=world.acme, alias="Team bot")
    make_execution(make_tool(toolkit), owner=world.acme, user=world.member, connected_account=account)

    impact = impact_of_organization(actor=actor_of(world.owner), owner=world.acme.ref, now=timezone.now())
    lines = {line.label: line for line in organization_lines(impact, world.acme.ref)}

    assert (lines["Members"].number, lines["Members"].text) == (4, "people lose Acme")
    assert list(lines["Connections"].names) == ["GitHub: Team bot"]
    assert lines["Waiting runs"].text == "waiting run is not sent."
    assert lines["Sessions"].text == "None."


def test_a_long_list_of_names_is_cut() -> None:
    line = Line("Who", "people", 10, [str(number) for number in range(10)])

    assert (list(line.first_names), line.others) == (list("01234567"), 2)
    assert Line("Who", "nobody").others == 0


@pytest.mark.parametrize("is_self", [True, False])
def test_the_lines_of_leaving_speak_to_whoever_reads(world: World, is_self: bool) -> None:

    place = Membership.objects.get(user=world.member)
    actor = actor_of(world.member if is_self else world.admin)
    impact = impact_of_member(actor=actor, owner=world.acme.ref, member=place, now=timezone.now())

    labels = [line.label for line in member_lines(impact, world.acme.ref, is_self=is_self)]

    assert labels[-1] == ("You keep" if is_self else "They keep")


@pytest.mark.parametrize(
    ("after", "told"),
    [
        (
            Role.VIEWER,
            {
                "Waiting runs": "1 waiting run under Acme would no longer be allowed and is refused.",
                "Last 30 days": "1 run under Acme.",
                "Sessions": "1 session of theirs runs nothing any more.",
            },
        ),
        (
            Role.ADMIN,
            {"Last 30 days": "1 run under Acme.", "Sessions": "1 session of theirs goes on with the new rights."},
        ),
    ],
)
def test_another_role_says_what_goes_on_and_what_stops(world: World, after: Role, told: dict[str, str]) -> None:
    tool = make_tool(make_toolkit())
    make_session(tool.toolkit, owner=world.acme, user=world.member)
    make_execution(tool, owner=world.acme, user=world.member, created_at=timezone.now())
    place = Membership.objects.get(user=world.member)
    asked = {"actor": actor_of(world.admin), "owner": world.acme.ref, "member": place, "now": timezone.now()}

    lines = role_lines(impact_of_member(**asked, after=after), world.acme.ref, after)

    assert {line.label: f"{line.number} {line.text}" for line in lines} == told
    page = world.client("admin").get(f"/orgs/acme/members/{place.text_id}/role/?role={after}").content.decode()
    assert all(text.partition(" ")[2] in page for text in told.values())


def test_another_default_says_who_switches(world: World) -> None:
    toolkit = make_toolkit("github", name="GitHub")
    first, second = (make_connected_account(toolkit, owner=world.acme, is_default=one) for one in (True, False))
    make_session(toolkit, owner=world.acme)
    reading = {"actor": actor_of(world.admin), "owner": world.acme.ref, "now": timezone.now()}

    def told(account: ConnectedAccount) -> dict[str, tuple[int | None, str]]:
        found = impact_of_account(**reading, account=account, change=Change.DEFAULT)
        return {line.label: (line.number, line.text) for line in account_lines(found, world.acme.ref, Change.DEFAULT)}

    assert told(second)["Who switches"] == (
        3,
        "members of Acme, when they run GitHub tools without naming an account",
    )
    assert told(second)["Sessions"] == (
        1,
        "session in which an agent follows the default and uses it from then on.",
    )
    assert told(first)["Who switches"] == (None, "Nobody: it is in use already.")


def test_less_access_says_what_uses_the_tools_that_stop() -> None:
    some, none = ScopeImpact(2, 3, ["mia"], 1), ScopeImpact(0, 0, [], 0)

    assert [(line.number, line.text) for line in scope_lines(some)] == [
        (2, "waiting runs of them will be refused."),
        (3, "runs of them through it, asked for by"),
        (1, "session in which an agent uses the account now."),
    ]
    assert [line.text for line in scope_lines(none)] == ["None is waiting for them.", "They were not run.", "None."]
