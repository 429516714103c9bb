"""Two owners who turn on each other at the same moment: one of them stays (check T19)."""

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest
from django.db import connection

from orgs.errors import ConflictError, DomainError, ForbiddenError, NotFoundError
from orgs.models import Membership, Organization
from orgs.permissions import Actor, Role
from orgs.services.members import change_role, leave_organization, remove_member
from tests.factories import NOW, actor_of, make_membership, make_organization, make_user

AT_ONCE = 50
ROUNDS = 200  # of two at once


def demote(actor: Actor, organization: Organization, other: Membership) -> None:
    change_role(actor=actor, owner=organization.ref, member_id=other.id, role=Role.MEMBER, now=NOW)


def remove(actor: Actor, organization: Organization, other: Membership) -> None:
    remove_member(actor=actor, owner=organization.ref, member_id=other.id, now=NOW)


def leave(actor: Actor, organization: Organization, other: Membership) -> None:
    del other
    leave_organization(actor=actor, owner=organization.ref, now=NOW)


Attempt = Callable[[Actor, Organization, Membership], None]


Answer = type[DomainError] | None


def all_at_once(attempt: Attempt, organization: Organization, owners: list[Membership], attempts: int) -> list[Answer]:
    """Half of the attempts by each owner, against the other; all have read their rights before any begins."""
    first, second = owners
    barrier = threading.Barrier(attempts)
    sides = [(actor_of(first.user), second), (actor_of(second.user), first)] * (attempts // 2)

    def go(side: tuple[Actor, Membership]) -> Answer:
        try:
            barrier.wait()
            attempt(side[0], organization, side[1])
        except DomainError as error:
            return type(error)
        finally:
            connection.close()
        return None

    with ThreadPoolExecutor(attempts) as pool:
        return list(pool.map(go, sides))


def one_owner_stays(attempt: Attempt, attempts: int) -> None:
    organization = make_organization()
    owners = [make_membership(organization, make_user(), Role.OWNER) for _ in range(2)]

    answers = all_at_once(attempt, organization, owners, attempts)

    left = Membership.objects.of_organization(organization.id).active().filter(role="owner")
    assert left.count() == 1
    assert answers.count(None) >= 1
    refusals = (ConflictError, ForbiddenError, NotFoundError)
    assert all(answer is None or issubclass(answer, refusals) for answer in answers)


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("attempt", [demote, remove, leave])
def test_one_owner_stays_of_fifty_attempts_at_once(attempt: Attempt) -> None:
    one_owner_stays(attempt, AT_ONCE)


@pytest.mark.django_db(transaction=True)
def test_one_owner_stays_in_every_round_of_two_who_demote_each_other() -> None:
    for _ in range(ROUNDS):
        one_owner_stays(demote, 2)
