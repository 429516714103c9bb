"""A deletion is carried out step by step, survives a crash between any two of them, and leaves nothing but a report."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.apps import apps
from django.core import mail
from django.test import Client
from django.utils import timezone

from accounts.models import User
from integrations import oauth
from integrations.credentials import seal_pending
from integrations.jobs import deletion as steps
from integrations.jobs.deletion import carry_out_deletions
from integrations.models import AuthConfig, ConnectedAccount, ConnectionRequest, Execution, Toolkit
from integrations.models.encrypted import seal
from orgs.models import (
    ApiKey,
    AuditEvent,
    Deletion,
    Invitation,
    Membership,
    Notice,
    Organization,
    Owner,
    RevokedAccount,
)
from orgs.queries.api_keys import actor_from_key
from orgs.queries.audit import verify_chains
from orgs.services.audit import seal_chains
from orgs.services.deletions import announce_deletion, announce_departure, send_farewells, stop_deletion
from tests.factories import (
    NOW,
    actor_of,
    make_api_key,
    make_auth_config,
    make_connected_account,
    make_connection_request,
    make_delivery,
    make_execution,
    make_finished_execution,
    make_invitation,
    make_join_domain,
    make_logo,
    make_tool,
    make_toolkit,
    make_webhook,
)
from tests.world import World

pytestmark = pytest.mark.django_db
CONFIRMED = oauth.Revocation(confirmed=True, detail="The provider confirmed it.")
REFUSED = oauth.Revocation(confirmed=False, detail="The provider did not confirm it.")


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[ConnectedAccount]:
    """The accounts whose providers were told; they all confirm."""
    told: list[ConnectedAccount] = []

    def withdraw(account: ConnectedAccount, values: dict[str, str] | None) -> oauth.Revocation:
        assert values is not None
        told.append(account)
        return CONFIRMED

    monkeypatch.setattr(steps, "withdraw", withdraw)
    return told


def furnish(world: World) -> list[ConnectedAccount]:
    """Acme with one of everything; Globex and the member's own things next to it."""
    toolkit = make_toolkit()
    tool = make_tool(toolkit)
    accounts = [make_connected_account(toolkit, owner=world.acme, identity_key=key) for key in ("1", "2")]
    for holder in (world.acme, world.globex, world.member):
        other = make_connected_account(toolkit, owner=holder, identity_key="3", identity_label=f"of {holder}")
        make_finished_execution(tool, owner=holder, user=world.member, connected_account=other)
    make_execution(tool, owner=world.acme, user=world.member, connected_account=accounts[0])
    own = make_auth_config(toolkit, owner=world.acme, name="own app")
    make_connected_account(toolkit, owner=world.acme, auth_config=own, status="revoked", identity_key="4")
    make_invitation(world.acme, by=world.admin)
    make_join_domain(world.acme)
    make_logo(world.acme)
    make_api_key(world.acme)
    make_delivery(make_webhook(world.acme))
    return [*accounts, *ConnectedAccount.objects.owned_by(world.acme.ref).filter(identity_key="3")]


def announce(world: World) -> Deletion:
    return announce_deletion(actor=actor_of(world.owner), owner=world.acme.ref, typed="Acme", now=timezone.now())


def make_due(deletion: Deletion) -> None:
    Deletion.objects.filter(id=deletion.id).update(due_at=timezone.now() - timedelta(seconds=1))


def left_of(organization: Organization) -> dict[str, int]:
    """What still points to the organization or its ID container, in every table."""
    container = Owner.objects.filter(organization_id=organization.id).values_list("id", flat=True)
    ids = [organization.id, *container]
    found = {}
    for model in apps.get_models():
        for field in model._meta.concrete_fields:
            if field.related_model in {Organization, Owner}:
                count = model._base_manager.filter(**{f"{field.attname}__in": ids}).count()
                if count:
                    found[f"{model.__name__}.{field.name}"] = count
    return found


def test_nothing_happens_before_the_time_is_over(world: World, asked: list[ConnectedAccount]) -> None:
    furnish(world)
    announce(world)

    assert carry_out_deletions() == 0

    assert asked == []
    assert world.client("member").get("/orgs/acme/connections/").status_code == 200
    assert Execution.objects.owned_by(world.acme.ref).filter(status="queued").count() == 1


def test_everything_of_it_is_gone_and_nothing_of_others(world: World, asked: list[ConnectedAccount]) -> None:
    accounts = furnish(world)
    deletion = announce(world)
    make_due(deletion)
    before = left_of(world.globex)

    assert carry_out_deletions() == 1

    assert {account.id for account in asked} == {account.id for account in accounts}
    assert left_of(world.acme) == {}
    assert not Organization.objects.filter(id=world.acme.id).exists()
    assert left_of(world.globex) == before
    assert ConnectedAccount.objects.owned_by(world.member.owner.ref).get().credentials is not None
    assert Execution.objects.owned_by(world.member.owner.ref).count() == 1


def begin(holder: Organization | User, user: User, *, key: str, **values: Any) -> ConnectionRequest:
    """A flow whose tokens are here and wait for somebody's confirmation."""
    toolkit = Toolkit.objects.filter(slug="github").first() or make_toolkit()
    config = make_auth_config(toolkit, name=key)
    row = make_connection_request(config, owner=holder, user=user, status="confirming", **values)
    held = {"tokens": {"access_token": key, "refresh_token": ""}, "scopes": [], "expires_in": None}
    row.pending = seal_pending(row.id, held, field_name="pending")
    row.save()
    return row


@pytest.fixture
def taken_back(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The tokens of begun connections that the provider was asked to end."""
    told: list[str] = []

    def take_back(tokens: oauth.Tokens | None, config: AuthConfig, **_: Any) -> oauth.Revocation:
        told.append(tokens.access_token if tokens else "")
        return CONFIRMED

    monkeypatch.setattr(steps, "take_back", take_back)
    return told


def test_what_was_begun_and_not_confirmed_is_taken_back_too(
    world: World, asked: list[ConnectedAccount], taken_back: list[str]
) -> None:
    furnish(world)
    mine = begin(world.acme, world.admin, key="acmes-token", alias="Half done")
    begin(world.globex, world.outsider, key="globexs-token")
    begin(world.admin, world.admin, key="personal-token")
    deletion = announce(world)
    make_due(deletion)

    assert carry_out_deletions() == 1

    assert taken_back == ["acmes-token"]
    assert left_of(world.acme) == {}
    line = RevokedAccount.objects.get(deletion=deletion, account_id=mine.id)
    assert (line.label, line.outcome, line.detail) == ("Half done", "confirmed", CONFIRMED.detail)
    event = AuditEvent.objects.get(action="connection.revoke")
    assert (event.target_id, event.details["confirmed"]) == (mine.text_id, True)
    report = world.client("owner").get(f"/me/reports/{deletion.text_id}/").content.decode()
    assert "Half done" in report
    assert "acmes-token" not in report
    others = ConnectionRequest.objects.unscoped("a test looks").filter(status="confirming")
    assert {row.owner_id for row in others} == {world.globex.owner.id, world.admin.owner.id}


def test_what_expired_and_the_sweep_has_not_given_back_yet_is_taken_back_too(
    world: World, asked: list[ConnectedAccount], taken_back: list[str]
) -> None:
    row = begin(world.acme, world.admin, key="acmes-token")
    ConnectionRequest.objects.owned_by(world.acme.ref).filter(id=row.id).update(status="expired")
    make_due(announce(world))

    assert carry_out_deletions() == 1
    assert taken_back == ["acmes-token"]


def test_tokens_that_nobody_can_read_are_left_to_do_by_hand(world: World, asked: list[ConnectedAccount]) -> None:
    row = begin(world.acme, world.admin, key="acmes-token")
    ConnectionRequest.objects.owned_by(world.acme.ref).update(pending=seal({}, table="x", row=row.id, field="y"))
    deletion = announce(world)
    make_due(deletion)

    assert carry_out_deletions() == 1

    line = RevokedAccount.objects.get(deletion=deletion)
    assert (line.label, line.outcome) == ("Begun, and not confirmed by anybody", "unconfirmed")


def test_every_address_is_gone_and_keys_are_refused(world: World, asked: list[ConnectedAccount]) -> None:
    furnish(world)
    _, secret = make_api_key(world.acme)
    make_due(announce(world))
    carry_out_deletions()

    for persona in ("member", "admin", "owner"):
        for page in ("", "connections/", "settings/", "members/", "logo/", "runs/"):
            assert world.client(persona).get(f"/orgs/acme/{page}").status_code == 404
    with pytest.raises(Exception, match="key"):
        actor_from_key(secret=secret, now=NOW)
    assert not ApiKey.objects.filter(owner__organization__isnull=False).exists()


def test_another_organization_takes_the_address_and_sees_nothing_old(
    world: World, asked: list[ConnectedAccount]
) -> None:
    furnish(world)
    make_due(announce(world))
    carry_out_deletions()

    client = world.client("outsider")
    assert client.post("/orgs/new/", {"name": "Acme", "slug": "acme"}).status_code == 302

    assert "github-identity" not in client.get("/orgs/acme/connections/").content.decode()
    assert client.get("/orgs/acme/logo/").status_code == 404
    assert "organization.create" in client.get("/orgs/acme/audit/audit.csv").getvalue().decode()  # type: ignore[attr-defined]
    assert "deletion.start" not in client.get("/orgs/acme/audit/audit.csv").getvalue().decode()  # type: ignore[attr-defined]
    assert world.client("member").get("/orgs/acme/").status_code == 404


def test_doors_are_closed_as_soon_as_it_begins(
    world: World, asked: list[ConnectedAccount], monkeypatch: pytest.MonkeyPatch
) -> None:
    """While the rest is still going on, nobody gets in and nothing waits."""
    furnish(world)
    make_due(announce(world))
    monkeypatch.setattr(steps, "_is_withdrawn", lambda *_: False)

    assert carry_out_deletions() == 0

    row = Execution.objects.owned_by(world.acme.ref).get(status="cancelled")
    assert (row.error_code, row.sent_at) == ("organization_deleted", None)
    assert not Membership.objects.of_organization(world.acme.id).active().exists()
    assert not Invitation.objects.of_organization(world.acme.id).pending().exists()
    assert not ApiKey.objects.filter(owner__organization=world.acme, revoked_at=None).exists()
    assert Organization.objects.get(id=world.acme.id).slug.startswith("deleted-")
    assert world.client("owner").get("/orgs/acme/").status_code == 404


def test_run_under_way_is_waited_for(world: World, asked: list[ConnectedAccount]) -> None:
    tool = make_tool(make_toolkit())
    sent = make_execution(tool, owner=world.acme, user=world.member, status="running", sent_at=timezone.now())
    unsent = make_execution(tool, owner=world.acme, user=world.member, status="running")
    make_due(announce(world))

    assert carry_out_deletions() == 0
    unsent.refresh_from_db()
    sent.refresh_from_db()
    assert unsent.cancel_requested_at is not None
    assert sent.cancel_requested_at is None

    Execution.objects.owned_by(world.acme.ref).update(status="failed", finished_at=timezone.now())
    assert carry_out_deletions() == 1


class Crash(BaseException):
    """The process dies: nothing catches it."""


def crash_at(step: str, dies: Callable[..., Any], monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(steps, step, dies)
        with pytest.raises(Crash):
            carry_out_deletions()


STEPS = [
    "close_doors",
    "_call_off",
    "_list_accounts",
    "_tell_provider",
    "withdraw",
    "_store",
    "record",
    "_delete_batch",
    "finish_deletion",
]


@pytest.mark.parametrize("moment", ["before", "after"])
@pytest.mark.parametrize("step", STEPS)
def test_crash_anywhere_is_taken_up_by_the_next_sweep(
    world: World, asked: list[ConnectedAccount], monkeypatch: pytest.MonkeyPatch, step: str, moment: str
) -> None:
    """The process dies right before or right after one step; whoever comes next finishes, and tells the truth."""
    accounts = furnish(world)
    deletion = announce(world)
    make_due(deletion)
    real = getattr(steps, step)

    def dies(*args: Any, **kwargs: Any) -> Any:
        if moment == "after":
            real(*args, **kwargs)
        raise Crash

    crash_at(step, dies, monkeypatch)
    RevokedAccount.objects.update(lease_until=None)  # a minute later
    carry_out_deletions()

    deletion.refresh_from_db()
    assert deletion.status == "done"
    assert left_of(world.acme) == {}
    assert {account.id for account in asked} == {account.id for account in accounts}
    report = RevokedAccount.objects.filter(deletion=deletion)
    assert sorted(report.values_list("outcome", flat=True)) == ["confirmed"] * len(accounts)
    events = AuditEvent.objects.filter(owner_id=world.acme.ref.text_id)
    assert events.filter(action="deletion.start").count() == 1
    assert events.filter(action="connection.disconnect").count() == len(accounts)
    assert events.filter(action="deletion.finish").count() == 1


def test_lease_keeps_two_sweeps_apart(world: World, asked: list[ConnectedAccount]) -> None:
    furnish(world)
    make_due(announce(world))
    monkey_lines = RevokedAccount.objects.filter(outcome="waiting")
    carry = Deletion.objects.get()
    assert steps.close_doors(actor=None, deletion=carry, now=timezone.now())
    steps._list_accounts(carry, carry.ref)
    monkey_lines.update(lease_until=timezone.now() + timedelta(minutes=1))

    assert carry_out_deletions() == 0
    assert asked == []


def test_provider_that_never_answers_is_given_up(
    world: World, asked: list[ConnectedAccount], monkeypatch: pytest.MonkeyPatch
) -> None:
    """After a few crashes in the middle of the call the report says what to do by hand, and our copy goes anyway."""
    toolkit = make_toolkit()
    account = make_connected_account(toolkit, owner=world.acme)
    make_due(announce(world))

    def dies(*_args: Any) -> Any:
        raise Crash

    for _ in range(steps.MOST_TRIES):
        crash_at("withdraw", dies, monkeypatch)
        RevokedAccount.objects.update(lease_until=None)
    assert carry_out_deletions() == 1

    line = RevokedAccount.objects.get(account_id=account.id)
    assert (line.outcome, asked) == ("unconfirmed", [])
    assert "Remove the access there" in line.detail


def test_report_tells_owners_what_the_provider_said(
    world: World, asked: list[ConnectedAccount], monkeypatch: pytest.MonkeyPatch
) -> None:
    toolkit = make_toolkit(website="https://github.test")
    make_connected_account(toolkit, owner=world.acme, identity_key="1", identity_label="good")
    make_connected_account(toolkit, owner=world.acme, identity_key="2", identity_label="bad")
    answers = {"good": CONFIRMED, "bad": REFUSED}
    monkeypatch.setattr(steps, "withdraw", lambda account, _values: answers[account.identity_label])
    deletion = announce(world)
    make_due(deletion)
    carry_out_deletions()

    page = world.client("owner").get(f"/me/reports/{deletion.text_id}/").content.decode()
    assert "1 left to do by hand" in page
    assert "The provider confirmed it." in page
    assert "The provider did not confirm it." in page
    assert 'href="https://github.test"' in page
    notice = Notice.objects.get(user=world.owner, path=f"/me/reports/{deletion.text_id}/")
    assert notice.organization_id is None
    assert "Acme" in world.client("owner").get("/me/reports/").content.decode()
    for stranger in ("member", "admin", "outsider"):
        assert world.client(stranger).get(f"/me/reports/{deletion.text_id}/").status_code == 404


def test_account_that_was_disconnected_meanwhile_needs_nothing(world: World, asked: list[ConnectedAccount]) -> None:
    account = make_connected_account(make_toolkit(), owner=world.acme)
    deletion = announce(world)
    steps.close_doors(actor=None, deletion=deletion, now=timezone.now())
    steps._list_accounts(deletion, deletion.ref)
    ConnectedAccount.objects.owned_by(world.acme.ref).update(status="revoked", credentials=None)
    make_due(deletion)

    assert carry_out_deletions() == 1

    line = RevokedAccount.objects.get(account_id=account.id)
    assert (line.outcome, line.detail) == ("unconfirmed", "It was disconnected meanwhile.")


def test_refused_run_of_somebody_else_is_no_obstacle(world: World, asked: list[ConnectedAccount]) -> None:
    """A run under a person's own ID that named Acme's account was refused; its record stays with the person."""
    toolkit = make_toolkit()
    account = make_connected_account(toolkit, owner=world.acme)
    refused = make_execution(make_tool(toolkit), owner=world.member, status="denied", connected_account=account)
    make_due(announce(world))

    assert carry_out_deletions() == 1

    refused.refresh_from_db()
    assert (refused.status, refused.connected_account) == ("denied", None)


def test_time_that_is_up_leaves_the_rest_to_the_next_sweep(
    world: World, asked: list[ConnectedAccount], monkeypatch: pytest.MonkeyPatch
) -> None:
    furnish(world)
    make_due(announce(world))
    monkeypatch.setattr(steps, "SECONDS", 0.0)
    assert carry_out_deletions() == 0
    deletion = Deletion.objects.get()
    assert not steps._go_on(deletion, until=0.0)
    assert asked == []
    monkeypatch.undo()
    monkeypatch.setattr(steps, "withdraw", lambda *_: CONFIRMED)
    assert not steps._is_empty(world.acme.ref, until=0.0)
    assert carry_out_deletions() == 1


def test_stopped_in_the_last_moment_stays(world: World, asked: list[ConnectedAccount]) -> None:
    furnish(world)
    deletion = announce(world)
    make_due(deletion)
    stop_deletion(actor=actor_of(world.owner), owner=world.acme.ref, now=NOW)

    assert not steps._go_on(deletion, until=0.0)
    assert carry_out_deletions() == 0
    assert world.client("owner").get("/orgs/acme/").status_code == 200


def test_log_stays_and_can_be_verified(world: World, asked: list[ConnectedAccount]) -> None:
    furnish(world)
    make_due(announce(world))
    carry_out_deletions()
    seal_chains(actor=None)

    sound, findings = verify_chains(actor=None, now=timezone.now())
    assert findings == []
    assert sound >= AuditEvent.objects.filter(owner_id=world.acme.ref.text_id).count() > 4


# --- A person who leaves


def test_person_who_left_is_gone_and_gets_the_report_by_mail(world: World, asked: list[ConnectedAccount]) -> None:
    furnish(world)
    user, email = world.member, world.member.email
    account = ConnectedAccount.objects.owned_by(user.owner.ref).get()
    announce_departure(actor=actor_of(user), user=user, now=timezone.now() - timedelta(seconds=1))

    assert carry_out_deletions() == 1
    assert asked == [account]
    assert send_farewells(actor=None) == 1
    assert send_farewells(actor=None) == 0

    assert not Owner.objects.filter(user_id=user.id).exists()
    assert type(user).objects.filter(id=user.id).count() == 0
    [letter] = mail.outbox
    assert letter.to == [email]
    assert "The provider confirmed it." in letter.body
    assert Deletion.objects.get().mail_to == ""
    assert Execution.objects.owned_by(world.acme.ref).count() == 2


def test_letter_waits_while_the_mail_server_is_away(
    world: World, asked: list[ConnectedAccount], monkeypatch: pytest.MonkeyPatch
) -> None:
    announce_departure(actor=actor_of(world.staff), user=world.staff, now=timezone.now() - timedelta(seconds=1))
    carry_out_deletions()

    def away(*_args: Any, **_kwargs: Any) -> int:
        raise ConnectionRefusedError

    with monkeypatch.context() as patch:
        patch.setattr("django.core.mail.EmailMessage.send", away)
        assert send_farewells(actor=None) == 0
    assert send_farewells(actor=None) == 1
    assert "nothing left for you to do" in mail.outbox[0].body


def test_who_left_cannot_sign_in(world: World) -> None:
    client = Client()
    announce_departure(actor=actor_of(world.member), user=world.member, now=timezone.now())
    world.member.refresh_from_db()

    assert not world.member.is_active
    answer = client.post("/accounts/login/", {"login": world.member.email, "password": "correct-horse-battery"})
    assert answer.status_code in {200, 302}
    assert client.get("/me/").status_code == 302
