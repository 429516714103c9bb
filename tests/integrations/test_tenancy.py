"""References across owners: refused by the database, found by the self-check (checks T27 and T28)."""

from collections.abc import Callable
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import IntegrityError, connection, transaction

from integrations.models import ConnectedAccount, Execution
from integrations.models.same_owner import SameOwner
from integrations.queries.tenancy import crossings
from tests.factories import (
    make_application,
    make_application_key,
    make_auth_config,
    make_connected_account,
    make_connection_request,
    make_end_user,
    make_execution,
    make_tool,
    make_toolkit,
)
from tests.world import World

pytestmark = pytest.mark.django_db
ONLY_POSTGRESQL = pytest.mark.skipif(
    connection.vendor != "postgresql", reason="on SQLite saving looks, and the self-check finds the rest"
)


@pytest.fixture
def things(world: World) -> dict[str, Any]:
    toolkit = make_toolkit("github")
    config = make_auth_config(toolkit)
    return {
        "tool": make_tool(toolkit, "GITHUB_GET_THING"),
        "config": config,
        "acmes": make_connected_account(toolkit, owner=world.acme, auth_config=config),
        "globexs": make_connected_account(toolkit, owner=world.globex, auth_config=config),
    }


def refused(work: Callable[[], Any]) -> None:
    with pytest.raises(IntegrityError), transaction.atomic():
        work()


def test_run_of_one_tenant_with_an_account_of_another_is_refused_by_the_database(world: World, things: Any) -> None:
    def run(account: ConnectedAccount) -> Execution:
        return make_execution(things["tool"], owner=world.acme, user=world.admin, connected_account=account)

    refused(lambda: run(things["globexs"]))

    assert run(things["acmes"]).connected_account == things["acmes"]


@ONLY_POSTGRESQL
def test_run_does_not_get_the_account_of_another_tenant_afterwards(world: World, things: Any) -> None:
    row = make_execution(things["tool"], owner=world.acme, user=world.admin, connected_account=things["acmes"])
    rows = Execution.objects.unscoped("past all rules").filter(id=row.id)

    refused(lambda: rows.update(connected_account=things["globexs"]))
    assert rows.get().connected_account == things["acmes"]


@ONLY_POSTGRESQL
def test_run_does_not_move_to_another_tenant(world: World, things: Any) -> None:
    row = make_execution(things["tool"], owner=world.acme, user=world.admin, connected_account=things["acmes"])
    rows = Execution.objects.unscoped("past all rules").filter(id=row.id)

    refused(lambda: rows.update(owner=things["globexs"].owner))


def test_refused_run_may_name_the_account_of_the_other_id(world: World, things: Any) -> None:
    row = make_execution(
        things["tool"], owner=world.member, user=world.member, status="denied", connected_account=things["acmes"]
    )

    assert row.connected_account == things["acmes"]
    assert crossings(actor=None)[1] == []


def test_begun_connection_renews_only_an_account_of_its_owner(world: World, things: Any) -> None:
    def begin(account: ConnectedAccount) -> Any:
        return make_connection_request(things["config"], owner=world.acme, user=world.admin, reconnects=account)

    refused(lambda: begin(things["globexs"]))
    assert begin(things["acmes"]).reconnects == things["acmes"]


def test_self_check_is_content_with_a_sound_installation(world: World, things: Any, capsys: Any) -> None:
    make_execution(things["tool"], owner=world.acme, user=world.admin, connected_account=things["acmes"])

    call_command("audit_tenancy")

    assert "Nothing points across owners" in capsys.readouterr().out


def test_self_check_names_what_crosses(world: World, things: Any) -> None:
    """Somebody took the trigger away and wrote past the product."""
    row = make_execution(things["tool"], owner=world.acme, user=world.admin, connected_account=things["acmes"])
    own = make_auth_config(things["tool"].toolkit, owner=world.globex, name="Globex's own")
    _without_trigger("execution_account_same_owner")
    Execution.objects.unscoped("past all rules").filter(id=row.id).update(connected_account=things["globexs"])
    ConnectedAccount.objects.unscoped("past all rules").filter(id=things["acmes"].id).update(auth_config=own)

    with pytest.raises(CommandError) as caught:
        call_command("audit_tenancy")

    assert f"execution.connected_account: 1 ({row.id})" in str(caught.value)
    assert f"connectedaccount.auth_config: 1 ({things['acmes'].id})" in str(caught.value)


def _without_trigger(name: str) -> None:
    constraint = next(one for one in Execution._meta.constraints if one.name == name)
    assert isinstance(constraint, SameOwner)
    with connection.cursor() as cursor:
        for sql in constraint.remove(connection.vendor):
            cursor.execute(sql)


def test_self_check_knows_what_end_users_are_lent_and_what_not(world: World, things: Any) -> None:
    """An application's organization lends its OAuth app and its key; another organization's would cross."""
    application = make_application(world.acme)
    alice, key = make_end_user(application), make_application_key(application)[0]
    ours = make_auth_config(things["tool"].toolkit, owner=world.acme, name="Acme's own")
    account = make_connected_account(things["tool"].toolkit, owner=alice, auth_config=ours)
    row = make_execution(things["tool"], owner=alice, user=None, connected_account=account, api_key=key)
    call_command("audit_tenancy")

    theirs = make_auth_config(things["tool"].toolkit, owner=world.globex, name="Globex's own")
    ConnectedAccount.objects.unscoped("past all rules").filter(id=account.id).update(auth_config=theirs)
    other = make_application_key(make_application(world.acme))[0]
    Execution.objects.unscoped("past all rules").filter(id=row.id).update(api_key=other)

    with pytest.raises(CommandError) as caught:
        call_command("audit_tenancy")
    assert f"connectedaccount.auth_config: 1 ({account.id})" in str(caught.value)
    assert f"execution.api_key: 1 ({row.id})" in str(caught.value)
