"""Somebody leaves: what they connected for the organization survives, what was theirs alone in it ends (T21-T24)."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from accounts.models import User
from integrations.jobs import execute
from integrations.models import ConnectedAccount, Policy, Toolkit
from integrations.services import leaving
from integrations.services.connections.handover import tell_successor
from integrations.services.leaving import Parted
from orgs.errors import ConflictError, DomainError, ForbiddenError, NotFoundError
from orgs.models import ApiKey, AuditEvent, Invitation, Membership, Notice
from orgs.permissions import Role, Scope
from tests.factories import (
    actor_of,
    make_api_key,
    make_auth_config,
    make_connected_account,
    make_connection_request,
    make_consent_request,
    make_execution,
    make_invitation,
    make_membership,
    make_session,
    make_tool,
    make_toolkit,
    make_user,
    owner_row,
)
from tests.integrations.desk import Desk, reread
from tests.integrations.engine.servers import answer
from tests.world import World

pytestmark = pytest.mark.django_db
Desks = Callable[..., Desk]
THING = b'{"name": "thing"}'


@pytest.fixture
def dana(world: World) -> User:
    """An admin of Acme who connected things, and leaves."""
    user = make_user("dana", name="Dana")
    make_membership(world.acme, user, Role.ADMIN)
    return user


@pytest.fixture
def toolkit(db: None) -> Toolkit:
    return make_toolkit("slack", name="Slack")


def remove(world: World, user: User, *, by: str = "admin", **values: Any) -> Parted:
    place = Membership.objects.get(organization=world.acme, user=user)
    who: dict[str, Any] = {"actor": actor_of(world.people[by]), "owner": world.acme.ref, "member_id": place.id}
    return leaving.remove_from_organization(**who, now=timezone.now(), **values)


def go(world: World, user: User, **values: Any) -> Parted:
    return leaving.leave(actor=actor_of(user), owner=world.acme.ref, now=timezone.now(), **values)


def fresh(account: ConnectedAccount) -> ConnectedAccount:
    found: ConnectedAccount = ConnectedAccount.objects.unscoped("a test looks").get(id=account.id)
    return found


def actions_of(world: World) -> list[str]:
    return list(AuditEvent.objects.of_owner(world.acme.ref).order_by("id").values_list("action", flat=True))


# --- Connections survive


def test_an_account_of_the_organization_stays_with_its_credentials_and_waits_for_consent(
    world: World, dana: User, toolkit: Toolkit
) -> None:
    account = make_connected_account(toolkit, owner=world.acme, connected_by=dana, is_default=True)
    sealed = account.credentials

    parted = remove(world, dana)

    after = fresh(account)
    assert [one.id for one in parted.handed_over] == [account.id]
    assert (after.status, after.is_default, after.successor, after.connected_by) == (
        "needs_attention",
        True,
        world.admin,
        dana,
    )
    assert after.credentials.text == sealed.text
    assert after.handover == "Granted by Dana, who left; admin_of_acme should consent anew."


@pytest.mark.parametrize("status", ["paused", "expired", "failed"])
def test_an_account_that_does_not_work_keeps_its_state(world: World, dana: User, toolkit: Toolkit, status: str) -> None:
    account = make_connected_account(toolkit, owner=world.acme, connected_by=dana, status=status)

    remove(world, dana)

    assert (fresh(account).status, fresh(account).successor) == (status, world.admin)


def test_accounts_of_others_and_disconnected_ones_are_left_alone(world: World, dana: User, toolkit: Toolkit) -> None:
    theirs = make_connected_account(toolkit, owner=world.acme, connected_by=world.owner)
    gone = make_connected_account(toolkit, owner=world.acme, connected_by=dana, status="revoked", identity_key="2")
    elsewhere = make_connected_account(toolkit, owner=world.globex, connected_by=dana)
    own = make_connected_account(toolkit, owner=dana, connected_by=dana)

    assert remove(world, dana).handed_over == []

    assert {fresh(one).handed_over_at for one in (theirs, gone, elsewhere, own)} == {None}
    assert fresh(own).status == "active"  # theirs, under their own user ID (check T23)


def test_each_account_gets_the_successor_that_was_chosen(world: World, dana: User, toolkit: Toolkit) -> None:
    one, other = (
        make_connected_account(toolkit, owner=world.acme, connected_by=dana, identity_key=key) for key in "12"
    )

    remove(world, dana, successors={one.id: world.owner.id})

    assert (fresh(one).successor, fresh(other).successor) == (world.owner, world.admin)


@pytest.mark.parametrize("who", ["member", "viewer", "outsider", "ex_member", "dana"])
def test_only_somebody_who_manages_connections_can_be_the_successor(
    world: World, dana: User, toolkit: Toolkit, who: str
) -> None:
    account = make_connected_account(toolkit, owner=world.acme, connected_by=dana)
    chosen = dana if who == "dana" else world.people[who]

    with pytest.raises(DomainError, match="Choose another person"):
        remove(world, dana, successors={account.id: chosen.id})

    assert fresh(account).handed_over_at is None
    assert Membership.objects.get(user=dana).status == "active"  # nothing is done by half


def test_whoever_was_to_consent_anew_and_leaves_too_gets_a_successor(
    world: World, dana: User, toolkit: Toolkit
) -> None:
    account = make_connected_account(toolkit, owner=world.acme, connected_by=dana)
    remove(world, dana)
    since = fresh(account).handed_over_at

    remove(world, world.admin, by="owner")

    after = fresh(account)
    assert (after.successor, after.connected_by, after.handed_over_at) == (world.owner, dana, since)


def test_without_anybody_who_could_consent_it_waits_for_an_admin(world: World, toolkit: Toolkit) -> None:
    account = make_connected_account(toolkit, owner=world.acme, connected_by=world.member)
    Membership.objects.filter(organization=world.acme).exclude(user=world.member).update(status="suspended")

    go(world, world.member)

    assert fresh(account).successor is None
    assert fresh(account).handover == "Granted by mia, who left; an admin should consent anew."


def test_leaving_hands_over_to_the_first_owner(world: World, dana: User, toolkit: Toolkit) -> None:
    account = make_connected_account(toolkit, owner=world.acme, connected_by=dana)

    go(world, dana)

    assert fresh(account).successor == world.owner
    assert Membership.objects.get(user=dana).status == "left"


def test_runs_go_on_through_an_account_that_was_handed_over(acme_desk_of: Desks, world: World, dana: User) -> None:
    desk = acme_desk_of(answer(THING))
    ConnectedAccount.objects.unscoped("a test").filter(id=desk.account.id).update(connected_by=dana)
    remove(world, dana)

    desk.queue()

    assert desk.work().status == "succeeded"


# --- Runs


@pytest.mark.parametrize("how", ["removed", "left"])
def test_waiting_runs_are_cancelled_at_once_with_the_reason(acme_desk_of: Desks, world: World, how: str) -> None:
    desk = acme_desk_of()
    rows = [desk.queue(), desk.queue(status="waiting_for_approval"), desk.queue(api_key=make_api_key(world.member)[0])]

    parted = remove(world, world.member) if how == "removed" else go(world, world.member)

    ended = [reread(row.id) for row in rows]
    assert parted.cancelled_runs == 3
    assert {(row.status, row.error_code) for row in ended} == {("cancelled", "membership_ended")}
    assert {row.error_message for row in ended} == {"The membership ended before this run could start."}
    assert all(row.finished_at for row in ended)
    assert desk.provider.requests == []


def test_a_run_that_a_worker_has_is_asked_to_end_unless_it_was_sent(acme_desk_of: Desks, world: World) -> None:
    desk = acme_desk_of()
    unsent, sent = desk.queue(status="running"), desk.queue(status="running", sent_at=timezone.now())

    parted = remove(world, world.member)

    assert (parted.cancelled_runs, parted.asked_to_end) == (0, 1)
    assert reread(unsent.id).cancel_requested_at
    assert reread(unsent.id).error_code == "membership_ended"
    assert reread(sent.id).cancel_requested_at is None


def test_a_claimed_run_of_a_removed_member_is_not_sent(acme_desk_of: Desks, world: World) -> None:
    desk = acme_desk_of(answer(THING))
    row = desk.queue()
    claim = desk.claim()
    remove(world, world.member)

    execute(claim)

    ended = reread(row.id)
    assert (ended.status, ended.error_code) == ("denied", "membership_ended")
    assert desk.provider.requests == []


def test_runs_of_others_and_their_own_elsewhere_go_on(acme_desk_of: Desks, world: World) -> None:
    desk = acme_desk_of()
    make_membership(world.globex, world.member)
    others = desk.queue(user=world.admin)
    tool = make_tool(make_toolkit("free", needs_account=False))
    own = make_execution(tool, owner=world.member)
    elsewhere = make_execution(tool, owner=world.globex, user=world.member)
    over = desk.queue(status="succeeded")

    assert remove(world, world.member).cancelled_runs == 0

    assert [reread(row.id).status for row in (others, own, elsewhere, over)] == [
        "queued",
        "queued",
        "queued",
        "succeeded",
    ]


def test_coming_back_revives_no_run(acme_desk_of: Desks, world: World) -> None:
    desk = acme_desk_of(answer(THING))
    row = desk.queue()
    remove(world, world.member)

    Membership.objects.filter(user=world.member).update(status="active", joined_at=timezone.now() + timedelta(1))

    assert reread(row.id).status == "cancelled"


# --- Begun connections


def test_begun_connections_for_the_organization_end_and_others_go_on(
    world: World, dana: User, toolkit: Toolkit
) -> None:
    config = make_auth_config(toolkit)
    begun = make_connection_request(config, owner=world.acme, user=dana)
    own = make_connection_request(config, owner=dana, user=dana)
    others = make_connection_request(config, owner=world.acme, user=world.admin)

    parted = remove(world, dana)

    for row in (begun, own, others):
        row.refresh_from_db()
    assert parted.ended_flows == 1
    assert (begun.status, begun.error_code, begun.code_verifier) == ("failed", "membership_ended", None)
    assert (own.status, others.status) == ("open", "open")


# --- Sessions, requests, grants


def test_their_sessions_end_and_those_of_others_go_on(world: World, dana: User, toolkit: Toolkit) -> None:
    theirs = make_session(toolkit, owner=world.acme, user=dana)
    others = make_session(toolkit, owner=world.acme, user=world.admin)
    own = make_session(toolkit, owner=dana)

    assert remove(world, dana).ended_sessions == 1

    for row in (theirs, others, own):
        row.refresh_from_db()
    assert (theirs.has_ended, others.has_ended, own.has_ended) == (True, False, False)


def test_what_they_asked_the_admins_for_is_taken_back(world: World, toolkit: Toolkit) -> None:
    alone = make_consent_request(toolkit, owner=world.acme, users=[world.member])
    account = make_connected_account(toolkit, owner=world.acme)
    shared = make_consent_request(
        toolkit, owner=world.acme, users=[world.member, world.viewer], connected_account=account
    )

    remove(world, world.member)

    for row in (alone, shared):
        row.refresh_from_db()
    assert (alone.status, shared.status) == ("withdrawn", "open")
    assert [one.user for one in shared.requesters.asking()] == [world.viewer]


def test_what_was_allowed_to_them_alone_ends_and_what_was_denied_stays(world: World, toolkit: Toolkit) -> None:
    common: dict[str, Any] = {"owner": owner_row(world.acme), "toolkit": toolkit, "created_at": timezone.now()}
    rows = Policy.objects.unscoped("a test makes rules")
    for effect, verdict in (("write", "allow"), ("destructive", "deny")):
        rows.create(**common, user=world.member, effect=effect, verdict=verdict)
    rows.create(**common, user=world.admin, effect="write", verdict="allow")

    remove(world, world.member)

    left = {(one.user, one.verdict) for one in rows.all()}
    assert left == {(world.member, "deny"), (world.admin, "allow")}
    assert "policy.end" in actions_of(world)


# --- Who is told


def told(user: User) -> list[tuple[str, str]]:
    return [(one.title, one.path) for one in Notice.objects.filter(user=user).order_by("id")]


def test_whoever_was_removed_can_read_it_afterwards(world: World) -> None:
    remove(world, world.member)

    [notice] = Notice.objects.of_user(world.member.id)
    assert (notice.title, notice.path) == ("You no longer belong to Acme", "/me/connections/")
    assert "What is connected under your own user ID stays yours." in notice.text
    assert notice.mail_due_at is not None


def test_the_successor_is_asked_and_whoever_acts_knows_already(world: World, dana: User, toolkit: Toolkit) -> None:
    one, other = (
        make_connected_account(toolkit, owner=world.acme, connected_by=dana, alias=name, identity_key=name)
        for name in ("Bot", "Robot")
    )

    remove(world, dana, successors={one.id: world.owner.id, other.id: world.admin.id})

    assert told(world.owner) == [("Consent anew to Slack: Bot", f"/orgs/acme/connections/{one.text_id}/")]
    assert told(world.admin) == []


def test_the_admins_hear_of_somebody_who_left(world: World, dana: User, toolkit: Toolkit) -> None:
    make_connected_account(toolkit, owner=world.acme, connected_by=dana)

    go(world, dana)
    go(world, world.member)

    heard = list(Notice.objects.filter(user=world.admin).order_by("id").values_list("title", "text"))
    assert heard == [
        ("Dana left Acme", "They connected 1 account, which somebody should consent to anew."),
        ("mia left Acme", "They connected nothing that is in use."),
    ]
    assert told(dana) == told(world.member) == []
    assert ("Consent anew to Slack: slack-identity" in [title for title, _path in told(world.owner)]) is True


# --- Records


def test_everything_that_ends_leaves_one_record(world: World, dana: User, toolkit: Toolkit) -> None:
    make_connected_account(toolkit, owner=world.acme, connected_by=dana)
    make_connection_request(make_auth_config(toolkit, name="other"), owner=world.acme, user=dana)
    make_execution(make_tool(toolkit), owner=world.acme, user=dana)
    key, _secret = make_api_key(dana, *Scope)
    ApiKey.objects.filter(id=key.id).update(organization=world.acme)

    remove(world, dana)

    assert actions_of(world) == [
        "api_key.revoke",
        "member.remove",
        "execution.cancel",
        "connection.discard",
        "connection.hand_over",
    ]
    event = AuditEvent.objects.get(action="connection.hand_over")
    assert event.details["successor"] == world.admin.text_id
    assert AuditEvent.objects.get(action="execution.cancel").details == {"reason": "membership_ended", "count": 1}


def test_removing_somebody_without_anything_leaves_one_record(world: World) -> None:
    remove(world, world.member)

    assert actions_of(world) == ["member.remove"]


# --- Who may


@pytest.mark.parametrize(
    ("by", "error"), [("member", ForbiddenError), ("viewer", ForbiddenError), ("outsider", NotFoundError)]
)
def test_others_remove_nobody(acme_desk_of: Desks, world: World, by: str, error: type[DomainError]) -> None:
    row = acme_desk_of().queue(user=world.admin)

    with pytest.raises(error):
        remove(world, world.admin, by=by)

    assert reread(row.id).status == "queued"


def test_the_last_owner_stays_and_nothing_of_theirs_ends(acme_desk_of: Desks, world: World) -> None:
    row = acme_desk_of().queue(user=world.owner)

    with pytest.raises(ConflictError):
        go(world, world.owner)

    assert reread(row.id).status == "queued"


# --- At the very same moment


def test_what_others_ended_at_the_same_moment_is_not_ended_twice(
    world: World, dana: User, toolkit: Toolkit, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Read as live, then revoked, withdrawn or finished by somebody else before it is written."""
    key, _secret = make_api_key(dana, *Scope)
    ApiKey.objects.filter(id=key.id).update(organization=world.acme)
    invitation, _token = make_invitation(world.acme, by=dana)
    begun = make_connection_request(make_auth_config(toolkit), owner=world.acme, user=dana)
    monkeypatch.setattr("orgs.services.members.keys_that_end", lambda **_: [key])
    monkeypatch.setattr("orgs.services.lost_invitations.invitations_that_end", lambda **_: [invitation])
    monkeypatch.setattr("integrations.services.connections.endings.abandon", lambda *_, **__: False)
    ApiKey.objects.update(revoked_at=timezone.now())
    Invitation.objects.update(accepted_at=timezone.now())

    parted = remove(world, dana)

    assert parted.ended_flows == 0
    assert actions_of(world) == ["member.remove"]
    begun.refresh_from_db()
    assert begun.status == "open"


def test_nobody_is_asked_when_there_is_nobody_who_could(world: World, toolkit: Toolkit) -> None:
    account = make_connected_account(toolkit, owner=world.acme, connected_by=world.member)

    tell_successor(account, actor=actor_of(world.admin), owner=world.acme.ref, now=timezone.now())

    assert not Notice.objects.exists()
