"""The support team looks at what is listed and changes nothing; no question finds out what is hidden (A1, A2, A3, A8).

Everything here is made from the registry of the admin site: a model that is registered tomorrow is asked the same.
"""

from collections.abc import Iterator
from typing import Any

import pytest
from django.contrib import admin
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import Group, Permission
from django.core.management import call_command
from django.db.models import Field, ForeignKey, Model
from django.test import Client
from django.urls import get_resolver

from accounts import admin_door
from accounts.admin_base import ShownAdmin
from accounts.models import User
from integrations.models.encrypted import EncryptedJSONField
from orgs.models import AuditEvent
from tests.factories import make_api_key, make_auth_config, make_toolkit
from tests.staff import make_superuser, make_supporter, sign_in
from tests.world import World

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("furnished_once")]
SITES: dict[type[Model], Any] = dict(admin.site._registry)
SHOWN = sorted((one for one, site in SITES.items() if isinstance(site, ShownAdmin)), key=lambda one: one._meta.label)
FOR_SUPPORT = [one for one in SHOWN if SITES[one].for_support]
LOOKUPS = ("", "__exact", "__startswith", "__icontains", "__regex", "__gt", "__lte", "__in", "__isnull", "__year")
PATTERNS = {"__regex": ".", "__isnull": "0", "__year": "2026"}


def label(model: type[Model]) -> str:
    return model._meta.label


def address(model: type[Model], tail: str = "") -> str:
    return f"/admin/{model._meta.app_label}/{model._meta.model_name}/{tail}"


@pytest.fixture(autouse=True)
def no_hurry(monkeypatch: pytest.MonkeyPatch) -> None:
    """The pace is limited; tests/accounts/test_admin_door.py has that."""
    monkeypatch.setattr(admin_door, "PER_MINUTE", 1_000_000)


@pytest.fixture
def full(world: World) -> World:
    """Something of everything."""
    make_api_key(world.acme)
    make_auth_config(make_toolkit("gitlab"), owner=world.acme)
    return world


@pytest.fixture
def support(full: World) -> Client:
    return sign_in(make_supporter())


def a_row(model: type[Model]) -> Any:
    return model._base_manager.order_by("pk").first()


def stored(model: type[Model]) -> list[Any]:
    return list(model._base_manager.order_by("pk").values())


# --- Looking, and nothing else


def test_support_sees_these_models_and_no_others() -> None:
    assert [label(one) for one in FOR_SUPPORT] == [
        "account.EmailAddress",
        "accounts.User",
        "integrations.AuthConfig",
        "integrations.ConnectedAccount",
        "integrations.ConnectionRequest",
        "integrations.Execution",
        "integrations.Tool",
        "integrations.Toolkit",
        "mfa.Authenticator",
        "orgs.ApiKey",
        "orgs.Invitation",
        "orgs.Membership",
        "orgs.Organization",
    ]


@pytest.mark.parametrize("model", list(SITES), ids=label)
def test_support_looks_and_neither_adds_nor_changes_nor_deletes(support: Client, model: type[Model]) -> None:
    call_command("sync_groups", verbosity=0)
    if model is LogEntry or not stored(model):
        sign_in(make_superuser())  # who has a second factor, for the list of those
    row, before = a_row(model), stored(model)
    may_look = 200 if model in FOR_SUPPORT else 403
    if row is None:
        assert support.get(address(model)).status_code == may_look
        return
    page = address(model, f"{row.pk}/change/")
    values = {field.name: "1" for field in model._meta.fields}

    looking = [support.get(one).status_code for one in (address(model), page, address(model, f"{row.pk}/history/"))]
    changing = [
        support.get(address(model, "add/")).status_code,
        support.post(address(model, "add/"), values).status_code,
        support.post(page, values).status_code,
        support.get(address(model, f"{row.pk}/delete/")).status_code,
        support.post(address(model, f"{row.pk}/delete/"), {"post": "yes"}).status_code,
    ]
    support.post(address(model), {"action": "delete_selected", "_selected_action": [row.pk], "post": "yes"})

    assert looking == [may_look] * 3
    assert changing == [403] * 5
    assert stored(model) == before


def test_staff_outside_the_groups_sees_nothing(full: World) -> None:
    client = sign_in(full.staff)

    assert {client.get(address(one)).status_code for one in SHOWN} == {403}


def test_log_of_every_tenant_is_not_for_support(support: Client) -> None:
    event = AuditEvent.objects.first()

    assert support.get(address(AuditEvent, f"{event.pk}/change/")).status_code == 403
    assert sign_in(make_superuser()).get(address(AuditEvent, f"{event.pk}/change/")).status_code == 200


def test_no_list_offers_anything_to_do_with_many_rows_at_once(support: Client) -> None:
    for model in FOR_SUPPORT:
        assert 'name="action"' not in support.get(address(model)).content.decode()


# --- No question is answered about what is not shown


def asked_about(model: type[Model]) -> Iterator[str]:
    """Every column with every look-up, and every column of every model that it points to with one."""
    for field in model._meta.get_fields():
        if isinstance(field, Field):
            yield from (f"{field.name}{lookup}" for lookup in LOOKUPS)
        if isinstance(field, ForeignKey):
            yield from (f"{field.name}__{other.name}__startswith" for other in field.related_model._meta.fields)


@pytest.mark.parametrize("model", SHOWN, ids=label)
def test_columns_are_filtered_by_only_where_the_list_says_so(full: World, model: type[Model]) -> None:
    client = sign_in(make_superuser())
    offered = set(SITES[model].list_filter)

    answered = {one for one in asked_about(model) if not _is_refused(client.get(address(model), {one: pattern(one)}))}

    allowed = {f"{one}{lookup}" for one in offered for lookup in ("", "__exact", "__isnull")}
    assert answered <= allowed
    assert not {one for one in offered if isinstance(model._meta.get_field(one), EncryptedJSONField)}


def pattern(question: str) -> str:
    return next((text for lookup, text in PATTERNS.items() if question.endswith(lookup)), "a")


def _is_refused(response: Any) -> bool:
    """Refused outright, or sent back to the list without the question."""
    return response.status_code == 400 or (
        response.status_code == 302 and response.headers["Location"].endswith("?e=1")
    )


@pytest.mark.parametrize("model", FOR_SUPPORT, ids=label)
def test_searching_for_a_hidden_value_finds_nothing(support: Client, model: type[Model]) -> None:
    site, row = SITES[model], a_row(model)
    if row is None:
        return
    hidden = [one for one in model._meta.fields if one.name not in site.shown]
    shown = str([getattr(row, one, "") for one in site.shown]) + str(getattr(row, "text_id", ""))
    for field in hidden:
        value = str(getattr(row, field.attname) or "")
        if len(value) > 8 and value not in shown:
            found = support.get(address(model), {"q": value[:200]}).context["cl"].result_count
            assert found == 0, field.name


@pytest.mark.parametrize("model", FOR_SUPPORT, ids=label)
def test_order_popup_and_target_field_tell_nothing(support: Client, model: type[Model]) -> None:
    """`o=` knows the columns of the list alone; `_to_field` no column but the key."""
    site = SITES[model]
    columns = {str(one) for one in site.get_list_display(None)}
    hidden = {one.name for one in model._meta.fields} - set(site.shown)
    count = support.get(address(model)).context["cl"].result_count

    assert not columns & hidden
    for order in ("1", "-1", "99", "1.2.-3", "password"):
        assert support.get(address(model), {"o": order}).context["cl"].result_count == count
    for name in sorted(hidden - {"id"}):
        assert support.get(address(model), {"_to_field": name}).status_code == 400
        assert support.get(address(model), {"_popup": "1", "_to_field": name}).status_code == 400
    assert support.get(address(model), {"_to_field": "id", "_popup": "1"}).status_code == 200  # the allowed twin
    assert site.date_hierarchy is None


def test_autocomplete_answers_nobody(support: Client) -> None:
    for client in (support, sign_in(make_superuser())):
        query = {"app_label": "integrations", "model_name": "connectedaccount", "field_name": "owner", "term": "a"}
        assert client.get("/admin/autocomplete/", query).status_code == 403


# --- What stands on the pages


@pytest.mark.parametrize("model", FOR_SUPPORT, ids=label)
def test_no_page_shows_a_sealed_or_hashed_value(support: Client, model: type[Model]) -> None:
    secrets = {"password", "digest", "data", "state_hash", "browser_session_hash", "fingerprint", "lease_token"}
    for row in model._base_manager.all():
        pages = [support.get(address(model)), support.get(address(model, f"{row.pk}/change/"))]
        pages.append(support.get(address(model, f"{row.pk}/history/")))
        for field in model._meta.fields:
            value = getattr(row, field.attname)
            if value and (isinstance(field, EncryptedJSONField) or field.name in secrets):
                text = value.text if isinstance(field, EncryptedJSONField) else str(value)
                assert all(text not in page.content.decode() for page in pages), field.name


@pytest.mark.parametrize("model", FOR_SUPPORT, ids=label)
def test_lists_name_things_by_the_ids_that_people_know(support: Client, model: type[Model]) -> None:
    row = a_row(model)
    text_id = getattr(row, "text_id", None) or getattr(getattr(row, "ref", None), "text_id", "")
    if "id" not in SITES[model].shown or not text_id:
        return

    page = support.get(address(model, f"{row.pk}/change/")).content.decode()
    listed = support.get(address(model), {"q": text_id})

    assert text_id in page
    assert [one.pk for one in listed.context["cl"].result_list] == [row.pk]


def test_owner_is_found_by_its_id(support: Client, full: World) -> None:
    for model in FOR_SUPPORT:
        if "org" in SITES[model].text_ids:
            rows = support.get(address(model), {"q": full.acme.ref.text_id}).context["cl"].result_list
            assert len(rows) > 0, label(model)
            assert all("Globex" not in str(one) for one in rows)


def test_name_that_people_gave_an_account_is_theirs(support: Client, full: World) -> None:
    account = SITES[next(one for one in SHOWN if label(one) == "integrations.ConnectedAccount")].model
    row = a_row(account)
    account._base_manager.filter(pk=row.pk).update(alias="My secret crush's mailbox")

    pages = [support.get(address(account, tail)) for tail in ("", f"{row.pk}/change/", f"{row.pk}/history/")]

    assert all("secret crush" not in page.content.decode() for page in pages)


# --- The groups


def test_groups_are_exactly_what_the_command_says_and_it_can_be_repeated() -> None:
    call_command("sync_groups", verbosity=0)
    support = Group.objects.get(name="Support")
    support.permissions.add(Permission.objects.get(codename="delete_user"))
    first = set(Group.objects.get(name="Operators").permissions.all())

    call_command("sync_groups", verbosity=0)

    codenames = set(support.permissions.values_list("codename", flat=True))
    assert codenames == {f"view_{one._meta.model_name}" for one in FOR_SUPPORT} | {
        "pause_connectedaccount",
        "cancel_execution",
        "requeue_execution",
        "switch_toolkit",
        "resend_invitation",
        "look_organization",
        "unlock_user",
    }
    assert set(Group.objects.get(name="Operators").permissions.all()) == first
    assert {one.codename for one in first} - codenames == {"add_authconfig", "change_authconfig"}


def test_nobody_has_to_be_a_superuser(full: World) -> None:
    """Operators set up the installation's OAuth apps; support does the rest; nobody may do everything (A9)."""
    operator = sign_in(make_supporter("oscar", "Operators"))

    assert not User.objects.filter(is_superuser=True).exists()
    assert operator.get("/admin/integrations/authconfig/add/").status_code == 200
    assert operator.get("/admin/auth/group/").status_code == 403
    assert full.client("member").get("/me/").status_code == 200
    assert full.client("owner").get("/orgs/acme/connections/new/").status_code == 200


def test_there_is_no_way_to_act_as_somebody_else_or_to_dump_tables() -> None:
    """A5: impersonation is absent. A8: a dump is a thing of the command line, not of the admin site."""
    paths = " ".join(str(one.pattern) for one in get_resolver().url_patterns) + str(SITES)
    inside = [str(one.pattern) for site in SITES.values() for one in site.get_urls()]

    assert not [
        one for one in (paths, *inside) if any(word in one for word in ("hijack", "imperson", "dump", "export"))
    ]
