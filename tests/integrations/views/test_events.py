"""Live updates: an event at each change, an end when the run is over, the rights are gone, or nobody listens."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import pytest
from asgiref.sync import async_to_sync, sync_to_async
from django.contrib.sessions.models import Session
from django.test import AsyncClient
from django.utils import timezone

from integrations import live
from integrations.models import Execution
from integrations.services.leaving import remove_from_organization
from integrations.views import events
from orgs.models import Membership
from tests.factories import actor_of
from tests.integrations.desk import Desk
from tests.world import World

MakeDesk = Callable[..., Desk]
REAL_LOOK_SECONDS = events.LOOK_SECONDS
pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def quick_looks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(events, "LOOK_SECONDS", 0.05)


@pytest.fixture
def wire(monkeypatch: pytest.MonkeyPatch) -> "Wire":
    """A Redis in memory: what is announced is heard."""
    wire = Wire()
    monkeypatch.setattr(live, "_messages", wire.messages)
    return wire


class Wire:
    def __init__(self) -> None:
        self.queue: asyncio.Queue[str] = asyncio.Queue()
        self.listeners = 0

    async def messages(self) -> AsyncIterator[str]:
        self.listeners += 1
        while True:
            yield await self.queue.get()


Script = Callable[[AsyncIterator[bytes], Execution], Awaitable[Any]]


def watch(desk: Desk, row: Execution, script: Script, *, user: Any = None, seen: str | None = None) -> Any:
    """Open the stream in a browser of the desk's user and play the script against it."""
    base = "/me" if desk.holder == desk.user else "/orgs/acme"
    address = f"{base}/runs/{row.text_id}/events/?seen={row.mark if seen is None else seen}"

    async def play() -> Any:
        client = AsyncClient()
        await client.aforce_login(user or desk.user)
        response = await client.get(address)
        assert response.status_code == 200
        assert response.headers["Content-Type"] == "text/event-stream"
        assert response.headers["X-Accel-Buffering"] == "no"
        assert response.headers["Cache-Control"] == "no-store"
        stream = aiter(response)
        try:
            return await asyncio.wait_for(script(stream, row), 60)
        finally:
            await stream.aclose()  # type: ignore[attr-defined]  # an async generator

    return async_to_sync(play)()


async def until(stream: AsyncIterator[bytes], word: str) -> str:
    heard = ""
    async for part in stream:
        heard += part.decode()
        if word in heard:
            return heard
    return heard + "[closed]"


def set_status(row: Execution, **values: Any) -> None:
    Execution.objects.unscoped("a test").filter(id=row.id).update(**values)


def test_events_tell_of_a_change_and_end_with_the_run(desk_of: MakeDesk, wire: Wire) -> None:
    desk = desk_of()
    row = desk.queue()

    async def script(stream: AsyncIterator[bytes], row: Execution) -> str:
        await anext(stream)
        await sync_to_async(set_status)(row, cancel_requested_at=timezone.now())
        first = await until(stream, "event: changed")
        await sync_to_async(set_status)(row, status="failed", finished_at=timezone.now())
        return first + await until(stream, "[never]")

    heard = watch(desk, row, script)

    assert "data: queued.0.unsent.cancelling" in heard
    assert "data: failed" in heard
    assert heard.endswith("event: over\ndata: \n\n[closed]")


def test_events_come_at_once_when_something_is_announced(
    desk_of: MakeDesk, wire: Wire, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(events, "LOOK_SECONDS", 50.0)
    desk = desk_of()
    row = desk.queue()

    async def script(stream: AsyncIterator[bytes], row: Execution) -> str:
        await anext(stream)
        waiting = asyncio.ensure_future(until(stream, "event: changed"))
        await asyncio.sleep(0.2)
        assert not waiting.done()
        await sync_to_async(set_status)(row, cancel_requested_at=timezone.now())
        await wire.queue.put(row.id.hex)
        return await asyncio.wait_for(waiting, 30)

    assert "cancelling" in watch(desk, row, script)


def test_events_tell_at_once_what_the_page_has_not_seen(desk_of: MakeDesk, wire: Wire) -> None:
    desk = desk_of()
    row = desk.queue(status="failed")

    async def script(stream: AsyncIterator[bytes], _row: Execution) -> str:
        return await until(stream, "[never]")

    heard = watch(desk, row, script, seen="queued.0.unsent")

    assert "event: changed" in heard
    assert heard.endswith("event: over\ndata: \n\n[closed]")


@pytest.mark.parametrize(
    "end",
    [
        lambda world: Membership.objects.filter(user=world.member).update(status="left"),
        lambda world: type(world.member).objects.filter(id=world.member.id).update(is_active=False),
        lambda world: Session.objects.all().delete(),
    ],
    ids=["membership ended", "user suspended", "signed out"],
)
def test_events_end_with_the_rights(
    acme_desk_of: MakeDesk, world: World, wire: Wire, end: Callable[[World], Any]
) -> None:
    desk = acme_desk_of()
    row = desk.queue()

    async def script(stream: AsyncIterator[bytes], _row: Execution) -> str:
        await anext(stream)
        await sync_to_async(end)(world)
        return await until(stream, "[never]")

    heard = watch(desk, row, script)

    assert "changed" not in heard
    assert heard.endswith("event: over\ndata: \n\n[closed]")


def test_the_stream_of_a_removed_member_ends_within_five_seconds(
    acme_desk_of: MakeDesk, world: World, wire: Wire
) -> None:
    """Also the stream of somebody else's run, which nothing announces (check T21)."""
    desk = acme_desk_of()
    row = desk.queue(user=world.admin)
    place = Membership.objects.get(user=world.member)
    who = {"actor": actor_of(world.admin), "owner": world.acme.ref, "member_id": place.id}

    async def script(stream: AsyncIterator[bytes], _row: Execution) -> str:
        await anext(stream)
        await sync_to_async(remove_from_organization)(**who, now=timezone.now())
        return await until(stream, "[never]")

    assert watch(desk, row, script).endswith("event: over\ndata: \n\n[closed]")
    assert REAL_LOOK_SECONDS < 5


def test_events_say_something_now_and_then(desk_of: MakeDesk, wire: Wire, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(events, "PING_SECONDS", 0.1)
    desk = desk_of()

    async def script(stream: AsyncIterator[bytes], _row: Execution) -> str:
        return await until(stream, ": ping")

    assert ": ping" in watch(desk, desk.queue(), script)


def test_events_end_after_the_longest_time(desk_of: MakeDesk, wire: Wire, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(events, "LONGEST_SECONDS", 0.3)
    desk = desk_of()

    async def script(stream: AsyncIterator[bytes], _row: Execution) -> str:
        return await until(stream, "[never]")

    heard = watch(desk, desk.queue(), script)

    assert "over" not in heard
    assert heard.endswith("[closed]")


def test_events_of_many_watchers_share_one_subscription(desk_of: MakeDesk, wire: Wire) -> None:
    desk = desk_of()
    row = desk.queue()

    async def watch_both() -> tuple[int, int]:
        hub = live.Hub()
        with hub.watch(row.id) as one, hub.watch(row.id) as other, hub.watch(desk.user.id):
            await asyncio.sleep(0)
            await wire.queue.put(row.id.hex)
            await asyncio.wait_for(asyncio.gather(one.wait(), other.wait()), 30)
            during = wire.listeners
        return during, len(hub._watchers)

    assert async_to_sync(watch_both)() == (1, 0)


def test_events_are_for_who_may_see_the_run(acme_desk_of: MakeDesk, world: World) -> None:
    row = acme_desk_of().queue(status="failed")
    address = f"/orgs/acme/runs/{row.text_id}/events/"

    assert world.client("outsider").get(address).status_code == 404
    assert world.client("anonymous").get(address).status_code == 302
