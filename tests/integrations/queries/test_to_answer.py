"""The counts at the navigation: of what waits, for those alone who may answer it."""

import re
from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries

from integrations.queries.to_answer import ToAnswer, to_answer
from tests.factories import (
    actor_of,
    make_consent_request,
    make_execution,
    make_support_grant,
    make_tool,
    make_toolkit,
    owner_ref,
)
from tests.world import World


@pytest.fixture
def busy(world: World) -> World:
    """Two open requests and a run that waits in Acme, a request in Globex, and what is answered already."""
    github, slack = make_toolkit("github"), make_toolkit("slack")
    make_consent_request(github, owner=world.acme, users=[world.member])
    make_consent_request(slack, owner=world.acme, users=[world.member, world.viewer])
    make_consent_request(make_toolkit("jira"), owner=world.acme, users=[world.member], status="denied")
    make_consent_request(github, owner=world.globex, users=[world.outsider])
    tool = make_tool(github)
    make_execution(tool, owner=world.acme, user=world.member, status="waiting_for_approval")
    make_execution(tool, owner=world.acme, user=world.member, status="queued")
    return world


def counted(page: str) -> list[str]:
    """What a screen reader hears at the entries of the navigation."""
    return sorted(set(re.findall(r'<span class="sr-only">, (\d+ [a-z ]+)</span>', page)))


def page_of(client: Client) -> str:
    return client.get("/orgs/acme/tools/").content.decode()


@pytest.mark.parametrize("persona", ["admin", "owner"])
def test_whoever_may_answer_sees_how_much_waits(busy: World, persona: str) -> None:
    actor = actor_of(busy.people[persona])

    assert to_answer(actor=actor, owner=busy.acme.ref) == ToAnswer(open_requests=2, waiting_runs=1)
    assert counted(page_of(busy.client(persona))) == ["1 run waits", "2 open requests"]


@pytest.mark.parametrize("persona", ["member", "viewer"])
def test_whoever_may_not_answer_sees_no_count(busy: World, persona: str) -> None:
    assert to_answer(actor=actor_of(busy.people[persona]), owner=busy.acme.ref) == ToAnswer()
    assert counted(page_of(busy.client(persona))) == []


def test_nobody_learns_what_waits_elsewhere(busy: World) -> None:
    assert to_answer(actor=actor_of(busy.outsider), owner=busy.acme.ref) == ToAnswer()
    assert to_answer(actor=actor_of(busy.outsider), owner=busy.globex.ref) == ToAnswer(open_requests=1)
    assert to_answer(actor=actor_of(busy.admin), owner=owner_ref(busy.admin)) == ToAnswer()


def test_support_that_may_look_sees_no_count(busy: World) -> None:
    make_support_grant(busy.acme, by=busy.owner, person=busy.staff, until=timezone.now() + timedelta(hours=1))

    page = busy.client("admin").get("/orgs/acme/members/").content.decode()

    assert "Support may look at Acme" in page
    assert counted(page) == ["1 run waits", "2 open requests"]
    assert to_answer(actor=actor_of(busy.staff), owner=busy.acme.ref) == ToAnswer()


def test_both_counts_are_one_query_and_none_for_whoever_sees_none(
    busy: World, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    admin, member = actor_of(busy.admin), actor_of(busy.member)

    with django_assert_num_queries(1):
        to_answer(actor=admin, owner=busy.acme.ref)
    with django_assert_num_queries(0):
        to_answer(actor=member, owner=busy.acme.ref)


def test_an_organization_where_nothing_waits_shows_no_count(world: World) -> None:
    assert counted(page_of(world.client("admin"))) == []
