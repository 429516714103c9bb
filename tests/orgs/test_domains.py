"""Joining by a verified e-mail address: who may open the door, for whom it opens, and who learns nothing."""

import pytest
from allauth.account.models import EmailAddress

from orgs.errors import ConflictError, DomainError, ForbiddenError, NotFoundError
from orgs.models import AuditEvent, JoinDomain, Membership, Notice
from orgs.models.organizations import MemberStatus
from orgs.permissions import OwnerRef, Role
from orgs.public_mail import is_public_mail
from orgs.services import domains
from orgs.services.domains import add_domain, join_by_domain, remove_domain
from tests.factories import NOW, actor_of, make_join_domain, make_user
from tests.permissions.test_url_matrix import plain
from tests.world import World

pytestmark = pytest.mark.django_db


def add(world: World, persona: str = "owner", domain: str = "example.com", role: Role = Role.MEMBER) -> JoinDomain:
    actor = actor_of(world.people[persona])
    return add_domain(actor=actor, owner=world.acme.ref, domain=domain, role=role, now=NOW)


def join(world: World, persona: str, domain: JoinDomain) -> OwnerRef:
    user = world.people[persona]
    return join_by_domain(actor=actor_of(user), user=user, domain_id=domain.id, now=NOW)


def test_owner_opens_the_door_for_their_own_domain(world: World) -> None:
    added = add(world, domain=" @Example.COM ", role=Role.VIEWER)

    assert (added.domain, added.role, added.added_by) == ("example.com", "viewer", world.owner)
    assert AuditEvent.objects.get().details == {"role": "viewer"}


@pytest.mark.parametrize("persona", ["admin", "member", "viewer"])
def test_smaller_roles_cannot(world: World, persona: str) -> None:
    with pytest.raises(ForbiddenError):
        add(world, persona)


@pytest.mark.parametrize(
    ("domain", "code"),
    [
        ("", "domain_invalid"),
        ("example", "domain_invalid"),
        ("exa mple.com", "domain_invalid"),
        ("-a.com", "domain_invalid"),
        ("a@b.com", "domain_invalid"),
        (f"{'a' * 64}.com", "domain_invalid"),
        (f"{'a.' * 130}com", "domain_invalid"),
        ("gmail.com", "domain_public"),
        ("mail.yahoo.co.uk", "domain_public"),
        ("somebody-elses.com", "domain_not_yours"),
        ("sub.example.com", "domain_not_yours"),
    ],
)
def test_other_domains_are_refused(world: World, domain: str, code: str) -> None:
    with pytest.raises(DomainError) as refused:
        add(world, domain=domain)

    assert (refused.value.code, refused.value.field) == (code, "domain")


def test_address_that_was_not_verified_does_not_count(world: World) -> None:
    EmailAddress.objects.create(user=world.owner, email="me@acme.test", verified=False)
    with pytest.raises(DomainError, match="no verified address"):
        add(world, domain="acme.test")

    EmailAddress.objects.filter(email="me@acme.test").update(verified=True)
    assert add(world, domain="acme.test").domain == "acme.test"


@pytest.mark.parametrize("role", [Role.OWNER, Role.ADMIN])
def test_nobody_joins_with_power(world: World, role: Role) -> None:
    with pytest.raises(DomainError, match="member or viewer"):
        add(world, role=role)


def test_domain_is_on_the_list_once(world: World) -> None:
    add(world)

    with pytest.raises(ConflictError):
        add(world)


def test_person_with_an_address_there_joins_and_admins_are_told(world: World) -> None:
    added = add(world, role=Role.VIEWER)

    assert join(world, "outsider", added) == world.acme.ref

    place = Membership.objects.get(user=world.outsider, organization=world.acme)
    assert (place.role, place.joined_at) == ("viewer", NOW)
    assert AuditEvent.objects.filter(action="member.join").get().details == {"role": "viewer", "reason": "domain"}
    assert {one.user for one in Notice.objects.all()} == {world.owner, world.admin}


@pytest.mark.parametrize("persona", ["member", "ex_member"])
def test_who_has_or_had_a_place_does_not_join(world: World, persona: str) -> None:
    with pytest.raises(NotFoundError):
        join(world, persona, add(world))


def test_who_is_suspended_does_not_join(world: World) -> None:
    added = add(world)
    Membership.objects.filter(user=world.member).update(status=MemberStatus.SUSPENDED)

    with pytest.raises(NotFoundError):
        join(world, "member", added)


def test_who_has_no_verified_address_there_finds_nothing(world: World) -> None:
    added = make_join_domain(world.acme, "acme.test")

    with pytest.raises(NotFoundError):
        join(world, "outsider", added)
    EmailAddress.objects.create(user=world.outsider, email="o@acme.test", verified=False)
    with pytest.raises(NotFoundError):
        join(world, "outsider", added)


def test_nobody_joins_for_somebody_else(world: World) -> None:
    added = add(world)

    with pytest.raises(NotFoundError):
        join_by_domain(actor=actor_of(world.outsider), user=world.staff, domain_id=added.id, now=NOW)


def test_second_tab_that_was_slower_finds_nothing(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    added = add(world)
    monkeypatch.setattr(domains, "_open_to", lambda *_args: added)

    with pytest.raises(NotFoundError):
        join(world, "member", added)


def test_removed_domain_lets_nobody_in(world: World) -> None:
    added = add(world)
    remove_domain(actor=actor_of(world.owner), owner=world.acme.ref, domain_id=added.id, now=NOW)

    with pytest.raises(NotFoundError):
        join(world, "outsider", added)
    with pytest.raises(NotFoundError):
        remove_domain(actor=actor_of(world.owner), owner=world.acme.ref, domain_id=added.id, now=NOW)


def test_home_and_new_organization_offer_it_to_those_who_qualify(world: World) -> None:
    stranger = make_user("stranger", email="stranger@elsewhere.test")
    world.people["stranger"] = stranger
    added = add(world)

    for page in ("/me/", "/orgs/new/"):
        assert "Join Acme" in world.client("outsider").get(page).content.decode()
        assert "Join Acme" not in world.client("stranger").get(page).content.decode()
    answer = world.client("outsider").post(f"/orgs/join/{added.text_id}/")
    assert answer.headers["Location"] == "/orgs/acme/"
    assert "Join Acme" not in world.client("outsider").get("/me/").content.decode()


def test_nobody_else_learns_that_it_exists(world: World) -> None:
    """The answer for a real domain and an invented one is the same (check W13)."""
    client = world.client("outsider")
    added = make_join_domain(world.acme, "acme.test")

    real = client.post(f"/orgs/join/{added.text_id}/")
    invented = client.post(f"/orgs/join/dom_{'0' * 32}/")

    assert (real.status_code, invented.status_code) == (404, 404)
    assert plain(real) == plain(invented)
    assert client.post("/orgs/join/nonsense/").status_code == 404


def test_page_adds_and_removes_and_shows_mistakes(world: World) -> None:
    client, url = world.client("owner"), "/orgs/acme/settings/domains/"

    assert client.post(url, {"domain": "gmail.com", "role": "member"}).status_code == 422
    assert client.post(url, {"domain": "", "role": "member"}).status_code == 422
    page = client.post(url, {"domain": "example.com", "role": "member"}, follow=True).content.decode()
    assert "may join as member" in page
    added = JoinDomain.objects.get()
    page = client.post(f"{url}{added.text_id}/remove/", follow=True).content.decode()
    assert "Nobody joins by an address at example.com" in page
    assert world.client("viewer").get("/orgs/acme/settings/").status_code == 200


def test_public_mail_is_known_with_its_subdomains() -> None:
    assert is_public_mail("gmail.com")
    assert is_public_mail("eu.gmail.com")
    assert not is_public_mail("notgmail.com")
