"""Roles, suspension, removal, leaving: who may, what it means from the next request on (checks T15, T19-T21, T24)."""

import re
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from accounts.models import User
from orgs.errors import ConflictError, DomainError, ForbiddenError, NotFoundError
from orgs.models import ApiKey, AuditEvent, Invitation, Membership
from orgs.permissions import Actor, Permission, Role, Scope, can
from orgs.queries.actors import actor_for_key
from orgs.queries.api_keys import actor_from_key
from orgs.services.members import (
    change_role,
    leave_organization,
    leave_with_account,
    lift_suspension,
    remove_member,
    suspend_member,
)
from tests.factories import NOW, actor_of, make_api_key, make_invitation, make_membership, make_user
from tests.world import World

pytestmark = pytest.mark.django_db
LATER = NOW + timedelta(days=1)


def place(user: User) -> Membership:
    return Membership.objects.get(user=user)


def standing(user: User) -> tuple[str, str]:
    row = place(user)
    return row.role, row.status


def set_role(world: World, persona: str, target: str, role: Role) -> None:
    change_role(
        actor=actor_of(world.people[persona]),
        owner=world.acme.ref,
        member_id=place(world.people[target]).id,
        role=role,
        now=NOW,
    )


def do(change: Callable[..., Any], world: World, persona: str, target: str) -> None:
    values: dict[str, Any] = {"actor": actor_of(world.people[persona]), "owner": world.acme.ref, "now": NOW}
    change(member_id=place(world.people[target]).id, **values)


# --- Roles


@pytest.mark.parametrize(
    ("persona", "target", "role"),
    [
        ("admin", "member", Role.ADMIN),
        ("admin", "viewer", Role.MEMBER),
        ("admin", "admin", Role.MEMBER),  # oneself, downwards
        ("owner", "admin", Role.OWNER),
        ("owner", "member", Role.VIEWER),
    ],
)
def test_role_is_changed_by_those_who_may(world: World, persona: str, target: str, role: Role) -> None:
    set_role(world, persona, target, role)

    assert standing(world.people[target]) == (role.value, "active")


@pytest.mark.parametrize(
    ("persona", "target", "role"),
    [
        ("admin", "admin", Role.OWNER),  # oneself, upwards
        ("admin", "member", Role.OWNER),
        ("admin", "owner", Role.ADMIN),
        ("admin", "owner", Role.OWNER),
        ("member", "member", Role.ADMIN),
        ("viewer", "viewer", Role.MEMBER),
    ],
)
def test_nobody_hands_out_or_takes_a_role_above_their_own(world: World, persona: str, target: str, role: Role) -> None:
    before = standing(world.people[target])

    with pytest.raises(ForbiddenError):
        set_role(world, persona, target, role)

    assert standing(world.people[target]) == before


def test_strangers_and_members_of_elsewhere_are_not_found(world: World) -> None:
    for persona in ("outsider", "staff"):
        with pytest.raises(NotFoundError):
            set_role(world, persona, "member", Role.VIEWER)
    with pytest.raises(NotFoundError):
        set_role(world, "owner", "outsider", Role.VIEWER)
    with pytest.raises(NotFoundError):
        set_role(world, "owner", "ex_member", Role.VIEWER)


def test_owner_who_was_demoted_a_moment_ago_changes_nothing(world: World) -> None:
    make_membership(world.acme, second := make_user(), Role.OWNER)
    actor = actor_of(world.owner)
    Membership.objects.filter(user=world.owner).update(role="member")

    with pytest.raises(ForbiddenError):
        change_role(actor=actor, owner=world.acme.ref, member_id=place(second).id, role=Role.VIEWER, now=NOW)


def test_owner_who_was_removed_a_moment_ago_finds_nothing(world: World) -> None:
    actor = actor_of(world.owner)
    Membership.objects.filter(user=world.owner).update(status="left")

    with pytest.raises(NotFoundError):
        change_role(actor=actor, owner=world.acme.ref, member_id=place(world.member).id, role=Role.VIEWER, now=NOW)


# --- The last active owner


def last_owner_attempts(world: World) -> dict[str, Callable[[], object]]:
    mine = {"actor": actor_of(world.owner), "owner": world.acme.ref}
    row = place(world.owner)
    return {
        "demote": lambda: change_role(**mine, member_id=row.id, role=Role.ADMIN, now=NOW),
        "leave": lambda: leave_organization(**mine, now=NOW),
        "remove": lambda: remove_member(**mine, member_id=row.id, now=NOW),
        "suspend": lambda: suspend_member(**mine, member_id=row.id, now=NOW),
    }


@pytest.mark.parametrize("what", ["demote", "leave", "remove", "suspend"])
def test_last_owner_stays(world: World, what: str) -> None:
    with pytest.raises(ConflictError):
        last_owner_attempts(world)[what]()

    assert standing(world.owner) == ("owner", "active")


@pytest.mark.parametrize("status", ["suspended", "left"])
def test_owner_who_is_not_active_does_not_count(world: World, status: str) -> None:
    make_membership(world.acme, make_user(), Role.OWNER, status=status)
    make_membership(world.acme, make_user(is_active=False), Role.OWNER)

    with pytest.raises(ConflictError, match="only active owner"):
        last_owner_attempts(world)["leave"]()


@pytest.mark.parametrize("what", ["demote", "leave"])
def test_owner_beside_another_one_may_go(world: World, what: str) -> None:
    make_membership(world.acme, make_user(), Role.OWNER)

    last_owner_attempts(world)[what]()

    assert standing(world.owner) != ("owner", "active")


def test_suspended_owner_is_removed_by_the_other(world: World) -> None:
    make_membership(world.acme, second := make_user("second"), Role.OWNER, status="suspended")

    remove_member(actor=actor_of(world.owner), owner=world.acme.ref, member_id=place(second).id, now=NOW)

    assert standing(second) == ("owner", "left")


# --- Suspend, lift, remove


@pytest.mark.parametrize("change", [suspend_member, remove_member])
@pytest.mark.parametrize("target", ["member", "viewer"])
def test_admin_suspends_and_removes(world: World, change: Callable[..., Any], target: str) -> None:
    do(change, world, "admin", target)

    assert standing(world.people[target])[1] in {"suspended", "left"}


@pytest.mark.parametrize("change", [suspend_member, lift_suspension, remove_member])
@pytest.mark.parametrize(("persona", "target"), [("admin", "owner"), ("member", "viewer"), ("viewer", "member")])
def test_smaller_roles_change_nobody(world: World, change: Callable[..., Any], persona: str, target: str) -> None:
    before = standing(world.people[target])

    with pytest.raises(ForbiddenError):
        do(change, world, persona, target)

    assert standing(world.people[target]) == before


@pytest.mark.parametrize("change", [suspend_member, remove_member])
def test_nobody_suspends_or_removes_themself(world: World, change: Callable[..., Any]) -> None:
    with pytest.raises(ConflictError, match="You can leave"):
        do(change, world, "admin", "admin")


def test_suspension_is_lifted_by_an_admin(world: World) -> None:
    do(suspend_member, world, "admin", "member")
    with pytest.raises(ConflictError, match="suspended already"):
        do(suspend_member, world, "admin", "member")
    do(lift_suspension, world, "admin", "member")

    assert standing(world.member) == ("member", "active")
    with pytest.raises(ConflictError, match="active already"):
        do(lift_suspension, world, "admin", "member")


def test_suspended_member_cannot_leave_or_lift_it_themself(world: World) -> None:
    Membership.objects.filter(user=world.admin).update(status="suspended")

    with pytest.raises(NotFoundError):
        leave_organization(actor=actor_of(world.admin), owner=world.acme.ref, now=NOW)
    with pytest.raises(NotFoundError):
        do(lift_suspension, world, "admin", "admin")


def test_organization_key_cannot_leave(world: World) -> None:
    _key, secret = make_api_key(world.acme)

    with pytest.raises(ForbiddenError, match="Only a person"):
        leave_organization(actor=actor_from_key(secret=secret, now=NOW), owner=world.acme.ref, now=NOW)


def test_organization_key_changes_no_member(world: World) -> None:
    _key, secret = make_api_key(world.acme)
    actor = actor_from_key(secret=secret, now=NOW)

    with pytest.raises(ForbiddenError):
        suspend_member(actor=actor, owner=world.acme.ref, member_id=place(world.member).id, now=NOW)


# --- From the next request on


def test_new_role_counts_on_the_next_request_of_an_open_session(world: World) -> None:
    client = world.client("viewer")
    assert client.get("/orgs/acme/members/invite/").status_code == 403

    set_role(world, "owner", "viewer", Role.ADMIN)
    assert client.get("/orgs/acme/members/invite/").status_code == 200

    set_role(world, "owner", "viewer", Role.MEMBER)
    assert client.get("/orgs/acme/members/invite/").status_code == 403


@pytest.mark.parametrize("change", [suspend_member, remove_member])
def test_open_session_is_out_on_the_next_request(world: World, change: Callable[..., Any]) -> None:
    client = world.client("member")
    assert client.get("/orgs/acme/members/").status_code == 200

    do(change, world, "admin", "member")

    assert client.get("/orgs/acme/members/").status_code == 404
    assert client.get("/me/").status_code == 200


def bound_key(world: World) -> Callable[[], Actor]:
    key, secret = make_api_key(world.member, *Scope)
    ApiKey.objects.filter(id=key.id).update(organization=world.acme)
    return lambda: actor_from_key(secret=secret, now=LATER)


def acts(actor: Actor, world: World) -> bool:
    return can(actor, Permission.TOOLS_EXECUTE, world.acme.ref)


def test_key_follows_the_role_at_once(world: World) -> None:
    acting = bound_key(world)
    assert acts(acting(), world)

    set_role(world, "admin", "member", Role.VIEWER)

    assert not acts(acting(), world)


@pytest.mark.parametrize("how", ["removed", "left"])
def test_coming_back_does_not_revive_keys_that_were_bound_to_the_organization(world: World, how: str) -> None:
    acting = bound_key(world)
    free, secret = make_api_key(world.member, *Scope)
    if how == "removed":
        do(remove_member, world, "admin", "member")
    else:
        leave_organization(actor=actor_of(world.member), owner=world.acme.ref, now=NOW)
    assert not acts(acting(), world)

    Membership.objects.filter(user=world.member).update(status="active", joined_at=LATER)

    assert not acts(acting(), world)
    assert acts(actor_from_key(secret=secret, now=LATER), world)  # their own, which acts wherever they belong
    free.refresh_from_db()
    assert free.revoked_at is None


def test_lifted_suspension_leaves_keys_as_they_were(world: World) -> None:
    acting = bound_key(world)
    do(suspend_member, world, "admin", "member")
    assert not acts(acting(), world)

    do(lift_suspension, world, "admin", "member")

    assert acts(acting(), world)


def test_leaving_one_organization_keeps_the_other(world: World) -> None:
    make_membership(world.globex, world.member)

    leave_organization(actor=actor_of(world.member), owner=world.acme.ref, now=NOW)

    assert [owner.slug for owner in actor_of(world.member).reach() if owner.is_organization] == ["globex"]


# --- The pages


def url(world: World, target: str, what: str) -> str:
    return f"/orgs/acme/members/{place(world.people[target]).text_id}/{what}/"


def test_role_page_shows_what_changes_before_it_is_done(world: World) -> None:
    client = world.client("admin")

    page = client.get(url(world, "member", "role"), {"role": "viewer"}).content.decode()
    assert "Member becomes viewer" in page
    assert "Run tools as the organization" in page
    assert standing(world.member)[0] == "member"

    done = client.post(url(world, "member", "role"), {"role": "viewer"}, follow=True).content.decode()
    assert "mia now has the role viewer" in done
    assert standing(world.member)[0] == "viewer"


def test_the_same_role_again_leaves_no_record_and_says_so(world: World) -> None:
    address = url(world, "member", "role")
    records = AuditEvent.objects.filter(action="member.role")
    client = world.client("admin")

    page = client.post(address, {"role": "member"}, follow=True).content.decode()

    assert "Nothing was changed: mia has the role member already." in page
    assert not records.exists()
    assert "mia now has the role viewer" in client.post(address, {"role": "viewer"}, follow=True).content.decode()
    assert [one.details["after"] for one in records] == ["viewer"]


def test_role_page_without_a_choice_asks_for_one(world: World) -> None:
    assert "has the role member now" in world.client("admin").get(url(world, "member", "role")).content.decode()


def test_role_page_refuses_an_unknown_role(world: World) -> None:
    client = world.client("admin")

    assert client.get(url(world, "member", "role"), {"role": "king"}).status_code == 422
    assert client.post(url(world, "member", "role"), {"role": "king"}).status_code == 422


def test_admin_who_posts_the_role_owner_is_refused(world: World) -> None:
    refused = world.client("admin").post(url(world, "admin", "role"), {"role": "owner"})

    assert refused.status_code == 403
    assert standing(world.admin)[0] == "admin"
    assert world.client("owner").post(url(world, "admin", "role"), {"role": "owner"}).status_code == 302


def test_pages_say_why_the_last_owner_has_to_stay(world: World) -> None:
    client = world.client("owner")
    pages = ["/orgs/acme/members/leave/", url(world, "owner", "role") + "?role=admin"]

    for page in pages:
        assert "needs an active owner. Make somebody else an owner first." in client.get(page).content.decode()

    make_membership(world.acme, make_user(), Role.OWNER)
    for page in pages:
        assert "needs an active owner" not in client.get(page).content.decode()


@pytest.mark.parametrize(
    ("what", "said"),
    [
        ("suspend", "mia is suspended"),
        ("remove", "mia no longer belongs to Acme"),
    ],
)
def test_page_asks_first_and_then_does_it(world: World, what: str, said: str) -> None:
    client = world.client("admin")

    assert "What happens" in client.get(url(world, "member", what)).content.decode()
    assert standing(world.member)[1] == "active"
    assert said in client.post(url(world, "member", what), follow=True).content.decode()


def test_page_lifts_a_suspension(world: World) -> None:
    Membership.objects.filter(user=world.member).update(status="suspended")
    client = world.client("admin")

    assert "Lift suspension" in client.get("/orgs/acme/members/").content.decode()
    page = client.post(url(world, "member", "lift"), follow=True).content.decode()

    assert "mia is active again, with the role member" in page


def test_page_of_leaving_leads_home(world: World) -> None:
    client = world.client("member")

    page = client.post("/orgs/acme/members/leave/", follow=True)

    assert "You have left Acme" in page.content.decode()
    assert standing(world.member)[1] == "left"


def test_members_page_shows_controls_to_those_who_may_and_the_reason_to_the_others(world: World) -> None:
    mine = world.client("admin").get("/orgs/acme/members/").content.decode()
    theirs = world.client("viewer").get("/orgs/acme/members/").content.decode()

    assert f'href="{url(world, "member", "remove")}"' in mine
    assert "Remove owner_of_acme. Not available: Only an owner can change an owner." in mine
    assert "Invitations" in mine
    assert "/remove/" not in theirs
    assert "Remove mia. Not available: This needs the role owner or admin." in theirs
    assert 'href="/orgs/acme/members/invite/"' not in theirs
    assert 'href="/orgs/acme/members/leave/"' in theirs


def test_members_page_shows_no_addresses_to_members(world: World) -> None:
    page = world.client("member").get("/orgs/acme/members/").content.decode()

    assert set(re.findall(r"\w+@example\.com", page)) == {"mia@example.com"}  # their own, in the frame


def test_everything_that_is_refused_says_why(world: World) -> None:
    with pytest.raises(DomainError) as refused:
        do(remove_member, world, "admin", "owner")

    assert "Ask one of them" in refused.value.message


def test_what_others_ended_at_the_same_moment_is_not_ended_twice(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """A key and an invitation that were read as live, and ended by somebody else before they were written."""
    key, _text = make_api_key(world.member)
    invitation, _token = make_invitation(world.acme, by=world.admin)
    monkeypatch.setattr("orgs.services.members.keys_that_end", lambda **_: [key])
    monkeypatch.setattr("orgs.services.lost_invitations.invitations_that_end", lambda **_: [invitation])
    ApiKey.objects.filter(id=key.id).update(revoked_at=LATER)
    Invitation.objects.filter(id=invitation.id).update(accepted_at=LATER)

    do(remove_member, world, "admin", "member")

    key.refresh_from_db()
    invitation.refresh_from_db()
    assert (key.revoked_at, invitation.revoked_at) == (LATER, None)
    assert not AuditEvent.objects.filter(action__in=["api_key.revoke", "invitation.revoke"]).exists()
    assert AuditEvent.objects.filter(action="member.remove").exists()


def test_a_suspension_keeps_nobody_from_deleting_their_account(world: World) -> None:
    do(suspend_member, world, "admin", "member")

    leave_with_account(actor=stand_in(world.member, world), owner=world.acme.ref, now=NOW)

    assert standing(world.member) == ("member", "left")
    for refused, error in ((world.member, NotFoundError), (world.outsider, NotFoundError)):
        with pytest.raises(error):
            leave_with_account(actor=stand_in(refused, world), owner=world.acme.ref, now=NOW)
    key, _text = make_api_key(world.acme)
    with pytest.raises(ForbiddenError):
        leave_with_account(actor=actor_for_key(key, is_live=True), owner=world.acme.ref, now=NOW)


def stand_in(user: User, world: World) -> Actor:
    """Somebody who can read what hangs on them."""
    return replace(actor_of(user), roles={world.acme.id: Role.VIEWER}, organizations={world.acme.id: world.acme.ref})
