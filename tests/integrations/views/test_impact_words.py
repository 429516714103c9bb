"""The sentences of a preview: numbers agree with their nouns, and long lists are cut."""

import pytest
from django.utils import timezone

from integrations.queries.impact import impact_of_member, impact_of_organization
from integrations.views.impact_words import Line, member_lines, organization_lines
from orgs.models import Membership
from tests.factories import actor_of, make_connected_account, make_execution, make_tool, make_toolkit
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
