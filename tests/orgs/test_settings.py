"""What an organization decides for itself: name and address, who may invite, how long contents are kept."""

from datetime import timedelta

import pytest
from django.utils import timezone

from integrations.jobs.sweep import sweep
from orgs.errors import ConflictError, DomainError, ForbiddenError, NotFoundError
from orgs.models import AuditEvent, Invitation, Membership, Organization
from orgs.permissions import OwnerRef, Role
from orgs.services.invitations import LineKind, plan_invitations
from orgs.services.joining import accept_invitation
from orgs.services.members import change_role
from orgs.services.organizations import update_organization
from orgs.services.settings import change_rules
from tests.factories import (
    NOW,
    actor_of,
    make_finished_execution,
    make_invitation,
    make_membership,
    make_tool,
    make_toolkit,
    make_user,
)
from tests.world import World

pytestmark = pytest.mark.django_db


def update(world: World, persona: str, name: str = "Acme Ltd", slug: str = "acme-ltd") -> OwnerRef:
    return update_organization(
        actor=actor_of(world.people[persona]), owner=world.acme.ref, name=name, slug=slug, now=NOW
    )


def test_owner_renames_and_moves_and_the_id_stays(world: World) -> None:
    changed = update(world, "owner", " Acme Ltd ")

    assert (changed.label, changed.slug, changed.text_id) == ("Acme Ltd", "acme-ltd", world.acme.ref.text_id)
    assert Organization.objects.get(id=world.acme.id).name == "Acme Ltd"


@pytest.mark.parametrize("persona", ["admin", "member", "viewer"])
def test_smaller_roles_cannot(world: World, persona: str) -> None:
    with pytest.raises(ForbiddenError):
        update(world, persona)


def test_strangers_find_nothing(world: World) -> None:
    with pytest.raises(NotFoundError):
        update(world, "outsider")


def test_owner_who_was_demoted_a_moment_ago_cannot(world: World) -> None:
    actor = actor_of(world.owner)
    Membership.objects.filter(user=world.owner).update(role="admin")

    with pytest.raises(ForbiddenError):
        update_organization(actor=actor, owner=world.acme.ref, name="Mine", slug="mine", now=NOW)


@pytest.mark.parametrize(("name", "slug", "field"), [("", "acme", "name"), ("A", "new", "slug"), ("A", "A b", "slug")])
def test_bad_values_are_refused_by_field(world: World, name: str, slug: str, field: str) -> None:
    with pytest.raises(DomainError) as refused:
        update(world, "owner", name, slug)

    assert refused.value.field == field


def test_taken_address_is_refused(world: World) -> None:
    with pytest.raises(ConflictError, match="globex is taken"):
        update(world, "owner", slug="globex")


def test_page_saves_and_leads_to_the_new_address(world: World) -> None:
    response = world.client("owner").post("/orgs/acme/settings/", {"name": "Acme Ltd", "slug": " ACME-Ltd "})

    assert response.headers["Location"] == "/orgs/acme-ltd/settings/"
    assert world.client("owner").get("/orgs/acme/").status_code == 404


def test_page_shows_the_reason_at_the_field(world: World) -> None:
    response = world.client("owner").post("/orgs/acme/settings/", {"name": "Acme", "slug": "globex"})

    assert response.status_code == 422
    assert "The address globex is taken" in response.content.decode()


def test_page_says_to_others_who_can_change_it(world: World) -> None:
    page = world.client("admin").get("/orgs/acme/settings/").content.decode()

    assert "This needs the role owner." in page
    assert '<form method="post" novalidate' not in page
    assert world.client("admin").post("/orgs/acme/settings/", {"name": "x", "slug": "y"}).status_code == 403


def test_unchanged_settings_leave_no_record(world: World) -> None:
    update(world, "owner", "Acme", "acme")
    rules(world, members_may_invite=False, retention_days=None)
    page = world.client("owner").post("/orgs/acme/settings/", {"name": "Acme", "slug": "acme"}, follow=True)

    assert "Nothing was changed" in page.content.decode()
    assert not AuditEvent.objects.exists()


# --- Who may invite


def rules(world: World, persona: str = "owner", **values: object) -> bool:
    wanted = {"members_may_invite": False, "retention_days": None, **values}
    return change_rules(actor=actor_of(world.people[persona]), owner=world.acme.ref, now=NOW, **wanted)


@pytest.mark.parametrize("persona", ["admin", "member", "viewer"])
def test_smaller_roles_change_no_rules(world: World, persona: str) -> None:
    with pytest.raises(ForbiddenError):
        rules(world, persona, members_may_invite=True)


def test_each_change_is_on_record_by_its_name(world: World) -> None:
    assert rules(world, members_may_invite=True, retention_days=7)
    assert not rules(world, members_may_invite=True, retention_days=7)

    assert AuditEvent.objects.get().details == {"fields": ["members_may_invite", "retention_days"]}


def test_members_invite_members_and_viewers_when_they_may(world: World) -> None:
    address = {"addresses": "new@example.com", "step": "send"}
    assert world.client("member").post("/orgs/acme/members/invite/", {**address, "role": "member"}).status_code == 403

    rules(world, members_may_invite=True)

    client = world.client("member")
    assert "Invite people" in client.get("/orgs/acme/members/").content.decode()
    assert client.post("/orgs/acme/members/invite/", {**address, "role": "admin"}).status_code == 422
    sent = client.post("/orgs/acme/members/invite/", {**address, "role": "viewer"})
    assert sent.headers["Location"] == "/orgs/acme/members/invitations/"
    assert Invitation.objects.get().role == "viewer"
    assert world.client("viewer").get("/orgs/acme/members/invite/").status_code == 403


def test_member_cannot_replace_an_invitation_that_is_not_theirs_to_give(world: World) -> None:
    rules(world, members_may_invite=True)
    make_invitation(world.acme, by=world.admin, email="boss@example.com", role="admin")

    [line] = plan_invitations(
        actor=actor_of(world.member), owner=world.acme.ref, text="boss@example.com", role=Role.MEMBER, now=NOW
    )

    assert line.kind is LineKind.TAKEN
    assert not line.is_good


@pytest.mark.parametrize("open_to_members", [True, False])
def test_members_invitation_works_while_members_may_invite(world: World, open_to_members: bool) -> None:
    guest = make_user("guest")
    rules(world, members_may_invite=open_to_members)
    invitation, _ = make_invitation(world.acme, by=world.member, email=guest.email)

    def accept() -> None:
        accept_invitation(actor=actor_of(guest), user=guest, digest=invitation.digest, now=invitation.created_at)

    if open_to_members:
        accept()
        assert Membership.objects.get(user=guest).role == "member"
    else:
        with pytest.raises(ForbiddenError):
            accept()


def test_admin_who_becomes_a_member_keeps_the_invitations_that_members_may_send(world: World) -> None:
    rules(world, members_may_invite=True)
    place = make_membership(world.acme, make_user("second"), Role.ADMIN)
    kept, _ = make_invitation(world.acme, by=place.user, role="member")
    lost, _ = make_invitation(world.acme, by=place.user, role="admin")

    change_role(actor=actor_of(world.owner), owner=world.acme.ref, member_id=place.id, role=Role.MEMBER, now=NOW)

    kept.refresh_from_db()
    lost.refresh_from_db()
    assert (kept.revoked_at, lost.revoked_at) == (None, NOW)


# --- How long contents are kept


@pytest.mark.parametrize("days", [0, 31, 40_000])
def test_days_are_within_what_the_installation_keeps(world: World, days: int) -> None:
    with pytest.raises(DomainError, match="1 to 30 days"):
        rules(world, retention_days=days)


def test_sweep_forgets_sooner_where_an_organization_wants_that(world: World) -> None:
    tool = make_tool(make_toolkit())
    now = timezone.now()
    rules(world, retention_days=7)
    ended = {8: now - timedelta(days=8), 6: now - timedelta(days=6)}
    runs = {
        (holder.slug, days): make_finished_execution(tool, owner=holder, finished_at=moment)
        for holder in (world.acme, world.globex)
        for days, moment in ended.items()
    }

    sweep(force=True)

    for row in runs.values():
        row.refresh_from_db()
    assert [place for place, row in runs.items() if row.result is None] == [("acme", 8)]


def test_page_saves_the_rules_and_shows_mistakes_at_the_field(world: World) -> None:
    client, url = world.client("owner"), "/orgs/acme/settings/rules/"

    good = client.post(url, {"members_may_invite": "yes", "retention_days": "7"}, follow=True).content.decode()
    same = client.post(url, {"members_may_invite": "yes", "retention_days": "7"}, follow=True).content.decode()
    bad = client.post(url, {"members_may_invite": "no", "retention_days": "99"})
    worse = client.post(url, {"members_may_invite": "no", "retention_days": "soon"})

    assert "Saved. It holds from now on." in good
    assert "Nothing was changed" in same
    assert (bad.status_code, worse.status_code) == (422, 422)
    assert "Choose 1 to 30 days" in bad.content.decode()
    assert Organization.objects.get(slug="acme").retention_days == 7
    assert "Kept for 7 days" in world.client("viewer").get("/orgs/acme/settings/").content.decode()
