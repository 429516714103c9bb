"""What the provider gave and nobody confirmed in time is given back, once."""

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from integrations import oauth
from integrations.credentials import seal_pending
from integrations.jobs import sweep
from integrations.jobs import unconfirmed as module
from integrations.jobs.unconfirmed import withdraw_unconfirmed
from integrations.models import ConnectionRequest, Toolkit
from integrations.models.encrypted import seal
from orgs.models import AuditEvent
from tests.factories import (
    make_application,
    make_auth_config,
    make_connection_request,
    make_end_user,
    make_toolkit,
)
from tests.world import World

pytestmark = pytest.mark.django_db
CONFIRMED = oauth.Revocation(confirmed=True, detail="The provider confirmed it.")
REFUSED = oauth.Revocation(confirmed=False, detail="The provider did not confirm it.")


@pytest.fixture
def told(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The tokens that the provider was asked to end."""
    found: list[str] = []

    def take_back(tokens: oauth.Tokens | None, config: Any, **whose: Any) -> oauth.Revocation:
        del config, whose
        found.append(tokens.access_token if tokens else "unreadable")
        return CONFIRMED if tokens else REFUSED

    monkeypatch.setattr(module, "take_back", take_back)
    return found


def begin(holder: Any, token: str, *, minutes: int = -1, **values: Any) -> ConnectionRequest:
    """Somebody came back from the provider; `minutes` are left to confirm who they are there."""
    toolkit = Toolkit.objects.filter(slug="github").first() or make_toolkit("github", name="GitHub")
    ends = timezone.now() + timedelta(minutes=minutes)
    values = {"status": "confirming", "user": None, "expires_at": ends, **values}
    row = make_connection_request(make_auth_config(toolkit, name=token), owner=holder, **values)
    held = {"tokens": {"access_token": token, "refresh_token": ""}, "identity": None}
    row.pending = seal_pending(row.id, held, field_name="pending")
    row.save()
    return row


def reread(row: ConnectionRequest) -> tuple[str, bool]:
    again = ConnectionRequest.objects.unscoped("a test looks").get(id=row.id)
    return again.status, again.pending is not None


def test_tokens_of_a_begun_connection_are_given_back_when_its_time_is_over(world: World, told: list[str]) -> None:
    over = begin(world.acme, "over", user=world.admin)
    waits = begin(world.acme, "waits", minutes=5, user=world.admin)

    sweep(force=True)

    assert told == ["over"]
    assert (reread(over), reread(waits)) == (("expired", False), ("confirming", True))
    event = AuditEvent.objects.of_owner(world.acme.ref).get(action="connection.revoke")
    assert (event.target_id, event.details["confirmed"], event.result) == (over.text_id, True, "done")
    sweep(force=True)
    assert told == ["over"]


def test_end_users_and_people_alike(world: World, told: list[str]) -> None:
    begin(make_end_user(make_application(world.acme)), "an-end-users")
    begin(world.member, "a-persons", user=world.member)

    assert withdraw_unconfirmed(timezone.now()) == 2
    assert sorted(told) == ["a-persons", "an-end-users"]


def test_what_nobody_can_read_is_on_record_as_not_confirmed(world: World, told: list[str]) -> None:
    row = begin(world.acme, "sealed", user=world.admin)
    ConnectionRequest.objects.owned_by(world.acme.ref).update(pending=seal({}, table="x", row=row.id, field="y"))

    withdraw_unconfirmed(timezone.now())

    assert told == ["unreadable"]
    assert reread(row) == ("expired", False)
    assert AuditEvent.objects.get(action="connection.revoke").code == "not_confirmed"


def test_crash_while_the_provider_was_asked_leaves_it_to_the_next_sweep(
    world: World, monkeypatch: pytest.MonkeyPatch, told: list[str]
) -> None:
    row = begin(world.acme, "over", user=world.admin)

    def crash(tokens: Any, config: Any, **whose: Any) -> oauth.Revocation:
        raise KeyboardInterrupt

    with monkeypatch.context() as crashing:
        crashing.setattr(module, "take_back", crash)
        with pytest.raises(KeyboardInterrupt):
            withdraw_unconfirmed(timezone.now())
    assert reread(row) == ("expired", True)

    assert withdraw_unconfirmed(timezone.now()) == 1
    assert told == ["over"]


def test_somebody_who_is_faster_leaves_one_record(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    row = begin(world.acme, "over", user=world.admin)

    def other_sweep(tokens: Any, config: Any, **whose: Any) -> oauth.Revocation:
        del tokens, config, whose
        ConnectionRequest.objects.unscoped("another sweep").filter(id=row.id).update(pending=None)
        return CONFIRMED

    monkeypatch.setattr(module, "take_back", other_sweep)

    assert withdraw_unconfirmed(timezone.now()) == 0
    assert not AuditEvent.objects.filter(action="connection.revoke").exists()


def test_flow_that_never_came_back_expires_without_a_word(world: World, told: list[str]) -> None:
    row = begin(world.acme, "none", user=world.admin)
    ConnectionRequest.objects.owned_by(world.acme.ref).update(status="open", pending=None)

    sweep(force=True)

    assert told == []
    assert reread(row) == ("expired", False)
