"""What a person grants an MCP client, and how it ends; deleting an end user a second time. Asked of the services."""

from dataclasses import replace
from datetime import timedelta

import pytest
from django.utils import timezone

from orgs.errors import ConflictError, DomainError
from orgs.models import ApiKey, AuditEvent, Deletion, EndUser
from orgs.permissions import Scope
from orgs.queries.actors import actor_for_key
from orgs.services.end_user_deletions import delete_end_user
from orgs.services.oauth import Consent, authorize_client, register_client, revoke_for_client, revoke_granted
from tests.factories import (
    NOW,
    actor_of,
    make_api_key,
    make_application,
    make_end_user,
    make_granted_key,
    owner_ref,
)
from tests.world import World

pytestmark = pytest.mark.django_db
REDIRECT = "http://127.0.0.1:4711/callback"


def consent_of(world: World) -> Consent:
    client = register_client(actor=None, name="Agent", redirect_uris=[REDIRECT], now=NOW)
    mine = owner_ref(world.member)
    return Consent(
        client, mine, f"/mcp/{mine.text_id}", [Scope.TOOLS_READ], NOW + timedelta(days=1), REDIRECT, "c" * 43
    )


def test_a_person_grants_under_their_own_id_and_their_organizations_alone(world: World) -> None:
    consent, actor = consent_of(world), actor_of(world.member)
    key = make_api_key(world.acme)[0]

    for who, what in (
        (actor, replace(consent, owner=owner_ref(world.admin))),
        (actor_for_key(key, is_live=True), consent),
    ):
        with pytest.raises(DomainError) as caught:
            authorize_client(actor=who, consent=what, now=NOW)
        assert caught.value.code == "person_needed"

    assert authorize_client(actor=actor, consent=consent, now=NOW)
    assert ApiKey.objects.filter(oauth_client=consent.client).count() == 1


def test_a_grant_is_ended_once(world: World) -> None:
    key, now = make_granted_key(world.member, world.member), timezone.now()
    ending = {"actor": actor_of(world.member), "owner": owner_ref(world.member), "key_id": key.id, "now": now}

    assert revoke_granted(**ending).id == key.id
    with pytest.raises(ConflictError, match="may not act any more"):
        revoke_granted(**ending)
    revoke_for_client(key, actor=None, now=now)  # the client says so too: nothing is left to end

    assert AuditEvent.objects.filter(action="mcp_client.revoke").count() == 1


def test_an_end_user_is_deleted_once_at_a_time(world: World) -> None:
    application = make_application(world.acme)
    row = make_end_user(application)
    asked = {"owner": world.acme.ref, "application_id": application.id, "end_user_id": row.id, "now": NOW}

    deletion = delete_end_user(actor=actor_of(world.admin), **asked)
    with pytest.raises(ConflictError, match="is being deleted already"):
        delete_end_user(actor=actor_of(world.admin), **asked)

    assert list(deletion.readers.all()) == [world.admin]
    assert EndUser.objects.get().deleting_since == NOW
    assert Deletion.objects.count() == 1
