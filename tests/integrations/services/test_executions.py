"""Asking for a run, calling it off, running it again, and who may read what was in it."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from threading import Barrier
from typing import Any

import pytest
from django.db import IntegrityError, connection
from django.utils import timezone

from integrations.jobs import execute
from integrations.models import ConnectedAccount, Execution, Lane
from integrations.models.encrypted import Sealed, unseal
from integrations.queries.executions import (
    ExecutionFilters,
    changed_executions,
    get_execution,
    list_executions,
)
from integrations.services.executions import (
    ArgumentsError,
    IdempotencyError,
    Order,
    cancel_execution,
    submit_execution,
)
from integrations.services.running_again import run_again
from orgs.errors import ConflictError, DomainError, ForbiddenError, NotFoundError
from orgs.queries.api_keys import actor_from_key
from tests.factories import actor_of, make_api_key, make_connected_account, make_user, owner_ref
from tests.integrations.desk import Desk, reread
from tests.world import World

MakeDesk = Callable[..., Desk]


def submit(desk: Desk, **values: Any) -> Execution:
    """A run that the desk's user asks for."""
    actor = values.pop("actor", None) or actor_of(desk.user)
    defaults = {
        "requested": owner_ref(desk.holder).text_id,
        "tool": desk.read.slug,
        "arguments": {"name": "thing"},
    }
    return submit_execution(actor=actor, order=Order(**{**defaults, **values}), now=timezone.now())


def doing(desk: Desk, row: Execution, **values: Any) -> dict[str, Any]:
    return {
        "actor": actor_of(desk.user),
        "owner": owner_ref(desk.holder),
        "execution_id": row.id,
        "now": timezone.now(),
        **values,
    }


def arguments_of(row: Execution) -> Any:
    return unseal(row.arguments, table="execution", row=row.id, field="arguments")


# --- Submit


def test_submit_stores_the_run_with_the_account_that_was_chosen(desk_of: MakeDesk) -> None:
    desk = desk_of()

    row = submit(desk)

    row = reread(row.id)
    assert (row.status, row.connected_account_id) == ("queued", desk.account.id)
    assert (row.decision["because"], row.decision["allowed"]) == ("newest", True)
    assert arguments_of(row) == {"name": "thing"}
    assert "thing" not in row.arguments.text
    assert Lane.objects.filter(owner=row.owner).exists()


def test_submit_rings_after_the_commit(desk_of: MakeDesk, django_capture_on_commit_callbacks: Any) -> None:
    desk = desk_of()

    with django_capture_on_commit_callbacks() as rung:
        submit(desk)

    assert len(rung) == 1


def test_submit_takes_the_account_that_was_named(desk_of: MakeDesk) -> None:
    desk = desk_of()
    make_connected_account(desk.toolkit, owner=desk.holder, identity_key="2")

    row = submit(desk, account=desk.account.text_id)

    assert (row.connected_account_id, row.decision["because"]) == (desk.account.id, "named")


def test_submit_names_the_argument_that_does_not_fit(desk_of: MakeDesk) -> None:
    desk = desk_of()

    with pytest.raises(ArgumentsError) as caught:
        submit(desk, arguments={"nom": "thing"})

    assert {field for field, _message in caught.value.details} == {"name", "nom"}
    assert not Execution.objects.unscoped("a test").exists()


def test_submit_under_a_strangers_id_leaves_no_record(desk_of: MakeDesk) -> None:
    desk = desk_of()
    stranger = make_user("strange")

    with pytest.raises(DomainError) as caught:
        submit(desk, requested=owner_ref(stranger).text_id)

    assert (caught.value.code, caught.value.status) == ("user_id_not_found", 404)
    assert not Execution.objects.unscoped("a test").exists()


def test_submit_keeps_a_refusal_on_record_with_its_explanation(acme_desk_of: MakeDesk, world: World) -> None:
    desk = acme_desk_of()

    row = submit(desk, requested=owner_ref(world.member).text_id)

    row = reread(row.id)
    assert (row.status, row.error_code, row.finished_at is not None) == ("denied", "no_connected_account", True)
    assert [one["fix"] for one in row.decision["remedies"]] == ["run_as", "connect"]
    assert row.owner == world.member.owner
    assert arguments_of(row) == {"name": "thing"}


def test_submit_by_a_viewer_is_refused_on_record(acme_desk_of: MakeDesk, world: World) -> None:
    desk = acme_desk_of()

    row = submit(desk, actor=actor_of(world.viewer))

    assert (row.status, row.error_code) == ("denied", "role_cannot_execute")


def test_submit_of_an_unknown_tool_is_not_found(desk_of: MakeDesk) -> None:
    with pytest.raises(NotFoundError):
        submit(desk_of(), tool="NO_SUCH_TOOL")


# --- Idempotency (fault F34)


def test_submit_twice_with_one_key_is_one_run(desk_of: MakeDesk) -> None:
    desk = desk_of()

    assert submit(desk, idempotency_key="k").id == submit(desk, idempotency_key="k").id


def test_submit_without_a_key_is_a_run_each_time(desk_of: MakeDesk) -> None:
    desk = desk_of()

    assert submit(desk).id != submit(desk).id


def test_submit_that_the_database_refuses_is_no_repetition_of_a_run_without_a_key(
    desk_of: MakeDesk, monkeypatch: pytest.MonkeyPatch
) -> None:
    desk = desk_of()
    before = submit(desk)
    monkeypatch.setattr("integrations.services.executions.new_id", lambda: before.id)  # it is taken

    with pytest.raises(IntegrityError):
        submit(desk)
    with pytest.raises(ConflictError):
        submit(desk, idempotency_key="k")


def test_submit_refuses_a_key_that_stood_for_another_request(desk_of: MakeDesk) -> None:
    desk = desk_of()
    submit(desk, idempotency_key="k")

    with pytest.raises(IdempotencyError) as caught:
        submit(desk, idempotency_key="k", arguments={"name": "other"})

    assert caught.value.status == 422


def test_submit_keys_of_different_callers_do_not_meet(acme_desk_of: MakeDesk, world: World) -> None:
    desk = acme_desk_of()
    first = submit(desk, idempotency_key="k")

    assert submit(desk, idempotency_key="k", actor=actor_of(world.admin)).id != first.id


def test_submit_keys_of_two_api_keys_do_not_meet(acme_desk_of: MakeDesk, world: World) -> None:
    desk = acme_desk_of()
    secrets = [make_api_key(world.acme)[1] for _ in range(2)]
    actors = [actor_from_key(secret=secret, now=timezone.now()) for secret in secrets]

    rows = [submit(desk, idempotency_key="k", actor=actor).id for actor in (*actors, *actors)]

    assert rows[:2] == rows[2:]
    assert rows[0] != rows[1]


@pytest.mark.django_db(transaction=True)
def test_submit_by_twenty_at_once_with_one_key_is_one_run(desk_of: MakeDesk) -> None:
    desk = desk_of()
    ready = Barrier(20)

    with ThreadPoolExecutor(20) as pool:
        ids = list(pool.map(lambda _: _submit_together(desk, ready), range(20)))

    assert len(set(ids)) == 1
    assert Execution.objects.unscoped("a test").count() == 1


def _submit_together(desk: Desk, ready: Barrier) -> Any:
    try:
        ready.wait(60)
        return submit(desk, idempotency_key="k").id
    finally:
        connection.close()


# --- Cancel (fault F36)


def test_cancel_ends_what_was_not_claimed(desk_of: MakeDesk) -> None:
    desk = desk_of()
    row = submit(desk)

    assert cancel_execution(**doing(desk, row)).status == "cancelled"

    assert desk.provider.requests == []


def test_cancel_of_a_claimed_run_is_honoured_before_it_is_sent(desk_of: MakeDesk) -> None:
    desk = desk_of()
    row = submit(desk)
    claim = desk.claim()

    assert cancel_execution(**doing(desk, row)).status == "running"
    execute(claim)

    assert reread(row.id).status == "cancelled"
    assert desk.provider.requests == []


def test_cancel_after_it_was_sent_is_refused(desk_of: MakeDesk) -> None:
    desk = desk_of()
    row = desk.queue(desk.write, status="running", sent_at=timezone.now())

    with pytest.raises(ConflictError) as caught:
        cancel_execution(**doing(desk, row))

    assert caught.value.code == "already_sent"
    assert reread(row.id).cancel_requested_at is None


def test_cancel_of_what_is_over_is_refused(desk_of: MakeDesk) -> None:
    desk = desk_of()
    row = desk.queue(status="succeeded")

    with pytest.raises(ConflictError, match="succeeded"):
        cancel_execution(**doing(desk, row))


def test_cancel_of_a_colleagues_run_takes_an_admin(acme_desk_of: MakeDesk, world: World) -> None:
    desk = acme_desk_of()
    row = desk.queue(user=world.owner)

    with pytest.raises(ForbiddenError):
        cancel_execution(**doing(desk, row))

    assert cancel_execution(**doing(desk, row, actor=actor_of(world.admin))).status == "cancelled"


# --- Run again (fault F37)


def test_run_again_is_a_new_run_that_points_back(desk_of: MakeDesk) -> None:
    desk = desk_of()
    row = desk.queue(status="failed")

    again = run_again(**doing(desk, row))

    assert (again.retry_of_id, again.status) == (row.id, "queued")
    assert arguments_of(again) == {"name": "thing"}
    assert [one.id for one in get_execution(**reading(desk, row)).retries] == [again.id]
    assert get_execution(**reading(desk, again)).origin == row


def reading(desk: Desk, row: Execution, **values: Any) -> dict[str, Any]:
    asked = doing(desk, row, **values)
    del asked["now"]
    return asked


def test_run_again_of_an_unknown_write_must_be_acknowledged(desk_of: MakeDesk) -> None:
    desk = desk_of()
    row = desk.queue(desk.write, status="unknown", sent_at=timezone.now())

    with pytest.raises(ConflictError) as caught:
        run_again(**doing(desk, row))

    assert caught.value.code == "acknowledge_unknown"
    assert run_again(**doing(desk, row), acknowledged=True).retry_of_id == row.id


def test_run_again_waits_for_the_end(desk_of: MakeDesk) -> None:
    desk = desk_of()
    row = desk.queue()

    with pytest.raises(ConflictError, match="not over"):
        run_again(**doing(desk, row))


def test_run_again_under_another_id_of_ones_own_follows_the_way_out(acme_desk_of: MakeDesk, world: World) -> None:
    desk = acme_desk_of()
    refused = submit(desk, requested=owner_ref(world.member).text_id)

    again = run_again(
        actor=actor_of(world.member),
        owner=owner_ref(world.member),
        execution_id=refused.id,
        requested=world.acme.ref.text_id,
        now=timezone.now(),
    )

    assert (again.status, again.owner, again.retry_of_id) == ("queued", world.acme.owner, refused.id)
    assert arguments_of(again) == {"name": "thing"}


def test_run_again_under_a_strangers_id_is_refused(acme_desk_of: MakeDesk, world: World) -> None:
    desk = acme_desk_of()
    row = desk.queue(status="failed")

    with pytest.raises(DomainError) as caught:
        run_again(**doing(desk, row), requested=world.globex.ref.text_id)

    assert caught.value.code == "user_id_not_found"


def test_run_again_twice_with_one_nonce_is_one_run(desk_of: MakeDesk) -> None:
    desk = desk_of()
    row = desk.queue(status="failed")

    ids = {run_again(**doing(desk, row), idempotency_key="again-1").id for _ in range(2)}

    assert len(ids) == 1


def test_run_again_of_a_colleagues_run_takes_an_admin(acme_desk_of: MakeDesk, world: World) -> None:
    desk = acme_desk_of()
    row = desk.queue(status="failed", user=world.owner)

    with pytest.raises(ForbiddenError):
        run_again(**doing(desk, row))

    assert run_again(**doing(desk, row, actor=actor_of(world.admin))).status == "queued"


def test_run_again_needs_its_arguments(desk_of: MakeDesk) -> None:
    desk = desk_of()
    purged, sealed_by_others = desk.queue(status="failed"), desk.queue(status="failed")
    rows = Execution.objects.unscoped("a test")
    rows.filter(id=purged.id).update(arguments=None)
    rows.filter(id=sealed_by_others.id).update(arguments=Sealed("not sealed by us"))

    for row, code in ((purged, "purged"), (sealed_by_others, "secrets_unreadable")):
        with pytest.raises(ConflictError) as caught:
            run_again(**doing(desk, row))
        assert caught.value.code == code


# --- Who may read what (check T31)


@pytest.mark.parametrize(
    ("persona", "may_read"), [("member", True), ("viewer", False), ("admin", True), ("owner", True)]
)
def test_get_execution_opens_arguments_to_submitter_and_admins(
    acme_desk_of: MakeDesk, world: World, persona: str, *, may_read: bool
) -> None:
    desk = acme_desk_of()
    row = desk.queue(status="failed")

    detail = get_execution(**reading(desk, row, actor=actor_of(world.people[persona])))

    assert detail.may_read == may_read
    assert detail.arguments == ({"name": "thing"} if may_read else None)


@pytest.mark.parametrize("persona", ["outsider", "ex_member", "staff"])
def test_get_execution_does_not_exist_for_strangers(acme_desk_of: MakeDesk, world: World, persona: str) -> None:
    desk = acme_desk_of()
    row = desk.queue(status="failed")

    with pytest.raises(NotFoundError):
        get_execution(**reading(desk, row, actor=actor_of(world.people[persona])))


def test_get_execution_under_a_user_id_is_that_users_alone(desk_of: MakeDesk, world: World) -> None:
    desk = desk_of()
    row = desk.queue(status="failed")

    assert get_execution(**reading(desk, row)).arguments == {"name": "thing"}
    with pytest.raises(NotFoundError):
        get_execution(**reading(desk, row, actor=actor_of(world.owner)))


def test_get_execution_shows_retries_only_to_whom_they_belong(acme_desk_of: MakeDesk, world: World) -> None:
    desk = acme_desk_of()
    row = desk.queue(status="denied")
    run_again(**doing(desk, row), requested=owner_ref(world.member).text_id)

    assert len(get_execution(**reading(desk, row)).retries) == 1
    assert get_execution(**reading(desk, row, actor=actor_of(world.admin))).retries == []


def test_get_execution_says_what_the_rule_says_today(desk_of: MakeDesk) -> None:
    desk = desk_of()
    ConnectedAccount.objects.unscoped("a test").update(status="paused")
    row = submit(desk)

    refused = get_execution(**reading(desk, row)).decision_now
    ConnectedAccount.objects.unscoped("a test").update(status="active")
    allowed = get_execution(**reading(desk, row)).decision_now

    assert (refused.code, allowed.allowed) == ("connection_inactive", True)


# --- Lists


def test_list_executions_pages_both_ways(desk_of: MakeDesk) -> None:
    desk = desk_of()
    ids = [desk.queue().id for _ in range(5)][::-1]
    asked: dict[str, Any] = {"actor": actor_of(desk.user), "owner": owner_ref(desk.holder)}
    asked |= {"filters": ExecutionFilters(), "limit": 2}

    first = list_executions(**asked)
    second = list_executions(**asked, before=first.older)
    third = list_executions(**asked, before=second.older)
    back = list_executions(**asked, after=third.newer)

    assert [[row.id for row in page.rows] for page in (first, second, third)] == [ids[:2], ids[2:4], ids[4:]]
    assert [row.id for row in back.rows] == ids[2:4]
    assert (first.newer, third.older) == ("", "")
    assert list_executions(**asked, after=back.newer).newer == ""


def test_list_executions_narrows_down(acme_desk_of: MakeDesk, world: World) -> None:
    desk = acme_desk_of()
    mine = desk.queue(status="failed")
    theirs = desk.queue(desk.write, user=world.owner)
    old = desk.queue(created_at=timezone.now() - timedelta(days=2))
    asked: dict[str, Any] = {"actor": actor_of(world.member), "owner": world.acme.ref}

    def found(**values: Any) -> set[Any]:
        return {row.id for row in list_executions(**asked, filters=ExecutionFilters(**values)).rows}

    assert found() == {mine.id, theirs.id, old.id}
    assert found(status="failed") == {mine.id}
    assert found(tool=desk.write.slug) == {theirs.id}
    assert found(by_me=True) == {mine.id, old.id}
    assert found(since=timezone.now() - timedelta(hours=1)) == {mine.id, theirs.id}
    assert found(account=desk.account.text_id) == {mine.id, theirs.id, old.id}
    assert found(account="ca_" + "0" * 32) == set()
    assert found(account="nonsense") == set()


def test_changed_executions_are_those_with_another_mark(desk_of: MakeDesk) -> None:
    desk = desk_of()
    same, other = desk.queue(), desk.queue()
    seen = {row.text_id: row.mark for row in (same, other)}
    cancel_execution(**doing(desk, other))
    asked: dict[str, Any] = {"actor": actor_of(desk.user), "owner": owner_ref(desk.holder)}

    assert [row.id for row in changed_executions(**asked, seen=seen)] == [other.id]
    assert changed_executions(**{**asked, "owner": owner_ref(desk.user)}, seen={"nonsense": "x"}) == []
