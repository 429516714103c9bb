"""The pages about API keys: the text is shown once, what used a key is shown before it is revoked."""

import re
from datetime import timedelta

import pytest
from django.conf import LazySettings
from django.test import Client
from django.utils import timezone

from orgs.errors import DomainError
from orgs.models import ApiKey, AuditEvent
from orgs.permissions import Standing
from orgs.queries.api_keys import actor_from_key
from tests.factories import make_api_key, make_execution, make_session, make_tool, make_toolkit
from tests.world import World

pytestmark = pytest.mark.django_db
ASKED = {"name": "Nightly", "scopes": ["tools:read"], "days": "30", "organization": "all"}
KEY = re.compile(r"sb_(?:user|org)_[0-9a-f]{16}_[0-9a-f]{56}")


def shown(client: Client, path: str) -> str:
    return client.get(path).content.decode()


def test_a_member_makes_a_key_and_sees_it_once(world: World) -> None:
    client = world.client("member")

    page = client.post("/me/api-keys/new/", {**ASKED, "organization": world.acme.ref.text_id}).content.decode()
    [text] = set(KEY.findall(page))
    key = ApiKey.objects.get()

    assert actor_from_key(secret=text, now=timezone.now()).standing is Standing.GOOD
    assert (key.name, key.scopes, key.organization) == ("Nightly", ["tools:read"], world.acme)
    for path in ("/me/api-keys/", f"/me/api-keys/{key.text_id}/", "/me/audit/"):
        assert text not in shown(client, path)
    assert text not in str(client.session.items())


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"name": ""}, "This field is required"),
        ({"scopes": []}, "Choose at least one"),
        ({"days": "9999"}, "Select a valid choice"),
        ({"organization": "org_" + "0" * 32}, "Select a valid choice"),
    ],
)
def test_a_form_that_does_not_fit_makes_nothing_and_keeps_what_was_typed(
    world: World, change: dict[str, object], says: str
) -> None:
    answer = world.client("member").post("/me/api-keys/new/", {**ASKED, **change})

    assert answer.status_code == 422
    assert says in answer.content.decode()
    assert not ApiKey.objects.exists()


def test_what_the_service_refuses_is_said_beside_the_form(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(**_values: object) -> None:
        raise DomainError("You have left it a moment ago.", field="organization")

    monkeypatch.setattr("integrations.views.api_keys.create_api_key", refuse)

    answer = world.client("member").post("/me/api-keys/new/", ASKED)

    assert answer.status_code == 422
    assert "You have left it a moment ago." in answer.content.decode()


@pytest.mark.parametrize(("longest", "offered"), [(30, ["7", "30"]), (45, ["7", "30", "45"]), (0, ["0"])])
def test_only_lifetimes_that_are_allowed_are_offered(
    world: World, settings: LazySettings, longest: int, offered: list[str]
) -> None:
    settings.API_KEY_MAX_DAYS = longest

    page = shown(world.client("member"), "/me/api-keys/new/")

    for days in offered:
        assert f'<option value="{days}"' in page
    if longest:
        assert '<option value="365"' not in page


def test_an_admin_makes_an_organization_key_that_nobody_is_asked_to_bind(world: World) -> None:
    client = world.client("admin")
    assert 'name="organization"' not in shown(client, "/orgs/acme/api-keys/new/")

    page = client.post("/orgs/acme/api-keys/new/", ASKED).content.decode()

    assert KEY.search(page)
    assert ApiKey.objects.get().owner.ref == world.acme.ref


def test_rotating_shows_a_second_key_and_revoking_ends_the_first(world: World) -> None:
    client = world.client("member")
    old, first = make_api_key(world.member, name="Nightly")

    page = client.post(f"/me/api-keys/{old.text_id}/rotate/", {"days": "7"}).content.decode()
    [second] = set(KEY.findall(page))
    answer = client.post(f"/me/api-keys/{old.text_id}/revoke/", follow=True)

    assert "Nightly is revoked" in answer.content.decode()
    now = timezone.now()
    assert actor_from_key(secret=first, now=now).standing is Standing.REVOKED
    assert actor_from_key(secret=second, now=now).standing is Standing.GOOD


def test_a_key_that_is_over_is_not_rotated(world: World) -> None:
    key, _ = make_api_key(world.member)
    client = world.client("member")
    client.post(f"/me/api-keys/{key.text_id}/revoke/")

    again = client.post(f"/me/api-keys/{key.text_id}/rotate/", {"days": "7"})
    twice = client.post(f"/me/api-keys/{key.text_id}/revoke/", follow=True)

    assert again.status_code == 422
    assert "revoked already" in again.content.decode()
    assert "revoked already" in twice.content.decode()
    assert AuditEvent.objects.filter(action="api_key.revoke").count() == 1


def test_what_used_a_key_is_shown_before_it_is_revoked(world: World) -> None:
    tool = make_tool(make_toolkit("github"))
    key, _ = make_api_key(world.member)
    recent = {"created_at": timezone.now() - timedelta(days=2), "api_key": key}
    make_execution(tool, owner=world.member, status="succeeded", **recent)
    make_execution(tool, owner=world.acme, user=world.member, **recent)
    make_execution(tool, owner=world.member, status="succeeded", created_at=timezone.now() - timedelta(days=40))
    make_session(tool.toolkit, owner=world.member, api_key=key, name="Inbox agent")

    page = shown(world.client("member"), f"/me/api-keys/{key.text_id}/revoke/")

    assert "GITHUB_GET_THING" in page
    assert "2 times" in page
    assert "Inbox agent" in page
    assert "refused, and nothing of it is sent" in page
    assert ApiKey.objects.get().revoked_at is None


def test_a_key_whose_maker_is_gone_is_kept_by_hand(world: World) -> None:
    key, _ = make_api_key(world.acme)
    client = world.client("owner")
    assert "1 key to look at" in shown(client, "/orgs/acme/api-keys/")

    client.post(f"/orgs/acme/api-keys/{key.text_id}/keep/")

    assert "to look at" not in shown(client, "/orgs/acme/api-keys/")


def test_an_id_that_is_no_keys_is_nothing(world: World) -> None:
    assert world.client("member").get("/me/api-keys/nonsense/").status_code == 404
