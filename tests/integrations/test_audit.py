"""Each action on connections, runs and the installation leaves exactly one record, without secrets (checks A6, S6)."""

from collections.abc import Callable
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command
from django.test import Client
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries

from integrations.jobs import sweep
from integrations.models import Toolkit
from integrations.services import connections
from integrations.services.executions import Order, cancel_execution, submit_execution
from integrations.services.running_again import run_again
from orgs.errors import DomainError
from orgs.models import AuditEvent, Membership
from orgs.models.organizations import MemberStatus
from orgs.queries.audit import verify_chains
from tests.factories import (
    actor_of,
    make_auth_config,
    make_connected_account,
    make_toolkit,
    owner_ref,
)
from tests.flows.connecting import ConnectDesk
from tests.integrations.desk import TOKEN, Desk
from tests.staff import make_superuser, sign_in
from tests.world import World

pytestmark = pytest.mark.django_db
MakeDesk = Callable[..., Desk]


def events_of(holder: Any) -> list[AuditEvent]:
    return list(AuditEvent.objects.of_owner(owner_ref(holder)).order_by("id"))


def actions_of(holder: Any) -> list[tuple[str, str]]:
    return [(one.action, one.code or one.result) for one in events_of(holder)]


def installation() -> list[AuditEvent]:
    return list(AuditEvent.objects.of_installation().order_by("id"))


@pytest.fixture
def toolkit(db: None) -> Toolkit:
    return make_toolkit("github", name="GitHub")


# --- Looking after connections


@pytest.mark.parametrize(
    ("change", "action"),
    [
        (lambda **at: connections.rename_account(**at, alias="canary-alias"), "connection.rename"),
        (connections.make_default, "connection.default"),
        (connections.pause_account, "connection.pause"),
        (lambda **at: connections.disconnect(**at, now=timezone.now()), "connection.disconnect"),
    ],
)
def test_a_change_of_a_connection_leaves_one_record(
    world: World, toolkit: Toolkit, change: Callable[..., Any], action: str
) -> None:
    account = make_connected_account(toolkit, owner=world.acme, scheme="bearer_token", access_token="canary-token")

    change(actor=actor_of(world.admin), owner=world.acme.ref, account_id=account.id)

    [event] = events_of(world.acme)
    assert (event.action, event.result, event.actor_label) == (action, "done", "admin_of_acme")
    assert (event.target_id, event.details["toolkit"]) == (account.text_id, "github")
    assert "canary-token" not in str(event.facts)


def test_resuming_leaves_one_record(world: World, toolkit: Toolkit) -> None:
    account = make_connected_account(toolkit, owner=world.acme, status="paused")

    connections.resume_account(actor=actor_of(world.admin), owner=world.acme.ref, account_id=account.id)

    assert actions_of(world.acme) == [("connection.resume", "done")]


def test_a_change_that_failed_leaves_no_record_of_it(world: World, toolkit: Toolkit) -> None:
    account = make_connected_account(toolkit, owner=world.acme, status="paused")

    with pytest.raises(DomainError):
        connections.pause_account(actor=actor_of(world.admin), owner=world.acme.ref, account_id=account.id)

    assert events_of(world.acme) == []


def test_a_refused_change_leaves_one_denial(world: World, toolkit: Toolkit) -> None:
    account = make_connected_account(toolkit, owner=world.acme)

    world.client("member").post(f"/orgs/acme/connections/{account.text_id}/pause/")

    assert actions_of(world.acme) == [("access.check", "role_insufficient")]


# --- Connecting


def test_connecting_and_reconnecting_leave_one_record_each(connect_desk: ConnectDesk, world: World) -> None:
    browser = world.client("member")

    connect_desk.connect(browser, "ada")
    connect_desk.connect(browser, "ada")

    assert actions_of(world.member) == [
        ("connection.start", "done"),
        ("connection.connect", "done"),
        ("connection.start", "done"),
        ("connection.renew", "done"),
    ]
    said = str([one.facts for one in events_of(world.member)])
    secrets = [text for asked in connect_desk.server.token_requests for text in (asked["code"], asked["code_verifier"])]
    assert not [text for text in [*secrets, "tok-ada"] if text in said]


def test_an_organizations_account_is_confirmed_on_record(connect_desk: ConnectDesk, world: World) -> None:
    browser = world.client("admin")

    where = connect_desk.connect(browser, "acme-bot", world.acme)["Location"]
    browser.post(where, {"decision": "confirm"})

    assert actions_of(world.acme) == [("connection.start", "done"), ("connection.confirm", "done")]


def test_a_discarded_account_leaves_what_the_provider_said(connect_desk: ConnectDesk, world: World) -> None:
    browser = world.client("admin")

    where = connect_desk.connect(browser, "acme-bot", world.acme)["Location"]
    browser.post(where, {"decision": "discard"})

    assert [one.action for one in events_of(world.acme)] == [
        "connection.start",
        "connection.discard",
        "connection.revoke",
    ]
    assert events_of(world.acme)[-1].details["confirmed"] is True


def test_a_consent_that_was_refused_at_the_provider_is_a_denial(connect_desk: ConnectDesk, world: World) -> None:
    browser = world.client("member")
    params = connect_desk.server.press(connect_desk.begin(browser), "ada")

    connect_desk.come_back(browser, {"state": params["state"], "error": "access_denied"})

    assert actions_of(world.member) == [("connection.start", "done"), ("connection.connect", "access_denied")]


def test_disconnecting_records_what_the_provider_confirmed(connect_desk: ConnectDesk, world: World) -> None:
    browser = world.client("member")
    connect_desk.connect(browser, "ada")

    browser.post(f"/me/connections/{connect_desk.accounts[0].text_id}/disconnect/")

    disconnected, revoked = events_of(world.member)[-2:]
    assert (disconnected.action, revoked.action) == ("connection.disconnect", "connection.revoke")
    assert (revoked.result, revoked.details["confirmed"]) == ("done", True)


def test_a_refused_callback_stands_in_both_logs_and_names_nobody_to_the_other(
    connect_desk: ConnectDesk, world: World
) -> None:
    params = connect_desk.server.press(connect_desk.begin(world.client("member")), "ada")

    connect_desk.come_back(world.client("outsider"), params)

    assert actions_of(world.outsider) == [("callback.accept", "callback_refused")]
    assert actions_of(world.member) == [("connection.start", "done"), ("callback.accept", "callback_refused")]
    theirs = events_of(world.member)[-1]
    assert (theirs.actor_kind, theirs.actor_id, theirs.actor_label) == ("nobody", "", "")
    assert params["state"] not in str([one.facts for one in AuditEvent.objects.all()])


def test_a_callback_that_comes_twice_is_refused_once_on_record(connect_desk: ConnectDesk, world: World) -> None:
    browser = world.client("member")
    params = connect_desk.server.press(connect_desk.begin(browser), "ada")
    connect_desk.come_back(browser, params)

    connect_desk.come_back(browser, params)

    assert [code for _action, code in actions_of(world.member)] == ["done", "done", "callback_refused"]


# --- Runs


def submit(desk: Desk, **values: Any) -> Any:
    defaults = {"requested": owner_ref(desk.holder).text_id, "tool": desk.read.slug, "arguments": {"name": "canary"}}
    actor = values.pop("actor", None) or actor_of(desk.user)
    return submit_execution(actor=actor, order=Order(**{**defaults, **values}), now=timezone.now())


def test_a_run_leaves_one_record_without_its_arguments(desk_of: MakeDesk) -> None:
    desk = desk_of()

    row = submit(desk)

    [event] = events_of(desk.user)
    assert (event.action, event.result, event.target_id) == ("execution.submit", "done", row.text_id)
    assert event.details["connected_account_id"] == desk.account.text_id
    assert not [text for text in ("canary", TOKEN) if text in str(event.facts)]


def test_the_log_costs_a_run_one_statement(
    desk_of: MakeDesk, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    desk = desk_of()
    submit(desk)
    actor = actor_of(desk.user)

    with django_assert_num_queries(8):  # tool, accounts, owner, begin, run, lane, the log, end
        submit(desk, actor=actor)


def test_the_same_request_again_leaves_no_second_record(desk_of: MakeDesk) -> None:
    desk = desk_of()

    first, second = submit(desk, idempotency_key="k"), submit(desk, idempotency_key="k")

    assert first.id == second.id
    assert len(events_of(desk.user)) == 1


def test_a_denied_run_leaves_one_denial(acme_desk_of: MakeDesk, world: World) -> None:
    submit(acme_desk_of(), actor=actor_of(world.viewer))

    assert actions_of(world.acme) == [("execution.submit", "role_cannot_execute")]


def test_a_run_under_a_strangers_id_is_in_ones_own_log(acme_desk_of: MakeDesk, world: World) -> None:
    desk = acme_desk_of()

    with pytest.raises(DomainError):
        submit(desk, actor=actor_of(world.outsider))

    assert actions_of(world.acme) == []
    assert actions_of(world.outsider) == [("execution.submit", "user_id_not_found")]


def test_a_mistyped_id_is_no_denial(desk_of: MakeDesk) -> None:
    desk = desk_of()

    with pytest.raises(DomainError):
        submit(desk, requested="default")

    assert events_of(desk.user) == []


def test_cancelling_and_running_again_leave_one_record_each(desk_of: MakeDesk) -> None:
    desk = desk_of()
    at = {"actor": actor_of(desk.user), "owner": owner_ref(desk.user), "now": timezone.now()}
    row = submit(desk)

    cancel_execution(**at, execution_id=row.id)
    again = run_again(**at, execution_id=row.id)

    assert actions_of(desk.user)[1:] == [("execution.cancel", "done"), ("execution.repeat", "done")]
    assert events_of(desk.user)[-1].details["retry_of"] == row.text_id
    assert events_of(desk.user)[-1].target_id == again.text_id


def test_somebody_elses_run_is_not_cancelled_on_record(acme_desk_of: MakeDesk, world: World) -> None:
    row = submit(acme_desk_of())

    world.client("viewer").post(f"/orgs/acme/runs/{row.text_id}/cancel/")
    world.client("viewer").post(f"/orgs/acme/runs/{row.text_id}/again/")

    assert actions_of(world.acme)[1:] == [("access.check", "role_insufficient")] * 2


def test_a_run_that_the_worker_refuses_is_on_record(acme_desk_of: MakeDesk, world: World) -> None:
    desk = acme_desk_of()
    desk.queue()
    Membership.objects.filter(user=world.member).update(status=MemberStatus.LEFT)

    row = desk.work()

    assert row.status == "denied"
    assert [one.action for one in events_of(world.acme)] == ["execution.start"]
    assert events_of(world.acme)[0].result == "denied"


def test_the_sweep_seals_what_was_recorded(desk_of: MakeDesk) -> None:
    desk = desk_of()
    submit(desk)

    sweep(force=True)

    assert verify_chains(actor=None, now=timezone.now()) == (1, [])


# --- The installation


@pytest.fixture
def superuser(db: None) -> Client:
    return sign_in(make_superuser())


def test_an_auth_config_of_the_admin_site_is_recorded_without_its_secret(superuser: Client, toolkit: Toolkit) -> None:
    data = {"toolkit": str(toolkit.id), "scheme": "oauth2", "name": "GitHub", "client_id": "canary-client"}
    data |= {"secret": "canary-secret", "scopes": '["repo"]', "overrides": "{}", "is_enabled": "on"}

    superuser.post("/admin/integrations/authconfig/add/", data)

    [event] = installation()
    assert (event.action, event.actor_kind, event.actor_label) == ("auth_config.create", "support", "root_of_all")
    assert "secret" in event.details["fields"]
    assert "canary" not in str(event.facts)


def test_a_changed_auth_config_is_recorded(superuser: Client, toolkit: Toolkit) -> None:
    row = make_auth_config(toolkit)
    data = {"toolkit": str(toolkit.id), "scheme": "oauth2", "name": row.name, "client_id": "other", "secret": ""}
    data |= {"scopes": "[]", "overrides": "{}", "is_enabled": "on"}

    superuser.post(f"/admin/integrations/authconfig/{row.id}/change/", data)

    [changed] = installation()
    assert (changed.action, changed.details["fields"]) == ("auth_config.change", ["client_id", "overrides", "scopes"])


def test_key_rotation_is_recorded(toolkit: Toolkit) -> None:
    make_auth_config(toolkit)

    call_command("rotate_secrets", verbosity=0)

    [event] = installation()
    assert (event.action, event.actor_kind, event.details) == (
        "secrets.rotate",
        "system",
        {"rotated": 1, "unreadable": 0},
    )


def test_bootstrap_is_recorded_where_it_changed_something(toolkit: Toolkit, tmp_path: Path) -> None:
    file = tmp_path / "setup.yaml"
    file.write_text(
        "users:\n  - email: ada@example.com\n    username: ada\n    password: correct-horse-battery\n"
        "organizations:\n  - slug: acme\n    name: Acme\n"
        "    members:\n      - user: ada@example.com\n        role: owner\n"
    )

    call_command("bootstrap", str(file), stdout=StringIO())

    [event] = installation()
    assert (event.action, event.details["users"], event.details["organizations"]) == ("installation.bootstrap", 1, 1)
    made = AuditEvent.objects.exclude(owner_id="")
    assert [one.action for one in made] == ["organization.create"]
    assert "correct-horse" not in str([one.facts for one in AuditEvent.objects.all()])
