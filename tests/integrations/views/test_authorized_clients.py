"""The list of MCP clients that were let act, and the page that ends it for one."""

from datetime import timedelta

import pytest
from django.utils import timezone

from orgs.models import ApiKey, AuditEvent
from tests.factories import make_api_key, make_granted_key, make_session
from tests.world import World

pytestmark = pytest.mark.django_db


def test_a_person_sees_what_they_granted_for_whichever_id(world: World) -> None:
    session = make_session(owner=world.acme, user=world.member, name="Night shift")
    make_granted_key(world.member, world.member, name="Editor")
    make_granted_key(world.member, world.acme, f"/mcp/sessions/{session.text_id}", name="Terminal")
    make_granted_key(world.admin, world.acme, name="Somebody else's")

    text = world.client("member").get("/me/api-keys/mcp-clients/").content.decode()

    assert all(one in text for one in ("Editor", "Terminal", "Night shift", "Acme", "Everything under this ID"))
    assert "Somebody else" not in text


def test_admins_see_what_acts_for_the_organization_and_nothing_personal(world: World) -> None:
    make_granted_key(world.member, world.acme, name="Terminal")
    make_granted_key(world.member, world.member, name="Private editor")

    text = world.client("admin").get("/orgs/acme/api-keys/mcp-clients/").content.decode()

    assert "Terminal" in text
    assert world.member.display_name in text
    assert "Private editor" not in text


def test_an_empty_list_leads_to_the_sessions(world: World) -> None:
    text = world.client("member").get("/me/api-keys/mcp-clients/").content.decode()

    assert "No MCP client signed in yet" in text
    assert 'href="/me/sessions/"' in text


@pytest.mark.parametrize(("persona", "prefix"), [("member", "/me"), ("admin", "/orgs/acme")])
def test_either_of_them_ends_it(world: World, persona: str, prefix: str) -> None:
    key = make_granted_key(world.member, world.acme)
    url = f"{prefix}/api-keys/mcp-clients/{key.text_id}/revoke/"
    client = world.client(persona)
    assert "End it for Test agent" in client.get(url).content.decode()

    client.post(url)

    key.refresh_from_db()
    assert key.revoked_at is not None
    assert AuditEvent.objects.get(action="mcp_client.revoke").owner_id == world.acme.ref.text_id
    again = client.post(url, follow=True).content.decode()
    assert "may not act any more already" in again
    assert "No MCP client signed in yet" in again


def test_nobody_ends_what_is_not_theirs(world: World) -> None:
    own, ordinary = make_granted_key(world.member, world.member), make_api_key(world.member)[0]

    for persona, prefix in (("admin", "/orgs/acme"), ("admin", "/me"), ("outsider", "/me")):
        assert world.client(persona).post(f"{prefix}/api-keys/mcp-clients/{own.text_id}/revoke/").status_code == 404
    assert world.client("member").post(f"/me/api-keys/mcp-clients/{ordinary.text_id}/revoke/").status_code == 404
    assert not ApiKey.objects.exclude(revoked_at=None).exists()


def test_a_grant_is_no_api_key_to_people(world: World) -> None:
    key = make_granted_key(world.member, world.member)
    client = world.client("member")

    assert "Test agent" not in client.get("/me/api-keys/").content.decode()
    assert client.get(f"/me/api-keys/{key.text_id}/").status_code == 404
    assert client.post(f"/me/api-keys/{key.text_id}/rotate/", {"days": "30"}).status_code == 404


def test_what_is_over_is_not_in_the_list(world: World) -> None:
    make_granted_key(world.member, world.member, name="Long ago", expires_at=timezone.now() + timedelta(seconds=1))
    ApiKey.objects.update(expires_at=timezone.now())

    assert "Long ago" not in world.client("member").get("/me/api-keys/mcp-clients/").content.decode()
