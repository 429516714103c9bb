"""Organizations: made by a person, who becomes the owner; and members that are put in by provisioning."""

import pytest
from django.test import Client
from pytest_django import DjangoAssertNumQueries

from orgs.errors import ConflictError, DomainError, ForbiddenError, NotFoundError, UnauthenticatedError
from orgs.models import Membership, Organization, Owner
from orgs.permissions import ANONYMOUS, OwnerKind, Role
from orgs.queries.members import count_members_who_run, list_members
from orgs.queries.owners import organization_by_slug, owner_row
from orgs.services.members import add_member
from orgs.services.organizations import create_organization
from tests.factories import NOW, actor_of, make_membership, make_user, owner_ref
from tests.world import World

pytestmark = pytest.mark.django_db


def create(**values: object) -> Organization:
    user = make_user()
    return create_organization(**{"actor": actor_of(user), "user": user, "name": "Initech", "now": NOW, **values})


def test_create_organization_makes_its_id_container_and_its_owner() -> None:
    organization = create(name=" Initech Ltd ")

    membership = Membership.objects.get(organization=organization)
    assert (organization.name, organization.slug, str(organization)) == ("Initech Ltd", "initech-ltd", "Initech Ltd")
    assert (membership.role, membership.word.label) == ("owner", "Active")
    assert Owner.objects.get(organization=organization).ref == organization.ref
    assert organization.ref.text_id == f"org_{organization.id.hex}"


def test_create_organization_needs_the_acting_user_themself() -> None:
    user = make_user()

    for actor in (ANONYMOUS, actor_of(make_user())):
        with pytest.raises(UnauthenticatedError):
            create_organization(actor=actor, user=user, name="Initech", now=NOW)

    assert not Organization.objects.exists()


@pytest.mark.parametrize(
    ("values", "code"),
    [
        ({"slug": "new"}, "slug_reserved"),
        ({"slug": "me"}, "slug_reserved"),
        ({"slug": "In Itech"}, "slug_invalid"),
        ({"slug": "-initech"}, "slug_invalid"),
        ({"slug": "../admin"}, "slug_invalid"),
        ({"name": "会社"}, "slug_invalid"),
        ({"name": " "}, "name_invalid"),
        ({"name": "x" * 81}, "name_invalid"),
    ],
)
def test_create_organization_refuses_bad_values_by_field(values: dict[str, str], code: str) -> None:
    with pytest.raises(DomainError) as refused:
        create(**values)

    assert refused.value.code == code
    assert refused.value.field == code.partition("_")[0]


def test_create_organization_refuses_a_taken_address() -> None:
    create(slug="initech")

    with pytest.raises(ConflictError, match="initech is taken"):
        create(slug="initech")

    assert Organization.objects.count() == 1


def test_page_makes_an_organization_and_leads_into_it(world: World) -> None:
    client = world.client("viewer")

    response = client.post("/orgs/new/", {"name": "Initech", "slug": " INITECH "})

    assert response.headers["Location"] == "/orgs/initech/"
    assert Membership.objects.get(organization__slug="initech").user == world.viewer


def test_page_shows_the_reason_at_the_field(world: World) -> None:
    response = world.client("member").post("/orgs/new/", {"name": "Acme two", "slug": "acme"})

    assert response.status_code == 422
    assert "The address acme is taken" in response.content.decode()


def test_page_for_a_new_organization_asks_for_a_name(world: World) -> None:
    client = world.client("member")

    assert client.get("/orgs/new/").status_code == 200
    assert client.post("/orgs/new/", {}).status_code == 422


def test_new_organization_takes_no_fields_that_the_form_does_not_have(world: World) -> None:
    world.client("member").post("/orgs/new/", {"name": "Initech", "id": str(world.acme.id), "owner": "x", "role": "x"})

    assert Organization.objects.get(slug="initech").id != world.acme.id


def test_front_door_leads_to_oneself(world: World) -> None:
    assert world.client("member").get("/").headers["Location"] == "/me/"


def test_add_member_by_whoever_runs_the_installation(world: World) -> None:
    newcomer = make_user()

    membership = add_member(actor=None, owner=world.acme.ref, user=newcomer, role=Role.VIEWER, now=NOW)

    assert (membership.user, membership.role, membership.joined_at) == (newcomer, "viewer", NOW)
    assert "viewer" in str(membership)


def test_add_member_by_an_owner(world: World) -> None:
    add_member(actor=actor_of(world.owner), owner=world.acme.ref, user=make_user("newcomer"), role=Role.ADMIN, now=NOW)

    assert Membership.objects.filter(organization=world.acme, user__username="newcomer").exists()


@pytest.mark.parametrize("persona", ["admin", "member", "viewer"])
def test_add_member_is_refused_for_smaller_roles(world: World, persona: str) -> None:
    with pytest.raises(ForbiddenError):
        add_member(
            actor=actor_of(world.people[persona]), owner=world.acme.ref, user=make_user(), role=Role.OWNER, now=NOW
        )


def test_add_member_is_refused_for_strangers(world: World) -> None:
    with pytest.raises(NotFoundError):
        add_member(actor=actor_of(world.outsider), owner=world.acme.ref, user=world.outsider, role=Role.OWNER, now=NOW)


def test_add_member_refuses_somebody_who_is_in_already(world: World) -> None:
    with pytest.raises(ConflictError, match="is a member of Acme already"):
        add_member(actor=None, owner=world.acme.ref, user=world.viewer, role=Role.OWNER, now=NOW)

    assert Membership.objects.get(organization=world.acme, user=world.viewer).role == "viewer"


def test_members_are_listed_by_role_and_name_without_those_who_left(world: World) -> None:
    make_membership(world.acme, make_user("zoe", name="Anna"), Role.MEMBER)

    names = [one.user.display_name for one in list_members(actor=actor_of(world.viewer), owner=world.acme.ref)]

    assert names == ["owner_of_acme", "admin_of_acme", "Anna", "mia", "vera"]


def test_members_of_another_organization_are_not_there(world: World) -> None:
    with pytest.raises(NotFoundError):
        list_members(actor=actor_of(world.outsider), owner=world.acme.ref)


def test_members_who_run_leave_out_viewers_the_suspended_and_those_who_left(world: World) -> None:
    make_membership(world.acme, make_user(), Role.ADMIN, status="suspended")

    assert count_members_who_run(actor=actor_of(world.member), owner=world.acme.ref) == 3


def test_members_page_shows_people_and_what_roles_may_do(world: World) -> None:
    page = world.client("viewer").get("/orgs/acme/members/").content.decode()

    assert "owner_of_acme" in page
    assert "Run tools as the organization" in page
    assert "Your role is viewer" in page
    assert ">eve<" not in page


@pytest.mark.parametrize("count", [0, 10])
def test_members_page_costs_the_same_for_many(
    world: World, django_assert_num_queries: DjangoAssertNumQueries, count: int
) -> None:
    for _ in range(count):
        make_membership(world.acme, make_user())
    client: Client = world.client("member")
    client.get("/orgs/acme/members/")

    # session, user, memberships with organizations, members, bell, banners
    with django_assert_num_queries(6):
        client.get("/orgs/acme/members/")


def test_suspended_member_is_a_stranger(world: World) -> None:
    Membership.objects.filter(user=world.member).update(status="suspended")

    assert world.client("member").get("/orgs/acme/members/").status_code == 404


def test_owner_row_is_found_within_reach_only(world: World) -> None:
    actor = actor_of(world.member)

    assert owner_row(actor=actor, owner=world.acme.ref).organization == world.acme
    assert owner_row(actor=actor, owner=owner_ref(world.member)).user == world.member
    for foreign in (world.globex.ref, owner_ref(world.owner)):
        with pytest.raises(NotFoundError):
            owner_row(actor=actor, owner=foreign)


def test_owner_row_says_what_it_is(world: World) -> None:
    assert str(world.acme.owner) == world.acme.ref.text_id
    with pytest.raises(ValueError, match="An owner that is nobody"):
        str(Owner(kind=OwnerKind.USER.value))


def test_organization_is_found_by_its_members_only(world: World) -> None:
    assert organization_by_slug(actor=actor_of(world.viewer), slug="acme") == world.acme.ref
    for user in (world.outsider, world.ex_member, world.staff):
        with pytest.raises(NotFoundError):
            organization_by_slug(actor=actor_of(user), slug="acme")
