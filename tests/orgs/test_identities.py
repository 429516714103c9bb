"""The identity switch, the navigation, and the addresses of the same page under another owner."""

import pytest
from django.http import HttpRequest
from django.template import Context, Template
from django.test import RequestFactory
from django.urls import NoReverseMatch, resolve
from pytest_django import DjangoAssertNumQueries

from orgs.addresses import owner_url, same_page_for
from orgs.context_processors import identity
from orgs.decorators import set_owner
from orgs.identities import Identity
from tests.factories import make_membership, owner_ref
from tests.world import World


def open_page(world: World, persona: str, path: str) -> HttpRequest:
    """The request as a template sees it on that page."""
    request = RequestFactory().get(path)
    request.user = world.people[persona]
    request.resolver_match = resolve(path)
    if request.resolver_match.namespace:
        set_owner(request, request.resolver_match.kwargs.get("org", ""))  # type: ignore[arg-type]  # becomes an OwnedRequest
    return request


def switch(world: World, persona: str, path: str) -> list[Identity]:
    return list(identity(open_page(world, persona, path))["identities"])


def current_sections(world: World, path: str) -> list[str]:
    return [one.label for one in identity(open_page(world, "member", path))["nav"] if one.is_current]


def test_switch_names_oneself_first_and_then_ones_organizations(world: World) -> None:
    make_membership(world.globex, world.admin)

    entries = switch(world, "admin", "/orgs/acme/runs/")

    assert [(one.label, one.kind, one.role) for one in entries] == [
        ("admin_of_acme", "user", ""),
        ("Acme", "organization", "admin"),
        ("Globex", "organization", "member"),
    ]
    assert [one.is_current for one in entries] == [False, True, False]


def test_switch_keeps_the_page(world: World) -> None:
    assert [one.url for one in switch(world, "member", "/me/runs/")] == ["/me/runs/", "/orgs/acme/runs/"]


def test_switch_leads_to_the_list_from_a_page_of_one_owners_own_thing(world: World) -> None:
    urls = [one.url for one in switch(world, "member", f"/me/runs/ex_{'0' * 32}/")]

    assert urls == ["/me/runs/", "/orgs/acme/runs/"]


def test_switch_leads_home_from_a_page_that_the_other_does_not_have(world: World) -> None:
    urls = [one.url for one in switch(world, "member", "/orgs/acme/members/")]

    assert urls == ["/me/", "/orgs/acme/members/"]


def test_switch_on_a_page_of_nobodys_has_no_current_entry(world: World) -> None:
    entries = switch(world, "member", "/profile/")

    assert [one.url for one in entries] == ["/me/", "/orgs/acme/"]
    assert not any(one.is_current for one in entries)


def test_switch_leaves_out_organizations_that_one_has_left(world: World) -> None:
    assert [one.kind for one in switch(world, "ex_member", "/me/")] == ["user"]


def test_navigation_marks_the_section(world: World) -> None:
    assert current_sections(world, "/me/") == ["Home"]
    assert current_sections(world, "/me/runs/") == ["Runs"]
    assert current_sections(world, f"/orgs/acme/runs/ex_{'0' * 32}/") == ["Runs"]
    assert current_sections(world, "/orgs/acme/members/") == ["Members"]


def test_navigation_leaves_out_what_a_person_does_not_have(world: World) -> None:
    mine = [one.label for one in identity(open_page(world, "member", "/me/"))["nav"]]
    theirs = [one.label for one in identity(open_page(world, "member", "/orgs/acme/"))["nav"]]

    assert "Members" not in mine
    assert theirs[-4:] == ["Members", "Policies", "Applications", "Settings"]


def grouped(world: World, persona: str, path: str) -> dict[str, list[str]]:
    """The sections under the heading that stands above them."""
    groups, heading = {"": list[str]()}, ""
    for item in identity(open_page(world, persona, path))["nav"]:
        heading = item.heading or heading
        groups.setdefault(heading, []).append(item.label)
    return groups


def test_navigation_says_what_is_about_the_organization(world: World) -> None:
    running = ["Home", "Tools", "Connections", "Requests", "Runs", "Sessions", "Why can't I…?"]
    about = ["Members", "Approvals", "Policies", "Auth configs", "API keys", "Applications", "Webhooks"]
    about += ["Audit log", "Settings"]

    assert grouped(world, "owner", "/orgs/acme/") == {"": running, "Organization": about}
    viewers = ["Members", "Policies", "Applications", "Settings"]
    assert grouped(world, "viewer", "/orgs/acme/") == {"": running, "Organization": viewers}
    assert set(grouped(world, "owner", "/me/")) == {""}


def test_navigation_of_a_page_of_nobodys_is_ones_own(world: World) -> None:
    assert identity(open_page(world, "member", "/profile/"))["nav"][0].url == "/me/"


def test_frame_of_somebody_who_is_not_signed_in_is_empty() -> None:
    frame = identity(RequestFactory().get("/accounts/login/"))

    assert (frame["owner"], list(frame["identities"]), list(frame["nav"])) == (None, [], [])


def test_frame_costs_no_query_on_an_owners_page(
    world: World, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    request = open_page(world, "member", "/orgs/acme/runs/")

    with django_assert_num_queries(0):
        frame = identity(request)
        assert len(frame["identities"]) == 2
        assert list(frame["nav"])


def test_frame_costs_one_query_on_a_page_of_nobodys(
    world: World, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    request = open_page(world, "member", "/profile/")

    with django_assert_num_queries(1):
        frame = identity(request)
        assert list(frame["identities"])
        assert list(frame["nav"])


def test_owner_url_names_the_owner(world: World) -> None:
    assert owner_url(owner_ref(world.member), "runs") == "/me/runs/"
    assert owner_url(world.acme.ref, "runs") == "/orgs/acme/runs/"
    with pytest.raises(NoReverseMatch):
        owner_url(owner_ref(world.member), "members")


def test_same_page_without_a_resolved_page_is_none(world: World) -> None:
    assert same_page_for(world.acme.ref, None) == ""


@pytest.mark.parametrize(
    ("path", "source", "expected"),
    [
        ("/me/", "{% owner_url 'runs' %}", "/me/runs/"),
        ("/orgs/acme/", "{% owner_url 'runs' %}", "/orgs/acme/runs/"),
        ("/me/", "{% owner_url 'runs' owner=other %}", "/orgs/acme/runs/"),
        ("/profile/", "{% owner_url 'runs' %}", "/me/runs/"),
        ("/orgs/acme/", "{% owner_url 'run' execution_id='ex_1' %}", "/orgs/acme/runs/ex_1/"),
    ],
)
def test_owner_url_tag_stays_with_the_pages_owner(world: World, path: str, source: str, expected: str) -> None:
    request = open_page(world, "member", path)
    context = Context({"request": request, "owner": getattr(request, "owner", None), "other": world.acme.ref})

    assert Template(source).render(context) == expected
