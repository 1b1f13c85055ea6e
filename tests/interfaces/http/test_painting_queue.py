import asyncio
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import Any

import pytest

from fst.interfaces.http.errors import Refused
from fst.interfaces.http.painting_queue import LATER, SOMETIME, SOON, PaintingQueue
from fst.system.cancellation import Canceled, stop_if_canceled


@pytest.fixture
def queue() -> Iterator[PaintingQueue]:
    found = PaintingQueue(workers=1, places=3, per_client=2)
    yield found
    found.stop()
    found.join(time.monotonic() + 10)
    assert not any(thread.is_alive() for thread in found._threads)


class Long:
    """Work that goes on until it is told to end, or canceled."""

    def __init__(self) -> None:
        self.begun, self.end = threading.Event(), threading.Event()
        self.canceled = False

    def __call__(self) -> str:
        self.begun.set()
        try:
            while not self.end.is_set():
                stop_if_canceled()
                time.sleep(0.001)
        except Canceled:
            self.canceled = True
            raise
        return "done"


async def until(true: Callable[[], bool]) -> None:
    """Waits for it, for ten seconds at most."""
    end = time.monotonic() + 10
    while not true():
        assert time.monotonic() < end
        await asyncio.sleep(0.001)


def test_the_result_or_the_error_comes_back(queue: PaintingQueue) -> None:
    async def go() -> None:
        assert await queue.run(lambda: 3) == 3
        with pytest.raises(ZeroDivisionError):
            await queue.run(lambda: 1 // 0)
        assert await queue.run(lambda: 4) == 4  # the thread lives on

    asyncio.run(go())
    assert (queue.waiting, queue.running) == (0, 0)


def test_previews_go_before_thumbnails_and_these_before_full_pictures(queue: PaintingQueue) -> None:
    async def go() -> list[str]:
        order: list[str] = []
        first = Long()
        tasks = [asyncio.ensure_future(queue.run(first))]
        await until(first.begun.is_set)
        for name, later in (("full", LATER), ("thumbnail", SOMETIME), ("a", SOON), ("b", SOON)):
            work = queue.run(lambda name=name: order.append(name), later)  # type: ignore[misc]
            tasks.append(asyncio.ensure_future(work))
            await asyncio.sleep(0)
        assert queue.waiting == 4
        first.end.set()
        await asyncio.gather(*tasks)
        return order

    assert asyncio.run(go()) == ["a", "b", "thumbnail", "full"]


def test_a_preview_is_painted_inside_a_full_picture(queue: PaintingQueue) -> None:
    async def go() -> None:
        full = Long()
        long = asyncio.ensure_future(queue.run(full, LATER))
        await until(full.begun.is_set)
        assert await queue.run(threading.get_ident) == queue._threads[0].ident
        assert not long.done()
        other = asyncio.ensure_future(queue.run(lambda: "after", LATER))
        await asyncio.sleep(0.02)
        assert not other.done()  # one full picture after the other
        with pytest.raises(ZeroDivisionError):
            await queue.run(lambda: 1 // 0)
        full.end.set()
        assert (await long, await other) == ("done", "after")

    asyncio.run(go())


def test_what_nobody_waits_for_is_not_done(queue: PaintingQueue) -> None:
    async def go() -> None:
        running, done = Long(), []
        first = asyncio.ensure_future(queue.run(running))
        await until(running.begun.is_set)
        second = asyncio.ensure_future(queue.run(lambda: done.append(1)))
        await asyncio.sleep(0)
        assert queue.waiting == 1
        for task in (second, first):
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task
        assert queue.waiting == 0
        await until(lambda: queue.running == 0)
        assert running.canceled
        assert not done
        assert await queue.run(lambda: 5) == 5

    asyncio.run(go())


def test_seats_are_counted_for_each_client_and_for_all(queue: PaintingQueue) -> None:
    with queue.seat("a"), queue.seat("a"):
        with pytest.raises(Refused) as refused, queue.seat("a"):
            pass
        assert refused.value.status == 429
        assert refused.value.headers is not None
        assert 1 <= int(refused.value.headers["Retry-After"]) <= 60
        with queue.seat("b"), queue.seat("c"):
            with pytest.raises(Refused) as refused, queue.seat("d"):
                pass
            assert refused.value.status == 503
            assert "Retry-After" in (refused.value.headers or {})
        with queue.seat("d"):
            pass
    assert not queue._seats


def test_at_the_end_those_who_wait_are_told(queue: PaintingQueue) -> None:
    async def go() -> list[Any]:
        running = Long()
        tasks = [asyncio.ensure_future(queue.run(running))]
        await until(running.begun.is_set)
        tasks += [asyncio.ensure_future(queue.run(lambda: 1)) for _ in range(3)]
        await asyncio.sleep(0)
        queue.stop()
        return list(await asyncio.gather(*tasks, return_exceptions=True))

    results = asyncio.run(go())
    assert [error.status for error in results] == [503] * 4
    with pytest.raises(Refused), queue.seat("a"):
        pass
