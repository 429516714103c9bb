"""An organization that requires two-factor sign-in: who is shut out, from what, and how they get in again."""

from datetime import timedelta

import pytest
from django.core import mail
from django.urls import reverse
from django.utils import timezone

from integrations.jobs.claim import claim_next
from integrations.jobs.execute import execute
from integrations.models import ConnectedAccount, Lane
from integrations.queries.explanations import explain_member
from orgs.errors import ConflictError, ForbiddenError
from orgs.models import AuditEvent, Membership, Notice, Organization
from orgs.permissions import Role
from orgs.queries.api_keys import actor_from_key
from orgs.queries.notices import count_unread
from orgs.queries.settings import members_without_factor
from orgs.services.members import leave_organization
from orgs.services.notices import send_due_notices
from orgs.services.settings import require_factor
from tests.factories import (
    NOW,
    actor_of,
    make_api_key,
    make_connected_account,
    make_execution,
    make_membership,
    make_notice,
    make_second_factor,
    make_tool,
    make_toolkit,
    make_user,
)
from tests.world import World

pytestmark = pytest.mark.django_db


@pytest.fixture
def strict(world: World) -> World:
    """Acme requires a second factor; its owner has one."""
    make_second_factor(world.owner)
    require_factor(actor=actor_of(world.owner), owner=world.acme.ref, is_required=True, now=NOW)
    return world


def switch(world: World, persona: str, *, on: bool) -> bool:
    return require_factor(actor=actor_of(world.people[persona]), owner=world.acme.ref, is_required=on, now=NOW)


def test_owner_without_a_factor_cannot_require_one(world: World) -> None:
    with pytest.raises(ConflictError, match="for yourself first"):
        switch(world, "owner", on=True)

    assert not Organization.objects.get(slug="acme").requires_factor


@pytest.mark.parametrize("persona", ["admin", "member", "viewer"])
def test_smaller_roles_cannot_require_one(world: World, persona: str) -> None:
    make_second_factor(world.people[persona])

    with pytest.raises(ForbiddenError):
        switch(world, persona, on=True)


def test_switching_leaves_one_record_and_none_when_nothing_changes(strict: World) -> None:
    assert not switch(strict, "owner", on=True)
    assert switch(strict, "owner", on=False)
    assert not switch(strict, "owner", on=False)

    events = AuditEvent.objects.filter(action="organization.factor").order_by("id")
    assert [event.details for event in events] == [{"is_enabled": True}, {"is_enabled": False}]


@pytest.mark.parametrize("kind", ["totp", "webauthn"])
def test_each_kind_of_second_factor_opens_the_door(strict: World, kind: str) -> None:
    client = strict.client("member")
    assert client.get("/orgs/acme/").status_code == 403

    make_second_factor(strict.member, kind)

    assert client.get("/orgs/acme/").status_code == 200


def test_recovery_codes_alone_are_no_second_factor(strict: World) -> None:
    make_second_factor(strict.member, "recovery_codes")

    assert strict.client("member").get("/orgs/acme/").status_code == 403


def test_page_says_what_to_do_and_leads_there(strict: World) -> None:
    page = strict.client("member").get("/orgs/acme/connections/").content.decode()

    assert "Acme requires two-factor sign-in" in page
    assert 'href="/accounts/2fa/"' in page
    assert strict.client("owner").get("/orgs/acme/connections/").status_code == 200


def test_denial_is_on_record(strict: World) -> None:
    strict.client("member").get("/orgs/acme/")

    event = AuditEvent.objects.get(result="denied")
    assert (event.code, event.owner_id) == ("mfa_required", strict.acme.ref.text_id)


def test_nothing_of_the_organization_shows_elsewhere(strict: World) -> None:
    account = make_connected_account(make_toolkit(), owner=strict.acme, identity_label="acme-bot")

    assert not ConnectedAccount.objects.visible_to(actor_of(strict.member)).exists()
    assert ConnectedAccount.objects.visible_to(actor_of(strict.owner)).get() == account
    assert "acme-bot" not in strict.client("member").get("/me/").content.decode()
    assert "acme-bot" in strict.client("owner").get("/me/").content.decode()


def factor_notices(world: World) -> set[str]:
    return {one.user.username for one in Notice.objects.filter(kind="factor", read_at=None).select_related("user")}


def test_members_without_one_are_told_what_happens_and_where_to_set_it_up(world: World) -> None:
    make_second_factor(world.owner)
    make_second_factor(world.viewer)

    switch(world, "owner", on=True)
    switch(world, "owner", on=True)

    assert factor_notices(world) == {"admin_of_acme", "mia"}
    assert send_due_notices(actor=None, now=NOW) == 2
    letter = next(one for one in mail.outbox if one.to == [world.member.email])
    assert letter.subject == "Switchboard: Acme requires two-factor sign-in"
    assert "no personal API key" in str(letter.body)
    assert "/accounts/2fa/" in str(letter.body)


def test_no_longer_requiring_one_settles_the_notices_of_that_organization(strict: World) -> None:
    path = reverse("mfa_index")
    make_notice(strict.outsider, kind="factor", organization=strict.globex, path=path, title="Globex requires it")
    assert "mia" in factor_notices(strict)

    switch(strict, "owner", on=False)

    assert factor_notices(strict) == {"olga"}
    assert send_due_notices(actor=None, now=NOW) == 0


def test_whoever_is_shut_out_reads_of_the_organization_that_it_needs_a_second_factor_alone(strict: World) -> None:
    for who in (strict.member, strict.owner):
        make_notice(who, organization=strict.acme, title="Merger talks: request denied", mail_due_at=NOW)
        make_notice(who, title="Your own GitHub must be reconnected")
    secret = Notice.objects.get(user=strict.member, title__startswith="Merger")

    page = strict.client("member").get("/notices/").content.decode()
    assert "Merger" not in page
    assert "Acme requires two-factor sign-in" in page
    assert "Your own GitHub" in page
    assert "Some notices wait for your second factor" in page
    assert count_unread(actor=actor_of(strict.member)) == 2
    assert strict.client("member").post(f"/notices/{secret.text_id}/").status_code == 404

    theirs = strict.client("owner").get("/notices/").content.decode()
    assert "Merger" in theirs
    assert "wait for your second factor" not in theirs

    send_due_notices(actor=None, now=NOW)
    assert [one.to for one in mail.outbox if "Merger" in one.subject] == [[strict.owner.email]]


def test_setting_one_up_shows_the_notices_again(strict: World) -> None:
    make_notice(strict.member, organization=strict.acme, title="Merger talks: request denied", mail_due_at=NOW)

    make_second_factor(strict.member)

    assert "Merger" in strict.client("member").get("/notices/").content.decode()
    send_due_notices(actor=None, now=NOW)
    assert any("Merger" in one.subject for one in mail.outbox)


def test_a_factor_notice_goes_with_the_membership(strict: World) -> None:
    assert count_unread(actor=actor_of(strict.member)) == 1

    Membership.objects.filter(user=strict.member).update(status="left")

    assert count_unread(actor=actor_of(strict.member)) == 0


def test_stranger_does_not_learn_that_it_is_required(strict: World) -> None:
    assert strict.client("outsider").get("/orgs/acme/").status_code == 404


def test_worker_asks_again(world: World) -> None:
    toolkit = make_toolkit()
    account = make_connected_account(toolkit, owner=world.acme)
    later = timezone.now() + timedelta(hours=1)
    run = {"user": world.member, "connected_account": account, "expires_at": later}
    row = make_execution(make_tool(toolkit), owner=world.acme, **run)
    Lane.objects.create(owner=row.owner, last_served_at=NOW)
    make_second_factor(world.owner)
    switch(world, "owner", on=True)

    claim = claim_next()
    assert claim is not None
    execute(claim)

    row.refresh_from_db()
    assert (row.status, row.error_code, row.sent_at) == ("denied", "mfa_required", None)


def test_personal_key_is_shut_out_with_its_user_and_the_organizations_own_is_not(strict: World) -> None:
    _, personal = make_api_key(strict.member)
    _, shared = make_api_key(strict.acme)

    assert actor_from_key(secret=personal, now=NOW).lacks_factor == {strict.acme.id}
    assert actor_from_key(secret=shared, now=NOW).lacks_factor == frozenset()


def test_admin_sees_why_a_member_cannot(strict: World) -> None:
    tool = make_tool(make_toolkit())
    make_second_factor(strict.admin)

    found = explain_member(
        actor=actor_of(strict.admin), owner=strict.acme.ref, user_id=strict.member.id, tool=tool.slug
    )

    assert found.decision.code == "mfa_required"
    assert "mia has not set it up" in found.decision.message


def test_rights_are_asked_again_under_the_lock(world: World) -> None:
    """Whoever loaded a page before it was required cannot go on with it."""
    second = make_user("second")
    make_membership(world.acme, second, Role.OWNER)
    before = actor_of(second)
    make_second_factor(world.owner)
    switch(world, "owner", on=True)

    with pytest.raises(ForbiddenError, match="two-factor"):
        require_factor(actor=before, owner=world.acme.ref, is_required=False, now=NOW)

    make_second_factor(second)
    assert require_factor(actor=before, owner=world.acme.ref, is_required=False, now=NOW)


def test_who_is_shut_out_can_still_leave(strict: World) -> None:
    leave_organization(actor=actor_of(strict.member), owner=strict.acme.ref, now=NOW)

    assert Membership.objects.get(user=strict.member).status == "left"


def test_the_refusal_leads_to_the_way_out_which_shows_nothing_of_the_organization(strict: World) -> None:
    account = make_connected_account(make_toolkit(), owner=strict.acme, identity_label="acme-bot")
    ConnectedAccount.objects.owned_by(strict.acme.ref).update(connected_by=strict.admin)
    shut_out, browser = "/orgs/acme/members/leave/", strict.client("admin")

    assert f'href="{shut_out}"' in browser.get("/orgs/acme/").content.decode()
    page = browser.get(shut_out)
    assert page.status_code == 200
    assert not [one for one in ("acme-bot", "owner_of_acme", "mia") if one in page.content.decode()]
    assert Membership.objects.get(user=strict.admin).status == "active"

    assert browser.post(shut_out).headers["Location"] == "/"
    assert Membership.objects.get(user=strict.admin).status == "left"
    account.refresh_from_db()
    assert account.successor == strict.owner
    assert browser.get(shut_out).status_code == 404
    assert strict.client("outsider").get(shut_out).status_code == 404


def test_an_only_owner_who_is_shut_out_stays(strict: World) -> None:
    strict.owner.authenticator_set.all().delete()
    page, browser = "/orgs/acme/members/leave/", strict.client("owner")

    assert "Acme needs an active owner" in browser.get(page).content.decode()
    assert browser.post(page).status_code == 409
    assert Membership.objects.get(user=strict.owner).status == "active"


def test_whoever_has_a_factor_sees_first_what_leaving_touches(strict: World) -> None:
    make_second_factor(strict.member)

    page = strict.client("member").get("/orgs/acme/members/leave/").content.decode()

    assert "What happens" in page
    assert "set up two-factor sign-in" not in page


def test_preview_names_those_whom_it_shuts_out(world: World) -> None:
    make_second_factor(world.owner)

    page = world.client("owner").get("/orgs/acme/settings/two-factor/").content.decode()

    shut_out = members_without_factor(actor=actor_of(world.owner), owner=world.acme.ref)
    assert [one.user.username for one in shut_out] == ["admin_of_acme", "mia", "vera"]
    assert "<strong>3</strong> members have no second factor" in page
    assert "admin_of_acme" in page


def test_owner_without_a_factor_is_told_to_set_one_up(world: World) -> None:
    page = world.client("owner").get("/orgs/acme/settings/two-factor/").content.decode()

    assert "You have no second factor yourself" in page
    response = world.client("owner").post("/orgs/acme/settings/two-factor/", {"required": "on"}, follow=True)
    assert "Set up two-factor sign-in for yourself first" in response.content.decode()


def test_owner_switches_it_on_and_off_on_the_page(world: World) -> None:
    make_second_factor(world.owner)
    client = world.client("owner")

    on = client.post("/orgs/acme/settings/two-factor/", {"required": "on"}, follow=True).content.decode()
    assert "Acme requires two-factor sign-in from the next request" in on
    assert "No longer require two-factor sign-in?" in client.get("/orgs/acme/settings/two-factor/").content.decode()
    off = client.post("/orgs/acme/settings/two-factor/", follow=True).content.decode()
    assert "Acme no longer requires two-factor sign-in" in off


def test_members_page_shows_admins_who_has_a_factor_and_nobody_else(world: World) -> None:
    make_second_factor(world.owner)

    assert "Two-factor</th>" in world.client("admin").get("/orgs/acme/members/").content.decode()
    assert "Two-factor</th>" not in world.client("member").get("/orgs/acme/members/").content.decode()
