"""Shortly before an organization is deleted its owners are told once more; not when it was called off."""

from datetime import datetime, timedelta

import pytest
from django.core import mail

from orgs.models import Deletion, Notice, Organization
from orgs.permissions import Role
from orgs.services import deletion_reminders
from orgs.services.deletion_reminders import remind_of_deletions
from orgs.services.deletions import announce_deletion, announce_departure, stop_deletion
from orgs.services.notices import send_due_notices
from tests.factories import NOW, actor_of, make_membership, make_user
from tests.world import World

pytestmark = pytest.mark.django_db


def announce(world: World) -> Deletion:
    return announce_deletion(actor=actor_of(world.owner), owner=world.acme.ref, typed="Acme", now=NOW)


def remind(now: datetime) -> int:
    return remind_of_deletions(actor=None, now=now)


def reminders() -> list[Notice]:
    return list(Notice.objects.filter(path__endswith="/ownership/#delete").select_related("user"))


def test_owners_are_told_once_a_day_before(world: World) -> None:
    second = make_user("otto")
    make_membership(world.acme, second, Role.OWNER)
    due = announce(world).due_at

    assert [remind(due - timedelta(hours=hours)) for hours in (25, 23, 22)] == [0, 1, 0]

    assert {one.user for one in reminders()} == {world.owner, second}
    notice = reminders()[0]
    assert (notice.kind, notice.path) == ("ownership", "/orgs/acme/settings/ownership/#delete")
    assert notice.title == f"Acme will be deleted on {due:%-d %B, %H:%M} UTC"
    assert notice.mail_due_at is not None


def test_the_reminder_names_the_organization_as_it_is_called_now(world: World) -> None:
    due = announce(world).due_at
    Organization.objects.filter(id=world.acme.id).update(name="Acme Corp", slug="acme-corp")

    remind(due - timedelta(hours=1))

    [notice] = reminders()
    assert notice.title.startswith("Acme Corp will be deleted")
    assert notice.target == "/orgs/acme-corp/settings/ownership/#delete"
    assert world.client("owner").get(notice.target).status_code == 200


def test_nothing_is_said_when_it_was_called_off(world: World) -> None:
    deletion = announce(world)
    stop_deletion(actor=actor_of(world.owner), owner=world.acme.ref, now=NOW)

    assert remind(deletion.due_at - timedelta(hours=1)) == 0
    assert deletion_reminders._remind(deletion, deletion.due_at - timedelta(hours=1)) == 0
    assert reminders() == []


def test_calling_it_off_settles_the_reminder_before_its_letter_goes_out(world: World) -> None:
    due = announce(world).due_at
    remind(due - timedelta(hours=1))

    stop_deletion(actor=actor_of(world.owner), owner=world.acme.ref, now=due - timedelta(minutes=30))
    send_due_notices(actor=None, now=due)

    assert [one.read_at is not None for one in reminders()] == [True]
    subjects = [one.subject for one in mail.outbox if one.to == [world.owner.email]]
    assert "Switchboard: Acme is not deleted" in subjects
    assert not any("will be deleted on" in subject for subject in subjects)


def test_announcing_it_again_reminds_again(world: World) -> None:
    first = announce(world)
    remind(first.due_at - timedelta(hours=1))
    stop_deletion(actor=actor_of(world.owner), owner=world.acme.ref, now=NOW)

    second = announce(world)

    assert remind(second.due_at - timedelta(hours=1)) == 1


def test_two_sweeps_at_once_tell_it_once(world: World) -> None:
    deletion = announce(world)
    now = deletion.due_at - timedelta(hours=1)

    assert [deletion_reminders._remind(deletion, now), deletion_reminders._remind(deletion, now)] == [1, 0]


def test_a_short_countdown_a_late_sweep_and_a_persons_departure_remind_nobody(world: World) -> None:
    deletion = announce(world)
    assert remind(deletion.due_at) == 0
    Deletion.objects.update(due_at=NOW + timedelta(hours=24))
    announce_departure(actor=actor_of(world.outsider), user=world.outsider, now=NOW)

    assert remind(NOW + timedelta(hours=1)) == 0
