"""A warm shutdown: the call under way is finished, nothing new is begun."""

from collections.abc import Callable, Iterator

import pytest
from celery.signals import worker_shutting_down

from integrations import tasks
from tests.integrations.desk import Desk, reread
from tests.integrations.engine.servers import answer

pytestmark = pytest.mark.django_db
THING = b'{"name": "thing"}'


@pytest.fixture
def _stopping() -> Iterator[None]:
    """The worker was told to stop; the mark is taken away again afterwards."""
    worker_shutting_down.send(sender=None, sig="SIGTERM", how="Warm", exitcode=0)
    yield
    tasks._stopping.clear()


@pytest.mark.usefixtures("_stopping")
def test_pump_of_a_stopping_worker_claims_nothing(desk_of: Callable[..., Desk]) -> None:
    desk = desk_of(answer(THING))
    waiting = desk.queue()

    tasks.pump()

    assert reread(waiting.id).status == "queued"


def test_pump_of_a_working_worker_claims(desk_of: Callable[..., Desk]) -> None:
    desk = desk_of(answer(THING))
    waiting = desk.queue()

    tasks.pump()

    assert reread(waiting.id).status == "succeeded"
