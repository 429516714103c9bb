"""The fixtures `world` and `furniture`, made for each test, or once for a module that uses `furnished_once`."""

from collections.abc import Iterator
from copy import deepcopy
from typing import cast

import pytest
from django.db import transaction
from pytest_django import DjangoDbBlocker

from tests.permissions.urls import Furniture, furnish
from tests.world import World, make_world

Furnished = tuple[World, Furniture]


@pytest.fixture(scope="module")
def furnished_once(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> Iterator[Furnished]:
    """A furnished world, made once for a module that says so (usefixtures): for those with hundreds of tests.

    Each test's own changes are undone by `db`, since the transaction of a test is a savepoint inside this one.
    Not for a module in which a test has transactions of its own.
    """
    with django_db_blocker.unblock(), transaction.atomic():
        world = make_world()
        yield world, furnish(world)
        transaction.set_rollback(True)


@pytest.fixture
def world(request: pytest.FixtureRequest, db: None) -> World:
    """Organizations and people; in a module that uses `furnished_once` the shared ones, with rows of the test's own."""
    if "furnished_once" not in request.fixturenames:
        return make_world()
    shared, _furniture = cast("Furnished", request.getfixturevalue("furnished_once"))
    return World(*deepcopy((shared.acme, shared.globex, shared.people)))


@pytest.fixture
def furniture(request: pytest.FixtureRequest, world: World) -> Furniture:
    """What an address may name: one of everything in that world."""
    if "furnished_once" not in request.fixturenames:
        return furnish(world)
    return cast("Furnished", request.getfixturevalue("furnished_once"))[1]
