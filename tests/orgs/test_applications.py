"""Applications of an organization and their end users: registered, changed, ended, made on first use; on record."""

from typing import Any
from uuid import uuid4

import pytest

from orgs.audit import AuditAction
from orgs.errors import ConflictError, DomainError, ForbiddenError, NotFoundError, OutOfReachError
from orgs.models import ApiKey, Application, AuditEvent, EndUser
from orgs.models.applications import end_user_ref
from orgs.permissions import Actor, OwnerKind, OwnerRef, Scope
from orgs.queries.api_keys import actor_from_key
from orgs.services.api_keys import create_api_key
from orgs.services.applications import MOST_CALLBACKS, change_application, create_application, end_application
from orgs.services.end_users import row_to_own
from tests.factories import (
    NOW,
    actor_of,
    make_application,
    make_application_key,
    make_end_user,
    owner_ref,
)
from tests.world import World

pytestmark = pytest.mark.django_db
BACK = "https://shop.example.com/connected"


def create(world: World, persona: str = "admin", **values: Any) -> Application:
    asked = {"name": "Shop", "callback_urls": [BACK], **values}
    return create_application(actor=actor_of(world.people[persona]), owner=world.acme.ref, now=NOW, **asked)


def change(world: World, row: Application, persona: str = "admin", **values: Any) -> Application:
    asked = {"name": row.name, "callback_urls": row.callback_urls, **values}
    actor = actor_of(world.people[persona])
    return change_application(actor=actor, owner=world.acme.ref, application_id=row.id, now=NOW, **asked)


def end(world: World, row: Application, persona: str = "admin") -> int:
    return end_application(actor=actor_of(world.people[persona]), owner=world.acme.ref, application_id=row.id, now=NOW)


def actions() -> list[str]:
    return list(AuditEvent.objects.filter(target_kind="application").order_by("id").values_list("action", flat=True))


# --- Registering, changing, ending


def test_an_admin_registers_changes_and_ends_one_on_record(world: World) -> None:
    row = create(world, name="  Shop ", callback_urls=[f" {BACK} ", "", BACK])
    assert (row.name, row.callback_urls) == ("Shop", [BACK])

    change(world, row, name="Store")
    row.refresh_from_db()
    assert row.name == "Store"

    key, _text = make_application_key(row)
    assert end(world, row) == 1
    key.refresh_from_db()
    assert key.revoked_at == NOW
    assert actions() == [
        AuditAction.APPLICATION_CREATE,
        AuditAction.APPLICATION_CHANGE,
        AuditAction.APPLICATION_END,
    ]
    assert AuditEvent.objects.get(action=AuditAction.APPLICATION_CHANGE).details == {"fields": ["name"]}


@pytest.mark.parametrize("persona", ["member", "viewer"])
def test_smaller_roles_touch_none(world: World, persona: str) -> None:
    row = create(world)

    for act in (lambda: create(world, persona, name="Another"), lambda: change(world, row, persona)):
        with pytest.raises(ForbiddenError):
            act()
    with pytest.raises(ForbiddenError):
        end(world, row, persona)

    assert actions() == [AuditAction.APPLICATION_CREATE]


def test_one_of_another_organization_is_not_found(world: World) -> None:
    theirs = make_application(world.globex)

    with pytest.raises(NotFoundError):
        change(world, theirs)
    with pytest.raises(NotFoundError):
        end(world, Application(id=uuid4()))


@pytest.mark.parametrize(
    ("values", "field"),
    [
        ({"name": "  "}, "name"),
        ({"name": "x" * 81}, "name"),
        ({"callback_urls": ["ftp://x"]}, "callback_urls"),
        ({"callback_urls": [f"{BACK}/{number}" for number in range(MOST_CALLBACKS + 1)]}, "callback_urls"),
    ],
)
def test_bad_values_are_refused_by_field(world: World, values: dict[str, Any], field: str) -> None:
    with pytest.raises(DomainError) as caught:
        create(world, **values)

    assert caught.value.field == field
    assert not Application.objects.exists()


def test_a_name_is_there_once(world: World) -> None:
    create(world)
    other = create(world, name="Other")

    with pytest.raises(ConflictError, match="of that name already"):
        create(world)
    with pytest.raises(ConflictError, match="of that name already"):
        change(world, other, name="Shop")


def test_what_has_ended_is_over(world: World) -> None:
    row = create(world)
    end(world, row)

    with pytest.raises(ConflictError, match="has ended already"):
        change(world, row)
    with pytest.raises(ConflictError, match="has ended"):
        make_key(world, Application.objects.get(id=row.id))


# --- Its keys


def make_key(world: World, row: Application, *scopes: Scope) -> ApiKey:
    key, _text = create_api_key(
        actor=None,
        owner=world.acme.ref,
        name="A key",
        scopes=scopes or [Scope.TOOLS_READ],
        expires_at=None,
        application=row,
        now=NOW,
    )
    return key


def test_its_key_manages_nothing(world: World) -> None:
    row = make_application(world.acme)

    with pytest.raises(DomainError, match="does not manage"):
        make_key(world, row, Scope.ADMIN)

    assert make_key(world, row).application == row


# --- Its end users


def keyed(row: Application) -> Actor:
    return actor_from_key(secret=make_application_key(row)[1], now=NOW)


def somebody(row: Application, external: str = "customer-7") -> OwnerRef:
    """An end user whom nothing was stored for yet."""
    return end_user_ref(row, external, uuid4())


def test_an_end_user_is_made_on_first_use_once_and_in_the_organizations_log(world: World) -> None:
    row = make_application(world.acme)
    actor = keyed(row)

    first, again = (row_to_own(actor=actor, owner=somebody(row)) for _ in range(2))

    assert first == again
    made = EndUser.objects.get()
    event = AuditEvent.objects.get(action=AuditAction.END_USER_CREATE)
    assert (made.external, event.owner_id) == ("customer-7", world.acme.ref.text_id)
    assert event.details == {"end_user": made.text_id}


def test_nobody_else_stores_under_an_end_user(world: World) -> None:
    row, other = make_application(world.acme), make_application(world.acme)

    for actor in (keyed(other), actor_of(world.owner), actor_of(world.outsider)):
        with pytest.raises(OutOfReachError):
            row_to_own(actor=actor, owner=somebody(row))
    with pytest.raises(OutOfReachError):
        row_to_own(actor=keyed(row), owner=OwnerRef(OwnerKind.END_USER, uuid4()))

    assert not EndUser.objects.exists()


def test_nothing_new_is_stored_for_one_who_is_being_deleted(world: World) -> None:
    row = make_application(world.acme)
    leaving = make_end_user(row)
    EndUser.objects.filter(id=leaving.id).update(deleting_since=NOW)

    with pytest.raises(ConflictError, match="is being deleted"):
        row_to_own(actor=keyed(row), owner=leaving.ref)


def test_people_and_organizations_are_there_already(world: World) -> None:
    for owner in (owner_ref(world.member), world.acme.ref):
        assert row_to_own(actor=actor_of(world.member), owner=owner).ref == owner
