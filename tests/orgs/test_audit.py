"""The audit log itself: it only grows, it is chained, it tells of tampering, and it holds no secrets (check A6)."""

from datetime import timedelta
from io import StringIO
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import DatabaseError, connection, transaction
from pytest_django import DjangoAssertNumQueries

from orgs.audit import ACTION_LABELS, AuditAction, AuditResult, Target, denied
from orgs.audit_details import checked_details
from orgs.errors import ForbiddenError
from orgs.models import AuditChain, AuditEvent, AuditLink
from orgs.permissions import ANONYMOUS, Actor, ActorKind, Scope
from orgs.queries.audit import Finding, verify_chains
from orgs.services.api_keys import create_api_key
from orgs.services.audit import _seal, record, record_data_export, seal_chains
from orgs.services.organizations import create_organization
from tests.factories import NOW, actor_of, make_audit_event, make_user, owner_ref
from tests.world import World

pytestmark = pytest.mark.django_db
LATER = NOW + timedelta(hours=1)


def findings() -> list[Finding]:
    return verify_chains(actor=None, now=LATER)[1]


def write(sql: str, *values: object) -> None:
    """As somebody does who owns the database: without the triggers."""
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            for table in ("orgs_auditevent", "orgs_auditlink"):
                cursor.execute(f"ALTER TABLE {table} DISABLE TRIGGER USER")
        else:
            cursor.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'")
            for (name,) in cursor.fetchall():
                cursor.execute(f'DROP TRIGGER "{name}"')
        cursor.execute(sql, values)


def key_of(event: AuditEvent) -> str:
    return str(AuditEvent._meta.pk.get_db_prep_value(event.id, connection))


@pytest.fixture
def chain(world: World) -> list[AuditEvent]:
    """Three sealed records of Acme's, one of Globex'."""
    events = [make_audit_event(world.acme, world.admin, now=NOW + timedelta(seconds=n)) for n in range(3)]
    make_audit_event(world.globex, world.outsider)
    seal_chains(actor=None)
    return events


# --- It only grows


def test_a_saved_event_is_not_saved_again(world: World) -> None:
    event = make_audit_event(world.acme, world.admin)

    for change in (event.save, event.delete, AuditEvent.objects.all().delete, AuditEvent.objects.all().update):
        with pytest.raises(TypeError, match="only grows"):
            change()
    with pytest.raises(TypeError, match="only grows"):
        AuditEvent.objects.bulk_update([event], ["code"])


@pytest.mark.parametrize("table", ["orgs_auditevent", "orgs_auditlink"])
@pytest.mark.parametrize("statement", ["UPDATE {} SET owner_id = 'x'", "DELETE FROM {}"])
def test_the_database_refuses_changes_whoever_writes(chain: Any, table: str, statement: str) -> None:
    with pytest.raises(DatabaseError, match="only grows"), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(statement.format(table))

    assert AuditEvent.objects.count() == AuditLink.objects.count() == 4


# --- The chain


def test_an_untouched_log_is_sound(chain: Any) -> None:
    out = StringIO()

    call_command("verify_audit", stdout=out)

    assert verify_chains(actor=None, now=LATER) == (4, [])
    assert "sound: 4 records" in out.getvalue()


def test_sealing_continues_the_chain_and_does_nothing_twice(world: World, chain: Any) -> None:
    make_audit_event(world.acme, world.owner)

    assert (seal_chains(actor=None), seal_chains(actor=None)) == (1, 0)
    assert list(AuditLink.objects.filter(owner_id=world.acme.ref.text_id).values_list("number", flat=True)) == [
        1,
        2,
        3,
        4,
    ]
    assert findings() == []


@pytest.mark.parametrize("column", ["actor_label", "code", "owner_id", "target_id", "action"])
def test_a_changed_record_is_found(chain: list[AuditEvent], column: str) -> None:
    write(f"UPDATE orgs_auditevent SET {column} = 'x' WHERE id = %s", key_of(chain[1]))  # noqa: S608  # names of this test

    [found] = findings()
    assert (found.number, found.event) == (2, chain[1].text_id)
    assert "changed" in found.message
    with pytest.raises(CommandError, match="tampered"):
        call_command("verify_audit")


def test_a_changed_time_is_found(chain: list[AuditEvent]) -> None:
    write("UPDATE orgs_auditevent SET at = %s WHERE id = %s", NOW - timedelta(days=9), key_of(chain[0]))

    assert [one.number for one in findings()] == [1]


def test_a_removed_record_is_found(chain: list[AuditEvent]) -> None:
    write("DELETE FROM orgs_auditevent WHERE id = %s", key_of(chain[1]))

    assert [(one.number, one.message) for one in findings()] == [(2, "This record was removed.")]


def test_a_record_that_was_removed_with_its_link_is_found(chain: list[AuditEvent]) -> None:
    for table, column in (("orgs_auditevent", "id"), ("orgs_auditlink", "event_id")):
        write(f"DELETE FROM {table} WHERE {column} = %s", key_of(chain[1]))  # noqa: S608  # names of this test

    assert "1 records before this one were removed." in [one.message for one in findings()]


def test_a_cut_off_end_is_found(chain: list[AuditEvent]) -> None:
    for table, column in (("orgs_auditevent", "id"), ("orgs_auditlink", "event_id")):
        write(f"DELETE FROM {table} WHERE {column} = %s", key_of(chain[2]))  # noqa: S608  # names of this test

    assert [one.message for one in findings()] == ["The end of the log was removed or rewritten."]


def test_a_log_that_was_emptied_is_found(world: World, chain: list[AuditEvent]) -> None:
    for table in ("orgs_auditevent", "orgs_auditlink"):
        write(f"DELETE FROM {table} WHERE owner_id = %s", world.acme.ref.text_id)  # noqa: S608  # names of this test

    assert [one.message for one in findings()] == ["All 3 records were removed."]


def test_re_ordered_records_are_found(chain: list[AuditEvent]) -> None:
    write("UPDATE orgs_auditlink SET number = 99 WHERE event_id = %s", key_of(chain[0]))
    write("UPDATE orgs_auditlink SET number = 1 WHERE event_id = %s", key_of(chain[1]))
    write("UPDATE orgs_auditlink SET number = 2 WHERE event_id = %s", key_of(chain[0]))

    assert {one.number for one in findings()} >= {1, 2}


def test_a_record_that_was_slipped_in_is_found(world: World, chain: Any) -> None:
    slipped = make_audit_event(world.acme, world.member)

    assert [(one.event, one.number) for one in findings()] == [(slipped.text_id, 0)]
    assert verify_chains(actor=None, now=NOW)[1] == []  # a moment later it is simply new


def test_chains_are_separate(world: World, chain: Any) -> None:
    assert dict(AuditChain.objects.values_list("owner_id", "length")) == {
        world.acme.ref.text_id: 3,
        world.globex.ref.text_id: 1,
    }


# --- A record


def test_every_action_is_a_noun_and_a_verb_with_words_for_people() -> None:
    assert set(ACTION_LABELS) == set(AuditAction)
    assert all(len(one.value.split(".")) == 2 for one in AuditAction)


def test_details_that_are_not_on_the_list_are_refused(world: World) -> None:
    for name in ("arguments", "result", "token", "code", "state"):
        with pytest.raises(ValueError, match=name):
            make_audit_event(world.acme, world.admin, details={name: "canary"})

    assert not AuditEvent.objects.exists()


def test_details_are_cut_and_can_be_stored_anywhere() -> None:
    checked = checked_details({"reason": "x\0\ud800" + "y" * 900, "scopes": ["a\0"], "count": 3, "account": None})

    assert checked == {"reason": "x?" + "y" * 197, "scopes": ["a"], "count": 3} or len(str(checked["reason"])) <= 200
    assert "\0" not in str(checked)


def test_a_record_costs_one_statement(world: World, django_assert_num_queries: DjangoAssertNumQueries) -> None:
    actor = actor_of(world.admin)
    wanted = {"owner": world.acme.ref, "action": AuditAction.CONNECTION_PAUSE, "target": Target("x"), "now": NOW}

    with django_assert_num_queries(1):
        record(actor=actor, **wanted)
    with django_assert_num_queries(2):
        record(actor=actor, result=denied("no"), **wanted)


def test_a_record_says_who_acted_by_which_key(world: World) -> None:
    key, _text = create_api_key(
        actor=None, owner=owner_ref(world.member), name="CI", scopes=[Scope.ADMIN], expires_at=None, now=NOW
    )
    actor = Actor(ActorKind.USER_KEY, user_id=world.member.id, label="mia", key_id=key.id)

    event = make_audit_event(world.acme, world.member, actor=actor)

    assert (event.actor_kind, event.actor_id) == ("key", f"key_{key.id.hex}")
    assert event.acting_as == owner_ref(world.member).text_id


def test_a_record_is_gone_with_the_action_that_failed(world: World) -> None:
    with transaction.atomic():
        make_audit_event(world.acme, world.admin)
        transaction.set_rollback(True)

    assert not AuditEvent.objects.exists()


# --- Alerts


def deny(world: World, times: int, **values: Any) -> None:
    for number in range(times):
        now = NOW + timedelta(seconds=number)
        make_audit_event(world.acme, world.member, **{"result": denied("no"), "now": now, **values})


def alerts() -> int:
    return int(AuditEvent.objects.filter(action=AuditAction.ALERT_RAISE).count())


def test_twenty_denials_in_five_minutes_make_one_alert(world: World) -> None:
    deny(world, 19)
    assert alerts() == 0

    deny(world, 21)

    assert alerts() == 1
    alert = AuditEvent.objects.get(action=AuditAction.ALERT_RAISE)
    assert (alert.actor_label, alert.details) == ("mia", {"count": 20, "minutes": 5})


def test_denials_of_several_people_or_over_a_longer_time_make_none(world: World) -> None:
    deny(world, 12)
    deny(world, 12, actor=actor_of(world.viewer))
    deny(world, 12, now=NOW + timedelta(minutes=30))

    assert alerts() == 0


def test_failed_sign_ins_of_nobody_count_per_user(world: World) -> None:
    deny(world, 12, actor=ANONYMOUS)
    for _ in range(12):
        make_audit_event(world.globex, world.member, actor=ANONYMOUS, result=denied("no"))

    assert alerts() == 0


# --- The services of this app


def test_making_an_organization_leaves_one_record(world: World) -> None:
    organization = create_organization(actor=actor_of(world.viewer), user=world.viewer, name="Newcomers", now=NOW)

    [event] = AuditEvent.objects.of_owner(organization.ref)
    assert (event.action, event.actor_label, event.result) == ("organization.create", "vera", AuditResult.DONE)


def test_making_a_key_leaves_one_record_without_its_text(world: World) -> None:
    _key, text = create_api_key(
        actor=actor_of(world.admin),
        owner=world.acme.ref,
        name="CI",
        scopes=[Scope.ADMIN],
        expires_at=NOW + timedelta(days=30),
        now=NOW,
    )

    [event] = AuditEvent.objects.of_owner(world.acme.ref)
    assert event.action == "api_key.create"
    assert text not in str(event.facts)


def test_the_log_outlives_who_it_is_about(world: World) -> None:
    user = make_user("gone")
    owner = owner_ref(user)
    make_audit_event(user, user)

    user.owner.delete()
    user.delete()

    assert AuditEvent.objects.of_owner(owner).count() == 1


def test_a_copy_of_everything_is_on_record_and_for_owners_alone(world: World) -> None:
    record_data_export(actor=actor_of(world.owner), owner=world.acme.ref, now=NOW)
    record_data_export(actor=actor_of(world.member), owner=owner_ref(world.member), now=NOW)

    with pytest.raises(ForbiddenError):
        record_data_export(actor=actor_of(world.admin), owner=world.acme.ref, now=NOW)

    events = AuditEvent.objects.filter(action=AuditAction.ORGANIZATION_EXPORT).order_by("id")
    assert [event.owner_id for event in events] == [world.acme.ref.text_id, world.member.text_id]


def test_a_sweep_that_comes_second_adds_no_link(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """Both saw the same unsealed record; the chain's row is locked, so the slower one finds it sealed."""
    make_audit_event(world.acme, world.admin)

    def after_another(owner_id: str) -> int:
        assert _seal(owner_id) == 1
        return _seal(owner_id)

    monkeypatch.setattr("orgs.services.audit._seal", after_another)

    assert seal_chains(actor=None) == 0
    assert (AuditLink.objects.count(), AuditChain.objects.get().length) == (1, 1)
    assert findings() == []
