"""Looking after connected accounts, and storing them under exactly one owner."""

from __future__ import annotations

from collections.abc import Callable
from uuid import UUID

import pytest
from django.utils import timezone

from integrations.catalog import Identity
from integrations.engine.types import AuthScheme
from integrations.models import ConnectedAccount, Toolkit
from integrations.queries.connections import account_in_use, list_connections
from integrations.services import connections
from integrations.services.connections.store import NewAccount, Stored, store_account
from orgs.errors import ConflictError, DomainError, ForbiddenError, NotFoundError
from orgs.permissions import Actor, OwnerRef
from tests.factories import (
    actor_of,
    make_auth_config,
    make_connected_account,
    make_toolkit,
    owner_ref,
)
from tests.world import World

Change = Callable[[Actor, OwnerRef, UUID], object]


@pytest.fixture
def toolkit(db: None) -> Toolkit:
    return make_toolkit("github", name="GitHub")


def reread(account: ConnectedAccount) -> ConnectedAccount:
    found: ConnectedAccount = ConnectedAccount.objects.unscoped("a test looks").get(id=account.id)
    return found


def rename(actor: Actor, owner: OwnerRef, account_id: UUID) -> object:
    return connections.rename_account(actor=actor, owner=owner, account_id=account_id, alias="New name")


def make_default(actor: Actor, owner: OwnerRef, account_id: UUID) -> object:
    return connections.make_default(actor=actor, owner=owner, account_id=account_id)


def pause(actor: Actor, owner: OwnerRef, account_id: UUID) -> object:
    return connections.pause_account(actor=actor, owner=owner, account_id=account_id)


def disconnect(actor: Actor, owner: OwnerRef, account_id: UUID) -> object:
    return connections.disconnect(actor=actor, owner=owner, account_id=account_id, now=timezone.now())


CHANGES = [rename, make_default, pause, disconnect]


# --- Who may


@pytest.mark.parametrize("change", CHANGES)
@pytest.mark.parametrize("persona", ["admin", "owner"])
def test_admins_change_their_organizations_account(
    world: World, toolkit: Toolkit, change: Change, persona: str
) -> None:
    account = make_connected_account(toolkit, owner=world.acme)

    change(actor_of(world.people[persona]), world.acme.ref, account.id)

    assert reread(account).updated_at >= account.updated_at


@pytest.mark.parametrize("change", CHANGES)
@pytest.mark.parametrize(
    ("persona", "refused"),
    [("member", ForbiddenError), ("viewer", ForbiddenError), ("ex_member", NotFoundError), ("outsider", NotFoundError)],
)
def test_nobody_else_changes_an_organizations_account(
    world: World, toolkit: Toolkit, change: Change, persona: str, refused: type[DomainError]
) -> None:
    account = make_connected_account(toolkit, owner=world.acme)

    with pytest.raises(refused):
        change(actor_of(world.people[persona]), world.acme.ref, account.id)

    after = reread(account)
    assert (after.alias, after.status, after.is_default) == ("", "active", False)


@pytest.mark.parametrize("change", CHANGES)
def test_an_admin_has_no_power_over_a_members_own_account(world: World, toolkit: Toolkit, change: Change) -> None:
    account = make_connected_account(toolkit, owner=world.member)

    for owner in (owner_ref(world.member), world.acme.ref, owner_ref(world.admin)):
        with pytest.raises(NotFoundError):
            change(actor_of(world.admin), owner, account.id)

    assert reread(account).status == "active"


# --- What changes


def test_rename_cuts_and_trims_and_empty_text_goes_back(world: World, toolkit: Toolkit) -> None:
    account = make_connected_account(toolkit, owner=world.member)
    change = {"actor": actor_of(world.member), "owner": owner_ref(world.member), "account_id": account.id}

    named = connections.rename_account(**change, alias=f"  {'x' * 90} ")
    unnamed = connections.rename_account(**change, alias=" ")

    assert named.label == "x" * 80
    assert unnamed.label == "github-identity"


def test_make_default_moves_the_mark(world: World, toolkit: Toolkit) -> None:
    first, second = (make_connected_account(toolkit, owner=world.member) for _ in range(2))
    mine = {"actor": actor_of(world.member), "owner": owner_ref(world.member)}
    connections.make_default(**mine, account_id=first.id)

    _account, before = connections.make_default(**mine, account_id=second.id)

    assert before == first
    assert (reread(first).is_default, reread(second).is_default) == (False, True)


def test_make_default_leaves_other_toolkits_and_owners_alone(world: World, toolkit: Toolkit) -> None:
    elsewhere = make_connected_account(make_toolkit("slack"), owner=world.member, is_default=True)
    theirs = make_connected_account(toolkit, owner=world.acme, is_default=True)
    account = make_connected_account(toolkit, owner=world.member)

    make_default(actor_of(world.member), owner_ref(world.member), account.id)

    assert reread(elsewhere).is_default
    assert reread(theirs).is_default


def test_pause_and_resume(world: World, toolkit: Toolkit) -> None:
    account = make_connected_account(toolkit, owner=world.member)
    mine = {"actor": actor_of(world.member), "owner": owner_ref(world.member), "account_id": account.id}

    connections.pause_account(**mine)
    assert reread(account).status == "paused"
    connections.resume_account(**mine)
    assert reread(account).status == "active"


@pytest.mark.parametrize("status", ["expired", "failed", "paused"])
def test_only_a_working_account_can_be_paused(world: World, toolkit: Toolkit, status: str) -> None:
    account = make_connected_account(toolkit, owner=world.member, status=status)

    with pytest.raises(ConflictError, match="Only a working connection"):
        pause(actor_of(world.member), owner_ref(world.member), account.id)


def test_only_a_paused_account_can_be_resumed(world: World, toolkit: Toolkit) -> None:
    account = make_connected_account(toolkit, owner=world.member, status="expired")

    with pytest.raises(ConflictError, match="not paused"):
        connections.resume_account(actor=actor_of(world.member), owner=owner_ref(world.member), account_id=account.id)


def test_a_disconnected_account_reads_like_none(world: World, toolkit: Toolkit) -> None:
    account = make_connected_account(toolkit, owner=world.member)
    disconnect(actor_of(world.member), owner_ref(world.member), account.id)

    with pytest.raises(NotFoundError):
        rename(actor_of(world.member), owner_ref(world.member), account.id)

    assert list_connections(actor=actor_of(world.member), owner=owner_ref(world.member)) == []


# --- Storing


def store(
    world: World, toolkit: Toolkit, identity: str, *, alias: str = "", base_url: str = "https://a.test"
) -> Stored:
    config = toolkit.auth_configs.first() or make_auth_config(toolkit)
    new = NewAccount(
        auth_config=config,
        scheme=AuthScheme.OAUTH2,
        values={"access_token": f"token-of-{identity}", "refresh_token": ""},
        identity=Identity(identity, identity),
        base_url=base_url,
        alias=alias,
    )
    return store_account(new, actor=actor_of(world.member), owner=owner_ref(world.member), now=timezone.now())


def test_store_makes_an_account_and_then_renews_it(world: World, toolkit: Toolkit) -> None:
    first, again = store(world, toolkit, "ada", alias="Mine"), store(world, toolkit, "ada")

    assert (first.was_renewed, again.was_renewed) == (False, True)
    assert (again.account.id, again.account.alias) == (first.account.id, "Mine")


def test_store_says_from_which_account_the_newest_takes_over(world: World, toolkit: Toolkit) -> None:
    first, second = store(world, toolkit, "ada"), store(world, toolkit, "sam")

    assert first.takes_over_from is None
    assert second.takes_over_from == first.account


def test_the_same_identity_at_another_address_is_another_account(world: World, toolkit: Toolkit) -> None:
    """A renewed auth config may point elsewhere: the old tokens stay with the old address (check E12)."""
    first, other = store(world, toolkit, "ada"), store(world, toolkit, "ada", base_url="https://b.test")

    assert other.account.id != first.account.id
    assert reread(first.account).base_url == "https://a.test"


def test_a_paused_account_is_not_in_use_while_another_is_awake(world: World, toolkit: Toolkit) -> None:
    awake = make_connected_account(toolkit, owner=world.acme)
    make_connected_account(toolkit, owner=world.acme, status="paused")

    found = account_in_use(actor=actor_of(world.member), owner=world.acme.ref, toolkit_id=toolkit.id)

    assert found == awake
