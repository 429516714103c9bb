"""The admin site shows what is on its allow-lists, to staff, and cannot be asked about anything else."""

import pytest
from allauth.mfa.totp.internal.auth import TOTP
from allauth.usersessions.models import UserSession
from django.contrib import admin
from django.db.models import Field, Model
from django.test import Client

from accounts.admin_base import ShownAdmin
from integrations.models.encrypted import EncryptedJSONField
from tests.factories import make_api_key
from tests.staff import make_superuser, sign_in
from tests.world import World

pytestmark = pytest.mark.django_db

SEED = "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP"
OURS = sorted(
    (model for model, site in admin.site._registry.items() if isinstance(site, ShownAdmin)), key=lambda m: m._meta.label
)
ADDED = {"integrations.AuthConfig"}  # the installation's own OAuth apps
# Columns that no page of the admin site shows. A new column of a registered model belongs here or on its page.
HIDDEN = {
    "accounts.User": {"hides_first_steps", "password", "theme", "user_permissions"},
    "account.EmailAddress": {"id"},
    "mfa.Authenticator": {"id", "data"},
    "orgs.ApiKey": {"id", "digest"},
    "orgs.Membership": {"id"},
    "orgs.Organization": set(),
    "orgs.Invitation": {"digest"},
}


@pytest.fixture
def superuser(db: None) -> Client:
    return sign_in(make_superuser())


# The installation's own OAuth apps are set here; everything else comes from the product.
MADE_HERE = {"integrations.AuthConfig"}


def columns(model: type[Model]) -> set[str]:
    fields = [*model._meta.fields, *model._meta.many_to_many]
    return {field.name for field in fields if isinstance(field, Field)}


def address(model: type[Model], tail: str = "") -> str:
    return f"/admin/{model._meta.app_label}/{model._meta.model_name}/{tail}"


@pytest.mark.parametrize("model", [m for m in OURS if m._meta.label in HIDDEN], ids=lambda m: m._meta.label)
def test_every_column_is_shown_or_hidden_on_purpose(model: type[Model]) -> None:
    shown = set(admin.site._registry[model].shown)  # type: ignore[attr-defined]  # a ShownAdmin

    assert shown | HIDDEN[model._meta.label] == columns(model)
    assert not shown & HIDDEN[model._meta.label]


@pytest.mark.parametrize("model", OURS, ids=lambda m: m._meta.label)
def test_no_sealed_column_is_shown_or_asked_about(model: type[Model]) -> None:
    sealed = {field.name for field in model._meta.fields if isinstance(field, EncryptedJSONField)}
    site = admin.site._registry[model]

    assert not sealed & {*site.shown, *site.list_display, *site.list_filter, *site.search_fields}  # type: ignore[attr-defined]  # a ShownAdmin


def test_every_model_on_the_site_is_shown_by_allow_list() -> None:
    others = [model._meta.label for model, site in admin.site._registry.items() if not isinstance(site, ShownAdmin)]

    assert others == ["auth.Group"]
    assert UserSession not in admin.site._registry


@pytest.mark.parametrize("label", sorted(HIDDEN))
def test_hidden_columns_cannot_be_asked_about(world: World, superuser: Client, label: str) -> None:
    model = next(one for one in OURS if one._meta.label == label)
    asked = [*HIDDEN[label], "owner__user__password", "user__password", "created_by__password", "pk"]

    for column in asked:
        for lookup in ("", "__startswith", "__regex", "__gt", "__in"):
            response = superuser.get(address(model), {f"{column}{lookup}": "a"})
            assert response.status_code in {302, 400}, f"{column}{lookup}"
            if response.status_code == 302:  # Django's way of saying: no such filter
                assert response.headers["Location"].endswith("?e=1")


def test_filters_of_the_list_work(world: World, superuser: Client) -> None:
    page = superuser.get("/admin/accounts/user/", {"is_staff__exact": "1"}).content.decode()

    assert world.staff.email in page
    assert world.member.email not in page


def test_no_admin_page_shows_a_secret(world: World, superuser: Client) -> None:
    key, secret = make_api_key(world.acme)
    second_factor = TOTP.activate(world.member, SEED).instance
    stored = [key.digest, secret, second_factor.data["secret"], SEED, world.member.password]
    world.client("member").get("/profile/")
    rows = [key, second_factor, world.member, world.acme]

    pages = [superuser.get(address(type(row), tail)) for row in rows for tail in ("", f"{row.pk}/change/")]

    assert [page.status_code for page in pages] == [200] * len(pages)
    assert not [text for text in stored for page in pages if text in page.content.decode()]


@pytest.mark.parametrize("model", OURS, ids=lambda m: m._meta.label)
def test_nothing_is_added_or_deleted_in_the_admin_site(superuser: Client, model: type[Model]) -> None:
    row = model._default_manager.first()

    assert superuser.get(address(model, "add/")).status_code == (200 if model._meta.label in MADE_HERE else 403)
    if row is not None:
        assert superuser.post(address(model, f"{row.pk}/delete/"), {"post": "yes"}).status_code == 403
        assert model._default_manager.filter(pk=row.pk).exists()


def test_superuser_suspends_a_user_and_changes_nothing_else(world: World, superuser: Client) -> None:
    values = {"email": "evil@example.com", "username": "evil", "password": "evil", "is_superuser": "on"}

    response = superuser.post(f"/admin/accounts/user/{world.member.pk}/change/", values)

    before = world.member
    after = type(before).objects.get(pk=before.pk)
    assert response.status_code == 302
    assert after.is_active is False
    for name in ("email", "username", "password", "is_superuser"):
        assert getattr(after, name) == getattr(before, name)


def test_staff_without_permissions_see_no_row(world: World) -> None:
    client = sign_in(world.staff)

    assert client.get("/admin/").status_code == 200
    for model in OURS:
        assert client.get(address(model)).status_code == 403


def test_admin_site_has_no_sign_in_of_its_own(world: World, client: Client) -> None:
    assert client.get("/admin/").headers["Location"] == "/admin/login/?next=/admin/"
    assert client.get("/admin/login/?next=/admin/").headers["Location"].startswith("/accounts/login/?next=")
    assert client.post("/admin/login/", {"username": "x", "password": "y"}).status_code == 302
    assert world.client("member").get("/admin/login/").status_code == 403
