"""Ending an application: keeping what its end users have, or deleting all of them with everything."""

from collections.abc import Callable
from typing import Any

import pytest
from django.utils import timezone

from integrations import oauth
from integrations.credentials import seal_pending
from integrations.jobs import deletion as steps
from integrations.jobs.deletion import carry_out_deletions
from integrations.models import ConnectedAccount, ConnectionRequest, Execution, ToolSession
from orgs.errors import ConflictError, DomainError, ForbiddenError, NotFoundError
from orgs.models import Application, AuditEvent, Deletion, EndUser, Notice, Owner, RevokedAccount
from orgs.services.applications import end_application
from orgs.services.end_user_deletions import delete_end_user, delete_end_users
from tests.factories import (
    actor_of,
    make_application,
    make_application_key,
    make_auth_config,
    make_connected_account,
    make_connection_request,
    make_end_user,
    make_execution,
    make_finished_execution,
    make_session,
    make_tool,
    make_toolkit,
)
from tests.integrations.api.door import Door, door_of
from tests.world import World

pytestmark = pytest.mark.django_db
PAGES = "/orgs/acme/applications/"
CONFIRMED = oauth.Revocation(confirmed=True, detail="The provider confirmed it.")


@pytest.fixture
def told(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What the providers were told of: accounts, and tokens that nobody had confirmed."""
    found: list[str] = []

    def withdraw(account: ConnectedAccount, values: dict[str, str] | None) -> oauth.Revocation:
        del values
        found.append(account.identity_label)
        return CONFIRMED

    def take_back(tokens: oauth.Tokens | None, config: Any, **whose: Any) -> oauth.Revocation:
        del config, whose
        assert tokens is not None
        found.append(tokens.access_token)
        return CONFIRMED

    monkeypatch.setattr(steps, "withdraw", withdraw)
    monkeypatch.setattr(steps, "take_back", take_back)
    return found


@pytest.fixture
def shop(world: World) -> Application:
    """Two end users with everything; a second application, the organization and a member next to it."""
    shop, toolkit = make_application(world.acme, "Shop"), make_toolkit("github", name="GitHub")
    tool, key = make_tool(toolkit), make_application_key(shop)[0]
    for name in ("alice", "bob"):
        row = make_end_user(shop, name)
        account = make_connected_account(toolkit, owner=row, identity_label=f"{name}-at-github")
        make_finished_execution(tool, owner=row, user=None, connected_account=account, api_key=key)
        make_execution(tool, owner=row, user=None, connected_account=account, api_key=key)
        make_session(toolkit, owner=row, user=None)
    for holder in (make_end_user(make_application(world.acme, "Kiosk"), "alice"), world.acme, world.member):
        make_connected_account(toolkit, owner=holder, identity_label="stays")
    return shop


def begin(shop: Application) -> ConnectionRequest:
    """An end user came back from the provider, and nobody has confirmed who it was."""
    toolkit = make_toolkit("slack", name="Slack")
    config = make_auth_config(toolkit)
    row = make_connection_request(config, owner=EndUser.objects.get(application=shop, external="bob"), user=None)
    tokens = {"access_token": "held-token", "refresh_token": ""}
    pending = seal_pending(row.id, {"tokens": tokens}, field_name="pending")
    ConnectionRequest.objects.unscoped("a test").filter(id=row.id).update(status="confirming", pending=pending)
    return row


def page_of(shop: Application) -> str:
    return f"{PAGES}{shop.text_id}/"


def labels_left() -> list[str]:
    rows = ConnectedAccount.objects.unscoped("a test looks").exclude(status="revoked")
    return sorted(rows.values_list("identity_label", flat=True))


def delete(world: World, row: Application, who: str = "admin", typed: str = "Shop") -> Deletion:
    asking: dict[str, Any] = {"actor": actor_of(world.people[who], world.acme), "owner": world.acme.ref}
    return delete_end_users(**asking, application_id=row.id, typed=typed, now=timezone.now())


def end(world: World, row: Application) -> None:
    end_application(
        actor=actor_of(world.admin, world.acme), owner=world.acme.ref, application_id=row.id, now=timezone.now()
    )


# --- Ended, and kept


def test_page_offers_both_and_says_what_there_is(world: World, shop: Application) -> None:
    begin(shop)

    page = world.client("admin").get(f"{page_of(shop)}end/").text

    assert "2</strong>: 2 of GitHub; <strong>1</strong> begun and not confirmed" in page
    assert "<strong>4</strong>; <strong>2</strong> not over yet" in page
    assert f"{page_of(shop)}delete/" in page


@pytest.mark.parametrize(("page", "button"), [("change/", "Save"), ("keys/new/", "Make the key")])
def test_forms_of_an_ended_application_say_that_it_has_ended(
    world: World, shop: Application, page: str, button: str
) -> None:
    admin = world.client("admin")
    assert "The application has ended" not in admin.get(f"{page_of(shop)}{page}").text
    end(world, shop)

    after = admin.get(f"{page_of(shop)}{page}").text

    assert "The application has ended" in after
    assert button in after


def test_what_is_kept_can_be_deleted_later(world: World, shop: Application, told: list[str]) -> None:
    admin = world.client("admin")
    assert "Delete all end users" not in admin.get(page_of(shop)).text
    admin.post(f"{page_of(shop)}end/")
    assert labels_left().count("stays") == 3
    assert len(labels_left()) == 5

    assert "Delete all end users" in admin.get(page_of(shop)).text
    delete(world, Application.objects.get(id=shop.id))

    assert carry_out_deletions() == 1
    assert labels_left() == ["stays"] * 3
    assert sorted(told) == ["alice-at-github", "bob-at-github"]


# --- Deleted


def test_all_end_users_go_with_everything_and_nothing_else_does(
    world: World, shop: Application, told: list[str]
) -> None:
    begin(shop)
    admin, path = world.client("admin"), f"{page_of(shop)}delete/"
    door, organizations = Door(make_application_key(shop)[1]), door_of(world.acme)
    assert "2 of GitHub" in admin.get(path).text

    assert admin.post(path, {"typed": "shop"}).status_code == 422
    assert door.get("/identities")[0] == 200
    assert admin.post(path, {"typed": "Shop"}).status_code == 302
    assert door.get("/identities")[0] == 401
    assert set(EndUser.objects.filter(deleting_since=None).values_list("application__name", flat=True)) == {"Kiosk"}
    assert carry_out_deletions() == 1

    assert sorted(told) == ["alice-at-github", "bob-at-github", "held-token"]
    assert labels_left() == ["stays"] * 3
    assert [row.application.name for row in EndUser.objects.all()] == ["Kiosk"]
    assert Owner.objects.filter(kind="end_user").count() == 1
    for model in (Execution, ToolSession, ConnectionRequest):
        assert not model.objects.unscoped("a test looks").exists()
    assert Application.objects.get(id=shop.id).has_ended
    assert organizations.get("/identities")[0] == 200


def test_report_and_log_survive_without_what_the_application_called_anybody(
    world: World, shop: Application, told: list[str]
) -> None:
    EndUser.objects.filter(application=shop, external="alice").update(external="customer-alice-8472")
    deletion = delete(world, shop)
    carry_out_deletions()

    for who, status in (("admin", 200), ("owner", 200), ("member", 404), ("outsider", 404)):
        assert world.client(who).get(f"/me/reports/{deletion.text_id}/").status_code == status
    report = world.client("admin").get(f"/me/reports/{deletion.text_id}/").text
    assert "All end users of Shop" in report
    assert shop.text_id in report
    assert report.count("The provider confirmed it.") == len(told) == 2
    events = AuditEvent.objects.of_owner(world.acme.ref)
    steps_told = {"application.delete", "application.end", "deletion.start", "deletion.finish"}
    assert set(events.filter(target_id=shop.text_id).values_list("action", flat=True)) == steps_told
    assert events.get(action="application.delete").details == {"count": 2}
    assert events.filter(action="connection.disconnect").count() == 2
    assert "customer-alice-8472" not in str(list(AuditEvent.objects.values())) + str(list(Deletion.objects.values()))
    told_people = Notice.objects.filter(title="All end users of Shop are deleted").values_list("user", flat=True)
    assert set(told_people) == {world.admin.id, world.owner.id}


def test_page_says_how_far_it_has_come(
    world: World, shop: Application, told: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    admin = world.client("admin")
    delete(world, shop)
    assert "It begins within a minute." in admin.get(page_of(shop)).text
    with monkeypatch.context() as stopped:
        stopped.setattr(steps, "_is_empty", lambda _owner, _until: False)
        assert carry_out_deletions() == 0

    page = admin.get(page_of(shop)).text
    assert "2 of 2 accounts withdrawn at the provider, 2 end users left." in page
    assert "being deleted already" in admin.get(f"{page_of(shop)}delete/").text
    assert carry_out_deletions() == 1
    assert "All end users were deleted" in admin.get(page_of(shop)).text
    assert "All end users were deleted" not in world.client("member").get(page_of(shop)).text
    assert len(told) == 2


def test_crash_after_a_provider_was_told_is_taken_up_again(
    world: World, shop: Application, monkeypatch: pytest.MonkeyPatch
) -> None:
    tries: list[str] = []

    def withdraw(account: ConnectedAccount, values: Any) -> oauth.Revocation:
        del values
        tries.append(account.identity_label)
        if len(tries) == 1:
            raise KeyboardInterrupt
        return CONFIRMED

    monkeypatch.setattr(steps, "withdraw", withdraw)
    delete(world, shop)
    with pytest.raises(KeyboardInterrupt):
        carry_out_deletions()
    RevokedAccount.objects.update(lease_until=None)

    assert carry_out_deletions() == 1
    assert len(tries) == 3
    assert labels_left() == ["stays"] * 3


def test_one_of_them_may_be_going_already(world: World, shop: Application, told: list[str]) -> None:
    alice = EndUser.objects.get(application=shop, external="alice")
    which: dict[str, Any] = {"application_id": shop.id, "end_user_id": alice.id, "now": timezone.now()}
    delete_end_user(actor=actor_of(world.admin, world.acme), owner=world.acme.ref, **which)
    delete(world, shop)

    assert carry_out_deletions() == 2
    assert sorted(told) == ["alice-at-github", "bob-at-github"]
    assert not EndUser.objects.filter(application=shop).exists()


# --- Refused


def other_name(world: World, shop: Application) -> None:
    delete(world, shop, typed="Kiosk")


def under_way(world: World, shop: Application) -> None:
    delete(world, shop)
    delete(world, shop)


def nothing_left(world: World, shop: Application) -> None:
    EndUser.objects.filter(application=shop).exclude(owner=None).update(application=make_application(world.acme))
    end(world, shop)
    delete(world, Application.objects.get(id=shop.id))


@pytest.mark.parametrize(
    ("attempt", "error", "code"),
    [
        (other_name, DomainError, "not_confirmed"),
        (under_way, ConflictError, "end_users_deleting"),
        (nothing_left, ConflictError, "no_end_users"),
        (lambda world, shop: delete(world, shop, "member"), ForbiddenError, "role_insufficient"),
        (lambda world, shop: delete(world, shop, "outsider"), NotFoundError, None),
    ],
)
def test_deletion_is_refused_with_the_reason(
    world: World, shop: Application, attempt: Callable[..., Any], error: type[DomainError], code: str | None
) -> None:
    with pytest.raises(error) as caught:
        attempt(world, shop)

    assert code in {None, caught.value.code}
    assert len(labels_left()) == 5


def test_page_tells_of_a_refusal(world: World, shop: Application) -> None:
    delete(world, shop)

    again = world.client("admin").post(f"{page_of(shop)}delete/", {"typed": "Shop"}, follow=True)

    assert "All end users of Shop are being deleted already." in again.text
    assert Deletion.objects.count() == 1


def test_application_of_another_organization_is_not_found(world: World, shop: Application) -> None:
    theirs = make_application(world.globex, "Shop")

    with pytest.raises(NotFoundError):
        delete(world, theirs)
    assert delete(world, shop).organization_uuid == world.acme.id
